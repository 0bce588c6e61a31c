// SPDX-License-Identifier: MIT
#include "targets/peers/chat.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "targets/ipc/wait.h"

namespace peers {

using ipc::Deadline;
using ipc::Failure;
using ipc::Kind;
using ipc::Result;

namespace {

Deadline earlier(const Deadline& one, const Deadline& other) {
  if (one.is_never()) return other;
  if (other.is_never()) return one;
  return one.poll_timeout_ms() < other.poll_timeout_ms() ? one : other;
}

}  // namespace

Result<> Chat::run() {
  while (true) {
    if (const Result<> stepped = step(); !stepped) return stepped;
    if (is_finished()) break;
    if (has_moved_) {  // there may be more: look before sleeping
      limit_ = Deadline::never();
      continue;
    }
    if (const Result<> waited = wait(); !waited) return waited;
  }
  if (!waiting_.empty() && !failure_)
    note("nobody came: " + std::to_string(waiting_.size()) + " typed before are not sent");
  if (failure_) return Failure(*failure_);
  return {};
}

// First what says that the session ends, so that what it must still take is taken.
Result<> Chat::step() {
  has_moved_ = false;
  for (const auto part_of_step : {&Chat::take_signals, &Chat::look_at_room, &Chat::take_input,
                                  &Chat::send, &Chat::receive, &Chat::print})
    if (Result<> done = (this->*part_of_step)(); !done) return done;
  return {};
}

Result<> Chat::take_signals() {
  while (true) {
    const auto signal = sides_.session.next_signal();
    if (!signal) return Failure(signal.error());
    if (!*signal) return {};
    has_moved_ = true;
    const bool is_poke = (*signal)->number == SIGUSR1;
    if (is_poke && !sides_.channel.on_poke()) continue;
    if (!is_poke && was_signalled_)
      return ipc::fail(Kind::interrupted, 0, "part", {{{"signal", (*signal)->number}}},
                       "told twice to end: not all may have arrived");
    was_signalled_ = was_signalled_ || !is_poke;
    if (const Result<> parted = part(is_poke); !parted) return parted;
  }
}

Result<> Chat::look_at_room() {
  if (sides_.room == nullptr) return {};
  const auto view = sides_.room->look();
  if (!view) return Failure(view.error());
  if (const auto told = sides_.channel.on_room(*sides_.room, *view); !told) return told;
  for (const Room::Other& dead : view->dead) {
    const Result<> death =
        ipc::fail(Kind::peer_gone, 0, "chat", {{{"pid", dead.who.pid}}}, "the other side has died");
    fail(death.error());
  }
  was_met_ = was_met_ || !view->others.empty();
  is_left_alone_ = was_met_ && view->others.empty() && sides_.channel.needs_partner();
  if (view->is_ending || is_left_alone_) return part(true);
  return {};
}

bool Chat::wants_input() const {
  return !is_parting_ && waiting_.size() < kMostWaiting && !sides_.source.is_over();
}

Result<> Chat::take_input() {
  if (is_parting_) return {};
  while (waiting_.size() < kMostWaiting) {
    auto piece = sides_.source.next();
    if (!piece) break;
    has_moved_ = true;
    waiting_.push_back(std::move(*piece));
  }
  if (wants_input()) {
    const auto filled = sides_.source.fill();
    if (!filled) return Failure(filled.error());
    has_moved_ = has_moved_ || *filled;
  }
  const bool is_owed = !waiting_.empty() || !sides_.channel.is_delivered();
  if (sides_.source.is_over() && (was_met_ || !is_owed)) return part(false);
  return {};
}

Result<> Chat::part(bool was_asked) {
  if (is_parting_) return {};
  is_parting_ = true;
  has_moved_ = true;
  if (const Result<> collected = collect_typed(); !collected) return collected;
  if (!was_asked)
    if (const Result<> asked = sides_.channel.ask_for_end(); !asked) return asked;
  if (sides_.room == nullptr) return {};
  if (const Result<> told = sides_.room->end_session(); !told) return told;
  return look_at_room();  // who came before that waits for our goodbye
}

// What was typed before the end belongs to the session, as far as it is there by now.
Result<> Chat::collect_typed() {
  std::size_t taken = 0;
  const auto collect = [&] {
    for (auto piece = sides_.source.next(); piece; piece = sides_.source.next()) {
      taken += piece->text.size();
      waiting_.push_back(std::move(*piece));
    }
  };
  for (bool is_more = sides_.sends; is_more && taken < kMostParting;) {
    const auto filled = sides_.source.fill();
    if (!filled) return Failure(filled.error());
    is_more = *filled;
    if (is_more) collect();
  }
  sides_.source.stop();
  collect();
  return {};
}

Result<> Chat::send() {
  if (has_finished_) return {};
  while (!waiting_.empty()) {
    const auto sent = sides_.channel.send(waiting_.front());
    if (!sent) {
      fail(sent.error());
      return {};
    }
    if (!*sent) return {};
    has_moved_ = true;
    waiting_.pop_front();
  }
  if (!is_parting_) return {};
  const auto finished = sides_.channel.finish();
  if (!finished) {
    fail(finished.error());
    return {};
  }
  has_finished_ = *finished;
  has_moved_ = has_moved_ || has_finished_;
  return {};
}

Result<> Chat::receive() {
  Piece piece;
  while (!has_ended_ && !sides_.printer.is_full()) {
    const auto got = sides_.channel.receive(piece);
    if (!got) {
      has_ended_ = true;
      fail(got.error());
      return {};
    }
    if (*got == Channel::Got::nothing) {
      if (is_left_alone_) fail(other_side_died().error());
      has_ended_ = is_other_gone_;  // from the dead nothing more comes
      return {};
    }
    has_moved_ = true;
    if (*got == Channel::Got::end) {
      has_ended_ = true;
      return part(true);
    }
    sides_.printer.print(piece.text, piece.ends_line);
  }
  return {};
}

// Without a reader of ours the session ends in order, and then that is said.
Result<> Chat::print() {
  const auto printed = sides_.printer.pump();
  has_moved_ = has_moved_ || !printed || *printed;
  if (printed) return {};
  if (!failure_) failure_ = printed.error();
  return part(false);
}

// What has arrived is still printed; nothing more is sent.
void Chat::fail(const ipc::Error& error) {
  if (!failure_) failure_ = error;
  has_finished_ = true;
  is_other_gone_ = true;
  has_moved_ = true;
  waiting_.clear();
  is_parting_ = true;
}

bool Chat::is_finished() const {
  if (!sides_.printer.is_empty()) return false;
  if (is_parting_ && !was_met_) return true;
  return has_finished_ && has_ended_;
}

Result<> Chat::wait() {
  if (is_parting_ && was_signalled_ && limit_.is_never())
    limit_ = Deadline::after(std::chrono::milliseconds(kPartingLimit_ms));
  std::vector<pollfd> entries{{sides_.session.fd(), POLLIN, 0}};
  if (wants_input()) entries.push_back({sides_.source.fd(), POLLIN, 0});
  if (!sides_.printer.is_empty()) entries.push_back({STDOUT_FILENO, POLLOUT, 0});
  if (sides_.room != nullptr)
    for (const int fd : sides_.room->fds()) entries.push_back({fd, POLLIN, 0});
  const bool wants_send = !has_finished_ && (!waiting_.empty() || is_parting_);
  sides_.channel.add(entries, wants_send, !has_ended_ && !sides_.printer.is_full());
  const Deadline due = wants_input() ? sides_.source.due() : Deadline::never();
  const auto woken = ipc::wait_any(entries, earlier(limit_, due));
  const bool is_over =
      !woken && (woken.error().kind == Kind::timed_out || woken.error().kind == Kind::would_block);
  if (is_over && limit_.expired())
    return ipc::fail(Kind::timed_out, 0, "part", {},
                     "the other side, or standard output, takes nothing any more");
  if (!woken && !is_over) return Failure(woken.error());
  return {};
}

}  // namespace peers
