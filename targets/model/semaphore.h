// The obvious in-memory twin of a System V semaphore set (semop(2), semctl(2), Linux), SEM_UNDO
// included. Makes no system call and never sleeps: where the kernel would, it answers EAGAIN, as
// with IPC_NOWAIT.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/sem.h>

#include <map>
#include <span>
#include <vector>

#include "targets/model/outcome.h"

namespace model {

class SemaphoreSet {
 public:
  static constexpr int kMostValue = 32767;        // SEMVMX
  static constexpr std::size_t kMostSteps = 500;  // kernel.sem: SEMOPM

  explicit SemaphoreSet(std::size_t members) : values_(members) {}

  // All steps or none, by the process of that number.
  Outcome operate(int process, std::span<const sembuf> steps);
  // SETVAL: forgets what SEM_UNDO would do to that member.
  Outcome set_value(int process, int member, int value);
  // GETVAL
  Outcome value(int member) const;
  // GETPID: who did the last successful operation or SETVAL, 0 for nobody.
  Outcome last(int member) const;
  // The process ends, however: SEM_UNDO acts, a value below 0 becomes 0.
  void end(int process);
  // After removal every call gives EINVAL.
  Outcome remove();
  bool is_removed() const { return is_removed_; }

 private:
  struct Member {
    int value = 0;
    int last = 0;
  };
  bool has(int member) const;

  std::vector<Member> values_;
  std::map<int, std::vector<int>> undo_;  // by process: what to add to each member at its end
  bool is_removed_ = false;
};

}  // namespace model
