#include <string>
#include <vector>

#include "base/ensure.h"
#include "mq/rocketmq/acl.h"
#include "mq/rocketmq/command.h"
#include "mq/rocketmq/frame.h"
#include "mq/rocketmq/needs.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace mq::rocketmq;

struct Seen {
  std::string text;
  bool failed = false;
};

void look_at(const Command& command) {
  HeaderReader in(command);
  for (const HeaderField& field : command.fields()) {
    ENSURE(command.field(field.name).has_value());
    if (in.ok()) in.optional_bool(field.name);
    if (in.ok()) in.optional_i64(field.name);
  }
  is_signed_with(command, "key");
  needs_of(command, "cluster");
  plain_needs_of(command);

  // What was read is written, in both formats, and read again.
  Outgoing again = Outgoing::request(command.request(), command.opaque);
  again.flag = command.flag;
  again.language = command.language;
  again.version = static_cast<std::int16_t>(command.version);
  again.remark = command.remark.value_or("");
  again.body = command.body;
  for (const HeaderField& field : command.fields())
    if (field.name.size() < 65536) again.field(field.name, field.value);
  for (const HeaderFormat format : {HeaderFormat::json, HeaderFormat::binary}) {
    const std::string octets = encode(again, format);
    const auto split = split_frame(octets, std::size_t{1} << 31);
    ENSURE(split && split->complete && split->size == octets.size());
    const auto back = Command::decode(split->frame);
    ENSURE(back.has_value());
    ENSURE(back->opaque == command.opaque && back->flag == command.flag && back->body == command.body);
    ENSURE(back->fields().size() == again.fields().size());
    for (std::size_t i = 0; i < back->fields().size(); ++i) ENSURE(back->fields()[i].value == again.fields()[i].second);
  }
}

Seen read(std::string_view input, std::size_t piece) {
  Seen seen;
  FrameDecoder decoder;
  for (std::size_t at = 0; at < input.size() && !seen.failed; at += piece) {
    const std::string borrowed(input.substr(at, piece));  // of its own, so that a read beyond it is seen
    const auto result = decoder.receive(borrowed, [&](const Frame& frame) {
      const auto command = Command::decode(frame);
      seen.text += command ? std::to_string(command->code) + " " + std::to_string(command->fields().size()) + "\n" : "bad\n";
      if (command) look_at(*command);
    });
    seen.failed = !result;
    if (!result) seen.text += to_string(result.error());
    ENSURE(decoder.kept() <= input.size());
  }
  return seen;
}

}  // namespace

void fuzz_mq_remoting(std::string_view input) {
  if (input.empty()) return;
  const std::size_t piece = 1 + static_cast<unsigned char>(input[0]);
  input.remove_prefix(1);
  // How the octets arrive makes no difference.
  const Seen whole = read(input, input.size() + 1), parts = read(input, piece);
  ENSURE(whole.text == parts.text && whole.failed == parts.failed);
}

}  // namespace chorus::fuzz
