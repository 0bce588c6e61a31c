// SPDX-License-Identifier: MIT
#include "harness/explore/pool.h"

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "harness/core/check.h"

namespace pipewrench {
namespace {

constexpr std::size_t kChunk = 1 << 18;
constexpr std::string_view kGaveUp = "a worker was ended with status 0";

// The CPUs that this process may use, in order.
std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

}  // namespace

std::expected<std::unique_ptr<Pool>, std::string> Pool::start(Recipe recipe, unsigned jobs,
                                                              int limit_ms) {
  CHECK(jobs > 0 && jobs <= kMaxJobs);
  std::unique_ptr<Pool> pool(new Pool(std::move(recipe), limit_ms));
  const std::vector<int> cpus = allowed_cpus();
  for (unsigned i = 0; i < jobs; ++i) pool->add_worker(cpus.empty() ? -1 : cpus[i % cpus.size()]);
  const auto greeted = [](const Line& line) { return line.greeted; };
  while (pool->broken_.empty() && !std::ranges::all_of(pool->lines_, greeted)) pool->pump();
  if (!pool->broken_.empty()) return std::unexpected(pool->broken_);
  return pool;
}

void Pool::add_worker(int cpu) {
  auto worker = Worker::fork(recipe_, cpu);
  if (!worker) {
    broken_ = "no worker can be started: " + worker.error();
    return;
  }
  lines_.push_back({.worker = std::move(*worker), .in = {}, .out = {}, .in_flight = {}});
}

Pool::Ticket Pool::submit(const Request& request, bool urgent) {
  const Ticket ticket = ++last_;
  jobs_.emplace(ticket, Job{.request = request});
  if (urgent) {
    waiting_.push_front(ticket);
  } else {
    waiting_.push_back(ticket);
  }
  dispatch();
  return ticket;
}

Answer Pool::wait(Ticket ticket) {
  CHECK(jobs_.contains(ticket) || done_.contains(ticket));
  while (!done_.contains(ticket)) {
    dispatch();
    if (!done_.contains(ticket)) pump();
  }
  return std::move(done_.extract(ticket).mapped());
}

void Pool::fail(Ticket ticket, const std::string& why) {
  Answer answer;
  answer.ending = Ending::harness_error;
  answer.error = why;
  jobs_.erase(ticket);
  done_.emplace(ticket, std::move(answer));
}

void Pool::dispatch() {
  while (!waiting_.empty()) {
    const Ticket ticket = waiting_.front();
    if (!broken_.empty()) {
      waiting_.pop_front();
      fail(ticket, broken_);
      continue;
    }
    const auto idlest = std::ranges::min_element(
        lines_, {}, [](const Line& line) { return line.in_flight.size(); });
    if (idlest == lines_.end() || idlest->in_flight.size() >= kInFlight) return;
    waiting_.pop_front();
    idlest->in_flight.push_back(ticket);
    idlest->out += frame_of(encode(jobs_.at(ticket).request));
    write_to(*idlest);  // a dead worker is noticed when it is read
  }
}

void Pool::pump() {
  std::vector<pollfd> polled;
  for (const Line& line : lines_) {
    const short events = static_cast<short>(line.out.empty() ? POLLIN : POLLIN | POLLOUT);
    polled.push_back({.fd = line.worker.socket(), .events = events, .revents = 0});
  }
  const int ready = ::poll(polled.data(), polled.size(), limit_ms_);
  if (ready < 0) {
    CHECK(errno == EINTR);
    return;
  }
  for (std::size_t i = polled.size(); i-- > 0;) {
    Line& line = lines_[i];
    const bool is_hung = ready == 0 && (!line.in_flight.empty() || !line.greeted);
    bool lives = !is_hung;
    if (lives && (polled[i].revents & POLLOUT) != 0) write_to(line);
    if (lives && (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) lives = read_from(line);
    if (!lives) lose(i);
  }
}

bool Pool::read_from(Line& line) {
  const std::size_t before = line.in.size();
  line.in.resize(before + kChunk);
  const ssize_t got = ::recv(line.worker.socket(), line.in.data() + before, kChunk, MSG_DONTWAIT);
  const bool would_block = got < 0 && (errno == EAGAIN || errno == EINTR);
  line.in.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
  std::string message;
  while (take_frame(line.in, message)) take(line, message);
  return got > 0 || would_block;
}

bool Pool::write_to(Line& line) {
  const ssize_t sent =
      ::send(line.worker.socket(), line.out.data(), line.out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  line.out.erase(0, static_cast<std::size_t>(sent));
  return true;
}

void Pool::take(Line& line, const std::string& message) {
  if (!line.greeted) {
    line.greeted = true;
    if (!message.empty()) broken_ = message;
    return;
  }
  if (line.in_flight.empty()) return;
  const Ticket ticket = line.in_flight.front();
  line.in_flight.pop_front();
  auto answer = decode_answer(message);
  if (!answer) return fail(ticket, answer.error());
  jobs_.erase(ticket);
  done_.emplace(ticket, std::move(*answer));
}

void Pool::lose(std::size_t index) {
  Line lost = std::move(lines_[index]);
  lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(index));
  const std::string how = "a worker was " + lost.worker.bury();
  // One that has said itself what is wrong ends well.
  const bool gave_up = how == kGaveUp;
  if (!gave_up) deaths_.push_back(how);
  for (std::size_t i = lost.in_flight.size(); i-- > 0;) {
    const Ticket ticket = lost.in_flight[i];
    // It was working on the first; the others were only on their way.
    if (i == 0 && !gave_up && ++jobs_.at(ticket).attempts > 1) {
      fail(ticket, how + " twice by the same run");
    } else {
      waiting_.push_front(ticket);
    }
  }
  if (++lost_ >= kMaxDeaths) {
    broken_ = "too many workers died; the last one: " + how;
  } else if (broken_.empty()) {
    add_worker(lost.worker.cpu());
  }
}

}  // namespace pipewrench
