#include "mq/rocketmq/guard.h"

#include <fmt/format.h>

#include <utility>

#include "mq/broker/topics.h"
#include "mq/rocketmq/acl.h"
#include "mq/rocketmq/needs.h"

namespace chorus::mq::rocketmq {
namespace {

/// What a stranger calls itself, fit for a line of the log.
std::string shown(std::string_view text, std::size_t octets_max = 64) {
  std::string out(text.substr(0, octets_max));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

}  // namespace

std::optional<Outgoing> Guard::refusal(Server server, const Command& request, const world::Address& peer, world::Instant now) {
  const acl::AccessOptions& options = access_.options();
  if (server == Server::name_server) {
    if (options.name_server == acl::AccessOptions::NameServer::none) return std::nullopt;
    if (options.name_server == acl::AccessOptions::NameServer::changes && !changes_name_server(request.request())) return std::nullopt;
  }
  if (!access_.is_ready()) {
    return Outgoing::answer(request, ResponseCode::system_busy, "[NOT_READY]users and policies are being read, try again in a moment");
  }
  std::optional<Refusal> refused;
  if (options.plain) refused = by_accounts(request, peer.host);
  if (!refused && (options.authentication || options.authorization)) refused = by_users(request, peer.host);
  if (!refused) return std::nullopt;
  note(*refused, server, request, peer, now);
  return Outgoing::answer(request, refused->code, std::move(refused->why));
}

std::optional<Guard::Refusal> Guard::by_accounts(const Command& request, const std::string& ip) const {
  // RocketMQ 4 answers with what it throws.
  const auto refuse = [](bool authentication, std::string why) {
    return Refusal{authentication, ResponseCode::system_error, "org.apache.rocketmq.acl.common.AclException: " + std::move(why)};
  };
  const acl::AccessTable& table = access_.table();
  if (table.is_white(ip)) return std::nullopt;
  const auto key = access_key_of(request);
  if (!key) return refuse(true, "No accessKey is configured");
  const acl::PlainAccount* account = table.account(*key);
  if (account == nullptr) return refuse(true, fmt::format("No acl config for {}", *key));
  if (account->comes_from_white_address(ip)) return std::nullopt;
  if (!is_signed_with(request, account->account().secret_key)) {
    return refuse(true, fmt::format("Check signature failed for accessKey={}", *key));
  }
  const acl::PlainNeeds needs = plain_needs_of(request);
  // Traces are sent by whoever may do anything.
  if (const auto trace = needs.find(topic::trace); trace != needs.end() && trace->second == acl::plain_perm::pub) return std::nullopt;
  if (std::string why = account->refusal(request.code, plain_needs_admin(request.request()), needs); !why.empty()) {
    return refuse(false, std::move(why));
  }
  return std::nullopt;
}

std::optional<Guard::Refusal> Guard::by_users(const Command& request, const std::string& ip) const {
  const acl::AccessOptions& options = access_.options();
  const auto name = access_key_of(request);
  const auto refuse = [](bool authentication, std::string why) {
    return Refusal{authentication, ResponseCode::no_permission, std::move(why)};
  };
  if (options.authentication && !options.authentication_whitelist.contains(request.code)) {
    if (!name || name->empty()) return refuse(true, "username cannot be null.");
    const acl::User* user = access_.table().user(*name);
    if (user == nullptr) return refuse(true, fmt::format("User:{} is not found.", *name));
    if (user->status == acl::UserStatus::disable) return refuse(true, fmt::format("User:{} is disabled.", *name));
    if (!is_signed_with(request, user->password)) return refuse(true, "check signature failed.");
  }
  if (!options.authorization || options.authorization_whitelist.contains(request.code)) return std::nullopt;
  for (const Need& need : needs_of(request, options.cluster)) {
    if (!name) return refuse(false, "Authorization failed. Please verify your access rights and try again.");
    if (std::string why = access_.table().refusal(*name, need.resource, need.one_of, ip); !why.empty())
      return refuse(false, std::move(why));
  }
  return std::nullopt;
}

void Guard::note(const Refusal& refusal, Server server, const Command& request, const world::Address& peer, world::Instant now) {
  ++(refusal.authentication ? counters_.authentication : counters_.authorization);
  if (lines_ == 0 || now - second_ >= std::chrono::seconds(1)) {
    if (not_logged_ > 0) log_.warn("refused more requests than are written here count={}", not_logged_);
    second_ = now;
    lines_ = 0;
    not_logged_ = 0;
  }
  if (lines_ >= lines_a_second_max) {
    ++not_logged_;
    return;
  }
  ++lines_;
  const std::string_view code = name_of(request.request());
  log_.warn("refused request={} server={} user={} peer={} why={}", code.empty() ? std::to_string(request.code) : std::string(code),
            server == Server::broker ? "broker" : "name-server", shown(access_key_of(request).value_or("-")), to_string(peer),
            shown(refusal.why, 256));
}

}  // namespace chorus::mq::rocketmq
