// Watch: looks on while explore searches: the budget, SIGINT and SIGTERM, the panel on a terminal
// or lines elsewhere.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

#include "harness/cli/arguments.h"
#include "harness/core/fd.h"
#include "harness/explore/explore.h"

namespace pipewrench {

// SIGINT and SIGTERM as a descriptor: the first asks for a clean end, the second kills as ever.
// Must be made before the workers, which leave both to us.
class Interrupts {
 public:
  Interrupts();
  bool came();

 private:
  Fd signals_;
  bool came_ = false;
};

class Watch final : public Watcher {
 public:
  using Found = std::function<void(const Finding&)>;

  Watch(const Arguments& arguments, Interrupts& interrupts, Found found);
  ~Watch() override { clear(); }
  bool go_on(const Progress& progress) override;
  bool may_shrink(const Progress& progress) override;  // a tenth of the budget longer
  void found(const Finding& finding) override;
  double seconds() const;
  void clear();  // takes the panel off the terminal

 private:
  enum class Style : std::uint8_t { silent, panel, lines };
  using Clock = std::chrono::steady_clock;

  void show(const Progress& progress);
  bool goes_on_until(const Progress& progress, std::chrono::milliseconds budget);

  const Arguments& arguments_;
  Interrupts& interrupts_;
  Found found_;
  Style style_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_;
  bool drawn_ = false;
};

}  // namespace pipewrench
