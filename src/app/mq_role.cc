#include "app/mq_role.h"

#include <spdlog/spdlog.h>

#include <mutex>
#include <thread>
#include <utility>

#include "world/real/reactor.h"

namespace chorus::app {

class MqRole::Impl {
 public:
  explicit Impl(std::function<void(const std::string&)> failed) : failed_(std::move(failed)), reactor_("chorus-mq") {}
  ~Impl() {
    reactor_.stop();
    if (thread_.joinable()) thread_.join();
    node_.reset();
  }

  base::Result<void, std::string> start(mq::Options options) {
    auto node = mq::Node::start(reactor_, std::move(options), *spdlog::default_logger());
    if (!node) return std::unexpected(node.error());
    node_ = std::move(*node);
    node_->on_failure([this](const std::string& why) { failed_(why); });
    note_facts();
    note_samples();
    thread_ = std::thread([this] { reactor_.run(); });
    return {};
  }

  void stop(std::function<void()> done) {
    reactor_.post([this, done = std::move(done)] { node_->stop([done] { done(); }); });
  }

  mq::Facts facts() const {
    const std::lock_guard lock(mutex_);
    return facts_;
  }
  std::shared_ptr<const mq::Samples> samples() const {
    const std::lock_guard lock(mutex_);
    return samples_;
  }

 private:
  // Read by the thread that answers scrapes: the one thing that both touch.
  void note_facts() {
    {
      const std::lock_guard lock(mutex_);
      facts_ = node_->facts();
    }
    reactor_.after(std::chrono::milliseconds(200), [this] { note_facts(); });
  }

  // Less often: it goes through every topic and every queue of a group.
  void note_samples() {
    auto samples = std::make_shared<const mq::Samples>(node_->samples());
    {
      const std::lock_guard lock(mutex_);
      samples_ = std::move(samples);
    }
    reactor_.after(std::chrono::seconds(5), [this] { note_samples(); });
  }

  std::function<void(const std::string&)> failed_;
  world::real::Reactor reactor_;
  std::unique_ptr<mq::Node> node_;
  std::thread thread_;
  mutable std::mutex mutex_;
  mq::Facts facts_;
  std::shared_ptr<const mq::Samples> samples_ = std::make_shared<const mq::Samples>();
};

MqRole::MqRole(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MqRole::~MqRole() = default;

base::Result<std::unique_ptr<MqRole>, std::string> MqRole::start(mq::Options options, std::function<void(const std::string&)> failed) {
  auto impl = std::make_unique<Impl>(std::move(failed));
  if (auto started = impl->start(std::move(options)); !started) return std::unexpected(started.error());
  return std::unique_ptr<MqRole>(new MqRole(std::move(impl)));
}

void MqRole::stop(std::function<void()> done) { impl_->stop(std::move(done)); }
mq::Facts MqRole::facts() const { return impl_->facts(); }
std::shared_ptr<const mq::Samples> MqRole::samples() const { return impl_->samples(); }

void collect_mq(const mq::Facts& facts, const mq::Samples& samples, admin::MetricWriter& out) {
  for (const mq::Sample& each : samples.all) out.gauge(std::string(each.name), std::string(each.help), each.value, each.labels);
  out.gauge("chorus_mq_metric_series_left_out", "Series of topics and groups beyond mq.metric_series_max.",
            static_cast<double>(samples.left_out));
  const auto number = [](auto value) { return static_cast<double>(value); };
  out.gauge("chorus_mq_serving", "1: the broker takes clients.", facts.serving ? 1 : 0);
  out.gauge("chorus_mq_connections", "Connections to the broker.", number(facts.connections));
  out.gauge("chorus_mq_producers", "Producers, each once a group.", number(facts.producers));
  out.gauge("chorus_mq_consumers", "Consumers, each once a group.", number(facts.consumers));
  out.gauge("chorus_mq_waiting_pulls", "Consumers that wait for a message.", number(facts.waiting));
  out.gauge("chorus_mq_topics", "Topics, RocketMQ's own among them.", number(facts.topics));
  out.gauge("chorus_mq_groups", "Groups of consumers, RocketMQ's own among them.", number(facts.groups));
  out.gauge("chorus_mq_transactions_open", "Half messages that wait for their end.", number(facts.open_transactions));
  out.gauge("chorus_mq_pop_waiting", "Consumers in POP mode that wait for a message; they are among the waiting pulls.",
            number(facts.pops_waiting));
  out.gauge("chorus_mq_pop_in_flight", "Messages popped and not acknowledged yet.", number(facts.pops_in_flight));
  out.counter("chorus_mq_messages_in_total", "Messages stored, copies for retries and delays among them.",
              number(facts.counters.messages_in));
  out.counter("chorus_mq_in_bytes_total", "Octets of them.", number(facts.counters.octets_in));
  out.counter("chorus_mq_messages_out_total", "Messages given to consumers.", number(facts.counters.messages_out));
  out.counter("chorus_mq_out_bytes_total", "Octets of them.", number(facts.counters.octets_out));
  out.counter("chorus_mq_send_failures_total", "Messages that were not taken.", number(facts.counters.send_failures));
  out.counter("chorus_mq_transactions_committed_total", "Transactions whose message is seen.",
              number(facts.counters.transactions_committed));
  out.counter("chorus_mq_transactions_rolled_back_total", "Transactions whose message is never seen.",
              number(facts.counters.transactions_rolled_back));
  out.counter("chorus_mq_transaction_checks_total", "Producers asked about a transaction.", number(facts.counters.transaction_checks));
  out.counter("chorus_mq_delayed_delivered_total", "Delayed messages that came due.", number(facts.counters.delayed_delivered));
  out.counter("chorus_mq_dead_letters_total", "Messages put aside after too many tries.", number(facts.counters.dead_letters));
  out.counter("chorus_mq_refused_connections_total", "Connections beyond what is allowed, of all or of an address.",
              number(facts.port.connections_refused));
  out.counter("chorus_mq_busy_answers_total", "Requests beyond what one connection may have unanswered.",
              number(facts.port.requests_refused));
  out.counter("chorus_mq_connection_pauses_total", "Times that a connection was not read from, until it took its answers or was answered.",
              number(facts.port.pauses));
  out.counter("chorus_mq_unread_connections_ended_total", "Connections that left too much unread.", number(facts.port.connections_ended));
  for (const auto& [reason, count] :
       {std::pair{"authentication", facts.refused_authentication}, {"authorization", facts.refused_authorization}}) {
    out.counter("chorus_mq_refused_requests_total", "Requests that access control did not let pass.", number(count), {{"reason", reason}});
  }
  out.counter("chorus_mq_popped_total", "Messages given to consumers in POP mode.", number(facts.counters.popped));
  out.counter("chorus_mq_pop_acked_total", "Messages that they acknowledged.", number(facts.counters.pop_acked));
  out.counter("chorus_mq_pop_revived_total", "Messages that they did not acknowledge in time: given again, or put aside.",
              number(facts.counters.pop_revived));
  out.gauge("chorus_mq_log_bytes", "Octets of the message log.", number(facts.store.octets));
  out.gauge("chorus_mq_log_segments", "Files of it.", number(facts.store.segments));
  out.gauge("chorus_mq_log_pending_bytes", "Octets that wait for the disk.", number(facts.store.pending_octets));
  out.gauge("chorus_mq_queues", "Queues that were ever written to.", number(facts.store.queues));
  out.counter("chorus_mq_log_groups_total", "Groups of messages written together.", number(facts.store.groups));
  out.counter("chorus_mq_log_tail_reads_total", "Reads answered from memory.", number(facts.store.tail_reads));
  out.counter("chorus_mq_log_disk_reads_total", "Reads answered from the disk.", number(facts.store.disk_reads));
  out.counter("chorus_mq_log_damaged_total", "Entries found damaged when read.", number(facts.store.damaged));
}

}  // namespace chorus::app
