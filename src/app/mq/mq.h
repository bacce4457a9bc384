// `chorus mq`: works with the messages of any RocketMQ, Chorus or Apache's.
#pragma once

namespace chorus::app::mqtool {

/// argv[0] is "mq", the rest its options, the command and the command's arguments. Returns the exit code (docs/mq.md).
int mq_main(int argc, const char* const* argv);

}  // namespace chorus::app::mqtool
