// The interactive shell of `chorus zk`, and the same from a pipe.
#pragma once

#include "app/zk/tool.h"

namespace chorus::app::zk {

/// On a terminal: a prompt with history (~/.chorus_history) and completion, until "quit" or the end of input.
Exit interactive_shell(Tool& tool);
/// One command a line from standard input; ends at the first that fails, with its code. '#' begins a comment line.
Exit scripted_shell(Tool& tool);

}  // namespace chorus::app::zk
