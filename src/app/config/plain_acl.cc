#include "app/config/plain_acl.h"

#include <fmt/format.h>
#include <yaml.h>

#include <nlohmann/json.hpp>
#include <span>

#include "base/text.h"

namespace chorus::app {
namespace {

/// A document as libyaml reads it.
class Document {
 public:
  explicit Document(std::string_view text) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    loaded_ = yaml_parser_load(&parser_, &document_) == 1;
    if (!loaded_) problem_ = fmt::format("line {}: {}", parser_.problem_mark.line + 1, parser_.problem ? parser_.problem : "not YAML");
  }
  ~Document() {
    if (loaded_) yaml_document_delete(&document_);
    yaml_parser_delete(&parser_);
  }
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  const std::string& problem() const { return problem_; }
  /// Null: the document is empty.
  const yaml_node_t* root() { return loaded_ ? yaml_document_get_root_node(&document_) : nullptr; }

  const yaml_node_t* at(int index) { return yaml_document_get_node(&document_, index); }
  static std::string_view text(const yaml_node_t* node) {
    if (node == nullptr || node->type != YAML_SCALAR_NODE) return {};
    return {reinterpret_cast<const char*>(node->data.scalar.value), node->data.scalar.length};
  }
  /// Null where there is no such member, or an empty one.
  const yaml_node_t* member(const yaml_node_t* map, std::string_view name) {
    if (map == nullptr || map->type != YAML_MAPPING_NODE) return nullptr;
    for (const yaml_node_pair_t& pair : std::span(map->data.mapping.pairs.start, map->data.mapping.pairs.top)) {
      if (text(at(pair.key)) != name) continue;
      const yaml_node_t* value = at(pair.value);
      const bool is_null = value->type == YAML_SCALAR_NODE && value->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                           (text(value).empty() || text(value) == "null" || text(value) == "~");
      return is_null ? nullptr : value;
    }
    return nullptr;
  }
  std::vector<const yaml_node_t*> items(const yaml_node_t* list) {
    std::vector<const yaml_node_t*> out;
    if (list == nullptr || list->type != YAML_SEQUENCE_NODE) return out;
    for (const yaml_node_item_t index : std::span(list->data.sequence.items.start, list->data.sequence.items.top)) out.push_back(at(index));
    return out;
  }
  std::optional<std::string> text_of(const yaml_node_t* map, std::string_view name) {
    const yaml_node_t* value = member(map, name);
    return value ? std::optional(std::string(text(value))) : std::nullopt;
  }
  std::optional<std::vector<std::string>> texts_of(const yaml_node_t* map, std::string_view name) {
    const yaml_node_t* value = member(map, name);
    if (value == nullptr) return std::nullopt;
    std::vector<std::string> texts;
    for (const yaml_node_t* item : items(value)) texts.emplace_back(text(item));
    return texts;
  }

 private:
  yaml_parser_t parser_{};
  yaml_document_t document_{};
  bool loaded_ = false;
  std::string problem_;
};

}  // namespace

base::Result<PlainAcl, std::string> read_plain_acl(std::string_view yaml) {
  Document document(yaml);
  if (!document.problem().empty()) return std::unexpected(document.problem());
  const yaml_node_t* root = document.root();
  PlainAcl read;
  if (root == nullptr) return read;
  if (root->type != YAML_MAPPING_NODE) return std::unexpected("wants accounts and globalWhiteRemoteAddresses");
  read.white_addresses = document.texts_of(root, mq::acl::white_addresses_setting).value_or(std::vector<std::string>{});
  for (const std::string& address : read.white_addresses) {
    if (const auto pattern = mq::acl::AddressPattern::parse(address); !pattern) return std::unexpected(pattern.error());
  }
  for (const yaml_node_t* node : document.items(document.member(root, "accounts"))) {
    mq::acl::Account account{.access_key = document.text_of(node, "accessKey").value_or(""),
                             .secret_key = document.text_of(node, "secretKey").value_or(""),
                             .white_remote_address = document.text_of(node, "whiteRemoteAddress"),
                             .admin = base::lower(document.text_of(node, "admin").value_or("")) == "true",
                             .default_topic_perm = document.text_of(node, "defaultTopicPerm"),
                             .default_group_perm = document.text_of(node, "defaultGroupPerm"),
                             .topic_perms = document.texts_of(node, "topicPerms"),
                             .group_perms = document.texts_of(node, "groupPerms")};
    if (const auto compiled = mq::acl::PlainAccount::compile(account); !compiled) return std::unexpected(compiled.error());
    read.accounts.push_back(std::move(account));
  }
  return read;
}

std::optional<mq::acl::User> read_initial_user(std::string_view text) {
  mq::acl::User user{.type = mq::acl::UserType::super};
  if (base::trim(text).starts_with('{')) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("username") || !json.contains("password")) return std::nullopt;
    if (!json["username"].is_string() || !json["password"].is_string()) return std::nullopt;
    user.name = json["username"].get<std::string>();
    user.password = json["password"].get<std::string>();
  } else {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    user.name = base::trim(text.substr(0, colon));
    user.password = text.substr(colon + 1);
  }
  if (user.name.empty() || user.password.empty()) return std::nullopt;
  return user;
}

}  // namespace chorus::app
