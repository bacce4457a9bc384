// What a user is told who may not.
#pragma once

#include <string>

#include "cache/acl/user.h"

namespace chorus::cache::acl {

/// Without its code. names_it: with the key or channel, which is for whoever asks about another user only.
std::string denial(const User& user, const Command& command, Verdict verdict, Arguments arguments, bool names_it);

}  // namespace chorus::cache::acl
