// A history made by hand: what clients of one correct service see. Tests of the checker spoil it.
#pragma once

#include <string>
#include <vector>

#include "checker.h"

namespace chorus::coord_sim {

class Story {
 public:
  /// The session's creation becomes a transaction.
  void open(std::int64_t session);
  /// Its end, decided by the servers.
  void expire(std::int64_t session);
  /// A connection of the session to any server; its number.
  std::size_t connect(std::int64_t session);

  /// Each step of a request alone; `request` is what ask() returned.
  std::size_t ask(std::size_t connection, Op op);
  void execute(std::size_t request);
  void refuse(std::size_t request, jute::ErrorCode err);
  void answer(std::size_t request);
  /// Answered from the state at that zxid, which may be an older one, or the first of an epoch.
  void answer_from(std::size_t request, std::int64_t zxid);
  /// All of them.
  std::size_t write(std::size_t connection, Op op);
  std::size_t read(std::size_t connection, Op op);
  std::size_t read_from(std::size_t connection, Op op, std::int64_t zxid);
  void event(std::size_t connection, jute::EventType type, const std::string& path, std::int64_t zxid);

  void new_epoch() { zxid_ = ((zxid_ >> 32) + 1) << 32; }
  std::int64_t zxid() const { return zxid_; }
  void wait_ms(std::int64_t ms) { now_ns_ += ms * 1'000'000; }
  Frame& answer_of(std::size_t request);
  Verdict check(const CheckOptions& options) const { return coord_sim::check(history, transactions, options); }

  History history;
  std::vector<Transaction> transactions;

 private:
  Transaction& add(std::int64_t session, std::int32_t cxid, jute::OpCode type);

  std::int64_t now_ns_ = 0;
  std::int64_t zxid_ = std::int64_t{1} << 32;
  std::map<std::int64_t, std::int32_t> last_xid_;
  Model model_;
  std::map<std::int64_t, Model> states_{{0, Model()}};  // after each transaction
  std::map<std::size_t, std::pair<std::int64_t, Outcome>> outcomes_;
};

}  // namespace chorus::coord_sim
