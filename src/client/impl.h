// The shell of the session machine: binds it to the world. Private to this module.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"

namespace chorus::client {

/// What becomes of a reply. The body is borrowed until return.
using Done = std::move_only_function<void(Code code, std::string_view body)>;

class Client::Impl final : public world::ConnectionHandler, public std::enable_shared_from_this<Impl> {
 public:
  Impl(world::World& world, ClientOptions options);
  ~Impl() override;

  void submit(Event event);
  void submit(Request request, Done done);
  /// Completes without asking the server.
  void refuse(Code code, Done done);
  void add_auth(std::string scheme, std::string auth, Done done);
  void close(std::move_only_function<void()> done);
  /// No callback from now on.
  void stop();

  const std::string& chroot() const { return chroot_; }
  const Session& session() const { return session_; }
  std::vector<StateListener>& listeners() { return listeners_; }

  void on_data(std::string_view octets) override;
  void on_closed(const world::NetError& why) override;

 private:
  class Prober;

  void pump();
  void perform(action::Connect& connect);
  void perform(action::Disconnect&);
  void perform(action::Send& send);
  void perform(action::Complete& complete);
  void perform(action::Fire& fire);
  void perform(action::Became& became);
  void perform(action::Probe& probe);
  std::uint64_t keep(Done done);
  void drop_connection();
  void flush();
  void arm();

  world::World& world_;
  const std::string chroot_;
  const std::optional<world::TlsOptions> tls_;
  Session session_;

  std::vector<Event> inbox_;
  std::vector<Event> batch_;
  std::vector<Action> actions_;
  bool pumping_ = false;
  bool pump_posted_ = false;
  bool stopped_ = false;

  std::unique_ptr<world::Connection> connection_;
  std::uint64_t dial_ = 0;  // the latest; answers to earlier ones are dropped
  std::string outbox_;      // one write for all requests of a turn of the loop
  std::unique_ptr<Prober> prober_;

  world::TimerId timer_;
  Instant timer_at_{};

  std::deque<Done> done_;  // by request id, from first_id_
  std::uint64_t first_id_ = 1;
  std::vector<StateListener> listeners_;
  std::vector<std::move_only_function<void()>> on_closed_;
};

}  // namespace chorus::client
