#include "targets/peers/behaviours.h"
namespace peers {
ipc::Result<> shm_writer(const Options&, Session&) { return {}; }
ipc::Result<> shm_reader(const Options&, Session&) { return {}; }
ipc::Result<> shm_locked(const Options&, Session&) { return {}; }
ipc::Result<> socket_chat(const Options&, Session&) { return {}; }
}  // namespace peers
