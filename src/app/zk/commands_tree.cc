// Commands on whole trees and on several nodes at once.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <span>

#include "app/zk/output.h"
#include "app/zk/tool.h"
#include "base/text.h"

namespace chorus::app::zk {

using client::Code;

namespace {

/// Requests under way at a time: enough to hide the network, small enough for any server.
constexpr std::size_t batch_size = 500;

std::string child_path(const std::string& parent, const std::string& name) { return (parent == "/" ? "" : parent) + "/" + name; }

std::vector<std::vector<std::string>> batches(const std::vector<std::string>& paths) {
  std::vector<std::vector<std::string>> out;
  for (std::size_t at = 0; at < paths.size(); at += batch_size) {
    const auto begin = paths.begin() + static_cast<std::ptrdiff_t>(at);
    out.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(std::min(batch_size, paths.size() - at)));
  }
  return out;
}

bool is_internal(std::string_view path) { return path == "/zookeeper" || path.starts_with("/zookeeper/"); }

}  // namespace

client::Result<std::vector<std::string>> Tool::walk(const std::string& root) {
  std::vector<std::string> all;
  std::vector<std::string> level{root};
  while (!level.empty()) {
    std::vector<std::string> next;
    for (const auto& batch : batches(level)) {
      const auto results = client_.call_all<client::Children>(
          batch, [](client::Client& client, const std::string& path, auto done) { client.children(path, std::move(done)); });
      for (std::size_t i = 0; i < batch.size(); ++i) {
        if (!results[i]) {
          if (results[i].error().code == Code::no_node && batch[i] != root) continue;
          return std::unexpected(results[i].error());
        }
        all.push_back(batch[i]);
        for (const std::string& name : results[i]->names) next.push_back(child_path(batch[i], name));
      }
    }
    level = std::move(next);
  }
  return all;
}

Exit Tool::remove_all(const Command& command) {
  auto paths = walk(command.path);
  if (!paths) return fail(paths.error());
  // The root and ZooKeeper's own nodes cannot be deleted: of "/" everything else goes.
  std::erase_if(*paths, [](const std::string& path) { return path == "/" || is_internal(path); });
  std::ranges::reverse(*paths);
  for (const auto& batch : batches(*paths)) {
    const auto results = client_.call_all<void>(
        batch, [](client::Client& client, const std::string& path, auto done) { client.remove(path, -1, std::move(done)); });
    for (const auto& result : results) {
      if (!result && result.error().code != Code::no_node) {
        return fail(result.error(), result.error().code == Code::not_empty ? "Somebody has made a new child meanwhile: try again" : "");
      }
    }
  }
  return Exit::ok;
}

Exit Tool::export_tree(const Command& command) {
  auto paths = walk(command.path);
  if (!paths) return fail(paths.error());
  if (!is_internal(command.path)) std::erase_if(*paths, is_internal);
  std::FILE* out = stdout;
  if (!command.file.empty() && command.file != "-") out = std::fopen(command.file.c_str(), "wb");
  if (out == nullptr) return fail(Exit::usage, fmt::format("the file {} cannot be written", command.file));
  std::size_t left_out = 0;
  Exit code = Exit::ok;
  for (const auto& batch : batches(*paths)) {
    const auto data = client_.call_all<client::Data>(
        batch, [](client::Client& client, const std::string& path, auto done) { client.get(path, std::move(done)); });
    const auto acls = client_.call_all<client::AclOf>(
        batch, [](client::Client& client, const std::string& path, auto done) { client.get_acl(path, std::move(done)); });
    for (std::size_t i = 0; i < batch.size() && code == Exit::ok; ++i) {
      const client::Error* error = !data[i] ? &data[i].error() : !acls[i] ? &acls[i].error() : nullptr;
      if (error != nullptr) {
        if (error->code != Code::no_node) code = fail(*error);
        continue;
      }
      if (data[i]->stat.ephemeral_owner != 0 && !command.ephemeral) {
        ++left_out;
        continue;
      }
      ExportedNode node{.path = batch[i], .data = data[i]->is_null ? std::nullopt : std::optional(data[i]->data), .acl = {}};
      if (acls[i]->acl != client::open_acl()) node.acl = acls[i]->acl;
      const std::string line = node_json(node);
      std::fwrite(line.data(), 1, line.size(), out);
    }
  }
  const bool written = std::fflush(out) == 0 && std::ferror(out) == 0;
  if (out != stdout && std::fclose(out) != 0) return fail(Exit::failed, fmt::format("the file {} could not be written", command.file));
  if (!written) return fail(Exit::failed, "the export could not be written: is the disk full?");
  if (left_out > 0) fmt::print(stderr, "{} ephemeral nodes were left out; --ephemeral exports them too\n", left_out);
  return code;
}

Exit Tool::import_tree(const Command& command) {
  const auto text = read_input(command.file);
  if (!text) return fail(Exit::usage, text.error());
  const std::string into = command.path == "/" ? "" : command.path;
  std::vector<ExportedNode> nodes;
  std::size_t number = 0;
  for (const std::string_view line : base::split(*text, '\n')) {
    ++number;
    if (base::trim(line).empty()) continue;
    auto node = parse_node(line);
    if (!node) return fail(Exit::usage, fmt::format("line {}: {}; nothing was imported", number, node.error()));
    node->path = node->path == "/" ? into : into + node->path;
    if (node->path.empty()) node->path = "/";
    nodes.push_back(std::move(*node));
  }
  if (nodes.empty()) return Exit::ok;
  if (const Exit code = make_parents(nodes.front().path); code != Exit::ok) return code;
  std::size_t made = 0, changed = 0, skipped = 0;
  for (std::size_t at = 0; at < nodes.size(); at += batch_size) {
    const std::span<const ExportedNode> batch(nodes.data() + at, std::min(batch_size, nodes.size() - at));
    std::vector<const ExportedNode*> present;
    std::vector<const ExportedNode*> fresh;
    for (const ExportedNode& node : batch) fresh.push_back(&node);
    const auto results = client_.call_all<client::Created>(fresh, [](client::Client& client, const ExportedNode* node, auto done) {
      client::CreateOptions options;
      if (!node->acl.empty()) options.acl = node->acl;
      client.create(node->path, node->data, options, std::move(done));
    });
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i]) {
        ++made;
      } else if (results[i].error().code == Code::node_exists && (command.mode != "fail" || fresh[i]->path == "/")) {
        if (command.mode == "overwrite") {
          present.push_back(fresh[i]);
        } else {
          ++skipped;
        }
      } else {
        return fail(results[i].error(), results[i].error().code == Code::node_exists ? "Use --existing skip or --existing overwrite" : "");
      }
    }
    const auto sets = client_.call_all<client::Stat>(present, [](client::Client& client, const ExportedNode* node, auto done) {
      client.set(node->path, node->data, -1, std::move(done));
    });
    const auto acls = client_.call_all<client::Stat>(present, [](client::Client& client, const ExportedNode* node, auto done) {
      client.set_acl(node->path, node->acl.empty() ? client::open_acl() : node->acl, -1, std::move(done));
    });
    for (std::size_t i = 0; i < present.size(); ++i) {
      if (!sets[i]) return fail(sets[i].error());
      if (!acls[i]) return fail(acls[i].error());
      ++changed;
    }
  }
  fmt::print(stderr, "{} nodes made, {} changed, {} skipped\n", made, changed, skipped);
  return Exit::ok;
}

base::Result<client::Op, std::string> parse_operation(const std::vector<std::string>& words) {
  if (words.empty()) return std::unexpected(std::string("an operation is empty"));
  Command command;
  std::int64_t version = -1;
  std::vector<std::string> rest;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool takes_number = word == "-v" || word == "-t";
    if (word == "--") {
      rest.insert(rest.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      break;
    }
    if (word == "-s") {
      command.sequential = true;
    } else if (word == "-e") {
      command.ephemeral = true;
    } else if (word == "-c") {
      command.container = true;
    } else if (takes_number) {
      const auto number = i + 1 < words.size() ? base::parse_int(words[++i]) : std::nullopt;
      const bool fits = number && (word == "-t" ? *number > 0 : *number >= -1 && *number <= INT32_MAX);
      if (!fits) return std::unexpected(fmt::format("{} needs a number", word));
      (word == "-t" ? command.ttl_ms : version) = *number;
    } else if (word.starts_with('-') && word.size() > 1) {
      return std::unexpected(fmt::format("\"{}\" has no option {}", words[0], word));
    } else {
      rest.push_back(word);
    }
  }
  command.version = static_cast<std::int32_t>(version);
  const bool creates = words[0] == "create", sets = words[0] == "set", deletes = words[0] == "delete", checks = words[0] == "check";
  if (!creates && !sets && !deletes && !checks) {
    return std::unexpected(fmt::format("\"{}\" is no operation: create, set, delete and check are", words[0]));
  }
  if (rest.empty() || rest.size() > (creates ? 3u : sets ? 2u : 1u)) {
    return std::unexpected(fmt::format("\"{}\" takes {}", words[0], creates ? "path [data] [acl]" : sets ? "path data" : "a path"));
  }
  const auto data = resolve_data(rest.size() > 1 ? std::optional(rest[1]) : std::nullopt);
  if (!data) return std::unexpected(data.error());
  if (deletes) return client::Op::remove(rest[0], command.version);
  if (checks) return client::Op::check(rest[0], command.version);
  if (sets) return client::Op::set(rest[0], *data, command.version);
  const auto mode = create_mode(command);
  if (!mode) return std::unexpected(mode.error());
  client::CreateOptions options{.mode = *mode, .ttl = std::chrono::milliseconds(command.ttl_ms)};
  if (rest.size() > 2) {
    auto acl = parse_acl(rest[2]);
    if (!acl) return std::unexpected(acl.error());
    options.acl = std::move(*acl);
  }
  return client::Op::create(rest[0], *data, std::move(options));
}

Exit Tool::multi(const Command& command) {
  std::vector<std::string> lines = command.items;
  if (lines.empty()) {
    if (in_shell_) return fail(Exit::usage, "multi needs operations, each quoted: multi 'create /a 1' 'delete /b'");
    const auto text = read_input("-");
    if (!text) return fail(Exit::usage, text.error());
    for (const auto line : base::split(*text, '\n')) {
      if (!base::trim(line).empty()) lines.emplace_back(line);
    }
  }
  std::vector<client::Op> ops;
  for (const std::string& line : lines) {
    const auto words = split_words(line);
    if (!words) return fail(Exit::usage, fmt::format("a quote is not closed in: {}", line));
    auto op = parse_operation(*words);
    if (!op) return fail(Exit::usage, fmt::format("{}; in: {}", op.error(), line));
    ops.push_back(std::move(*op));
  }
  const auto result = client_.multi(ops);
  if (!result) return fail(result.error());
  if (json_) print(multi_json(*result));
  if (const auto failed = result->failed()) {
    const auto error =
        client::make_error(result->results[*failed].code,
                           ops[*failed].op == jute::OpCode::create2 ? "create" : jute::name_of(ops[*failed].op), ops[*failed].path);
    return fail({error.code, fmt::format("operation {} of {}, {}", *failed + 1, ops.size(), error.message)}, "Nothing was done");
  }
  if (!json_) {
    for (const client::OpResult& each : result->results) {
      if (!each.path.empty()) print(each.path + "\n");
    }
  }
  return Exit::ok;
}

}  // namespace chorus::app::zk
