// One program, many behaviours, for the conductor's tests: test_target BEHAVIOUR. Prints what
// must be the same bare and under the conductor. Must not print a PID, a time of day or an
// address.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <mutex>
#include <queue>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using std::chrono::seconds;

void threads() {
  std::mutex mutex;
  std::condition_variable changed;
  std::queue<int> jobs;
  bool done = false;
  long sum = 0;
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i)
    workers.emplace_back([&] {
      while (true) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return done || !jobs.empty(); });
        if (jobs.empty()) return;
        sum += jobs.front();
        jobs.pop();
      }
    });
  for (int i = 0; i < 500; ++i) {
    {
      const std::lock_guard lock(mutex);
      jobs.push(i);
    }
    changed.notify_one();
  }
  {
    const std::lock_guard lock(mutex);
    done = true;
  }
  changed.notify_all();
  for (std::thread& worker : workers) worker.join();
  std::printf("sum %ld\n", sum);
}

void time_out() {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  const auto start = std::chrono::steady_clock::now();
  const bool timed_out = never.wait_for(lock, seconds(1)) == std::cv_status::timeout;
  const auto took = std::chrono::steady_clock::now() - start;
  std::printf("timed out %d, a second has gone %d\n", timed_out,
              took >= seconds(1) && took < seconds(2));
}

void events() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  const int signals = signalfd(-1, &set, SFD_CLOEXEC);
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec twice_a_second{{0, 500'000'000}, {0, 250'000'000}};
  timerfd_settime(timer, 0, &twice_a_second, nullptr);
  const int all = epoll_create1(EPOLL_CLOEXEC);
  for (const int fd : {signals, timer}) {
    epoll_event event{EPOLLIN, {.fd = fd}};
    epoll_ctl(all, EPOLL_CTL_ADD, fd, &event);
  }
  if (fork() == 0) {
    poll(nullptr, 0, 1'000);
    kill(getppid(), SIGUSR1);
    _exit(5);
  }
  std::uint64_t ticks = 0;
  bool ended = false, told = false;
  while (!ended || !told) {
    epoll_event event{};
    if (epoll_wait(all, &event, 1, -1) < 1) continue;
    if (event.data.fd == timer) {
      std::uint64_t count = 0;
      if (read(timer, &count, sizeof count) == sizeof count) ticks += count;
    } else {
      signalfd_siginfo info{};
      if (read(signals, &info, sizeof info) != sizeof info) continue;
      (info.ssi_signo == SIGCHLD ? ended : told) = true;
    }
  }
  int status = 0;
  wait(&status);
  std::printf("ticks %d, status %d\n", ticks >= 2, WEXITSTATUS(status));
}

void births() {
  std::fflush(stdout);
  pid_t child = 0;
  std::string echo = "echo", word = "spawned";
  std::array<char*, 3> arguments{echo.data(), word.data(), nullptr};
  const int made = posix_spawn(&child, "/bin/echo", nullptr, nullptr, arguments.data(), environ);
  int status = 0;
  waitpid(child, &status, 0);
  const int missing =
      posix_spawn(&child, "/no/such/file", nullptr, nullptr, arguments.data(), environ);
  std::printf("spawn %d %d, missing %d\n", made, status, missing == ENOENT);
  std::fflush(stdout);
  if (fork() == 0) _exit(7);
  wait(&status);
  std::printf("fork %d\n", WEXITSTATUS(status));
}

void selects() {
  int ends[2];
  if (pipe(ends) != 0) return;
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  timeval limit{1, 0};
  const int none = select(ends[0] + 1, &set, nullptr, nullptr, &limit);
  const bool is_cleared = !FD_ISSET(ends[0], &set);
  const ssize_t put = write(ends[1], "x", 1);
  FD_SET(ends[0], &set);
  limit = {1, 0};
  const int one = select(ends[0] + 1, &set, nullptr, nullptr, &limit);
  pollfd polled{ends[0], POLLIN, 0};
  std::printf("%d %d %zd %d %d %d\n", none, is_cleared, put, one, poll(&polled, 1, 0),
              polled.revents);
}

// More than a pipe holds, to a reader that leaves in the middle.
void big_write() {
  static char block[100'000];
  int ends[2];
  if (pipe(ends) != 0) return;
  std::signal(SIGPIPE, SIG_IGN);
  std::fflush(stdout);
  if (fork() == 0) {
    close(ends[1]);
    long total = 0;
    for (ssize_t got = 1; got > 0 && total < 150'000; total += got)
      got = read(ends[0], block, sizeof block);
    _exit(0);
  }
  close(ends[0]);
  // Where in the second or third block the reader leaves is chance; that the first goes whole and
  // the last is refused is not.
  ssize_t put[4];
  for (ssize_t& one : put) one = write(ends[1], block, sizeof block);
  std::printf("%d %d", put[0] == sizeof block, put[3] < 0 && errno == EPIPE);
  wait(nullptr);
  std::printf("\n");
}

// 65,530 bytes, then six, then one: the six fit into the last page.
void full_pipe() {
  static char block[65'530];
  int ends[2];
  if (pipe(ends) != 0) return;
  const ssize_t most = write(ends[1], block, sizeof block), six = write(ends[1], block, 6);
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  const bool is_full = write(ends[1], block, 1) < 0 && errno == EAGAIN;
  std::printf("%zd %zd %d\n", most, six, is_full);
}

enum class Lock { process, file, whole };
int take(Lock kind, int file, short type, off_t byte) {
  if (kind == Lock::whole) return flock(file, type == F_UNLCK ? LOCK_UN : LOCK_EX);
  struct flock wanted{};
  wanted.l_type = type;
  wanted.l_start = byte;
  wanted.l_len = 1;
  return fcntl(file, kind == Lock::process ? F_SETLKW : F_OFD_SETLKW, &wanted);
}

// A child holds each kind of lock while the parent wants it; then one ring; then what is no wait.
void locks() {
  for (const Lock kind : {Lock::process, Lock::file, Lock::whole}) {
    int ready[2];
    if (pipe(ready) != 0) return;
    if (fork() == 0) {
      const int file = open("lock", O_RDWR | O_CREAT, 0600);
      take(kind, file, F_WRLCK, 7);
      (void)!write(ready[1], "x", 1);
      poll(nullptr, 0, 20);  // whether the parent waits by then does not show
      (void)!write(STDOUT_FILENO, "held\n", 5);
      _exit(0);
    }
    char byte = 0;
    (void)!read(ready[0], &byte, 1);
    const int file = open("lock", O_RDWR);
    std::printf("%d", take(kind, file, F_WRLCK, 7));
    std::printf(" %d\n", take(kind, file, F_UNLCK, 7));
    std::fflush(stdout);
    wait(nullptr);
  }
  const int file = open("lock", O_RDWR);
  take(Lock::process, file, F_WRLCK, 0);
  int ready[2];
  if (pipe(ready) != 0) return;
  if (fork() == 0) {
    take(Lock::process, file, F_WRLCK, 1);
    (void)!write(ready[1], "x", 1);
    poll(nullptr, 0, 20);
    _exit(take(Lock::process, file, F_WRLCK, 0) != 0 && errno == EDEADLK ? 1 : 0);
  }
  char byte = 0;
  (void)!read(ready[0], &byte, 1);
  const bool is_refused = take(Lock::process, file, F_WRLCK, 1) != 0 && errno == EDEADLK;
  if (is_refused) take(Lock::process, file, F_UNLCK, 0);
  int status = -1;
  wait(&status);
  std::printf("refused %d\n", (is_refused ? 1 : 0) + WEXITSTATUS(status));  // whoever came last
  std::fflush(stdout);
  take(Lock::process, file, F_RDLCK, 0);
  flock(file, LOCK_SH);
  if (fork() == 0) _exit(flock(file, LOCK_EX));  // the same open file: its own lock
  wait(&status);
  std::printf("own %d %d\n", take(Lock::process, file, F_WRLCK, 0), WEXITSTATUS(status));
}

void system_v() {
  const int queue = msgget(IPC_PRIVATE, 0600), segment = shmget(IPC_PRIVATE, 4096, 0600);
  const int locks = semget(IPC_PRIVATE, 1, 0600);
  auto* memory = static_cast<char*>(shmat(segment, nullptr, 0));
  std::fflush(stdout);
  if (fork() == 0) {
    struct {
      long type;
      char text[8];
    } letter{7, "letter"};
    std::strcpy(memory, "shared");
    msgsnd(queue, &letter, sizeof letter.text, 0);
    sembuf up{0, 1, 0};
    semop(locks, &up, 1);
    _exit(0);
  }
  sembuf down{0, -1, 0};
  semop(locks, &down, 1);
  struct {
    long type;
    char text[8];
  } letter{};
  const ssize_t size = msgrcv(queue, &letter, sizeof letter.text, -9, 0);
  std::printf("%s %ld %zd %s\n", memory, letter.type, size, letter.text);
  wait(nullptr);
  msgctl(queue, IPC_RMID, nullptr);
  semctl(locks, 0, IPC_RMID);
  shmctl(segment, IPC_RMID, nullptr);
}

timespec in_seconds(int count) {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  time.tv_sec += count;
  return time;
}

volatile std::sig_atomic_t told = 0;

// Waits, priorities, a full queue, both time-outs, a notification, poll(2) and an inherited
// descriptor.
// Bare, on the host: two at once, or one that was killed, are in nobody's way.
std::string own_name(const char* name) { return name + std::to_string(getpid()); }

void posix_queue() {
  const std::string name = own_name("/work");
  mq_attr limits{};
  limits.mq_maxmsg = 2;
  limits.mq_msgsize = 8;
  const mqd_t queue = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &limits);
  std::printf("%d %d\n", mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &limits), errno);
  std::fflush(stdout);
  mq_send(queue, "low", 4, 1);
  mq_send(queue, "high", 5, 9);
  if (fork() == 0) {
    mq_send(queue, "third", 6, 0);  // waits for room
    _exit(0);
  }
  char text[8];
  unsigned priority = 0;
  pollfd one{queue, POLLIN, 0};
  std::printf("poll %d\n", poll(&one, 1, -1));
  timespec late = in_seconds(1);
  for (int i = 0; i < 4; ++i) {
    const ssize_t size = mq_timedreceive(queue, text, sizeof text, &priority, &late);
    if (size < 0)
      std::printf("%d after %d\n", errno == ETIMEDOUT, i);
    else
      std::printf("%zd %s %u\n", size, text, priority);
  }
  wait(nullptr);
  struct sigaction action{};
  action.sa_handler = [](int) { told = 1; };
  sigaction(SIGUSR1, &action, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  const int first = mq_notify(queue, &event), second = mq_notify(queue, &event);
  std::printf("notify %d %d\n", first, second);
  mq_send(queue, "news", 5, 0);
  const ssize_t small = mq_receive(queue, text, 4, nullptr);
  std::printf("told %d, %zd %d\n", static_cast<int>(told), small, errno == EMSGSIZE);
  mq_close(queue);
  const int gone = mq_unlink(name.c_str()), again = mq_unlink(name.c_str());
  std::printf("%d %d\n", gone, again);
}

// What POSIX names: memory and a semaphore.
void posix_memory() {
  const std::string board = own_name("/board"), bell = own_name("/ready");
  const int memory = shm_open(board.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  if (ftruncate(memory, 4096) != 0) return;
  auto* text =
      static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0));
  sem_t* ready = sem_open(bell.c_str(), O_CREAT, 0600, 0);
  if (fork() == 0) {
    std::strcpy(text, "written");
    sem_post(ready);
    _exit(0);
  }
  sem_wait(ready);
  std::printf("%s %d %d\n", text, sem_unlink(bell.c_str()), shm_open("/none", O_RDWR, 0));
  wait(nullptr);
  shm_unlink(board.c_str());
}

void leaves_posix_names() {
  mq_open("/left", O_RDONLY | O_CREAT, 0600, nullptr);
  shm_open("/board", O_RDWR | O_CREAT, 0600);
  sem_open("/ready", O_CREAT, 0600, 0);
}

void sends_at_once() {
  const int queue = msgget(IPC_PRIVATE, 0600);
  const struct {
    long type;
    char text[8];
  } letter{7, "letter"};
  int refused = 0;
  while (msgsnd(queue, &letter, sizeof letter.text, IPC_NOWAIT) != 0 && errno == EAGAIN) ++refused;
  msgctl(queue, IPC_RMID, nullptr);
  std::printf("%d\n", refused);
}

void fifo_pair() {
  mkfifo("fifo", 0600);
  std::fflush(stdout);
  if (fork() == 0) {
    const int out = open("fifo", O_WRONLY | O_CLOEXEC);
    const ssize_t put = write(out, "through", 7);
    _exit(put == 7 ? 0 : 1);
  }
  const int in = open("fifo", O_RDONLY | O_CLOEXEC);
  char text[16] = {};
  const ssize_t got = read(in, text, sizeof text);
  const ssize_t end = read(in, text + 8, 1);
  wait(nullptr);
  unlink("fifo");
  std::printf("%s %zd %zd\n", text, got, end);
}

void alarms() {
  static volatile sig_atomic_t rang = 0;
  struct sigaction action{};
  action.sa_handler = [](int) { rang = rang + 1; };
  sigaction(SIGALRM, &action, nullptr);
  alarm(2);
  const bool interrupted = pause() < 0 && errno == EINTR;
  std::printf("%d %d\n", interrupted, static_cast<int>(rang));
}

// Two children outlive their parent, which has asked the kernel to tell them: one says so.
void death_signal() {
  int ready[2], alive[2];
  if (pipe(ready) != 0 || pipe(alive) != 0) return;
  std::fflush(stdout);
  if (fork() == 0) {
    for (const bool speaks : {true, false}) {
      if (fork() != 0) continue;
      struct sigaction action{};
      action.sa_handler = [](int) { _exit(write(STDOUT_FILENO, "told\n", 5) == 5 ? 0 : 1); };
      if (speaks) sigaction(SIGTERM, &action, nullptr);
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (write(ready[1], "x", 1) == 1)
        for (;;) pause();
    }
    char both[2];
    _exit(read(ready[0], both, 1) == 1 && read(ready[0], both, 1) == 1 ? 0 : 1);
  }
  close(alive[1]);
  wait(nullptr);
  char none = 0;
  std::printf("%zd\n", read(alive[0], &none, 1));
}

// A child that dies before its first call, and one that its parent never sees.
void stillborn() {
  for (const auto action : {SIG_DFL, SIG_IGN}) {
    std::signal(SIGCHLD, action);
    if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) __builtin_trap();
    int status = 0;
    const bool is_there = wait(&status) > 0;
    std::printf("%d %d\n", is_there, WTERMSIG(status));
  }
}

// Ticks that nobody has read add up.
void ticks() {
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec tenth{{0, 100'000'000}, {0, 100'000'000}};
  timerfd_settime(timer, 0, &tenth, nullptr);
  for (const int wait_ms : {350, 120}) {
    poll(nullptr, 0, wait_ms);
    std::uint64_t count = 0;
    const ssize_t got = read(timer, &count, sizeof count);
    std::printf("%zd %d\n", got, count >= static_cast<std::uint64_t>(wait_ms) / 120);
  }
  close(timer);
}

void many_reads() {
  constexpr int kSize = 9'000;
  const int file = open("many", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const std::string text(kSize, 'x');
  if (write(file, text.data(), text.size()) != kSize) return;
  lseek(file, 0, SEEK_SET);
  int count = 0;
  for (char one = 0; read(file, &one, 1) == 1;) ++count;
  close(file);
  unlink("many");
  std::printf("%d\n", count);
}

void endless_reads() {
  const int file = open("empty", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
  for (char one = 0; read(file, &one, 1) == 0;) continue;
}

// What is left in the pipe is no new edge; another write is one.
void edges() {
  int ends[2];
  const int instance = epoll_create1(EPOLL_CLOEXEC);
  if (pipe2(ends, O_CLOEXEC) != 0 || write(ends[1], "ab", 2) != 2) return;
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
  epoll_ctl(instance, EPOLL_CTL_ADD, ends[0], &event);
  for (const bool writes : {false, false, true}) {
    char one = 0;
    if (writes && write(ends[1], "c", 1) != 1) return;
    const int count = epoll_wait(instance, &event, 1, 50);
    std::printf("%d %zd\n", count, count > 0 ? read(ends[0], &one, 1) : 0);
  }
}

// fork(2), then signal(2): the child may be faster.
void late_handler() {
  const pid_t parent = getpid();
  if (fork() == 0) _exit(kill(parent, SIGUSR1));
  std::signal(SIGUSR1, [](int) {});
  while (wait(nullptr) < 0 && errno == EINTR) continue;
}

void crossed_locks() {
  static std::mutex mutexes[2];
  static int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  const auto takes = [](int first) {
    if (write(ends[1], "x", 1) != 1) return;
    const std::scoped_lock one(mutexes[first]);
    if (write(ends[1], "x", 1) != 1) return;
    const std::scoped_lock other(mutexes[1 - first]);
  };
  std::thread thread(takes, 0), second(takes, 1);
  thread.join();
  second.join();
}

struct Behaviour {
  std::string_view name;
  void (*run)();
};
constexpr Behaviour kBehaviours[] = {{"threads", threads},
                                     {"time-out", time_out},
                                     {"events", events},
                                     {"births", births},
                                     {"selects", selects},
                                     {"big-write", big_write},
                                     {"full-pipe", full_pipe},
                                     {"system-v", system_v},
                                     {"posix-queue", posix_queue},
                                     {"posix-memory", posix_memory},
                                     {"posix-left", leaves_posix_names},
                                     {"locks", locks},
                                     {"sends-at-once", sends_at_once},
                                     {"fifo-pair", fifo_pair},
                                     {"alarms", alarms},
                                     {"death-signal", death_signal},
                                     {"stillborn", stillborn},
                                     {"ticks", ticks},
                                     {"many-reads", many_reads},
                                     {"endless-reads", endless_reads},
                                     {"edges", edges},
                                     {"late-handler", late_handler},
                                     {"crossed-locks", crossed_locks}};

}  // namespace

int main(int argc, char** argv) {
  for (const Behaviour& behaviour : kBehaviours)
    if (argc == 2 && behaviour.name == argv[1]) {
      behaviour.run();
      return 0;
    }
  for (const Behaviour& behaviour : kBehaviours) std::printf("%s\n", behaviour.name.data());
  return 2;
}
