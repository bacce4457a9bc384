// See cmake/fmt_once.h. libfmt has the same, under the name that g++ gives it; clang's is another.
#include <fmt/format.h>

template void fmt::detail::vformat_to<char>(fmt::detail::buffer<char>&, fmt::basic_string_view<char>,
                                            fmt::basic_format_args<fmt::buffer_context<char>>, fmt::detail::locale_ref);
