#include "mq/client/channel.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "mq/rocketmq/acl.h"

namespace chorus::mqclient {
namespace {

Incoming owned(const wire::Command& command) {
  Incoming incoming{.code = command.code,
                    .opaque = command.opaque,
                    .version = command.version,
                    .oneway = command.is_oneway(),
                    .remark = std::string(command.remark.value_or("")),
                    .fields = {},
                    .body = std::string(command.body)};
  for (const wire::HeaderField& field : command.fields()) incoming.fields.emplace_back(field.name, field.value);
  return incoming;
}

}  // namespace

std::optional<std::string_view> Incoming::field(std::string_view name) const {
  const auto at = std::find_if(fields.rbegin(), fields.rend(), [&](const auto& each) { return each.first == name; });
  if (at == fields.rend()) return std::nullopt;
  return at->second;
}

std::int64_t Incoming::number(std::string_view name, std::int64_t fallback) const {
  const auto text = field(name);
  return text ? base::parse_int(*text).value_or(fallback) : fallback;
}

void sign(wire::Outgoing& request, const Credentials& credentials) {
  request.field(wire::access_key_field, credentials.access_key);
  if (!credentials.security_token.empty()) request.field(wire::security_token_field, credentials.security_token);
  std::map<std::string_view, std::string_view> sorted;
  for (const auto& [name, value] : request.fields()) sorted[name] = value;
  std::string content;
  for (const auto& [name, value] : sorted) content += value;
  content += request.body;
  request.field(wire::signature_field, wire::signature_of(content, credentials.secret_key));
}

Channel::Channel(std::string peer, ChannelOptions options) : peer_(std::move(peer)), options_(std::move(options)) {}

void Channel::step(Instant now, ChannelEvent event, std::vector<ChannelAction>& out) {
  std::visit([&](auto& each) { on(each, now, out); }, event);
}

std::optional<Instant> Channel::wake_at() const {
  std::optional<Instant> at;
  if (!deadlines_.empty()) at = deadlines_.begin()->first;
  if (state_ == State::idle && !unsent_.empty()) at = at ? std::min(*at, not_before_) : not_before_;
  return at;
}

void Channel::complete(std::uint64_t id, Result<Incoming> result, std::vector<ChannelAction>& out) {
  if (const auto at = waiting_.find(id); at != waiting_.end()) {
    deadlines_.erase({at->second.deadline, id});
    if (at->second.opaque) by_opaque_.erase(*at->second.opaque);
    waiting_.erase(at);
  }
  out.emplace_back(action::Complete{id, std::move(result)});
}

void Channel::fail_all(Code code, const std::string& words, std::vector<ChannelAction>& out) {
  unsent_.clear();
  std::vector<std::uint64_t> ids;
  for (const auto& [id, waiting] : waiting_) ids.push_back(id);
  std::ranges::sort(ids);
  for (const std::uint64_t id : ids) complete(id, error(code, words), out);
}

void Channel::connect_if_wanted(Instant now, std::vector<ChannelAction>& out) {
  if (state_ != State::idle || unsent_.empty() || now < not_before_) return;
  state_ = State::connecting;
  out.emplace_back(action::Connect{});
}

void Channel::send(std::uint64_t id, wire::Outgoing request, std::vector<ChannelAction>& out) {
  // Numbers of ours only have to differ among those that wait.
  do {
    request.opaque = static_cast<std::int32_t>(++last_opaque_ & 0x7fffffff);
  } while (by_opaque_.contains(request.opaque));
  if (options_.credentials) sign(request, *options_.credentials);
  const bool oneway = request.flag & wire::flag_oneway;
  out.emplace_back(action::Send{wire::encode(request)});
  if (oneway) return complete(id, Incoming{}, out);
  waiting_.at(id).opaque = request.opaque;
  by_opaque_[request.opaque] = id;
}

void Channel::on(event::Call& call, Instant now, std::vector<ChannelAction>& out) {
  if (state_ == State::closed) return complete(call.id, error(Code::closed, "the client is closed"), out);
  if (waiting_.size() >= options_.waiting_max) {
    return complete(call.id, error(Code::busy, fmt::format("{} requests already wait for {}", waiting_.size(), peer_)), out);
  }
  if (call.deadline <= now) return complete(call.id, error(Code::timed_out, fmt::format("no time was left to ask {}", peer_)), out);
  waiting_[call.id] = {.deadline = call.deadline, .opaque = std::nullopt};
  deadlines_.emplace(call.deadline, call.id);
  if (state_ == State::connected) return send(call.id, std::move(call.request), out);
  unsent_.emplace_back(call.id, std::move(call.request));
  connect_if_wanted(now, out);
}

void Channel::on(event::Reply& reply, Instant, std::vector<ChannelAction>& out) {
  // Without the connection on which it was asked nobody waits for it.
  if (state_ == State::connected) out.emplace_back(action::Send{wire::encode(reply.answer)});
}

void Channel::on(event::Connected&, Instant, std::vector<ChannelAction>& out) {
  if (state_ != State::connecting) return;
  state_ = State::connected;
  decoder_ = wire::FrameDecoder();
  broken_ = false;
  pause_ = Duration{0};
  auto unsent = std::exchange(unsent_, {});
  for (auto& [id, request] : unsent) send(id, std::move(request), out);
}

void Channel::take(const wire::Frame& frame, std::vector<ChannelAction>& out) {
  if (broken_) return;
  const auto command = wire::Command::decode(frame);
  if (!command) {
    broken_ = true;
    return;
  }
  if (!command->is_response()) {
    out.emplace_back(action::Asked{owned(*command)});
    return;
  }
  const auto at = by_opaque_.find(command->opaque);
  if (at == by_opaque_.end()) return;  // its time was over
  complete(at->second, owned(*command), out);
}

void Channel::on(event::Received& received, Instant now, std::vector<ChannelAction>& out) {
  if (state_ != State::connected) return;
  const auto taken = decoder_.receive(received.octets, [&](const wire::Frame& frame) { take(frame, out); });
  if (taken && !broken_) return;
  out.emplace_back(action::Disconnect{});
  event::Lost lost{"it does not speak RocketMQ's remoting (is it the port of a NameServer or broker, and with or without TLS?)"};
  on(lost, now, out);
}

void Channel::on(event::Lost& lost, Instant now, std::vector<ChannelAction>& out) {
  if (state_ == State::closed || state_ == State::idle) return;
  const bool was_connected = state_ == State::connected;
  state_ = State::idle;
  // A server that closes what was idle is there again at once; one that refuses is not asked all the time.
  pause_ = was_connected ? Duration{0} : std::clamp(pause_ * 2, options_.pause_min, options_.pause_max);
  not_before_ = now + pause_;
  fail_all(Code::no_connection,
           was_connected ? fmt::format("the connection to {} was lost before the answer: {}", peer_, lost.why)
                         : fmt::format("no connection to {}: {}", peer_, lost.why),
           out);
}

void Channel::on(event::Tick&, Instant now, std::vector<ChannelAction>& out) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const std::uint64_t id = deadlines_.begin()->second;
    std::erase_if(unsent_, [&](const auto& each) { return each.first == id; });
    complete(id, error(Code::timed_out, fmt::format("{} did not answer in time", peer_)), out);
  }
  connect_if_wanted(now, out);
}

void Channel::on(event::Close&, Instant, std::vector<ChannelAction>& out) {
  if (state_ == State::closed) return;
  if (state_ != State::idle) out.emplace_back(action::Disconnect{});
  state_ = State::closed;
  fail_all(Code::closed, "the client was closed", out);
}

}  // namespace chorus::mqclient
