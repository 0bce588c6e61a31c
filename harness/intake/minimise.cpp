// SPDX-License-Identifier: MIT
#include "harness/intake/minimise.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <unordered_set>
#include <utility>

namespace pipewrench {
namespace {

// Fields of a record (harness/inproc/records.h), by what makes an operation plainest first.
constexpr std::size_t kOp = 0, kClient = 1, kFlags = 2, kFault = 3, kValue = 4, kRecord = 8;

// Names of operations begin again behind the last: one of the first ones is always the same.
constexpr unsigned kMostOperations = 32, kMostClients = 2;

constexpr std::size_t kMostTogether = 5;  // operations of which two may change at once

struct Candidate {
  std::string input;
  std::size_t next;  // where its pass goes on, if it is taken
};
using Candidates = std::vector<Candidate>;

std::uint64_t sum(const std::string& input) {
  std::uint64_t sum = 0;
  for (const char c : input) sum += c == '0' ? 0 : 1 + static_cast<unsigned char>(c);
  return sum;
}

// Changes of the records of an input, each of which has a number that stays, so that a pass can go
// on behind the one that was taken.
class Plainer {
 public:
  enum class Changes : std::uint8_t { all, all_but_operations, less };  // less: of the same
  Plainer(const std::string& input, std::size_t from, Changes changes)
      : input_(input), from_(from) {
    for (std::size_t at = 0; at + kRecord <= input.size(); at += kRecord) {
      if (changes == Changes::all) first_operation(at);
      set(at + kFault, 0);
      set(at + kFault, byte(at + kFault) & 0x0f);
      set(at + kFlags, 0);
      for (unsigned bit = 1; bit < 256; bit <<= 1) set(at + kFlags, byte(at + kFlags) & ~bit);
      value(at);
      if (changes == Changes::less) continue;
      for (unsigned client = 0; client < kMostClients; ++client) set(at + kClient, client);
    }
    if (changes == Changes::less) return;
    for (std::size_t at = 0; at + kRecord <= input.size(); at += kRecord) rename_client(at);
  }
  Candidates take() { return std::move(all_); }

 private:
  unsigned byte(std::size_t at) const { return static_cast<unsigned char>(input_[at]); }
  void add(std::string other) {
    if (number_++ >= from_ && other != input_) all_.push_back({std::move(other), number_});
  }
  void set(std::size_t at, unsigned value) {
    std::string other = input_;
    other[at] = static_cast<char>(value);
    add(std::move(other));
  }
  // An operation may only be needed as another one that is done by another client.
  void first_operation(std::size_t at) {
    for (unsigned op = 0; op < kMostOperations; ++op) {
      const unsigned plainer = std::min(op, byte(at + kOp));
      set(at + kOp, plainer);
      for (unsigned client = 0; client < kMostClients; ++client) {
        std::string other = input_;
        other[at + kOp] = static_cast<char>(plainer);
        other[at + kClient] = static_cast<char>(client);
        other.replace(at + kFlags, kRecord - kFlags, kRecord - kFlags, '\0');
        add(plainer < byte(at + kOp) ? other : input_);
      }
    }
  }
  void value(std::size_t at) {
    std::string zero = input_;
    zero.replace(at + kValue, 4, 4, '\0');
    add(std::move(zero));
    for (std::size_t i = kRecord; i-- > kValue;) set(at + i, 0);
    for (const unsigned mask : {0x0fU, 0xf0U}) set(at + kValue, byte(at + kValue) & mask);
  }
  // Everything that one client does becomes another's, who comes first.
  void rename_client(std::size_t of) {
    const char old = input_[of + kClient];
    for (unsigned client = 0; client < 4; ++client) {
      std::string other = input_;
      for (std::size_t at = 0; at + kRecord <= other.size(); at += kRecord)
        if (other[at + kClient] == old) other[at + kClient] = static_cast<char>(client);
      add(client < byte(of + kClient) ? other : input_);
    }
  }

  const std::string& input_;
  std::size_t from_, number_ = 0;
  Candidates all_;
};

class Minimiser {
 public:
  Minimiser(std::string input, const Minimise& how) : how_(how), best_(std::move(input)) {}

  std::string run() {
    std::string before;
    const auto changes =
        how_.other_operations ? Plainer::Changes::all : Plainer::Changes::all_but_operations;
    do {
      before = best_;
      drop_rest();
      for (std::size_t run = std::max<std::size_t>(units() / 2, 1); run > 0; run /= 2)
        pass(units(), [&](std::size_t end) { return without_runs(run, end); });
      if (how_.only_drops) continue;
      if (how_.unit_bytes == kRecord)
        pass(0, [&](std::size_t from) { return Plainer(best_, from, changes).take(); });
      else
        pass(0, [&](std::size_t from) { return plainer_bytes(from); });
      if (!how_.other_operations) continue;
      pass(units(), [&](std::size_t end) { return without_pairs(end); });
      if (how_.unit_bytes == kRecord && units() <= kMostTogether)
        if (const Candidates all = as_others(); !all.empty())
          if (const std::size_t taken = first_same(all); taken < all.size())
            best_ = all[taken].input;
    } while (best_ != before && tries_ < how_.most_tries);
    return best_;
  }

 private:
  std::size_t units() const { return best_.size() / how_.unit_bytes; }

  // Takes the first candidate that shows the same, and goes on behind it, with what then is best.
  template <class Make>
  void pass(std::size_t from, Make make) {
    for (;;) {
      const Candidates all = make(from);
      const std::size_t taken = first_same(all);
      if (taken == all.size()) return;
      best_ = all[taken].input;
      from = all[taken].next;
    }
  }

  std::size_t first_same(const Candidates& all) {
    std::vector<std::string> inputs;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < all.size() && tries_ + inputs.size() < how_.most_tries; ++i) {
      if (!plainer(all[i].input) || failed_.contains(all[i].input)) continue;
      inputs.push_back(all[i].input);
      places.push_back(i);
    }
    if (inputs.empty()) return all.size();
    const std::size_t first = how_.first_same(inputs);
    tries_ += static_cast<std::uint32_t>(std::min(first + 1, inputs.size()));
    failed_.insert(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(first));
    return first < inputs.size() ? places[first] : all.size();
  }

  // No way back: so it ends.
  bool plainer(const std::string& input) const {
    return input.size() < best_.size() || (input.size() == best_.size() && sum(input) < sum(best_));
  }

  void drop_rest() {
    if (const std::size_t rest = best_.size() % how_.unit_bytes; rest != 0)
      if (Candidates one = {{best_.substr(0, best_.size() - rest), 0}}; first_same(one) == 0)
        best_ = one.front().input;
  }

  // From the end, as what comes after the failure never mattered.
  Candidates without_runs(std::size_t run, std::size_t end) const {
    Candidates all;
    const std::size_t unit = how_.unit_bytes;
    for (end = std::min(end, units()); end > 0;) {
      const std::size_t first = end > run ? end - run : 0;
      std::string shorter = best_;
      shorter.erase(first * unit, (end - first) * unit);
      all.push_back({std::move(shorter), first});
      end = first;
    }
    return all;
  }

  // Two operations may only change together: each becomes one that is there already, of any client
  // that is.
  Candidates as_others() const {
    std::set<std::string> names;
    for (std::size_t at = 0; at + kRecord <= best_.size(); at += kRecord)
      for (std::size_t by = 0; by + kRecord <= best_.size(); by += kRecord)
        names.insert({best_[at + kOp], best_[by + kClient]});
    Candidates all;
    const auto renamed = [](std::string input, std::size_t at, const std::string& name) {
      return input.replace(at, name.size(), name)
          .replace(at + kFlags, kRecord - kFlags, kRecord - kFlags, '\0');
    };
    for (std::size_t i = 0; i + kRecord <= best_.size(); i += kRecord)
      for (std::size_t j = 0; j < i; j += kRecord)
        for (const std::string& one : names)
          for (const std::string& other : names)
            all.push_back({renamed(renamed(best_, i, one), j, other), 0});
    return all;
  }

  // One operation may only make sense with another: what it opens is closed.
  Candidates without_pairs(std::size_t end) const {
    Candidates all;
    const std::size_t unit = how_.unit_bytes;
    for (std::size_t i = std::min(end, units()); i-- > 1;)
      for (std::size_t j = i; j-- > 0;) {
        std::string shorter = best_;
        shorter.erase(i * unit, unit).erase(j * unit, unit);
        all.push_back({std::move(shorter), i});
      }
    return all;
  }

  Candidates plainer_bytes(std::size_t from) const {
    Candidates all;
    for (std::size_t i = from; i < best_.size(); ++i)
      for (const char plain : {'0', '\0'}) {
        std::string other = best_;
        other[i] = plain;
        if (other != best_) all.push_back({std::move(other), i + 1});
      }
    return all;
  }

  const Minimise& how_;
  std::string best_;
  std::unordered_set<std::string> failed_;
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

using Places = std::vector<std::size_t>;

// Of 0 to `count` - 1.
std::vector<Places> subsets_of(std::size_t count) {
  constexpr std::size_t kMostForAll = 6;
  std::vector<Places> all;
  if (count <= kMostForAll) {
    for (std::size_t bits = 1; bits + 1 < std::size_t{1} << count; ++bits) {
      Places& kept = all.emplace_back();
      for (std::size_t i = 0; i < count; ++i)
        if ((bits >> i & 1U) != 0) kept.push_back(i);
    }
  } else {
    for (std::size_t gone = 0; gone < count; ++gone) {
      Places without, before;
      for (std::size_t i = 0; i < count; ++i) {
        if (i != gone) without.push_back(i);
        if (i < gone) before.push_back(i);
      }
      all.push_back(std::move(without));
      if (gone > 0 && gone + 1 < count) all.push_back(std::move(before));
    }
  }
  std::ranges::sort(all, [](const Places& one, const Places& other) {
    return std::pair(one.size(), one) < std::pair(other.size(), other);
  });
  return all;
}

}  // namespace

std::function<std::size_t(const std::vector<std::string>&)> one_by_one(
    std::function<bool(const std::string&)> shows_same) {
  return [shows_same = std::move(shows_same)](const std::vector<std::string>& inputs) {
    return static_cast<std::size_t>(std::ranges::find_if(inputs, shows_same) - inputs.begin());
  };
}

std::string minimised(std::string input, const Minimise& how) {
  return Minimiser(std::move(input), how).run();
}

std::vector<std::string> parts_of(const std::string& input, std::size_t unit_bytes) {
  std::vector<std::string> parts;
  for (const auto& kept : subsets_of((input.size() + unit_bytes - 1) / unit_bytes)) {
    std::string part;
    for (const std::size_t i : kept) part += input.substr(i * unit_bytes, unit_bytes);
    parts.push_back(std::move(part));
  }
  if (unit_bytes == kRecord)
    for (Candidate& less : Plainer(input, 0, Plainer::Changes::less).take())
      parts.push_back(std::move(less.input));
  return parts;
}

std::vector<std::string> other_ends_of(const std::string& input, std::size_t unit_bytes) {
  if (unit_bytes != kRecord || input.size() < 3 * kRecord || input.size() % kRecord != 0) return {};
  std::vector<std::string> all = {input.substr(0, input.size() - kRecord)};
  const std::string before = all.front();
  const unsigned last = static_cast<unsigned char>(input[before.size() + kOp]);
  for (unsigned op = 0; op < std::min(last, kMostOperations); ++op)
    for (unsigned client = 0; client < kMostClients; ++client)
      all.push_back(before + static_cast<char>(op) + static_cast<char>(client) +
                    std::string(kRecord - kFlags, '\0'));
  return all;
}

std::vector<std::vector<std::string>> parts_of(const std::vector<std::string>& plan) {
  std::vector<std::vector<std::string>> parts;
  for (const auto& kept : subsets_of(plan.size())) {
    std::vector<std::string>& part = parts.emplace_back();
    for (const std::size_t i : kept) part.push_back(plan[i]);
  }
  return parts;
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
