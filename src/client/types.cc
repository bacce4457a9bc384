#include "client/types.h"

namespace chorus::client {

std::vector<Acl> open_acl() { return {{jute::perms::all, "world", "anyone"}}; }
std::vector<Acl> read_only_acl() { return {{jute::perms::read, "world", "anyone"}}; }
std::vector<Acl> creator_acl() { return {{jute::perms::all, "auth", ""}}; }

Op Op::create(std::string path, std::optional<std::string> data, CreateOptions options) {
  return {.op = jute::OpCode::create2, .path = std::move(path), .data = std::move(data), .options = std::move(options)};
}
Op Op::remove(std::string path, std::int32_t version) {
  return {.op = jute::OpCode::delete_, .path = std::move(path), .data = {}, .version = version, .options = {}};
}
Op Op::set(std::string path, std::optional<std::string> data, std::int32_t version) {
  return {.op = jute::OpCode::set_data, .path = std::move(path), .data = std::move(data), .version = version, .options = {}};
}
Op Op::check(std::string path, std::int32_t version) {
  return {.op = jute::OpCode::check, .path = std::move(path), .data = {}, .version = version, .options = {}};
}
Op Op::get(std::string path) { return {.op = jute::OpCode::get_data, .path = std::move(path), .data = {}, .options = {}}; }
Op Op::children(std::string path) { return {.op = jute::OpCode::get_children, .path = std::move(path), .data = {}, .options = {}}; }

std::optional<std::size_t> MultiResult::failed() const {
  // The parts before the guilty one say ok, those after it runtime_inconsistency.
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].code != Code::ok) return i;
  }
  return {};
}

}  // namespace chorus::client
