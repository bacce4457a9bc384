#include "base/ensure.h"

#include <cstdio>
#include <cstdlib>

namespace chorus::base {

void ensure_failed(const char* condition, const char* file, int line, const std::string& values) {
  std::fprintf(stderr, "chorus: broken invariant at %s:%d: %s%s%s\n", file, line, condition, values.empty() ? "" : " with", values.c_str());
  std::abort();
}

}  // namespace chorus::base
