# find_package(pipewrench): gives pipewrench_fuzz_target(), and the flags of PIPEWRENCH_ENGINE and PIPEWRENCH_SANITIZE to
# every target declared after it. The harness is compiled in your tree, so that it has your flags.
enable_language(CXX)
get_filename_component(PIPEWRENCH_ROOT "${CMAKE_CURRENT_LIST_DIR}/../../pipewrench" ABSOLUTE)
include("${PIPEWRENCH_ROOT}/sanitizers/sanitizers.cmake")
include("${PIPEWRENCH_ROOT}/harness/inproc/pipewrench.cmake")
# Your warnings are for your code.
set(PIPEWRENCH_PLAIN_WARNINGS -w)
