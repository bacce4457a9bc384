#include "checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

#include "base/text.h"
#include "watches.h"

namespace chorus::coord_sim {

using jute::ErrorCode;
using jute::OpCode;

namespace {

constexpr std::size_t faults_max = 5;

std::int64_t epoch_of(std::int64_t zxid) { return zxid >> 32; }
bool is_start_of_epoch(std::int64_t zxid) { return zxid > 0 && (zxid & 0xffff'ffff) == 0; }
/// The next one of its epoch, or the first of a later one.
bool follows(std::int64_t zxid, std::int64_t before) {
  return zxid == before + 1 || (epoch_of(zxid) > epoch_of(before) && is_start_of_epoch(zxid - 1));
}
bool is_expired(const Transaction& txn) { return txn.type == -1 && txn.err == static_cast<int>(ErrorCode::session_expired); }
/// A reconfiguration that only its leader could judge: it knows what is under way, and who is in step with it.
bool is_refused_reconfig(const Transaction& txn, const Op& op) {
  return op.code == OpCode::reconfig && txn.type == -1 &&
         (txn.err == static_cast<int>(ErrorCode::reconfig_in_progress) || txn.err == static_cast<int>(ErrorCode::new_config_no_quorum));
}
bool is_moved(const Transaction& txn) { return txn.type == -1 && txn.err == static_cast<int>(ErrorCode::session_moved); }

class Checker {
 public:
  Checker(const History& history, const std::vector<Transaction>& transactions, const CheckOptions& options)
      : history_(history), transactions_(transactions), options_(options), streams_(history.connections.size()) {
    model_.set_members(options.members, options.voters_min);
  }

  Verdict run() {
    match_transactions();
    for (const std::string& text : history_.faults) fault("{}", text);
    check_order_of_transactions();
    check_sessions();
    check_real_time();
    replay();
    return std::move(verdict_);
  }

 private:
  struct Seen {  // by some client
    std::int64_t at_ns;
    std::int64_t zxid;
  };
  struct Stream {  // what one connection received, and how far it is proven
    std::size_t next = 0;
    std::deque<Event> due;  // owed, in order
    bool over = false;
  };

  template <class... Args>
  void fault(fmt::format_string<Args...> text, Args&&... args) {
    if (verdict_.faults.size() < faults_max) verdict_.faults.push_back(fmt::format(text, std::forward<Args>(args)...));
  }
  bool check(bool holds) {
    ++verdict_.checks;
    return holds;
  }
  std::string name(std::size_t request) const {
    const Request& r = history_.requests[request];
    return fmt::format("session {:#x} xid {} ({})", r.session, r.xid, describe(r.op));
  }

  void match_transactions();
  void check_order_of_transactions();
  void check_sessions();
  void check_real_time();
  void replay();
  void advance(std::size_t connection, std::int64_t zxid);
  bool take_reply(std::size_t connection, const Frame& frame);
  bool take_event(std::size_t connection, const Frame& frame);
  std::int64_t due_at(std::size_t connection) const;
  void check_syncs(const std::vector<Seen>& seen);
  /// The last transaction that a server at `zxid` has applied. A new leader is at the first zxid of its epoch, which is no transaction.
  std::int64_t state_at(std::int64_t zxid) const;
  const Transaction* find(std::int64_t zxid) const;
  void wait(std::size_t connection);

  const History& history_;
  const std::vector<Transaction>& transactions_;
  const CheckOptions options_;
  Verdict verdict_;

  std::vector<std::size_t> request_of_;                      // by transaction; no_request: the server's own
  std::unordered_map<std::size_t, std::size_t> executed_;    // request -> transaction
  std::unordered_map<std::size_t, const Frame*> answer_of_;  // request -> reply

  std::map<std::int64_t, std::size_t> connections_of_;  // session -> how many it tried
  std::map<std::int64_t, std::int64_t> closed_;         // sessions with an end in the log -> its zxid

  Model model_;
  WatchTables watches_;
  std::vector<Stream> streams_;
  std::map<std::int64_t, std::vector<std::size_t>> waiting_;  // zxid -> connections whose next frame is of that state
  std::unordered_map<std::size_t, Outcome> outcomes_;         // of executed requests
};

void Checker::match_transactions() {
  std::map<std::pair<std::int64_t, std::int32_t>, std::size_t> asked;
  for (std::size_t i = 0; i < history_.requests.size(); ++i) {
    const Request& request = history_.requests[i];
    if (is_write(request.op.code)) asked[{request.session, request.xid}] = i;
  }
  for (const ConnectionHistory& connection : history_.connections) {
    ++connections_of_[connection.session];
    for (const Frame& frame : connection.frames) {
      if (frame.request != Frame::no_request) answer_of_[frame.request] = &frame;
    }
  }
  request_of_.assign(transactions_.size(), Frame::no_request);
  for (std::size_t t = 0; t < transactions_.size(); ++t) {
    const Transaction& txn = transactions_[t];
    if (txn.cxid == 0) {
      const bool own = txn.type == static_cast<int>(OpCode::create_session) || txn.type == static_cast<int>(OpCode::close_session) ||
                       txn.type == static_cast<int>(OpCode::delete_container) || (txn.type == -1 && txn.session == 0);
      if (!check(own)) fault("zxid {:#x} of type {} was asked for by nobody", txn.zxid, txn.type);
      continue;
    }
    const auto found = asked.find({txn.session, txn.cxid});
    if (!check(found != asked.end())) {
      fault("zxid {:#x}: session {:#x} never sent a write with xid {}", txn.zxid, txn.session, txn.cxid);
      continue;
    }
    if (!check(executed_.emplace(found->second, t).second))
      fault("{} was executed twice, again as zxid {:#x}", name(found->second), txn.zxid);
    request_of_[t] = found->second;
  }
  for (std::size_t i = 0; i < history_.requests.size(); ++i) {
    const Request& request = history_.requests[i];
    if (!is_write(request.op.code)) continue;
    const auto executed = executed_.find(i);
    const auto answer = answer_of_.find(i);
    if (answer == answer_of_.end()) {
      ++(executed == executed_.end() ? verdict_.unknown_lost : verdict_.unknown_kept);
      continue;
    }
    ++verdict_.acknowledged;
    const std::int64_t zxid = answer->second->zxid;
    if (!check(executed != executed_.end())) {
      fault("acknowledged write lost: {} was answered as zxid {:#x} and is not there", name(i), zxid);
    } else if (!check(transactions_[executed->second].zxid == zxid)) {
      fault("{} was answered as zxid {:#x} and is there as {:#x}", name(i), zxid, transactions_[executed->second].zxid);
    }
  }
}

void Checker::check_order_of_transactions() {
  std::map<std::int64_t, std::int32_t> last_xid;
  std::set<std::int64_t> ended;
  for (std::size_t t = 0; t < transactions_.size(); ++t) {
    const Transaction& txn = transactions_[t];
    if (txn.type == static_cast<int>(OpCode::close_session)) ended.insert(txn.session);
    if (t > 0 && !check(follows(txn.zxid, transactions_[t - 1].zxid)))
      fault("zxid {:#x} follows {:#x}", txn.zxid, transactions_[t - 1].zxid);
    if (txn.cxid == 0) continue;
    // What came late, by a connection that its client had left for another one, is refused.
    if (is_moved(txn)) {
      if (!check(connections_of_[txn.session] > 1)) fault("session {:#x} was refused as moved, but never left its server", txn.session);
      continue;
    }
    if (is_expired(txn) && ended.contains(txn.session) && connections_of_[txn.session] > 1) continue;
    std::int32_t& last = last_xid[txn.session];
    // Its end is taken late as well. source: PrepRequestProcessor.pRequest2Txn, closeSession
    const bool ends_late = txn.type == static_cast<int>(OpCode::close_session) && connections_of_[txn.session] > 1;
    if (!check(ends_late || txn.cxid > last)) fault("session {:#x}: xid {} was executed after xid {}", txn.session, txn.cxid, last);
    last = txn.cxid;
  }
  // Of the writes of one connection a first part is executed, without a hole.
  for (const ConnectionHistory& connection : history_.connections) {
    std::size_t missing = Frame::no_request;
    for (const std::size_t request : connection.requests) {
      if (!is_write(history_.requests[request].op.code)) continue;
      if (!executed_.contains(request)) {
        missing = request;
      } else if (!check(missing == Frame::no_request)) {
        fault("{} was executed, {} sent before it was not", name(request), name(missing));
        break;
      }
    }
    // Replies come in the order of the requests.
    std::size_t answered = 0;  // pings apart, which no order was promised for
    std::int64_t last_zxid = 0;
    for (const Frame& frame : connection.frames) {
      if (frame.zxid == -1) continue;
      if (!check(frame.zxid >= last_zxid)) {
        fault("session {:#x}: zxid went back from {:#x} to {:#x}", connection.session, last_zxid, frame.zxid);
      }
      last_zxid = frame.zxid;
      if (frame.request == Frame::no_request || history_.requests[frame.request].op.code == OpCode::ping) continue;
      if (!check(answered < connection.requests.size() && connection.requests[answered] == frame.request)) {
        fault("session {:#x}: {} was answered out of order", connection.session, name(frame.request));
        break;
      }
      ++answered;
    }
  }
}

void Checker::check_sessions() {
  std::map<std::int64_t, std::int64_t> opened;
  for (const Transaction& txn : transactions_) {
    if (txn.type == static_cast<int>(OpCode::create_session)) opened[txn.session] = txn.zxid;
    if (txn.type == static_cast<int>(OpCode::close_session)) closed_.emplace(txn.session, txn.zxid);
  }
  for (const auto& [id, session] : history_.sessions) {
    if (!check(opened.contains(id))) fault("session {:#x} was granted and its creation is lost", id);
    const bool ended = closed_.contains(id);
    if (session.refused_ns >= 0) {
      // A close that was asked for refuses the session at once, though power may fail before it is a transaction.
      const bool by_client = std::any_of(history_.requests.begin(), history_.requests.end(), [&, id = id](const Request& request) {
        return request.session == id && request.op.code == OpCode::close_session;
      });
      if (!check(ended || by_client)) fault("session {:#x} was refused though it never ended", id);
      // What was heard last may not have got yet to the one that ends sessions; what was heard before, by a server that was cut off, never.
      std::int64_t heard_ns = session.refused_ns;
      for (const std::int64_t one : session.heard_ns) {
        if (one > session.refused_ns - options_.expiry_slack_ms * 1'000'000 && heard_ns != session.refused_ns) break;
        heard_ns = one;
      }
      const std::int64_t silent_ms = (session.refused_ns - heard_ns) / 1'000'000;
      // 5 %: the clocks of the machines drift apart.
      if (!check(by_client || silent_ms * 105 / 100 + 1 + options_.expiry_slack_ms >= session.timeout_ms)) {
        fault("session {:#x} with a timeout of {} ms expired {} ms after its server had heard from it", id, session.timeout_ms, silent_ms);
      }
    }
    if (session.abandoned && !check(ended)) fault("session {:#x} was abandoned and never expired", id);
  }
  std::map<std::int64_t, std::int64_t> last_seen;
  for (const ConnectionHistory& connection : history_.connections) {
    std::int64_t& last = last_seen[connection.session];
    for (const Frame& frame : connection.frames) {
      if (frame.zxid == -1) continue;
      // The first zxid of an epoch that has no transaction yet is the state of the last one before it.
      if (!check(state_at(frame.zxid) >= last)) {
        fault("session {:#x}: zxid went back from {:#x} to {:#x} over a reconnection", connection.session, last, frame.zxid);
      }
      last = std::max(last, state_at(frame.zxid));
    }
  }
}

void Checker::check_real_time() {
  // What was acknowledged before a request was sent comes before it.
  std::vector<Seen> seen;
  std::vector<std::size_t> sent;
  for (std::size_t i = 0; i < history_.requests.size(); ++i) {
    sent.push_back(i);
    if (history_.requests[i].answered_ns >= 0) seen.push_back({history_.requests[i].answered_ns, state_at(answer_of_.at(i)->zxid)});
  }
  std::sort(seen.begin(), seen.end(), [](const Seen& a, const Seen& b) { return std::tie(a.at_ns, a.zxid) < std::tie(b.at_ns, b.zxid); });
  std::sort(sent.begin(), sent.end(), [&](std::size_t a, std::size_t b) {
    return std::tie(history_.requests[a].sent_ns, a) < std::tie(history_.requests[b].sent_ns, b);
  });
  std::size_t next = 0;
  std::int64_t newest = 0;
  for (const std::size_t i : sent) {
    const Request& request = history_.requests[i];
    for (; next < seen.size() && seen[next].at_ns < request.sent_ns; ++next) newest = std::max(newest, seen[next].zxid);
    if (is_write(request.op.code)) {
      const auto executed = executed_.find(i);
      if (executed != executed_.end() && !check(transactions_[executed->second].zxid > newest)) {
        fault("{} became zxid {:#x}, but zxid {:#x} had been seen before it was sent", name(i), transactions_[executed->second].zxid,
              newest);
      }
    } else if (options_.reads_are_linearizable && request.answered_ns >= 0) {
      if (!check(state_at(answer_of_.at(i)->zxid) >= newest)) {
        fault("{} was answered from zxid {:#x}, but zxid {:#x} had been seen before it was sent", name(i), answer_of_.at(i)->zxid, newest);
      }
    }
  }
  if (!options_.reads_are_linearizable) check_syncs(seen);
}

void Checker::check_syncs(const std::vector<Seen>& seen) {
  std::vector<std::int64_t> newest{0};                  // by index in seen: of all before it
  std::map<std::int64_t, std::int64_t> epoch_began_ns;  // when somebody first saw a zxid of it
  for (const Seen& one : seen) {
    newest.push_back(std::max(newest.back(), one.zxid));
    epoch_began_ns.emplace(epoch_of(one.zxid), one.at_ns);
  }
  for (const ConnectionHistory& connection : history_.connections) {
    const Request* sync = nullptr;
    std::int64_t due = 0;  // what replies after it must show
    for (const Frame& frame : connection.frames) {
      if (frame.request == Frame::no_request || frame.err == static_cast<int>(ErrorCode::session_expired)) continue;
      const Request& request = history_.requests[frame.request];
      if (request.op.code == OpCode::ping) continue;
      if (request.op.code == OpCode::sync && frame.err == 0) {
        const auto before =
            std::lower_bound(seen.begin(), seen.end(), request.sent_ns, [](const Seen& one, std::int64_t ns) { return one.at_ns < ns; });
        sync = &request;
        due = newest[static_cast<std::size_t>(before - seen.begin())];
      }
      if (sync == nullptr || check(state_at(frame.zxid) >= due)) continue;
      const auto later = epoch_began_ns.upper_bound(epoch_of(frame.zxid));
      const bool leader_did_not_know = later != epoch_began_ns.end() && later->first <= epoch_of(due) &&
                                       sync->sent_ns < later->second + options_.stale_leader_ms * 1'000'000;
      if (leader_did_not_know) continue;
      fault("{} came after a sync and was answered from zxid {:#x}, but zxid {:#x} had been seen before the sync was sent",
            name(frame.request), frame.zxid, due);
      return;
    }
  }
}

std::int64_t Checker::state_at(std::int64_t zxid) const {
  const auto after = std::upper_bound(transactions_.begin(), transactions_.end(), zxid,
                                      [](std::int64_t value, const Transaction& txn) { return value < txn.zxid; });
  return after == transactions_.begin() ? 0 : std::prev(after)->zxid;
}

const Transaction* Checker::find(std::int64_t zxid) const {
  const auto found = std::lower_bound(transactions_.begin(), transactions_.end(), zxid,
                                      [](const Transaction& txn, std::int64_t value) { return txn.zxid < value; });
  return found == transactions_.end() || found->zxid != zxid ? nullptr : &*found;
}

std::int64_t Checker::due_at(std::size_t connection) const {
  const auto& frames = history_.connections[connection].frames;
  for (std::size_t i = streams_[connection].next; i < frames.size(); ++i) {
    if (frames[i].zxid != -1) return frames[i].zxid;  // what setWatches makes up for belongs to the state of its reply
  }
  return -1;
}

void Checker::wait(std::size_t connection) {
  Stream& stream = streams_[connection];
  const std::int64_t zxid = due_at(connection);
  if (zxid < 0 || stream.over) {
    stream.over = true;
    watches_.forget(connection);
  } else {
    waiting_[zxid].push_back(connection);
  }
}

void Checker::replay() {
  for (std::size_t c = 0; c < streams_.size(); ++c) wait(c);
  const auto serve = [&](std::int64_t up_to) {
    while (!waiting_.empty() && waiting_.begin()->first <= up_to) {
      const auto [zxid, connections] = *waiting_.begin();
      waiting_.erase(waiting_.begin());
      if (!check(zxid == 0 || is_start_of_epoch(zxid) || find(zxid) != nullptr)) {
        fault("session {:#x} saw zxid {:#x}, which is no transaction", history_.connections[connections.front()].session, zxid);
      }
      for (const std::size_t connection : connections) {
        advance(connection, zxid);
        wait(connection);
      }
    }
  };
  serve(0);
  for (std::size_t t = 0; t < transactions_.size(); ++t) {
    const Transaction& txn = transactions_[t];
    serve(txn.zxid - 1);
    std::vector<Change> changes;
    const std::size_t request = request_of_[t];
    if (txn.type == static_cast<int>(OpCode::create_session)) {
      model_.open_session(txn.session);
    } else if (request == Frame::no_request) {
      if (txn.type == static_cast<int>(OpCode::close_session)) {
        Op close{.code = OpCode::close_session};
        changes = model_.write(close, txn.session, txn.zxid, txn.time_ms).changes;
      } else if (txn.type == static_cast<int>(OpCode::delete_container)) {
        if (!check(model_.reap(txn.path, txn.zxid, txn.time_ms, changes)))
          fault("zxid {:#x} removed {}, which may not go", txn.zxid, txn.path);
      }
    } else {
      const Request& r = history_.requests[request];
      Outcome outcome;
      if (is_moved(txn)) {
        outcome.err = ErrorCode::session_moved;
      } else if (is_expired(txn)) {
        // A session is refused from the moment its end is decided, which is before that is a transaction, and power may fail in
        // between. source: SessionTrackerImpl.setSessionClosing
        outcome.err = ErrorCode::session_expired;
      } else if (is_refused_reconfig(txn, r.op)) {
        outcome.err = static_cast<ErrorCode>(txn.err);
      } else {
        outcome = model_.write(r.op, r.session, txn.zxid, txn.time_ms);
      }
      if (!check((txn.type == -1) == (outcome.err != ErrorCode::ok) && (txn.type != -1 || txn.err == static_cast<int>(outcome.err)))) {
        fault("{} should end with {} as zxid {:#x}; logged as type {} error {}", name(request), jute::name_of(outcome.err), txn.zxid,
              txn.type, txn.err);
      }
      changes = std::move(outcome.changes);
      outcomes_[request] = std::move(outcome);
    }
    for (const Change& change : changes) {
      watches_.trigger(change, txn.zxid, [&](std::size_t connection, const Event& event) { streams_[connection].due.push_back(event); });
    }
    serve(txn.zxid);
    if (verdict_.faults.size() >= faults_max) return;
  }
  serve(std::numeric_limits<std::int64_t>::max());
}

void Checker::advance(std::size_t connection, std::int64_t zxid) {
  Stream& stream = streams_[connection];
  const auto& frames = history_.connections[connection].frames;
  while (!stream.over && stream.next < frames.size()) {
    const std::int64_t at = due_at(connection);
    if (at < 0 || at > zxid) return;
    const Frame& frame = frames[stream.next];
    const bool right = frame.request == Frame::no_request ? take_event(connection, frame) : take_reply(connection, frame);
    if (!right) stream.over = true;
  }
}

bool Checker::take_event(std::size_t connection, const Frame& frame) {
  Stream& stream = streams_[connection];
  const std::int64_t session = history_.connections[connection].session;
  const Event got{frame.zxid, static_cast<jute::EventType>(frame.event_type), frame.event_path};
  if (frame.zxid == -1) {  // compared when the reply of its setWatches is
    const auto& frames = history_.connections[connection].frames;
    std::vector<Event> made_up;
    for (; stream.next < frames.size() && frames[stream.next].zxid == -1; ++stream.next) {
      made_up.push_back({-1, static_cast<jute::EventType>(frames[stream.next].event_type), frames[stream.next].event_path});
    }
    const Frame& reply = frames[stream.next];
    if (!check(reply.request != Frame::no_request && history_.requests[reply.request].op.code == OpCode::set_watches2)) {
      fault("session {:#x}: event {} {} without zxid outside of setWatches", session, jute::name_of(got.type), got.path);
      return false;
    }
    if (!check(stream.due.empty())) {
      fault("session {:#x}: events missing before setWatches", session);
      return false;
    }
    std::vector<Event> owed;
    watches_.register_for(connection, history_.requests[reply.request].op, true, model_, owed);
    if (!check(owed == made_up)) {
      fault("session {:#x}: setWatches made up for {} events, should be {}", session, made_up.size(), owed.size());
      return false;
    }
    ++stream.next;
    return true;
  }
  if (!check(!stream.due.empty())) {
    fault("session {:#x}: event {} {} of zxid {:#x} without a watch for it", session, jute::name_of(got.type), got.path, got.zxid);
    return false;
  }
  // All owed for one zxid; only of a closed session may the order differ.
  auto owed = std::find(stream.due.begin(), stream.due.end(), got);
  const bool in_order = owed == stream.due.begin();
  const bool of_close =
      owed != stream.due.end() && stream.due.front().zxid == got.zxid && find(got.zxid)->type == static_cast<int>(OpCode::close_session);
  if (!check(in_order || of_close)) {
    fault("session {:#x}: event {} {} of zxid {:#x} came; {} {} of zxid {:#x} is due", session, jute::name_of(got.type), got.path, got.zxid,
          jute::name_of(stream.due.front().type), stream.due.front().path, stream.due.front().zxid);
    return false;
  }
  stream.due.erase(owed);
  ++stream.next;
  return true;
}

bool Checker::take_reply(std::size_t connection, const Frame& frame) {
  Stream& stream = streams_[connection];
  const Request& request = history_.requests[frame.request];
  if (!check(stream.due.empty())) {
    const Event& event = stream.due.front();
    fault("{} shows zxid {:#x} before the event {} {} of zxid {:#x}", name(frame.request), frame.zxid, jute::name_of(event.type),
          event.path, event.zxid);
    return false;
  }
  if (frame.err == static_cast<int>(ErrorCode::session_expired) && !is_write(request.op.code)) {
    ++stream.next;
    return true;
  }
  const auto closed = closed_.find(request.session);
  if (!check(closed == closed_.end() || frame.zxid < closed->second || is_write(request.op.code) || request.op.code == OpCode::ping)) {
    fault("{} was answered at zxid {:#x}, though its session had ended at {:#x}", name(frame.request), frame.zxid, closed->second);
    return false;
  }
  Outcome want;
  if (is_write(request.op.code)) {
    const auto outcome = outcomes_.find(frame.request);
    if (outcome == outcomes_.end()) return false;  // lost: told already
    want = outcome->second;
  } else if (request.op.code == OpCode::remove_watches) {
    if (!watches_.remove(connection, request.op.path, static_cast<jute::WatcherType>(request.op.flags))) want.err = ErrorCode::no_watcher;
  } else {
    want = model_.read(request.op, request.session);
    std::vector<Event> owed;
    watches_.register_for(connection, request.op, want.err == ErrorCode::ok, model_, owed);
    if (!check(owed.empty())) {
      fault("{}: setWatches made up for nothing, {} events are due", name(frame.request), owed.size());
      return false;
    }
  }
  if (!check(frame.err == static_cast<int>(want.err))) {
    fault("{} at zxid {:#x} was answered with {}, should be {}", name(frame.request), frame.zxid,
          jute::name_of(static_cast<ErrorCode>(frame.err)), jute::name_of(want.err));
    return false;
  }
  const std::string body = sorted_names(request.op.code, frame.body);
  if (!check(want.err != ErrorCode::ok || body == want.body)) {
    fault("{} at zxid {:#x} was answered with\n      {}\n  should be\n      {}", name(frame.request), frame.zxid, base::hex(body),
          base::hex(want.body));
    return false;
  }
  ++stream.next;
  return true;
}

}  // namespace

Verdict check(const History& history, const std::vector<Transaction>& transactions, const CheckOptions& options) {
  return Checker(history, transactions, options).run();
}

}  // namespace chorus::coord_sim
