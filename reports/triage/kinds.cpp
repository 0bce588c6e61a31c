// SPDX-License-Identifier: MIT
#include "reports/triage/kinds.h"

#include <algorithm>

namespace pipewrench {
namespace {

constexpr const char* kYes = "EXPLOITABLE";
constexpr const char* kMaybe = "PROBABLY_EXPLOITABLE";
constexpr const char* kNo = "NOT_EXPLOITABLE";

// A longer name stands before its own beginning. CWE: cwe.mitre.org.
constexpr KindRow kRows[] = {
    // what the conductor's oracles say
    {"deadlock", 833, 5.5, "error", kNo, "tasks wait for each other in a ring"},
    {"hang", 662, 5.3, "error", kNo, "a task waits for ever where the calm run went on"},
    {"lost_signal", 364, 5.3, "error", kNo, "a signal came too early, or was merged, and is lost"},
    {"lost_data", 221, 4.3, "error", kNo, "bytes or messages that nobody received"},
    {"torn_data", 253, 4.3, "error", kNo, "records cut, merged, mixed or sent twice on a stream"},
    {"duplicated_data", 253, 4.3, "error", kNo, "the same data arrives twice"},
    {"wild_kill", 672, 6.5, "error", kNo, "a signal to what is no live peer"},
    {"signal_death", 703, 5.0, "error", kNo, "death by a signal that nobody handles"},
    {"spin", 835, 5.0, "error", kNo, "the same calls for ever, and nothing changes"},
    {"world_writable", 732, 7.1, "warning", kNo, "an object that anyone may write to"},
    {"exit_status", 362, 3.7, "warning", kNo, "an exit status that timing may not change"},
    {"output", 362, 3.7, "warning", kNo, "output that timing may not change"},
    {"expect", 684, 3.0, "error", kNo, "what the scenario says must hold does not"},
    {"leak", 772, 4.0, "warning", kNo, "memory, objects or processes are left behind"},
    {"memory-leak", 401, 3.5, "warning", kNo, "memory that nothing points to any more"},
    {"crash", 703, 6.5, "error", kMaybe, "a memory error, an abort, a panic or a signal"},
    // what sanitizers say
    {"heap-buffer-overflow", 122, 8.8, "error", kYes, "an access beyond a block of the heap"},
    {"stack-buffer-overflow", 121, 8.8, "error", kYes, "an access beyond a variable on the stack"},
    {"stack-buffer-underflow", 124, 8.1, "error", kYes, "an access before a variable on the stack"},
    {"dynamic-stack-buffer-overflow", 121, 8.8, "error", kYes, "an access beyond an alloca block"},
    {"global-buffer-overflow", 120, 8.1, "error", kYes, "an access beyond a global variable"},
    {"container-overflow", 119, 7.5, "error", kMaybe, "an access beyond a container's elements"},
    {"heap-use-after-free", 416, 8.8, "error", kYes, "an access to a block that was freed"},
    {"stack-use-after-return", 562, 7.5, "error", kMaybe, "an access to a frame that is gone"},
    {"stack-use-after-scope", 562, 7.5, "error", kMaybe, "an access to a variable that is gone"},
    {"use-after-poison", 416, 7.5, "error", kMaybe, "an access to poisoned memory"},
    {"double-free", 415, 8.1, "error", kYes, "a block is freed twice"},
    {"attempting-double-free", 415, 8.1, "error", kYes, "a block is freed twice"},
    {"bad-free", 590, 7.0, "error", kMaybe, "what is freed is no block of the heap"},
    {"alloc-dealloc-mismatch", 762, 5.0, "error", kNo, "freed by another means than it was made"},
    {"memcpy-param-overlap", 475, 5.0, "error", kNo, "source and target of a copy overlap"},
    {"negative-size-param", 195, 7.5, "error", kMaybe, "a negative number is used as a size"},
    {"allocation-size-too-big", 789, 5.3, "error", kNo, "a size that nobody checked"},
    {"stack-overflow", 674, 5.3, "error", kNo, "recursion without a limit"},
    {"use-of-uninitialized-value", 457, 6.5, "error", kMaybe, "memory is read before it is set"},
    {"data-race", 362, 5.5, "error", kMaybe, "two threads access the same memory, unordered"},
    {"lock-order-inversion", 833, 5.0, "warning", kNo, "locks are taken in two orders"},
    {"SEGV", 119, 6.5, "error", kMaybe, "an access to memory that is not there"},
    {"BUS", 119, 6.0, "error", kMaybe, "an access that the hardware refuses"},
    {"FPE", 369, 5.0, "error", kNo, "a division by zero"},
    {"ILL", 758, 5.0, "error", kNo, "an instruction that is none"},
    {"abrt", 617, 5.0, "error", kNo, "the program ended itself"},
    {"ABRT", 617, 5.0, "error", kNo, "the program ended itself"},
    {"assert", 617, 5.0, "error", kNo, "an assertion that does not hold"},
    {"signed-integer-overflow", 190, 5.3, "error", kNo, "a signed sum or product overflows"},
    {"unsigned-integer-overflow", 190, 4.0, "warning", kNo, "an unsigned sum or product wraps"},
    {"implicit-conversion", 681, 4.0, "warning", kNo, "a conversion changes the value"},
    {"shift", 1335, 4.0, "error", kNo, "a shift by more bits than there are"},
    {"null", 476, 5.3, "error", kNo, "a null pointer is used"},
    {"misaligned", 704, 4.0, "error", kNo, "a pointer that is not aligned"},
    {"index-out-of-bounds", 129, 7.5, "error", kMaybe, "an index beyond the array"},
    {"out-of-bounds", 129, 7.5, "error", kMaybe, "an index beyond the array"},
    {"undefined-behaviour", 758, 5.0, "error", kNo, "what the language leaves undefined"},
    {"undefined-behavior", 758, 5.0, "error", kNo, "what the language leaves undefined"},
    {"integer-divide-by-zero", 369, 5.0, "error", kNo, "a division by zero"},
    {"bounds", 129, 7.5, "error", kMaybe, "an index beyond the array"},
    {"alignment", 704, 4.0, "error", kNo, "a pointer that is not aligned"},
    {"invalid-value", 758, 4.0, "error", kNo, "a value that its type does not have"},
    {"unreachable", 758, 5.0, "error", kNo, "code that was promised never to run"},
    {"return", 758, 5.0, "error", kNo, "a function ends without the value that it owes"},
    {"pointer-overflow", 468, 5.3, "error", kMaybe, "a pointer is moved out of its block"},
    {"nonnull", 476, 5.3, "error", kNo, "a null pointer where none is allowed"},
    {"vla-bound", 789, 5.3, "error", kNo, "an array of no, or negative, size"},
    {"thread-leak", 772, 3.5, "warning", kNo, "a thread that nobody joins"},
    {"signal-unsafe", 479, 5.5, "error", kNo, "a handler calls what is not safe in one"},
    {"destroy-of-a-locked-mutex", 667, 5.0, "error", kNo, "a lock is destroyed while it is held"},
    // what harnesses say
    {"abort", 617, 5.0, "error", kNo, "the program ended itself"},
    {"model-mismatch", 684, 5.0, "error", kNo, "the code and its simple twin differ"},
    {"check-failed", 617, 5.0, "error", kNo, "a check that does not hold"},
    {"uncaught-exception", 248, 5.0, "error", kNo, "an exception that nobody catches"},
    {"real-clock", 684, 2.0, "warning", kNo, "a target reads the real clock"},
    {"overwrites-const-input", 684, 4.0, "error", kNo, "a target changes its input"},
    {"signal-death", 703, 5.0, "error", kNo, "death by a signal that nobody handles"},
    // what engines say
    {"exit", 382, 3.0, "warning", kNo, "a target ends the process"},
    {"timeout", 834, 5.3, "error", kNo, "an input that takes longer than the limit"},
    {"out-of-memory", 400, 5.3, "error", kNo, "an input that takes more memory than the limit"},
    {"slow-unit", 407, 3.0, "note", kNo, "an input that is slow, but within the limit"},
    {"", 703, 5.0, "error", kNo, "a failure of a kind that is not in the table"},
};

}  // namespace

const KindRow& row_of(const std::string& kind) {
  return *std::ranges::find_if(kRows,
                               [&](const KindRow& row) { return kind.starts_with(row.kind); });
}

}  // namespace pipewrench
