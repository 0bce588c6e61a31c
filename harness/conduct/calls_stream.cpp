// Bytes through pipes, FIFOs, sockets, terminals: reads and writes. Transfers on pipes are done
// here on a duplicate, so that the result is known; the kernel does the rest once poll says that
// it will not block.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>

#include "harness/conduct/calls.h"
#include "harness/conduct/memory.h"

namespace pipewrench {
namespace {

constexpr std::uint64_t kMostBytes =
    4 << 20;  // of one transfer that is done here; pipes hold at most 1 MB
constexpr std::size_t kMostParts = 1024;  // IOV_MAX

// The memory that a read or write is about: readv and writev have several parts.
std::vector<iovec> parts_of(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  const pid_t pid = run.process_of(task).pid;
  if (pending.call != Call::read && pending.call != Call::write) return {};
  const int number = pending.notif.data.nr;
  if (number == SYS_readv || number == SYS_writev) {
    const auto count = std::min<std::uint64_t>(pending.address(2), kMostParts);
    std::vector<iovec> parts(count);
    const std::size_t size = count * sizeof(iovec);
    if (read_memory(pid, pending.address(1), parts.data(), size) != size) parts.clear();
    return parts;
  }
  return {{reinterpret_cast<void*>(pending.address(1)), pending.address(2)}};
}

std::uint64_t total_of(const std::vector<iovec>& parts) {
  std::uint64_t total = 0;
  for (const iovec& part : parts) total += part.iov_len;
  return total;
}

// The bytes of the parts from `skip` on, at most `most`; shorter where memory is missing.
std::string gather(pid_t pid, const std::vector<iovec>& parts, std::uint64_t skip,
                   std::uint64_t most) {
  std::string bytes;
  for (const iovec& part : parts) {
    if (skip >= part.iov_len) {
      skip -= part.iov_len;
      continue;
    }
    const std::size_t before = bytes.size();
    const std::size_t want = std::min<std::uint64_t>(part.iov_len - skip, most - before);
    bytes.resize(before + want);
    const auto from = reinterpret_cast<std::uint64_t>(part.iov_base) + skip;
    const std::size_t got = read_memory(pid, from, bytes.data() + before, want);
    bytes.resize(before + got);
    skip = 0;
    if (got < want || bytes.size() >= most) break;
  }
  return bytes;
}

bool scatter(pid_t pid, const std::vector<iovec>& parts, std::string_view bytes) {
  for (const iovec& part : parts) {
    const std::size_t size = std::min(part.iov_len, bytes.size());
    if (size > 0 && write_memory(pid, reinterpret_cast<std::uint64_t>(part.iov_base), bytes.data(),
                                 size) != size)
      return false;
    bytes.remove_prefix(size);
  }
  return true;
}

bool is_pipe(const Run& run, const Pending& pending) {
  const ObjectKind kind = run.trace.objects[pending.object].kind;
  return kind == ObjectKind::pipe || kind == ObjectKind::fifo;
}

// What is read from /dev/urandom must repeat like getrandom(2): Perl orders its hashes by it.
Look answer_random_read(Run& run, std::uint32_t task) {
  const std::vector<iovec> parts = parts_of(run, task);
  const std::uint64_t asked = total_of(parts);
  if (asked > kMostBytes || run.live[task].passes > kMostRandomReads) return Look::pass;
  const bool placed = scatter(run.process_of(task).pid, parts, run.random_bytes(task, asked));
  run.answer(task, placed ? static_cast<std::int64_t>(asked) : -EFAULT);
  return Look::answered;
}

Look look_transfer(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (!look_descriptor(run, task, static_cast<int>(pending.address(0))))
    return pending.is_random && pending.call == Call::read ? answer_random_read(run, task)
                                                           : Look::pass;
  pending.asked = pending.call == Call::read || pending.call == Call::write
                      ? total_of(parts_of(run, task))
                      : pending.address(2);
  pending.detail = "fd " + std::to_string(pending.fd);
  return Look::ipc;
}

// recv and send have flags; the message forms have their sizes in memory and are the kernel's
// business.
Look look_socket(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (!look_descriptor(run, task, static_cast<int>(pending.address(0)))) return Look::pass;
  const int number = pending.notif.data.nr;
  std::uint64_t flags = 0;
  if (number == SYS_recvfrom || number == SYS_sendto) {
    pending.asked = pending.address(2);
    flags = pending.address(3);
  } else if (number == SYS_recvmsg || number == SYS_sendmsg) {
    flags = pending.address(2);
  } else if (number == SYS_recvmmsg || number == SYS_sendmmsg) {
    flags = pending.address(3);
  }
  if ((flags & MSG_DONTWAIT) != 0) pending.nonblocking = true;
  return Look::ipc;
}

// A FIFO that was opened without a writer says nothing to poll(2) until the first one has come, but
// read(2) returns 0 (fifo(7)): one more reader, which does not block, tells the two apart. Nothing
// is there that it could take.
bool has_no_writer(const Pending& pending) {
  char path[32], byte = 0;
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", pending.duplicate.get());
  const Fd own(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  return own && read(own.get(), &byte, 1) == 0;
}

bool can_read(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  if (pending.nonblocking || pending.asked == 0 || pending.is_wrong_end) return true;
  if (poll_descriptor(run, task, pending.fd, POLLIN) != 0) return true;
  return run.objects[pending.object].opened_without_writer && has_no_writer(pending);
}

// Also true for a small write that may fit into the last page: poll counts whole pages only
// (pipe(7)), so it is tried once for each state of the pipe.
bool can_write(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (pending.nonblocking || pending.asked == 0 || pending.is_wrong_end) return true;
  pending.room = poll_descriptor(run, task, pending.fd, POLLOUT);
  if (pending.room != 0) return true;
  return is_pipe(run, pending) && pending.asked < PIPE_BUF && pending.done == 0 &&
         pending.tried != run.objects[pending.object].version + 1;
}

bool can_read_socket(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  return pending.nonblocking || poll_descriptor(run, task, pending.fd, POLLIN) != 0;
}
bool can_write_socket(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  return pending.nonblocking || poll_descriptor(run, task, pending.fd, POLLOUT) != 0;
}

void take_chunks(ObjectState& state, std::uint64_t bytes) {
  state.read += bytes;
  while (bytes > 0 && !state.chunks.empty()) {
    const std::uint64_t part = std::min(bytes, state.chunks.front());
    bytes -= part;
    if ((state.chunks.front() -= part) == 0) state.chunks.erase(state.chunks.begin());
  }
}

// A stream socket whose other side has gone, and nothing is left in it: to look takes nothing.
bool is_at_end(const Run& run, const Pending& pending) {
  if (pending.object == kNoObject || pending.asked == 0 ||
      run.trace.objects[pending.object].kind != ObjectKind::socket)
    return false;
  int type = 0;
  socklen_t size = sizeof type;
  const int own = pending.duplicate.get();
  if (getsockopt(own, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return false;
  // An empty packet looks the same, but that the other side is still there.
  pollfd one{own, POLLIN, 0};
  const bool is_packets = type == SOCK_SEQPACKET && poll(&one, 1, 0) > 0;
  if (type != SOCK_STREAM && (!is_packets || (one.revents & POLLHUP) == 0)) return false;
  char byte = 0;
  return recv(own, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void act_read(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (pending.is_wrong_end) pending.expected = -EBADF;
  if (is_at_end(run, pending)) pending.detail += ", end of file";
  if (!is_pipe(run, pending) || pending.asked == 0 || pending.asked > kMostBytes ||
      pending.is_wrong_end)
    return kernel_acts(run, task);
  int there = 0;
  ioctl(pending.duplicate.get(), FIONREAD, &there);
  std::uint64_t want = std::min<std::uint64_t>(pending.asked, static_cast<unsigned>(there));
  if (pending.shorten_to > 0) want = std::min(want, pending.shorten_to);
  if (want == 0) {
    // End of file, or nothing there and O_NONBLOCK: the kernel tells them apart.
    const bool ended = (poll_descriptor(run, task, pending.fd, POLLIN) & POLLHUP) != 0;
    pending.expected = ended || !pending.nonblocking ? 0 : -EAGAIN;
    return kernel_acts(run, task);
  }
  const pid_t pid = run.process_of(task).pid;
  const std::vector<iovec> parts = parts_of(run, task);
  std::string bytes(want, '\0');
  const ssize_t got = read(pending.duplicate.get(), bytes.data(), want);
  if (got < 0) return kernel_acts(run, task);
  bytes.resize(static_cast<std::size_t>(got));
  const bool placed = scatter(pid, parts, bytes);
  pending.detail += ", " + quoted(bytes);
  take_chunks(run.objects[pending.object], bytes.size());
  Step& step = run.record(task, placed ? got : -EFAULT,
                          bytes.size() < pending.asked ? kShort : std::uint16_t{0});
  step.data = bytes.substr(0, kTraceData);
  run.answer(task, step.result);
}

// Nobody else can write meanwhile: all stand at a trap or sleep.
bool is_alone(const Run& run) {
  return std::ranges::none_of(run.live, [](const Live& one) {
    return one.state == State::running || (one.state == State::asleep && one.spins);
  });
}

// A page is free and there are readers.
bool has_room(const Pending& pending) {
  if (pending.room != 0) return pending.room == POLLOUT;
  pollfd one{pending.duplicate.get(), POLLOUT, 0};
  return poll(&one, 1, 0) == 1 && one.revents == POLLOUT;
}

// What the pipe takes now without blocking; -EAGAIN: nothing. RWF_NOWAIT leaves the peers' own
// O_NONBLOCK alone (it belongs to the open file, not to the descriptor). FIFOs do not know it: a
// free page, which is what POLLOUT means, takes PIPE_BUF bytes; else it is opened once more.
ssize_t write_now(const Run& run, const Pending& pending, std::string_view bytes) {
  const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  const int pipe = pending.duplicate.get();
  const bool is_fifo = run.trace.objects[pending.object].kind == ObjectKind::fifo;
  if (!is_fifo) {
    const ssize_t put = pwritev2(pipe, &part, 1, -1, RWF_NOWAIT);
    if (put >= 0 || errno != EOPNOTSUPP) return put < 0 ? -errno : put;
  } else if (bytes.size() <= PIPE_BUF && is_alone(run) && has_room(pending)) {
    const ssize_t put = write(pipe, bytes.data(), bytes.size());
    return put < 0 ? -errno : put;
  }
  char path[32];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", pipe);
  const Fd own(open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!own) return errno == ENXIO ? -EPIPE : -errno;  // no reader is left
  const ssize_t again = write(own.get(), bytes.data(), bytes.size());
  return again < 0 ? -errno : again;
}

void finish_write(Run& run, std::uint32_t task, const std::string& bytes, std::uint64_t written) {
  Pending& pending = run.pending_of(task);
  const bool is_short = written < pending.asked;
  if (pending.n != 0 && pending.detail.find('"') == std::string::npos)
    pending.detail += ", " + quoted(pending.done == 0 ? bytes.substr(0, 64)
                                                      : gather(run.process_of(task).pid,
                                                               parts_of(run, task), 0, 64));
  Step& step =
      run.record(task, static_cast<std::int64_t>(written), is_short ? kShort : std::uint16_t{0});
  const std::uint64_t here = pending.done;  // bytes of earlier parts of this call
  const std::uint64_t shown = std::min<std::uint64_t>(written, kTraceData);
  step.data = here == 0 ? bytes.substr(0, shown)
                        : gather(run.process_of(task).pid, parts_of(run, task), 0, shown);
  if (is_short && written >= here)
    step.rest = bytes.substr(std::min<std::uint64_t>(written - here, bytes.size()), kTraceData);
  run.objects[pending.object].written += written;
  run.objects[pending.object].chunks.push_back(written);
  run.answer(task, step.result);
}

void act_write(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (pending.is_wrong_end) pending.expected = -EBADF;
  if (!is_pipe(run, pending) || pending.asked == 0 || pending.asked > kMostBytes ||
      pending.is_wrong_end)
    return kernel_acts(run, task);
  std::string bytes = gather(run.process_of(task).pid, parts_of(run, task), pending.done,
                             pending.asked - pending.done);
  if (bytes.size() < pending.asked - pending.done) return kernel_acts(run, task);  // EFAULT
  std::string_view offered = bytes;
  if (pending.shorten_to > pending.done)
    offered = offered.substr(0, pending.shorten_to - pending.done);
  const ssize_t put = write_now(run, pending, offered);
  if (put == -EAGAIN && !pending.nonblocking) {
    pending.tried = run.objects[pending.object].version + 1;
    return;  // still parked; it blocks
  }
  if (put < 0) {
    // A part that was taken before is the result (pipe(7)). No reader: the kernel sends SIGPIPE
    // with its EPIPE.
    if (pending.done > 0) return finish_write(run, task, "", pending.done);
    pending.expected = put;
    return kernel_acts(run, task);
  }
  const std::uint64_t written = pending.done + static_cast<std::uint64_t>(put);
  if (written < pending.asked && !pending.nonblocking && pending.shorten_to == 0) {
    ++run.objects[pending.object].version;
    pending.done = written;  // the rest when there is room
    return;
  }
  finish_write(run, task, bytes, written);
}

// What came of a socket call that the kernel did is not told; its data is not seen.
void act_socket(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (pending.notif.data.nr == SYS_recvfrom && is_at_end(run, pending))
    pending.detail += ", end of file";
  else
    pending.flags |= kUnknownResult;
  kernel_acts(run, task);
}

Look look_pipe(Run& run, std::uint32_t task) {
  run.pending_of(task).expected = 0;
  return Look::ipc;
}

// The pair of new descriptors stands in the caller's memory: the object gets its name and maker in
// order of creation.
void after_pair(Run& run, std::uint32_t task, Step& step) {
  Pending& pending = run.pending_of(task);
  const unsigned argument = step.call == Call::socketpair ? 3 : 0;
  const auto pair = read_value<std::array<int, 2>>(
      run.process_of(task).pid, step.message != 0 ? step.message : pending.address(argument));
  step.message = 0;
  if (!pair) return;
  for (const int fd : *pair) {
    Pending probe = std::move(pending);
    pending = Pending{};
    const bool named = look_descriptor(run, task, fd);
    const std::uint32_t object = pending.object;
    pending = std::move(probe);
    if (!named) continue;
    if (step.object == kNoObject) step.object = object;
    Object& made = run.trace.objects[object];
    if (made.maker == kNobody) {
      made.maker = task;
      made.made = static_cast<std::uint32_t>(&step - run.trace.steps.data());
    }
  }
}

void act_pair(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  const std::uint64_t address = pending.address(pending.call == Call::socketpair ? 3 : 0);
  kernel_acts(run, task);
  run.trace.steps.back().message = address;  // until after_pair
}

Look look_splice(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const int number = pending.notif.data.nr;
  // The end that may block: the input of splice and tee, the output of sendfile and vmsplice.
  const int first = static_cast<int>(pending.address(0));
  const int second = static_cast<int>(pending.address(number == SYS_splice ? 2 : 1));
  pending.asked = pending.address(number == SYS_splice ? 4 : number == SYS_sendfile ? 3 : 2);
  if (number == SYS_splice && (pending.address(5) & SPLICE_F_NONBLOCK) != 0)
    pending.nonblocking = true;
  if (look_descriptor(run, task, first)) return Look::ipc;
  pending = [&] {
    Pending fresh;
    fresh.notif = pending.notif;
    fresh.row = pending.row;
    fresh.call = pending.call;
    fresh.asked = pending.asked;
    return fresh;
  }();
  if (number != SYS_vmsplice && look_descriptor(run, task, second)) return Look::ipc;
  return Look::pass;
}

// Of an end that is not for this, poll(2) says nothing for ever, and the kernel EBADF at once.
bool has_mode(Run& run, std::uint32_t task, int fd, int mode) {
  const Fd end(static_cast<int>(syscall(SYS_pidfd_getfd, run.process_of(task).pidfd.get(), fd, 0)));
  return end && (fcntl(end.get(), F_GETFL) & O_ACCMODE) == mode;
}

bool can_splice(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  constexpr std::uint64_t kFlags =
      SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;
  const int number = pending.notif.data.nr;
  const std::uint64_t flags =
      number == SYS_sendfile ? 0 : pending.address(number == SYS_splice ? 5 : 3);
  if (pending.nonblocking || pending.asked == 0 || (flags & ~kFlags) != 0) return true;
  const int in = static_cast<int>(pending.address(number == SYS_sendfile ? 1 : 0));
  const int out = static_cast<int>(pending.address(number == SYS_splice ? 2
                                                   : number == SYS_tee  ? 1
                                                                        : 0));
  if (number != SYS_vmsplice &&
      (has_mode(run, task, in, O_WRONLY) || has_mode(run, task, out, O_RDONLY)))
    return true;
  if (number != SYS_vmsplice && poll_descriptor(run, task, in, POLLIN) == 0) return false;
  return poll_descriptor(run, task, out, POLLOUT) != 0;
}

constexpr CallRow kRows[] = {
    {SYS_read, Call::read, look_transfer, can_read, act_read},
    {SYS_readv, Call::read, look_transfer, can_read, act_read},
    {SYS_write, Call::write, look_transfer, can_write, act_write},
    {SYS_writev, Call::write, look_transfer, can_write, act_write},
    {SYS_recvfrom, Call::recv, look_socket, can_read_socket, act_socket},
    {SYS_recvmsg, Call::recv, look_socket, can_read_socket, act_socket},
    {SYS_recvmmsg, Call::recv, look_socket, can_read_socket, act_socket},
    {SYS_sendto, Call::send, look_socket, can_write_socket, act_socket},
    {SYS_sendmsg, Call::send, look_socket, can_write_socket, act_socket},
    {SYS_sendmmsg, Call::send, look_socket, can_write_socket, act_socket},
    {SYS_pipe2, Call::pipe, look_pipe, nullptr, act_pair, after_pair},
    {SYS_socketpair, Call::socketpair, look_pipe, nullptr, act_pair, after_pair},
    {SYS_accept4, Call::accept, look_socket, can_read_socket, act_socket},
    {SYS_splice, Call::splice, look_splice, can_splice, act_socket},
    {SYS_tee, Call::tee, look_splice, can_splice, act_socket},
    {SYS_vmsplice, Call::splice, look_splice, can_splice, act_socket},
    {SYS_sendfile, Call::sendfile, look_splice, can_splice, act_socket},
#ifdef SYS_pipe
    {SYS_pipe, Call::pipe, look_pipe, nullptr, act_pair, after_pair},
    {SYS_accept, Call::accept, look_socket, can_read_socket, act_socket},
#endif
};

}  // namespace

std::span<const CallRow> stream_rows() { return kRows; }

}  // namespace pipewrench
