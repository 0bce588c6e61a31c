// Every scenario of the corpus, and the example of README.md, is read and written without a loss.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "harness/scenario/parse_scenario.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void expect_exact(const std::string& toml, const std::string& file) {
  const auto scenario = parse_scenario(toml, file);
  ASSERT_TRUE(scenario) << scenario.error().text();
  EXPECT_NE(scenario->why, "") << file << ": say why it exists";
  const auto again = parse_scenario(print_scenario(*scenario), file);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(*again, *scenario) << file;
}

TEST(corpus, scenarios_are_read_and_written_without_a_loss) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(SCENARIO_CORPUS)) {
    if (entry.path().extension() != ".toml") continue;
    expect_exact(content_of(entry.path()), entry.path().string());
    EXPECT_TRUE(names.insert(entry.path().stem()).second)
        << entry.path() << ": name is there twice";
  }
  EXPECT_FALSE(names.empty());
}

TEST(corpus, example_of_the_readme_is_right) {
  const std::string text = content_of(SCENARIO_README);
  const std::size_t start = text.find("```toml\n") + 8;
  expect_exact(text.substr(start, text.find("```", start) - start), "README.md");
}

}  // namespace
}  // namespace pipewrench
