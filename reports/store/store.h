// Store: the findings of all runs in one SQLite database, their files beside it. Many processes may
// write at once, and any may be killed at any moment: what take() has said is kept. Knows no clock.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "reports/store/records.h"

namespace pipewrench {

struct StoreError {
  bool bad_input = false;  // what is there is no store, or no finding of that name; else a failure
  std::string text{};      // one line that names the file
};
template <class Value>
using Stored = std::expected<Value, StoreError>;

class FindingStore {
 public:
  enum class Missing : std::uint8_t { is_made, is_an_error };
  // FOLDER/findings.db and FOLDER/artefacts/. One of an older version is brought up to date.
  static Stored<FindingStore> open(const std::string& folder, Missing missing);

  FindingStore(FindingStore&& other) noexcept;
  FindingStore& operator=(FindingStore&& other) noexcept;
  ~FindingStore();

  // A run appears when it begins; what of it is known at the end is added then, and its samples'
  // executions where those are more; then what runs of its kind have found counts as told.
  // begin() returns its number.
  Stored<std::int64_t> begin(const RunRecord& run);
  Stored<void> end(const RunRecord& run);

  // One more occurrence, the only one in `finding`; its artefacts' contents are written first. A
  // finding of the same target, kind and signature keeps the details of the smaller one. Where
  // `cause` is the id of another, whose occurrence was taken before it, this one does not count,
  // and the standing is that one's.
  Stored<Standing> take(const FindingRecord& finding, const std::string& cause = "");
  // The id to take it under: that of the version before, where only that is there already, so that
  // what is known stays known.
  Stored<std::string> id_for(const FindingRecord& finding);
  // Whether an earlier run has told it by itself, with the very same input or plan.
  Stored<bool> was_told(const FindingRecord& finding);
  // Whether it is there and does not only count as others'.
  Stored<bool> is_there(const std::string& id);
  Stored<void> add(const Sample& sample);
  // `id` may be cut short where it stays unique. Returns the whole one.
  // The finding's whole id, by its beginning or that of one of its symptoms. Fails if there is none
  // or more than one.
  Stored<std::string> id_of(const std::string& id);
  Stored<std::string> mark(const std::string& id, Mark mark, const std::string& why,
                           std::int64_t at_ms);

  // Everything, as of one moment. Where a report needs them, the artefacts of the smallest
  // occurrence have their content, of each kMostContent_bytes at most, or say why they have none.
  enum class Contents : std::uint8_t { are_read, are_left };
  Stored<Records> read(Contents contents = Contents::are_read);
  Stored<std::string> content(const Artefact& artefact) const;

  static constexpr std::size_t kMostContent_bytes = std::size_t{8} << 20;
  static constexpr int kBusy_ms = 60'000;  // how long another writer may take

 private:
  struct Impl;
  explicit FindingStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// 12 hex digits of a hash: what names a finding of this target, kind and signature.
std::string finding_id(const FindingRecord& finding);
std::string finding_id(const std::string& target, const std::string& kind,
                       const std::string& signature);
// 32 hex digits: what an artefact of this content is called.
std::string content_hash(const std::string& content);

}  // namespace pipewrench
