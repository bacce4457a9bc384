#include "coord/database_snapshot.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"

namespace chorus::coord {

DatabaseSnapshot::DatabaseSnapshot(Database& database) : zxid_(database.last_zxid), digest_(database.tree.digest()), nodes_(database.tree) {
  base::Writer writer(head_);
  std::vector<std::pair<std::int64_t, std::int32_t>> sessions(database.sessions.begin(), database.sessions.end());
  std::ranges::sort(sessions);
  writer.i32(static_cast<std::int32_t>(sessions.size()));
  for (const auto& [id, timeout_ms] : sessions) {
    writer.i64(id);
    writer.i32(timeout_ms);
  }
  const AclTable& acls = database.tree.acls();
  const auto ids = acls.ids();
  writer.i32(static_cast<std::int32_t>(ids.size()));
  for (const AclId id : ids) {
    writer.i64(id);
    jute::write(writer, acls.list(id));
  }
}

}  // namespace chorus::coord
