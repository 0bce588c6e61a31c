// Default options of every sanitizer, compiled into each executable; the environment still
// overrides them. Each line says why. The only place where a *SAN_OPTIONS string is written.
// SPDX-License-Identifier: MIT

#define SYMBOLIZER "external_symbolizer_path=" PIPEWRENCH_SYMBOLIZER

extern "C" {
const char* __asan_default_options();
const char* __lsan_default_options();
const char* __ubsan_default_options();
const char* __tsan_default_options();

const char* __asan_default_options() {
  return SYMBOLIZER
      ":detect_stack_use_after_return=1"
      ":strict_string_checks=1"  // text without a terminator is a defect we look for
      ":check_initialization_order=1"
      ":dedup_token_length=3"    // minimisation must not slip to another bug
      ":quarantine_size_mb=16"   // resident memory stays flat over a million inputs
      ":malloc_context_size=12"  // deep enough for a report, cheap enough for 10^5 inputs/s
      ":allocator_release_to_os_interval_ms=500"
      ":handle_abort=1";  // a CHECK that fails prints a stack
}

const char* __lsan_default_options() { return "print_suppressions=0"; }

const char* __ubsan_default_options() { return SYMBOLIZER ":halt_on_error=1:print_stacktrace=1"; }

const char* __tsan_default_options() {
  return SYMBOLIZER ":halt_on_error=1:report_signal_unsafe=0:second_deadlock_stack=1";
}
}
