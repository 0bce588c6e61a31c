// frame_log: a bus sniffer writes frames, a header and then the payload, into a pipe; the logger
// prints them.
// Bug: the logger takes frames out of each chunk that it reads and forgets the frame that the chunk
// ends in.
// Smallest: one preemption of the sniffer between a header and its payload.
// By hand: gdb, set follow-fork-mode child, break on the second write until the parent waits.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

struct Header {
  std::uint32_t id;
  std::uint32_t size;
};
constexpr std::uint32_t kLargest = 64;

bool put(int out, const void* data, std::size_t size) {
  return write(out, data, size) == static_cast<ssize_t>(size);
}

int sniff(int out) {
  static const char* const kPayloads[] = {"ignition on", "door open", "speed 0"};
  std::uint32_t id = 0x100;
  for (const char* payload : kPayloads) {
    const Header header{id++, static_cast<std::uint32_t>(std::strlen(payload))};
    if (!put(out, &header, sizeof header) || !put(out, payload, header.size)) return 1;
  }
  return 0;
}

// Prints the whole frames at the front of `bytes` and returns how many bytes they are.
std::size_t log_frames(const std::string& bytes) {
  std::size_t at = 0;
  Header header{};
  while (bytes.size() - at >= sizeof header) {
    std::memcpy(&header, bytes.data() + at, sizeof header);
    if (header.size > kLargest) {
      std::printf("broken frame\n");
      return bytes.size();
    }
    if (bytes.size() - at - sizeof header < header.size) break;
    std::printf("%x: %s\n", header.id, bytes.substr(at + sizeof header, header.size).c_str());
    at += sizeof header + header.size;
  }
  return at;
}

void follow(int in) {
  char chunk[1024];
  std::string bytes;
  for (ssize_t n; (n = read(in, chunk, sizeof chunk)) > 0;) {
    bytes.append(chunk, static_cast<std::size_t>(n));
#ifdef FIXED
    bytes.erase(0, log_frames(bytes));
#else
    log_frames(bytes);
    bytes.clear();
#endif
  }
  if (!bytes.empty()) std::printf("the last frame is cut\n");
}

}  // namespace

int main() {
  int frames[2];
  int status = 0;

  signal(SIGPIPE, SIG_IGN);
  if (pipe2(frames, O_CLOEXEC) < 0) {
    std::perror("frame_log: pipe");
    return 1;
  }
  const pid_t sniffer = fork();
  if (sniffer < 0) {
    std::perror("frame_log: fork");
    return 1;
  }
  if (sniffer == 0) {
    close(frames[0]);
    std::exit(sniff(frames[1]));
  }
  close(frames[1]);
  follow(frames[0]);
  close(frames[0]);
  waitpid(sniffer, &status, 0);
  if (status != 0) std::fprintf(stderr, "frame_log: the sniffer failed\n");
  return status == 0 ? 0 : 1;
}
