#pragma once

// What writes formatted text is compiled once, in src/base/format_once.cc, and not again in each translation unit that logs or appends to a
// string: up to two fifths of the time that such a unit took.

#include <fmt/format.h>

extern template void fmt::detail::vformat_to<char>(fmt::detail::buffer<char>&, fmt::basic_string_view<char>,
                                                   fmt::basic_format_args<fmt::buffer_context<char>>, fmt::detail::locale_ref);
