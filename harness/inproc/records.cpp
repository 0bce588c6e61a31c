// SPDX-License-Identifier: MIT
#include "harness/inproc/records.h"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace pipewrench {
namespace {

constexpr std::array<std::uint32_t, 16> kInteresting = {
    0, 1, 2, 3, 7, 8, 16, 255, 256, 4095, 4096, 8191, 8192, 65536, 0x7fffffff, 0xffffffff};

using Random = std::minstd_rand;

std::uint32_t below(Random& random, std::size_t limit) {
  return limit == 0 ? 0 : static_cast<std::uint32_t>(random() % limit);
}

Record fresh(Random& random) {
  return {.op = static_cast<std::uint8_t>(random()),
          .client = static_cast<std::uint8_t>(random()),
          .flags = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 0),
          .fault = static_cast<std::uint8_t>(random() % 8 == 0 ? random() : 0),
          .value = below(random, 2) == 0 ? kInteresting[below(random, kInteresting.size())]
                                         : below(random, 64)};
}

void change_field(Record& record, Random& random) {
  switch (random() % 6) {
    case 0:
      record.op = static_cast<std::uint8_t>(random());
      break;
    case 1:
      record.client = static_cast<std::uint8_t>(random());
      break;
    case 2:
      record.flags = static_cast<std::uint8_t>(record.flags ^ (1u << (random() % 8)));
      break;
    case 3:
      record.fault = static_cast<std::uint8_t>(random() % 2 == 0 ? 0 : random());
      break;
    case 4:
      record.value = kInteresting[below(random, kInteresting.size())];
      break;
    default:
      record.value += below(random, 17) - 8;
      break;
  }
}

void change_list(std::vector<Record>& records, Random& random) {
  const std::size_t at = below(random, records.size());
  const std::size_t other = below(random, records.size());
  switch (records.empty() ? 0 : random() % 7) {
    case 0:
      records.insert(records.begin() + static_cast<std::ptrdiff_t>(at), fresh(random));
      break;
    case 1:
      records.erase(records.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 2:
      std::swap(records[at], records[other]);
      break;
    case 3: {  // repeat a run: fills queues and buffers
      const auto first = std::min(at, other);
      const std::vector<Record> run(
          records.begin() + static_cast<std::ptrdiff_t>(first),
          records.begin() + static_cast<std::ptrdiff_t>(std::max(at, other)) + 1);
      records.insert(records.end(), run.begin(), run.end());
      break;
    }
    case 4:
      records.resize(at + 1);
      break;
    default:
      change_field(records[at], random);
      break;
  }
}

}  // namespace

std::size_t mutate_records(std::uint8_t* data, std::size_t size, std::size_t max_size,
                           std::uint32_t seed, Bytewise bytewise) {
  Random random(seed);
  if (random() % 8 == 0) return bytewise(data, size, max_size);
  const std::size_t most = std::min(kMostRecords, max_size / sizeof(Record));
  if (most == 0) return std::min(size, max_size);
  const Records old(data, size);
  std::vector<Record> records;
  for (std::size_t i = 0; i < old.size(); ++i) records.push_back(old[i]);
  for (std::uint32_t changes = 1 + below(random, 4); changes > 0; --changes)
    change_list(records, random);
  if (records.empty()) records.push_back(fresh(random));
  records.resize(std::min(records.size(), most));
  std::memcpy(data, records.data(), records.size() * sizeof(Record));
  return records.size() * sizeof(Record);
}

}  // namespace pipewrench
