// SPDX-License-Identifier: MIT
#include "targets/fuzz/both.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "harness/inproc/say.h"

namespace fuzz {

std::string show(long value) { return std::to_string(value); }

std::string show(std::string_view bytes) {
  constexpr std::size_t kMostShown = 64;
  constexpr char kHex[] = "0123456789abcdef";
  std::string text = "\"";
  for (const char byte : bytes.substr(0, kMostShown)) {
    if (byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\') {
      text += byte;
    } else {
      text += "\\x";
      text += kHex[(byte >> 4) & 0xf];
      text += kHex[byte & 0xf];
    }
  }
  text += bytes.size() > kMostShown ? "\"..." : "\"";
  return text + " (" + std::to_string(bytes.size()) + " bytes)";
}

void differ(const Step& step, std::string_view what, const std::string& real,
            const std::string& model) {
  std::fprintf(stderr, "DIFFERENT: step %zu: %s: %.*s: real %s, model %s\n", step.index,
               step.operation, static_cast<int>(what.size()), what.data(), real.c_str(),
               model.c_str());
  std::abort();
}

void say(const Step& step, const pipewrench::Record& record, Operands operands) {
  if (!pipewrench::says()) return;
  const std::string details = operands != nullptr ? operands(record) : std::string();
  std::fprintf(stderr, "  %2zu  client %u  %-12s %s", step.index, record.client, step.operation,
               details.c_str());
  if (record.flags != 0) std::fprintf(stderr, " flags=%#x", record.flags);
  if ((record.fault & 0xf) != 0)
    std::fprintf(stderr, " fault=%u of wrapped call %u", record.fault & 0xfu, record.fault >> 4);
  std::fputc('\n', stderr);
}

bool StepFault::explains(const ipc::Error& error, bool reports_eintr) const {
  if (error.number == EINTR && !reports_eintr) return false;
  return std::ranges::any_of(faults_.played(), [&](const pipewrench::Faults::Played& played) {
    return played.fault->effect == pipewrench::Effect::fail &&
           played.fault->error_number == error.number;
  });
}

bool StepFault::played(pipewrench::Call call, int error_number) const {
  return std::ranges::any_of(faults_.played(), [&](const pipewrench::Faults::Played& played) {
    return played.call == call && played.fault->error_number == error_number;
  });
}

std::size_t StepFault::left_of(std::size_t call, std::size_t size) const {
  for (const pipewrench::Faults::Played& played : faults_.played())
    if (played.fault->effect == pipewrench::Effect::shorten && played.index == call)
      return played.transfer;
  return size;
}

bool StepFault::hides_failures() const {
  return std::ranges::any_of(faults_.played(), [](const pipewrench::Faults::Played& played) {
    return played.fault->effect == pipewrench::Effect::fail && played.fault->error_number != EINTR;
  });
}

}  // namespace fuzz
