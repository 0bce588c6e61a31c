// pipewrench report: what the store holds, in the form that is asked for.
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "harness/cli/commands.h"
#include "harness/cli/store.h"
#include "harness/core/printable.h"
#include "reports/render/render.h"
#include "reports/store/store.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

Exit cannot(const std::string& what) { return complain(Exit::environment, printable(what)); }

// False: standard output is closed, or full.
bool print_out(const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         std::fflush(stdout) == 0;
}

Exit print_or_complain(const std::string& text) {
  return print_out(text) ? Exit::nothing
                         : cannot(std::string("standard output: ") + std::strerror(errno));
}

Exit write_one(const std::string& path, const std::string& text) {
  if (const auto wrote = write_file(path, text); !wrote) return cannot(wrote.error());
  return print_or_complain(printable(path) + "\n");
}

Exit write_many(const std::string& folder, const std::vector<RenderedFile>& files) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return cannot(folder + ": " + error.message());
  for (const RenderedFile& file : files)
    if (const auto wrote = write_file(folder + "/" + file.name, file.text); !wrote)
      return cannot(wrote.error());
  return print_or_complain(printable(folder) + "\n");
}

// GitHub reads annotations from standard output and the summary from a file that it names; several
// steps add to it.
Exit tell_github(const std::vector<RenderedFile>& files) {
  const char* summary = std::getenv("GITHUB_STEP_SUMMARY");
  for (const RenderedFile& file : files) {
    if (!file.name.ends_with(".md") || summary == nullptr) {
      if (!print_out(file.text)) return print_or_complain("");
      continue;
    }
    std::ofstream stream(summary, std::ios::app | std::ios::binary);
    stream << file.text;
    if (!stream.flush()) return cannot(std::string(summary) + ": cannot be written");
  }
  return Exit::nothing;
}

}  // namespace

Exit report_command(const Arguments& arguments) {
  const auto rows = renderers();
  const auto row = std::ranges::find(rows, arguments.format, &Renderer::name);
  if (row == rows.end()) return complain(Exit::usage, "--format: not known");
  const bool is_github = arguments.format == "github";
  if (row->is_many && !is_github && arguments.report_out.empty())
    return complain(Exit::usage, "--format " + arguments.format + " needs --out DIR");
  auto store = FindingStore::open(arguments.out, FindingStore::Missing::is_an_error);
  if (!store) return complain(store.error());
  const auto records = store->read();
  if (!records) return cannot(records.error().text);
  std::string finding = arguments.finding;
  if (!finding.empty()) {
    const auto id = store->id_of(finding);
    if (!id) return complain(id.error());
    finding = *id;
  }
  const auto files = row->render(*records, {.finding = finding});
  if (!files) return complain(Exit::usage, files.error());
  if (row->is_many)
    return is_github && arguments.report_out.empty() ? tell_github(*files)
                                                     : write_many(arguments.report_out, *files);
  const std::string& text = files->front().text;
  if (!arguments.report_out.empty()) return write_one(arguments.report_out, text);
  if (arguments.format == "html") return write_one(arguments.out + "/report.html", text);
  return print_or_complain(text);
}

}  // namespace pipewrench
