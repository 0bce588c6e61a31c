// rpc_call: a client asks a store for values over a stream socket: a verb, a key, a newline.
// Bug: the store takes what one recv() returns for one request; the client sends verb and key one
// by one.
// Smallest: one preemption of the client between its two sends.
// By hand: gdb, break the parent on its second send until the child waits.
// SPDX-License-Identifier: MIT
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

namespace {

bool put(int socket, const std::string& text) {
  return send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

// A line without its newline; nothing at the end of the connection.
std::string get_line(int socket, std::string& bytes) {
  char chunk[256];
  while (bytes.find('\n') == std::string::npos && bytes.size() < sizeof chunk) {
    const ssize_t n = recv(socket, chunk, sizeof chunk, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return "";
    bytes.append(chunk, static_cast<std::size_t>(n));
  }
  const std::size_t end = bytes.find('\n');
  const std::string line = bytes.substr(0, end);
  bytes.erase(0, end == std::string::npos ? end : end + 1);
  return line;
}

std::string answer(const std::string& request) {
  static const std::map<std::string, std::string> kValues = {{"color", "green"}, {"size", "42"}};
  if (!request.starts_with("GET ")) return "ERROR verb";
  const auto value = kValues.find(request.substr(4));
  return value == kValues.end() ? "ERROR key" : "OK " + value->second;
}

int serve(int socket) {
#ifdef FIXED
  std::string bytes;
  for (std::string request; !(request = get_line(socket, bytes)).empty();)
    if (!put(socket, answer(request) + "\n")) return 1;
#else
  char request[256];
  for (ssize_t n; (n = recv(socket, request, sizeof request, 0)) > 0;) {
    std::string text(request, static_cast<std::size_t>(n));
    if (text.ends_with('\n')) text.pop_back();
    if (!put(socket, answer(text) + "\n")) return 1;
  }
#endif
  return 0;
}

bool ask(int socket, const std::string& key, std::string& bytes) {
  if (!put(socket, "GET ") || !put(socket, key + "\n")) return false;
  const std::string line = get_line(socket, bytes);
  if (line.empty()) return false;
  std::printf("%s: %s\n", key.c_str(), line.c_str());
  return true;
}

}  // namespace

int main() {
  int ends[2];
  int status = 0;
  std::string bytes;

  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
    std::perror("rpc_call: socketpair");
    return 1;
  }
  const pid_t store = fork();
  if (store < 0) {
    std::perror("rpc_call: fork");
    return 1;
  }
  if (store == 0) {
    close(ends[0]);
    std::exit(serve(ends[1]));
  }
  close(ends[1]);
  const bool answered = ask(ends[0], "color", bytes) && ask(ends[0], "size", bytes);
  close(ends[0]);
  waitpid(store, &status, 0);
  if (!answered) std::fprintf(stderr, "rpc_call: the store does not answer\n");
  return answered && status == 0 ? 0 : 1;
}
