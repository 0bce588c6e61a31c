// SPDX-License-Identifier: MIT
#include "harness/scenario/trace_diff.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/core/printable.h"
#include "harness/scenario/trace_fields.h"

namespace pipewrench {
namespace {

using trace_fields::visit;

constexpr std::size_t kShown = 40;  // bytes of a text

// The fields of one thing as texts.
class Texts {
 public:
  void operator()(const char* name, const auto& value) {
    fields.emplace_back(name, text_of(value));
  }
  void bits(const char* name, const auto& value, const auto&) { (*this)(name, value); }

  std::vector<std::pair<const char*, std::string>> fields;

 private:
  static std::string text_of(const std::string& text) { return '"' + printable(text) + '"'; }
  static std::string text_of(Call call) { return call == Call::count_ ? "none" : row(call).name; }
  static std::string text_of(Event event) {
    return std::string(trace_fields::kEvents[static_cast<std::size_t>(event)]);
  }

  template <class T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  static std::string text_of(const T& number) {
    if constexpr (std::is_enum_v<T>)
      return std::to_string(static_cast<unsigned>(number));
    else
      return std::to_string(number);
  }

  template <class T>
  static std::string text_of(const std::vector<T>& numbers) {
    std::string text = "[";
    for (const T& number : numbers) text += (text.size() > 1 ? " " : "") + text_of(number);
    return text + "]";
  }
};

std::string shortened(const std::string& text) {
  return text.size() <= kShown ? text : text.substr(0, kShown) + "...";
}

// The first field that is not the same; texts that only differ far behind are shown from there.
template <class T>
std::string difference_of(const T& one, const T& other) {
  Texts a;
  Texts b;
  visit(a, one);
  visit(b, other);
  for (std::size_t i = 0; i < a.fields.size(); ++i) {
    std::string& left = a.fields[i].second;
    std::string& right = b.fields[i].second;
    if (left == right) continue;
    const auto parted = std::ranges::mismatch(left, right).in1 - left.begin();
    const std::size_t from = parted > 30 ? static_cast<std::size_t>(parted) - 10 : 0;
    if (from > 0) left.replace(0, from, "..."), right.replace(0, from, "...");
    return std::string(a.fields[i].first) + " " + shortened(left) + ", then " + shortened(right);
  }
  return "";
}

std::string name_of(const Trace& trace, const Step& step) {
  std::string name =
      step.task < trace.tasks.size() ? printable(trace.tasks[step.task].name) : "nobody";
  if (step.n != 0) name += "#" + std::to_string(step.n);
  if (step.call != Call::count_) return name + " " + row(step.call).name;
  return name + " " + std::string(trace_fields::kEvents[static_cast<std::size_t>(step.event)]);
}
std::string name_of(const Trace&, const Task& task) { return printable(task.name); }
std::string name_of(const Trace&, const Object& object) { return printable(object.name); }
std::string name_of(const Trace&, const Leftover& leftover) { return printable(leftover.name); }
std::string name_of(const Trace&, const Deviation& deviation) { return print(deviation); }
std::string name_of(const Trace&, const Waiting&) { return ""; }
std::string name_of(const Trace&, const Output&) { return ""; }

std::string end_of(const Trace& trace) {
  std::string text(trace_fields::kEndings[static_cast<std::size_t>(trace.ending)]);
  if (trace.unmanaged != 0) text += ", unmanaged " + std::to_string(trace.unmanaged);
  return trace.error.empty() ? text : text + ", " + shortened(printable(trace.error));
}

// Why one of the two is not under control.
std::string why(const Step& step, const Step& other) {
  if (step.event == other.event) return "";
  for (const Step* one : {&step, &other})
    if (one->event == Event::unmanaged) return " (" + shortened(printable(one->detail)) + ")";
  return "";
}
template <class T>
std::string why(const T&, const T&) {
  return "";
}

// Two traces, kind by kind, until a difference is found.
class Comparison {
 public:
  Comparison(const Trace& one, const Trace& other) : one_(one), other_(other) {}

  template <class T>
  void list(const char* what, std::vector<T> Trace::* member) {
    if (!line_.empty()) return;
    const std::vector<T>& a = one_.*member;
    const std::vector<T>& b = other_.*member;
    const auto [left, right] = std::ranges::mismatch(a, b);
    if (left == a.end() && right == b.end()) return;
    const bool is_left = left != a.end();
    line_ = std::string(what) + " " + std::to_string(left - a.begin());
    const std::string name = is_left ? name_of(one_, *left) : name_of(other_, *right);
    line_ += name.empty() ? ": " : ", " + name + ": ";
    if (is_left && right != b.end())
      line_ += difference_of(*left, *right) + why(*left, *right);
    else
      line_ += is_left ? "in the first run only" : "in the second run only";
  }

  std::string line() const {
    if (!line_.empty() || one_ == other_) return line_;
    return "the end: " + end_of(one_) + ", then " + end_of(other_);
  }

 private:
  const Trace& one_;
  const Trace& other_;
  std::string line_;
};

}  // namespace

std::string first_difference(const Trace& one, const Trace& other) {
  Comparison comparison(one, other);
  comparison.list("step", &Trace::steps);
  comparison.list("task", &Trace::tasks);
  comparison.list("object", &Trace::objects);
  comparison.list("waiting", &Trace::waiting);
  comparison.list("left over", &Trace::leftovers);
  comparison.list("output of peer", &Trace::outputs);
  comparison.list("deviation", &Trace::plan);
  comparison.list("unused deviation", &Trace::unused);
  return comparison.line();
}

}  // namespace pipewrench
