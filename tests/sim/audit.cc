#include "audit.h"

#include <algorithm>

#include "jute/codec.h"
#include "jute/records.h"

namespace chorus::coord_sim {

using jute::OpCode;

void read_tree(Client& client, SystemNodes system_nodes) {
  client.on_reply = [&client, system_nodes](const Request& request, const Frame& reply) {
    if (request.op.code != OpCode::get_children2 || reply.err != 0) return;
    base::Reader in(reply.body);
    const auto children = jute::decode<jute::GetChildren2Response>(in);
    if (!children) return;
    std::vector<std::string> names(children->children.begin(), children->children.end());
    std::sort(names.begin(), names.end());
    std::vector<Op> next;
    for (const std::string& name : names) {
      const std::string path = (request.op.path == "/" ? "/" : request.op.path + "/") + name;
      if (system_nodes == SystemNodes::left_out && path == "/zookeeper") continue;
      next.push_back({.code = OpCode::get_data, .path = path});
      next.push_back({.code = OpCode::get_children2, .path = path});
    }
    client.ask(std::move(next));
  };
  client.ask({{.code = OpCode::sync, .path = "/"}, {.code = OpCode::get_data, .path = "/"}, {.code = OpCode::get_children2, .path = "/"}});
}

}  // namespace chorus::coord_sim
