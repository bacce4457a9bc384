// An entry of ZooKeeper's transaction log: long Adler-32 of the transaction, int length, transaction, octet 'B'. source: FileTxnLog, Util
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ensure.h"

namespace chorus::coord::disk {

/// The transaction of the first entry of a group made by TxnLog::begin_entry and end_entry, which is taken off its front.
inline std::string_view take_entry(std::string_view& group) {
  base::Reader in(group);
  in.octets(8);
  const std::uint32_t length = in.u32();
  const std::string_view txn = in.octets(length);
  in.octets(1);
  ENSURE(in.ok(), group.size());
  group.remove_prefix(in.offset());
  return txn;
}

}  // namespace chorus::coord::disk
