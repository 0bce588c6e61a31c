// SPDX-License-Identifier: MIT
#include "harness/conduct/filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>

#include "harness/conduct/calls.h"
#include "harness/core/fd.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)  // Linux 5.19
#endif

namespace pipewrench {
namespace {

std::unexpected<std::string> failed(const char* what, int error) {
  return std::unexpected(std::string(what) + ": " + std::strerror(error < 0 ? -error : error));
}

// libseccomp knows no addresses. The number comes first: the kernel remembers for which calls the
// filter looks at nothing else, and does not run it for those (seccomp_cache_prepare).
std::vector<sock_filter> let_loader_pass(const std::vector<LoaderCall>& calls) {
  constexpr auto load = [](std::size_t offset) {
    return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  };
  constexpr auto unless = [](std::uint32_t value, std::uint8_t skip) {
    return sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip);
  };
  constexpr std::size_t kAddress = offsetof(seccomp_data, instruction_pointer);
  constexpr std::size_t kThird = offsetof(seccomp_data, args) + 2 * sizeof(std::uint64_t);
  std::vector<sock_filter> code;
  for (const LoaderCall& call : calls) {
    code.insert(
        code.end(),
        {load(offsetof(seccomp_data, arch)), unless(AUDIT_ARCH_X86_64, 9),
         load(offsetof(seccomp_data, nr)), unless(static_cast<std::uint32_t>(call.number), 7),
         load(kAddress), unless(static_cast<std::uint32_t>(call.address), 5),
         load(kAddress + sizeof(std::uint32_t)),
         unless(static_cast<std::uint32_t>(call.address >> 32), 3), load(kThird),
         unless(call.third, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)});
  }
  return code;
}

}  // namespace

std::expected<std::vector<sock_filter>, std::string> make_filter(
    const std::vector<LoaderCall>& loader) {
  const std::unique_ptr<void, decltype(&seccomp_release)> context(seccomp_init(SCMP_ACT_ALLOW),
                                                                  &seccomp_release);
  if (!context) return std::unexpected("seccomp_init: no memory");
  // A 32-bit program on a 64-bit kernel runs unmanaged rather than being killed.
  seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
  seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary tree: log n steps
  for (const CallRow& row : call_rows()) {
    const scmp_arg_cmp conditions[] = {
        {5, SCMP_CMP_NE, kExempt, 0},
        {static_cast<unsigned>(std::max(row.only_with_argument, 0)),
         row.only_value == 0 ? SCMP_CMP_NE : SCMP_CMP_EQ, row.only_value, 0}};
    const unsigned count = row.only_with_argument < 0 ? 1 : 2;
    const int failure =
        seccomp_rule_add_array(context.get(), SCMP_ACT_NOTIFY, row.number, count, conditions);
    if (failure != 0) return failed("seccomp_rule_add", failure);
  }
  const Fd file(memfd_create("filter", MFD_CLOEXEC));
  if (!file) return failed("memfd_create", errno);
  if (const int failure = seccomp_export_bpf(context.get(), file.get()); failure != 0)
    return failed("seccomp_export_bpf", failure);
  const off_t size = lseek(file.get(), 0, SEEK_END);
  std::vector<sock_filter> filter = let_loader_pass(loader);
  const std::size_t before = filter.size();
  filter.resize(before + static_cast<std::size_t>(size) / sizeof(sock_filter));
  if (pread(file.get(), filter.data() + before, static_cast<std::size_t>(size), 0) != size)
    return failed("pread of the filter", errno);
  return filter;
}

int install_filter(const std::vector<sock_filter>& filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()),
                           const_cast<sock_filter*>(filter.data())};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
  const long listener =
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
              SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
  return listener < 0 ? -errno : static_cast<int>(listener);
}

}  // namespace pipewrench
