// What the parts of a reactor share. Internal to world/real: it drags in Asio.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "world/real/disk_thread.h"
#include "world/real/files.h"
#include "world/real/polling.h"
#include "world/world.h"

namespace chorus::world::real {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
class Stream;

class Core {
 public:
  explicit Core(std::string name);
  ~Core();

  /// Every call into code of others goes through here. What that code wrote to connections is sent when it is done: one system call for
  /// each connection, however many small writes there were.
  template <class Function>
  void event(Function&& function) {
    ++depth_;
    function();
    if (--depth_ == 0 && !unflushed_.empty()) flush();
  }
  /// Has `stream` flushed at the end of the present event, or soon when there is none.
  void flush_later(std::shared_ptr<Stream> stream);

  TimerId after(Duration delay, Callback callback);
  void cancel(TimerId timer);
  void post(Callback callback);
  /// The same for threads that work for this reactor. Asio's post wakes the loop while it holds the lock that the loop needs first: the two
  /// threads then put one another to sleep, which costs more than the work of a small request.
  void deliver(Callback callback);
  void on_signals(std::initializer_list<int> signals, std::function<void(int)> callback);
  void run_on_disk(Callback job, Callback done);
  void run_in_background(Callback job, Callback done);

  /// Runs callbacks until the context is stopped.
  void run();
  /// See Reactor.
  void let_others_in();
  /// See Reactor.
  void poll_disk(Duration limit) { polling_.set_limit(limit); }

  /// A connection had something to read.
  void received() { ++received_; }

  /// What a connection reads goes here first; good until the handler returns.
  static constexpr std::size_t receive_size = 256 << 10;
  char* receive_buffer() { return receive_buffer_.get(); }
  /// For octets that TLS has decrypted, one record at a time.
  static constexpr std::size_t plain_size = 16 << 10;
  char* plain_buffer();

  /// Small writes are gathered in chunks of this size, which go from connection to connection.
  static constexpr std::size_t chunk_size = 16 << 10;
  std::string take_chunk();
  void give_chunk(std::string chunk);

 private:
  struct DiskJob {
    Callback run;
    Callback done;
  };
  struct Deadline {
    Instant when;
    std::uint64_t id;
    // For a heap whose top is the earliest; equal times run in the order in which they were asked for.
    friend bool operator<(const Deadline& a, const Deadline& b) { return a.when != b.when ? a.when > b.when : a.id > b.id; }
  };
  void flush();
  bool enqueue(Callback callback);
  void poll();
  bool set_awake(bool awake);
  void run_posted();
  void wait_for_delivery();
  void run_timers();
  void arm_timer();
  void wait_for_signal();
  void give_to_thread(DiskJob job);
  void run_held();
  void finish_job(Callback& done);
  DiskThread& started(std::unique_ptr<DiskThread>& thread, const char* suffix);

  const std::string name_;
  bool going_ = false;  // being destroyed: nothing new is taken on
  int depth_ = 0;
  bool flush_posted_ = false;
  std::vector<std::shared_ptr<Stream>> unflushed_;
  std::vector<std::string> chunks_;
  std::unique_ptr<char[]> receive_buffer_;
  std::unique_ptr<char[]> plain_buffer_;

  std::vector<Deadline> deadlines_;  // a heap; those whose timer is no longer in timers_ are void
  absl::flat_hash_map<std::uint64_t, Callback> timers_;
  std::uint64_t last_timer_ = 0;
  std::optional<Instant> armed_for_;

  std::mutex posted_mutex_;  // guards the next two, which other threads reach
  std::vector<Callback> posted_;
  bool awake_ = false;  // posted_ is looked at all the time: nobody need wake the loop
  std::vector<Callback> running_;

 public:
  base::Random random;
  PosixFiles files;
  // The locks around sockets are left out (they are used by one thread); posting from other threads stays safe.
  asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};

 private:
  asio::executor_work_guard<asio::io_context::executor_type> work_{context.get_executor()};
  asio::steady_timer alarm_{context};
  asio::posix::stream_descriptor delivery_;  // an eventfd
  std::uint64_t deliveries_ = 0;             // what is read from it
  std::optional<asio::signal_set> signals_;
  std::function<void(int)> on_signal_;
  Polling polling_;
  // Disk work waits for the end of the loop's turn. Whether the loop then does it itself, see docs/decisions/0012: what was sent and
  // received since such work was last done tells whether anybody would be held up.
  std::vector<DiskJob> held_;
  int jobs_on_thread_ = 0;
  std::size_t answered_ = 0;
  std::size_t received_ = 0;
  bool job_done_ = false;  // in the present event: what is sent was waited for
  // Started when first used.
  std::unique_ptr<DiskThread> disk_;
  std::unique_ptr<DiskThread> background_;
};

}  // namespace chorus::world::real
