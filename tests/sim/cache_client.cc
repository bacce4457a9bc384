#include "cache_client.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"

namespace chorus::cache_sim {

std::optional<std::size_t> reply_size(std::string_view octets) {
  const std::size_t end = octets.find("\r\n");
  if (end == std::string_view::npos) return {};
  std::size_t size = end + 2;
  const auto count = base::parse_int(octets.substr(1, end - 1)).value_or(-1);
  if (octets[0] == '$' && count >= 0) {
    size += static_cast<std::size_t>(count) + 2;
    return size <= octets.size() ? std::optional(size) : std::nullopt;
  }
  for (std::int64_t i = 0; octets[0] == '*' && i < count; ++i) {
    const auto element = reply_size(octets.substr(size));
    if (!element) return {};
    size += *element;
  }
  return size;
}

void RedisConnection::ask(const std::vector<std::string>& words, Done done) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const std::string& word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
  const std::uint64_t number = ++asked_;
  waiting_.push_back({std::move(done), number});
  world_.after(patience_, [this, number, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock() && !waiting_.empty() && waiting_.front().number <= number) lose();
  });
  if (connection_) return connection_->write(std::move(text));
  out_ += text;
  if (std::exchange(is_dialing_, true)) return;
  world_.connect(address_, {.timeout = patience_}, [this, alive = std::weak_ptr<bool>(alive_)](auto connection) {
    if (alive.lock()) connected(std::move(connection));
  });
}

void RedisConnection::connected(world::NetResult<std::unique_ptr<world::Connection>> connection) {
  is_dialing_ = false;
  if (!connection) return lose();
  connection_ = std::move(*connection);
  connection_->start(*this);
  connection_->write(std::exchange(out_, {}));
}

void RedisConnection::on_data(std::string_view octets) {
  in_ += octets;
  for (auto size = reply_size(in_); size && !waiting_.empty(); size = reply_size(in_)) {
    const std::string reply = in_.substr(0, *size);
    in_.erase(0, *size);
    const Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    waiting.done(reply);
  }
}

void RedisConnection::on_closed(const world::NetError& /*why*/) { lose(); }

void RedisConnection::lose() {
  connection_.reset();
  in_.clear();
  out_.clear();
  for (const Waiting& waiting : std::exchange(waiting_, {})) waiting.done({});
}

}  // namespace chorus::cache_sim
