# The only place where a -fsanitize or coverage flag is written. Also installed, for users' projects.
#   PIPEWRENCH_SANITIZE  none | address (with undefined) | thread | coverage
#   PIPEWRENCH_ENGINE    none | libfuzzer | afl | external (OSS-Fuzz: the flags come with CXXFLAGS, the engine with
#                        LIB_FUZZING_ENGINE)
set(PIPEWRENCH_SANITIZE none CACHE STRING "none, address (with undefined), thread or coverage")
set(PIPEWRENCH_ENGINE none CACHE STRING "none, libfuzzer, afl or external")
set_property(CACHE PIPEWRENCH_SANITIZE PROPERTY STRINGS none address thread coverage)
set_property(CACHE PIPEWRENCH_ENGINE PROPERTY STRINGS none libfuzzer afl external)
set(PIPEWRENCH_SANITIZERS_DIR ${CMAKE_CURRENT_LIST_DIR})

# Fortified names (__read_chk) would go past the wrappers and the sanitizers' own checks.
set(_compile -fno-omit-frame-pointer -U_FORTIFY_SOURCE)
set(_link "")
set(_guides "")
if(PIPEWRENCH_SANITIZE STREQUAL address)
  list(APPEND _compile -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  # The vptr check asks the kernel with pipe() whether memory is readable, and --wrap reaches the runtime's calls
  # too: it would take the faults that an input means for the code under test, and report what is not there.
  list(APPEND _compile -fno-sanitize=vptr)
  list(APPEND _link -fsanitize=address,undefined)
elseif(PIPEWRENCH_SANITIZE STREQUAL thread)
  list(APPEND _compile -fsanitize=thread)
  list(APPEND _link -fsanitize=thread)
elseif(PIPEWRENCH_SANITIZE STREQUAL coverage)
  list(APPEND _compile -fprofile-instr-generate -fcoverage-mapping)
  list(APPEND _link -fprofile-instr-generate)
elseif(NOT PIPEWRENCH_SANITIZE STREQUAL none)
  message(FATAL_ERROR "PIPEWRENCH_SANITIZE=${PIPEWRENCH_SANITIZE}: must be none, address, thread or coverage")
endif()

set(PIPEWRENCH_ENGINE_LINK "")
if(PIPEWRENCH_ENGINE STREQUAL libfuzzer)
  list(APPEND _compile -fsanitize=fuzzer-no-link)
  set(_guides edge,inline-8bit-counters,pc-table,indirect-calls,trace-cmp,stack-depth)
  set(PIPEWRENCH_ENGINE_LINK -fsanitize=fuzzer)
elseif(PIPEWRENCH_ENGINE STREQUAL afl)
  # AFL++ 4.04c is built on LLVM 14; its runtime works with clang-19's own coverage callbacks.
  set(_guides trace-pc-guard,trace-cmp)
  list(APPEND _compile -fsanitize-coverage=${_guides})
  set(PIPEWRENCH_ENGINE_LINK /usr/lib/afl/libAFLDriver.a /usr/lib/afl/afl-compiler-rt.o)
  if(NOT EXISTS /usr/lib/afl/afl-compiler-rt.o)
    message(FATAL_ERROR "PIPEWRENCH_ENGINE=afl needs the package afl++: run harness/setup")
  endif()
elseif(PIPEWRENCH_ENGINE STREQUAL external)
  separate_arguments(PIPEWRENCH_ENGINE_LINK UNIX_COMMAND "$ENV{LIB_FUZZING_ENGINE}")
  if(NOT PIPEWRENCH_ENGINE_LINK)
    message(FATAL_ERROR "PIPEWRENCH_ENGINE=external needs the environment variable LIB_FUZZING_ENGINE")
  endif()
elseif(NOT PIPEWRENCH_ENGINE STREQUAL none)
  message(FATAL_ERROR "PIPEWRENCH_ENGINE=${PIPEWRENCH_ENGINE}: must be none, libfuzzer, afl or external")
endif()

# Use after return costs a fuzz target a quarter of its inputs/s; the tests replay the corpus with it.
if(NOT PIPEWRENCH_ENGINE STREQUAL none AND PIPEWRENCH_SANITIZE STREQUAL address)
  list(APPEND _compile -fsanitize-address-use-after-return=never)
endif()

if(NOT PIPEWRENCH_ENGINE STREQUAL none AND NOT CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  message(FATAL_ERROR "PIPEWRENCH_ENGINE=${PIPEWRENCH_ENGINE} needs clang, not ${CMAKE_CXX_COMPILER_ID}: "
                      "configure with -DCMAKE_CXX_COMPILER=clang++-19 or a preset")
endif()

# For the harness's own code in a target: its branches say nothing about the code under test.
set(PIPEWRENCH_UNGUIDED "")
if(_guides)
  set(PIPEWRENCH_UNGUIDED -fno-sanitize-coverage=${_guides})
endif()
# For what is loaded into a program that has no runtimes: takes back what is added here.
set(PIPEWRENCH_PLAIN_COMPILE -fno-sanitize=all ${PIPEWRENCH_UNGUIDED})
set(PIPEWRENCH_PLAIN_LINK -fno-sanitize=all)

add_compile_options(${_compile})
add_link_options(${_link})
find_program(PIPEWRENCH_LLD NAMES ld.lld-19)
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang AND PIPEWRENCH_LLD)
  add_link_options(-fuse-ld=lld-19)
endif()

# Default sanitizer options, compiled in: an executable of ours behaves the same when started by hand.
find_program(PIPEWRENCH_SYMBOLIZER NAMES llvm-symbolizer-19 llvm-symbolizer)
if(NOT TARGET pipewrench_san_options)
  add_library(pipewrench_san_options OBJECT ${PIPEWRENCH_SANITIZERS_DIR}/options.cpp)
  target_compile_definitions(pipewrench_san_options PRIVATE
    PIPEWRENCH_SYMBOLIZER="$<IF:$<BOOL:${PIPEWRENCH_SYMBOLIZER}>,${PIPEWRENCH_SYMBOLIZER},>")
endif()

# A static executable: no sanitizer's runtime can be linked into one.
function(pipewrench_plain_static target)
  if(NOT PIPEWRENCH_SANITIZE STREQUAL none)
    target_compile_options(${target} PRIVATE -fno-sanitize=all -fno-profile-instr-generate -fno-coverage-mapping)
    target_link_options(${target} PRIVATE -fno-sanitize=all -fno-profile-instr-generate)
  endif()
  target_link_options(${target} PRIVATE -static)
endfunction()
