# libnaja_llvm.so: the native code generator, LLVM linked statically so that it loads in milliseconds and needs nothing.
# A target of its own: everything else builds and runs without it, and it is loaded at the first real compile.
file(GLOB llvm_src CONFIGURE_DEPENDS cpu/llvm/*.c cpu/llvm/*.cpp)

find_program(LLVM_CONFIG NAMES llvm-config-22 llvm-config-21 llvm-config-20 llvm-config-19
             HINTS /usr/lib/llvm-22/bin /usr/lib/llvm-21/bin /usr/lib/llvm-20/bin /usr/lib/llvm-19/bin)
if(NOT LLVM_CONFIG)
    message(FATAL_ERROR "LLVM 19..22 was not found. On Debian 12: apt-get install llvm-22-dev g++ zlib1g-dev libzstd-dev "
                        "(or point -DLLVM_CONFIG at a llvm-config, or leave it out with -DNAJA_LLVM=OFF)")
endif()
include(CheckLanguage)
check_language(CXX)
if(NOT CMAKE_CXX_COMPILER)
    message(FATAL_ERROR "LLVM needs a C++ compiler for its run-time library. On Debian and Ubuntu: apt-get install g++")
endif()
enable_language(CXX)

function(llvm_ask out)
    execute_process(COMMAND ${LLVM_CONFIG} --link-static ${ARGN} OUTPUT_VARIABLE text ERROR_VARIABLE err
                    RESULT_VARIABLE rc OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(rc)
        message(FATAL_ERROR "${LLVM_CONFIG} ${ARGN} failed: ${err}\nThe static libraries are in the package llvm-22-dev.")
    endif()
    separate_arguments(text)
    set(${out} "${text}" PARENT_SCOPE)
endfunction()
llvm_ask(llvm_version --version)
llvm_ask(llvm_include --includedir)
llvm_ask(llvm_libs --libfiles native nvptx passes irreader bitreader bitwriter linker object)
llvm_ask(llvm_system --system-libs native nvptx passes)
list(FILTER llvm_system EXCLUDE REGEX "z3|xml2|edit|curses|tinfo")    # named for tools that naja does not link
message(STATUS "LLVM ${llvm_version} (${LLVM_CONFIG})")

# The libraries by themselves, so that a missing -dev package is named here and not by the linker.
foreach(lib ${llvm_system})
    string(REGEX REPLACE "^-l" "" stem ${lib})
    find_library(LLVM_NEEDS_${stem} ${stem})
    if(NOT LLVM_NEEDS_${stem})
        message(FATAL_ERROR "lib${stem}.so was not found, which LLVM needs. On Debian and Ubuntu: apt-get install zlib1g-dev libzstd-dev")
    endif()
endforeach()

if(llvm_src)
    add_library(naja_llvm MODULE ${llvm_src})
    set_target_properties(naja_llvm PROPERTIES PREFIX lib LINKER_LANGUAGE CXX CXX_VISIBILITY_PRESET hidden
                          VISIBILITY_INLINES_HIDDEN ON
                          LIBRARY_OUTPUT_DIRECTORY ${naja_pkg})
    target_include_directories(naja_llvm PRIVATE ${naja_rooms}/cpu)
    target_include_directories(naja_llvm SYSTEM PRIVATE ${llvm_include})
    target_link_libraries(naja_llvm PRIVATE naja_host -Wl,--start-group ${llvm_libs} -Wl,--end-group ${llvm_system})
    target_link_options(naja_llvm PRIVATE -Wl,--build-id -Wl,--gc-sections -Wl,--exclude-libs,ALL -Wl,--as-needed -Wl,-Bsymbolic
                        $<$<NOT:$<CONFIG:Debug>>:-Wl,-s>)
    if(NOT NAJA_SAN)
        target_link_options(naja_llvm PRIVATE -static-libstdc++ -static-libgcc -Wl,-z,defs)
    endif()
endif()
