#include "cache/call.h"

#include <algorithm>

#include "base/ensure.h"
#include "cache/resp/number.h"

namespace chorus::cache {

Call::Call(Server& server, Client& client, const Command& command, Arguments arguments, unsigned db)
    : reply(client.out, client.protocol), server_(server), client_(client), command_(command), arguments_(arguments), db_(db) {}

bool Call::is_word(std::size_t i, std::string_view word) const {
  const std::string_view argument = arguments_[i];
  if (argument.size() != word.size()) return false;
  for (std::size_t at = 0; at < word.size(); ++at) {
    const char c = argument[at];
    if ((c >= 'a' && c <= 'z' ? c - 32 : c) != word[at]) return false;
  }
  return true;
}

const ServerOptions& Call::options() const { return server_.options_; }
Statistics& Call::statistics() { return server_.statistics_; }

std::optional<std::int64_t> Call::integer(std::size_t i, std::string_view wrong) {
  const auto value = parse_integer(arguments_[i]);
  if (!value) error(wrong);
  return value;
}

std::optional<double> Call::real(std::size_t i, std::string_view wrong) {
  const auto value = parse_double(arguments_[i]);
  if (!value) error(wrong);
  return value;
}

std::optional<unsigned> Call::database_index(std::size_t i, std::string_view wrong) {
  const auto value = parse_integer(arguments_[i]);
  if (!value || *value < 0 || *value > 0x7fffffff) {
    error(value ? errors::db_out_of_range : wrong);
    return {};
  }
  if (*value >= static_cast<std::int64_t>(server_.databases_.size())) {
    error(errors::db_out_of_range);
    return {};
  }
  return static_cast<unsigned>(*value);
}

std::int64_t Call::now_ms() const { return server_.now_.unix_ms(); }
std::int64_t Call::now_us() const { return server_.now_.unix_us; }
bool Call::is_over(std::int64_t unix_ms) const { return unix_ms <= now_ms() && !client_.is_primary && !server_.is_replaying(); }
base::Random& Call::random() { return server_.random_; }
Database& Call::database(unsigned db) { return *server_.databases_[db]; }
unsigned Call::databases() const { return static_cast<unsigned>(server_.databases_.size()); }

Entry* Call::touch(Entry* entry) {
  if (entry != nullptr && (!client_.no_touch || command_.name == "touch")) server_.use(entry);
  return entry;
}

Entry* Call::read(std::string_view key) {
  Entry* entry = server_.live(db_, key);
  ++(entry == nullptr ? server_.statistics_.misses : server_.statistics_.hits);
  if (entry == nullptr) server_.notify(db_, Notify::missed, "keymiss", key);
  // A command that changes may change what it reads: XCLAIM.
  if (entry != nullptr && command_.flags.has(Flag::write)) database().about_to_change(entry);
  return touch(entry);
}

Entry* Call::write(unsigned db, std::string_view key) {
  Entry* entry = touch(server_.live(db, key));
  if (entry != nullptr) database(db).about_to_change(entry);
  return entry;
}
Entry* Call::peek(unsigned db, std::string_view key) { return server_.live(db, key); }

bool Call::is(const Entry* entry, Type type) {
  if (entry == nullptr || entry->type() == type) return true;
  error(errors::wrong_type);
  return false;
}

void Call::insert(unsigned db, Entry* entry) {
  server_.use_first(entry);
  database(db).insert(entry);
  server_.notify(db, Notify::fresh, "new", entry->key());
  server_.key_ready(db, entry->key());
}

void Call::erase(unsigned db, Entry* entry) { server_.erase(db, entry); }

void Call::set_string(std::string_view key, std::string_view value, std::optional<std::int64_t> expiry, bool keeps_expiry) {
  Entry* old = server_.live(db_, key);
  if (old == nullptr) return insert(Entry::make_string(key, value, expiry));
  database().about_to_change(old);
  if (keeps_expiry) expiry = old->expiry();
  const auto number = value.size() <= 20 ? parse_integer(value) : std::nullopt;
  const bool same_shape = old->type() == Type::string && old->expires() == expiry.has_value();
  // In the place of the old one, where that is possible: most writes are.
  if (same_shape && (number ? old->encoding() == Encoding::integer : old->assign_embedded(value))) {
    if (number) old->set_integer(*number);
    if (expiry) old->set_expiry(*expiry);
    touch(old);
    return;
  }
  Entry* fresh = number ? Entry::make_integer(key, *number, expiry) : Entry::make_string(key, value, expiry);
  fresh->set_access(old->access());
  touch(fresh);
  if (old->type() != Type::string) server_.key_gone(db_, key);
  database().replace(old, fresh, false);
}

void Call::swap_databases(unsigned one, unsigned other) {
  if (one == other) return;
  server_.database_changed(one, &database(other));
  server_.database_changed(other, &database(one));
  database(one).swap(database(other));
  server_.evictor_.forget();
  server_.keys_ready(one);
  server_.keys_ready(other);
}

std::size_t Call::clear_database(unsigned db) {
  const std::size_t count = database(db).size();
  server_.database_changed(db, nullptr);
  database(db).clear();
  server_.keys_ready(db);
  return count;
}

void Call::changed(unsigned db, std::string_view key, Notify what, std::string_view event) {
  changed();
  server_.key_changed(db, key);
  server_.notify(db, what, event, key);
}

void Call::changed() {
  ++changes_;
  ++server_.save_.changes;
}

void Call::changed_quietly(std::string_view key) {
  changed();
  server_.key_changed(db_, key);
}

void Call::event(std::string_view key, Notify what, std::string_view event) { server_.notify(db_, what, event, key); }

void Call::effect(Arguments words) { effect(db_, words); }

void Call::effect(unsigned db, Arguments words) {
  has_effects_ = true;
  if (!client_.skips_effects) server_.effects_.add(db, words);
}

bool Call::block(std::span<const std::string_view> keys, std::int64_t timeout_us, Arguments again, bool without_key) {
  if (client_.transaction || client_.is_script || client_.is_primary) return false;
  if (client_.blocked != nullptr) return true;  // woken for nothing: it keeps its place and its time
  auto blocked = std::make_unique<BlockedCommand>();
  blocked->command = &command_;
  blocked->arguments.assign(again.begin(), again.end());
  blocked->without_key = without_key;
  blocked->db = db_;
  for (const std::string_view key : keys) blocked->keys.emplace_back(key);
  if (timeout_us > 0) blocked->deadline_us = server_.now_.monotonic_us + timeout_us;
  server_.block(client_, std::move(blocked));
  return true;
}

bool Call::wait_for(Acknowledgement wanted, std::int64_t timeout_ms) {
  if (client_.transaction || client_.is_script || client_.is_primary) return false;
  auto blocked = std::make_unique<BlockedCommand>();
  blocked->command = &command_;
  blocked->db = db_;
  blocked->arguments.assign(arguments_.begin(), arguments_.end());
  blocked->acknowledgement = wanted;
  constexpr std::int64_t ms_max = std::int64_t{1} << 50;
  if (timeout_ms > 0) blocked->deadline_us = server_.now_.monotonic_us + std::min(timeout_ms, ms_max) * 1000;
  server_.block(client_, std::move(blocked));
  return true;
}

void Call::ready(std::string_view key) { server_.key_ready(db_, key); }

bool Call::is_too_long() const { return client_.out.size() > server_.options_.reply_octets_max; }

void Call::run_instead(Arguments words) {
  const Command* other = CommandTable::all().find(words.front());
  ENSURE(other != nullptr && other->takes(words.size()), words.front());
  Call call(server_, client_, *other, words, db_);
  other->run(call);
  call.finish();
  has_failed_ = call.has_failed_;
}

void Call::error(std::string_view text) {
  server_.count_error(text);
  repeat_error(text);
}

void Call::repeat_error(std::string_view text) {
  has_failed_ = true;
  reply.error(text);
}

void Call::keep_arguments() {
  if (!kept_.empty()) return;
  kept_.assign(arguments_.begin(), arguments_.end());
  kept_arguments_.assign(kept_.begin(), kept_.end());
  arguments_ = kept_arguments_;
}

void Call::finish() {
  if (changes_ > 0 && !has_effects_ && !client_.skips_effects) server_.effects_.add(db_, arguments_);
}

}  // namespace chorus::cache
