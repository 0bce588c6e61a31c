// The one error value of the IPC library: what was called, with which arguments, what the kernel
// said, and which kind of failure that is to the caller. Expected failures travel as Result<T>;
// nothing throws.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>

namespace ipc {

// What a caller can do about a failure. Callers branch on the kind and print the rest.
enum class Kind : std::uint8_t {
  would_block,   // nothing to do now and the deadline was Deadline::now()
  timed_out,     // the deadline passed
  interrupted,   // a signal handler ran and the call's policy is to tell the caller
  peer_gone,     // EPIPE, ECONNRESET, ESRCH: the other side has ended
  removed,       // EIDRM, or EINVAL on an id that used to be valid: the object was removed
  exists,        // asked for exclusive creation, the object is there
  not_found,     // no such object
  too_big,       // more data than the receiver, or the object, takes
  no_space,      // a kernel or file system limit is reached
  permission,    // EACCES, EPERM, or an object that others could write
  stale,         // left by a dead run
  corrupt,       // bytes that break the format
  truncated,     // the peer ended inside a message, or a part of it was cut off
  wrong_type,    // something else stands under that name
  bad_argument,  // refused before the kernel saw it, or EINVAL/EFAULT from it
  system,        // any other errno
};

const char* name(Kind kind);

// One argument of the failed call: {"mtype", -1} prints as mtype=-1.
struct Argument {
  const char* name = nullptr;
  long value = 0;
};

struct Error {
  Kind kind = Kind::system;
  int number = 0;                       // errno; 0 where the library itself refused
  const char* call = "";                // the system call, or the library's operation
  std::array<Argument, 4> arguments{};  // unused entries have no name
  std::string subject;                  // the path, or a reason in words; may be empty

  // "msgsnd(msqid=3, mtype=0): EINVAL: Invalid argument [bad_argument]"
  std::string describe() const;
};

template <class T = void>
using Result = std::expected<T, Error>;
using Failure = std::unexpected<Error>;

// The kind that an errno usually means; calls with their own rules pass a kind to fail().
Kind kind_of(int error_number);

// From errno as it stands. The kind comes from kind_of().
Failure fail(const char* call, std::array<Argument, 4> arguments = {}, std::string subject = {});
// The same, with the kind chosen by the caller.
Failure fail(Kind kind, int error_number, const char* call, std::array<Argument, 4> arguments = {},
             std::string subject = {});

}  // namespace ipc
