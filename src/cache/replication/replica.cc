#include "cache/replication/replica.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "cache/connection/names.h"
#include "cache/replication/replication.h"
#include "cache/resp/number.h"
#include "cache/server.h"

namespace chorus::cache::replication {
namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::size_t line_octets_max = 64U << 10;
constexpr std::size_t id_digits = 40, mark_octets = 40;
/// What was passed on goes when it is more than that, and than what is left.
constexpr std::size_t passed_octets_max = 64U << 10;
/// No stream gets there, and sums with it do not overflow.
constexpr std::int64_t offset_most = std::int64_t{1} << 62;

bool is_history_id(std::string_view text) {
  return text.size() == id_digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::string_view name_of(Replica::State state) {
  using State = Replica::State;
  switch (state) {
    case State::idle:
      return "connect";
    case State::dialing:
      return "connecting";
    case State::greeting:
    case State::telling:
    case State::asking:
      return "handshake";
    case State::sizing:
    case State::loading:
    case State::marking:
      return "sync";
    case State::following:
      return "connected";
  }
  return {};
}

Replica::Replica(Server& server, Stream& stream, world::Address primary, unsigned db, bool takes_over)
    : server_(server),
      stream_(stream),
      primary_(std::move(primary)),
      takes_over_(takes_over),
      heard_us_(server.now().monotonic_us),
      down_since_us_(server.now().monotonic_us),
      db_(db) {}

Replica::~Replica() { drop(); }

std::int64_t Replica::received_end() const { return stream_.end() + static_cast<std::int64_t>(pending_.size() - passed_); }

void Replica::drop() {
  loader_.reset();
  server_.drop(std::move(databases_));
  databases_.clear();
  line_.clear();
  delayed_.clear();
  told_.clear();
  pending_.clear();
  mark_.clear();
  mark_seen_.clear();
  passed_ = 0;
  size_.reset();
  load_done_ = 0;
  acknowledges_.reset();
}

void Replica::break_off(std::string_view why) {
  if (state_ == State::idle) return;
  server_.replication().note(Note::Level::warning, fmt::format("primary lost address={} why=\"{}\"", to_string(primary_), why));
  const ClientId link = std::exchange(link_, ClientId(0));
  if (is_link_up()) down_since_us_ = server_.now().monotonic_us;
  state_ = State::idle;
  drop();
  // Not at once: it may be that it always fails.
  dials_at_us_ = server_.now().monotonic_us + second_us;
  if (Client* client = server_.find_client(link); client != nullptr) server_.break_off(*client);
  // It may be that the other has taken over, and this side only has not heard of it: it is asked again then.
  if (takes_over_ && !has_asked_to_take_over_) {
    takes_over_ = false;
    server_.replication().failover_refused();
  }
}

void Replica::disconnected(ClientId id) {
  if (id != link_ || link_ == ClientId(0)) return;
  break_off("the connection ended");
}

void Replica::delay(std::string_view octets) {
  delayed_ += octets;
  if (delayed_.size() > server_.options().query_octets_max) break_off("a script takes longer than its stream can wait");
}

void Replica::tick() {
  const std::int64_t now = server_.now().monotonic_us;
  if (!delayed_.empty()) {
    if (Client* client = server_.find_client(link_); client != nullptr && !client->closes) received(*client, {});
  }
  if (state_ == State::idle) {
    if (now < dials_at_us_ || server_.save_state().is_loading) return;
    state_ = State::dialing;
    heard_us_ = now;
    const Options& options = server_.options().replication;
    dial_ = Dial{.number = ++dials_, .to = primary_, .timeout_seconds = options.timeout_seconds, .with_tls = options.uses_tls};
    return;
  }
  if (now - heard_us_ > server_.options().replication.timeout_seconds * second_us) return break_off("it says nothing (repl-timeout)");
  if (state_ == State::following && now - acknowledged_us_ >= second_us) acknowledge(stream_.end());
  // So that it sees that this side is not gone, while it says nothing.
  if (state_ == State::loading && now - acknowledged_us_ >= second_us) {
    acknowledged_us_ = now;
    server_.send(link_, "\n");
  }
}

void Replica::dial_failed(std::uint64_t number, std::string_view why) {
  if (state_ == State::dialing && number == dials_) break_off(why);
}

bool Replica::connected(std::uint64_t number, Client& link) {
  if (state_ != State::dialing || number != dials_) return false;
  link_ = link.id;
  heard_us_ = server_.now().monotonic_us;
  state_ = State::greeting;
  say({"PING"});
  return true;
}

void Replica::say(std::initializer_list<std::string_view> words) { server_.send(link_, request(words)); }

void Replica::received(Client& link, std::string_view octets) {
  if (link.id != link_) return;
  heard_us_ = server_.now().monotonic_us;
  if (!delayed_.empty()) {
    // What came before comes first.
    const std::string all = std::exchange(delayed_, {}).append(octets);
    return received(link, all);
  }
  while (!octets.empty() && link_ == link.id) {
    if (state_ == State::following) return run(link, octets);
    if (state_ == State::loading || state_ == State::marking) {
      octets.remove_prefix(load(link, octets));
      continue;
    }
    const std::size_t end = octets.find('\n');
    line_ += octets.substr(0, end);
    if (line_.size() > line_octets_max) return break_off("its answer is too long");
    if (end == std::string_view::npos) return;
    octets.remove_prefix(end + 1);
    std::string line = std::exchange(line_, {});
    if (line.ends_with('\r')) line.pop_back();
    // A line without anything only shows that it is there.
    if (!line.empty()) take_line(link, std::move(line));
  }
}

void Replica::take_line(Client& link, std::string line) {
  switch (state_) {
    case State::greeting:
      if (!line.starts_with('+') && !line.starts_with("-NOAUTH") && !line.starts_with("-NOPERM") &&
          !line.starts_with("-ERR operation not permitted")) {
        return break_off(fmt::format("it answers to PING: {}", line));
      }
      return tell();
    case State::telling:
      if (told_.front() == "AUTH" && line.starts_with('-')) return break_off(fmt::format("masterauth is refused: {}", line));
      // Of what a primary does not know it can do without.
      told_.pop_front();
      return told_.empty() ? ask() : void();
    case State::asking:
      return answered(link, line);
    case State::sizing:
      return begin_loading(line);
    default:
      return break_off("it speaks out of turn");
  }
}

void Replica::tell() {
  const ServerOptions& all = server_.options();
  const Options& options = all.replication;
  state_ = State::telling;
  if (!options.password.empty()) {
    options.user.empty() ? say({"AUTH", options.password}) : say({"AUTH", options.user, options.password});
    told_.emplace_back("AUTH");
  }
  const std::int64_t listens_at = options.uses_tls && all.secure_port != 0 ? all.secure_port : all.port;
  const std::string port = std::to_string(options.announce_port != 0 ? options.announce_port : listens_at);
  say({"REPLCONF", "listening-port", port});
  told_.emplace_back("listening-port");
  if (!options.announce_ip.empty()) {
    say({"REPLCONF", "ip-address", options.announce_ip});
    told_.emplace_back("ip-address");
  }
  say({"REPLCONF", "capa", "eof", "capa", "psync2"});
  told_.emplace_back("capa");
  say({"REPLCONF", "version", redis_version});
  told_.emplace_back("version");
}

void Replica::ask() {
  state_ = State::asking;
  if (!stream_.is_kept()) return say({"PSYNC", "?", "-1"});
  const std::string from = std::to_string(stream_.end() + 1);
  if (!takes_over_) return say({"PSYNC", stream_.id(), from});
  has_asked_to_take_over_ = true;
  say({"PSYNC", stream_.id(), from, "FAILOVER"});
}

void Replica::answered(Client& link, std::string_view line) {
  const std::vector<std::string_view> words = base::split(line, ' ');
  if (words[0] == "+FULLRESYNC") {
    const auto end = words.size() == 3 ? parse_integer(words[2]) : std::nullopt;
    if (!end || *end < 0 || *end > offset_most || !is_history_id(words[1])) return break_off(fmt::format("it answers to PSYNC: {}", line));
    new_id_ = words[1];
    new_end_ = *end;
    if (std::exchange(takes_over_, false)) server_.replication().failover_done();
    is_old_ = false;
    state_ = State::sizing;
    return;
  }
  if (words[0] == "+CONTINUE" && stream_.is_kept()) {
    if (words.size() > 1 && words[1] != stream_.id()) {
      if (!is_history_id(words[1])) return break_off(fmt::format("it answers to PSYNC: {}", line));
      stream_.branch(std::string(words[1]));
      // They have to learn the new name.
      server_.replication().followers_go();
    }
    server_.replication().note(
        Note::Level::info, fmt::format("goes on with the stream of the primary address={} offset={}", to_string(primary_), stream_.end()));
    return follow(link);
  }
  if (takes_over_ && line.starts_with("-ERR PSYNC FAILOVER can't be sent to a master")) {
    // So it did take over, when it was asked the last time.
    takes_over_ = false;
    server_.replication().failover_done();
    return ask();
  }
  if (takes_over_ && line.starts_with('-')) has_asked_to_take_over_ = false;
  const bool is_for_now = line.starts_with("-NOMASTERLINK") || line.starts_with("-LOADING");
  if (is_for_now || !line.starts_with("-ERR unknown command") || takes_over_) {
    return break_off(fmt::format("it answers to PSYNC: {}", line));
  }
  // Redis before 2.8.
  is_old_ = true;
  new_id_ = server_.new_id();
  new_end_ = 0;
  state_ = State::sizing;
  say({"SYNC"});
}

void Replica::begin_loading(std::string_view line) {
  constexpr std::string_view marked = "$EOF:";
  if (line.starts_with(marked)) {
    mark_ = line.substr(marked.size());
    if (mark_.size() != mark_octets) return break_off("the mark of its snapshot is not one");
  } else {
    const auto size = line.starts_with('$') ? parse_integer(line.substr(1)) : std::nullopt;
    if (!size || *size <= 0) return break_off(fmt::format("in place of a snapshot: {}", line));
    size_ = static_cast<std::uint64_t>(*size);
  }
  server_.replication().note(Note::Level::info, fmt::format("loads all keys of the primary address={}", to_string(primary_)));
  databases_ = server_.make_databases();
  load_state_ = {};
  loader_ = std::make_unique<Loader>(databases_, server_.options().thresholds, server_.options().memory, load_state_);
  loader_->keeps_expired = true;
  state_ = State::loading;
}

/// How many of the octets belonged to the snapshot and its mark.
std::size_t Replica::load(Client& link, std::string_view octets) {
  std::size_t used = 0;
  if (state_ == State::loading) {
    if (size_) octets = octets.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(octets.size(), *size_ - load_done_)));
    const auto ended = loader_->feed(octets, server_.now().unix_us);
    if (!ended) {
      break_off(fmt::format("its snapshot cannot be loaded: {}", ended.error()));
      return octets.size();
    }
    used = *ended ? octets.size() - loader_->rest().size() : octets.size();
    load_done_ += used;
    if (size_ && load_done_ == *size_ && !*ended) {
      break_off("its snapshot ends before its end");
      return octets.size();
    }
    if (!*ended) return used;
    if (size_) {
      if (load_done_ != *size_) {
        break_off("its snapshot is longer than it is");
      } else {
        loaded(link);
      }
      return used;
    }
    state_ = State::marking;
    octets.remove_prefix(used);
  }
  const std::size_t more = std::min(octets.size(), mark_octets - mark_seen_.size());
  mark_seen_ += octets.substr(0, more);
  used += more;
  if (mark_seen_.size() < mark_octets) return used;
  if (mark_seen_ != mark_) {
    break_off("its snapshot does not end with its mark");
  } else {
    loaded(link);
  }
  return used;
}

void Replica::loaded(Client& link) {
  if (const std::string wrong = server_.adopt(std::move(databases_), loader_->functions); !wrong.empty()) {
    databases_.clear();
    return break_off(fmt::format("a library of functions of its: {}", wrong));
  }
  databases_.clear();
  db_ = loader_->stream_db.value_or(0);
  if (db_ >= server_.options().databases) db_ = 0;
  loader_.reset();
  stream_.become(new_id_, new_end_);
  // Theirs was another history.
  server_.replication().followers_go();
  server_.replication().note(Note::Level::info, fmt::format("has all keys of the primary address={} keys={} offset={}", to_string(primary_),
                                                            load_state_.keys_loaded, stream_.end()));
  follow(link);
}

void Replica::follow(Client& link) {
  state_ = State::following;
  link.db = db_;
  pending_.clear();
  passed_ = 0;
  if (std::exchange(takes_over_, false)) server_.replication().failover_done();
  // A primary that has sent its snapshot with a mark waits for that.
  acknowledge(stream_.end());
}

void Replica::run(Client& link, std::string_view octets) {
  pending_ += octets;
  stream_octets_ += octets.size();
  link.parser.feed(octets);
  server_.run_stream(link);
  if (link.id != link_ || state_ != State::following) return;
  if (link.closes) {
    // What cannot be read is in nobody's stream; and it would come again, so that all keys are asked for.
    break_off("its stream cannot be read");
    server_.replication().end_history();
    return server_.replication().followers_go();
  }
  applied(link);
  if (pending_.size() - passed_ > server_.options().query_octets_max)
    break_off("more of its stream waits than may (client-query-buffer-limit)");
}

void Replica::applied(Client& link) {
  if (link.id != link_ || state_ != State::following) return;
  // A transaction counts when it is whole: who comes back from within it has to be sent all of it again. So does what waits for a pause to
  // end.
  if (!link.transaction && link.held.empty()) {
    const std::size_t done = pending_.size() - link.parser.waiting();
    stream_.append(std::string_view(pending_).substr(passed_, done - passed_));
    passed_ = done;
    db_ = link.db;
    // Not for each command, so that what is left is not moved often.
    if (passed_ == pending_.size() || passed_ > std::max(passed_octets_max, pending_.size() / 2)) {
      pending_.erase(0, passed_);
      passed_ = 0;
    }
  }
  if (acknowledges_) acknowledge(*std::exchange(acknowledges_, {}));
}

void Replica::acknowledge(std::int64_t end) {
  acknowledged_us_ = server_.now().monotonic_us;
  if (!is_old_) say({"REPLCONF", "ACK", std::to_string(end)});
}

}  // namespace chorus::cache::replication
