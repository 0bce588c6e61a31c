// SPDX-License-Identifier: MIT
#include "harness/explore/message.h"

#include <cstring>
#include <type_traits>

namespace pipewrench {
namespace {

// One walk over the fields serves both directions: what is written is what is read.
class Writer {
 public:
  template <typename T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void field(const T& value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    out_.append(bytes, sizeof(T));
  }
  void field(const std::string& text) {
    field(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }
  template <typename T>
  void field(const std::vector<T>& list) {
    field(static_cast<std::uint32_t>(list.size()));
    for (const T& item : list) walk(*this, item);
  }
  void fields(const auto&... values) { (field(values), ...); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  template <typename T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void field(T& value) {
    if (!has(sizeof(T))) return;
    std::memcpy(&value, left_.data(), sizeof(T));
    left_.remove_prefix(sizeof(T));
  }
  void field(std::string& text) {
    std::uint32_t size = 0;
    field(size);
    if (!has(size)) return;
    text.assign(left_.substr(0, size));
    left_.remove_prefix(size);
  }
  template <typename T>
  void field(std::vector<T>& list) {
    std::uint32_t size = 0;
    field(size);
    if (!has(size)) return;  // every item takes a byte at least
    list.resize(size);
    for (T& item : list) walk(*this, item);
  }
  void fields(auto&... values) { (field(values), ...); }
  bool ended_well() const { return good_ && left_.empty(); }

 private:
  bool has(std::size_t size) {
    good_ = good_ && size <= left_.size();
    return good_;
  }
  std::string_view left_;
  bool good_ = true;
};

void walk(auto& io, auto& item)
  requires std::is_same_v<std::remove_const_t<std::remove_reference_t<decltype(item)>>, std::string>
{
  io.field(item);
}
void walk(auto& io, auto& d)
  requires requires { d.amount; }
{
  io.fields(d.kind, d.task, d.n, d.call, d.other, d.amount, d.number);
}
void walk(auto& io, auto& v)
  requires requires { v.severity; }
{
  io.fields(v.severity, v.kind, v.signature, v.peers, v.step, v.explanation);
}
void walk(auto& io, auto& r)
  requires requires { r.chooser; }
{
  io.fields(r.chooser, r.plan, r.seed, r.depth, r.length, r.realism, r.want_trace, r.certain);
}
void walk(auto& io, auto& a)
  requires requires { a.verdicts; }
{
  io.fields(a.verdicts, a.made, a.realism, a.trace_hash, a.behaviour, a.steps, a.unmanaged,
            a.unmanaged_of, a.hasty, a.ending, a.error, a.trace);
}

template <typename T>
std::string to_bytes(const T& value) {
  Writer writer;
  walk(writer, value);
  return writer.take();
}

template <typename T>
std::expected<T, std::string> from_bytes(std::string_view bytes, const char* what) {
  Reader reader(bytes);
  T value;
  walk(reader, value);
  if (!reader.ended_well()) return std::unexpected(std::string(what) + " is damaged");
  return value;
}

}  // namespace

std::string encode(const Request& request) { return to_bytes(request); }
std::string encode(const Answer& answer) { return to_bytes(answer); }
std::expected<Request, std::string> decode_request(std::string_view bytes) {
  return from_bytes<Request>(bytes, "a request");
}
std::expected<Answer, std::string> decode_answer(std::string_view bytes) {
  return from_bytes<Answer>(bytes, "an answer");
}

}  // namespace pipewrench
