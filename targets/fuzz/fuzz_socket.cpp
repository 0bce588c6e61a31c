// The two ends of a stream and of a seqpacket connection against the model: messages, descriptors
// that travel with them, junk of a peer that keeps no rule, both ends closing in any order. One
// record is one operation of one end.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <optional>
#include <span>
#include <utility>

#include "targets/fuzz/run.h"
#include "targets/ipc/socket.h"
#include "targets/model/channel.h"

namespace {

using fuzz::same;
using ipc::Kind;
using model::Channel;
using pipewrench::Record;

constexpr std::array<std::size_t, 16> kSizes = {1, 0, 2, 24, 300, 2000, 6000, 6001,
                                                1, 0, 2, 24, 300, 3,    100,  24};
constexpr std::size_t kLimit = 6000;
constexpr std::size_t kSurelyFits =
    300;  // a message of this size always fits an empty stream socket
constexpr std::array<long, 4> kTypes = {1, -1, LONG_MIN, LONG_MAX};
constexpr std::chrono::milliseconds kWait_ms{50};
constexpr int kPassed = STDERR_FILENO;  // a descriptor that is always open

bool waits(const Record& record) { return (record.flags & 1) != 0; }
std::size_t kind_of(const Record& record) { return (record.flags & 2) != 0; }
std::size_t fds_of(const Record& record) { return record.value >> 6 & 3; }
ipc::Deadline deadline_of(const Record& record) {
  return waits(record) ? ipc::Deadline::after(kWait_ms) : ipc::Deadline::now();
}

std::size_t size_of(const Record& record) { return kSizes[record.value % kSizes.size()]; }
long type_of(const Record& record) { return kTypes[record.value >> 4 & 3]; }

// For the report of a step.
std::string end_of(const Record& record) {
  return std::string(kind_of(record) == 0 ? "stream" : "seqpacket") +
         ((record.client & 1) == 0 ? " first end" : " second end");
}
std::string wait_of(const Record& record) {
  return end_of(record) + (waits(record) ? " waits" : "");
}
std::string receive_of(const Record& record) {
  return wait_of(record) + " most_fds=" + std::to_string(fds_of(record));
}
std::string send_of(const Record& record) {
  return wait_of(record) + " type=" + fuzz::show(type_of(record)) +
         " size=" + std::to_string(size_of(record)) + " fds=" + std::to_string(fds_of(record));
}

struct End {
  ipc::Connection connection;
  Channel out{};
  bool is_open = true;
  bool may_be_reset = false;  // the peer closed before it had read everything (ECONNRESET)
};

// A connection and its twin: what ends[0] sends is in ends[0].out.
struct Pair {
  std::array<End, 2> ends;

  static Pair make(ipc::SocketKind kind) {
    auto [a, b] = std::move(ipc::Connection::pair(kind, {.max_payload = kLimit}).value());
    if (kind == ipc::SocketKind::stream) {  // small buffers: large messages go in parts
      constexpr int kSmallest = 1;
      for (const int fd : {a.fd(), b.fd()})
        ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSmallest, sizeof kSmallest);
    }
    return {{End{std::move(a)}, End{std::move(b)}}};
  }
};

class Input {
 public:
  struct Operation {
    const char* name;
    void (Input::*run)(const Record&);
    fuzz::Operands operands;
  };

  static std::span<const Operation> operations() {
    static constexpr std::array<Operation, 8> kOperations = {{
        {"send", &Input::send, send_of},
        {"receive", &Input::receive, receive_of},
        {"send", &Input::send, send_of},
        {"receive", &Input::receive, receive_of},
        {"flush", &Input::flush, wait_of},
        {"junk", &Input::junk, end_of},
        {"end", &Input::end, end_of},
        {"close", &Input::close, end_of},
    }};
    return kOperations;
  }

  void act(const fuzz::Step& step, const Operation& operation, const Record& record) {
    step_ = step;
    std::optional<Pair>& pair = pairs_[kind_of(record)];
    if (!pair || (!pair->ends[0].is_open && !pair->ends[1].is_open))
      pair = Pair::make(static_cast<ipc::SocketKind>(kind_of(record)));
    self_ = &pair->ends[record.client & 1];
    peer_ = &pair->ends[(record.client & 1) ^ 1];
    if (self_->is_open) (this->*operation.run)(record);
    if (is_torn_) pair.reset();
    is_torn_ = false;
  }

  void finish(const fuzz::Step&) {}  // closing both ends leaves nothing to compare

 private:
  void send(const Record& record) {
    static constexpr std::array<int, 3> kFds = {kPassed, kPassed, kPassed};
    const std::size_t size = size_of(record);
    const ipc::Message message{type_of(record),
                               std::string(size, static_cast<char>('a' + step_.index % 26))};
    const fuzz::StepFault fault(record);
    const ipc::Result<> sent =
        self_->connection.send(message, deadline_of(record), std::span(kFds).first(fds_of(record)));
    const std::size_t unsent = self_->connection.unsent();
    if (self_->out.has_unsent) return refused(sent, Kind::bad_argument);
    if (size > kLimit) return refused(sent, Kind::too_big);
    if (sent || unsent > 0)
      self_->out.items.push_back({message.type, message.payload, fds_of(record), false});
    self_->out.has_unsent = unsent > 0;
    outcome(sent, size, record, fault);
  }

  void flush(const Record& record) {
    const fuzz::StepFault fault(record);
    const ipc::Result<> sent = self_->connection.flush(deadline_of(record));
    if (!self_->out.has_unsent)
      return same(step_, "nothing to flush", static_cast<long>(sent.has_value()), 1L);
    if (sent) self_->out.has_unsent = false;
    outcome(sent, kLimit, record, fault);
  }

  void refused(const ipc::Result<>& sent, Kind kind) {
    same(step_, "kind", sent ? Kind::system : sent.error().kind, kind);
  }

  void outcome(const ipc::Result<>& sent, std::size_t size, const Record& record,
               const fuzz::StepFault& fault) {
    if (sent) return same(step_, "peer is there", 0L, static_cast<long>(self_->out.refuses()));
    const Kind kind = sent.error().kind;
    if (kind == Kind::peer_gone) {  // how much of the message went is nobody's business now
      is_torn_ = !self_->out.refuses();
      if (is_torn_ && !fault.explains(sent.error()))
        fuzz::differ(step_, "kind", sent.error().describe(), "the peer is there");
      if (std::exchange(self_->out.has_unsent, false)) self_->out.is_cut = true;
      return;
    }
    if (fault.explains(sent.error())) return;
    const Kind late = waits(record) ? Kind::timed_out : Kind::would_block;
    if (kind != late) fuzz::differ(step_, "kind", sent.error().describe(), ipc::name(late));
    if (size <= kSurelyFits && self_->out.items.empty() && !self_->out.is_broken)
      fuzz::differ(step_, "room", "none", "enough");
  }

  void receive(const Record& record) {
    Channel& in = peer_->out;
    const fuzz::StepFault fault(record);
    auto received = self_->connection.receive(deadline_of(record), fds_of(record));
    const Kind kind = received ? Kind::system : received.error().kind;
    if (!received && fault.explains(received.error())) return;
    if (kind == Kind::peer_gone && self_->may_be_reset) {
      self_->may_be_reset = false;
      return;
    }
    switch (in.next()) {
      case Channel::Next::message:
        if (!received) fuzz::differ(step_, "message", received.error().describe(), "one");
        if (!received->has_value()) fuzz::differ(step_, "message", "the end", "one");
        return compare(**received, in, fds_of(record));
      case Channel::Next::junk:
        same(step_, "kind", kind, Kind::corrupt);
        in.is_broken = kind_of(record) == 0;
        return in.is_broken ? in.items.clear() : in.items.pop_front();
      case Channel::Next::nothing:
        return same(step_, "kind", kind, waits(record) ? Kind::timed_out : Kind::would_block);
      case Channel::Next::cut:
        return same(step_, "kind", kind, Kind::truncated);
      case Channel::Next::end:
        same(step_, "kind", kind, Kind::system);
        return same(step_, "end", static_cast<long>(received->has_value()), 0L);
    }
  }

  void compare(const ipc::Received& received, Channel& in, std::size_t most_fds) {
    const Channel::Item& expected = in.items.front();
    same(step_, "type", received.message.type, expected.type);
    same(step_, "payload", std::string_view(received.message.payload),
         std::string_view(expected.payload));
    same(step_, "descriptors", received.fds.size(), std::min(expected.fds, most_fds));
    for (const ipc::Fd& fd : received.fds)
      same(step_, "descriptor flags", static_cast<long>(::fcntl(fd.get(), F_GETFD)),
           long{FD_CLOEXEC});
    in.items.pop_front();
  }

  // What the library never sends. Nothing behind it can be read from a stream; the next packet is
  // fine.
  void junk(const Record& record) {
    if (self_->out.refuses() || self_->out.has_unsent) return;
    const long sent = ::send(self_->connection.fd(), "junk", 4, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == 4) self_->out.items.push_back({0, "", 0, true});
    (void)record;
  }

  void end(const Record&) {
    const ipc::Result<> ended = self_->connection.end_sending();
    if (ended) self_->out.is_ended = true;
  }

  void close(const Record&) {
    self_->connection.close();
    self_->is_open = false;
    self_->out.is_ended = true;
    peer_->out.is_abandoned = true;
    peer_->may_be_reset = !peer_->out.items.empty() || peer_->out.is_broken;
  }

  fuzz::Step step_{.index = 0, .operation = "start"};
  std::array<std::optional<Pair>, 2> pairs_;
  End* self_ = nullptr;
  End* peer_ = nullptr;
  bool is_torn_ = false;  // a played EPIPE: the stream may end inside a message
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run_input<Input>(data, size);
}
