// Three clients on one System V queue, through the library, against the model: the same results,
// the same messages in the same order, at each step and at the end. One record is one operation.
// SPDX-License-Identifier: MIT
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <optional>
#include <span>

#include "targets/fuzz/run.h"
#include "targets/ipc/alarm.h"
#include "targets/ipc/queue.h"
#include "targets/model/queue.h"

namespace {

using fuzz::same;
using ipc::Kind;
using pipewrench::Record;

constexpr std::array<long, 16> kTypes = {1,  2,  3,        4,        1,         2,       0,  -1,
                                         -2, -3, LONG_MIN, LONG_MAX, -LONG_MAX, INT_MAX, -7, 7};
constexpr std::array<long, 16> kSizes = {0,  1, 2,    5,    8,   16, 31, 64,
                                         -1, 4, 8192, 8193, 100, 12, 3,  LONG_MIN};
constexpr std::array<std::size_t, 8> kCapacities = {0, 1, 2, 16, 100, 1000, 16384, 20000};
constexpr std::array kRules = {ipc::Selection::Rule::any, ipc::Selection::Rule::exactly,
                               ipc::Selection::Rule::lowest_up_to,
                               ipc::Selection::Rule::all_except};
constexpr int kCopy = 040000;  // MSG_COPY of linux/msg.h
constexpr std::size_t kLargest = 8193;
constexpr std::chrono::milliseconds kWait_ms{50};

// The fields that operations read out of a record's value and flags.
long type_of(const Record& record) { return kTypes[record.value & 0xf]; }
long size_of(const Record& record) { return kSizes[record.value >> 4 & 0xf]; }
bool waits(const Record& record) { return (record.flags & 1) != 0; }
bool reports(const Record& record) { return (record.flags & 4) != 0; }
ipc::OnSignal on_signal_of(const Record& record) {
  return reports(record) ? ipc::OnSignal::report : ipc::OnSignal::retry;
}
ipc::Deadline deadline_of(const Record& record) {
  return waits(record) ? ipc::Deadline::after(kWait_ms) : ipc::Deadline::now();
}
std::string text_of(std::size_t step, long size) {
  return std::string(static_cast<std::size_t>(std::max(size, 0L)),
                     static_cast<char>('a' + step % 26));
}

// For the report of a step.
std::string message_of(const Record& record) {
  return "mtype=" + fuzz::show(type_of(record)) + " size=" + fuzz::show(size_of(record));
}
std::string capacity_of(const Record& record) {
  return "bytes=" + std::to_string(kCapacities[record.value % kCapacities.size()]);
}
std::string stale_of(const Record& record) {
  constexpr std::array kOnStale = {"fail", "drain", "recreate"};
  return std::string("stale=") + kOnStale[record.value % kOnStale.size()];
}

// The signal of deadlines is taken before the first input, which then runs as every later one does.
const bool has_signal = ipc::Alarm::arm(ipc::Deadline::after(kWait_ms)).has_value();

struct RawMessage {
  long type;
  char text[kLargest];
};

// Large and always written before it is read: one for all inputs.
RawMessage& scratch() {
  static RawMessage buffer;
  return buffer;
}

struct Client {
  std::optional<ipc::MessageQueue> queue;
  unsigned generation = 0;
};

class Input {
 public:
  struct Operation {
    const char* name;
    void (Input::*run)(Client&, const Record&);
    fuzz::Operands operands;
  };

  Input() : key_(static_cast<key_t>(0x50000000 | ::getpid())) {
    if (!has_signal) fuzz::differ(step_, "start", "no signal for deadlines", "one");
    open(clients_[0], {});
    clients_[0].queue->keep();
    clients_[1] = {.queue = ipc::MessageQueue::from_id(id_), .generation = generation_};
  }

  static std::span<const Operation> operations() {
    static constexpr std::array<Operation, 12> kOperations = {{
        {"send", &Input::send, message_of},
        {"receive", &Input::receive, message_of},
        {"send", &Input::send, message_of},
        {"receive", &Input::receive, message_of},
        {"raw send", &Input::raw_send, message_of},
        {"raw receive", &Input::raw_receive, message_of},
        {"peek", &Input::peek, message_of},
        {"status", &Input::status, nullptr},
        {"capacity", &Input::set_capacity, capacity_of},
        {"open", &Input::open, stale_of},
        {"remove", &Input::remove, nullptr},
        {"close", &Input::close, nullptr},
    }};
    return kOperations;
  }

  void act(const fuzz::Step& step, const Operation& operation, const Record& record) {
    step_ = step;
    (this->*operation.run)(clients_[record.client % clients_.size()], record);
  }

  // What is left comes out in order; then the queue goes.
  void finish(const fuzz::Step& end) {
    step_ = end;
    while (model_.messages() > 0) raw_receive_with(id_, model_, kLargest, 0, IPC_NOWAIT);
    raw_receive_with(id_, model_, kLargest, 0, IPC_NOWAIT);
    for (Client& client : clients_)
      if (client.queue) client.queue->keep();
    if (!model_.is_removed()) ::msgctl(id_, IPC_RMID, nullptr);
  }

 private:
  model::Queue& twin(const Client& client) {
    return client.generation == generation_ ? model_ : gone_;
  }

  // The library failed without a fault: so did the model, for the same reason.
  void failed(const ipc::Error& error, const model::Outcome& expected, bool is_waiting) {
    Kind kind = ipc::kind_of(expected.error);
    if (expected.error == EINVAL) kind = Kind::removed;
    if (kind == Kind::would_block && is_waiting) kind = Kind::timed_out;
    if (error.kind != kind) fuzz::differ(step_, "failure", error.describe(), ipc::name(kind));
  }

  void send(Client& client, const Record& record) {
    if (!client.queue) return;
    const ipc::Message message{type_of(record), text_of(step_.index, size_of(record))};
    const fuzz::StepFault fault(record);
    const auto sent = client.queue->send(message, deadline_of(record), on_signal_of(record));
    if (!sent && fault.explains(sent.error(), reports(record))) return;
    const auto size = static_cast<long>(message.payload.size());
    const auto expected = twin(client).send(message.type, message.payload, size);
    if (sent) return same(step_, "errno", 0L, static_cast<long>(expected.error));
    if (expected.error != 0 && fault.hides_failures()) return;
    if (message.type < 1) return same(step_, "kind", sent.error().kind, Kind::bad_argument);
    if (size == kLargest && !twin(client).is_removed())
      return same(step_, "kind", sent.error().kind, Kind::too_big);
    failed(sent.error(), expected, waits(record));
  }

  void receive(Client& client, const Record& record) {
    if (!client.queue) return;
    const ipc::Selection selection{kRules[record.value >> 8 & 3], type_of(record)};
    const auto most = static_cast<std::size_t>(std::max(size_of(record), 0L));
    const bool cuts = (record.flags & 2) != 0;
    const fuzz::StepFault fault(record);
    const auto message =
        client.queue->receive(selection, deadline_of(record), most,
                              cuts ? ipc::OnLong::cut : ipc::OnLong::refuse, on_signal_of(record));
    if (!message && fault.explains(message.error(), reports(record))) return;
    if (selection.rule != ipc::Selection::Rule::any && selection.type < 1) {
      if (message) fuzz::differ(step_, "bad selection", fuzz::show(message->type), "refused");
      return same(step_, "kind", message.error().kind, Kind::bad_argument);
    }
    const bool excepts = selection.rule == ipc::Selection::Rule::all_except;
    const int flags = (cuts ? MSG_NOERROR : 0) | (excepts ? MSG_EXCEPT : 0);
    long msgtyp = selection.rule == ipc::Selection::Rule::any ? 0 : selection.type;
    if (selection.rule == ipc::Selection::Rule::lowest_up_to) msgtyp = -msgtyp;
    compare(message, twin(client), static_cast<long>(most), msgtyp, flags, waits(record));
  }

  void compare(const ipc::Result<ipc::Message>& message, model::Queue& twin, long most, long msgtyp,
               int flags, bool is_waiting) {
    model::Queue::Stored stored{};
    const auto expected = twin.receive(most, msgtyp, flags, &stored);
    if (!message) return failed(message.error(), expected, is_waiting);
    same(step_, "errno", 0L, static_cast<long>(expected.error));
    same(step_, "mtype", message->type, stored.type);
    same(step_, "text", std::string_view(message->payload), std::string_view(stored.text));
  }

  void peek(Client& client, const Record& record) {
    if (!client.queue) return;
    const std::size_t index = record.value & 0xf;
    const auto most = static_cast<std::size_t>(std::max(size_of(record), 0L));
    const fuzz::StepFault fault(record);
    const auto message = client.queue->peek(index, most);
    if (!message && fault.explains(message.error())) return;
    compare(message, twin(client), static_cast<long>(most), static_cast<long>(index),
            kCopy | IPC_NOWAIT, false);
  }

  // Every combination of flags, sizes and types as the kernel takes them; only never sleeping. By
  // syscall(): ASan's msgrcv refuses a negative size before the kernel can.
  void raw_receive(Client& client, const Record& record) {
    if (!client.queue) return;
    static constexpr std::array kFlags = {MSG_NOERROR, MSG_EXCEPT, kCopy, 0100000};
    int flags = IPC_NOWAIT;
    for (std::size_t i = 0; i < kFlags.size(); ++i)
      if ((record.flags >> i & 1) != 0) flags |= kFlags[i];
    raw_receive_with(client.queue->id(), twin(client), size_of(record), type_of(record), flags);
  }

  void raw_receive_with(int id, model::Queue& twin, long size, long msgtyp, int flags) {
    RawMessage& buffer = scratch();
    const long got = ::syscall(SYS_msgrcv, id, &buffer, size, msgtyp, flags);
    const long error = got < 0 ? errno : 0;
    model::Queue::Stored stored{};
    const auto expected = twin.receive(size, msgtyp, flags, &stored);
    same(step_, "errno", error, static_cast<long>(expected.error));
    same(step_, "result", got, expected.result);
    if (got < 0) return;
    same(step_, "mtype", buffer.type, stored.type);
    same(step_, "text", std::string_view(buffer.text, static_cast<std::size_t>(got)),
         std::string_view(stored.text));
  }

  void raw_send(Client& client, const Record& record) {
    if (!client.queue) return;
    RawMessage& buffer = scratch();
    const long size = size_of(record);
    const std::string text = text_of(step_.index, size);
    buffer.type = type_of(record);
    std::copy(text.begin(), text.end(), buffer.text);
    const int flags = IPC_NOWAIT | ((record.flags & 1) != 0 ? MSG_NOERROR : 0);
    const long result = ::syscall(SYS_msgsnd, client.queue->id(), &buffer, size, flags);
    const long error = result < 0 ? errno : 0;
    const auto expected = twin(client).send(buffer.type, text, size);
    same(step_, "errno", error, static_cast<long>(expected.error));
  }

  void status(Client& client, const Record& record) {
    if (!client.queue) return;
    const model::Queue& expected = twin(client);
    const fuzz::StepFault fault(record);
    const auto status = client.queue->status();
    if (!status) {
      if (!fault.explains(status.error())) failed(status.error(), {-1, EINVAL}, false);
      return;
    }
    same(step_, "exists", 0L, static_cast<long>(expected.is_removed()));
    same(step_, "messages", static_cast<long>(status->messages),
         static_cast<long>(expected.messages()));
    same(step_, "bytes", static_cast<long>(status->bytes), static_cast<long>(expected.bytes()));
    same(step_, "capacity", static_cast<long>(status->capacity_bytes),
         static_cast<long>(expected.capacity()));
  }

  void set_capacity(Client& client, const Record& record) {
    if (!client.queue) return;
    const std::size_t bytes = kCapacities[record.value % kCapacities.size()];
    const fuzz::StepFault fault(record);
    const auto set = client.queue->set_capacity(bytes);
    if (set) {
      same(step_, "exists", 0L, static_cast<long>(twin(client).is_removed()));
      return twin(client).set_capacity(bytes);
    }
    if (fault.explains(set.error()) || set.error().kind == Kind::permission) return;
    failed(set.error(), {-1, EINVAL}, false);
  }

  // Opens, or makes a new one where there is none. The sender is this process and lives: his
  // messages are stale only where a fault says that he is gone.
  void open(Client& client, const Record& record) {
    close(client, record);
    const auto on_stale = static_cast<ipc::OnStale>(record.value % 3);
    const bool exists = !model_.is_removed();
    const fuzz::StepFault fault(record);
    auto opened = ipc::MessageQueue::create_or_open(key_, on_stale);
    const bool is_stale = fault.played(pipewrench::Call::kill, ESRCH);
    if (!opened) {
      if (is_stale && on_stale == ipc::OnStale::fail)
        return same(step_, "kind", opened.error().kind, Kind::stale);
      if (!fault.explains(opened.error()))
        fuzz::differ(step_, "open", opened.error().describe(), "opened");
      return;
    }
    const bool makes = !exists || (is_stale && on_stale == ipc::OnStale::recreate);
    same(step_, "makes a new one", static_cast<long>(opened->is_owner()), static_cast<long>(makes));
    if (makes) {
      model_ = model::Queue();
      id_ = opened->id();
      ++generation_;
    } else if (is_stale) {
      model_.clear();
    }
    client.queue = std::move(*opened);
    client.generation = generation_;
  }

  void close(Client& client, const Record&) {
    if (client.queue && client.queue->is_owner()) twin(client).remove();
    client.queue.reset();
  }

  void remove(Client& client, const Record& record) {
    if (!client.queue) return;
    const fuzz::StepFault fault(record);
    const auto removed = client.queue->remove();
    if (!removed) failed(removed.error(), {-1, EINVAL}, false);
    if (removed) same(step_, "exists", 0L, static_cast<long>(twin(client).is_removed()));
    twin(client).remove();
  }

  key_t key_;
  int id_ = -1;
  unsigned generation_ = 0;
  fuzz::Step step_{.index = 0, .operation = "start"};
  model::Queue model_ = removed();
  model::Queue gone_ = removed();
  std::array<Client, 3> clients_;

  static model::Queue removed() {
    model::Queue queue;
    queue.remove();
    return queue;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run_input<Input>(data, size);
}
