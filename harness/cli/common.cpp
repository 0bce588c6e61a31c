// What the subcommands share. Must not run anything itself.
// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "harness/cli/commands.h"
#include "harness/core/printable.h"
#include "harness/oracle/words.h"
#include "harness/scenario/plan.h"
#include "reports/store/store.h"

namespace pipewrench {

Exit complain(Exit status, const std::string& what) {
  fmt::print(stderr, "pipewrench: {}\n", plain(what));
  return status;
}

Exit complain(const StoreError& error) {
  return complain(error.bad_input ? Exit::usage : Exit::environment, error.text);
}

std::expected<std::unique_ptr<Pool>, Exit> start_pool(const Scenario& scenario,
                                                      const Arguments& arguments,
                                                      std::uint64_t seed) {
  const ConductorOptions options{.namespaces = arguments.namespaces, .seed = seed};
  auto pool = Pool::start(real_recipe(scenario, options), arguments.jobs);
  if (!pool) return std::unexpected(complain(Exit::environment, pool.error()));
  return std::move(*pool);
}

void warn_of_files(const Arguments& arguments, const Scenario& scenario) {
  if (arguments.words.empty()) return;  // a scenario file says itself what is there
  std::error_code ignored;
  for (const Peer& peer : scenario.peers)
    for (const std::string& word : std::span(peer.run).subspan(1))
      if (!word.starts_with('/') && std::filesystem::is_regular_file(word, ignored))
        fmt::print(stderr,
                   "pipewrench: '{}' is a file here, but peers start in an empty directory: write "
                   "its whole path\n",
                   printable(word));
}

std::string plain(const std::string& text) {
  std::string safe = text;
  for (char& c : safe)
    if ((c < ' ' || c > '~') && c != '\n') c = '?';
  return safe;
}

LadderStyle ladder_style() {
  LadderStyle style;
  winsize size{};
  if (::isatty(STDOUT_FILENO) != 1) return style;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
  for (const char* name :
       {"LC_ALL", "LC_CTYPE", "LANG"}) {  // the first that is set counts, locale(7)
    const char* value = std::getenv(name);
    if (value == nullptr || *value == 0) continue;
    style.utf8 = ::strcasestr(value, "utf-8") != nullptr || ::strcasestr(value, "utf8") != nullptr;
    break;
  }
  return style;
}

std::string paint(const Arguments& arguments, Ink ink, const std::string& text) {
  const char* unwanted = std::getenv("NO_COLOR");
  const bool is_wanted = ::isatty(STDOUT_FILENO) == 1 && (unwanted == nullptr || *unwanted == 0);
  const bool is_painted =
      arguments.colour == Colour::always || (arguments.colour == Colour::automatic && is_wanted);
  if (!is_painted) return text;
  constexpr const char* kInks[] = {"\033[1;31m", "\033[33m", "\033[32m"};
  return kInks[static_cast<std::size_t>(ink)] + text + "\033[0m";
}

std::string status_text(int status) {
  if (WIFSIGNALED(status)) return "killed by " + signal_name(WTERMSIG(status));
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

std::string unmanaged_line(const std::vector<std::string>& what) {
  return "not under control: " + plain(listed(what)) +
         "; of such runs only crashes and deaths count, the rest are notes";
}

std::string verdict_line(const Verdict& verdict) {
  return fmt::format("{} {}: {}", verdict.severity == Severity::note ? "note" : "finding",
                     verdict.kind, verdict.explanation);
}

}  // namespace pipewrench
