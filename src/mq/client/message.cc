#include "mq/client/message.h"

#include <fmt/format.h>

#include "mq/broker/topics.h"
#include "mq/message/compression.h"

namespace chorus::mqclient {
namespace {

Result<Received> received(const mq::MessageView& view, std::string_view broker_name) {
  Received out{.topic = std::string(view.topic),
               .body = std::string(view.body),
               .properties = {},
               .flag = view.flag,
               .sys_flag = view.sys_flag,
               .queue_id = view.queue_id,
               .queue_offset = view.queue_offset,
               .position = view.position,
               .born_time_ms = view.born_time_ms,
               .store_time_ms = view.store_time_ms,
               .born_host = to_string(view.born_host),
               .store_host = to_string(view.store_host),
               .reconsume_times = view.reconsume_times,
               .prepared_offset = view.prepared_offset,
               .broker_name = std::string(broker_name),
               .offset_id = view.offset_id(),
               .is_intact = mq::has_intact_body(view)};
  for (const mq::Property& each : view.properties()) out.properties.insert_or_assign(std::string(each.key), std::string(each.value));
  if ((view.sys_flag & mq::sys_flag::compressed) == 0) return out;
  auto body = mq::decompress(view.body, view.sys_flag);
  if (!body) {
    out.is_intact = false;
    return out;
  }
  out.body = std::move(*body);
  out.sys_flag &= ~(mq::sys_flag::compressed | mq::sys_flag::compressor_mask);
  return out;
}

}  // namespace

std::string_view Received::property(std::string_view name) const {
  const auto at = properties.find(std::string(name));
  return at == properties.end() ? std::string_view{} : std::string_view(at->second);
}

std::string Received::id() const {
  const std::string_view unique = property(mq::property::unique_key);
  return unique.empty() ? offset_id : std::string(unique);
}

std::string Received::real_topic() const {
  if (const auto retry = property(mq::property::retry_topic); !retry.empty()) return std::string(retry);
  if (const auto real = property(mq::property::real_topic); !real.empty()) return std::string(real);
  return topic;
}

Result<std::string> properties_text(const std::map<std::string, std::string>& properties) {
  std::string text;
  for (const auto& [name, value] : properties) {
    if (value.empty()) continue;
    if (!mq::can_be_property(name, value)) {
      return error(Code::invalid, fmt::format("the property \"{}\" cannot be sent: name and value may not hold octets 1 and 2", name));
    }
    mq::append_property(text, name, value);
  }
  if (text.size() > mq::properties_octets_max) {
    return error(Code::invalid, fmt::format("the properties take {} octets, {} are the most", text.size(), mq::properties_octets_max));
  }
  return text;
}

Result<std::vector<Received>> decode_messages(std::string_view octets, std::string_view broker_name) {
  std::vector<Received> messages;
  while (!octets.empty()) {
    const auto view = mq::decode_message(octets);
    if (!view) return error(Code::malformed, "the broker's answer holds what is no message");
    auto message = received(*view, broker_name);
    if (!message) return std::unexpected(message.error());
    messages.push_back(std::move(*message));
    octets.remove_prefix(view->size);
  }
  return messages;
}

std::string UniqueIds::next(std::int64_t unix_ms) {
  id_.month_ms = mq::ms_of_month(unix_ms);
  ++id_.counter;
  return to_string(id_);
}

}  // namespace chorus::mqclient
