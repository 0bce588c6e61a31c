// SPDX-License-Identifier: MIT
#include "reports/triage/symptoms.h"

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <string_view>
#include <utility>

namespace pipewrench {
namespace {

constexpr std::array<std::string_view, 16> kCauseFirst = {"crash",          "wild_kill",
                                                          "signal_death",   "deadlock",
                                                          "lost_signal",    "hang",
                                                          "spin",           "torn_data",
                                                          "lost_data",      "duplicated_data",
                                                          "world_writable", "leak",
                                                          "exit_status",    "output",
                                                          "zombie",         ""};
constexpr std::string_view kRing = "deadlock: ";
constexpr std::array<std::string_view, 3> kAlone = {"hang: ", "leak: orphan ", "waits: "};
// They show far from what went wrong.
constexpr std::array<std::string_view, 4> kAfterwards = {
    "result: ", "torn_data: ", "lost_data: ", "duplicated_data: "};
constexpr std::string_view kBetween = " | ";

std::size_t rank_of(const Symptom& symptom) {
  return static_cast<std::size_t>(std::ranges::find(kCauseFirst, symptom.kind) -
                                  kCauseFirst.begin());
}

// "server/1#4", "server/child" and "server.2": which of a program's tasks it is, is chance.
std::string program_of(std::string_view task) {
  const std::string_view name = task.substr(0, task.find_first_of("/:#~"));
  const std::size_t end = name.find_last_not_of("0123456789");
  const bool is_numbered = end != name.npos && end > 0 && end + 1 < name.size() && name[end] == '.';
  return std::string(is_numbered ? name.substr(0, end) : name);
}

// Of one who waits alone it matters whether it is the program or a child that it has made: they
// wait in different code for different partners.
std::string role_of(std::string_view task) {
  return program_of(task) + (task.find('/') == task.npos ? "" : "/child");
}

// Who waits for a child waits for what the child waits for.
bool is_for_a_child(std::string_view place) { return place.ends_with(" wait"); }

// A signal may come from anybody: who waits for one waits for none of the others, and they for it.
bool is_for_a_signal(std::string_view place) {
  constexpr std::array<std::string_view, 3> kCalls = {" pause", " sigsuspend", " sigtimedwait"};
  return std::ranges::any_of(kCalls, [&](std::string_view call) { return place.ends_with(call); });
}

// "server/child msgrcv queue". Who opens a FIFO meets whoever opens it too: which of the two came
// first is chance as well.
std::string place_of(std::string_view text, bool is_alone) {
  const std::size_t space = text.find(' ');
  if (space == text.npos) return std::string(text);
  const std::string_view task = text.substr(0, space), rest = text.substr(space + 1);
  if (rest.starts_with("open fifo ")) return std::string(rest);
  const bool has_role = is_alone && !is_for_a_signal(text);
  return (has_role ? role_of(task) : program_of(task)) + " " + std::string(rest);
}

std::string places_of(std::string_view text, bool is_alone) {
  std::set<std::string> all;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(kBetween), text.size());
    all.insert(place_of(text.substr(0, end), is_alone));
    text.remove_prefix(std::min(end + kBetween.size(), text.size()));
  }
  std::set<std::string> roots = all;
  if (std::ranges::any_of(all, is_for_a_signal))
    std::erase_if(roots, std::not_fn(is_for_a_signal));
  else if (!std::ranges::all_of(all, is_for_a_child))
    std::erase_if(roots, is_for_a_child);
  std::string words;
  for (const std::string& place : roots) words += (words.empty() ? "" : kBetween.data()) + place;
  return words;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// "spin: sender msgsnd queue EINVAL": of an object that is gone not always is known what it was.
std::string without_object(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.size() != 5) return std::string(text);
  std::string kept(words[0]);
  for (const std::size_t i : {1U, 2U, 4U}) kept += " " + std::string(words[i]);
  return kept;
}

struct Fault {
  std::string program, call, what;
  auto operator<=>(const Fault&) const = default;
};
// "server#2 msgrcv fail EINTR", "server/1#3 write short 7": what the kernel did to which call.
std::set<Fault> faults_in(const std::vector<std::string>& plan) {
  std::set<Fault> faults;
  for (const std::string& line : plan) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() < 4 || (words[2] != "fail" && words[2] != "short")) continue;
    faults.insert({.program = program_of(words[0]),
                   .call = std::string(words[1]),
                   .what = std::string(words[2] == "fail" ? words[3] : words[2])});
  }
  return faults;
}

bool shows_later(std::string_view signature) {
  return std::ranges::any_of(kAfterwards,
                             [&](std::string_view start) { return signature.starts_with(start); });
}

// "before a#2 run b", "a#2 kill", "a#2 kill after", "a#2 signal SIGTERM", "a#2 timeout first".
std::string when(std::string_view deviation) {
  const std::vector<std::string_view> words = words_of(deviation);
  const auto text = [&](std::size_t i) { return std::string(words[i]); };
  if (words.size() == 4 && words[0] == "before") return text(3) + " runs before " + text(1);
  if (words.size() < 2) return {};
  if (words[1] == "kill") {
    const std::size_t hash = words[0].find('#');
    if (hash == words[0].npos) return {};
    return std::string(words[0].substr(0, hash)) + " is killed " +
           (words.size() == 3 ? "after" : "at") + " its call " +
           std::string(words[0].substr(hash + 1));
  }
  if (words.size() == 3 && words[1] == "signal") return text(2) + " comes before " + text(0);
  if (words.size() == 3 && words[1] == "timeout") return "the time-out of " + text(0) + " is first";
  return {};
}

}  // namespace

void sort_by_cause(std::vector<Symptom>& symptoms) {
  std::ranges::sort(symptoms, [](const Symptom& one, const Symptom& other) {
    return std::pair(rank_of(one), one.signature) < std::pair(rank_of(other), other.signature);
  });
}

namespace {

// Who wait for each other once one was killed wait for that one, each alone.
std::string waits_of(std::string_view text, Rule rule, bool has_kill) {
  if (text.starts_with(kRing)) {
    std::string places = places_of(text.substr(kRing.size()), has_kill);
    const bool is_ring = rule == Rule::now && !has_kill && !is_for_a_signal(places);
    return (is_ring ? "ring: " : "waits: ") + places;
  }
  for (const std::string_view start : kAlone)
    if (text.starts_with(start))
      return "waits: " + places_of(text.substr(start.size()), rule == Rule::now);
  return {};
}

std::string signature_of(const Symptom& symptom, Rule rule, bool has_kill) {
  const std::string_view text = symptom.signature;
  if (text.ends_with(" goes on for ever")) return symptom.signature;
  const std::vector<std::string_view> words = words_of(text);
  // "lost_signal: waiter pause SIGUSR1": whether it is known which one was lost, is chance.
  if (words.size() == 4 && words[0] == "lost_signal:" && words[2] != "merged")
    return "waits: " + places_of(std::string(words[1]) + " " + std::string(words[2]), false);
  // "output: reader", "exit_status: reader exits with 1": it ends otherwise than in the calm run.
  if (words.size() > 1 && words[1] != "restarted" &&
      (words[0] == "output:" || words[0] == "exit_status:"))
    return "result: " + program_of(words[1]);
  if (std::string waits = waits_of(text, rule, has_kill); !waits.empty()) return waits;
  return text.starts_with("spin: ") ? without_object(text) : symptom.signature;
}

bool is_kill(const std::string& deviation) {
  const std::vector<std::string_view> words = words_of(deviation);
  return words.size() > 1 && words[1] == "kill";
}

}  // namespace

std::string signature_of(const Symptom& symptom, Rule rule) {
  return signature_of(symptom, rule, false);
}

std::string signature_of(const Symptom& symptom, const std::vector<std::string>& plan, Rule rule) {
  const std::set<Fault> faults = faults_in(plan);
  const bool has_kill = rule == Rule::now && std::ranges::any_of(plan, is_kill);
  const std::string own = signature_of(symptom, rule, has_kill);
  if (faults.empty() || !shows_later(own)) return own;
  std::string words = "not handled:";
  for (const auto& [program, call, what] : faults)
    words += (words.back() == ':' ? " " : ", ") + program + " " + call + " " + what;
  return words;
}

std::string sentence_of(const Symptom& symptom, const std::vector<std::string>& plan) {
  const std::string own = signature_of(symptom);
  const std::set<Fault> faults = faults_in(plan);
  if (shows_later(own) && !faults.empty()) {
    const auto& [program, call, what] = *faults.begin();
    return program + " does not handle " + (what == "short" ? "a short " : what + " of ") + call +
           ": " + symptom.cause;
  }
  if (plan.size() != 1) return symptom.cause;
  // Of those who wait for each other the plan has killed who made them wait.
  const bool is_far = shows_later(own) || own.starts_with("leak: ") ||
                      (own.starts_with("ring: ") && is_kill(plan.front()));
  if (!is_far) return symptom.cause;
  const std::string how = when(plan.front());
  return how.empty() ? symptom.cause : "When " + how + ": " + symptom.cause;
}

}  // namespace pipewrench
