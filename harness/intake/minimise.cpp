// SPDX-License-Identifier: MIT
#include "harness/intake/minimise.h"

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

namespace pipewrench {
namespace {

// Fields of a record (harness/inproc/records.h), by what makes an operation plainest first.
constexpr std::size_t kOp = 0, kClient = 1, kFlags = 2, kFault = 3, kValue = 4, kRecord = 8;

class Minimiser {
 public:
  Minimiser(std::string input, const Minimise& how) : how_(how), best_(std::move(input)) {}

  std::string run() {
    std::string before;
    do {
      before = best_;
      drop_rest();
      drop_units();
      if (how_.only_drops) continue;
      if (how_.unit_bytes == kRecord)
        plainer_records();
      else
        plainer_bytes();
      if (how_.other_operations) drop_pairs();
    } while (best_ != before && tries_ < how_.most_tries);
    return best_;
  }

 private:
  bool take(const std::string& input) {
    if (input == best_ || !plainer(input)) return false;
    const auto [known, is_new] = asked_.try_emplace(input, false);
    if (is_new) {
      if (tries_ == how_.most_tries) return false;
      ++tries_;
      known->second = how_.shows_same(input);
    }
    if (known->second) best_ = input;
    return known->second;
  }
  // No way back: so it ends.
  bool plainer(const std::string& input) const {
    return input.size() < best_.size() || (input.size() == best_.size() && sum(input) < sum(best_));
  }
  static std::uint64_t sum(const std::string& input) {
    std::uint64_t sum = 0;
    for (const char c : input) sum += c == '0' ? 0 : 1 + static_cast<unsigned char>(c);
    return sum;
  }

  void drop_rest() {
    if (const std::size_t rest = best_.size() % how_.unit_bytes; rest != 0)
      take(best_.substr(0, best_.size() - rest));
  }

  // From the end, as what comes after the failure never mattered.
  void drop_units() {
    const std::size_t unit = how_.unit_bytes;
    for (std::size_t run = std::max<std::size_t>(best_.size() / unit / 2, 1);; run /= 2) {
      for (std::size_t end = best_.size() / unit; end > 0;) {
        const std::size_t first = end > run ? end - run : 0;
        std::string shorter = best_;
        shorter.erase(first * unit, (end - first) * unit);
        take(shorter);
        end = first;
      }
      if (run <= 1) return;
    }
  }

  // One operation may only make sense with another: what it opens is closed.
  void drop_pairs() {
    const std::size_t unit = how_.unit_bytes;
    for (std::size_t i = best_.size() / unit; i-- > 1;)
      for (std::size_t j = i; j-- > 0 && (i + 1) * unit <= best_.size();) {
        std::string shorter = best_;
        shorter.erase(i * unit, unit).erase(j * unit, unit);
        if (take(shorter)) break;
      }
  }

  bool set(std::size_t at, unsigned char value) {
    if (static_cast<unsigned char>(best_[at]) == value) return false;
    std::string other = best_;
    other[at] = static_cast<char>(value);
    return take(other);
  }

  // Without what it does not need: in the same order always, so that equal causes end alike.
  void plainer_records() {
    for (std::size_t at = 0; at + kRecord <= best_.size(); at += kRecord) {
      if (how_.other_operations) first_operation(at);
      if (!set(at + kFault, 0) && (best_[at + kFault] & 0xf0) != 0)
        set(at + kFault, best_[at + kFault] & 0x0f);
      set(at + kFlags, 0);
      for (unsigned bit = 1; bit < 256; bit <<= 1)
        if ((best_[at + kFlags] & bit) != 0)
          set(at + kFlags, static_cast<unsigned char>(best_[at + kFlags] & ~bit));
      plainer_value(at);
      for (unsigned char client = 0; client < 2; ++client)
        if (set(at + kClient, client)) break;
    }
    for (std::size_t at = 0; at + kRecord <= best_.size(); at += kRecord) rename_client(at);
  }
  // Everything that one client does becomes another's, who comes first.
  void rename_client(std::size_t of) {
    const char old = best_[of + kClient];
    for (int client = 0; client < std::min<int>(4, static_cast<unsigned char>(old)); ++client) {
      std::string other = best_;
      for (std::size_t at = 0; at + kRecord <= other.size(); at += kRecord)
        if (other[at + kClient] == old) other[at + kClient] = static_cast<char>(client);
      if (take(other)) return;
    }
  }
  // Names of operations begin again behind the last: one of the first ones is always the same.
  void first_operation(std::size_t at) {
    constexpr unsigned kMostOperations = 32;
    const unsigned now = static_cast<unsigned char>(best_[at + kOp]);
    for (unsigned op = 0; op < std::min(now, kMostOperations); ++op)
      if (set(at + kOp, static_cast<unsigned char>(op))) return;
  }
  void plainer_value(std::size_t at) {
    std::string zero = best_;
    zero.replace(at + kValue, 4, 4, '\0');
    if (take(zero)) return;
    for (std::size_t i = kRecord; i-- > kValue;) set(at + i, 0);
    for (const unsigned mask : {0x0fU, 0xf0U})
      set(at + kValue,
          static_cast<unsigned char>(static_cast<unsigned char>(best_[at + kValue]) & mask));
  }

  void plainer_bytes() {
    for (std::size_t i = 0; i < best_.size(); ++i)
      if (!set(i, '0')) set(i, 0);
  }

  const Minimise& how_;
  std::string best_;
  std::unordered_map<std::string, bool> asked_;
  std::uint32_t tries_ = 0;
};

// Deviations that are plainer than this one, the plainest first: earlier, and shorter.
std::vector<std::string> plainer_lines(const std::string& line) {
  constexpr std::string_view kShort = " short ";
  constexpr unsigned long kMostEarlier = 6;
  std::vector<std::string> shorter = {line}, all;
  if (const std::size_t at = line.find(kShort); at != std::string::npos)
    shorter.insert(shorter.begin(), line.substr(0, at + kShort.size()) + "1");
  const std::size_t hash = line.find('#');
  const std::size_t end = std::min(line.find(' ', hash), line.size());
  const unsigned long now =
      hash == std::string::npos ? 1 : std::strtoul(line.c_str() + hash + 1, nullptr, 10);
  for (unsigned long number = 1; number <= std::min(now, kMostEarlier); ++number)
    for (const std::string& text : shorter) {
      std::string other = text;
      if (hash != std::string::npos)
        other = text.substr(0, hash + 1) + std::to_string(number) + text.substr(end);
      if (other == line) return all;
      all.push_back(std::move(other));
    }
  return all;
}

}  // namespace

std::string minimised(std::string input, const Minimise& how) {
  return Minimiser(std::move(input), how).run();
}

std::vector<std::string> smaller_plan(
    std::vector<std::string> plan,
    const std::function<bool(const std::vector<std::string>&)>& shows_same) {
  for (std::size_t i = plan.size(); i-- > 0;) {
    std::vector<std::string> fewer = plan;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (shows_same(fewer)) plan = std::move(fewer);
  }
  for (std::size_t i = 0; i < plan.size(); ++i)
    for (const std::string& line : plainer_lines(plan[i])) {
      std::vector<std::string> other = plan;
      other[i] = line;
      if (!shows_same(other)) continue;
      plan = std::move(other);
      break;
    }
  return plan;
}

}  // namespace pipewrench
