#include "mq/acl/access.h"

#include <utility>

namespace chorus::mq::acl {

Access::Access(AccessOptions options, Records& records, spdlog::logger& logger)
    : options_(std::move(options)), records_(records), log_(logger) {}

void Access::begin(const std::vector<Record>& all, std::move_only_function<void()> ready) {
  for (const Record& record : all) learn(record);
  change(
      [this](const AccessTable& table) -> AclResult<std::vector<Record>> {
        std::vector<Record> missing;
        if (const auto& user = options_.initial_user; user && !table.user(user->name)) {
          missing.push_back({Kind::user, user->name, to_json(*user)});
        }
        for (const Account& account : options_.accounts) {
          const PlainAccount* kept = table.account(account.access_key);
          if (kept == nullptr) {
            missing.push_back({Kind::account, account.access_key, to_json(account)});
          } else if (kept->account() != account) {
            log_.warn("an account was changed since it was taken from mq.acl_file: it stays as it is accessKey={}", account.access_key);
          }
        }
        if (table.white_addresses().empty() && !options_.white_addresses.empty()) {
          missing.push_back({Kind::setting, std::string(white_addresses_setting), to_json(options_.white_addresses)});
        }
        return missing;
      },
      [this, ready = std::move(ready)](AclResult<void> made) mutable {
        // It goes on with what there is: whoever is not known is refused.
        if (!made) log_.error("initial users and accounts are not made: {}", made.error().message);
        ready_ = true;
        log_.info("access control is on users={} policies={} accounts={}", table_.users().size(), table_.acls().size(),
                  table_.accounts().size());
        ready();
      });
}

void Access::learn(const Record& record) {
  if (!table_.apply(record)) log_.error("a record of access control cannot be read, and allows nothing name={}", record.name);
}

bool Access::knows(const Record& record) const {
  switch (record.kind) {
    case Kind::user:
      return table_.user(record.name) != nullptr;
    case Kind::policies:
      return table_.acl(record.name) != nullptr;
    case Kind::account:
      return table_.account(record.name) != nullptr;
    case Kind::setting:
      break;
  }
  return false;
}

void Access::apply(const Record& record) {
  const bool known_before = knows(record);
  learn(record);
  if (!ready_ || known_before == record.json.has_value()) return;
  std::erase_if(news_, [&](const News& one) { return one.kind == record.kind && one.name == record.name; });
  news_.push_back({record.kind, record.name, known_before});
  if (news_.size() > news_max) news_.pop_front();
}

bool Access::take_done_by_others(Kind kind, std::string_view name, bool gone) {
  return std::erase_if(news_, [&](const News& one) { return one.kind == kind && one.name == name && one.gone == gone; }) > 0;
}

void Access::change(Change change, Done done) {
  if (waiting_.size() >= changes_max) return done(base::error(AclErrc::busy, "too many changes of access control wait to be kept"));
  waiting_.push_back({std::move(change), std::move(done)});
  if (!changing_) next();
}

void Access::next() {
  while (!changing_ && !waiting_.empty()) {
    const auto one = std::make_shared<Waiting>(std::move(waiting_.front()));
    waiting_.pop_front();
    run(one);
  }
}

void Access::run(const std::shared_ptr<Waiting>& one) {
  auto records = one->change(table_);
  if (!records) {
    one->done(std::unexpected(records.error()));
  } else if (records->empty()) {
    one->done({});
  } else {
    changing_ = true;
    put(one, std::make_shared<std::vector<Record>>(std::move(*records)), 0);
  }
}

void Access::put(const std::shared_ptr<Waiting>& one, std::shared_ptr<std::vector<Record>> records, std::size_t at) {
  records_.put((*records)[at], [this, alive = std::weak_ptr<bool>(alive_), one, records, at](auto kept) {
    if (!alive.lock()) return;
    if (kept) {
      const Record& record = (*records)[at];
      std::erase_if(news_, [&](const News& news) { return news.kind == record.kind && news.name == record.name; });
      learn(record);
      if (at + 1 < records->size()) return put(one, records, at + 1);
    }
    changing_ = false;
    if (!kept && kept.error().changed_by_others && ++one->conflicts < 3) {
      run(one);
    } else {
      one->done(kept ? AclResult<void>() : base::error(AclErrc::failed, kept.error().words));
    }
    if (alive.lock()) next();
  });
}

}  // namespace chorus::mq::acl
