// SPDX-License-Identifier: MIT
#include "harness/conduct/vdso.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
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

const std::vector<Patch>& patches() {
  static const std::vector<Patch> found = find_patches();
  return found;
}

}  // namespace

bool patch_vdso(pid_t pid, std::uint64_t address) {
  if (patches().empty() || address == 0) return false;
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/mem", pid);
  // Not process_vm_writev: only this file writes to pages that are mapped without write permission.
  const Fd memory(open(path, O_RDWR | O_CLOEXEC));
  if (!memory) return false;
  for (const Patch& patch : patches())
    if (pwrite(memory.get(), patch.code.data(), patch.code.size(),
               static_cast<off_t>(address + patch.offset)) !=
        static_cast<ssize_t>(patch.code.size()))
      return false;
  return true;
}

bool is_patched_vdso(pid_t pid, std::uint64_t address) {
  if (patches().empty() || address == 0) return false;
  const Patch& patch = patches().front();
  std::array<char, 16> code{};
  return read_memory(pid, address + patch.offset, code.data(), patch.code.size()) ==
             patch.code.size() &&
         std::memcmp(code.data(), patch.code.data(), patch.code.size()) == 0;
}

}  // namespace pipewrench
