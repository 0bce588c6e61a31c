// SPDX-License-Identifier: MIT
#include "harness/scenario/trace_bytes.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "harness/core/check.h"
#include "harness/scenario/trace_check.h"
#include "harness/scenario/trace_fields.h"

namespace pipewrench {
namespace {

using trace_fields::visit;

template <class T>
concept Scalar = std::is_arithmetic_v<T> || std::is_enum_v<T>;

using Count = std::uint32_t;  // in front of each text and list

class Writer {
 public:
  // Canonical: what has no order is sorted.
  explicit Writer(bool canonical) : canonical_(canonical) {}

  void operator()(const char*, const Scalar auto& value) { put(&value, sizeof value); }

  void operator()(const char*, const std::string& text) {
    count(text.size());
    put(text.data(), text.size());
  }

  // Of these there is one: Waiting::holders.
  void operator()(const char*, const std::vector<std::uint32_t>& holders) {
    if (!canonical_) return list(holders);
    std::vector<std::uint32_t> sorted = holders;
    std::ranges::sort(sorted);
    list(sorted);
  }

  template <class T>
  void operator()(const char*, const std::vector<T>& items) {
    list(items);
  }

  void bits(const char* name, const Scalar auto& value, const auto&) { (*this)(name, value); }

  std::string bytes;

 private:
  template <class T>
  void list(const std::vector<T>& items) {
    count(items.size());
    for (const T& item : items) {
      if constexpr (Scalar<T>)
        put(&item, sizeof item);
      else
        visit(*this, item);
    }
  }

  void count(std::size_t size) {
    CHECK(size <= UINT32_MAX);
    const auto value = static_cast<Count>(size);
    put(&value, sizeof value);
  }

  void put(const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
  }

  bool canonical_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  void operator()(const char*, Scalar auto& value) { get(&value, sizeof value); }

  // Any other byte than 0 and 1 in a bool is undefined.
  void operator()(const char*, bool& value) {
    std::uint8_t byte = 0;
    get(&byte, sizeof byte);
    value = byte != 0;
    failed_ |= byte > 1;
  }

  void operator()(const char*, std::string& text) {
    text.resize(count());
    get(text.data(), text.size());
  }

  template <class T>
  void operator()(const char*, std::vector<T>& items) {
    // Each item has at least one byte, so what is made here is never far more than what was sent.
    for (Count left = count(); left > 0 && !failed_; --left) {
      if constexpr (Scalar<T>)
        get(&items.emplace_back(), sizeof(T));
      else
        visit(*this, items.emplace_back());
    }
  }

  void bits(const char* name, Scalar auto& value, const auto&) { (*this)(name, value); }

  bool is_whole() const { return !failed_ && bytes_.empty(); }

 private:
  Count count() {
    Count size = 0;
    get(&size, sizeof size);
    failed_ |= size > bytes_.size();
    return failed_ ? 0 : size;
  }

  void get(void* data, std::size_t size) {
    failed_ |= size > bytes_.size();
    if (failed_ || size == 0) return;
    std::memcpy(data, bytes_.data(), size);
    bytes_.remove_prefix(size);
  }

  std::string_view bytes_;
  bool failed_ = false;
};

std::string write(const Trace& trace, bool canonical) {
  Writer writer(canonical);
  writer.bytes.reserve(1024 + trace.steps.size() * (sizeof(Step) / 2));
  visit(writer, trace);
  return std::move(writer.bytes);
}

}  // namespace

std::string pack(const Trace& trace) { return write(trace, false); }

std::expected<Trace, BadInput> unpack(std::string_view bytes) {
  Trace trace;
  Reader reader(bytes);
  visit(reader, trace);
  std::string problem = reader.is_whole() ? trace_problem(trace) : "its bytes are cut or spoilt";
  if (!problem.empty()) return std::unexpected(BadInput{"trace", 0, std::move(problem)});
  return trace;
}

std::uint64_t trace_hash(const Trace& trace) {
  const std::string bytes = write(trace, true);
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace pipewrench
