// SPDX-License-Identifier: MIT
#include "targets/fuzz/shm_lock.h"

#include <sys/ipc.h>

#include <cerrno>
#include <climits>
#include <span>

namespace fuzz::shm {

using ipc::Kind;
using ipc::Semaphore;
using Record = pipewrench::Record;

namespace {

using Steps = std::array<sembuf, 3>;

Steps semop_of(const Record& record) {
  Steps steps{};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::uint32_t bits = record.value >> (8 * i);
    steps[i] = {static_cast<unsigned short>(bits & 3),
                static_cast<short>(static_cast<int>(bits >> 2 & 7) - 3),
                static_cast<short>(IPC_NOWAIT | ((bits & 32) != 0 ? SEM_UNDO : 0))};
  }
  return steps;
}
std::size_t count_of(const Record& record) { return record.flags % (std::tuple_size_v<Steps> + 1); }

int setval_of(const Record& record) {
  constexpr std::array kValues = {0, 1, 2, 32766, 32767, 32768, -1, INT_MIN};
  return kValues[record.value % kValues.size()];
}
int member_of(const Record& record) { return record.flags % 3; }

bool lock_creates(const Record& record) { return record.value % 3 != 1; }
bool lock_opens(const Record& record) { return record.value % 3 != 2; }

}  // namespace

std::string steps_of(const Record& record) {
  const Steps steps = semop_of(record);
  std::string text;
  for (const sembuf& step : std::span(steps).first(count_of(record)))
    text += '[' + std::to_string(step.sem_num) + "]=" + std::to_string(step.sem_op) +
            ((step.sem_flg & SEM_UNDO) != 0 ? " undo " : " ");
  return text;
}

std::string value_of(const Record& record) {
  return '[' + std::to_string(member_of(record)) + "]=" + std::to_string(setval_of(record));
}

std::string opening_of_lock(const Record& record) {
  return std::string(lock_creates(record) ? "create" : "") + (lock_opens(record) ? "|open" : "");
}

void Locks::compare() {
  if (!set_) return;
  std::array<unsigned short, 2> values{};
  same(setting_.step, "set exists", static_cast<long>(::semctl(id_, 0, GETALL, values.data())), 0L);
  for (const int member : {0, 1})
    same(setting_.step, "semaphore", static_cast<long>(values[static_cast<std::size_t>(member)]),
         set_->value(member).result);
}

void Locks::finish() {
  for (Client& client : clients_) close(client, {});
}

bool Locks::is_open(Client& client) {
  if (!client.lock) open(client, {});
  return client.lock.has_value();
}

long Locks::operate(Client& client, std::initializer_list<sembuf> steps) {
  return client.set->operate(1, std::span(steps.begin(), steps.size())).error;
}

void Locks::lock(Client& client, const Record& record) {
  if (!is_open(client)) return;
  const bool reports = (record.flags & 2) != 0;
  const auto locked = setting_.with_fault(
      record,
      [&] {
        return client.lock->lock(deadline_of(record),
                                 reports ? ipc::OnSignal::report : ipc::OnSignal::retry);
      },
      reports);
  same(setting_.step, "held", static_cast<long>(client.lock->is_held()),
       static_cast<long>(client.is_held || locked.has_value()));
  if (client.is_held) {
    if (locked) differ(setting_.step, "lock", "locked twice", "refused");
    return setting_.differs(locked.error(), Kind::bad_argument);
  }
  if (!locked && setting_.is_explained) return;
  const long error = operate(client, {{0, 0, 0}, {0, 1, SEM_UNDO}});
  if (locked) same(setting_.step, "errno", 0L, error);
  if (!locked) setting_.differs(locked.error(), error == EINVAL ? Kind::removed : late(record));
  client.is_held = locked.has_value();
}

void Locks::unlock(Client& client, const Record& record) {
  if (!is_open(client)) return;
  const auto unlocked = setting_.with_fault(record, [&] { return client.lock->unlock(); });
  if (!client.is_held) {
    if (unlocked) differ(setting_.step, "unlock", "unlocked", "not the holder");
    return setting_.differs(unlocked.error(), Kind::bad_argument);
  }
  client.is_held = client.lock->is_held();
  if (!unlocked && setting_.is_explained) return;
  const long error = operate(client, {{0, -1, SEM_UNDO}});
  if (unlocked) return same(setting_.step, "errno", 0L, error);
  setting_.differs(unlocked.error(), error == EINVAL ? Kind::removed : Kind::corrupt);
}

void Locks::free_stale(Client& client, const Record& record) {
  if (!is_open(client)) return;
  const auto freed =
      setting_.with_fault(record, [&] { return client.lock->free_stale(deadline_of(record)); });
  if (freed) differ(setting_.step, "free", "freed", "the holder lives");
  if (setting_.is_explained && !client.set->is_removed()) {
    // If giving the second semaphore back has failed, it is taken now.
    client.set->set_value(1, 1, ::semctl(client.lock->id(), 1, GETVAL));
    return;
  }
  if (setting_.is_explained) return;
  const long error = operate(client, {{1, 0, 0}, {1, 1, SEM_UNDO}});
  if (error == 0) operate(client, {{1, -1, SEM_UNDO}});
  setting_.differs(freed.error(), error == 0        ? Kind::not_found
                                  : error == EINVAL ? Kind::removed
                                                    : late(record));
}

void Locks::open(Client& client, const Record& record) {
  close(client, record);
  const bool creates = lock_creates(record), opens = lock_opens(record);
  auto lock = setting_.with_fault(record, [&] {
    if (!opens) return Semaphore::create(setting_.key, setting_.me);
    return creates ? Semaphore::create_or_open(setting_.key, setting_.me)
                   : Semaphore::open(setting_.key, setting_.me);
  });
  if (!lock) {
    if (setting_.is_explained) return;
    return setting_.differs(lock.error(), set_ ? Kind::exists : Kind::not_found);
  }
  if (set_ ? !opens : !creates) differ(setting_.step, "open", "opened", "failed");
  client.owns_set = !set_;
  if (!set_) set_ = std::make_shared<model::SemaphoreSet>(2);
  client.set = set_;
  id_ = lock->id();
  client.lock = std::move(*lock);
}

void Locks::close(Client& client, const Record&) {
  if (!client.lock) return;
  client.lock.reset();
  if (client.is_held) operate(client, {{0, -1, SEM_UNDO}});
  client.is_held = false;
  if (client.owns_set) forget_set(client);
  client.owns_set = false;
  client.set.reset();
}

void Locks::forget_set(Client& client) {
  client.set->remove();
  if (client.set == set_) set_.reset();
}

void Locks::remove(Client& client, const Record&) {
  if (!is_open(client)) return;
  const auto removed = client.lock->remove();
  same(setting_.step, "removed", static_cast<long>(removed.has_value()),
       static_cast<long>(!client.set->is_removed()));
  forget_set(client);
  client.is_held = client.owns_set = false;
}

// A foreign program on the same set: up to three steps, none of which sleeps.
void Locks::raw_semop(Client& client, const Record& record) {
  if (!is_open(client)) return;
  auto steps = semop_of(record);
  const std::size_t count = count_of(record);
  const long error = ::semop(client.lock->id(), steps.data(), count) < 0 ? errno : 0;
  same(setting_.step, "errno", error,
       static_cast<long>(client.set->operate(1, std::span(steps).first(count)).error));
}

void Locks::raw_setval(Client& client, const Record& record) {
  if (!is_open(client)) return;
  const int value = setval_of(record);
  const int member = member_of(record);
  const long error = ::semctl(client.lock->id(), member, SETVAL, value) < 0 ? errno : 0;
  same(setting_.step, "errno", error,
       static_cast<long>(client.set->set_value(1, member, value).error));
}

}  // namespace fuzz::shm
