// SPDX-License-Identifier: MIT
#include "reports/store/stacks_json.h"

#include <nlohmann/json.hpp>

namespace pipewrench {
namespace {

using Json = nlohmann::ordered_json;

// What is no UTF-8 is replaced: a log may hold anything.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Json parsed(const std::string& text) { return Json::parse(text, nullptr, false); }

}  // namespace

std::string to_json(const std::vector<Stack>& stacks) {
  Json all = Json::array();
  for (const Stack& stack : stacks) {
    Json frames = Json::array();
    for (const StackFrame& frame : stack.frames)
      frames.push_back({{"function", frame.function},
                        {"file", frame.file},
                        {"line", frame.line},
                        {"column", frame.column},
                        {"module", frame.module},
                        {"offset", frame.offset},
                        {"ours", frame.ours},
                        {"source", frame.source},
                        {"source_line", frame.source_line}});
    all.push_back({{"title", stack.title}, {"frames", std::move(frames)}});
  }
  return text_of(all);
}

std::string to_json(const std::vector<std::string>& names) { return text_of(Json(names)); }

std::vector<Stack> stacks_of(const std::string& json) {
  std::vector<Stack> stacks;
  const Json all = parsed(json);
  if (!all.is_array()) return stacks;
  for (const Json& item : all) {
    Stack stack{.title = item.value("title", "")};
    for (const Json& frame : item.value("frames", Json::array()))
      stack.frames.push_back({.function = frame.value("function", ""),
                              .file = frame.value("file", ""),
                              .line = frame.value("line", 0U),
                              .column = frame.value("column", 0U),
                              .module = frame.value("module", ""),
                              .offset = frame.value("offset", std::uint64_t{0}),
                              .ours = frame.value("ours", false),
                              .source = frame.value("source", ""),
                              .source_line = frame.value("source_line", 0U)});
    stacks.push_back(std::move(stack));
  }
  return stacks;
}

std::vector<std::string> names_of(const std::string& json) {
  const Json all = parsed(json);
  return all.is_array() ? all.get<std::vector<std::string>>() : std::vector<std::string>{};
}

}  // namespace pipewrench
