// SPDX-License-Identifier: MIT
#include "targets/model/pipe.h"

#include <poll.h>

#include <algorithm>
#include <bit>
#include <cerrno>

namespace model {

Outcome Pipe::write(std::string_view bytes) {
  if (bytes.empty()) return {};  // not even EPIPE: the kernel looks at the size first
  if (readers_ == 0) return {-1, EPIPE};
  std::size_t done = 0;
  const std::size_t odd = bytes.size() % kPage;
  if (odd != 0 && !pages_.empty() && pages_.back().text.size() + odd <= kPage) {
    pages_.back().text += bytes.substr(0, odd);
    done = odd;
  }
  while (done < bytes.size() && !is_full()) {
    pages_.push_back({.text = std::string(bytes.substr(done, kPage))});
    done += pages_.back().text.size();
  }
  return done > 0 ? Outcome{static_cast<long>(done), 0} : Outcome{-1, EAGAIN};
}

Outcome Pipe::read(std::size_t size, std::string* out) {
  if (size == 0) return {};
  if (pages_.empty()) return writers_ == 0 ? Outcome{} : Outcome{-1, EAGAIN};
  std::size_t done = 0;
  while (done < size && !pages_.empty()) {
    Page& page = pages_.front();
    const std::size_t part = std::min(size - done, page.text.size() - page.taken);
    if (out != nullptr) out->append(page.text, page.taken, part);
    page.taken += part;
    done += part;
    if (page.taken == page.text.size()) pages_.pop_front();
  }
  return {static_cast<long>(done), 0};
}

Outcome Pipe::resize(std::size_t bytes) {
  const std::size_t pages = std::bit_ceil(std::max<std::size_t>((bytes + kPage - 1) / kPage, 1));
  if (pages < pages_.size()) return {-1, EBUSY};
  limit_ = pages;
  return {static_cast<long>(capacity()), 0};
}

short Pipe::poll_reader() const {
  return static_cast<short>((pages_.empty() ? 0 : POLLIN) | (writers_ == 0 ? POLLHUP : 0));
}

short Pipe::poll_writer() const {
  return static_cast<short>((is_full() ? 0 : POLLOUT) | (readers_ == 0 ? POLLERR : 0));
}

std::size_t Pipe::bytes() const {
  std::size_t sum = 0;
  for (const Page& page : pages_) sum += page.text.size() - page.taken;
  return sum;
}

}  // namespace model
