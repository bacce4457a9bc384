#include "mq/client/blocking.h"

namespace chorus::mqclient {

BlockingClient::BlockingClient(ClientOptions options)
    : reactor_("mq-client"), client_(std::make_unique<Client>(reactor_, std::move(options))), thread_([this] { reactor_.run(); }) {}

BlockingClient::~BlockingClient() {
  std::promise<void> stopped;
  reactor_.post([&] { client_->stop([&] { stopped.set_value(); }); });
  stopped.get_future().wait();
  reactor_.stop();
  thread_.join();
  client_.reset();
}

}  // namespace chorus::mqclient
