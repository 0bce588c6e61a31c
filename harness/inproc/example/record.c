/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Returns how many of size bytes came before the end of input, or -1 with errno. */
static ssize_t read_all(int fd, void* bytes, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t count = read(fd, (char*)bytes + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    done += (size_t)count;
#ifdef EXAMPLE_BUG
    return (ssize_t)size; /* "a pipe gives what was written to it" */
#endif
  }
  return (ssize_t)done;
}

int record_send(int fd, const void* bytes, size_t size) {
  unsigned char record[1 + RECORD_MAX];
  if (size > RECORD_MAX) {
    errno = EMSGSIZE;
    return -1;
  }
  record[0] = (unsigned char)size;
  if (size > 0) memcpy(record + 1, bytes, size);
  for (size_t done = 0; done < size + 1;) {
    const ssize_t count = write(fd, record + done, size + 1 - done);
    if (count < 0 && errno != EINTR) return -1;
    if (count > 0) done += (size_t)count;
  }
  return 0;
}

ssize_t record_receive(int fd, void* bytes) {
  unsigned char size = 0;
  const ssize_t header = read_all(fd, &size, 1);
  if (header == 0) errno = ENODATA;
  if (header <= 0) return -1;
  const ssize_t count = read_all(fd, bytes, size);
  if (count < 0 || count == size) return count;
  errno = EPROTO;
  return -1;
}
