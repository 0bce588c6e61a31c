// The calls of fuzz_fifo by hand: the same records, no library, no model, no comparison, no guard.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <string>

#include "harness/inproc/records.h"
#include "targets/fuzz/private_dir.h"

namespace {

using pipewrench::Record;

constexpr std::array<mode_t, 8> kModes = {0600, 0620, 0602, 0666, 0644, 0700, 0640, 0777};
constexpr std::size_t kMostBytes = 64;
constexpr mode_t kMode = 0600, kUsualMask = 022, kHardMask = 0777;

enum class Thing { nothing, file, directory, symlink, fifo };

bool waits(const Record& record) { return (record.flags & 1) != 0; }

void close_fd(int* fd) {
  if (*fd >= 0) ::close(*fd);
  *fd = -1;
}

struct Client {
  int handle = -1;  // O_PATH
  ino_t inode = 0;
  bool is_creator = false;
  int reader = -1;
  int writer = -1;
};

class Input {
 public:
  explicit Input(const std::string& name) : name_(name) {}
  ~Input() {
    for (Client& client : clients_) {
      close_fd(&client.reader);
      close_fd(&client.writer);
      drop(client);
    }
    take_away();
  }

  void run(const Record& record) {
    Client& client = clients_[record.client % clients_.size()];
    const unsigned op = record.op % 18;
    if (op <= 2) return begin(client, op, record);
    if (op == 16) return put(record);
    if (op == 17) return change(record);
    if (op == 11) return close_fd(waits(record) ? &client.writer : &client.reader);
    if (op == 6 && client.writer >= 0) return write(client.writer, record);
    if (op == 7 && client.reader >= 0) return read(client.reader, record);
    if (op == 6 || op == 7 || client.handle < 0) return;
    switch (op) {
      case 3:
        return static_cast<void>(listen(client));
      case 4:
        if (listen(client) && !await_writer(client, client.reader, record))
          close_fd(&client.reader);
        return;
      case 5:
        return open_writer(client, record);
      case 8:
        if (client.reader >= 0) await_writer(client, client.reader, record);
        return;
      case 9:
        return await_next_writer(client, record);
      case 10:
        if (client.writer >= 0) await_reader(client, client.writer, record);
        return;
      case 12:
        return remove(client);
      case 13:
        return drop(client);
      case 14:
        ::getpid();
        client.is_creator = true;
        return;
      default:
        check(client);
    }
  }

 private:
  // Create or use, create, use.
  void begin(Client& client, unsigned op, const Record& record) {
    drop(client);
    const mode_t before = op == 2 ? 0 : ::umask(waits(record) ? kHardMask : kUsualMask);
    const bool makes = op != 2 && ::mkfifo(name_.c_str(), kMode) == 0;
    if (makes) thing_ = Thing::fifo;
    if (makes || (op != 1 && (op == 2 || errno == EEXIST))) hold(client);
    struct stat made{};
    if (makes) {
      ::getpid();
      client.is_creator = true;
      ::fstat(client.handle, &made);
      if ((made.st_mode & 07777) != kMode) ::chmod(link(client).c_str(), kMode);
    }
    if (op != 2) ::umask(before);
  }

  void hold(Client& client) {
    client.handle = ::open(name_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (client.handle < 0) return;
    struct stat found{};
    ::fstat(client.handle, &found);
    client.inode = found.st_ino;
    if (!S_ISFIFO(found.st_mode)) return close_fd(&client.handle);
    ::geteuid();
    if (!client.is_creator && (found.st_mode & (S_IWGRP | S_IWOTH)) != 0) close_fd(&client.handle);
  }

  static std::string link(const Client& client) {
    return "/proc/self/fd/" + std::to_string(client.handle);
  }
  static int open_end(const Client& client, int flags) {
    return ::open(link(client).c_str(), flags | O_NONBLOCK | O_CLOEXEC);
  }

  bool check(const Client& client) {
    struct stat found{};
    return ::lstat(name_.c_str(), &found) == 0 && found.st_ino == client.inode;
  }

  bool listen(Client& client) {
    if (!check(client)) return false;
    const int fd = open_end(client, O_RDONLY);
    close_fd(&client.reader);
    client.reader = fd;
    return fd >= 0;
  }

  void open_writer(Client& client, const Record& record) {
    if (!check(client)) return;
    int writer = open_end(client, O_WRONLY);
    if (writer < 0 && !waits(record)) return;
    int both = -1;
    if (writer < 0) {
      both = open_end(client, O_RDWR);
      writer = open_end(client, O_WRONLY);
      close_fd(&both);
    }
    if (!await_reader(client, writer, record)) return close_fd(&writer);
    close_fd(&client.writer);
    client.writer = writer;
  }

  void await_next_writer(Client& client, const Record& record) {
    if (client.reader < 0) return;
    const int fresh = open_end(client, O_RDONLY);
    close_fd(&client.reader);
    client.reader = fresh;
    await_writer(client, fresh, record);
  }

  static short poll_now(int fd, short events) {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    ::poll(&entry, 1, 0);
    return entry.revents;
  }

  static bool has_or_had_writer(int reader) {
    if ((poll_now(reader, POLLIN) & (POLLIN | POLLHUP)) != 0) return true;
    std::array<int, 2> ends{};
    ::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK);
    const ssize_t count = ::tee(reader, ends[1], 1, SPLICE_F_NONBLOCK);
    const bool has = count > 0 || (count < 0 && errno == EAGAIN);
    ::close(ends[0]);
    ::close(ends[1]);
    return has;
  }

  bool await_writer(const Client& client, int reader, const Record& record) {
    return wait_for(client, reader, record, [&] { return has_or_had_writer(reader); });
  }
  bool await_reader(const Client& client, int writer, const Record& record) {
    return wait_for(client, -1, record, [&] { return (poll_now(writer, POLLOUT) & POLLERR) == 0; });
  }

  template <class Look>
  bool wait_for(const Client& client, int polled, const Record& record, Look look) {
    if (look()) return true;
    if (!check(client) || !waits(record)) return false;
    // Under virtual time the wrapper of inotify_init1() makes an eventfd, and waiting is one look.
    const int watch = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const bool has_come = look();
    std::array<pollfd, 2> entries{{{watch, POLLIN, 0}, {polled, POLLIN, 0}}};
    if (!has_come && check(client)) ::poll(entries.data(), entries.size(), 0);
    ::close(watch);
    return has_come;
  }

  static void write(int fd, const Record& record) {
    const std::array<char, kMostBytes> bytes{};
    const std::size_t size = record.value % kMostBytes;
    if (size == 0) return;
    sigset_t sigpipe, before;
    ::sigemptyset(&sigpipe);
    ::sigaddset(&sigpipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    const timespec at_once{};
    if (::write(fd, bytes.data(), size) < 0 && errno == EPIPE)
      ::sigtimedwait(&sigpipe, nullptr, &at_once);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  static void read(int fd, const Record& record) {
    std::array<char, kMostBytes> bytes;
    const std::size_t size = record.value % kMostBytes;
    if (size > 0) static_cast<void>(::read(fd, bytes.data(), size));
  }

  void remove(Client& client) {
    if (!client.is_creator) return;
    client.is_creator = false;
    ::getpid();
    if (!check(client)) return;
    ::unlink(name_.c_str());
    thing_ = Thing::nothing;
  }

  void drop(Client& client) {
    remove(client);
    close_fd(&client.handle);
  }

  void put(const Record& record) {
    if (thing_ != Thing::nothing) return;
    constexpr std::array kThings = {Thing::file, Thing::directory, Thing::symlink, Thing::fifo};
    thing_ = kThings[record.value % kThings.size()];
    if (thing_ == Thing::file) ::mknod(name_.c_str(), S_IFREG | 0600, 0);
    if (thing_ == Thing::directory) ::mkdir(name_.c_str(), 0700);
    if (thing_ == Thing::symlink)
      static_cast<void>(::symlink(waits(record) ? "fifo" : "nowhere", name_.c_str()));
    if (thing_ == Thing::fifo) ::mkfifo(name_.c_str(), kMode);
  }

  void change(const Record& record) {
    if (waits(record)) return take_away();
    if (thing_ == Thing::fifo) ::chmod(name_.c_str(), kModes[record.value % kModes.size()]);
  }

  void take_away() {
    if (thing_ == Thing::nothing) return;
    thing_ == Thing::directory ? ::rmdir(name_.c_str()) : ::unlink(name_.c_str());
    thing_ = Thing::nothing;
  }

  const std::string& name_;
  Thing thing_ = Thing::nothing;
  std::array<Client, 3> clients_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string name = fuzz::private_dir() + "/fifo";
  const pipewrench::Records records(data, size);
  Input input(name);
  for (std::size_t i = 0; i < records.size(); ++i) input.run(records[i]);
  return 0;
}
