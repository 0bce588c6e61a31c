// Three clients that share the ends of one pipe, and a session of messages over another, against
// the model: the same counts, bytes, ends and failures at each step, down to the page that a short
// write left half full. One record is one operation.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <array>
#include <climits>
#include <deque>
#include <optional>
#include <span>
#include <utility>

#include "targets/fuzz/run.h"
#include "targets/ipc/pipe.h"
#include "targets/model/pipe.h"

namespace {

using fuzz::same;
using ipc::Kind;
using pipewrench::Record;
using End = ipc::Transfer::End;

// Bytes cost time: values up to 15 have all sizes with their boundaries, all others the small ones.
constexpr std::array<std::size_t, 16> kSizes = {1,    0,    2,    24,   100,  4095, 4096, 4097,
                                                2049, 3000, 5000, 6143, 8191, 8192, 8193, 12289};
// Small pipes are full sooner: the default of 16 pages costs 64 KiB an input and has the same
// rules.
constexpr std::size_t kPages = 2;
constexpr std::array<std::size_t, 4> kSmallSizes = {1, 24, 3, 100};
// A payload of 4072 fills the session's pipe to the byte.
constexpr std::array<std::size_t, 16> kPayloads = {1, 0, 24, 100, 1000, 4072, 4073, 5000,
                                                   1, 0, 24, 100, 2,    1,    3,    24};
constexpr std::array<long, 4> kTypes = {1, -1, LONG_MIN, LONG_MAX};
constexpr std::chrono::milliseconds kWait_ms{50};
constexpr std::size_t kClients = 3;
constexpr std::size_t kChunk = 8192;  // what a MessageReader asks for

std::size_t size_of(const Record& record) {
  return record.value < kSizes.size() ? kSizes[record.value]
                                      : kSmallSizes[record.value % kSmallSizes.size()];
}
bool waits(const Record& record) { return (record.flags & 1) != 0; }
bool is_foreign(const Record& record) { return (record.flags & 2) != 0; }
bool is_whole(const Record& record) { return (record.flags & 4) == 0; }
ipc::IoPolicy policy_of(const Record& record) {
  return {.access = is_foreign(record) ? ipc::Access::foreign : ipc::Access::nonblocking};
}
ipc::Deadline deadline_of(const Record& record) {
  return waits(record) ? ipc::Deadline::after(kWait_ms) : ipc::Deadline::now();
}
std::size_t payload_of(const Record& record) { return kPayloads[record.value % kPayloads.size()]; }
long type_of(const Record& record) { return kTypes[record.value >> 4 & 3]; }

// For the report of a step.
std::string transfer_of(const Record& record) {
  return "size=" + std::to_string(size_of(record)) + (is_whole(record) ? " whole" : " some") +
         (is_foreign(record) ? " foreign" : "") + (waits(record) ? " waits" : "");
}
std::string message_of(const Record& record) {
  return "type=" + fuzz::show(type_of(record)) + " payload=" + std::to_string(payload_of(record)) +
         (waits(record) ? " waits" : "");
}
std::string wait_of(const Record& record) { return waits(record) ? "waits" : ""; }
std::string heir_of(const Record& record) {
  return "with client " + std::to_string(record.value % kClients);
}
std::string pages_of(const Record& record) {
  return "pages=" + std::to_string(1 << record.value % 5);
}

// Bytes that differ from step to step and along the text; 251 is prime, so pages differ too.
std::string_view text_of(std::size_t step, std::size_t size) {
  static const std::string text = [] {
    std::string bytes(kSizes.back() + 256, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i % 251);
    return bytes;
  }();
  return std::string_view(text).substr(step * 3, size);
}

ipc::Pipe small_pipe(std::size_t pages) {
  ipc::Pipe pipe = ipc::make_pipe().value();
  ::fcntl(pipe.writer.get(), F_SETPIPE_SZ, pages * model::Pipe::kPage);
  return pipe;
}

struct Client {
  ipc::Fd reader;
  ipc::Fd writer;
};

// Messages through a pipe of their own; the twin keeps as many bytes as are on the way.
struct Session {
  ipc::Sender out;
  ipc::Receiver in;
  model::Pipe twin{1};
  std::deque<ipc::Message> sent{};
  std::size_t unsent = 0;  // bytes of the last one
  std::size_t held = 0;    // bytes read, not yet returned
  bool is_open = true;     // the sender's side

  static Session make() {
    ipc::Pipe pipe = small_pipe(1);
    return {.out = ipc::Sender(std::move(pipe.writer)),
            .in = ipc::Receiver(std::move(pipe.reader))};
  }
};

class Input {
 public:
  struct Operation {
    const char* name;
    void (Input::*run)(Client&, const Record&);
    fuzz::Operands operands;
    bool is_of_session;
  };

  Input() {
    ipc::Pipe pipe = small_pipe(kPages);
    clients_[0].writer = std::move(pipe.writer);
    clients_[1].reader = std::move(pipe.reader);
  }

  static std::span<const Operation> operations() {
    static constexpr std::array<Operation, 10> kOperations = {{
        {"write", &Input::write, transfer_of, false},
        {"read", &Input::read, transfer_of, false},
        {"close writer", &Input::close_writer, nullptr, false},
        {"close reader", &Input::close_reader, nullptr, false},
        {"share", &Input::share, heir_of, false},
        {"resize", &Input::resize, pages_of, false},
        {"send", &Input::send, message_of, true},
        {"receive", &Input::receive, wait_of, true},
        {"flush", &Input::flush, wait_of, true},
        {"close session", &Input::close_session, nullptr, true},
    }};
    return kOperations;
  }

  void act(const fuzz::Step& step, const Operation& operation, const Record& record) {
    step_ = step;
    (this->*operation.run)(clients_[record.client % clients_.size()], record);
    if (!operation.is_of_session) compare_state();
  }

  // No operation changed what the program does with SIGPIPE.
  void finish(const fuzz::Step& end) {
    step_ = end;
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    same(step_, "SIGPIPE is blocked", static_cast<long>(sigismember(&mask, SIGPIPE)), 0L);
  }

 private:
  // The twin makes the calls that moved `bytes` of the text; on a foreign descriptor a poll
  // precedes each.
  void take(model::Pipe& twin, std::string_view text, std::size_t bytes, const Record& record,
            const fuzz::StepFault& fault) {
    std::size_t done = 0;
    for (std::size_t call = is_foreign(record) ? 1 : 0; done < bytes;
         call += is_foreign(record) ? 2 : 1) {
      const std::size_t rest = text.size() - done;
      const std::size_t size =
          fault.left_of(call, is_foreign(record) ? std::min(rest, model::Pipe::kPage) : rest);
      const model::Outcome outcome = twin.write(text.substr(done, size));
      same(step_, "errno of a part", 0L, static_cast<long>(outcome.error));
      if (outcome.result <= 0) fuzz::differ(step_, "bytes", "more than there are", "all");
      done += static_cast<std::size_t>(outcome.result);
    }
    same(step_, "bytes", static_cast<long>(bytes), static_cast<long>(done));
  }

  // The library failed without a fault: so does the twin's next call, for the same reason.
  void failed(const ipc::Error& error, const model::Outcome& expected, const Record& record) {
    Kind kind = ipc::kind_of(expected.error);
    if (kind == Kind::would_block && waits(record)) kind = Kind::timed_out;
    if (error.kind != kind) fuzz::differ(step_, "failure", error.describe(), ipc::name(kind));
  }

  void write(Client& client, const Record& record) {
    if (!client.writer) return;
    const std::string_view text = text_of(step_.index, size_of(record));
    const fuzz::StepFault fault(record);
    ipc::Transfer done;
    if (is_whole(record)) {
      done = ipc::write_all(client.writer.get(), text, deadline_of(record), policy_of(record));
    } else {
      auto some =
          ipc::write_some(client.writer.get(), text, deadline_of(record), policy_of(record));
      done = some ? ipc::Transfer{.bytes = *some} : ipc::Transfer{End::failed, 0, some.error()};
    }
    take(twin_, text, done.bytes, record, fault);
    if (done.end != End::failed) {
      if (is_whole(record)) same(step_, "whole", done.bytes, text.size());
      return;
    }
    if (fault.explains(done.error)) return;
    const std::size_t most = is_foreign(record) ? model::Pipe::kPage : text.size();
    stopped(done.error, twin_, text.substr(done.bytes, most), record, fault);
  }

  // The library wrote nothing more: nor can the twin. poll(2) promises a free page or nothing:
  // where it is asked first, or after an EAGAIN that was played, nothing is written though the last
  // page has room.
  void stopped(const ipc::Error& error, model::Pipe& twin, std::string_view rest,
               const Record& record, const fuzz::StepFault& fault) {
    if ((is_foreign(record) || fault.any()) && twin.poll_writer() == 0)
      return failed(error, {-1, EAGAIN}, record);
    failed(error, twin.write(rest), record);
  }

  void read(Client& client, const Record& record) {
    if (!client.reader) return;
    std::string buffer(size_of(record), '\0');
    const fuzz::StepFault fault(record);
    ipc::Transfer done;
    if (is_whole(record)) {
      done = ipc::read_exact(client.reader.get(), buffer, deadline_of(record), policy_of(record));
    } else {
      auto some =
          ipc::read_some(client.reader.get(), buffer, deadline_of(record), policy_of(record));
      done = some ? ipc::Transfer{.bytes = *some} : ipc::Transfer{End::failed, 0, some.error()};
      if (some && *some == 0 && !buffer.empty()) done.end = End::eof;
    }
    std::string expected;
    for (std::size_t call = is_foreign(record) ? 1 : 0; expected.size() < done.bytes;
         call += is_foreign(record) ? 2 : 1) {
      const std::size_t size = fault.left_of(call, buffer.size() - expected.size());
      if (twin_.read(size, &expected).result <= 0) break;
    }
    same(step_, "text", std::string_view(buffer).substr(0, done.bytes), std::string_view(expected));
    if (done.complete()) {
      if (is_whole(record)) same(step_, "whole", done.bytes, buffer.size());
      return;
    }
    if (done.end == End::failed && fault.explains(done.error)) return;
    const model::Outcome next = twin_.read(buffer.size() - done.bytes, &expected);
    if (done.end == End::failed) return failed(done.error, next, record);
    same(step_, "end of stream", 0L, next.result);
    same(step_, "inside", static_cast<long>(done.end == End::eof_inside),
         static_cast<long>(done.bytes > 0));
  }

  void close_writer(Client& client, const Record&) {
    if (client.writer) twin_.remove_writer();
    client.writer.close();
  }
  void close_reader(Client& client, const Record&) {
    if (client.reader) twin_.remove_reader();
    client.reader.close();
  }

  // What fork() does: another client has the same ends.
  void share(Client& client, const Record& record) {
    Client& other = clients_[record.value % clients_.size()];
    if (!other.writer && client.writer) {
      other.writer = ipc::Fd(::fcntl(client.writer.get(), F_DUPFD_CLOEXEC, 0));
      twin_.add_writer();
    }
    if (!other.reader && client.reader) {
      other.reader = ipc::Fd(::fcntl(client.reader.get(), F_DUPFD_CLOEXEC, 0));
      twin_.add_reader();
    }
  }

  void resize(Client& client, const Record& record) {
    if (!client.writer) return;
    const auto bytes = static_cast<int>(model::Pipe::kPage << record.value % 5);
    const int result = ::fcntl(client.writer.get(), F_SETPIPE_SZ, bytes);
    if (result < 0 && errno == EPERM) return;  // this user's pipe pages are used up (pipe(7))
    same(step_, "capacity", static_cast<long>(result),
         twin_.resize(static_cast<std::size_t>(bytes)).result);
  }

  void send(Client&, const Record& record) {
    if (!session_) session_ = Session::make();
    const std::string_view text = text_of(step_.index, payload_of(record));
    const ipc::Message message{type_of(record), std::string(text)};
    const std::size_t frame = ipc::kFrameHeader + text.size();
    if (!session_->is_open) return;
    const fuzz::StepFault fault(record);
    const ipc::Result<> sent = session_->out.send(message, deadline_of(record));
    if (session_->unsent > 0) {
      if (sent) fuzz::differ(step_, "send", "sent", "an unsent rest is in the way");
      return same(step_, "kind", sent.error().kind, Kind::bad_argument);
    }
    const std::size_t written = sent                          ? frame
                                : session_->out.unsent() == 0 ? 0
                                                              : frame - session_->out.unsent();
    if (written > 0) session_->sent.push_back(message);
    wrote(frame, written, sent, record, fault);
  }

  void flush(Client&, const Record& record) {
    if (!session_ || !session_->is_open) return;
    const fuzz::StepFault fault(record);
    const ipc::Result<> sent = session_->out.flush(deadline_of(record));
    const std::size_t rest = session_->unsent;
    wrote(rest, rest - session_->out.unsent(), sent, record, fault);
  }

  // The message that arrives shows which bytes went; for the twin it is enough how many.
  void wrote(std::size_t size, std::size_t written, const ipc::Result<>& sent, Record record,
             const fuzz::StepFault& fault) {
    if (!sent &&
        sent.error().kind == Kind::peer_gone) {  // how much of it went is nobody's business now
      if (!fault.explains(sent.error()))
        fuzz::differ(step_, "kind", "peer_gone", "the reader is there");
      return session_.reset();
    }
    record.flags = static_cast<std::uint8_t>(record.flags & 0xfd);  // ours: no poll before a write
    const std::string_view frame = text_of(0, size);
    take(session_->twin, frame, written, record, fault);
    // With nothing of it written, a message was not taken.
    session_->unsent = session_->out.unsent() > 0 ? size - written : 0;
    if (sent) return same(step_, "unsent", session_->unsent, std::size_t{0});
    if (fault.explains(sent.error())) return;
    stopped(sent.error(), session_->twin, frame.substr(written), record, fault);
  }

  void receive(Client&, const Record& record) {
    if (!session_) return;
    Session& session = *session_;
    const fuzz::StepFault fault(record);
    const auto message = session.in.receive(deadline_of(record));
    const bool is_explained = !message && fault.explains(message.error());
    const std::size_t needed =
        session.sent.empty() ? SIZE_MAX : ipc::kFrameHeader + session.sent.front().payload.size();
    model::Outcome outcome{.result = 1};
    for (std::size_t call = 0; session.held < needed && outcome.result > 0; ++call) {
      if (is_explained && call == fault.call()) return;
      outcome = session.twin.drop(fault.left_of(call, kChunk));
      session.held += static_cast<std::size_t>(std::max(outcome.result, 0L));
    }
    if (outcome.error != 0) {
      if (is_explained) return;  // played in the poll that follows
      if (message) fuzz::differ(step_, "message", "one", "none");
      return failed(message.error(), outcome, record);
    }
    if (outcome.result == 0) {  // the end: clean between messages only
      const Kind end = message ? Kind::system : message.error().kind;
      if (message && message->has_value()) fuzz::differ(step_, "message", "one", "the end");
      return same(step_, "end", end, session.held == 0 ? Kind::system : Kind::truncated);
    }
    if (!message) fuzz::differ(step_, "message", message.error().describe(), "one");
    if (!message->has_value()) fuzz::differ(step_, "message", "the end", "one");
    same(step_, "type", (*message)->type, session.sent.front().type);
    same(step_, "payload", std::string_view((*message)->payload),
         std::string_view(session.sent.front().payload));
    session.held -= needed;
    session.sent.pop_front();
  }

  void close_session(Client&, const Record&) {
    if (!session_ || !session_->is_open) return;
    session_->out.close();
    session_->twin.remove_writer();
    session_->is_open = false;
  }

  // All readers are copies of one open file, and so are all writers: asking one of each is enough.
  void compare_state() {
    std::array<pollfd, 2> ends{{{-1, POLLIN | POLLOUT, 0}, {-1, POLLIN | POLLOUT, 0}}};
    for (const Client& client : clients_) {
      if (client.reader) ends[0].fd = client.reader.get();
      if (client.writer) ends[1].fd = client.writer.get();
    }
    ::poll(ends.data(), ends.size(), 0);
    if (ends[1].fd >= 0)
      same(step_, "poll of the writer", long{ends[1].revents}, long{twin_.poll_writer()});
    if (ends[0].fd < 0) return;
    same(step_, "poll of the reader", long{ends[0].revents}, long{twin_.poll_reader()});
    int unread = 0;
    ::ioctl(ends[0].fd, FIONREAD, &unread);
    same(step_, "bytes in the pipe", static_cast<std::size_t>(unread), twin_.bytes());
  }

  fuzz::Step step_{.index = 0, .operation = "start"};
  std::array<Client, kClients> clients_;
  model::Pipe twin_{kPages};
  std::optional<Session> session_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run_input<Input>(data, size);
}
