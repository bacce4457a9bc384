// A key as commands that make it anew.
#pragma once

#include <functional>

#include "cache/command/command.h"
#include "cache/value/entry.h"

namespace chorus::cache::cluster {

/// First one that removes what the key was, then some that make it what `entry` is, its expiry included; each of a bounded number of words.
void rebuild(const Thresholds& thresholds, Entry* entry, const std::function<void(Arguments)>& visit);

}  // namespace chorus::cache::cluster
