// The file that a snapshot goes through on its way to replicas that have to know its size first.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cache/replication/transfer.h"
#include "world/world.h"

namespace chorus::cache::replication {

/// Lives on the server's reactor; the disk's work is done in the background, in its order. The file is gone when the process is.
class Spool {
 public:
  /// What came of an action of that transfer. error: empty where it was done; octets: of a read.
  using Done = std::function<void(FileAction::What what, std::uint64_t transfer, std::string octets, std::string error)>;
  Spool(world::World& world, std::string path, Done done);

  void perform(FileAction action);

 private:
  struct File;
  world::World& world_;
  const std::string path_;
  Done done_;
  std::shared_ptr<File> file_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chorus::cache::replication
