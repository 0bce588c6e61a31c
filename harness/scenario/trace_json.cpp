// SPDX-License-Identifier: MIT
#include "harness/scenario/trace_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <type_traits>
#include <utility>

#include "harness/core/printable.h"
#include "harness/scenario/trace_check.h"
#include "harness/scenario/trace_fields.h"

namespace pipewrench {
namespace {

using Json = nlohmann::ordered_json;
using trace_fields::visit;
using Names = std::span<const std::string_view>;

constexpr const char* kVersionKey = "pipewrench_trace";
constexpr int kVersion = 1;

template <class T>
concept Integer = std::is_integral_v<T> && !std::same_as<T, bool>;

Names names_of(ObjectKind) { return trace_fields::kObjectKinds; }
Names names_of(Event) { return trace_fields::kEvents; }
Names names_of(Ending) { return trace_fields::kEndings; }

std::string bit_name(std::size_t bit, Names names) {
  return bit < names.size() ? std::string(names[bit]) : "bit" + std::to_string(bit);
}

// Each byte as one character; JSON has no bytes, and what peers write need not be UTF-8.
std::string utf8_of_bytes(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80)
      text += c;
    else
      text += {static_cast<char>(0xc0 | byte >> 6), static_cast<char>(0x80 | (byte & 0x3f))};
  }
  return text;
}

// `text` is UTF-8: the JSON parser saw to that. False: a character above U+00FF.
bool bytes_of_utf8(std::string_view text, std::string& bytes) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first > 0xc3) return false;
    if (first < 0x80)
      bytes += text[i];
    else
      bytes += static_cast<char>((first & 3) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f));
  }
  return true;
}

class Writer {
 public:
  // What equals its counterpart in `defaults` is left out.
  explicit Writer(const Json* defaults) : defaults_(defaults) {}

  void operator()(const char* name, const auto& value) { put(name, json_of(value)); }
  void operator()(const char*, const std::vector<Step>&) {}  // a line each

  void bits(const char* name, const Integer auto& value, Names names) {
    Json list = Json::array();
    for (std::size_t bit = 0; bit < 8 * sizeof value; ++bit)
      if ((value >> bit & 1) != 0) list.push_back(bit_name(bit, names));
    put(name, std::move(list));
  }

  Json object = Json::object();

 private:
  void put(const char* name, Json value) {
    if (defaults_ == nullptr || (*defaults_)[name] != value) object[name] = std::move(value);
  }

  static Json json_of(bool value) { return value; }
  static Json json_of(const Integer auto& value) { return value; }
  static Json json_of(const std::string& text) { return utf8_of_bytes(text); }
  static Json json_of(Call call) { return call == Call::count_ ? "" : row(call).name; }
  static Json json_of(const Deviation& deviation) { return print(deviation); }

  template <class E>
    requires std::is_enum_v<E>
  static Json json_of(const E& value) {
    return names_of(value)[static_cast<std::size_t>(value)];
  }

  static Json json_of(const std::vector<int>& errors) {
    Json list = Json::array();
    for (const int error : errors) list.push_back(errno_name(error));
    return list;
  }

  template <class T>
  static Json json_of(const std::vector<T>& items) {
    Json list = Json::array();
    for (const T& item : items) list.push_back(json_of(item));
    return list;
  }

  template <class T>
    requires std::is_class_v<T>
  static Json json_of(const T& item) {
    static const Json kDefaults = all_of(T());
    Writer writer(&kDefaults);
    visit(writer, item);
    return std::move(writer.object);
  }

  template <class T>
  static Json all_of(const T& item) {
    Writer writer(nullptr);
    visit(writer, item);
    return std::move(writer.object);
  }

  friend Json step_json(const Trace& trace, std::size_t index);

  const Json* defaults_;
};

// With three keys for people and scripts, which the reader passes over.
Json step_json(const Trace& trace, std::size_t index) {
  const Step& step = trace.steps[index];
  Json line = {{"step", index}};
  if (step.task < trace.tasks.size()) line["who"] = utf8_of_bytes(trace.tasks[step.task].name);
  if (step.object < trace.objects.size())
    line["on"] = utf8_of_bytes(trace.objects[step.object].name);
  line.update(Writer::json_of(step));
  if (step.event == Event::call && step.result < 0 && step.result > -4096)
    line["error"] = errno_name(static_cast<int>(-step.result));
  return line;
}

// Fields of one object; what is not there keeps its default. The first thing that is wrong is in
// `problem`.
class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {}

  void operator()(const char* name, auto& value) {
    const auto found = object_.find(name);
    if (found != object_.end() && problem.empty() && !read(*found, value) && problem.empty())
      problem = std::string(name) + ": not what belongs here";
  }
  void operator()(const char*, std::vector<Step>&) {}

  void bits(const char* name, Integer auto& value, Names names) {
    const auto found = object_.find(name);
    if (found == object_.end()) return;
    using Value = std::remove_reference_t<decltype(value)>;
    value = 0;
    std::size_t known = 0;
    for (std::size_t bit = 0; bit < 8 * sizeof value; ++bit) {
      if (std::ranges::find(*found, Json(bit_name(bit, names))) == found->end()) continue;
      value = static_cast<Value>(value | Value{1} << bit);
      ++known;
    }
    if ((!found->is_array() || known != found->size()) && problem.empty())
      problem = std::string(name) + ": not what belongs here";
  }

  std::string problem;

 private:
  static bool read(const Json& json, bool& value) {
    return json.is_boolean() && (value = json.get<bool>(), true);
  }

  static bool read(const Json& json, Integer auto& value) {
    using Value = std::remove_reference_t<decltype(value)>;
    if (json.is_number_unsigned() && std::in_range<Value>(json.get<std::uint64_t>()))
      value = static_cast<Value>(json.get<std::uint64_t>());
    else if (json.is_number_integer() && !json.is_number_unsigned() &&
             std::in_range<Value>(json.get<std::int64_t>()))
      value = static_cast<Value>(json.get<std::int64_t>());
    else
      return false;
    return true;
  }

  static bool read(const Json& json, std::string& text) {
    text.clear();
    return json.is_string() && bytes_of_utf8(json.get_ref<const std::string&>(), text);
  }

  static bool read(const Json& json, Call& call) {
    const auto found =
        std::ranges::find_if(rows(), [&](const Row& row) { return json == row.name; });
    if (found == rows().end()) return json == "" && (call = Call::count_, true);
    call = found->call;
    return true;
  }

  template <class E>
    requires std::is_enum_v<E>
  static bool read(const Json& json, E& value) {
    const Names names = names_of(value);
    const auto found = std::ranges::find_if(names, [&](auto name) { return json == name; });
    if (found == names.end()) return false;
    value = static_cast<E>(found - names.begin());
    return true;
  }

  static bool read(const Json& json, std::vector<int>& errors) {
    errors.clear();
    for (const Json& name : json) {
      errors.push_back(name.is_string() ? errno_of(name.get_ref<const std::string&>()) : 0);
      if (errors.back() == 0) return false;
    }
    return json.is_array();
  }

  bool read(const Json& json, Deviation& deviation) {
    if (!json.is_string()) return false;
    auto plan = parse_plan(json.get_ref<const std::string&>(), "");
    if (!plan) problem = "plan: " + plan.error().cause;
    if (!plan || plan->size() != 1) return false;
    deviation = std::move(plan->front());
    return true;
  }

  template <class T>
  bool read(const Json& json, std::vector<T>& items) {
    items.clear();
    if (!json.is_array()) return false;
    for (const Json& item : json)
      if (!read(item, items.emplace_back())) return false;
    return true;
  }

  template <class T>
    requires std::is_class_v<T>
  bool read(const Json& json, T& item) {
    if (!json.is_object()) return false;
    Reader reader(json);
    visit(reader, item);
    problem = reader.problem;
    return problem.empty();
  }

  const Json& object_;
};

// The lines of a text, each parsed, until one is not right.
class Lines {
 public:
  Lines(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}

  std::expected<Trace, BadInput> parse() {
    if (text_.size() > kMaxTraceTextBytes) return bad("too large for a trace");
    Trace trace;
    Json whole;
    if (!next(whole)) return bad(problem_.empty() ? "empty" : problem_);
    if (whole.value(kVersionKey, Json()) != kVersion)
      return bad("not a trace of this version: it opens with {\"pipewrench_trace\":1,");
    for (Json line; next(line);) {
      if (line.contains("step")) {
        if (line["step"] != trace.steps.size()) return bad("step: not the next one");
        Reader reader(line);
        visit(reader, trace.steps.emplace_back());
        if (!reader.problem.empty()) return bad(reader.problem);
        continue;
      }
      whole.update(line);
      return finish(trace, whole);
    }
    return bad(problem_.empty() ? "cut: the closing line is not there" : problem_);
  }

 private:
  std::expected<Trace, BadInput> finish(Trace& trace, const Json& whole) {
    Reader reader(whole);
    visit(reader, trace);
    if (reader.problem.empty()) reader.problem = trace_problem(trace);
    if (!reader.problem.empty()) return bad(reader.problem);
    if (!text_.empty()) return bad("more after the closing line");
    return std::move(trace);
  }

  std::unexpected<BadInput> bad(const std::string& cause) const {
    return std::unexpected(BadInput{file_, number_, cause});
  }

  // False at the end and for a line that is no object.
  bool next(Json& json) {
    if (text_.empty()) return false;
    ++number_;
    const std::string_view line = text_.substr(0, text_.find('\n'));
    text_.remove_prefix(std::min(line.size() + 1, text_.size()));
    json = Json::parse(line, nullptr, false);
    if (json.is_object()) return true;
    problem_ = "not a JSON object: " + printable(line, 40);
    return false;
  }

  std::string_view text_;
  std::string file_;
  std::string problem_;
  std::uint32_t number_ = 0;
};

}  // namespace

std::string to_json_lines(const Trace& trace) {
  Writer whole(nullptr);
  visit(whole, trace);
  Json header = {{kVersionKey, kVersion}};
  for (const char* key : {"tasks", "objects"}) {
    header[key] = std::move(whole.object[key]);
    whole.object.erase(key);
  }
  const auto line = [](const Json& json) { return json.dump(-1, ' ', true) + "\n"; };
  std::string text = line(header);
  for (std::size_t i = 0; i < trace.steps.size(); ++i) text += line(step_json(trace, i));
  return text + line(whole.object);
}

std::expected<Trace, BadInput> parse_trace(std::string_view text, const std::string& file) {
  return Lines(text, file).parse();
}

}  // namespace pipewrench
