// A shop that tells others of its orders: each order and the message about it, or neither. The database of the example is a file to which
// lines are appended; with a real one, `Orders::commit` is a transaction that inserts the order and the id, and `has` a SELECT.
//
//   outbox_example NAMESERVER FILE order NAME...   takes orders; one called "crash" ends the program between the commit and the message's
//   outbox_example NAMESERVER FILE serve           answers what the broker asks about, until standard input ends
#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <span>
#include <string>

#include "mq/client/blocking.h"
#include "mq/client/outbox.h"

using namespace chorus;

namespace {

class Orders {
 public:
  explicit Orders(std::string path) : path_(std::move(path)) {}

  /// The order and the transaction's id in one durable write: both are there or neither.
  bool commit(const std::string& order, const std::string& transaction_id) {
    const int file = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const std::string row = transaction_id + ' ' + order + '\n';
    const bool written = file >= 0 && write(file, row.data(), row.size()) == static_cast<ssize_t>(row.size()) && fdatasync(file) == 0;
    if (file >= 0) close(file);
    return written;
  }
  bool has(const std::string& transaction_id) const {
    std::ifstream rows(path_);
    for (std::string row; std::getline(rows, row);) {
      if (row.starts_with(transaction_id + ' ')) return true;
    }
    return false;
  }

 private:
  std::string path_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::span arguments(argv, static_cast<std::size_t>(argc));
  if (arguments.size() < 4) return std::cerr << "usage: outbox_example NAMESERVER FILE order NAME... | serve\n", 1;
  const auto servers = mqclient::parse_name_servers(arguments[1]);
  if (!servers) return std::cerr << servers.error().message << '\n', 1;
  Orders orders(arguments[2]);

  mqclient::BlockingClient client({.name_servers = *servers});
  std::unique_ptr<mqclient::Producer> producer;
  std::unique_ptr<mqclient::Outbox> outbox;
  client.run([&](mqclient::Client& each) {
    producer = std::make_unique<mqclient::Producer>(each, mqclient::ProducerOptions{.group = "shop"});
    outbox = std::make_unique<mqclient::Outbox>(
        each, *producer, [&](const std::string& id, mqclient::Outbox::Committed tell) { tell(orders.has(id)); },
        mqclient::OutboxOptions{.work_max = std::chrono::seconds(1)});
  });

  int status = 0;
  if (std::string(arguments[3]) == "serve") {
    // Brokers of the topic are to know this producer, or they cannot ask it.
    const auto route = client.route("orders");
    if (!route) std::cerr << route.error().message << '\n', status = 1;
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
    }
  }
  for (const std::string order : arguments.subspan(4)) {
    const auto sent = client.call<mqclient::Producer::InTransaction>([&](mqclient::Client&, auto done) {
      outbox->send(
          {.topic = "orders", .body = order, .properties = {}},
          [&](const std::string& id, mqclient::Outbox::Committed tell) {
            const bool committed = order != "refused" && orders.commit(order, id);
            if (order == "crash") _exit(9);
            tell(committed);
          },
          std::move(done));
    });
    if (!sent) {
      std::cerr << order << ": " << sent.error().message << '\n';
      status = 1;
      break;
    }
    std::cout << order << (sent->outcome == mqclient::Outcome::commit ? ": taken" : ": not taken") << std::endl;
  }
  client.run([&](mqclient::Client&) { outbox.reset(), producer.reset(); });
  return status;
}
