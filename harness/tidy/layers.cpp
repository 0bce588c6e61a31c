// The table of who may include whom.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <initializer_list>
#include <regex>
#include <string_view>

#include "harness/tidy/rules.h"

namespace tidy {
namespace {

using Folders = std::initializer_list<std::string_view>;

struct Layer {
  std::string_view folder;
  Folders may_include;     // besides itself
  bool only_libc = false;  // std and libc are all that it uses from outside
};

// core <- syscalls <- scenario <- {conduct, oracle, finding} <- explore <- cli; reports <- cli;
// targets/ipc <- {model, fuzz, peers}. No library of harness/ or reports/ names targets/.
const Layer kLayers[] = {
    {"harness/core", {}},
    {"harness/syscalls", {"harness/core"}},
    {"harness/inproc", {"harness/core", "harness/syscalls"}},
    {"harness/inproc/example", {"harness/core", "harness/inproc"}},
    {"harness/scenario", {"harness/core", "harness/syscalls"}},
    {"harness/conduct", {"harness/core", "harness/syscalls", "harness/scenario"}},
    {"harness/conduct/bench", {"harness/scenario", "harness/conduct"}, true},
    {"harness/oracle", {"harness/core", "harness/syscalls", "harness/scenario"}},
    {"harness/finding", {"harness/core", "harness/syscalls", "harness/scenario"}},
    {"harness/explore",
     {"harness/core", "harness/syscalls", "harness/scenario", "harness/conduct", "harness/oracle",
      "harness/finding"}},
    {"harness/intake",
     {"harness/core", "harness/syscalls", "harness/inproc", "reports/store", "reports/triage",
      "sanitizers"}},
    {"harness/cli",
     {"harness/core", "harness/syscalls", "harness/scenario", "harness/conduct", "harness/oracle",
      "harness/finding", "harness/explore", "harness/intake", "reports/store", "reports/triage",
      "reports/render"}},
    {"harness/tidy", {}, true},
    {"reports/store", {"harness/core"}},
    {"reports/triage", {"harness/core", "reports/store"}},
    {"reports/render",
     {"harness/core", "harness/scenario", "harness/finding", "reports/store", "reports/triage"}},
    {"targets/ipc", {}, true},
    {"targets/model", {"targets/ipc"}, true},
    {"targets/fuzz",
     {"harness/core", "harness/syscalls", "harness/inproc", "harness/scenario", "targets/ipc",
      "targets/model"}},
    {"targets/fuzz/bench", {"harness/inproc", "targets/fuzz"}, true},
    {"targets/peers", {"targets/ipc"}, true},
    {"targets/planted", {"targets/ipc", "reports/triage"}},
    {"targets/planted/programs", {}, true},
    {"sanitizers", {}, true},
};

// Tests, those of targets/ too, may drive the code through the wrapped system calls.
constexpr std::array<std::string_view, 3> kForTests = {"harness/core", "harness/syscalls",
                                                       "harness/inproc"};

// The folders of libc's and the kernel's headers: <sys/msg.h>, <linux/futex.h>.
constexpr std::array<std::string_view, 5> kLibcFolders = {"sys", "linux", "netinet", "arpa", "asm"};

const Layer* layer_of(std::string_view folder) {
  const auto* found = std::ranges::find(kLayers, folder, &Layer::folder);
  return found == std::end(kLayers) ? nullptr : found;
}

bool contains(const auto& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

std::string remedy_of(const File& file, const Layer& layer, const std::string& include) {
  const std::string folder = folder_of(include);
  if (layer.folder == "harness/inproc/example" && folder.empty()) return "";
  if (folder.empty())
    return "include by the path from the top: \"" + folder_of(file.path) + "/...\"";
  if (folder == layer.folder || contains(layer.may_include, folder)) return "";
  if (is_test(file) && contains(kForTests, folder)) return "";
  return "remove the include: " + std::string(layer.folder) + " may not use " + folder +
         " (table in harness/tidy/layers.cpp)";
}

std::string remedy_of_system(const File& file, const Layer& layer, const std::string& include) {
  const std::string folder = folder_of(include);
  if (!layer.only_libc || folder.empty() || contains(kLibcFolders, folder)) return "";
  if (is_test(file) && (folder == "gtest" || folder == "rapidcheck")) return "";
  return "remove <" + include + ">: " + std::string(layer.folder) + " uses std and libc only";
}

}  // namespace

Problems check_layers(const Tree& tree) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*(["<])([^">]+)[">])");
  Problems problems;
  for (const File& file : tree) {
    if (!is_cpp(file)) continue;
    const Layer* layer = layer_of(folder_of(file.path));
    if (layer == nullptr) {
      problems.push_back({file.path, 0, "add its folder to the table in harness/tidy/layers.cpp"});
      continue;
    }
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(file.lines[i], match, kInclude)) continue;
      const std::string remedy = match[1] == "\"" ? remedy_of(file, *layer, match[2])
                                                  : remedy_of_system(file, *layer, match[2]);
      if (!remedy.empty()) problems.push_back({file.path, i + 1, remedy});
    }
  }
  return problems;
}

}  // namespace tidy
