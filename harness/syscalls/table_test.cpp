// What must hold for each row of the table. A new row is covered by being there.
// SPDX-License-Identifier: MIT
#include "harness/syscalls/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>

namespace pipewrench {
namespace {

// Rows for which Linux has no permanent failure at this level; why, in a word each. Retry loops
// over them still end: once the input's choices are used up, the real call runs.
bool has_no_permanent_failure(Call call, Realism level) {
  // EINTR is all there is: nanosleep(2), pause(2), epoll_wait(2); of wait(2) what a right program
  // meets.
  for (const Call only :
       {Call::nanosleep, Call::pause, Call::sigsuspend, Call::epoll_wait, Call::wait})
    if (call == only) return true;
  return call == Call::read &&
         level == Realism::linux_;  // a pipe never gives EIO; an error would be a bug
}

class EachLevel : public testing::TestWithParam<Realism> {};

TEST_P(EachLevel, first_fault_of_each_row_is_permanent) {
  for (const Row& row : rows()) {
    const auto first = std::ranges::find_if(
        row.faults, [](const Fault& fault) { return fault.realism <= GetParam(); });
    if (first == row.faults.end() || has_no_permanent_failure(row.call, GetParam())) continue;
    EXPECT_FALSE(is_transient(row.call, *first))
        << row.name << ": put a permanent fault before \"" << first->when << '"';
  }
}

INSTANTIATE_TEST_SUITE_P(table, EachLevel,
                         testing::Values(Realism::linux_, Realism::posix, Realism::hostile));

TEST(table, rows_have_distinct_names_and_are_found_by_call) {
  std::set<std::string> names;
  for (const Row& row : rows()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " is there twice";
    EXPECT_EQ(&pipewrench::row(row.call), &row);
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Call::count_));
}

TEST(table, faults_of_a_row_are_distinct_and_say_when) {
  for (const Row& row : rows()) {
    std::set<int> numbers;
    for (const Fault& fault : row.faults) {
      EXPECT_TRUE(numbers.insert(fault.error_number).second)
          << row.name << ": errno " << fault.error_number << " is there twice";
      EXPECT_EQ(fault.effect == Effect::shorten, fault.error_number == 0) << row.name;
      EXPECT_NE(std::string(fault.when), "") << row.name;
    }
  }
}

TEST(table, only_transfers_are_shortened) {
  for (const Row& row : rows()) {
    const bool transfers = row.call == Call::read || row.call == Call::write ||
                           row.call == Call::send || row.call == Call::recv;
    EXPECT_EQ(transfers,
              std::ranges::any_of(
                  row.faults, [](const Fault& fault) { return fault.effect == Effect::shorten; }))
        << row.name;
  }
}

TEST(table, eagain_is_final_where_it_means_timeout_or_limit) {
  const Fault again{Effect::fail, EAGAIN, Realism::linux_, "test"};
  EXPECT_TRUE(is_transient(Call::read, again));
  EXPECT_FALSE(is_transient(Call::sigtimedwait, again));
  EXPECT_FALSE(is_transient(Call::timer, again));
}

}  // namespace
}  // namespace pipewrench
