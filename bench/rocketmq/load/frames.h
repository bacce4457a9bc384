// The few remoting frames that the load needs, in the words of RocketMQ 5.5.0's own Java client. Encoded once; only numbers of fixed width
// are written for each request (Java and Chorus read leading zeros as the same number).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chorus::bench::rocketmq {

/// Request codes, source: remoting/protocol/RequestCode.java
enum class Code : std::int32_t {
  pull = 11,
  create_topic = 17,
  create_topics = 18,
  max_offset = 30,
  min_offset = 31,
  end_transaction = 37,
  send = 310,
  send_batch = 320,
};
/// Answer codes, source: remoting/protocol/ResponseCode.java
inline constexpr std::int32_t success = 0, pull_not_found = 19, pull_again = 20;

/// The opaque of a stamped frame is this and the number given: ten digits, whatever the number.
inline constexpr std::uint32_t opaque_base = 1'000'000'000;

/// "PREFIX-00012"
std::string topic_name(std::string_view prefix, std::uint64_t number);

using Fields = std::vector<std::pair<std::string_view, std::string>>;
/// Any request, with its lengths.
std::string request_frame(Code code, std::uint32_t opaque, const Fields& fields, std::string_view body = {});

/// A whole frame but for its first length, read: borrowed from it.
struct Answer {
  std::int32_t code = 0;
  std::uint32_t opaque = 0;
  bool is_response = false;  // else the server asks something of its own
  std::string_view header;
  std::string_view body;
};
/// Empty when it has no such header, in JSON.
std::optional<Answer> parse_answer(std::string_view frame);
/// A field of the header: what stands between its quotes, or a bare number.
std::optional<std::string_view> text_field(std::string_view header, std::string_view name);
std::optional<std::int64_t> number_field(std::string_view header, std::string_view name);

/// A message in the body of an answer to a pull, as it is stored. source: common/message/MessageDecoder.java
struct Pulled {
  std::int64_t offset = 0;
  std::string_view body;
};
/// Takes the next message off `octets`; empty when there is none that is whole.
std::optional<Pulled> next_pulled(std::string_view& octets);

/// A body begins with when it was sent: nanoseconds of the monotonic clock, big-endian.
inline constexpr std::uint32_t stamp_octets = 8;
std::optional<std::uint64_t> stamp_of(std::string_view body);

/// Over digits that are there, as many as `width`.
void write_digits(char* to, std::size_t width, std::uint64_t number);

struct SendShape {
  std::string group = "bench-producer";
  std::string topic = "bench";  // of the topics PREFIX-00000, PREFIX-00001 ...
  std::uint32_t body_octets = 128;
  std::uint32_t batch = 1;  // messages in a request
  bool half = false;        // of a transaction
  std::uint64_t producer = 0;
};

/// What differs from one request to send to the next.
struct SendNumbers {
  std::uint32_t slot = 0;  // the opaque, above opaque_base
  std::uint32_t topic = 0;
  std::uint32_t queue = 0;
  std::uint64_t born_ms = 0;
  std::uint64_t unique = 0;  // of the first message; those of a batch follow
  std::uint64_t stamp_ns = 0;
};

/// A request to send one message or a batch, stamped out many times.
class SendStamp {
 public:
  explicit SendStamp(const SendShape& shape);

  std::size_t size() const { return frame_.size(); }
  /// Writes size() octets at `to`.
  void write(char* to, const SendNumbers& numbers) const;

 private:
  std::string frame_;
  std::size_t opaque_at_ = 0, topic_at_ = 0, queue_at_ = 0, born_at_ = 0;
  std::vector<std::size_t> unique_at_;  // the header's own first, in a batch
  std::vector<std::size_t> stamp_at_;
};

/// The commit of a half message, with an answer wanted (a client wants none), so that it is known when it is done.
class EndStamp {
 public:
  explicit EndStamp(const SendShape& shape);

  std::size_t size() const { return frame_.size(); }
  /// `half_offset`: in the queue of half messages; `half_position`: in the log, which the message's id tells.
  void write(char* to, std::uint32_t slot, std::uint32_t topic, std::uint64_t unique, std::int64_t half_offset,
             std::int64_t half_position) const;

 private:
  std::string frame_;
  std::size_t opaque_at_ = 0, topic_at_ = 0, offset_at_ = 0, position_at_ = 0;
  std::vector<std::size_t> unique_at_;
};

/// Position in the log that an offset id of an IPv4 host tells (address, port, position in hexadecimal); empty when it is none.
std::optional<std::int64_t> position_of_id(std::string_view id);

/// A pull of one queue by a consumer that has subscribed to everything.
class PullStamp {
 public:
  /// held: the server waits with its answer until there is something; else it answers at once.
  PullStamp(std::string_view group, std::string_view topic, std::uint32_t queue, std::uint32_t slot, bool held);

  /// The frame for the messages from `offset` on, which commits all before it when it is held.
  std::string_view at(std::int64_t offset);

 private:
  std::string frame_;
  std::size_t offset_at_ = 0, commit_at_ = 0;
};

}  // namespace chorus::bench::rocketmq
