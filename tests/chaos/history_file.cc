#include "history_file.h"

#include <concepts>
#include <map>
#include <type_traits>
#include <vector>

#include "base/bytes.h"

namespace chorus::chaos {

using coord_sim::ConnectionHistory;
using coord_sim::Frame;
using coord_sim::History;
using coord_sim::Op;
using coord_sim::Request;
using coord_sim::SessionHistory;

namespace {

constexpr std::string_view magic = "chorus history 1\n";

// Each record names its fields once, for both directions.
template <class Archive, class T>
  requires std::same_as<std::remove_const_t<T>, Op>
void fields(Archive& a, T& op) {
  a(op.code, op.path, op.data, op.version, op.flags, op.ttl_ms, op.watch, op.parts, op.relative_zxid, op.data_watches, op.exist_watches,
    op.child_watches, op.persistent_watches, op.recursive_watches);
}
template <class Archive, class T>
  requires std::same_as<std::remove_const_t<T>, Request>
void fields(Archive& a, T& request) {
  a(request.op, request.session, request.xid, request.connection, request.sent_ns, request.answered_ns);
}
template <class Archive, class T>
  requires std::same_as<std::remove_const_t<T>, Frame>
void fields(Archive& a, T& frame) {
  a(frame.request, frame.zxid, frame.err, frame.body, frame.event_type, frame.event_path);
}
template <class Archive, class T>
  requires std::same_as<std::remove_const_t<T>, ConnectionHistory>
void fields(Archive& a, T& connection) {
  a(connection.client, connection.session, connection.requests, connection.frames);
}
template <class Archive, class T>
  requires std::same_as<std::remove_const_t<T>, SessionHistory>
void fields(Archive& a, T& session) {
  a(session.timeout_ms, session.abandoned, session.heard_ns, session.refused_ns);
}
template <class Archive, class T>
  requires std::same_as<std::remove_const_t<T>, History>
void fields(Archive& a, T& history) {
  a(history.requests, history.connections, history.sessions, history.faults);
}

template <class T>
concept Number = std::integral<T> || std::is_enum_v<T>;

class Saver {
 public:
  explicit Saver(std::string& out) : out_(out) {}
  template <class... T>
  void operator()(const T&... values) {
    (save(values), ...);
  }

 private:
  template <Number T>
  void save(const T& value) {
    out_.u64(static_cast<std::uint64_t>(value));
  }
  void save(const std::string& text) {
    out_.u64(text.size());
    out_.octets(text);
  }
  template <class T>
  void save(const std::optional<T>& value) {
    save(value.has_value());
    if (value) save(*value);
  }
  template <class T>
  void save(const std::vector<T>& list) {
    out_.u64(list.size());
    for (const T& one : list) save(one);
  }
  template <class K, class T>
  void save(const std::map<K, T>& table) {
    out_.u64(table.size());
    for (const auto& [key, value] : table) (*this)(key, value);
  }
  template <class T>
  void save(const T& record) {
    fields(*this, record);
  }
  base::Writer out_;
};

class Loader {
 public:
  explicit Loader(std::string_view octets) : in_(octets) {}
  template <class... T>
  void operator()(T&... values) {
    (load(values), ...);
  }
  bool is_whole() const { return in_.ok() && in_.remaining() == 0; }

 private:
  template <Number T>
  void load(T& value) {
    value = static_cast<T>(in_.u64());
  }
  void load(std::string& text) { text = std::string(in_.octets(in_.u64())); }
  template <class T>
  void load(std::optional<T>& value) {
    bool there = false;
    load(there);
    if (there) load(value.emplace());
  }
  template <class T>
  void load(std::vector<T>& list) {
    for (std::uint64_t left = in_.u64(); left > 0 && in_.ok(); --left) load(list.emplace_back());
  }
  template <class K, class T>
  void load(std::map<K, T>& table) {
    for (std::uint64_t left = in_.u64(); left > 0 && in_.ok(); --left) {
      K key{};
      load(key);
      load(table[key]);
    }
  }
  template <class T>
  void load(T& record) {
    fields(*this, record);
  }
  base::Reader in_;
};

}  // namespace

std::string encode(const History& history) {
  std::string out(magic);
  Saver saver(out);
  saver(history);
  return out;
}

std::optional<History> decode(std::string_view octets) {
  if (!octets.starts_with(magic)) return std::nullopt;
  Loader loader(octets.substr(magic.size()));
  std::optional<History> history(std::in_place);
  loader(*history);
  if (!loader.is_whole()) return std::nullopt;
  return history;
}

}  // namespace chorus::chaos
