// Three clients on one mailbox in System V shared memory and on one semaphore, through the library,
// against the models: the same results at each step and at the end. One record is one operation.
// SPDX-License-Identifier: MIT
#include <array>
#include <cstdlib>

#include "harness/inproc/guard.h"
#include "harness/inproc/virtual_time.h"
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto me = ipc::self();  // reads /proc: once a process
  if (!me) std::abort();
  const pipewrench::Guard guard;
  const pipewrench::VirtualTime time;
  const pipewrench::Records records(data, size);
  fuzz::shm::Setting setting{.me = *me, .key = 0x52000000 | me->pid};
  Boxes boxes(setting);
  Locks locks(setting);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Record record = records[i];
    const Operation& operation = kOperations[record.op % kOperations.size()];
    const std::size_t client = record.client % fuzz::shm::kClients;
    setting.step = {.index = i, .operation = operation.name};
    fuzz::say(setting.step, record, operation.operands);
    if (operation.on_box != nullptr) {
      (boxes.*operation.on_box)(boxes.client(client), record);
      boxes.compare();
    } else {
      (locks.*operation.on_lock)(locks.client(client), record);
      locks.compare();
    }
  }
  setting.step = {.index = records.size(), .operation = "end"};
  boxes.finish();
  locks.finish();
  return 0;
}
