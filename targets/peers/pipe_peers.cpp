// Seed programs 1 and 2: a process and its child over one pipe or two, each with its own ends only.
// Must not leave the child behind.
// SPDX-License-Identifier: MIT
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include "targets/ipc/handshake.h"
#include "targets/ipc/pipe.h"
#include "targets/ipc/process.h"
#include "targets/ipc/wait.h"
#include "targets/peers/behaviours.h"
#include "targets/peers/chat.h"

namespace peers {
namespace {

using ipc::Failure;
using ipc::Kind;
using ipc::Result;

constexpr std::chrono::milliseconds kChildEnds(10000);

// One side; `other` is the process at the other end.
class PipeSide : public StreamChannel {
 public:
  PipeSide(ipc::Peer other, ipc::Fd in, ipc::Fd out)
      : other_(std::move(other)), in_(std::move(in)), out_(std::move(out)) {
    if (in_) set_reader(in_.get(), ipc::kPipePolicy);
    if (out_) set_writer(out_.get(), ipc::kPipePolicy);
  }
  void add(std::vector<pollfd>& entries, bool wants_send, bool wants_receive) override {
    StreamChannel::add(entries, wants_send, wants_receive);
    if (!in_) entries.push_back({other_.fd(), POLLIN, 0});
  }
  Result<Got> receive(Piece& piece) override {
    if (in_) return StreamChannel::receive(piece);
    // Nothing comes back through one pipe: the reader's goodbye is its end.
    return other_.alive() ? Got::nothing : Got::end;
  }
  // The writer hears of the reader's end through the pipe only when it next writes.
  Result<> ask_for_end() override {
    if (out_) return {};
    const Result<> asked = other_.notify(SIGUSR1);
    return asked || asked.error().kind == Kind::peer_gone ? Result<>{} : asked;
  }
  bool on_poke() override { return !in_; }

 private:
  ipc::Peer other_;
  ipc::Fd in_;
  ipc::Fd out_;
};

// After the session: the child ends by itself, as its pipes have.
Result<> reap(pid_t child) {
  int status = 0;
  pid_t reaped = 0;
  // Signals are blocked; EINTR would be a debugger's.
  do reaped = ::waitpid(child, &status, 0);
  while (reaped < 0 && errno == EINTR);
  if (reaped < 0) return ipc::fail("waitpid", {{{"pid", child}}});
  if (WIFSIGNALED(status))
    return ipc::fail(Kind::peer_gone, 0, "waitpid",
                     {{{"pid", child}, {"signal", WTERMSIG(status)}}}, "the child was killed");
  if (WEXITSTATUS(status) != 0)
    return ipc::fail(Kind::peer_gone, 0, "waitpid",
                     {{{"pid", child}, {"status", WEXITSTATUS(status)}}}, "the child failed");
  return {};
}

std::unique_ptr<Source> source_of(const Options& options, const char* text) {
  if (options.is(text, "-")) return std::make_unique<Lines>();
  return std::make_unique<Ticks>(options.text(text), options.number("count"),
                                 options.number("interval_ms"));
}

Result<> await_end(const Result<ipc::ProcessId>& child) {
  if (!child) return {};
  const auto peer = ipc::Peer::verify(*child);
  if (!peer) return {};  // ended already, not yet reaped
  const auto ended = ipc::wait_readable({peer->fd()}, ipc::Deadline::after(kChildEnds));
  if (!ended) (void)peer->notify(SIGKILL);
  return {};
}

// In both processes after fork(): `side` is this one's, `text` what it says (null: nothing).
Result<> talk(const Options& options, Session& session, PipeSide side, const char* label,
              const char* text) {
  Printer printer(label);
  Silence none;  // input is the parent's
  const std::unique_ptr<Source> said = text != nullptr ? source_of(options, text) : nullptr;
  Chat chat({.session = session,
             .source = said ? *said : none,
             .channel = side,
             .printer = printer,
             .sends = said != nullptr});
  return chat.run();
}

struct Ends {
  ipc::Fd in;
  ipc::Fd out;
};

// The parent's answer is about both: the child's failure is told by the child in its own words.
Result<> fork_and_talk(const Options& options, Session& session, Ends parent, Ends child,
                       const char* child_text) {
  const Result<ipc::ProcessId> me = ipc::self();
  if (!me) return Failure(me.error());
  const pid_t pid = ::fork();
  if (pid < 0) return ipc::fail("fork");
  if (pid == 0) {
    parent = {};
    auto other = ipc::Peer::verify(*me);
    if (!other) return Failure(other.error());
    return talk(options, session,
                PipeSide(std::move(*other), std::move(child.in), std::move(child.out)),
                "child received: ", child_text);
  }
  child = {};
  const Result<ipc::ProcessId> id = ipc::identify(pid);
  auto other = id ? ipc::Peer::verify(*id) : Result<ipc::Peer>(Failure(id.error()));
  Result<> talked =
      other ? talk(options, session,
                   PipeSide(std::move(*other), std::move(parent.in), std::move(parent.out)),
                   "parent received: ", "text")
            : Result<>(Failure(other.error()));
  parent = {};
  (void)await_end(id);
  const Result<> reaped = reap(pid);
  return reaped ? talked : reaped;
}

}  // namespace

Result<> pipe_oneway(const Options& options, Session& session) {
  Result<ipc::Pipe> pipe = ipc::make_pipe();
  if (!pipe) return Failure(pipe.error());
  return fork_and_talk(options, session, {.in = {}, .out = std::move(pipe->writer)},
                       {.in = std::move(pipe->reader), .out = {}}, nullptr);
}

Result<> pipe_twoway(const Options& options, Session& session) {
  Result<ipc::Pipe> forth = ipc::make_pipe();
  if (!forth) return Failure(forth.error());
  Result<ipc::Pipe> back = ipc::make_pipe();
  if (!back) return Failure(back.error());
  return fork_and_talk(options, session,
                       {.in = std::move(back->reader), .out = std::move(forth->writer)},
                       {.in = std::move(forth->reader), .out = std::move(back->writer)}, "answer");
}

}  // namespace peers
