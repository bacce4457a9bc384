// `chorus zk`: works with the tree of any ZooKeeper, Chorus or Java.
#pragma once

namespace chorus::app::zk {

/// argv[0] is "zk", the rest its options, the command and the command's arguments. Returns the exit code (docs/zk.md).
int zk_main(int argc, const char* const* argv);

}  // namespace chorus::app::zk
