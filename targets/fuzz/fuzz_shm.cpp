// Three clients on one mailbox in System V shared memory and on one semaphore, through the library,
// against the models: the same results at each step and at the end. One record is one operation.
// SPDX-License-Identifier: MIT
#include <array>
#include <cstdlib>
#include <span>

#include "targets/fuzz/run.h"
#include "targets/fuzz/shm_box.h"
#include "targets/fuzz/shm_lock.h"

namespace {

using fuzz::shm::Boxes;
using fuzz::shm::Locks;
using pipewrench::Record;

// An operation on the mailbox or on the lock.
struct Operation {
  const char* name;
  void (Boxes::*on_box)(Boxes::Client&, const Record&);
  void (Locks::*on_lock)(Locks::Client&, const Record&);
  fuzz::Operands operands;
};
// Attaching costs more than all else together: from the 21st on there is only what does not.
constexpr std::array<Operation, 32> kOperations = {{
    {"write", &Boxes::write, nullptr, fuzz::shm::message_of},
    {"read", &Boxes::read, nullptr, fuzz::shm::wait_of},
    {"write", &Boxes::write, nullptr, fuzz::shm::message_of},
    {"read", &Boxes::read, nullptr, fuzz::shm::wait_of},
    {"clear", &Boxes::clear, nullptr, fuzz::shm::sequence_of},
    {"look", &Boxes::look, nullptr, nullptr},
    {"open", &Boxes::open, nullptr, fuzz::shm::opening_of},
    {"close", &Boxes::close, nullptr, nullptr},
    {"remove", &Boxes::remove, nullptr, nullptr},
    {"die", &Boxes::die, nullptr, fuzz::shm::death_of},
    {"spoil", &Boxes::spoil, nullptr, fuzz::shm::word_of},
    {"scribble", &Boxes::scribble, nullptr, fuzz::shm::word_of},
    {"lock", nullptr, &Locks::lock, fuzz::shm::wait_of},
    {"unlock", nullptr, &Locks::unlock, nullptr},
    {"open lock", nullptr, &Locks::open, fuzz::shm::opening_of_lock},
    {"close lock", nullptr, &Locks::close, nullptr},
    {"free stale", nullptr, &Locks::free_stale, fuzz::shm::wait_of},
    {"semop", nullptr, &Locks::raw_semop, fuzz::shm::steps_of},
    {"SETVAL", nullptr, &Locks::raw_setval, fuzz::shm::value_of},
    {"remove lock", nullptr, &Locks::remove, nullptr},
    {"write", &Boxes::write, nullptr, fuzz::shm::message_of},
    {"read", &Boxes::read, nullptr, fuzz::shm::wait_of},
    {"write", &Boxes::write, nullptr, fuzz::shm::message_of},
    {"read", &Boxes::read, nullptr, fuzz::shm::wait_of},
    {"clear", &Boxes::clear, nullptr, fuzz::shm::sequence_of},
    {"look", &Boxes::look, nullptr, nullptr},
    {"spoil", &Boxes::spoil, nullptr, fuzz::shm::word_of},
    {"lock", nullptr, &Locks::lock, fuzz::shm::wait_of},
    {"unlock", nullptr, &Locks::unlock, nullptr},
    {"free stale", nullptr, &Locks::free_stale, fuzz::shm::wait_of},
    {"semop", nullptr, &Locks::raw_semop, fuzz::shm::steps_of},
    {"SETVAL", nullptr, &Locks::raw_setval, fuzz::shm::value_of},
}};

// Reads /proc: once a process.
const ipc::ProcessId& me() {
  static const auto self = ipc::self();
  if (!self) std::abort();
  return *self;
}

class Input {
 public:
  static std::span<const Operation> operations() { return kOperations; }

  void act(const fuzz::Step& step, const Operation& operation, const Record& record) {
    setting_.step = step;
    const std::size_t client = record.client % fuzz::shm::kClients;
    if (operation.on_box != nullptr) {
      (boxes_.*operation.on_box)(boxes_.client(client), record);
      boxes_.compare();
    } else {
      (locks_.*operation.on_lock)(locks_.client(client), record);
      locks_.compare();
    }
  }

  void finish(const fuzz::Step& end) {
    setting_.step = end;
    boxes_.finish();
    locks_.finish();
  }

 private:
  fuzz::shm::Setting setting_{.me = me(), .key = 0x52000000 | me().pid};
  Boxes boxes_{setting_};
  Locks locks_{setting_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run_input<Input>(data, size);
}
