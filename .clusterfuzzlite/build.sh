#!/bin/bash -eu
# OSS-Fuzz and ClusterFuzzLite: every fuzz target with the engine and the flags that they give, into $OUT, with its seed
# corpus, dictionary and options. harness/oss_fuzz_test runs it with both engines.
build=${WORK:-/tmp}/pipewrench-build
cmake -S "$SRC/pipewrench" -B "$build" -G Ninja -DPIPEWRENCH_ENGINE=external -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE=None \
  -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_EXE_LINKER_FLAGS='-Wl,-rpath,$ORIGIN/lib'
cmake --build "$build" --target fuzz_targets

for program in "$build"/fuzz_*; do
  [ -x "$program" ] && [ ! -d "$program" ] || continue
  name=$(basename "$program")
  corpus=$SRC/pipewrench/corpus/${name#fuzz_}
  cp "$program" "$OUT/"
  [ ! -e "$program.dict" ] || cp "$program.dict" "$OUT/"
  (cd "$corpus" && find . -type f >"$build/$name.list" && cmake -E tar cf "$OUT/${name}_seed_corpus.zip" --format=zip --files-from="$build/$name.list")
  printf '[libfuzzer]\nmax_len = 2048\ntimeout = 10\n' >"$OUT/$name.options"
  # The image that runs the targets has none of the libraries that the one that builds them has.
  mkdir -p "$OUT/lib"
  ldd "$program" | awk '/libtoml/ { print $3 }' | xargs -r -I{} cp -L {} "$OUT/lib/"
done
