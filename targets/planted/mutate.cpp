// Plants one bug: copies a source file with one exact piece of text replaced. Used by the build
// only. A .mutant file: "file: PATH", "why: TEXT", then "--- find" and "--- replace" with whole
// lines under each.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

namespace {

struct Mutant {
  std::string file, find, replace;
};

bool read(const std::string& path, std::string* text) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << stream.rdbuf();
  *text = bytes.str();
  return stream.good() || stream.eof();
}

// Empty on success, else what is wrong.
std::string parse(const std::string& text, Mutant* mutant) {
  std::istringstream lines(text);
  std::string* part = nullptr;
  for (std::string line; std::getline(lines, line);) {
    if (line == "--- find") {
      part = &mutant->find;
    } else if (line == "--- replace") {
      part = &mutant->replace;
    } else if (part != nullptr) {
      *part += line + "\n";
    } else if (line.starts_with("file: ")) {
      mutant->file = line.substr(6);
    } else if (!line.starts_with("why: ")) {
      return "unknown line '" + line + "'";
    }
  }
  if (mutant->file.empty()) return "no 'file:' line";
  return mutant->find.empty() ? "nothing under '--- find'" : "";
}

std::string plant(const Mutant& mutant, std::string* source) {
  const std::size_t at = source->find(mutant.find);
  if (at == std::string::npos) return "its text is no longer in " + mutant.file + ": update it";
  if (source->find(mutant.find, at + 1) != std::string::npos)
    return "its text is more than once in " + mutant.file + ": take more lines";
  source->replace(at, mutant.find.size(), mutant.replace);
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fputs("usage: mutate MUTANT SOURCE_ROOT OUTPUT\n", stderr), 2;
  std::string text, source;
  Mutant mutant;
  std::string wrong = read(argv[1], &text) ? parse(text, &mutant) : "cannot be read";
  if (wrong.empty() && !read(std::string(argv[2]) + "/" + mutant.file, &source))
    wrong = "cannot read " + mutant.file;
  if (wrong.empty()) wrong = plant(mutant, &source);
  if (!wrong.empty()) return std::fprintf(stderr, "%s: %s\n", argv[1], wrong.c_str()), 2;
  std::ofstream(argv[3], std::ios::binary) << source;
  return 0;
}
