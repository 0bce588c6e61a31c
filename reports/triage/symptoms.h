// Symptoms: what oracles say of one run of the conductor, and what its one cause is called. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "reports/triage/signature.h"

namespace pipewrench {

struct Symptom {
  std::string kind{}, signature{}, cause{};
  std::vector<std::string> peers{};
};

// What a run shows is one cause: a loss explains the hang after it, a hang the output that is
// missing. The first is what it is called by.
void sort_by_cause(std::vector<Symptom>& symptoms);

// The same for every run that shows one cause. Of a ring, whose members are all alive, it says
// where its programs wait; of who waits alone, where, and whether that is a child: whether its
// partners were killed or have ended is the plan's doing.
std::string signature_of(const Symptom& symptom, Rule rule = Rule::now);

// With the lines of the smallest plan: a ring that needs a kill is none, its members wait for who
// is gone; where the plan fails a call or cuts one short, and what shows is data or a result that
// is wrong afterwards, the cause is that the caller does not go on right.
std::string signature_of(const Symptom& symptom, const std::vector<std::string>& plan,
                         Rule rule = Rule::now);

// For people: what shows, and before it what it comes of, where that is another call, another peer
// or another time than the oracle's words name.
std::string sentence_of(const Symptom& symptom, const std::vector<std::string>& plan);

}  // namespace pipewrench
