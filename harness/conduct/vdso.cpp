// SPDX-License-Identifier: MIT
#include "harness/conduct/vdso.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "harness/conduct/memory.h"
#include "harness/core/fd.h"

namespace pipewrench {
namespace {

struct Patch {
  std::uint64_t offset;  // in the image
  std::string_view code;
};

#ifdef __x86_64__
using namespace std::literals;
// mov $number, %eax; syscall; ret. vgetrandom keeps its state in user space: it is told that there
// is none.
struct Function {
  std::string_view name, code;
};
constexpr Function kFunctions[] = {
    {"__vdso_clock_gettime"sv, "\xb8\xe4\x00\x00\x00\x0f\x05\xc3"sv},
    {"__vdso_gettimeofday"sv, "\xb8\x60\x00\x00\x00\x0f\x05\xc3"sv},
    {"__vdso_time"sv, "\xb8\xc9\x00\x00\x00\x0f\x05\xc3"sv},
    {"__vdso_getrandom"sv, "\x48\xc7\xc0\xda\xff\xff\xff\xc3"sv},
};

// Every process of a kernel has the same image: ours tells where the functions are.
std::vector<Patch> find_patches() {
  std::vector<Patch> patches;
  const auto base = getauxval(AT_SYSINFO_EHDR);
  if (base == 0) return patches;
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(base);
  const auto* segments = reinterpret_cast<const Elf64_Phdr*>(base + header->e_phoff);
  const Elf64_Dyn* dynamic = nullptr;
  for (int i = 0; i < header->e_phnum; ++i)
    if (segments[i].p_type == PT_DYNAMIC)
      dynamic = reinterpret_cast<const Elf64_Dyn*>(base + segments[i].p_offset);
  if (dynamic == nullptr) return patches;
  const Elf64_Sym* symbols = nullptr;
  const char* strings = nullptr;
  for (; dynamic->d_tag != DT_NULL; ++dynamic) {
    if (dynamic->d_tag == DT_SYMTAB)
      symbols = reinterpret_cast<const Elf64_Sym*>(base + dynamic->d_un.d_ptr);
    if (dynamic->d_tag == DT_STRTAB)
      strings = reinterpret_cast<const char*>(base + dynamic->d_un.d_ptr);
  }
  if (symbols == nullptr || strings == nullptr) return patches;
  // The string table follows the symbols in the image that the kernel builds: that bounds their
  // number.
  for (const Elf64_Sym* symbol = symbols + 1; reinterpret_cast<const char*>(symbol + 1) <= strings;
       ++symbol)
    for (const Function& function : kFunctions)
      if (function.name == strings + symbol->st_name)
        patches.push_back({symbol->st_value, function.code});
  return patches;
}
#else
std::vector<Patch> find_patches() { return {}; }
#endif

// From the first function to the last, as the peers are to have it: one write for all.
struct Patched {
  std::uint64_t offset = 0;
  std::string code;
};

Patched make_patched() {
  const std::vector<Patch> patches = find_patches();
  if (patches.empty()) return {};
  const auto [first, last] = std::ranges::minmax(patches, {}, &Patch::offset);
  const auto* image = reinterpret_cast<const char*>(getauxval(AT_SYSINFO_EHDR));
  Patched patched{first.offset, {image + first.offset, image + last.offset + last.code.size()}};
  for (const Patch& patch : patches)
    patched.code.replace(patch.offset - first.offset, patch.code.size(), patch.code);
  return patched;
}

const Patched& patched() {
  static const Patched made = make_patched();
  return made;
}

}  // namespace

bool patch_vdso(pid_t pid, std::uint64_t address) {
  const Patched& wanted = patched();
  if (wanted.code.empty() || address == 0) return false;
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/mem", pid);
  // Not process_vm_writev: only this file writes to pages that are mapped without write permission.
  const Fd memory(open(path, O_RDWR | O_CLOEXEC));
  return memory && pwrite(memory.get(), wanted.code.data(), wanted.code.size(),
                          static_cast<off_t>(address + wanted.offset)) ==
                       static_cast<ssize_t>(wanted.code.size());
}

bool is_patched_vdso(pid_t pid, std::uint64_t address) {
  const Patched& wanted = patched();
  if (wanted.code.empty() || address == 0) return false;
  // The image itself begins otherwise there.
  std::array<char, 8> code{};
  return read_memory(pid, address + wanted.offset, code.data(), code.size()) == code.size() &&
         wanted.code.starts_with(std::string_view(code.data(), code.size()));
}

}  // namespace pipewrench
