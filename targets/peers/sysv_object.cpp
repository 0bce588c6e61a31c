// SPDX-License-Identifier: MIT
#include "targets/peers/sysv_object.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "targets/ipc/process.h"
#include "targets/peers/session.h"

namespace peers {
namespace {

using ipc::Failure;
using ipc::Result;

constexpr std::chrono::milliseconds kFileLimit(10000);

// -1: nothing is under the key. Asks for no permission, so that others' objects are found too.
int id_under(Object kind, key_t key) {
  switch (kind) {
    case Object::queue:
      return ::msgget(key, 0);
    case Object::segment:
      return ::shmget(key, 0, 0);
    case Object::semaphore:
      return ::semget(key, 0, 0);
  }
  return -1;
}

int remove_id(Object kind, int id) {
  switch (kind) {
    case Object::queue:
      return ::msgctl(id, IPC_RMID, nullptr);
    case Object::segment:
      return ::shmctl(id, IPC_RMID, nullptr);
    case Object::semaphore:
      return ::semctl(id, 0, IPC_RMID);
  }
  return -1;
}

// Never used by anybody, and ours: what a maker leaves that is killed just after making it.
bool is_untouched(Object kind, int id) {
  if (kind == Object::queue) {
    msqid_ds status{};
    return ::msgctl(id, IPC_STAT, &status) == 0 && status.msg_perm.uid == ::geteuid() &&
           status.msg_stime == 0 && status.msg_rtime == 0;
  }
  if (kind == Object::segment) {
    shmid_ds status{};
    return ::shmctl(id, IPC_STAT, &status) == 0 && status.shm_perm.uid == ::geteuid() &&
           status.shm_nattch == 0 && !ipc::identify(status.shm_cpid);
  }
  semid_ds status{};
  return ::semctl(id, 0, IPC_STAT, &status) == 0 && status.sem_perm.uid == ::geteuid() &&
         status.sem_otime == 0;
}

}  // namespace

Result<ipc::KeyFile> ObjectFile::open() const {
  return ipc::KeyFile::open(path, project, ipc::Deadline::after(kFileLimit));
}

Result<> ObjectFile::clear_left(ipc::KeyFile& file, bool was_making) const {
  const int id = id_under(kind, file.key());
  if (id < 0) return {};
  const Result<> ours = file.check(id);
  if (!ours && !(was_making && is_untouched(kind, id))) return ours;
  if (remove_id(kind, id) != 0) return ipc::fail("IPC_RMID", {{{"id", id}}}, path);
  return {};
}

void ObjectFile::remove() const {
  Result<ipc::KeyFile> file = open();
  if (!file) {
    note(file.error().describe());
    return;
  }
  const int id = id_under(kind, file->key());
  if (id >= 0 && file->check(id) && remove_id(kind, id) != 0)
    note(ipc::fail("IPC_RMID", {{{"id", id}}}, path).error().describe());
  if (const auto unlinked = file->unlink(); !unlinked) note(unlinked.error().describe());
}

}  // namespace peers
