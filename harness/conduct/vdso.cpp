// SPDX-License-Identifier: MIT
#include "harness/conduct/vdso.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "harness/conduct/proc.h"

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

enum class Image { fresh, patched, other };

// Up to the last function it is ours, byte for byte, or ours as patched.
Image image_at(const Fd& memory, std::uint64_t address) {
  const Patched& wanted = patched();
  if (wanted.code.empty() || address == 0) return Image::other;
  const std::string_view own(reinterpret_cast<const char*>(getauxval(AT_SYSINFO_EHDR)),
                             wanted.offset + wanted.code.size());
  std::string seen(own.size(), '\0');
  const ssize_t got = pread(memory.get(), seen.data(), seen.size(), static_cast<off_t>(address));
  if (got != static_cast<ssize_t>(seen.size())) return Image::other;
  if (seen == own) return Image::fresh;
  const bool is_patched =
      seen.starts_with(own.substr(0, wanted.offset)) && seen.ends_with(wanted.code);
  return is_patched ? Image::patched : Image::other;
}

}  // namespace

// /proc/PID/mem, not process_vm_writev: only this file writes to pages that are mapped without
// write permission.
Fd open_memory(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/mem", pid);
  return Fd(open(path, O_RDWR | O_CLOEXEC));
}

// Addresses are not random in peers: it mostly stands where the last program had it, and looking
// there costs a tenth of asking /proc.
Vdso find_vdso(pid_t pid, const Fd& memory) {
  static std::uint64_t last = 0;
  Image image = image_at(memory, last);
  if (image == Image::other) image = image_at(memory, last = auxiliary_of(pid, AT_SYSINFO_EHDR));
  if (image == Image::other) return {};
  return {.address = last, .is_patched = image == Image::patched};
}

bool patch_vdso(const Fd& memory, const Vdso& vdso) {
  const Patched& wanted = patched();
  return vdso.address != 0 && pwrite(memory.get(), wanted.code.data(), wanted.code.size(),
                                     static_cast<off_t>(vdso.address + wanted.offset)) ==
                                  static_cast<ssize_t>(wanted.code.size());
}

}  // namespace pipewrench
