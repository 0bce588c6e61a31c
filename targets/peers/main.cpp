// peer BEHAVIOUR key=value...: one side of a session between processes, one behaviour for each
// program of the seed and a few more. This file parses and prints; the behaviours do the rest.
// SPDX-License-Identifier: MIT
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "targets/peers/behaviours.h"

namespace peers {
namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr long kMostCount = 1'000'000'000;
constexpr long kMostInterval_ms = 86'400'000;

constexpr Key kDirectory{.name = "dir", .help = "where both sides meet", .fallback = "."};
constexpr Key kCount{.name = "count",
                     .help = "messages to send, 0: for ever",
                     .fallback = "0",
                     .low = 0,
                     .high = kMostCount};
constexpr Key kInterval{.name = "interval_ms",
                        .help = "time between two messages",
                        .fallback = "1000",
                        .low = 0,
                        .high = kMostInterval_ms};
constexpr Key kText{
    .name = "text", .help = "what to send; -: lines of standard input", .fallback = "hello"};

constexpr Key kOnewayKeys[] = {kText, kCount, kInterval};
constexpr Key kTwowayKeys[] = {
    kText,
    {.name = "answer", .help = "what the child sends", .fallback = "world"},
    kCount,
    kInterval};

constexpr Key kFifoKeys[] = {
    {.name = "side", .help = "which of the two this is", .choices = "a|b"}};
constexpr Key kQueueKeys[] = {{.name = "type",
                               .help = "messages of this mtype are printed",
                               .low = 1,
                               .high = std::numeric_limits<long>::max()}};
constexpr Key kWriterKeys[] = {
    {.name = "text", .help = "what to send; -: lines of standard input", .fallback = "-"},
    kCount,
    kInterval};
constexpr Key kLockedKeys[] = {{.name = "count",
                                .help = "additions to make, 0: for ever",
                                .fallback = "0",
                                .low = 0,
                                .high = kMostCount},
                               {.name = "interval_ms",
                                .help = "time between two additions",
                                .fallback = "1000",
                                .low = 0,
                                .high = kMostInterval_ms},
                               {.name = "peers",
                                .help = "peers to wait for before the first addition",
                                .fallback = "1",
                                .low = 1,
                                .high = 16}};
constexpr Key kSocketKeys[] = {
    {.name = "side", .help = "which of the two this is", .choices = "server|client"},
    {.name = "kind",
     .help = "of the socket, the same on both sides",
     .fallback = "stream",
     .choices = "stream|seqpacket"}};

constexpr Behaviour kBehaviours[] = {
    {"pipe-oneway", "a process writes, its child reads and prints", kOnewayKeys, pipe_oneway},
    {"pipe-twoway", "a process and its child write to each other", kTwowayKeys, pipe_twoway},
    {"fifo-chat", "two chat over two FIFOs", kFifoKeys, fifo_chat},
    {"queue-chat", "any number chat over a System V queue: a text, then an mtype", kQueueKeys,
     queue_chat},
    {"shm-writer", "lines go through shared memory to shm-reader", kWriterKeys, shm_writer},
    {"shm-reader", "prints what shm-writer puts into shared memory", {}, shm_reader},
    {"shm-locked", "any number add to a record in shared memory, under a semaphore", kLockedKeys,
     shm_locked},
    {"socket-chat", "two chat over a Unix socket", kSocketKeys, socket_chat},
};

void print(std::FILE* where, const std::string& text) { std::fputs(text.c_str(), where); }

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string help() {
  std::string text =
      "usage: peer BEHAVIOUR [key=value...]\n"
      "One side of a session between processes. End of input (Ctrl-D), SIGINT (Ctrl-C), SIGTERM\n"
      "and SIGHUP end both sides; nothing is left behind. Either side may be started first.\n\n"
      "behaviours (peer BEHAVIOUR --help tells the keys):\n";
  for (const Behaviour& behaviour : kBehaviours)
    text += "  " + padded(behaviour.name, 14) + behaviour.help + "\n";
  return text + "\nexit status: 0 fine, 1 a failure (one line says which), 2 wrong usage\n";
}

std::string help(const Behaviour& behaviour, std::span<const Key> keys) {
  std::string text =
      std::string("usage: peer ") + behaviour.name + " [key=value...]\n" + behaviour.help + "\n\n";
  for (const Key& key : keys) {
    std::string values = key.choices != nullptr ? key.choices : key.is_number() ? "N" : "TEXT";
    text += "  " + padded(std::string(key.name) + "=" + values, 24) + key.help;
    text +=
        key.fallback == nullptr ? " (must be given)\n" : std::string(" (") + key.fallback + ")\n";
  }
  return text;
}

int refuse(const std::string& sentence, const std::string& hint) {
  note(sentence + "; see peer " + hint + "--help");
  return kUsage;
}

bool asks_for_help(std::string_view word) { return word == "--help" || word == "-h"; }

int run(const Behaviour& behaviour, std::span<const char* const> words) {
  std::vector<Key> keys(behaviour.keys.begin(), behaviour.keys.end());
  keys.push_back(kDirectory);
  if (std::ranges::any_of(words, asks_for_help)) {
    print(stdout, help(behaviour, keys));
    return 0;
  }
  const auto options = Options::parse(words, keys);
  if (!options) return refuse(options.error().subject, std::string(behaviour.name) + " ");
  auto session = Session::start();
  if (!session) {
    note(session.error().describe());
    return kFailure;
  }
  // Relative names from here on: the path of a Unix socket is short (unix(7)).
  if (::chdir(options->text("dir").c_str()) != 0)
    return refuse(ipc::fail("chdir", {}, "dir=" + options->text("dir")).error().describe(),
                  std::string(behaviour.name) + " ");
  const auto done = behaviour.run(*options, *session);
  // What was half typed when the session ended is not for the shell (tcflush(3)).
  if (is_terminal(0)) ::tcflush(0, TCIFLUSH);
  if (done) return 0;
  note(escaped(done.error().describe()));
  return kFailure;
}

int run(std::span<const char* const> words) {
  if (words.empty()) return refuse("which behaviour?", "");
  if (asks_for_help(words[0])) {
    print(stdout, help());
    return 0;
  }
  const auto* behaviour =
      std::ranges::find(kBehaviours, std::string_view(words[0]),
                        [](const Behaviour& one) { return std::string_view(one.name); });
  if (behaviour == std::end(kBehaviours))
    return refuse("unknown behaviour '" + escaped(words[0]) + "'", "");
  return run(*behaviour, words.subspan(1));
}

}  // namespace
}  // namespace peers

int main(int count, char** words) {
  const std::vector<const char*> all(words, words + count);
  return peers::run(std::span<const char* const>(all).subspan(count > 0 ? 1 : 0));
}
