// The calls of fuzz_msgq by hand: the same records, no library, no model, no comparison, no guard.
// SPDX-License-Identifier: MIT
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "harness/inproc/records.h"

namespace {

constexpr std::array<long, 16> kSizes = {0, 1, 2,    5,    8,   16, 31, 64,
                                         0, 4, 8192, 8193, 100, 12, 3,  0};
constexpr long kLargest = 8193;

struct Buffer {
  long type;
  char text[kLargest];
};

void run(int* id, key_t key, const pipewrench::Record& record, Buffer* buffer) {
  const long type = static_cast<long>(record.value & 0xf) % 4 + 1;
  const auto size = static_cast<std::size_t>(kSizes[record.value >> 4 & 0xf]);
  msqid_ds status{};
  switch (record.op % 12) {
    case 0:
    case 2:
    case 4:
      buffer->type = type;
      std::memset(buffer->text, 'a', size);
      ::msgsnd(*id, buffer, size, IPC_NOWAIT);
      break;
    case 1:
    case 3:
    case 5:
      ::msgrcv(*id, buffer, size, type, IPC_NOWAIT | MSG_NOERROR);
      break;
    case 6:
      ::msgrcv(*id, buffer, size, record.value & 0xf, IPC_NOWAIT | 040000);
      break;
    case 7:
      ::msgctl(*id, IPC_STAT, &status);
      break;
    case 8:
      if (::msgctl(*id, IPC_STAT, &status) == 0) ::msgctl(*id, IPC_SET, &status);
      break;
    case 9:
      if (::msgget(key, IPC_CREAT | IPC_EXCL | 0600) < 0) ::msgctl(*id, IPC_STAT, &status);
      *id = ::msgget(key, 0);
      break;
    case 10:
      ::msgctl(*id, IPC_RMID, nullptr);
      break;
    default:
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Buffer buffer;
  const auto key = static_cast<key_t>(0x50000000 | ::getpid());
  int id = ::msgget(key, IPC_CREAT | 0600);
  const pipewrench::Records records(data, size);
  for (std::size_t i = 0; i < records.size(); ++i) run(&id, key, records[i], &buffer);
  while (::msgrcv(id, &buffer, kLargest, 0, IPC_NOWAIT) >= 0) {
  }
  ::msgctl(id, IPC_RMID, nullptr);
  return 0;
}
