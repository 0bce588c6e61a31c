// What must hold for each row of the table. A new row is covered by being there.
// SPDX-License-Identifier: MIT
#include "harness/syscalls/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

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
    for (unsigned n = 0; const Fault* fault = nth_fault(row.call, Realism::hostile, n); ++n) {
      EXPECT_TRUE(numbers.insert(fault->error_number).second)
          << row.name << ": errno " << fault->error_number << " is there twice";
      EXPECT_EQ(fault->effect == Effect::shorten, fault->error_number == 0) << row.name;
      EXPECT_NE(std::string(fault->when), "") << row.name;
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

TEST(table, a_level_adds_to_the_one_below_it) {
  for (const Row& row : rows()) {
    EXPECT_LE(count_faults(row.call, Realism::linux_), count_faults(row.call, Realism::posix));
    EXPECT_EQ(count_faults(row.call, Realism::posix) + hostile_faults(row.call).size(),
              count_faults(row.call, Realism::hostile))
        << row.name << ": hostile faults belong into hostile.cpp";
  }
}

// What the checklist says in words of its own, by call and errno; "" stands for each.
struct LeftOut {
  std::string call, error, why;
};
const std::vector<LeftOut>& left_out() {
  static const std::vector<LeftOut> all = {
      {"ftok", "", "a library function: its stat(2) fails"},
      {"sigaction", "", "never trapped: bad arguments only"},
      {"fcntl", "", "F_SETPIPE_SZ is never trapped"},
      {"lseek", "", "never trapped: no program means to"},
      {"SIGPIPE", "", "of write"},
      {"FIFO", "", "of mkfifo and open"},
      {"msgctl", "EAGAIN", "of the next msgsnd"},
      {"shmctl", "ENOENT", "of the next shmget"},
      {"signalfd", "EAGAIN", "of a read of it"},
      {"poll", "EAGAIN", "of the read"},
      {"tee", "ESPIPE", "it takes no offset"},
  };
  return all;
}
bool is_left_out(const std::string& call, const std::string& error) {
  return std::ranges::any_of(left_out(), [&](const LeftOut& one) {
    return one.call == call && (one.error.empty() || one.error == error);
  });
}

// "msgctl IPC_STAT", "read / poll", "waitpid": the rows that are meant.
std::vector<const Row*> rows_named(const std::string& text) {
  static const std::map<std::string, std::string> kOther = {
      {"pipe", "pipe2"}, {"waitpid", "wait"}, {"semtimedop", "semop"}, {"real-time", "kill"}};
  std::vector<const Row*> named;
  static const std::regex kWord("[A-Za-z0-9_-]+");
  for (std::sregex_iterator at(text.begin(), text.end(), kWord), end; at != end; ++at) {
    const auto other = kOther.find(at->str());
    for (const Row& row : rows())
      if (row.name == (other == kOther.end() ? at->str() : other->second)) named.push_back(&row);
  }
  return named;
}

std::set<std::string> errors_in(const std::string& text) {
  static const std::regex kNot("not E[A-Z0-9]+"), kError("\\bE[A-Z0-9]+\\b");
  const std::string said = std::regex_replace(text, kNot, "");
  std::set<std::string> errors;
  for (std::sregex_iterator at(said.begin(), said.end(), kError), end; at != end; ++at)
    if (at->str() != "EOF") errors.insert(at->str());
  return errors;
}

bool is_in_table(Call call, const std::string& error) {
  for (unsigned n = 0; const Fault* fault = nth_fault(call, Realism::hostile, n); ++n)
    if (fault->effect == Effect::fail && error == ::strerrorname_np(fault->error_number))
      return true;
  return false;
}

TEST(table, knows_every_error_of_the_checklist) {
  std::ifstream file(ERRNO_CHECKLIST);
  std::size_t lines = 0, known = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    ++lines;
    std::istringstream columns(line);
    std::string area, call, condition, result;
    for (std::string* column : {&area, &call, &condition, &result})
      std::getline(columns, *column, '\t');
    const std::string first = call.substr(0, call.find_first_of(" /"));
    const auto named = rows_named(call);
    for (const std::string& error : errors_in(result)) {
      if (is_left_out(first, error)) continue;
      EXPECT_FALSE(named.empty()) << line;
      for (const Row* row : named) {
        known += is_in_table(row->call, error) ? 1 : 0;
        EXPECT_TRUE(is_in_table(row->call, error) || is_left_out(row->name, error)) << line;
      }
    }
  }
  EXPECT_EQ(lines, 217U);
  EXPECT_GT(known, 100U);
}

}  // namespace
}  // namespace pipewrench
