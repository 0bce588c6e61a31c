// pipewrench completion, pipewrench man: made of what --help says, so that they cannot differ.
// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include <string>
#include <vector>

#include "harness/cli/arguments.h"
#include "harness/cli/commands.h"

namespace pipewrench {
namespace {

std::string join(const std::vector<std::string>& words, const char* between) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : between) + word;
  return all;
}

std::vector<std::string> flags_of(const CommandText& command) {
  std::vector<std::string> flags;
  for (const OptionText& option : command.options)
    if (!option.positional) flags.insert(flags.end(), option.names.begin(), option.names.end());
  return flags;
}

std::vector<std::string> names_of(const CommandText& command) {
  std::vector<std::string> names;
  for (const CommandText& sub : command.commands) names.push_back(sub.name);
  return names;
}

// One line in single quotes, for zsh and fish.
std::string quoted(const std::string& text) {
  std::string safe;
  for (const char c : text)
    safe += c == '\'' ? std::string("'\\''") : std::string(1, c == '\n' ? ' ' : c);
  return "'" + safe + "'";
}

void print_bash(const CommandText& top) {
  fmt::print(
      "_pipewrench() {{\n  local word=${{COMP_WORDS[COMP_CWORD]}} words\n  case ${{COMP_WORDS[1]}} "
      "in\n");
  for (const CommandText& sub : top.commands)
    fmt::print(
        "    {}) words='{}' ;;\n", sub.name,
        join(names_of(sub), " ") + (sub.commands.empty() ? "" : " ") + join(flags_of(sub), " "));
  fmt::print("    *) words='{} {}' ;;\n  esac\n", join(names_of(top), " "),
             join(flags_of(top), " "));
  fmt::print("  [ \"$COMP_CWORD\" -gt 1 ] || words='{} {}'\n", join(names_of(top), " "),
             join(flags_of(top), " "));
  fmt::print(
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\"; "
      "[ \"$COMP_CWORD\" = 1 ] || compgen -f -- \"$word\")\n}}\n"
      "complete -o filenames -F _pipewrench pipewrench\n");
}

void print_zsh(const CommandText& top) {
  fmt::print("#compdef pipewrench\nlocal -a commands\ncommands=(\n");
  for (const CommandText& sub : top.commands)
    fmt::print("  {}\n", quoted(sub.name + ":" + sub.what));
  fmt::print(
      ")\nif (( CURRENT == 2 )); then _describe command commands; return; fi\ncase $words[2] in\n");
  for (const CommandText& sub : top.commands) {
    fmt::print(
        "  {}) compadd -- {}\n", sub.name,
        join(names_of(sub), " ") + (sub.commands.empty() ? "" : " ") + join(flags_of(sub), " "));
    fmt::print("    _files ;;\n");
  }
  fmt::print("esac\n");
}

void print_fish(const CommandText& top) {
  for (const CommandText& sub : top.commands) {
    fmt::print("complete -c pipewrench -n __fish_use_subcommand -f -a {} -d {}\n", sub.name,
               quoted(sub.what));
    const std::string here =
        "complete -c pipewrench -n '__fish_seen_subcommand_from " + sub.name + "'";
    for (const CommandText& deeper : sub.commands)
      fmt::print("{} -f -a {} -d {}\n", here, deeper.name, quoted(deeper.what));
    for (const OptionText& option : sub.options)
      if (!option.positional && option.names.back().starts_with("--"))
        fmt::print("{} -l {}{} -d {}\n", here, option.names.back().substr(2),
                   option.takes_value ? " -r" : "", quoted(option.what));
  }
}

// groff reads a line that begins with a dot or a quote as a request, and a backslash as an escape.
std::string groff(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (safe.empty() || safe.back() == '\n')) safe += "\\&";
    safe += c == '\\' ? std::string("\\e") : c == '-' ? std::string("\\-") : std::string(1, c);
  }
  return safe;
}

void print_man_of(const CommandText& command, const std::string& path) {
  fmt::print(".SS {}\n{}\n", groff(path), groff(command.what));
  for (const OptionText& option : command.options)
    fmt::print(".TP\n.B {}\n{}\n", groff(join(option.names, ", ")), groff(option.what));
  for (const CommandText& sub : command.commands) print_man_of(sub, path + " " + sub.name);
}

}  // namespace

Exit completion_command(const Arguments& arguments) {
  const CommandText top = describe_arguments();
  if (arguments.subject == "bash") return print_bash(top), Exit::nothing;
  if (arguments.subject == "zsh") return print_zsh(top), Exit::nothing;
  if (arguments.subject == "fish") return print_fish(top), Exit::nothing;
  return complain(Exit::usage, "completion " + plain(arguments.subject) + ": bash, zsh or fish");
}

Exit man_command(const Arguments&) {
  const CommandText top = describe_arguments();
  fmt::print(
      ".TH PIPEWRENCH 1\n.SH NAME\npipewrench \\- {}\n.SH SYNOPSIS\n.B pipewrench\nCOMMAND "
      "[OPTIONS]\n",
      groff("fuzzing and robustness harness for Linux IPC"));
  fmt::print(".SH DESCRIPTION\n{}\n.SH COMMANDS\n", groff(top.what));
  for (const CommandText& sub : top.commands) print_man_of(sub, sub.name);
  fmt::print(
      ".SH EXIT STATUS\n{}\n.SH SEE ALSO\n.BR pipe (7),\n.BR fifo (7),\n.BR sysvipc (7),\n.BR "
      "signal (7)\n",
      groff(kExitStatusText));
  return Exit::nothing;
}

}  // namespace pipewrench
