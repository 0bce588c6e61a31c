// The one message that travels over every transport of the library.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace ipc {

struct Message {
  long type = 1;        // mtype of System V; > 0 on a queue
  std::string payload;  // any bytes, also NUL; its length is the only bound of the text

  bool operator==(const Message&) const = default;
};

}  // namespace ipc
