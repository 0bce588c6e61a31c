// SPDX-License-Identifier: MIT
#include "harness/finding/arrows.h"
#include "harness/scenario/channel.h"

#include <sys/wait.h>

#include <algorithm>
#include <map>
#include <utility>

namespace pipewrench {
namespace {

// Where bytes of a pipe stand: an arrow leaves each write and ends at the read that takes its
// first.
struct Stream {
  std::uint64_t written = 0, read = 0;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> sent;  // first byte, step
};

class Finder {
 public:
  explicit Finder(const Trace& trace) : trace_(trace) {}

  std::vector<Arrow> find() {
    for (std::uint32_t i = 0; i < trace_.steps.size(); ++i) {
      const Step& step = trace_.steps[i];
      if (step.task >= trace_.tasks.size()) continue;
      if (step.event == Event::call)
        look_at_call(i);
      else if (step.event == Event::delivered)
        end(signals_, {step.task, step.number}, i, ArrowKind::signal);
      else if (step.event == Event::died && WIFSIGNALED(static_cast<int>(step.result)))
        end(signals_, {step.task, WTERMSIG(static_cast<int>(step.result))}, i, ArrowKind::signal);
    }
    return std::move(found_);
  }

 private:
  template <class Map>
  void end(Map& map, const typename Map::key_type& key, std::uint32_t i, ArrowKind kind) {
    if (const auto sent = map.extract(key); !sent.empty())
      found_.push_back({.from = sent.mapped(), .to = i, .kind = kind});
  }

  void look_at_call(std::uint32_t i) {
    const Step& step = trace_.steps[i];
    if (step.call == Call::kill || step.call == Call::pidfd_send_signal) {
      if (step.other < trace_.tasks.size()) signals_[{step.other, step.number}] = i;
    } else if (step.object < trace_.objects.size() && step.result >= 0) {
      if (holds_messages(trace_.objects[step.object].kind))
        look_at_message(i);
      else
        look_at_bytes(i);
    }
  }

  void look_at_message(std::uint32_t i) {
    const Step& step = trace_.steps[i];
    if (step.message == 0) return;
    if (step.call == Call::msgsnd || step.call == Call::mq_send)
      messages_[{step.object, step.message}] = i;
    if (step.call == Call::msgrcv || step.call == Call::mq_receive)
      end(messages_, {step.object, step.message}, i, ArrowKind::message);
  }

  void look_at_bytes(std::uint32_t i) {
    const Step& step = trace_.steps[i];
    const auto bytes = static_cast<std::uint64_t>(step.result);
    Stream& stream = streams_[step.object];
    if (step.call == Call::write && bytes > 0) {
      stream.sent.emplace_back(stream.written, i);
      stream.written += bytes;
    } else if (step.call == Call::read) {
      stream.read += bytes;
      const auto taken = std::ranges::find_if(
          stream.sent, [&](const auto& one) { return one.first >= stream.read; });
      for (auto one = stream.sent.begin(); one != taken; ++one)
        found_.push_back({.from = one->second, .to = i, .kind = ArrowKind::bytes});
      stream.sent.erase(stream.sent.begin(), taken);
    }
  }

  const Trace& trace_;
  std::vector<Arrow> found_;
  std::map<std::pair<std::uint32_t, std::int64_t>, std::uint32_t> signals_;    // target, number
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t> messages_;  // object, serial
  std::map<std::uint32_t, Stream> streams_;                                    // by object
};

}  // namespace

std::vector<Arrow> arrows(const Trace& trace) { return Finder(trace).find(); }

}  // namespace pipewrench
