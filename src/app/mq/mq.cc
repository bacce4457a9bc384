#include "app/mq/mq.h"

#include <fmt/format.h>

#include <cmath>
#include <csignal>
#include <cstdio>

#include "app/mq/tool.h"

namespace chorus::app::mqtool {

int mq_main(int argc, const char* const* argv) {
  const auto parsed = parse_arguments({argv + 1, argv + argc});
  if (const auto* leave = std::get_if<Leave>(&parsed)) return static_cast<int>(leave->code);
  const auto& [connection, command] = std::get<std::pair<Connection, Command>>(parsed);
  const auto servers = mqclient::parse_name_servers(connection.servers);
  if (!servers) {
    fmt::print(stderr, "chorus mq: {}\n  give the NameServer with --server host:port or in NAMESRV_ADDR\n", servers.error().message);
    return static_cast<int>(Exit::usage);
  }
  mqclient::ClientOptions options{.name_servers = *servers};
  options.timeout = std::chrono::milliseconds(std::llround(connection.timeout_s * 1000));
  options.remoting.connect_timeout = options.timeout;
  if (!connection.access_key.empty()) {
    options.remoting.credentials = mqclient::Credentials{
        .access_key = connection.access_key, .secret_key = connection.secret_key, .security_token = connection.security_token};
  }
  if (connection.tls) {
    options.remoting.tls = world::TlsOptions{.certificate_file = connection.certificate,
                                             .key_file = connection.key,
                                             .ca_file = connection.ca,
                                             .verify_peer = connection.verify,
                                             .verify_host = connection.verify};
  }
  std::signal(SIGPIPE, SIG_IGN);  // who reads our output may end first; writing fails then
  mqclient::BlockingClient client(std::move(options));
  return static_cast<int>(Tool(client, connection.json).run(command));
}

}  // namespace chorus::app::mqtool
