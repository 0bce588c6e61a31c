// Store: the directory of findings. Owns every path below --out; each finding appears whole or not
// at all.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "harness/finding/finding.h"
#include "harness/scenario/scenario.h"

namespace pipewrench {

// What a finding consists of, in its directory and in the store of findings.
struct FindingFile {
  const char* role;  // of an Artefact
  std::string name;
  std::string text;
};
// `json`: what finding.json is to hold. A peer's outputs are there if it had any run.
std::vector<FindingFile> files_of(const Finding& finding, const Scenario& scenario,
                                  const std::string& replay, std::string json);

class Store {
 public:
  // Makes the directory, and removes what writers that have died left half done. Fails with the
  // reason.
  static std::expected<Store, std::string> open(const std::string& out, std::uint64_t seed);

  // The finding's directory: OUT/KIND-ID.
  std::string path_of(const Finding& finding) const;
  // "pipewrench replay OUT/KIND-ID", quoted for a shell.
  std::string replay_of(const Finding& finding) const;
  // Replaces one of the same name. Fails with the reason: a full disk.
  std::expected<void, std::string> write(const Finding& finding, const Scenario& scenario) const;

 private:
  Store(std::string out, std::uint64_t seed) : out_(std::move(out)), seed_(seed) {}

  std::string out_;
  std::uint64_t seed_;
};

// All of them, and how to find the peers again, into a folder that is there. Fails with the reason.
std::expected<void, std::string> write_finding(const std::string& folder, const Finding& finding,
                                               const Scenario& scenario, const std::string& replay,
                                               std::uint64_t seed);
// As one word of a shell.
std::string shell_word(const std::string& text);
// Writes a whole file; fails with the reason.
std::expected<void, std::string> write_file(const std::string& path, const std::string& text);

}  // namespace pipewrench
