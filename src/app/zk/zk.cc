#include "app/zk/zk.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "app/zk/output.h"
#include "app/zk/shell.h"

namespace chorus::app::zk {
namespace {

client::Result<client::ClientOptions> client_options(const Connection& connection) {
  auto options = client::options_for(connection.servers);
  if (!options) return options;
  options->session.timeout = std::chrono::milliseconds(std::llround(connection.timeout_s * 1000));
  options->session.may_be_read_only = connection.read_only;
  if (connection.tls) {
    options->tls = world::TlsOptions{.certificate_file = connection.certificate,
                                     .key_file = connection.key,
                                     .ca_file = connection.ca,
                                     .verify_peer = connection.verify,
                                     .verify_host = connection.verify};
  }
  return options;
}

Exit fail(const Connection& connection, const client::Error& error, std::string_view hint) {
  if (connection.json) {
    fmt::print(stderr, "{}", error_json(error));
  } else {
    fmt::print(stderr, "chorus zk: {}{}{}\n", error.message, hint.empty() ? "" : "\n  ", hint);
  }
  return exit_for(error.code);
}

Exit work(const Connection& connection, const Command& command) {
  const auto options = client_options(connection);
  if (!options) return fail(connection, options.error(), "give the server with --server host:port or in CHORUS_ZK_SERVER");
  client::Patience patience{.limit = options->session.timeout, .keep_trying = connection.wait};
  const auto opened = client::BlockingClient::connect(*options, patience);
  if (!opened) {
    return fail(connection, opened.error(),
                "is it running, and is that its client port? \"chorus serve\" starts one; --server names another; --wait waits for it");
  }
  client::BlockingClient& client = **opened;
  for (const std::string& auth : connection.auths) {
    const std::size_t colon = auth.find(':');
    const auto done = client.add_auth(auth.substr(0, colon), colon == std::string::npos ? "" : auth.substr(colon + 1));
    if (!done) return fail(connection, done.error(), "--auth takes scheme:credentials, such as digest:joe:secret");
  }
  const bool in_shell = command.name.empty();
  Tool tool(client, in_shell, connection.json);
  if (!in_shell) return tool.run(command);
  if (isatty(STDIN_FILENO) == 0) return scripted_shell(tool);
  client.on_state([](client::State state, const std::string& why) {
    if (state == client::State::closed) return;
    fmt::print(stderr, "\r[{}: {}]\n", name_of(state), why);
  });
  return interactive_shell(tool);
}

}  // namespace

int zk_main(int argc, const char* const* argv) {
  const auto parsed = parse_arguments({argv + 1, argv + argc});
  if (const auto* leave = std::get_if<Leave>(&parsed)) return static_cast<int>(leave->code);
  const auto& [connection, command] = std::get<std::pair<Connection, Command>>(parsed);
  return static_cast<int>(work(connection, command));
}

}  // namespace chorus::app::zk
