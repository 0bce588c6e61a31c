// A peer that behaves as badly as one can, a behaviour each. survival_test.cpp runs it, always
// under the harness: by hand some of them take the machine down.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

constexpr std::size_t kMebibyte = 1 << 20;

[[noreturn]] void wait_for_ever() {
  while (true) pause();
}

// Not hostile: objects of every kind, a child, and a bug that a killed child shows.
int be_busy() {
  constexpr int kRounds = 4;
  const int queue = msgget(0x5157, IPC_CREAT | 0600);
  const int segment = shmget(0x5158, 4096, IPC_CREAT | 0600);
  mkfifo("room", 0600);
  const pid_t child = fork();
  if (child == 0) {
    const int out = open("room", O_WRONLY);
    for (int i = 0; i < kRounds; ++i) (void)!write(out, "line\n", 5);
    _exit(0);
  }
  const int in = open("room", O_RDONLY);
  char line[5];
  for (int i = 0; i < kRounds; ++i)
    if (read(in, line, sizeof line) != sizeof line) std::abort();
  waitpid(child, nullptr, 0);
  unlink("room");
  shmctl(segment, IPC_RMID, nullptr);
  msgctl(queue, IPC_RMID, nullptr);
  return 0;
}

int fork_and_stay() {
  while (fork() != 0) continue;
  wait_for_ever();
}
int fork_everywhere() {
  while (true) (void)!fork();
}
int fork_and_go() {
  while (fork() <= 0) continue;
  return 0;
}

int eat_memory(int how) {
  while (true) {
    void* block = mmap(nullptr, kMebibyte, PROT_READ | PROT_WRITE, how | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return 1;
    std::memset(block, 1, kMebibyte);
  }
}

int write_without_end(int file) {
  static char text[4096];
  std::memset(text, '\n', sizeof text);
  while (write(file, text, sizeof text) > 0) continue;
  return 1;
}

int ignore_signals() {
  for (int signal = 1; signal < 65; ++signal) std::signal(signal, SIG_IGN);
  wait_for_ever();
}

int stop_group() {
  kill(0, SIGSTOP);
  return 0;
}

int close_all() {
  for (int file = 0; file < 1024; ++file) close(file);
  wait_for_ever();
}

int leave_session() {
  for (int i = 0; i < 2; ++i) {
    if (fork() != 0) return 0;
    setsid();
  }
  wait_for_ever();
}

int exec_nothing() {
  execl("/nowhere/program", "program", nullptr);
  return 127;
}

int kill_everybody() {
  kill(-1, SIGKILL);
  kill(getppid(), SIGKILL);
  kill(1, SIGKILL);
  return 0;
}

// What a terminal, a shell, a page or a path must not be given.
int say_anything() {
  for (int i = 0; i < 2; ++i) {
    std::fputs("\033[2J\033]0;title\a\r\001\377'\"`$(id)<script>alert(1)</script>../../etc\n",
               i == 0 ? stdout : stderr);
    std::fflush(nullptr);
  }
  mkfifo("\033[31m<b>'\"", 0600);  // and left behind
  std::abort();
}

// In a call that the conductor does not know.
int sleep_unseen() {
  static std::uint32_t word = 0;
  struct {
    std::uint64_t value = 0, address = reinterpret_cast<std::uint64_t>(&word);
    std::uint32_t flags = 2, reserved = 0;  // FUTEX2_SIZE_U32
  } waiter;
  return static_cast<int>(syscall(449, &waiter, 1, 0, nullptr, 0));  // futex_waitv
}

struct Behaviour {
  std::string_view name;
  int (*act)();
};
constexpr Behaviour kBehaviours[] = {
    {"busy", be_busy},
    {"fork-and-stay", fork_and_stay},
    {"fork-everywhere", fork_everywhere},
    {"fork-and-go", fork_and_go},
    {"memory", [] { return eat_memory(MAP_PRIVATE); }},
    {"shared-memory", [] { return eat_memory(MAP_SHARED); }},
    {"output", [] { return write_without_end(STDOUT_FILENO); }},
    {"file", [] { return write_without_end(open("file", O_WRONLY | O_CREAT, 0600)); }},
    {"ignores-signals", ignore_signals},
    {"stops", stop_group},
    {"closes-all", close_all},
    {"leaves-session", leave_session},
    {"execs-nothing", exec_nothing},
    {"kills-everybody", kill_everybody},
    {"says-anything", say_anything},
    {"sleeps-unseen", sleep_unseen},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Behaviour& one : kBehaviours)
    if (argc > 1 && one.name == argv[1]) return one.act();
  return 2;
}
