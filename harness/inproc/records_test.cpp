// SPDX-License-Identifier: MIT
#include "harness/inproc/records.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

namespace pipewrench {
namespace {

constexpr std::uint32_t kSeeds = 2000;

std::size_t append_one(std::uint8_t* data, std::size_t size, std::size_t max_size) {
  if (size >= max_size) return size;
  data[size] = 0xee;
  return size + 1;
}

// Mutates a copy in a buffer of exactly max_size bytes, so that ASan sees a write beyond it.
std::vector<std::uint8_t> mutated(std::vector<std::uint8_t> bytes, std::size_t max_size,
                                  std::uint32_t seed) {
  const std::size_t size = bytes.size();
  bytes.resize(max_size);
  bytes.shrink_to_fit();
  bytes.resize(mutate_records(bytes.data(), size, max_size, seed, append_one));
  return bytes;
}

std::vector<std::uint8_t> some_bytes(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{1});
  return bytes;
}

TEST(records, ignores_a_rest_and_what_is_beyond_the_limit) {
  const auto bytes = some_bytes((kMostRecords + 2) * sizeof(Record));
  EXPECT_EQ(Records(bytes.data(), 0).size(), 0u);
  EXPECT_EQ(Records(bytes.data(), sizeof(Record) - 1).size(), 0u);
  EXPECT_EQ(Records(bytes.data(), 2 * sizeof(Record) + 7).size(), 2u);
  EXPECT_EQ(Records(bytes.data(), bytes.size()).size(), kMostRecords);
}

TEST(records, fields_lie_in_the_order_of_the_struct) {
  const auto bytes = some_bytes(2 * sizeof(Record));
  const Record second = Records(bytes.data(), bytes.size())[1];
  EXPECT_EQ(second.op, 9);
  EXPECT_EQ(second.client, 10);
  EXPECT_EQ(second.flags, 11);
  EXPECT_EQ(second.fault, 12);
  EXPECT_EQ(second.value, 0x100f0e0du);
}

TEST(mutate_records, same_arguments_give_the_same_bytes) {
  const auto bytes = some_bytes(5 * sizeof(Record));
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed)
    ASSERT_EQ(mutated(bytes, 512, seed), mutated(bytes, 512, seed)) << "seed " << seed;
}

TEST(mutate_records, never_grows_over_max_size) {
  for (const std::size_t max_size : {0, 1, 7, 8, 9, 40, 512, 4096})
    for (const std::size_t size : {0, 1, 8, 40, 512})
      for (std::uint32_t seed = 0; size <= max_size && seed < kSeeds / 10; ++seed)
        ASSERT_LE(mutated(some_bytes(size), max_size, seed).size(), max_size)
            << "size " << size << " seed " << seed;
}

TEST(mutate_records, makes_whole_records_but_for_the_bytewise_share) {
  std::uint32_t ragged = 0;
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed)
    ragged += mutated(some_bytes(16), 512, seed).size() % sizeof(Record) != 0;
  EXPECT_GT(ragged, kSeeds / 16);  // one in eight goes to the engine
  EXPECT_LT(ragged, kSeeds / 4);
}

TEST(mutate_records, reaches_the_limit_and_the_empty_side) {
  std::vector<std::uint8_t> bytes;
  std::size_t longest = 0;
  std::size_t shortest = SIZE_MAX;
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
    bytes = mutated(bytes, 4096, seed);
    longest = std::max(longest, bytes.size());
    if (seed > 0) shortest = std::min(shortest, bytes.size());
  }
  EXPECT_GT(longest, 16 * sizeof(Record));
  EXPECT_LE(longest, kMostRecords * sizeof(Record) + sizeof(Record));
  EXPECT_LE(shortest, sizeof(Record));
}

TEST(mutate_records, different_seeds_differ) {
  std::uint32_t same = 0;
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed)
    same += mutated(some_bytes(40), 512, seed) == mutated(some_bytes(40), 512, seed + 1);
  EXPECT_LT(same, kSeeds / 10);
}

}  // namespace
}  // namespace pipewrench
