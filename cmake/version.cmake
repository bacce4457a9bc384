# Run at each build: writes OUT anew only when the commit has changed, so that nothing is compiled for nothing.
execute_process(COMMAND git describe --always --exclude=* --abbrev=10 --dirty=+ WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit unknown)
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E env TZ=UTC0 git log -1 --format=%cd "--date=format-local:%Y-%m-%d %H:%M UTC"
                WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT date)
  set(date "an unknown day")
endif()
set(text "#include \"app/version.h\"

namespace chorus::app {

const char* const version = \"${VERSION}\";
const char* const version_commit = \"${commit}\";
const char* const version_date = \"${date}\";

}  // namespace chorus::app
")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT "${old}" STREQUAL "${text}")
  file(WRITE ${OUT} "${text}")
endif()
