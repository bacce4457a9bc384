#include <array>
#include <string>

#include "base/ensure.h"
#include "client/tree_watch.h"
#include "mq/acl/table.h"
#include "mq/acl/tree_records.h"
#include "mq/broker/config_json.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace mq;

using mq::to_json;
using mq::acl::to_json;

/// What was read is written and read again, as the same.
template <class T, class Read>
void record(std::string_view input, Read read) {
  const std::optional<T> first = read(input);
  if (!first) return;
  const std::optional<T> second = read(to_json(*first));
  ENSURE(second.has_value(), to_json(*first));
  ENSURE(to_json(*second) == to_json(*first), to_json(*first));
}

void topic(std::string_view input) { record<TopicConfig>(input, topic_from_json); }
void group(std::string_view input) { record<GroupConfig>(input, group_from_json); }
void user(std::string_view input) { record<acl::User>(input, acl::user_from_json); }
void account(std::string_view input) { record<acl::Account>(input, acl::account_from_json); }
void texts(std::string_view input) { record<std::vector<std::string>>(input, acl::texts_from_json); }

void rules(std::string_view input) {
  record<acl::Acl>(input, acl::acl_from_json);
  const auto read = acl::acl_from_json(input);
  if (!read) return;
  const auto asked = acl::Resource::literal(acl::ResourceType::topic, "orders");
  const acl::Entry* deciding = read->deciding(asked, {acl::Action::pub}, "10.0.0.1");
  if (deciding != nullptr) ENSURE(deciding->is_about(asked, {acl::Action::pub}, "10.0.0.1"));
}

/// All kinds of records, one after the other, under names of a stranger's: nothing that is not understood goes on to allow.
void table(std::string_view input) {
  acl::AccessTable table;
  const std::size_t end = std::min(input.find('\0'), input.size());
  const std::string name(input.substr(0, end)), json(input.substr(std::min(end + 1, input.size())));
  for (const acl::Kind kind : {acl::Kind::user, acl::Kind::policies, acl::Kind::account, acl::Kind::setting}) {
    const bool understood = table.apply({.kind = kind, .name = name, .json = json});
    if (understood) continue;
    ENSURE(kind != acl::Kind::user || table.user(name) == nullptr);
    ENSURE(kind != acl::Kind::policies || table.acl(name) == nullptr);
    ENSURE(kind != acl::Kind::account || table.account(name) == nullptr);
  }
  static_cast<void>(table.is_white("10.0.0.1"));
}

void words(std::string_view input) {
  if (const auto ip = acl::parse_ip(input)) ENSURE(ip->count == 4 || ip->count == 8, ip->count);
  if (acl::is_ip_or_network(input)) static_cast<void>(acl::is_in("10.0.0.1", input));
  if (acl::parse_ip(input)) ENSURE(acl::is_in(input, input));
  if (const auto pattern = acl::AddressPattern::parse(input)) {
    static_cast<void>(pattern->matches("10.0.0.1"));
    static_cast<void>(pattern->matches("2001:db8::1"));
    if (input == "*") ENSURE(pattern->matches("10.0.0.1"));
  } else {
    ENSURE(!pattern.error().empty());
  }
  if (const auto resource = acl::parse_resource(input)) ENSURE(acl::parse_resource(to_string(*resource)) == resource);
  static_cast<void>(acl::plain_perm::parse(input));
  ENSURE(client::name_of_part(client::path_part(input)) == input);
}

constexpr std::array readers{topic, group, user, account, texts, rules, table, words};

}  // namespace

void fuzz_mq_records(std::string_view input) {
  if (input.empty()) return;
  const std::string borrowed(input.substr(1));
  readers[static_cast<unsigned char>(input[0]) % readers.size()](borrowed);
}

}  // namespace chorus::fuzz
