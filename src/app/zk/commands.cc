// Commands on single nodes.
#include <fmt/format.h>

#include <algorithm>

#include "app/zk/output.h"
#include "app/zk/tool.h"
#include "base/text.h"
#include "world/files.h"

namespace chorus::app::zk {

using client::Code;

Exit Tool::ls(const Command& command) {
  if (command.recursive) {
    auto paths = walk(command.path);
    if (!paths) return fail(paths.error());
    std::ranges::sort(*paths);
    if (json_) {
      print(paths_json(*paths));
    } else {
      for (const std::string& path : *paths) print(path + "\n");
    }
    if (!command.watch) return Exit::ok;
    const auto watched = client_.add_watch(command.path, client::AddWatchMode::persistent_recursive, watcher_);
    return watched ? wait_if(true) : fail(watched.error());
  }
  auto children = client_.children(command.path, watcher_if(command.watch));
  if (!children) return fail(children.error());
  std::ranges::sort(children->names);
  if (json_) {
    print(children_json(command.path, children->names, command.with_stat ? std::optional(children->stat) : std::nullopt));
  } else {
    for (const std::string& name : children->names) print(name + "\n");
    if (command.with_stat) print(stat_text(children->stat));
  }
  return wait_if(command.watch);
}

Exit Tool::get(const Command& command) {
  const auto data = client_.get(command.path, watcher_if(command.watch));
  if (!data) return fail(data.error());
  if (json_) {
    print(data_json(command.path, *data));
  } else {
    print_data(data->data);
    if (command.with_stat) {
      if (!in_shell_) print("\n");
      print(stat_text(data->stat));
    }
  }
  return wait_if(command.watch);
}

Exit Tool::set(const Command& command) {
  const auto data = resolve_data(command.data);
  if (!data) return fail(Exit::usage, data.error());
  const auto stat = client_.set(command.path, *data, command.version);
  if (!stat) return fail(stat.error(), stat.error().code == Code::no_node ? "Make it with \"create\"" : "");
  if (json_) {
    print(path_json(command.path, *stat));
  } else if (command.with_stat) {
    print(stat_text(*stat));
  }
  return Exit::ok;
}

Exit Tool::make_parents(std::string_view path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    const auto made = client_.create(std::string(path.substr(0, slash)), std::nullopt);
    if (!made && made.error().code != Code::node_exists) return fail(made.error());
  }
  return Exit::ok;
}

Exit Tool::create(const Command& command) {
  const auto data = resolve_data(command.data);
  if (!data) return fail(Exit::usage, data.error());
  const auto mode = create_mode(command);
  if (!mode) return fail(Exit::usage, mode.error());
  client::CreateOptions options{.mode = *mode, .ttl = std::chrono::milliseconds(command.ttl_ms)};
  if (command.acl) {
    auto acl = parse_acl(*command.acl);
    if (!acl) return fail(Exit::usage, acl.error());
    options.acl = std::move(*acl);
  }
  if (command.parents) {
    if (const std::string problem = client::path_problem(command.path, client::is_sequential(*mode)); !problem.empty()) {
      return fail(client::make_error(Code::bad_arguments, "create", command.path));
    }
    if (const Exit code = make_parents(command.path); code != Exit::ok) return code;
  }
  const auto created = client_.create(command.path, *data, options);
  if (!created) {
    if (created.error().code == Code::node_exists && command.parents) return Exit::ok;
    const std::string parent = world::parent_directory(command.path);
    return fail(created.error(), created.error().code == Code::no_node
                                     ? fmt::format("Its parent {} is missing: make it first, or use -p", parent)
                                 : created.error().code == Code::node_exists ? "Change it with \"set\""
                                                                             : "");
  }
  print(json_ ? path_json(created->path, created->stat) : created->path + "\n");
  return Exit::ok;
}

Exit Tool::remove(const Command& command) {
  const auto removed = client_.remove(command.path, command.version);
  if (removed) return Exit::ok;
  return fail(removed.error(), removed.error().code == Code::not_empty ? "Delete all of it with \"deleteall\"" : "");
}

Exit Tool::stat(const Command& command) {
  const auto stat = client_.exists(command.path, watcher_if(command.watch));
  if (!stat) return fail(stat.error());
  if (!*stat) {
    const Exit code = fail(client::make_error(Code::no_node, "exists", command.path));
    return command.watch ? wait_if(true) : code;
  }
  print(json_ ? path_json(command.path, *stat) : stat_text(**stat));
  return wait_if(command.watch);
}

Exit Tool::get_acl(const Command& command) {
  const auto acl = client_.get_acl(command.path);
  if (!acl) return fail(acl.error());
  if (json_) {
    print(acl_json(command.path, *acl));
  } else {
    for (const client::Acl& each : acl->acl) print(acl_text(each) + "\n");
    if (command.with_stat) print(stat_text(acl->stat));
  }
  return Exit::ok;
}

Exit Tool::set_acl(const Command& command) {
  const auto acl = parse_acl(command.acl.value_or(""));
  if (!acl) return fail(Exit::usage, acl.error());
  if (!command.recursive) {
    const auto stat = client_.set_acl(command.path, *acl, command.version);
    if (!stat) return fail(stat.error());
    if (json_) {
      print(path_json(command.path, *stat));
    } else if (command.with_stat) {
      print(stat_text(*stat));
    }
    return Exit::ok;
  }
  const auto paths = walk(command.path);
  if (!paths) return fail(paths.error());
  const auto results = client_.call_all<client::Stat>(*paths, [&](client::Client& client, const std::string& path, auto done) {
    client.set_acl(path, *acl, command.version, std::move(done));
  });
  for (const auto& result : results) {
    if (!result && result.error().code != Code::no_node) return fail(result.error());
  }
  return Exit::ok;
}

Exit Tool::sync(const Command& command) {
  const auto done = client_.sync(command.path);
  return done ? Exit::ok : fail(done.error());
}

Exit Tool::count(const Command& command) {
  const auto number = client_.all_children_number(command.path);
  if (!number) return fail(number.error());
  print(json_ ? number_json(command.path, *number) : fmt::format("{}\n", *number));
  return Exit::ok;
}

Exit Tool::ephemerals(const Command& command) {
  auto paths = client_.ephemerals(command.path);
  if (!paths) return fail(paths.error());
  std::ranges::sort(*paths);
  if (json_) {
    print(paths_json(*paths));
  } else {
    for (const std::string& path : *paths) print(path + "\n");
  }
  return Exit::ok;
}

Exit Tool::whoami(const Command&) {
  const auto identities = client_.who_am_i();
  if (!identities) return fail(identities.error());
  if (json_) {
    print(identities_json(*identities));
  } else {
    for (const auto& each : *identities) print(fmt::format("{}:{}\n", each.scheme, each.user));
  }
  return Exit::ok;
}

Exit Tool::config(const Command& command) {
  const auto data = client_.get_config(watcher_if(command.watch));
  if (!data) return fail(data.error());
  if (json_) {
    print(data_json("/zookeeper/config", *data));
  } else {
    print(data->data.empty() ? "" : data->data + "\n");
    if (command.with_stat) print(stat_text(data->stat));
  }
  return wait_if(command.watch);
}

Exit Tool::reconfig(const Command& command) {
  client::ReconfigRequest request{
      .joining = {}, .leaving = command.acl, .new_members = command.data, .from_config = command.config_version};
  if (!command.items.empty()) request.joining = fmt::format("{}", fmt::join(command.items, ","));
  if (!command.file.empty()) {
    auto file = read_input(command.file);
    if (!file) return fail(Exit::usage, file.error());
    request.new_members = std::move(*file);
  }
  if (!request.joining && !request.leaving && !request.new_members) {
    return fail(Exit::usage, "reconfig needs --add, --remove, --members or --file");
  }
  if (request.new_members && (request.joining || request.leaving)) {
    return fail(Exit::usage, "reconfig takes --members or --file, or --add and --remove, not both");
  }
  const auto data = client_.reconfig(request);
  if (!data) return fail(data.error());
  print(json_ ? data_json("/zookeeper/config", *data) : data->data + "\n");
  if (!json_ && command.with_stat) print(stat_text(data->stat));
  return Exit::ok;
}

Exit Tool::add_auth(const Command& command) {
  const auto done = client_.add_auth(command.path, command.data.value_or(""));
  return done ? Exit::ok : fail(done.error());
}

}  // namespace chorus::app::zk
