// Signature: what is the same for all inputs that show one bug, and different for two bugs. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reports/triage/log.h"

namespace pipewrench {

// One operation of the smallest input, as its replay decodes it.
struct Operation {
  std::string name{};
  std::string fault{};  // that is played in it: "msgrcv: EINTR"
  bool operator==(const Operation&) const = default;
};

// `before`: what the version before this one called it, so that what it has stored is found again.
enum class Rule : std::uint8_t { now, before };

// By cause: crashes by kind and the innermost frame of the program, leaks by who allocated,
// time-outs by where every sample of them is, what differs from a model by what and how. Where that
// says little, and for what is left behind, the `operations` of the smallest input help. Right for
// the plainest input that shows the bug: of any input it says only what that one shows.
std::string signature_of(const Crash& crash, const std::vector<Operation>& operations = {},
                         Rule rule = Rule::now);

// Its stack says who noticed, not who is to blame: the signature needs none.
bool is_noticed_later(const Crash& crash);

// The same for all kinds that one bug may show, as luck has it: "bad-access" for a SEGV.
std::string cause_of_kind(const std::string& kind);

// One sentence for people, without a full stop.
std::string sentence_of(const Crash& crash);

// The usual rule, which signature_of() is measured against: kind and the three innermost frames of
// the program.
std::string top_three_frames(const Crash& crash);

// "msgq" of "build/fuzz_msgq", "replay_msgq" and "fuzz_msgq_planted_x": what stands behind all.
std::string target_of(std::string_view executable);

// "  3  client 1  raw send  mtype=1 flags=0x1 fault=2 of wrapped call 0" of a replay's -v.
std::vector<Operation> operations_in(std::string_view log);

}  // namespace pipewrench
