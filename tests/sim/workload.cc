#include "workload.h"

#include <fmt/format.h>

#include "registers.h"

namespace chorus::coord_sim {

using jute::CreateMode;
using jute::OpCode;

std::string Workload::path() {
  if (!known_.empty() && random_.below(5) == 0) return known_[static_cast<std::size_t>(random_.below(known_.size()))];
  std::string path;
  const std::uint64_t depth = 1 + random_.below(3);
  for (std::uint64_t i = 0; i < depth; ++i) path += fmt::format("/{}", static_cast<char>('a' + random_.below(i == 0 ? 6 : 3)));
  return path;
}

void Workload::learn(const std::string& path) {
  if (is_register(path)) return;
  if (known_.size() < 32) {
    known_.push_back(path);
  } else {
    known_[static_cast<std::size_t>(random_.below(known_.size()))] = path;
  }
}

std::string Workload::data(std::uint32_t client) {
  std::string octets = fmt::format("{}.{}", client, ++values_);
  if (random_.below(8) == 0) octets += std::string(static_cast<std::size_t>(random_.below(6000)), static_cast<char>('A' + client % 26));
  return octets;
}

Op Workload::create(std::uint32_t client) {
  static constexpr CreateMode modes[] = {CreateMode::persistent,
                                         CreateMode::persistent,
                                         CreateMode::persistent,
                                         CreateMode::ephemeral,
                                         CreateMode::persistent_sequential,
                                         CreateMode::ephemeral_sequential};
  Op op{.code = random_.below(2) == 0 ? OpCode::create : OpCode::create2, .path = path()};
  switch (random_.below(12)) {
    case 0:
      break;  // null
    case 1:
      op.data = "";
      break;
    default:
      op.data = data(client);
      break;
  }
  switch (random_.below(10)) {
    case 0:
      op.code = OpCode::create_container;
      op.flags = static_cast<std::int32_t>(CreateMode::container);
      break;
    case 1:
      op.code = OpCode::create_ttl;
      op.flags =
          static_cast<std::int32_t>(random_.below(2) == 0 ? CreateMode::persistent_with_ttl : CreateMode::persistent_sequential_with_ttl);
      op.ttl_ms = random_.between(100, 3000);
      break;
    default:
      op.flags = static_cast<std::int32_t>(modes[random_.below(std::size(modes))]);
      break;
  }
  return op;
}

Op Workload::write(std::uint32_t client) {
  const auto version = [this] { return random_.below(4) != 0 ? -1 : static_cast<std::int32_t>(random_.below(4)); };
  switch (random_.below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
      return create(client);
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
      return {.code = OpCode::set_data, .path = random_.below(20) == 0 ? "/" : path(), .data = data(client), .version = version()};
    case 13:
    case 14:
    case 15:
      return {.code = OpCode::delete_, .path = path(), .version = version()};
    case 16:
      return {.code = OpCode::set_acl, .path = path(), .version = version()};
    default: {
      Op multi{.code = OpCode::multi};
      const std::uint64_t parts = random_.below(5);
      for (std::uint64_t i = 0; i < parts; ++i) {
        Op part;
        do {
          part = random_.below(5) == 0 ? Op{.code = OpCode::check, .path = path(), .version = version()} : write(client);
        } while (part.code == OpCode::multi || part.code == OpCode::set_acl);
        if (part.code == OpCode::create2 && !options_.create2_in_multis) part.code = OpCode::create;
        multi.parts.push_back(std::move(part));
      }
      return multi;
    }
  }
}

Op Workload::read() {
  static constexpr OpCode kinds[] = {OpCode::get_data,       OpCode::get_data, OpCode::exists,        OpCode::exists,
                                     OpCode::get_children,   OpCode::sync,     OpCode::get_children2, OpCode::get_all_children_number,
                                     OpCode::get_ephemerals, OpCode::get_acl,  OpCode::add_watch,     OpCode::remove_watches};
  Op op{.code = kinds[random_.below(std::size(kinds))], .path = random_.below(12) == 0 ? "/" : path()};
  if (op.code == OpCode::add_watch) op.flags = static_cast<std::int32_t>(random_.below(2));
  if (op.code == OpCode::remove_watches) op.flags = static_cast<std::int32_t>(1 + random_.below(3));
  op.watch = random_.below(2) == 0;
  return op;
}

void Workload::learn_version(const std::string& path, std::int32_t version) { versions_[path] = version; }

Op Workload::use_register(std::uint32_t client) {
  if (++register_uses_ % options_.register_uses == 0) versions_.clear();
  const std::string path = register_path(register_uses_ / options_.register_uses, random_.below(options_.registers));
  const auto known = versions_.find(path);
  const std::int32_t version = known == versions_.end() ? 0 : known->second;
  switch (random_.below(20)) {
    case 0:
    case 1:
    case 2:
      return {.code = OpCode::create, .path = path, .data = data(client)};
    case 3:
      return {.code = OpCode::delete_, .path = path, .version = random_.below(2) == 0 ? -1 : version};
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
      return {.code = OpCode::set_data, .path = path, .data = data(client)};
    case 9:
    case 10:
    case 11:
    case 12:
      return {.code = OpCode::set_data, .path = path, .data = data(client), .version = version};
    default:
      after_sync_[client] = {.code = OpCode::get_data, .path = path};
      return {.code = OpCode::sync, .path = path};
  }
}

Op Workload::next(std::uint32_t client, double write_chance) {
  if (const auto due = after_sync_.find(client); due != after_sync_.end()) {
    Op op = std::move(due->second);
    after_sync_.erase(due);
    return op;
  }
  if (options_.register_chance > 0 && random_.chance(options_.register_chance)) return use_register(client);
  return random_.chance(write_chance) ? write(client) : read();
}

}  // namespace chorus::coord_sim
