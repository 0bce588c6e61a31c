// SPDX-License-Identifier: MIT
#include "harness/finding/ladder.h"

#include <sys/wait.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "harness/core/printable.h"

namespace pipewrench {
namespace {

constexpr std::size_t kNumberWidth = 6;
constexpr std::size_t kNarrowest = 24;  // column
constexpr std::size_t kWidest = 60;
constexpr std::size_t kShownData = 24;

struct Marks {
  const char* column;
  const char* deviation;
  const char* gap;
  const char* cut;
};
constexpr Marks kAscii = {" | ", "* ", "...", "~"};
constexpr Marks kUtf8 = {" \xe2\x94\x82 ", "\xe2\x96\xb8 ", "\xe2\x8b\xae", "\xe2\x80\xa6"};

std::string object_of(const Trace& trace, const Step& step) {
  return step.object < trace.objects.size() ? printable(trace.objects[step.object].name) : "";
}
std::string task_of(const Trace& trace, std::uint32_t task) {
  return task < trace.tasks.size() ? printable(trace.tasks[task].name) : "?";
}

bool is_control(Call call) {
  return call == Call::msgctl || call == Call::semctl || call == Call::shmctl;
}

std::string data_of(const Step& step) {
  if (step.call == Call::semop || step.call == Call::semctl)
    return step.data.empty() ? "" : ", now " + printable(step.data, kShownData);
  return step.data.empty() ? "" : " \"" + printable(step.data, kShownData) + '"';
}

std::string call_text(const Trace& trace, const Step& step) {
  std::string text = '#' + std::to_string(step.n) + ' ';
  text += step.call < Call::count_ ? row(step.call).name : "?";
  const bool is_signal = step.call == Call::kill || step.call == Call::pidfd_send_signal;
  std::string what = object_of(trace, step);
  if (is_signal)
    what = (step.other < trace.tasks.size() ? task_of(trace, step.other) + ", " : "") +
           sentence(step.detail);
  else if (what.empty())
    what = sentence(step.detail).substr(0, 2 * kShownData);
  else if (step.call == Call::msgsnd || (step.call == Call::msgrcv && step.number != 0))
    what += ", mtype " + std::to_string(step.number);
  else if (step.call == Call::semop || is_control(step.call))
    what += (step.detail.empty() ? "" : ", ") + printable(step.detail, kShownData);
  text += '(' + what + ')';
  if (step.event == Event::waits) return text + " waits";
  if (step.result < 0)
    text += " = " + errno_name(static_cast<int>(-step.result));
  else if ((step.flags & kUnknownResult) == 0)
    text += " = " + std::to_string(step.result);
  const bool is_write = step.call == Call::write || step.call == Call::send;
  if (is_write && (step.flags & kShort) != 0) text += " of " + std::to_string(step.asked);
  if ((step.flags & kInjected) != 0) text += " (made so)";
  if ((step.flags & kTimedOut) != 0) text += " (timed out)";
  return text + data_of(step);
}

std::string death_text(const Trace& trace, const Step& step) {
  const auto status = static_cast<int>(step.result);
  if (step.task < trace.tasks.size() && trace.tasks[step.task].killed_by_plan)
    return "is killed by the plan";
  if (WIFSIGNALED(status)) return "dies of " + signal_name(WTERMSIG(status));
  return "exits with " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

std::string step_text(const Trace& trace, const Step& step) {
  switch (step.event) {
    case Event::call:
    case Event::waits:
      return call_text(trace, step);
    case Event::delivered:
      return "handler of " + signal_name(static_cast<int>(step.number)) +
             ((step.flags & kDuring) != 0 ? ", in a call" : "");
    case Event::stored:
      return "stores in " + object_of(trace, step) + data_of(step);
    case Event::born:
      return "starts";
    case Event::exec:
      return "runs another program" + (step.detail.empty() ? "" : ": " + printable(step.detail));
    case Event::died:
      return death_text(trace, step);
    case Event::restarted:
      return "is started again";
    case Event::timer:
      return "its timer comes: " + signal_name(static_cast<int>(step.number));
    case Event::teardown:
      return "all are told to end: " + signal_name(static_cast<int>(step.number));
    case Event::unmanaged:
      return "not managed: " + printable(step.detail);
  }
  return "";
}

namespace {

bool is_again(const Step& one, const Step& other) {
  return one.event == other.event && one.call == other.call && one.task == other.task &&
         one.object == other.object && one.result == other.result && one.data == other.data &&
         one.other == other.other;
}

struct Block {
  std::size_t steps = 1, times = 1;
};

// What a loop does is one block: the shortest run of steps from here on that comes three times or
// more in a row.
Block block_at(const Trace& trace, std::span<const std::uint32_t> steps, std::size_t first) {
  constexpr std::size_t kLongest = 8;
  for (std::size_t length = 1; length <= kLongest; ++length) {
    std::size_t end = first + length;
    while (end < steps.size() &&
           is_again(trace.steps[steps[end - length]], trace.steps[steps[end]]))
      ++end;
    if (const std::size_t times = (end - first) / length; times >= 3) return {length, times};
  }
  return {};
}

}  // namespace

std::size_t place_of(const Trace& trace, const Deviation& deviation) {
  const bool is_kill = deviation.kind == Deviate::kill || deviation.kind == Deviate::kill_after;
  std::size_t after = 0;
  for (std::size_t i = 0; i < trace.steps.size(); ++i) {
    const Step& step = trace.steps[i];
    if (step.task >= trace.tasks.size()) continue;
    const std::string& name = trace.tasks[step.task].name;
    const bool is_its = name == deviation.task;
    if (deviation.kind == Deviate::preempt) {
      if (is_its && step.n != 0 && step.n < deviation.n) after = i + 1;
    } else if (deviation.kind == Deviate::restart) {
      if (is_its && step.event == Event::restarted) return i;
    } else if (is_kill && is_its && step.event == Event::died) {
      return i;
    } else if (!is_kill && is_its && step.n == deviation.n) {
      return i;
    }
  }
  if (deviation.kind != Deviate::preempt) return trace.steps.size();
  for (std::size_t i = after; i < trace.steps.size(); ++i)
    if (trace.steps[i].task < trace.tasks.size() &&
        trace.tasks[trace.steps[i].task].name == deviation.other)
      return i;
  return trace.steps.size();
}

namespace {

// Characters, not bytes: names are ASCII by now, our own marks are not. What a call is about is cut
// before its result is.
std::string fitted(std::string text, std::size_t width, const Marks& marks) {
  constexpr std::size_t kResult = 16;  // ") = EADDRNOTAVAIL"
  if (text.size() <= width) {
    text.resize(width, ' ');
    return text;
  }
  const std::size_t result = text.find(") = ");
  const bool would_go = result != std::string::npos && result + kResult > width;
  const std::string end = would_go && width >= 2 * kResult ? text.substr(result, kResult) : "";
  return text.substr(0, width - 1 - end.size()) + marks.cut + end;
}

void end_line(std::string& text) {
  while (!text.empty() && text.back() == ' ') text.pop_back();
  text += '\n';
}

class Ladder {
 public:
  Ladder(const Trace& trace, std::span<const std::uint32_t> steps, const LadderStyle& style)
      : trace_(trace), steps_(steps), marks_(style.utf8 ? kUtf8 : kAscii) {
    std::set<std::uint32_t> tasks;
    for (const std::uint32_t at : steps)
      if (trace.steps[at].task < trace.tasks.size()) tasks.insert(trace.steps[at].task);
    columns_.assign(tasks.begin(), tasks.end());
    const std::size_t room = style.width > kNumberWidth ? style.width - kNumberWidth : 0;
    const std::size_t each = columns_.empty() ? 0 : room / columns_.size();
    is_list_ = each < kNarrowest;
    width_ = is_list_ ? std::max(room, kNarrowest) : std::min(each - 3, kWidest);
  }

  std::string text() {
    if (steps_.empty()) return "";
    if (!is_list_) head();
    std::vector<std::pair<std::size_t, const Deviation*>> deviations;
    for (const Deviation& deviation : trace_.plan)
      deviations.emplace_back(place_of(trace_, deviation), &deviation);
    std::ranges::sort(deviations);
    auto deviation = deviations.begin();
    std::size_t next = 0;  // step
    for (std::size_t i = 0; i < steps_.size();) {
      const Block block = block_at(trace_, steps_, i);
      const std::size_t end = i + block.steps;
      for (; i < end; ++i) {
        const std::uint32_t at = steps_[i];
        for (; deviation != deviations.end() && deviation->first <= at; ++deviation) {
          out_ += std::string(kNumberWidth, ' ') + marks_.deviation +
                  printable(print(*deviation->second));
          end_line(out_);
        }
        if (at > next && i > 0) gap(at - next);
        row(at, block.steps == 1 ? block.times : 1);
        next = at + 1;
      }
      if (block.times == 1) continue;
      i += block.steps * (block.times - 1);
      next = steps_[i - 1] + 1;
      if (block.steps > 1) again(block);
    }
    return std::move(out_);
  }

 private:
  void head() {
    out_ += std::string(kNumberWidth, ' ');
    for (std::size_t i = 0; i < columns_.size(); ++i)
      out_ += (i == 0 ? "" : marks_.column) + fitted(task_of(trace_, columns_[i]), width_, marks_);
    end_line(out_);
  }

  void gap(std::size_t left_out) {
    out_ += std::string(kNumberWidth - 2, ' ') + marks_.gap + ' ' + std::to_string(left_out) +
            (left_out == 1 ? " step" : " steps");
    end_line(out_);
  }

  void again(const Block& block) {
    out_ += std::string(kNumberWidth - 2, ' ') + marks_.gap + ' ' + "these " +
            std::to_string(block.steps) + " rows come " + std::to_string(block.times) + " times";
    end_line(out_);
  }

  void row(std::uint32_t at, std::size_t times) {
    const Step& step = trace_.steps[at];
    std::string text = step_text(trace_, step);
    if (times > 1) text += ", " + std::to_string(times) + " times";
    const std::string number = std::to_string(at);
    out_ += std::string(kNumberWidth - 1 - std::min(number.size(), kNumberWidth - 1), ' ') +
            number + ' ';
    if (is_list_) {
      out_ += (step.task < trace_.tasks.size() ? task_of(trace_, step.task) + ' ' : "") + text;
    } else {
      for (std::size_t column = 0; column < columns_.size(); ++column)
        out_ += (column == 0 ? "" : marks_.column) +
                fitted(columns_[column] == step.task ? text : "", width_, marks_);
      if (step.task >= trace_.tasks.size())
        out_.replace(out_.rfind('\n') + 1 + kNumberWidth, text.size(), text);
    }
    end_line(out_);
  }

  const Trace& trace_;
  std::span<const std::uint32_t> steps_;
  const Marks& marks_;
  std::vector<std::uint32_t> columns_;  // tasks
  std::size_t width_ = 0;               // of one
  bool is_list_ = false;
  std::string out_;
};

}  // namespace

std::string ladder(const Trace& trace, std::span<const std::uint32_t> steps,
                   const LadderStyle& style) {
  return Ladder(trace, steps, style).text();
}
std::string ladder(const Trace& trace, const LadderStyle& style) {
  std::vector<std::uint32_t> all(trace.steps.size());
  std::iota(all.begin(), all.end(), 0U);
  return ladder(trace, all, style);
}

namespace {

// Names of tasks that the finding or its plan speaks of; of a restarted one both lives.
bool is_named(const Finding& finding, const std::string& name) {
  const std::string base = name.substr(0, name.find('~'));
  const auto is_it = [&](const std::string& other) { return other == name || other == base; };
  return std::ranges::any_of(finding.peers, is_it) ||
         std::ranges::any_of(finding.plan, [&](const Deviation& deviation) {
           return is_it(deviation.task) || is_it(deviation.other);
         });
}

std::size_t end_of_story(const Trace& trace) {
  const auto teardown = std::ranges::find(trace.steps, Event::teardown, &Step::event);
  return static_cast<std::size_t>(teardown - trace.steps.begin());
}

class Relevant {
 public:
  explicit Relevant(const Finding& finding) : finding_(finding), trace_(finding.trace) {
    for (const Task& task : trace_.tasks) named_.push_back(is_named(finding, task.name));
    if (finding.step < trace_.steps.size()) objects_.insert(trace_.steps[finding.step].object);
    for (const Waiting& waiting : trace_.waiting) {
      waits_.insert(waiting.step);
      if (waiting.step < trace_.steps.size() && is_named_task(waiting.task))
        objects_.insert(trace_.steps[waiting.step].object);
    }
    for (const Deviation& deviation : trace_.plan) {
      const std::size_t at = place_of(trace_, deviation);
      if (at >= trace_.steps.size()) continue;
      places_.insert(at);
      if (deviation.kind != Deviate::preempt) objects_.insert(trace_.steps[at].object);
    }
    objects_.erase(kNoObject);
  }

  std::vector<std::uint32_t> steps() const {
    std::vector<std::uint32_t> found;
    const std::size_t end = std::max<std::size_t>(end_of_story(trace_), finding_.step + 1);
    for (std::uint32_t i = 0; i < std::min(end, trace_.steps.size()); ++i)
      if (i == finding_.step || places_.contains(i) || tells(i)) found.push_back(i);
    return shortened(std::move(found));
  }

 private:
  bool is_named_task(std::uint32_t task) const { return task < named_.size() && named_[task]; }

  bool tells(std::uint32_t i) const {
    const Step& step = trace_.steps[i];
    switch (step.event) {
      case Event::call:
        return objects_.contains(step.object) ||
               (step.other < named_.size() && named_[step.other]) ||
               (objects_.empty() && is_named_task(step.task));
      case Event::stored:
        return objects_.contains(step.object);
      case Event::waits:
        return waits_.contains(i);
      case Event::delivered:
      case Event::died:
      case Event::restarted:
        return is_named_task(step.task);
      default:
        return false;
    }
  }

  // The beginning says who met at what; the end is what the finding is about. What repeats is one
  // row, however often.
  std::vector<std::uint32_t> shortened(std::vector<std::uint32_t> found) const {
    std::vector<std::size_t> rows;  // index in `found` of the first step of each
    std::size_t at = 0;             // row of the finding
    for (std::size_t i = 0; i < found.size();) {
      const Block block = block_at(trace_, found, i);
      for (std::size_t end = i + block.steps; i < end; ++i) {
        rows.push_back(i);
        if (found[i] <= finding_.step) at = rows.size();
      }
      i += block.steps * (block.times - 1);
    }
    if (rows.size() <= kMostRows) return found;
    std::vector<std::uint32_t> kept;
    for (const std::size_t row : telling_rows(found, rows, at > 0 ? at - 1 : 0)) {
      const std::size_t end = row + 1 < rows.size() ? rows[row + 1] : found.size();
      for (std::size_t i = rows[row]; i < end; ++i) kept.push_back(found[i]);
    }
    return kept;
  }

  // As many as there is room for: the beginning, what the plan does, the finding, what failed, and
  // what came before the finding, the nearest first.
  std::set<std::size_t> telling_rows(const std::vector<std::uint32_t>& found,
                                     const std::vector<std::size_t>& rows,
                                     std::size_t finding) const {
    constexpr std::size_t kFirst = 6, kAround = 2;
    std::set<std::size_t> kept;
    const auto keep = [&](std::size_t row) {
      if (row < rows.size() && kept.size() < kMostRows) kept.insert(row);
    };
    const auto keep_around = [&](std::size_t row, std::size_t more) {
      for (std::size_t i = row - std::min(row, more); i <= row + more; ++i) keep(i);
    };
    for (std::size_t row = 0; row < kFirst; ++row) keep(row);
    for (std::size_t row = 0; row < rows.size(); ++row)
      if (places_.contains(found[rows[row]])) keep_around(row, kAround);
    keep_around(finding, 2 * kAround);
    for (std::size_t row = finding + 1; row-- > 0;)
      if (trace_.steps[found[rows[row]]].result < 0) keep(row);
    for (std::size_t row = finding + 1; row <= finding + kMostRows / 4; ++row) keep(row);
    for (std::size_t row = finding + 1; row-- > 0;) keep(row);
    for (std::size_t row = finding; row < rows.size(); ++row) keep(row);
    return kept;
  }

  const Finding& finding_;
  const Trace& trace_;
  std::vector<bool> named_;  // of each task
  std::set<std::uint32_t> objects_;
  std::set<std::uint32_t> waits_;  // steps
  std::set<std::size_t> places_;   // steps of deviations
};

}  // namespace

std::vector<std::uint32_t> relevant_steps(const Finding& finding) {
  return Relevant(finding).steps();
}

}  // namespace pipewrench
