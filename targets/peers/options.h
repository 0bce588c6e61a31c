// key=value words of a command line, checked against what a behaviour takes. Must not act on them.
// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "targets/ipc/error.h"

namespace peers {

// What a key takes: a whole number low..high, one of the words of `choices` (a|b), or any text.
struct Key {
  const char* name;
  const char* help;
  const char* fallback = nullptr;  // null: the key must be given
  const char* choices = nullptr;
  long low = 0;
  long high = 0;  // 0: not a number

  constexpr bool is_number() const { return high != 0; }
};

class Options {
 public:
  // Kind::bad_argument with a sentence in `subject`: unknown or repeated key, no '=', bad or
  // missing value.
  static ipc::Result<Options> parse(std::span<const char* const> words, std::span<const Key> keys);

  const std::string& text(std::string_view key) const { return values_.find(key)->second; }
  long number(std::string_view key) const;
  bool is(std::string_view key, std::string_view word) const { return text(key) == word; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// The whole text as a decimal number low..high; Kind::bad_argument else.
ipc::Result<long> whole_number(std::string_view text, long low, long high);

}  // namespace peers
