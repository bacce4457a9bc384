#include <string>

#include "base/ensure.h"
#include "mq/message/message.h"
#include "mq/message/names.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace mq;

void properties(std::string_view input) {
  std::string text(input);
  const Properties before(input);
  std::size_t count = 0;
  for (const Property& pair : before) {
    ENSURE(before.get(pair.key).has_value());
    ++count;
  }
  ENSURE(count <= input.size());
  tag_hash(before);
  std::size_t words = 0;
  for_each_key(input, [&](std::string_view word) { words += word.size(); });
  ENSURE(words <= input.size());

  const std::string wanted(before.has("k") ? "k" : "KEYS");
  set_property(text, wanted, "value");
  ENSURE(Properties(text).get(wanted) == "value");
  for (const Property& pair : before)
    if (pair.key != wanted) ENSURE(Properties(text).get(pair.key) == before.get(pair.key));
  ENSURE(remove_property(text, wanted));
  ENSURE(!Properties(text).has(wanted));
}

void message(std::string_view input) {
  const std::string borrowed(input);
  const auto message = decode_message(borrowed);
  if (!message) return;
  ENSURE(message->size <= borrowed.size());
  properties(message->properties_text);
  std::string again = encode_message(*message);
  // Another version than the topic needs is read, not written.
  const auto back = decode_message(again);
  ENSURE(back.has_value() && back->topic == message->topic && back->body == message->body && back->store_host == message->store_host);
  ENSURE(has_intact_body(*back) && back->sys_flag == message->sys_flag && back->position == message->position);
  patch_queue_id(again, 7);
  patch_store_time(again, 8);
  patch_store_host(again, message->store_host);
  const auto patched = decode_message(again);
  ENSURE(patched && patched->queue_id == 7 && patched->store_time_ms == 8 && patched->body == message->body);
}

void batch(std::string_view input) {
  const std::string borrowed(input);
  const auto items = decode_batch(borrowed);
  if (!items) return;
  std::string again;
  for (const BatchItem& item : *items) append_batch_item(again, item);
  ENSURE(again.size() == borrowed.size() && decode_batch(again) == items);
}

void ids(std::string_view input) {
  if (const auto id = parse_offset_id(input)) ENSURE(parse_offset_id(to_string(*id)) == id);
  if (const auto id = parse_unique_id(input)) ENSURE(parse_unique_id(to_string(*id)) == id);
  if (const auto host = parse_host(input)) ENSURE(parse_host(to_string(*host)) == host);
  java_hash(input);
  parse_delay_levels(input);
}

}  // namespace

void fuzz_mq_message(std::string_view input) {
  if (input.empty()) return;
  const char kind = input[0];
  input.remove_prefix(1);
  switch (kind & 3) {
    case 0:
      message(input);
      break;
    case 1:
      batch(input);
      break;
    case 2:
      properties(input);
      break;
    default:
      ids(input);
  }
}

}  // namespace chorus::fuzz
