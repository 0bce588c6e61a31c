// Oracle: an object with a name or key that every user of the machine may write to. Needs no
// deviation: the mode says it.
// SPDX-License-Identifier: MIT
#include "harness/oracle/rows.h"
#include "harness/oracle/words.h"
#include "harness/scenario/channel.h"

namespace pipewrench {
namespace {

constexpr std::uint32_t kOthersMayWrite = 0002;

bool is_shared(ObjectKind kind) {
  return kind == ObjectKind::fifo || holds_messages(kind) || kind == ObjectKind::segment ||
         kind == ObjectKind::semaphore || kind == ObjectKind::file;
}

std::string octal(std::uint32_t mode) {
  std::string text(4, '0');
  for (std::size_t i = text.size(); i-- > 0; mode >>= 3)
    text[i] = static_cast<char>('0' + (mode & 7));
  return text;
}

}  // namespace

std::vector<Verdict> judge_world_writable(const Case& c) {
  std::vector<Verdict> verdicts;
  const Trace& run = c.run;
  for (std::uint32_t i = 0; i < run.objects.size(); ++i) {
    const Object& object = run.objects[i];
    if (object.maker >= run.tasks.size() || !is_shared(object.kind) ||
        (object.mode & kOthersMayWrite) == 0)
      continue;
    verdicts.push_back({.kind = "world_writable",
                        .signature = "world_writable: " + object_role(run, i) + " of " +
                                     role_of(run, object.maker),
                        .peers = {run.tasks[object.maker].name},
                        .step = object.made,
                        .explanation = name_of(run, object.maker) + " makes " +
                                       object_name(run, i) + " with mode " + octal(object.mode) +
                                       ": every user of the machine may write to it."});
  }
  return verdicts;
}

}  // namespace pipewrench
