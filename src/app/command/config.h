// `chorus config`: what is in force and what there is to set.
#pragma once

#include <string>

#include "app/config/load.h"

namespace chorus::app {

/// Every key with its value and where that came from; a secret's value is hidden.
std::string effective_config(const Loaded& loaded, bool json);
/// Every key with its default, bounds and what it does.
std::string key_help();
/// The same, and what becomes of ZooKeeper's keys, as docs/configuration.md.
std::string key_reference();

}  // namespace chorus::app
