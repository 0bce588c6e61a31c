// SPDX-License-Identifier: MIT
#include "harness/inproc/faults.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "harness/core/check.h"
#include "harness/inproc/say.h"

namespace pipewrench {
namespace {
thread_local Faults* current = nullptr;
}  // namespace

struct FaultsAccess {
  static const Fault* choose(Faults& faults, Call call, std::initializer_list<int> impossible,
                             std::size_t* transfer) {
    const bool due = is_due(faults);
    const std::size_t index = faults.calls_++;
    if (!due) return nullptr;
    const unsigned choice = faults.choices_[index] - 1u;
    const unsigned count = count_faults(call, faults.level_);
    if (count == 0) return nullptr;
    const Fault* found = nth_fault(call, faults.level_, choice % count);
    if (faults.level_ != Realism::hostile && found->effect == Effect::fail &&
        std::ranges::find(impossible, found->error_number) != impossible.end())
      return nullptr;
    if (found->effect == Effect::shorten && !shorten(transfer, choice / count, 255 / count))
      return nullptr;
    if (faults.played_count_ < Faults::kMostPlayed)
      faults.played_[faults.played_count_++] = {call, found, index,
                                                transfer != nullptr ? *transfer : 0};
    if (says()) tell(call, *found, transfer);
    return found;
  }

  static bool is_due(const Faults& faults) {
    return faults.calls_ < faults.choices_.size() && faults.choices_[faults.calls_] != 0;
  }

  // "fault: read: EINTR: blocked, and a handler without SA_RESTART runs"
  static void tell(Call call, const Fault& fault, const std::size_t* transfer) {
    if (fault.effect == Effect::shorten)
      std::fprintf(stderr, "      fault: %s: at most %zu bytes: %s\n", row(call).name, *transfer,
                   fault.when);
    else
      std::fprintf(stderr, "      fault: %s: %s: %s\n", row(call).name,
                   ::strerrorname_np(fault.error_number), fault.when);
  }

  // Leaves 1 .. n-1 of n bytes: `part` of `parts` of them.
  static bool shorten(std::size_t* transfer, std::size_t part, std::size_t parts) {
    if (transfer == nullptr || *transfer < 2) return false;
    *transfer = 1 + std::min((*transfer - 1) * part / (parts + 1), *transfer - 2);
    return true;
  }
};

Faults::Faults(std::span<const std::uint8_t> choices, Realism level)
    : choices_(choices), level_(level) {
  CHECK(current == nullptr);
  current = this;
}

Faults::~Faults() { current = nullptr; }

bool is_fault_due() { return current != nullptr && FaultsAccess::is_due(*current); }

const Fault* next_fault(Call call, std::initializer_list<int> impossible, std::size_t* transfer) {
  return current == nullptr ? nullptr : FaultsAccess::choose(*current, call, impossible, transfer);
}

std::array<std::uint8_t, 256> fault_at(std::uint8_t skip, std::uint8_t choice) {
  std::array<std::uint8_t, 256> choices{};
  choices[skip] = choice;
  return choices;
}

}  // namespace pipewrench
