// SPDX-License-Identifier: MIT
#include "reports/store/links.h"

#include <gtest/gtest.h>

namespace pipewrench {
namespace {

using Ends = std::map<std::string, std::string>;

TEST(Links, LeadToTheEndOfTheWayThatIsUsual) {
  EXPECT_EQ(ends_of({{{"a", "b"}, 2}, {{"a", "x"}, 1}, {{"b", "c"}, 1}}),
            (Ends{{"a", "c"}, {"b", "c"}}));
}

TEST(Links, OfARingOneIsTheEnd) {
  EXPECT_EQ(ends_of({{{"a", "b"}, 1}, {{"b", "c"}, 1}, {{"c", "b"}, 1}}),
            (Ends{{"a", "b"}, {"c", "b"}}));
}

}  // namespace
}  // namespace pipewrench
