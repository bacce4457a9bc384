#include "story.h"

namespace chorus::coord_sim {

using jute::ErrorCode;
using jute::OpCode;

Transaction& Story::add(std::int64_t session, std::int32_t cxid, OpCode type) {
  now_ns_ += 1'000'000;
  return transactions.emplace_back(Transaction{.session = session,
                                               .cxid = cxid,
                                               .zxid = ++zxid_,
                                               .time_ms = now_ns_ / 1'000'000,
                                               .type = static_cast<std::int32_t>(type),
                                               .err = 0,
                                               .path = {}});
}

void Story::open(std::int64_t session) {
  add(session, 0, OpCode::create_session);
  model_.open_session(session);
  states_.emplace(zxid_, model_);
  history.sessions[session].timeout_ms = 1000;
}

void Story::expire(std::int64_t session) {
  const Transaction& txn = add(session, 0, OpCode::close_session);
  model_.write({.code = OpCode::close_session}, session, txn.zxid, txn.time_ms);
  states_.emplace(zxid_, model_);
}

std::size_t Story::connect(std::int64_t session) {
  history.connections.push_back({.client = "somebody", .session = session, .requests = {}, .frames = {}});
  return history.connections.size() - 1;
}

std::size_t Story::ask(std::size_t connection, Op op) {
  now_ns_ += 1'000'000;
  ConnectionHistory& record = history.connections[connection];
  history.requests.push_back(
      {.op = std::move(op), .session = record.session, .xid = ++last_xid_[record.session], .connection = connection, .sent_ns = now_ns_});
  record.requests.push_back(history.requests.size() - 1);
  return history.requests.size() - 1;
}

void Story::execute(std::size_t request) {
  const Request& asked = history.requests[request];
  Transaction& txn = add(asked.session, asked.xid, asked.op.code);
  Outcome outcome = model_.write(asked.op, asked.session, txn.zxid, txn.time_ms);
  if (outcome.err != ErrorCode::ok) {
    txn.type = -1;
    txn.err = static_cast<std::int32_t>(outcome.err);
  }
  states_.emplace(zxid_, model_);
  outcomes_[request] = {txn.zxid, std::move(outcome)};
}

void Story::refuse(std::size_t request, ErrorCode err) {
  const Request& asked = history.requests[request];
  add(asked.session, asked.xid, OpCode::error).err = static_cast<std::int32_t>(err);
  outcomes_[request] = {zxid_, {.err = err, .body = {}, .changes = {}}};
}

void Story::answer(std::size_t request) {
  if (!is_write(history.requests[request].op.code)) return answer_from(request, zxid_);
  now_ns_ += 1'000'000;
  const auto& [zxid, outcome] = outcomes_.at(request);
  history.requests[request].answered_ns = now_ns_;
  Frame frame{.request = request, .zxid = zxid, .err = static_cast<std::int32_t>(outcome.err), .body = {}, .event_path = {}};
  if (outcome.err == ErrorCode::ok) frame.body = outcome.body;
  history.connections[history.requests[request].connection].frames.push_back(std::move(frame));
}

void Story::answer_from(std::size_t request, std::int64_t zxid) {
  now_ns_ += 1'000'000;
  Request& asked = history.requests[request];
  asked.answered_ns = now_ns_;
  const Outcome outcome = std::prev(states_.upper_bound(zxid))->second.read(asked.op, asked.session);
  Frame frame{.request = request, .zxid = zxid, .err = static_cast<std::int32_t>(outcome.err), .body = {}, .event_path = {}};
  if (outcome.err == ErrorCode::ok) frame.body = outcome.body;
  history.connections[asked.connection].frames.push_back(std::move(frame));
}

std::size_t Story::write(std::size_t connection, Op op) {
  const std::size_t request = ask(connection, std::move(op));
  execute(request);
  answer(request);
  return request;
}

std::size_t Story::read(std::size_t connection, Op op) { return read_from(connection, std::move(op), zxid_); }

std::size_t Story::read_from(std::size_t connection, Op op, std::int64_t zxid) {
  const std::size_t request = ask(connection, std::move(op));
  answer_from(request, zxid);
  return request;
}

void Story::event(std::size_t connection, jute::EventType type, const std::string& path, std::int64_t zxid) {
  Frame frame{.zxid = zxid, .body = {}, .event_type = static_cast<std::int32_t>(type), .event_path = path};
  history.connections[connection].frames.push_back(std::move(frame));
}

Frame& Story::answer_of(std::size_t request) {
  for (Frame& frame : history.connections[history.requests[request].connection].frames) {
    if (frame.request == request) return frame;
  }
  std::abort();
}

}  // namespace chorus::coord_sim
