// SPDX-License-Identifier: MIT
#include "reports/store/links.h"

#include <algorithm>
#include <vector>

namespace pipewrench {

std::map<std::string, std::string> ends_of(const Links& links) {
  std::map<std::string, std::pair<std::string, std::uint64_t>> ways;
  for (const auto& [link, times] : links) {
    auto& way = ways[link.first];
    if (times > way.second) way = {link.second, times};
  }
  std::map<std::string, std::string> ends;
  for (const auto& [from, way] : ways) {
    std::vector<std::string> passed = {from};
    std::string end = way.first;
    for (auto on = ways.find(end); on != ways.end(); on = ways.find(end)) {
      if (const auto again = std::ranges::find(passed, end); again != passed.end()) {
        end = *std::min_element(again, passed.end());  // round and round: one of them
        break;
      }
      passed.push_back(end);
      end = on->second.first;
    }
    if (end != from) ends[from] = end;
  }
  return ends;
}

}  // namespace pipewrench
