// SPDX-License-Identifier: MIT
#include "harness/scenario/plan.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <utility>

#include "harness/core/printable.h"
#include "harness/syscalls/table.h"

namespace pipewrench {
namespace {

constexpr std::size_t kShown = 60;    // bytes of a wrong text in a message
constexpr int kMaxErrno = 4095;       // errno(3): what a system call can return
constexpr int kLastNamedErrno = 133;  // EHWPOISON

// The deviations that are nothing but words behind "task#n ".
struct Plain {
  Deviate kind;
  std::string_view words;
};
constexpr std::array kPlain = {Plain{Deviate::kill, "kill"},
                               Plain{Deviate::kill_after, "kill after"},
                               Plain{Deviate::remove, "remove"}, Plain{Deviate::fill, "fill"},
                               Plain{Deviate::timeout_first, "timeout first"}};

// Second names of one number.
struct Alias {
  std::string_view name;
  int number;
};
constexpr std::array kErrnoAliases = {Alias{"EWOULDBLOCK", EAGAIN}, Alias{"ENOTSUP", EOPNOTSUPP},
                                      Alias{"EDEADLOCK", EDEADLK}};
constexpr std::array kSignalAliases = {Alias{"SIGIO", SIGIO}};

bool is_name_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_.+-/:").find(c) != std::string_view::npos;
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end;
}

// A number of the text form of names that are none: "133".
int number_of(std::string_view text, int most) {
  int number = 0;
  return parse_number(text, number) && number > 0 && number <= most ? number : 0;
}

bool is_call(std::string_view name) {
  return std::ranges::any_of(rows(), [&](const Row& row) { return name == row.name; });
}

std::vector<std::string_view> split(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  std::vector<std::string_view> words;
  for (;;) {
    const std::size_t start = line.find_first_not_of(kBlank);
    if (start == std::string_view::npos || line[start] == '#') return words;
    line.remove_prefix(start);
    const std::size_t size = std::min(line.find_first_of(kBlank), line.size());
    words.push_back(line.substr(0, size));
    line.remove_prefix(size);
  }
}

// One line. The first thing that is wrong is in `cause`.
class Line {
 public:
  explicit Line(std::vector<std::string_view> words) : words_(std::move(words)) {}

  std::expected<Deviation, std::string> parse() {
    if (words_.size() == 4 && words_[0] == "before" && words_[2] == "run") {
      deviation_.kind = Deviate::preempt;
      place(words_[1]);
      task(words_[3], deviation_.other);
    } else if (words_.size() == 2 && words_[1] == "restart") {
      deviation_.kind = Deviate::restart;
      task(words_[0], deviation_.task);
    } else {
      place(words_[0]);
      behind_place();
    }
    if (!cause_.empty()) return std::unexpected(cause_);
    return deviation_;
  }

 private:
  void wrong(const char* what, std::string_view text, const char* right) {
    if (cause_.empty())
      cause_ = std::string(what) + " \"" + printable(text, kShown) + "\": " + right;
  }

  void task(std::string_view text, std::string& name) {
    if (!is_task_name(text)) wrong("task", text, "a name has letters, digits and _.+-/: only");
    name = text;
  }

  void place(std::string_view text) {
    const std::size_t mark = text.find('#');
    if (mark == std::string_view::npos) return wrong("place", text, "it looks like writer#12");
    task(text.substr(0, mark), deviation_.task);
    if (!parse_number(text.substr(mark + 1), deviation_.n) || deviation_.n == 0)
      wrong("place", text, "behind # comes the number of a call, from 1");
  }

  void behind_place() {
    const std::size_t count = words_.size() - 1;
    const auto is_plain = [&](const Plain& plain) {
      const bool is_pair =
          count == 2 && plain.words == std::string(words_[1]) + " " + std::string(words_[2]);
      return is_pair || (count == 1 && plain.words == words_[1]);
    };
    if (const auto* plain = std::ranges::find_if(kPlain, is_plain); plain != kPlain.end()) {
      deviation_.kind = plain->kind;
    } else if (count == 2 && words_[1] == "signal") {
      deviation_.kind = Deviate::signal;
      deviation_.number = signal_of(words_[2]);
      if (deviation_.number == 0) wrong("signal", words_[2], "not known; it looks like SIGTERM");
    } else if (count == 2 && words_[1] == "wake") {
      deviation_.kind = Deviate::wake;
      task(words_[2], deviation_.other);
    } else if (count == 3 && (words_[2] == "short" || words_[2] == "fail")) {
      behind_call();
    } else {
      unknown();
    }
  }

  void behind_call() {
    deviation_.call = words_[1];
    if (!is_call(words_[1])) wrong("call", words_[1], "not in the table of calls");
    if (words_[2] == "fail") {
      deviation_.kind = Deviate::fail;
      deviation_.number = errno_of(words_[3]);
      if (deviation_.number == 0) wrong("errno", words_[3], "not known; it looks like EIDRM");
    } else {
      deviation_.kind = Deviate::shorten;
      if (!parse_number(words_[3], deviation_.amount) || deviation_.amount == 0)
        wrong("short", words_[3], "it is a number of bytes, from 1");
    }
  }

  void unknown() {
    std::string rest;
    for (std::size_t i = 1; i < words_.size(); ++i)
      rest += (i > 1 ? " " : "") + std::string(words_[i]);
    wrong("deviation", rest,
          "known are before T#N run T; T restart; T#N and CALL short BYTES, CALL fail ERRNO, kill, "
          "kill after, signal SIGNAL, remove, fill, wake T, timeout first");
  }

  std::vector<std::string_view> words_;
  Deviation deviation_;
  std::string cause_;
};

}  // namespace

std::string BadInput::text() const {
  return printable(file) + ":" + (line != 0 ? std::to_string(line) + ":" : "") + " " + cause;
}

bool is_task_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxTaskName && std::ranges::all_of(name, is_name_letter);
}

std::string print(const Deviation& d) {
  const std::string place = d.task + "#" + std::to_string(d.n);
  switch (d.kind) {
    case Deviate::preempt:
      return "before " + place + " run " + d.other;
    case Deviate::shorten:
      return place + " " + d.call + " short " + std::to_string(d.amount);
    case Deviate::fail:
      return place + " " + d.call + " fail " + errno_name(d.number);
    case Deviate::restart:
      return d.task + " restart";
    case Deviate::signal:
      return place + " signal " + signal_name(d.number);
    case Deviate::wake:
      return place + " wake " + d.other;
    case Deviate::kill:
    case Deviate::kill_after:
    case Deviate::remove:
    case Deviate::fill:
    case Deviate::timeout_first:
      break;
  }
  return place + " " + std::string(std::ranges::find(kPlain, d.kind, &Plain::kind)->words);
}

std::string print(const Plan& plan) {
  std::string text;
  for (const Deviation& deviation : plan) text += print(deviation) + "\n";
  return text;
}

std::expected<Plan, BadInput> parse_plan(std::string_view text, const std::string& file) {
  Plan plan;
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    const auto bad = [&](std::string cause) {
      return std::unexpected(BadInput{file, number, std::move(cause)});
    };
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (number > kMaxPlanLines) return bad("more than " + std::to_string(kMaxPlanLines) + " lines");
    if (line.size() > kMaxPlanLine)
      return bad("longer than " + std::to_string(kMaxPlanLine) + " bytes");
    const std::vector<std::string_view> words = split(line);
    if (words.empty()) continue;
    auto deviation = Line(words).parse();
    if (!deviation) return bad(deviation.error());
    plan.push_back(*std::move(deviation));
  }
  return plan;
}

std::string errno_name(int number) {
  const char* name = number > 0 ? strerrorname_np(number) : nullptr;
  return name != nullptr ? name : std::to_string(number);
}

int errno_of(std::string_view name) {
  for (int number = 1; number <= kLastNamedErrno; ++number)
    if (name == errno_name(number)) return number;
  const auto* alias = std::ranges::find(kErrnoAliases, name, &Alias::name);
  return alias != kErrnoAliases.end() ? alias->number : number_of(name, kMaxErrno);
}

std::string signal_name(int number) {
  const char* name = sigabbrev_np(number);
  return name != nullptr ? std::string("SIG") + name : std::to_string(number);
}

int signal_of(std::string_view name) {
  for (int number = 1; number <= SIGSYS; ++number)
    if (name == signal_name(number)) return number;
  const auto* alias = std::ranges::find(kSignalAliases, name, &Alias::name);
  return alias != kSignalAliases.end() ? alias->number : number_of(name, SIGRTMAX);
}

}  // namespace pipewrench
