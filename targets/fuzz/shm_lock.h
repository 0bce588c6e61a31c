// Three clients on one semaphore as a lock, through the library, against the model; foreign
// programs meddle with raw calls. A client without a handle opens one first.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/sem.h>

#include <array>
#include <initializer_list>
#include <memory>
#include <optional>

#include "targets/fuzz/shm_step.h"
#include "targets/ipc/semaphore.h"
#include "targets/model/semaphore.h"

namespace fuzz::shm {

// What a record tells an operation, for the report of a step.
std::string steps_of(const pipewrench::Record& record);
std::string value_of(const pipewrench::Record& record);
std::string opening_of_lock(const pipewrench::Record& record);

class Locks {
 public:
  struct Client {
    std::optional<ipc::Semaphore> lock;
    std::shared_ptr<model::SemaphoreSet> set;
    bool is_held = false;
    bool owns_set = false;
  };
  using Record = pipewrench::Record;

  explicit Locks(Setting& setting) : setting_(setting) {}

  Client& client(std::size_t number) { return clients_[number]; }
  void lock(Client& client, const Record& record);
  void unlock(Client& client, const Record& record);
  void open(Client& client, const Record& record);
  void close(Client& client, const Record& record);
  void remove(Client& client, const Record& record);
  void free_stale(Client& client, const Record& record);
  // A foreign program on the same set: up to three steps, none of which sleeps.
  void raw_semop(Client& client, const Record& record);
  void raw_setval(Client& client, const Record& record);
  // After each operation: the kernel's values are the model's.
  void compare();
  void finish();

 private:
  bool is_open(Client& client);
  long operate(Client& client, std::initializer_list<sembuf> steps);
  void forget_set(Client& client);

  Setting& setting_;
  std::array<Client, kClients> clients_;
  std::shared_ptr<model::SemaphoreSet> set_;  // what the key names
  int id_ = -1;
};

}  // namespace fuzz::shm
