// Seed program 5: a chat over a System V message queue, in which everybody has an mtype. Sleeps in
// msgsnd(2) and msgrcv(2) in threads of their own, as no descriptor says when a queue is ready; a
// pipe joins each to the one wait of the session. Must not lose a message to the session's end.
// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <csignal>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "targets/ipc/pipe.h"
#include "targets/ipc/queue.h"
#include "targets/ipc/wait.h"
#include "targets/peers/behaviours.h"
#include "targets/peers/chat.h"
#include "targets/peers/sysv_object.h"

namespace peers {
namespace {

using ipc::Deadline;
using ipc::Failure;
using ipc::Kind;
using ipc::Message;
using ipc::MessageQueue;
using ipc::Result;
using ipc::Selection;

constexpr ObjectFile kFile{Object::queue, "msgfile", 'a'};
constexpr std::chrono::milliseconds kWakeAgain(5);
// A line longer than that is several messages: MSGMAX is 8192 and the queue holds 16384 bytes.
constexpr std::size_t kMostText = 4096;

// The text of a message: whether its line goes on (+) or ends (.), who sent it, the bytes.
constexpr char kGoesOn = '+';
constexpr char kEnds = '.';
constexpr std::size_t kHead = 2;

void do_nothing(int) {}

// Ends a sleep in msgsnd(2) or msgrcv(2) with EINTR (signal(7)).
Result<> take_wake_signal() {
  struct sigaction action{};
  action.sa_handler = do_nothing;
  if (::sigaction(SIGUSR2, &action, nullptr) != 0) return ipc::fail("sigaction");
  return {};
}

// A thread that moves messages between the queue and a pipe.
class Mover {
 public:
  Mover() = default;
  Mover(const Mover&) = delete;
  Mover& operator=(const Mover&) = delete;
  // Whatever it sleeps in: the queue (wake), or our pipe (closed).
  ~Mover() {
    stop.store(true);
    pipe_end.close();
    while (thread_.joinable() && !is_over()) wake();
    if (thread_.joinable()) thread_.join();
  }

  // `run` gets one end of a pipe and says how it failed, if it did; the other end is pipe_end.
  template <class Run>
  Result<> start(ipc::Fd kept, ipc::Fd given, Run run) {
    Result<ipc::Pipe> life = ipc::make_pipe();
    Result<ipc::Pipe> news = ipc::make_pipe();
    if (!life || !news) return Failure(life ? news.error() : life.error());
    ended_ = std::move(life->reader);
    told_ = std::move(news->reader);
    tell_ = std::move(news->writer);
    pipe_end = std::move(kept);
    thread_ =
        std::thread([this, run, pipe = std::move(given), last = std::move(life->writer)]() mutable {
          sigset_t wake_signal;
          ::sigemptyset(&wake_signal);
          ::sigaddset(&wake_signal, SIGUSR2);
          ::pthread_sigmask(SIG_UNBLOCK, &wake_signal, nullptr);
          failure_ = run(std::move(pipe));
          last.close();
        });
    return {};
  }
  int ended_fd() const { return ended_.get(); }
  // The thread: one more has moved. Main may be waiting for just that; where the pipe is full it
  // has been told.
  void count() {
    moved.fetch_add(1);
    (void)ipc::write_some(tell_.get(), std::string_view("m"), Deadline::now(), ipc::kPipePolicy);
  }
  int told_fd() const { return told_.get(); }
  // Before `moved` is looked at.
  void hear() {
    char news[64];
    while (ipc::read_some(told_.get(), news, Deadline::now(), ipc::kPipePolicy).value_or(0) > 0)
      continue;
  }
  bool is_over() const { return ipc::wait_readable({ended_.get()}, Deadline::now()).has_value(); }
  // The signal may come just before the thread sleeps: the caller repeats it.
  void wake() {
    ::pthread_kill(thread_.native_handle(), SIGUSR2);
    (void)ipc::wait_readable({ended_.get()}, Deadline::after(kWakeAgain));
  }
  // Once is_over(), or about to be.
  const std::optional<ipc::Error>& failure() {
    if (thread_.joinable()) thread_.join();
    return failure_;
  }

  std::atomic<bool> stop = false;
  std::atomic<std::size_t> moved = 0;
  ipc::Fd pipe_end;

 private:
  std::optional<ipc::Error> failure_;  // the thread's until it has ended
  std::thread thread_;
  ipc::Fd ended_;        // readable then
  ipc::Fd told_, tell_;  // readable when `moved` has grown
};

using Outcome = std::optional<ipc::Error>;

Outcome move_from_queue(Mover& mover, int id, long type, ipc::Fd pipe) {
  MessageQueue queue = MessageQueue::from_id(id);
  ipc::Sender out(std::move(pipe));
  while (!mover.stop.load()) {
    auto message =
        queue.receive(Selection::exactly(type), Deadline::never(), MessageQueue::kDefaultMost,
                      ipc::OnLong::cut, ipc::OnSignal::report);
    if (!message && message.error().kind == Kind::interrupted) continue;
    if (!message) return message.error();
    if (!out.send(*message, Deadline::never())) break;  // main has gone
  }
  return std::nullopt;
}

Outcome move_to_queue(Mover& mover, int id, ipc::Fd pipe) {
  MessageQueue queue = MessageQueue::from_id(id);
  ipc::Receiver in(std::move(pipe));
  bool was_said = false;
  while (auto message = in.receive(Deadline::never())) {
    if (!*message) break;
    auto sent = queue.send(**message, Deadline::now());
    const bool is_full = !sent && sent.error().kind == Kind::would_block;
    if (is_full && !std::exchange(was_said, true))
      note("the queue is full: waiting until somebody reads");
    while (is_full && !mover.stop.load()) {
      sent = queue.send(**message, Deadline::never(), ipc::OnSignal::report);
      if (sent || sent.error().kind != Kind::interrupted) break;
    }
    if (mover.stop.load()) break;
    if (!sent) return sent.error();
    mover.count();
  }
  return std::nullopt;
}

class QueueSide : public Channel {
 public:
  QueueSide(Room& room, int id, long type)
      : room_(room), queue_(MessageQueue::from_id(id)), type_(type) {}

  Result<> start() {
    if (const auto taken = take_wake_signal(); !taken) return taken;
    Result<ipc::Pipe> up = ipc::make_pipe();
    Result<ipc::Pipe> down = ipc::make_pipe();
    if (!up || !down) return Failure(up ? down.error() : up.error());
    in_.emplace(up->reader.get(), ipc::kPipePolicy);
    out_.emplace(down->writer.get(), ipc::kPipePolicy);
    const int id = queue_.id();
    auto started =
        receiver_.start(std::move(up->reader), std::move(up->writer), [this, id](ipc::Fd pipe) {
          return move_from_queue(receiver_, id, type_, std::move(pipe));
        });
    if (!started) return started;
    return sender_.start(
        std::move(down->writer), std::move(down->reader),
        [this, id](ipc::Fd pipe) { return move_to_queue(sender_, id, std::move(pipe)); });
  }

  void add(std::vector<pollfd>& entries, bool wants_send, bool wants_receive) override {
    if (!has_finished_) {
      entries.push_back({sender_.ended_fd(), POLLIN, 0});
      entries.push_back({sender_.told_fd(), POLLIN, 0});
      if (sender_.pipe_end)
        entries.push_back(
            {sender_.pipe_end.get(), static_cast<short>(wants_send ? POLLOUT : 0), 0});
    }
    if (wants_receive && !has_stopped_) entries.push_back({receiver_.pipe_end.get(), POLLIN, 0});
  }
  bool needs_partner() const override { return false; }
  bool is_delivered() const override {
    const auto status = queue_.status();
    return sender_.moved.load() == taken_ && (!status || status->messages == 0);
  }
  Result<> on_room(Room& room, const Room::View& view) override {
    sender_.hear();
    seat_ = room.seat();
    is_last_to_send_ = view.is_ending;
    for (const Room::Other& other : view.others)
      is_last_to_send_ = is_last_to_send_ && other.state == Room::State::done;
    return {};
  }

  Result<bool> send(const Piece& piece) override;
  Result<bool> finish() override;
  Result<Got> receive(Piece& piece) override;

 private:
  Result<bool> give(const Message& message);
  bool decode(Message message, Piece& piece);
  Result<> take_the_rest();

  Room& room_;
  MessageQueue queue_;
  long type_;
  int seat_ = 0;
  std::optional<ipc::MessageReader> in_;   // from the receiver
  std::optional<ipc::MessageWriter> out_;  // to the sender
  std::size_t at_ = 0;                     // of the piece that is being sent
  std::size_t taken_ = 0;                  // messages given to the sender
  std::map<char, std::string> lines_;      // that go on, by sender
  std::deque<Message> rest_;
  bool is_last_to_send_ = false;  // what is in the queue now is all
  bool has_finished_ = false;
  bool has_stopped_ = false;
  Mover receiver_;  // the last members: their threads use the others
  Mover sender_;
};

// False: not now. What the sender failed of explains why its pipe is gone.
Result<bool> QueueSide::give(const Message& message) {
  const Result<bool> taken = put(*out_, message);
  if (!taken && taken.error().kind == Kind::peer_gone && sender_.failure())
    return Failure(*sender_.failure());
  if (taken && *taken) ++taken_;
  return taken;
}

Result<bool> QueueSide::send(const Piece& piece) {
  while (true) {
    Message message{.type = piece.to, .payload = {}};
    const std::string_view text = std::string_view(piece.text).substr(at_, kMostText);
    const bool is_last = at_ + text.size() == piece.text.size();
    message.payload += is_last ? kEnds : kGoesOn;
    message.payload += static_cast<char>('A' + seat_);
    message.payload += text;
    const Result<bool> sent = give(message);
    if (!sent || !*sent) return sent;
    at_ = is_last ? 0 : at_ + text.size();
    if (is_last) return true;
  }
}

Result<bool> QueueSide::finish() {
  if (sender_.pipe_end) {
    const Result<bool> flushed = is_flushed(*out_);
    if (!flushed || !*flushed) return flushed;
  }
  sender_.pipe_end.close();
  if (!sender_.is_over()) return false;
  if (sender_.failure()) return Failure(*sender_.failure());
  has_finished_ = true;
  if (const auto told = room_.set_state(Room::State::done); !told) return Failure(told.error());
  return true;
}

// True: `piece` is a line. Long lines of several senders come mixed.
bool QueueSide::decode(Message message, Piece& piece) {
  std::string& text = message.payload;
  const bool is_ours = text.size() >= kHead && (text[0] == kEnds || text[0] == kGoesOn);
  if (!is_ours) {  // another program's
    piece = {.text = std::move(text)};
    return true;
  }
  std::string& line = lines_[text[1]];
  const bool ends_line = text[0] == kEnds || line.size() > TypedLines::kMostText;
  line.append(text, kHead);
  if (!ends_line) return false;
  piece = {.text = std::exchange(line, {})};
  return true;
}

// Nobody sends any more: the receiver stops, and what it left in the queue is taken here.
Result<> QueueSide::take_the_rest() {
  has_stopped_ = true;
  receiver_.stop.store(true);
  while (true) {
    receiver_.wake();
    auto message = in_->receive(Deadline::after(kWakeAgain));
    if (!message && message.error().kind == Kind::timed_out) continue;
    if (!message) return Failure(message.error());
    if (!*message) break;
    rest_.push_back(std::move(**message));
  }
  if (receiver_.failure()) return Failure(*receiver_.failure());
  while (true) {
    auto message = queue_.receive(Selection::exactly(type_), Deadline::now(),
                                  MessageQueue::kDefaultMost, ipc::OnLong::cut);
    if (!message && message.error().kind == Kind::would_block) return {};
    if (!message) return Failure(message.error());
    rest_.push_back(std::move(*message));
  }
}

Result<Channel::Got> QueueSide::receive(Piece& piece) {
  while (true) {
    if (!has_stopped_) {
      auto message = in_->receive(Deadline::now());
      if (message && *message) {
        if (decode(std::move(**message), piece)) return Got::piece;
        continue;
      }
      if (message) return Failure(receiver_.failure().value_or(other_side_died().error()));
      if (message.error().kind != Kind::would_block) return Failure(message.error());
      if (!has_finished_ || !is_last_to_send_) return Got::nothing;
      if (const auto taken = take_the_rest(); !taken) return Failure(taken.error());
    }
    if (rest_.empty()) return Got::end;
    Message message = std::move(rest_.front());
    rest_.pop_front();
    if (decode(std::move(message), piece)) return Got::piece;
  }
}

Result<int> queue_of(Room& room) {
  Result<ipc::KeyFile> file = kFile.open();
  if (!file) return Failure(file.error());
  if (!room.is_first()) {
    if (!file->recorded_id()) return ipc::fail(Kind::corrupt, 0, "queue", {}, kFile.path);
    return *file->recorded_id();
  }
  if (auto cleared = kFile.clear_left(*file, room.was_making()); !cleared)
    return Failure(cleared.error());
  if (auto said = room.set_making(true); !said) return Failure(said.error());
  Result<MessageQueue> queue = MessageQueue::create(file->key());
  if (!queue) return Failure(queue.error());
  if (auto recorded = file->record(queue->id()); !recorded) return Failure(recorded.error());
  if (auto said = room.set_making(false); !said) return Failure(said.error());
  queue->keep();  // the last one removes it
  return queue->id();
}

Result<> chat(Room& room, Session& session, long type) {
  const Result<int> id = queue_of(room);
  if (!id) return Failure(id.error());
  if (const auto opened = room.open_door(); !opened) return opened;
  Printer printer;
  TypedLines typed(printer);
  QueueSide side(room, *id, type);
  if (const auto started = side.start(); !started) return started;
  return Chat({.session = session,
               .source = typed,
               .channel = side,
               .printer = printer,
               .room = &room})
      .run();
}

void clear() {
  if (const auto file = kFile.open(); file && file->recorded_id()) {
    const auto status = MessageQueue::from_id(*file->recorded_id()).status();
    if (status && status->messages > 0)
      note(std::to_string(status->messages) + " messages were read by nobody");
  }
  kFile.remove();
}

}  // namespace

Result<> queue_chat(const Options& options, Session& session) {
  const long type = options.number("type");
  return attend(
      "queue-chat.room", type, true, session, [&](Room& room) { return chat(room, session, type); },
      clear);
}

}  // namespace peers
