/* Records over a pipe: a length byte, then that many bytes. Plain C99: the library under test. */
/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { RECORD_MAX = 255 };

/* Sends size bytes, at most RECORD_MAX. Returns 0, or -1 with errno. */
int record_send(int fd, const void* bytes, size_t size);

/* Receives one record into bytes[0, RECORD_MAX). Returns its size, or -1 with errno: ENODATA at the
 * end of input, EPROTO when the record is cut off. */
ssize_t record_receive(int fd, void* bytes);

#ifdef __cplusplus
}
#endif
