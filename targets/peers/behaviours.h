// The table of behaviours: what `peer NAME key=value...` can be. Must not parse: see main.cpp.
// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "targets/ipc/error.h"
#include "targets/peers/options.h"
#include "targets/peers/session.h"

namespace peers {

// Runs one peer to its end. An error is printed as one line and makes the exit status 1.
using Function = ipc::Result<> (*)(const Options& options, Session& session);

struct Behaviour {
  const char* name;
  const char* help;
  std::span<const Key> keys;  // beside dir=, which all have
  Function run;
};

ipc::Result<> pipe_oneway(const Options& options, Session& session);
ipc::Result<> pipe_twoway(const Options& options, Session& session);
ipc::Result<> fifo_chat(const Options& options, Session& session);
ipc::Result<> queue_chat(const Options& options, Session& session);
ipc::Result<> shm_writer(const Options& options, Session& session);
ipc::Result<> shm_reader(const Options& options, Session& session);
ipc::Result<> shm_locked(const Options& options, Session& session);
ipc::Result<> socket_chat(const Options& options, Session& session);

}  // namespace peers
