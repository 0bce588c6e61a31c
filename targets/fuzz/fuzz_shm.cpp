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
};
constexpr std::array<Operation, 20> kOperations = {{
    {"write", &Boxes::write, nullptr},
    {"read", &Boxes::read, nullptr},
    {"write", &Boxes::write, nullptr},
    {"read", &Boxes::read, nullptr},
    {"clear", &Boxes::clear, nullptr},
    {"look", &Boxes::look, nullptr},
    {"open", &Boxes::open, nullptr},
    {"close", &Boxes::close, nullptr},
    {"remove", &Boxes::remove, nullptr},
    {"die", &Boxes::die, nullptr},
    {"spoil", &Boxes::spoil, nullptr},
    {"scribble", &Boxes::scribble, nullptr},
    {"lock", nullptr, &Locks::lock},
    {"unlock", nullptr, &Locks::unlock},
    {"open lock", nullptr, &Locks::open},
    {"close lock", nullptr, &Locks::close},
    {"free stale", nullptr, &Locks::free_stale},
    {"semop", nullptr, &Locks::raw_semop},
    {"SETVAL", nullptr, &Locks::raw_setval},
    {"remove lock", nullptr, &Locks::remove},
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
