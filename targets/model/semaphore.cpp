// SPDX-License-Identifier: MIT
#include "targets/model/semaphore.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace model {
namespace {

Outcome fails(int error) { return {-1, error}; }

}  // namespace

Outcome SemaphoreSet::operate(int process, std::span<const sembuf> steps) {
  if (steps.empty()) return fails(EINVAL);
  if (steps.size() > kMostSteps) return fails(E2BIG);
  if (is_removed_) return fails(EINVAL);
  if (std::ranges::any_of(steps,
                          [&](const sembuf& step) { return step.sem_num >= values_.size(); }))
    return fails(EFBIG);
  std::vector<Member> values = values_;
  std::vector<int> undo = undo_[process];
  undo.resize(values.size());
  for (const sembuf& step : steps) {
    Member& member = values[step.sem_num];
    if (step.sem_op == 0 ? member.value != 0 : member.value + step.sem_op < 0) return fails(EAGAIN);
    if (member.value + step.sem_op > kMostValue) return fails(ERANGE);
    member = {.value = member.value + step.sem_op, .last = process};
    if ((step.sem_flg & SEM_UNDO) != 0) {
      int& adjustment = undo[step.sem_num];
      adjustment -= step.sem_op;
      if (adjustment < -kMostValue - 1 || adjustment > kMostValue) return fails(ERANGE);
    }
  }
  values_ = std::move(values);
  undo_[process] = std::move(undo);
  return {};
}

Outcome SemaphoreSet::set_value(int process, int member, int value) {
  if (value < 0 || value > kMostValue) return fails(ERANGE);  // before the set is looked for
  if (!has(member)) return fails(EINVAL);
  values_[static_cast<std::size_t>(member)] = {.value = value, .last = process};
  for (auto& [owner, undo] : undo_)
    if (!undo.empty()) undo[static_cast<std::size_t>(member)] = 0;
  return {};
}

Outcome SemaphoreSet::value(int member) const {
  if (!has(member)) return fails(EINVAL);
  return {values_[static_cast<std::size_t>(member)].value, 0};
}

Outcome SemaphoreSet::last(int member) const {
  if (!has(member)) return fails(EINVAL);
  return {values_[static_cast<std::size_t>(member)].last, 0};
}

void SemaphoreSet::end(int process) {
  const std::vector<int> undo = std::exchange(undo_[process], {});
  for (std::size_t i = 0; i < undo.size(); ++i)
    if (undo[i] != 0)
      values_[i] = {.value = std::clamp(values_[i].value + undo[i], 0, kMostValue),
                    .last = process};
}

Outcome SemaphoreSet::remove() {
  if (is_removed_) return fails(EINVAL);
  is_removed_ = true;
  return {};
}

bool SemaphoreSet::has(int member) const {
  return !is_removed_ && member >= 0 && static_cast<std::size_t>(member) < values_.size();
}

}  // namespace model
