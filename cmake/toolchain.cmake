# Compiler flags, sanitizers, ccache and a fast linker where the machine has them.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

find_program(LLD NAMES ld.lld-19 ld.lld)
if(LLD)
  add_link_options(-fuse-ld=${LLD})
endif()

# Only what is called is kept, and only libraries that are called are loaded: start-up and an idle node's memory depend on it.
add_link_options(-Wl,--as-needed -Wl,--gc-sections)
add_compile_options(-ffunction-sections -fdata-sections)
# A designated initializer names what differs; the rest is value-initialised on purpose.
add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wno-missing-designated-field-initializers -fno-omit-frame-pointer)
# One translation unit (src/world/real/asio.cc) compiles Asio; the others only see its declarations.
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_SEPARATE_COMPILATION
                        SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL)

if(CHORUS_SANITIZE)
  add_compile_options(-fsanitize=${CHORUS_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CHORUS_SANITIZE})
endif()
if(CHORUS_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
