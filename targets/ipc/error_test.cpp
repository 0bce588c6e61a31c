// SPDX-License-Identifier: MIT
#include "targets/ipc/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace ipc {
namespace {

TEST(error, each_kind_has_a_name_of_its_own) {
  std::set<std::string> names;
  for (int kind = 0; kind <= static_cast<int>(Kind::system); ++kind)
    EXPECT_TRUE(names.insert(name(static_cast<Kind>(kind))).second) << kind;
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_STREQ(name(static_cast<Kind>(200)), "unknown");
}

TEST(error, kind_follows_from_errno) {
  const struct {
    int number;
    Kind kind;
  } rows[] = {
      {EAGAIN, Kind::would_block}, {ENOMSG, Kind::would_block},  {ETIMEDOUT, Kind::timed_out},
      {EINTR, Kind::interrupted},  {EPIPE, Kind::peer_gone},     {ECONNRESET, Kind::peer_gone},
      {ESRCH, Kind::peer_gone},    {EIDRM, Kind::removed},       {EEXIST, Kind::exists},
      {ENOENT, Kind::not_found},   {E2BIG, Kind::too_big},       {EMSGSIZE, Kind::too_big},
      {ENOSPC, Kind::no_space},    {EMFILE, Kind::no_space},     {EACCES, Kind::permission},
      {EPERM, Kind::permission},   {EINVAL, Kind::bad_argument}, {EFAULT, Kind::bad_argument},
      {ENOTDIR, Kind::wrong_type}, {ENOTSOCK, Kind::wrong_type}, {EIO, Kind::system}};
  for (const auto& [number, kind] : rows) EXPECT_STREQ(name(kind_of(number)), name(kind)) << number;
}

TEST(error, takes_errno_as_it_stands) {
  errno = EPIPE;
  const Failure failure = fail("write", {{{"fd", 3}}});
  EXPECT_EQ(failure.error().number, EPIPE);
  EXPECT_EQ(failure.error().kind, Kind::peer_gone);
}

TEST(error, describes_call_arguments_errno_and_kind) {
  const Failure failure =
      fail(Kind::bad_argument, EINVAL, "msgsnd", {{{"msqid", 3}, {"mtype", 0}}});
  EXPECT_EQ(failure.error().describe(),
            "msgsnd(msqid=3, mtype=0): EINVAL: Invalid argument [bad_argument]");
}

TEST(error, describes_what_the_library_itself_refused) {
  const Failure failure = fail(Kind::wrong_type, 0, "fifo", {}, "/a/b is a directory");
  EXPECT_EQ(failure.error().describe(), "fifo(): /a/b is a directory [wrong_type]");
}

TEST(error, describes_a_number_that_libc_does_not_know) {
  const Failure failure = fail(Kind::system, 4095, "read");
  EXPECT_EQ(failure.error().describe(), "read(): 4095: unknown error [system]");
}

}  // namespace
}  // namespace ipc
