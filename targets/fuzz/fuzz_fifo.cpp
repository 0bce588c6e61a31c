// Three clients on one name: they make, use, open, read, write, wait for and remove a FIFO through
// the library, while other things come and go under the name. Against the model: the same results
// and the same poll states after each step. One record is one operation.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>

#include "targets/fuzz/private_dir.h"
#include "targets/fuzz/run.h"
#include "targets/ipc/fifo.h"
#include "targets/ipc/io.h"
#include "targets/model/fifo.h"

namespace {

using fuzz::same;
using fuzz::StepFault;
using ipc::Kind;
using pipewrench::Record;
using Thing = model::FifoName::Thing;
// What the model says that an operation fails with; none: it succeeds.
using Expected = std::optional<Kind>;

constexpr std::array kThings = {Thing::file, Thing::directory, Thing::symlink, Thing::fifo};
constexpr std::array<mode_t, 8> kModes = {0600, 0620, 0602, 0666, 0644, 0700, 0640, 0777};
constexpr std::size_t kMostBytes = 64;  // 64 steps of these never fill a pipe
constexpr std::chrono::milliseconds kWait_ms{50};
constexpr mode_t kUsualMask = 022, kHardMask = 0777;
constexpr ipc::IoPolicy kPolicy{.access = ipc::Access::nonblocking};

bool waits(const Record& record) { return (record.flags & 1) != 0; }
ipc::Deadline deadline_of(const Record& record) {
  return waits(record) ? ipc::Deadline::after(kWait_ms) : ipc::Deadline::now();
}
Expected nobody(const Record& record) {
  return waits(record) ? Kind::timed_out : Kind::would_block;
}

mode_t mask_from(const Record& record) { return waits(record) ? kHardMask : kUsualMask; }
mode_t mode_from(const Record& record) { return kModes[record.value % kModes.size()]; }

// For the report of a step.
std::string octal(mode_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "0%o", static_cast<unsigned>(mode));
  return text.data();
}
std::string mask_of(const Record& record) { return "umask=" + octal(mask_from(record)); }
std::string wait_of(const Record& record) { return waits(record) ? "waits" : ""; }
std::string bytes_of(const Record& record) {
  return "size=" + std::to_string(record.value % kMostBytes);
}
std::string end_of(const Record& record) { return waits(record) ? "writer" : "reader"; }
std::string thing_put(const Record& record) {
  constexpr std::array kNames = {"file", "directory", "symlink", "fifo"};
  static_assert(kNames.size() == kThings.size());
  return kNames[record.value % kNames.size()];
}
std::string change_of(const Record& record) {
  return waits(record) ? "unlink" : "chmod " + octal(mode_from(record));
}

class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  ~Umask() { ::umask(before_); }

 private:
  mode_t before_;
};

// One open end, and its twin.
struct End {
  ipc::Fd fd;
  int file = -1;
  int inode = -1;
};

struct Client {
  std::optional<ipc::Fifo> fifo;
  int inode = -1;
  bool is_creator = false;
  End reader, writer;
};

class Input {
 public:
  struct Operation {
    const char* name;
    void (Input::*run)(Client&, const Record&);
    fuzz::Operands operands;
    bool changes_name;
  };

  Input() : name_(fuzz::private_dir() + "/fifo") {}

  static std::span<const Operation> operations() {
    static constexpr std::array<Operation, 18> kOperations = {{
        {"create or use", &Input::create_or_use, mask_of, true},
        {"create", &Input::create, mask_of, true},
        {"use", &Input::use, nullptr, true},
        {"listen", &Input::listen, nullptr, false},
        {"open reader", &Input::open_reader, wait_of, false},
        {"open writer", &Input::open_writer, wait_of, false},
        {"write", &Input::write, bytes_of, false},
        {"read", &Input::read, bytes_of, false},
        {"await writer", &Input::await_writer, wait_of, false},
        {"await next writer", &Input::await_next_writer, wait_of, false},
        {"await reader", &Input::await_reader, wait_of, false},
        {"close", &Input::close_end, end_of, false},
        {"remove", &Input::remove, nullptr, true},
        {"drop", &Input::drop, nullptr, true},
        {"adopt", &Input::adopt, nullptr, false},
        {"check", &Input::check, nullptr, false},
        {"put", &Input::put, thing_put, true},
        {"unlink or chmod", &Input::change, change_of, true},
    }};
    return kOperations;
  }

  void act(const fuzz::Step& step, const Operation& operation, const Record& record) {
    step_ = step;
    (this->*operation.run)(clients_[record.client % clients_.size()], record);
    if (operation.changes_name) compare_name();
    compare_ends();
  }

  void finish(const fuzz::Step& end) {
    step_ = end;
    compare_name();
    for (Client& client : clients_) {
      close(client.reader);
      close(client.writer);
      drop(client, {});
    }
    if (twin_.thing() != Thing::nothing) take_away();
    compare_name();
  }

 private:
  // True if the operation happened. A played error must have changed nothing: the comparisons.
  template <class Value>
  bool judge(const ipc::Result<Value>& result, Expected expected, const StepFault& fault) {
    if (result && !expected) return true;
    if (result) fuzz::differ(step_, "result", "success", ipc::name(*expected));
    if (fault.explains(result.error())) return false;
    if (!expected) fuzz::differ(step_, "result", result.error().describe(), "success");
    if (result.error().kind != *expected && !fault.hides_failures())
      fuzz::differ(step_, "kind", result.error().describe(), ipc::name(*expected));
    return false;
  }

  Expected expect_current(const Client& client) const {
    if (twin_.thing() == Thing::nothing) return Kind::removed;
    if (twin_.inode() != client.inode) return Kind::stale;
    return {};
  }

  Expected expect_usable() const {
    if (twin_.thing() == Thing::nothing) return Kind::not_found;
    if (twin_.thing() != Thing::fifo) return Kind::wrong_type;
    if ((twin_.mode() & (S_IWGRP | S_IWOTH)) != 0) return Kind::permission;
    return {};
  }

  Expected expect_writer(const End& reader, const Client& client, const Record& record) const {
    if ((twin_.poll(reader.file) & (POLLIN | POLLHUP)) != 0) return {};
    if (twin_.writers(reader.inode) > 0) return {};
    const Expected current = expect_current(client);
    return current ? current : nobody(record);
  }

  // Who has the FIFO by now: `made` as its creator.
  void take(Client& client, ipc::Result<ipc::Fifo>& fifo, bool made) {
    if (made) twin_.mkfifo(ipc::Fifo::kMode);
    client.fifo.emplace(std::move(*fifo));
    client.inode = twin_.inode();
    client.is_creator = made;
    same(step_, "creator", static_cast<long>(client.fifo->is_creator()), static_cast<long>(made));
  }

  void create_or_use(Client& client, const Record& record) {
    drop(client, record);
    const bool makes = twin_.thing() == Thing::nothing;
    const Umask mask(mask_from(record));
    const StepFault fault(record);
    auto fifo = ipc::Fifo::create_or_use(name_);
    if (judge(fifo, makes ? Expected() : expect_usable(), fault)) take(client, fifo, makes);
  }

  void create(Client& client, const Record& record) {
    drop(client, record);
    const bool makes = twin_.thing() == Thing::nothing;
    const Umask mask(mask_from(record));
    const StepFault fault(record);
    auto fifo = ipc::Fifo::create(name_);
    if (judge(fifo, makes ? Expected() : Kind::exists, fault)) take(client, fifo, true);
  }

  void use(Client& client, const Record& record) {
    drop(client, record);
    const StepFault fault(record);
    auto fifo = ipc::Fifo::use(name_);
    if (judge(fifo, expect_usable(), fault)) take(client, fifo, false);
  }

  // The new end first, then the old one goes: as the library does when it replaces one.
  void replace(End& end, ipc::Fd fd, int inode, int access) {
    const auto opened = twin_.open_inode(inode, access);
    if (end.file >= 0) twin_.close(end.file);
    end = {.fd = std::move(fd), .file = static_cast<int>(opened.value), .inode = inode};
  }

  void listen(Client& client, const Record& record) {
    if (!client.fifo) return;
    const StepFault fault(record);
    auto reader = client.fifo->listen();
    if (judge(reader, expect_current(client), fault))
      replace(client.reader, std::move(*reader), client.inode, O_RDONLY);
  }

  void open_reader(Client& client, const Record& record) {
    if (!client.fifo) return;
    Expected expected = expect_current(client);
    if (!expected && !twin_.blocking_open_returns(client.inode, O_RDONLY) &&
        twin_.content(client.inode) == 0)
      expected = nobody(record);
    const StepFault fault(record);
    auto reader = client.fifo->open_reader(deadline_of(record));
    if (judge(reader, expected, fault))
      replace(client.reader, std::move(*reader), client.inode, O_RDONLY);
  }

  void open_writer(Client& client, const Record& record) {
    if (!client.fifo) return;
    Expected expected = expect_current(client);
    if (!expected && !twin_.blocking_open_returns(client.inode, O_WRONLY))
      expected = nobody(record);
    const StepFault fault(record);
    auto writer = client.fifo->open_writer(deadline_of(record));
    if (judge(writer, expected, fault)) {
      replace(client.writer, std::move(*writer), client.inode, O_WRONLY);
    } else if (!expected && fault.played(pipewrench::Call::poll, ENOMEM)) {
      // It was open when the look for a reader failed: readers saw a writer come and go.
      twin_.close(static_cast<int>(twin_.open_inode(client.inode, O_WRONLY).value));
    }
  }

  void await_writer(Client& client, const Record& record) {
    if (!client.fifo || client.reader.file < 0) return;
    const StepFault fault(record);
    const auto come = client.fifo->await_writer(client.reader.fd, deadline_of(record));
    judge(come, expect_writer(client.reader, client, record), fault);
  }

  void await_next_writer(Client& client, const Record& record) {
    if (!client.fifo || client.reader.file < 0) return;
    ipc::Fd reader = std::move(client.reader.fd);
    const int before = reader.get();
    const StepFault fault(record);
    const auto come = client.fifo->await_next_writer(reader, deadline_of(record));
    // Opened while the old one was there, so with another number; only a fault may prevent it.
    if (reader.get() == before) {
      client.reader.fd = std::move(reader);
      if (come || !fault.explains(come.error())) fuzz::differ(step_, "reader", "kept", "replaced");
      return;
    }
    replace(client.reader, std::move(reader), client.inode, O_RDONLY);
    judge(come, expect_writer(client.reader, client, record), fault);
  }

  void await_reader(Client& client, const Record& record) {
    if (!client.fifo || client.writer.file < 0) return;
    Expected expected;
    if (twin_.readers(client.writer.inode) == 0) {
      expected = expect_current(client);
      if (!expected) expected = nobody(record);
    }
    const StepFault fault(record);
    judge(client.fifo->await_reader(client.writer.fd, deadline_of(record)), expected, fault);
  }

  void write(Client& client, const Record& record) {
    if (client.writer.file < 0) return;
    const std::string text(record.value % kMostBytes, static_cast<char>('a' + step_.index % 26));
    const bool is_heard = text.empty() || twin_.readers(client.writer.inode) > 0;
    const StepFault fault(record);
    const auto count = ipc::write_some(client.writer.fd.get(), text, ipc::Deadline::now(), kPolicy);
    if (!judge(count, is_heard ? Expected() : Kind::peer_gone, fault)) return;
    if (!fault.any() || *count > text.size())
      same(step_, "written", static_cast<long>(*count), static_cast<long>(text.size()));
    twin_.write(client.writer.file, text.substr(0, *count));
  }

  void read(Client& client, const Record& record) {
    if (client.reader.file < 0) return;
    std::array<char, kMostBytes> bytes;
    const std::size_t most = record.value % kMostBytes;
    const bool is_silent = most > 0 && twin_.content(client.reader.inode) == 0 &&
                           twin_.writers(client.reader.inode) > 0;
    const StepFault fault(record);
    const auto count = ipc::read_some(client.reader.fd.get(), std::span(bytes).first(most),
                                      ipc::Deadline::now(), kPolicy);
    if (!judge(count, is_silent ? Expected(Kind::would_block) : Expected(), fault)) return;
    std::string expected;
    twin_.read(client.reader.file, fault.any() ? *count : most, &expected);
    same(step_, "bytes", std::string_view(bytes.data(), *count), std::string_view(expected));
  }

  void close(End& end) {
    if (end.file >= 0) twin_.close(end.file);
    end = End();
  }

  void close_end(Client& client, const Record& record) {
    close(waits(record) ? client.writer : client.reader);
  }

  void remove(Client& client, const Record& record) {
    if (!client.fifo) return;
    const Expected expected = client.is_creator ? expect_current(client) : Kind::permission;
    client.is_creator = false;
    const StepFault fault(record);
    if (judge(client.fifo->remove(), expected, fault)) twin_.unlink();
  }

  void drop(Client& client, const Record&) {
    if (client.is_creator && !expect_current(client)) twin_.unlink();
    client.fifo.reset();
    client.is_creator = false;
  }

  void adopt(Client& client, const Record&) {
    if (!client.fifo) return;
    client.fifo->adopt();
    client.is_creator = true;
  }

  void check(Client& client, const Record& record) {
    if (!client.fifo) return;
    const StepFault fault(record);
    judge(client.fifo->check(), expect_current(client), fault);
  }

  // What strangers do, straight to the kernel and without faults.
  void put(Client&, const Record& record) {
    if (twin_.thing() != Thing::nothing) return;
    const Thing thing = kThings[record.value % kThings.size()];
    int failed = 0;
    if (thing == Thing::file) failed = ::mknod(name_.c_str(), S_IFREG | 0600, 0);
    if (thing == Thing::directory) failed = ::mkdir(name_.c_str(), 0700);
    if (thing == Thing::symlink)
      failed = ::symlink(waits(record) ? "fifo" : "nowhere", name_.c_str());
    if (thing == Thing::fifo) failed = ::mkfifo(name_.c_str(), ipc::Fifo::kMode);
    if (failed != 0) std::abort();
    thing == Thing::fifo ? static_cast<void>(twin_.mkfifo(ipc::Fifo::kMode)) : twin_.put(thing);
  }

  void change(Client&, const Record& record) {
    if (twin_.thing() == Thing::nothing) return;
    if (waits(record)) return take_away();
    if (twin_.thing() != Thing::fifo) return;
    const mode_t mode = mode_from(record);
    if (::chmod(name_.c_str(), mode) != 0) std::abort();
    twin_.chmod(mode);
  }

  void take_away() {
    const bool is_directory = twin_.thing() == Thing::directory;
    if ((is_directory ? ::rmdir(name_.c_str()) : ::unlink(name_.c_str())) != 0) std::abort();
    twin_.unlink();
  }

  static Thing thing_of(mode_t mode) {
    if (S_ISFIFO(mode)) return Thing::fifo;
    if (S_ISDIR(mode)) return Thing::directory;
    return S_ISLNK(mode) ? Thing::symlink : Thing::file;
  }

  // No fault changes the name behind an operation that only looks at it: such are compared at the
  // next one that does more, and at the end.
  void compare_name() {
    struct stat found{};
    const bool is_there = ::lstat(name_.c_str(), &found) == 0;
    const Thing thing = is_there ? thing_of(found.st_mode) : Thing::nothing;
    same(step_, "what the name is", static_cast<long>(thing), static_cast<long>(twin_.thing()));
    if (thing == Thing::fifo)
      same(step_, "mode", static_cast<long>(found.st_mode & 07777),
           static_cast<long>(twin_.mode()));
  }

  void compare_ends() {
    std::array<pollfd, 6> entries;
    bool is_any_open = false;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      entries[2 * i] = {clients_[i].reader.fd.get(), POLLIN | POLLOUT, 0};
      entries[2 * i + 1] = {clients_[i].writer.fd.get(), POLLIN | POLLOUT, 0};
      is_any_open = is_any_open || clients_[i].reader.file >= 0 || clients_[i].writer.file >= 0;
    }
    if (!is_any_open) return;
    if (::poll(entries.data(), entries.size(), 0) < 0) std::abort();
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Client& client = clients_[i / 2];
      const End& end = i % 2 == 0 ? client.reader : client.writer;
      if (end.file >= 0)
        same(step_, "poll", static_cast<long>(entries[i].revents),
             static_cast<long>(twin_.poll(end.file)));
    }
  }

  std::string name_;
  fuzz::Step step_{.index = 0, .operation = "start"};
  model::FifoName twin_;
  std::array<Client, 3> clients_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::private_dir();
  return fuzz::run_input<Input>(data, size);
}
