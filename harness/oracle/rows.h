// One function an oracle; oracle.cpp lists them with what each looks for.
// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "harness/oracle/oracle.h"

namespace pipewrench {

std::vector<Verdict> judge_crash(const Case& c);
std::vector<Verdict> judge_signal_death(const Case& c);
std::vector<Verdict> judge_deadlock(const Case& c);
std::vector<Verdict> judge_lost_signal(const Case& c);
std::vector<Verdict> judge_hang(const Case& c);
std::vector<Verdict> judge_spin(const Case& c);
std::vector<Verdict> judge_wild_kill(const Case& c);
std::vector<Verdict> judge_lost_data(const Case& c);
std::vector<Verdict> judge_torn_data(const Case& c);
std::vector<Verdict> judge_segment(const Case& c);
std::vector<Verdict> judge_leak(const Case& c);
std::vector<Verdict> judge_zombie(const Case& c);
std::vector<Verdict> judge_world_writable(const Case& c);
std::vector<Verdict> judge_restart(const Case& c);
std::vector<Verdict> judge_output(const Case& c);
std::vector<Verdict> judge_expect(const Case& c);

}  // namespace pipewrench
