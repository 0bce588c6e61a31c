// A scenario as TOML: only what differs from the defaults, in the order of README.md.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>

#include "harness/scenario/duration.h"
#include "harness/scenario/parse_scenario.h"

namespace pipewrench {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

// Bytes of the character that `text` starts with; 0: it is no UTF-8 (RFC 3629).
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xc2 ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf5 ? 4
                                          : 0;
  if (size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if (size < 3) return size;
  // Longer than need be, a surrogate, above U+10FFFF.
  const unsigned second = byte(1);
  const bool is_odd = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return is_odd ? 0 : size;
}

std::string hex_of(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kHex[byte >> 4], kHex[byte & 15]};
  }
  return text;
}

std::string value(const std::string& text) {
  std::string quoted = "\"";
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t size = character_size(rest);
    if (size == 0) return "{ hex = \"" + hex_of(text) + "\" }";
    const char c = rest[0];
    if (c == '"' || c == '\\')
      quoted += {'\\', c};
    else if (c == '\n')
      quoted += "\\n";
    else if (c == '\t')
      quoted += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      quoted += "\\u00" + hex_of({&c, 1});
    else
      quoted += rest.substr(0, size);
    rest.remove_prefix(size);
  }
  return quoted + '"';
}

std::string value(bool flag) { return flag ? "true" : "false"; }
std::string value(std::integral auto number) { return std::to_string(number); }

std::string in_base(const char* prefix, std::uint32_t number, int base) {
  std::array<char, 16> digits{};
  const char* end = std::to_chars(digits.begin(), digits.end(), number, base).ptr;
  return prefix + std::string(static_cast<const char*>(digits.data()), end);
}

std::string value(const std::pair<std::string, std::string>& variable) {
  return value(variable.first) + " = " + value(variable.second);
}

std::string value(const SetupMessage& message) {
  return "{ type = " + value(message.type) + ", text = " + value(message.text) + " }";
}

std::string value(const SetupFile& file) {
  std::string text = "{ path = " + value(file.path);
  if (file.kind == SetupFile::Kind::link) return text + ", to = " + value(file.text) + " }";
  if (!file.text.empty()) text += ", text = " + value(file.text);
  if (file.mode != default_mode(file.kind)) text += ", mode = " + in_base("0o", file.mode, 8);
  return text + " }";
}

template <class T>
std::string values(const std::vector<T>& items) {
  std::string text;
  for (const T& item : items) text += (text.empty() ? "" : ", ") + value(item);
  return text;
}

// Lines below a header, which is written with the first of them.
class Section {
 public:
  Section(std::string& out, const char* header) : out_(out), header_(header) {}

  void line(const char* key, const std::string& value) {
    if (!header_.empty()) out_ += (out_.empty() ? "" : "\n") + header_ + "\n";
    header_.clear();
    out_ += std::string(key) + " = " + value + "\n";
  }
  template <class T>
  void unless(const T& usual, const char* key, const T& is) {
    if (is != usual) line(key, value(is));
  }
  template <class T>
  void list(const char* key, const std::vector<T>& items) {
    if (!items.empty()) line(key, "[" + values(items) + "]");
  }

 private:
  std::string& out_;
  std::string header_;
};

void print_peers(std::string& out, const Scenario& scenario) {
  for (const Peer& peer : scenario.peers) {
    Section section(out, "[[peer]]");
    section.line("name", value(peer.name));
    section.list("run", peer.run);
    section.unless<std::string>("", "stdin", peer.input);
    if (!peer.env.empty()) section.line("env", "{ " + values(peer.env) + " }");
    section.unless(false, "tty", peer.tty);
    if (peer.sigpipe != Sigpipe::unknown)
      section.line("sigpipe", peer.sigpipe == Sigpipe::fatal ? "\"fatal\"" : "\"fine\"");
  }
}

std::string key_value(std::int32_t key) {
  return in_base("0x", static_cast<std::uint32_t>(key), 16);
}

void print_setup(std::string& out, const Setup& setup) {
  Section section(out, "[setup]");
  for (const auto& [key, kind] : kSetupFileKinds) {
    const SetupFile::Kind wanted = kind;  // g++ 12: no capture of a binding
    std::vector<SetupFile> files;
    std::ranges::copy_if(setup.files, std::back_inserter(files),
                         [wanted](const SetupFile& file) { return file.kind == wanted; });
    section.list(key, files);
  }
  section.unless(0u, "msgmni", setup.msgmni);
  section.unless(0u, "msgmax", setup.msgmax_bytes);
  section.unless(0u, "msgmnb", setup.msgmnb_bytes);
  section.unless(0u, "shmmni", setup.shmmni);
  for (const SetupQueue& queue : setup.queues) {
    Section one(out, "[[setup.queue]]");
    one.line("key", key_value(queue.key));
    one.list("messages", queue.messages);
    one.unless(false, "full", queue.full);
  }
  for (const SetupSegment& segment : setup.segments) {
    Section one(out, "[[setup.segment]]");
    one.line("key", key_value(segment.key));
    one.line("size", value(segment.size_bytes));
    one.unless<std::string>("", "text", segment.text);
  }
  for (const SetupSemaphore& semaphore : setup.semaphores) {
    Section one(out, "[[setup.semaphore]]");
    one.line("key", key_value(semaphore.key));
    one.list("values", semaphore.values);
  }
}

void print_limits(std::string& out, const Limits& limits) {
  const Limits usual;
  Section section(out, "[limits]");
  section.unless(usual.steps, "steps", limits.steps);
  if (limits.virtual_time_ns != usual.virtual_time_ns)
    section.line("virtual_time", value(print_duration(limits.virtual_time_ns)));
  section.unless(usual.output_bytes, "output_bytes", limits.output_bytes);
  section.unless(usual.file_bytes, "file_bytes", limits.file_bytes);
  section.unless(usual.memory_bytes, "memory_bytes", limits.memory_bytes);
  section.unless(usual.processes, "processes", limits.processes);
  if (limits.spin_cpu_ns != usual.spin_cpu_ns)
    section.line("spin_cpu", value(print_duration(limits.spin_cpu_ns)));
}

void print_expect(std::string& out, const Expect& expect) {
  Section section(out, "[expect]");
  section.unless(true, "nothing_left", expect.nothing_left);
  section.list("conserve", expect.conserve);
  for (const ExpectPeer& peer : expect.peers) {
    Section one(out, "[[expect.peer]]");
    one.line("name", value(peer.peer));
    if (peer.exit_status) one.line("exit_status", value(*peer.exit_status));
    if (peer.output) one.line("output", value(*peer.output));
    one.list("output_has", peer.output_has);
    one.list("output_lines", peer.output_lines);
  }
}

}  // namespace

std::string print_scenario(const Scenario& scenario) {
  std::string out;
  Section section(out, "");
  section.line("name", value(scenario.name));
  section.unless<std::string>("", "why", scenario.why);
  print_peers(out, scenario);
  print_setup(out, scenario.setup);
  Section end(out, "[end]");
  if (scenario.end.signal != SIGTERM) end.line("signal", value(signal_name(scenario.end.signal)));
  end.unless<std::string>("", "peer", scenario.end.peer);
  print_limits(out, scenario.limits);
  print_expect(out, scenario.expect);
  const Planted& planted = scenario.planted;
  if (planted.kind.empty()) return out;
  Section last(out, "[planted]");
  last.line("kind", value(planted.kind));
  last.unless<std::string>("", "class", planted.category);
  last.unless(0u, "deviations", planted.deviations);
  last.list("plan", planted.plan);
  return out;
}

}  // namespace pipewrench
