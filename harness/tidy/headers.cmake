# verify_headers: each header compiles alone, as the first line of a file of its own. Not part of `all`.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
     ${PROJECT_SOURCE_DIR}/harness/*.h ${PROJECT_SOURCE_DIR}/targets/*.h ${PROJECT_SOURCE_DIR}/reports/*.h)
list(FILTER headers EXCLUDE REGEX /example/)  # a user's project has its own include path
set(sources "")
foreach(header IN LISTS headers)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/headers/${header}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${header}\"\n")
  list(APPEND sources ${source})
endforeach()
add_library(verify_headers OBJECT EXCLUDE_FROM_ALL ${sources})
target_compile_options(verify_headers PRIVATE -O0 -g0)
