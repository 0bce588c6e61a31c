# cmake --install: the package `pipewrench` for users' projects. Sources, not libraries: they are compiled in the user's
# tree, with his compiler, sanitizer and engine.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_DATADIR}/pipewrench)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/sanitizers DESTINATION ${package_dir})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/harness/core ${PROJECT_SOURCE_DIR}/harness/syscalls
        ${PROJECT_SOURCE_DIR}/harness/inproc
        DESTINATION ${package_dir}/harness
        FILES_MATCHING PATTERN "*.h" PATTERN "*.cpp" PATTERN pipewrench.cmake
        PATTERN "*_test.cpp" EXCLUDE PATTERN example EXCLUDE)
install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/example DESTINATION ${CMAKE_INSTALL_DOCDIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pipewrenchConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/pipewrenchConfig.cmake
        ${PROJECT_BINARY_DIR}/pipewrenchConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_DATADIR}/cmake/pipewrench)
