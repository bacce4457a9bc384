# Run at each build: writes OUT anew only when the commit has changed, so that nothing is compiled for nothing.
execute_process(COMMAND git describe --always --exclude=* --abbrev=10 --dirty=+ WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit unknown)
endif()
set(text "#include \"app/version.h\"

namespace chorus::app {

const char* const version = \"${VERSION}\";
const char* const version_commit = \"${commit}\";

}  // namespace chorus::app
")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT "${old}" STREQUAL "${text}")
  file(WRITE ${OUT} "${text}")
endif()
