# pipewrench_fuzz_target(): one source, three engines. Used by this project and, installed, by yours.
#
#   pipewrench_fuzz_target(NAME msgq            # fuzz_msgq, afl_msgq, replay_msgq
#                          SOURCES fuzz.cpp     # defines LLVMFuzzerTestOneInput
#                          [LINK mylib ...]     # the library under test, unchanged
#                          [MUTATOR m.cpp]      # defines pipewrench::mutate (mutator.h): both engines use it
#                          [DICT words.dict]    # default of fuzz_NAME
#                          [OPTIONS -flag=...]) # libFuzzer flags that hold unless given by hand
#
# PIPEWRENCH_ENGINE (libfuzzer, afl, none) chooses which of fuzz_ and afl_ is made; replay_ always is.
set(PIPEWRENCH_INPROC_DIR ${CMAKE_CURRENT_LIST_DIR})

function(_pipewrench_inproc)
  if(TARGET pipewrench_inproc)
    return()
  endif()
  cmake_path(GET PIPEWRENCH_INPROC_DIR PARENT_PATH harness)
  cmake_path(GET harness PARENT_PATH root)
  file(GLOB wrappers CONFIGURE_DEPENDS ${PIPEWRENCH_INPROC_DIR}/wrap_*.cpp)
  add_library(pipewrench_inproc STATIC
    ${harness}/syscalls/hostile.cpp ${harness}/syscalls/table.cpp ${PIPEWRENCH_INPROC_DIR}/faults.cpp ${PIPEWRENCH_INPROC_DIR}/guard.cpp
    ${PIPEWRENCH_INPROC_DIR}/records.cpp ${PIPEWRENCH_INPROC_DIR}/start.cpp
    ${PIPEWRENCH_INPROC_DIR}/virtual_time.cpp ${wrappers})
  target_include_directories(pipewrench_inproc PUBLIC ${root})
  target_compile_features(pipewrench_inproc PUBLIC cxx_std_23)
  target_compile_options(pipewrench_inproc PRIVATE ${PIPEWRENCH_PLAIN_WARNINGS} ${PIPEWRENCH_UNGUIDED})
  # The wrapped names are those that have a __wrap_ definition: one list, in the code.
  foreach(file IN LISTS wrappers)
    file(STRINGS ${file} lines REGEX "__wrap_[a-z0-9_]+\\(.*{$|__wrap_[a-z0-9_]+\\(")
    foreach(line IN LISTS lines)
      string(REGEX MATCH "__wrap_([a-z0-9_]+)\\(" _ "${line}")
      # -u: a sanitizer's weak definition of the name must not keep the wrapper in the archive.
      target_link_options(pipewrench_inproc PUBLIC "LINKER:--wrap=${CMAKE_MATCH_1},-u,__wrap_${CMAKE_MATCH_1}")
    endforeach()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
endfunction()

# What surrounds a target in one executable, compiled with its name and options.
function(_pipewrench_engine_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TARGET;OBJECTS;OPTIONS" "SOURCES;LINK;DEFINE")
  add_library(${name}_entry OBJECT ${PIPEWRENCH_INPROC_DIR}/entry.cpp ${PIPEWRENCH_INPROC_DIR}/start.cpp
              ${arg_SOURCES})
  target_compile_definitions(${name}_entry PRIVATE PIPEWRENCH_TARGET="${arg_TARGET}"
                             PIPEWRENCH_OPTIONS="${arg_OPTIONS}" ${arg_DEFINE})
  target_compile_options(${name}_entry PRIVATE ${PIPEWRENCH_UNGUIDED})
  target_link_libraries(${name}_entry PRIVATE pipewrench_inproc)
  add_executable(${name} $<TARGET_OBJECTS:${name}_entry> $<TARGET_OBJECTS:${arg_OBJECTS}>)
  target_link_libraries(${name} PRIVATE pipewrench_inproc ${arg_LINK} pipewrench_san_options)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} LINKER_LANGUAGE CXX)
endfunction()

function(pipewrench_fuzz_target)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;MUTATOR;DICT" "SOURCES;LINK;OPTIONS")
  if(NOT arg_NAME OR NOT arg_SOURCES)
    message(FATAL_ERROR "pipewrench_fuzz_target: NAME and SOURCES are required")
  endif()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "pipewrench_fuzz_target(NAME ${arg_NAME}): unknown '${arg_UNPARSED_ARGUMENTS}': "
                        "it takes NAME, SOURCES, LINK, MUTATOR, DICT and OPTIONS")
  endif()
  _pipewrench_inproc()
  list(JOIN arg_OPTIONS " " options)
  set(objects ${arg_NAME}_fuzz_objects)
  add_library(${objects} OBJECT ${arg_SOURCES} ${arg_MUTATOR})
  target_link_libraries(${objects} PRIVATE pipewrench_inproc ${arg_LINK})
  set(common TARGET ${arg_NAME} OBJECTS ${objects} OPTIONS "${options}" LINK ${arg_LINK})

  _pipewrench_engine_executable(replay_${arg_NAME} ${common} SOURCES ${PIPEWRENCH_INPROC_DIR}/replay_main.cpp)
  if(PIPEWRENCH_ENGINE MATCHES "^(libfuzzer|external)$")
    set(mutator "")
    set(define "")
    if(PIPEWRENCH_ENGINE STREQUAL libfuzzer OR PIPEWRENCH_ENGINE_LINK MATCHES "sanitize=fuzzer|libFuzzer")
      set(define DEFINE PIPEWRENCH_LIBFUZZER)
      if(arg_MUTATOR)
        set(mutator ${PIPEWRENCH_INPROC_DIR}/mutator_libfuzzer.cpp)
      endif()
    endif()
    _pipewrench_engine_executable(fuzz_${arg_NAME} ${common} SOURCES ${mutator} ${define})
    target_link_libraries(fuzz_${arg_NAME} PRIVATE ${PIPEWRENCH_ENGINE_LINK})
    if(arg_DICT)
      configure_file(${arg_DICT} ${CMAKE_BINARY_DIR}/fuzz_${arg_NAME}.dict COPYONLY)
    endif()
  elseif(PIPEWRENCH_ENGINE STREQUAL afl)
    _pipewrench_engine_executable(afl_${arg_NAME} ${common})
    target_link_libraries(afl_${arg_NAME} PRIVATE ${PIPEWRENCH_ENGINE_LINK})
    if(arg_MUTATOR)
      # Loaded into afl-fuzz with AFL_CUSTOM_MUTATOR_LIBRARY: neither sanitizers nor coverage may be in it.
      add_library(${arg_NAME}_mutator MODULE ${PIPEWRENCH_INPROC_DIR}/mutator_afl.cpp
                  ${PIPEWRENCH_INPROC_DIR}/records.cpp ${arg_MUTATOR})
      target_include_directories(${arg_NAME}_mutator PRIVATE
        $<TARGET_PROPERTY:pipewrench_inproc,INTERFACE_INCLUDE_DIRECTORIES>)
      target_compile_options(${arg_NAME}_mutator PRIVATE ${PIPEWRENCH_PLAIN_COMPILE})
      target_link_options(${arg_NAME}_mutator PRIVATE ${PIPEWRENCH_PLAIN_LINK})
      target_compile_features(${arg_NAME}_mutator PRIVATE cxx_std_23)
      set_target_properties(${arg_NAME}_mutator PROPERTIES PREFIX ""
                            LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
      add_dependencies(afl_${arg_NAME} ${arg_NAME}_mutator)
    endif()
    if(arg_DICT)
      configure_file(${arg_DICT} ${CMAKE_BINARY_DIR}/afl_${arg_NAME}.dict COPYONLY)
    endif()
  endif()
endfunction()
