#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "base/ensure.h"
#include "mq/broker/pop_entries.h"
#include "mq/broker/state.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace mq;

/// What a checkpoint says is what was known.
void comes_back(BrokerState& state) {
  const std::string written = state.checkpoint();
  BrokerState again;
  again.restore(written);
  ENSURE(again.complaints().empty(), again.complaints().front());
  ENSURE(again.checkpoint() == written);
  ENSURE(again.pops().handles().size() == state.pops().handles().size());
  ENSURE(again.pops().handles().next_due_ms() == state.pops().handles().next_due_ms());
  ENSURE(again.pops().orders().next_free_ms(0) == state.pops().orders().next_free_ms(0));
  ENSURE(again.halves().size() == state.halves().size() && again.open_delivery() == state.open_delivery());
}

void checkpoint(std::string_view octets) {
  BrokerState state;
  state.restore(octets);
  if (state.complaints().empty()) comes_back(state);
}

/// { u8 type, u16 length, payload }*, one behind the other in a log.
void entries(std::string_view input) {
  BrokerState state;
  base::Reader in(input);
  Position position = 64;
  while (in.remaining() >= 3) {
    const std::uint8_t type = in.u8();
    const std::string payload(in.octets(std::min<std::size_t>(in.u16(), in.remaining())));
    const bool is_message = type == static_cast<std::uint8_t>(EntryType::half) || type == static_cast<std::uint8_t>(EntryType::revived);
    state.apply({.kind = is_message ? Kind::message : Kind::own,
                 .type = type,
                 .index = {.position = position, .size = static_cast<std::uint32_t>(payload.size())},
                 .payload = payload});
    position += 32 + static_cast<Position>(payload.size());
  }
  comes_back(state);
}

template <class Entry>
void round_trip(std::string_view octets, std::optional<Entry> (*decode)(std::string_view)) {
  const auto entry = decode(octets);
  if (entry) ENSURE(decode(encode_entry(*entry)) == entry);
}

void entry(std::string_view octets) {
  round_trip(octets, decode_popped);
  round_trip(octets, decode_pop_changed);
  round_trip(octets, decode_order_popped);
  round_trip(octets, decode_order_acked);
  round_trip(octets, decode_order_changed);
  round_trip(octets, decode_request_mode);
  round_trip(octets, decode_group_queue);
  Offsets offsets;
  static_cast<void>(offsets.apply(octets));
  Offsets again;
  for (const std::string& record : offsets.all()) ENSURE(again.apply(record));
  ENSURE(again.all() == offsets.all());
}

}  // namespace

void fuzz_mq_state(std::string_view input) {
  if (input.empty()) return;
  const std::string borrowed(input.substr(1));
  switch (static_cast<unsigned char>(input[0]) % 3) {
    case 0:
      return checkpoint(borrowed);
    case 1:
      return entries(borrowed);
    default:
      return entry(borrowed);
  }
}

}  // namespace chorus::fuzz
