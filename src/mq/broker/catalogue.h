// Where topics and groups are kept for all brokers and name servers of a cluster to see.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "mq/broker/groups.h"
#include "mq/broker/topics.h"

namespace chorus::mq {

using CatalogueResult = base::Result<void, std::string>;  // words for a person
using Stored = std::move_only_function<void(CatalogueResult)>;

/// One broker's part of it. Completions come on the reactor, never from within the call, and in the order of the calls.
class Catalogue {
 public:
  virtual ~Catalogue() = default;
  virtual void put(const TopicConfig& topic, Stored done) = 0;
  virtual void remove_topic(const std::string& topic, Stored done) = 0;
  virtual void put(const GroupConfig& group, Stored done) = 0;
  virtual void remove_group(const std::string& group, Stored done) = 0;
  /// What an administrator changed of its settings: all of it.
  virtual void put(const std::map<std::string, std::string>& settings, Stored done) = 0;
};

}  // namespace chorus::mq
