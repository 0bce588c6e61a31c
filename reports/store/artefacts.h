// Artefacts: files under the hash of their content. Owns every path below FOLDER/artefacts.
// SPDX-License-Identifier: MIT
#pragma once

#include <expected>
#include <string>

namespace pipewrench {

class ArtefactFolder {
 public:
  explicit ArtefactFolder(std::string folder) : folder_(std::move(folder)) {}

  // Makes the folder, and removes what writers that have died left half done. Fails with the
  // reason.
  std::expected<void, std::string> prepare() const;
  // Whole or not at all; nothing is written where the hash is there already. Returns the hash.
  std::expected<std::string, std::string> write(const std::string& content) const;
  // Fails with the reason: it is gone, or is not what its name says. At most `most` bytes.
  std::expected<std::string, std::string> read(const std::string& hash, std::size_t most) const;

 private:
  std::string path_of(const std::string& hash) const;
  std::string folder_;
};

}  // namespace pipewrench
