#include "app/mq/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>

#include "base/text.h"

namespace chorus::app::mqtool {
namespace {

constexpr std::string_view overview = R"(
Works with Chorus and with Apache RocketMQ 4 and 5. Times: 2026-01-31T12:00:00Z (always UTC; parts from the right may be left out),
"10m ago", or milliseconds since 1970. Durations: 500ms, 10s, 5m, 2h, 3d, 1h30m.

Exit codes: 0 done · 1 wrong usage · 2 no connection, or lost before the answer · 3 no such topic, group or message · 4 it exists ·
5 live consumers (--force) · 6 not allowed · 9 waited in vain · 10 anything else

Environment: NAMESRV_ADDR for --server, CHORUS_ACCESS_KEY and CHORUS_SECRET_KEY for the account.)";

constexpr const char* to_help = "earliest, latest, or a time; with --queue an offset as well";

/// Declares every command on `app`; the chosen one fills `command`.
class Declaration {
 public:
  Declaration(CLI::App& app, Command& command) : command_(command) {
    topics(under(app, "topics", "List, show, create and delete topics"));
    groups(under(app, "groups", "List, show, create and delete groups of consumers"));
    produce(add(app, "produce", "produce", "Send messages"));
    consume(add(app, "consume", "consume", "Print messages, alone or for a group"));
    CLI::App* sub = add(app, "lag", "lag", "How far groups are behind, by topic and queue");
    sub->add_option("group", command_.group, "Of this group alone, queue by queue; else one line for each group");
    sub->add_option("-t,--topic", command_.topic, "Of this topic alone");
    reset(add(app, "reset", "reset", "Move the offsets of a group: what is to be done is shown first"));
    dead_letters(under(app, "dlq", "List dead letters, and send them once more"));
    transactions(under(app, "transactions", "List transactions that have no end, and have them checked again"));
    message(add(app, "message", "message", "Print a message: by id, by key, or by queue and offset"));
  }

 private:
  CLI::App* under(CLI::App& app, const char* name, const char* what) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->require_subcommand(1);
    sub->fallthrough();
    return sub;
  }
  CLI::App* add(CLI::App& app, const char* word, const char* name, const char* what) {
    CLI::App* sub = app.add_subcommand(word, what);
    sub->fallthrough();
    sub->callback([this, name] { command_.name = name; });
    return sub;
  }
  void topic(CLI::App* sub, bool required = true) { sub->add_option("topic", command_.topic, "Name of the topic")->required(required); }
  void group(CLI::App* sub) { sub->add_option("group", command_.group, "Name of the group")->required(); }

  void topics(CLI::App* app) {
    CLI::App* sub = add(*app, "list", "topics list", "List topics");
    sub->add_flag("-a,--all", command_.all, "RocketMQ's own, retry and dead-letter topics too");
    sub->add_flag("-l,--details", command_.details, "With queues and messages");
    sub = add(*app, "show", "topics show", "Show where a topic is, its queues, and who consumes it");
    topic(sub);
    sub = add(*app, "create", "topics create", "Make a topic");
    topic(sub);
    sub->add_option("-q,--queues", command_.queues, "Queues on each broker")->check(CLI::Range(1, 65535))->capture_default_str();
    sub->add_option("--perm", command_.perm, "6 read and write, 4 read only, 2 write only")
        ->check(CLI::IsMember({2, 4, 6}))
        ->capture_default_str();
    sub->add_option("-A,--attribute", command_.items, "name=value, such as message.type=FIFO; repeat for more")->allow_extra_args(false);
    sub->add_option(
           "--flush", command_.flush,
           "When its messages are acknowledged: sync, once they are on the disk; async, once they are written; else as its brokers do")
        ->check(CLI::IsMember({"sync", "async"}));
    sub->add_option("--broker", command_.broker, "On this broker alone; else on every master");
    sub->add_option("--cluster", command_.cluster, "On the masters of this cluster");
    sub->add_flag("--in-order", command_.in_order, "An ordered topic: its queues stay where they are");
    sub->add_flag("--force", command_.force, "Change it if it is there");
    sub = add(*app, "delete", "topics delete", "Delete a topic with its messages");
    topic(sub);
    sub->add_flag("--force", command_.force, "Even if consumers are connected");
  }

  void groups(CLI::App* app) {
    CLI::App* sub = add(*app, "list", "groups list", "List groups with members and lag");
    sub->add_flag("-a,--all", command_.all, "RocketMQ's own too");
    sub = add(*app, "show", "groups show", "Show a group's settings, members, subscriptions and lag");
    group(sub);
    sub = add(*app, "create", "groups create", "Make a group, or change one with --force");
    group(sub);
    sub->add_option("-r,--retries", command_.retries, "Tries after the first before a message is a dead letter")
        ->check(CLI::Range(0, 1'000'000))
        ->capture_default_str();
    sub->add_flag("--in-order", command_.in_order, "It consumes in order");
    sub->add_option("--broker", command_.broker, "On this broker alone; else on every master");
    sub->add_flag("--force", command_.force, "Change it if it is there");
    sub = add(*app, "delete", "groups delete", "Delete a group with its offsets");
    group(sub);
    sub->add_flag("--force", command_.force, "Even if consumers are connected");
  }

  void produce(CLI::App* sub) {
    topic(sub);
    sub->add_option("body", command_.items, "Each one message; left out: each line of standard input is one");
    sub->add_flag("--whole", command_.whole, "All of standard input is one message");
    sub->add_option("-t,--tag", command_.tag, "Tag");
    sub->add_option("-k,--key", command_.key, "Keys, separated by spaces: 'chorus mq message' finds a message by each");
    sub->add_option("-p,--property", command_.properties, "name=value; repeat for more")->allow_extra_args(false);
    auto* level =
        sub->add_option("--delay-level", command_.delay_level, "1 to 18: 1s 5s 10s 30s 1m .. 10m 20m 30m 1h 2h")->check(CLI::Range(1, 18));
    auto* delay = sub->add_option("--delay", command_.delay, "Seen after this long (RocketMQ 4 knows --delay-level only)")->excludes(level);
    sub->add_option("--at", command_.at, "Seen at this time (likewise)")->excludes(level)->excludes(delay);
    auto* order = sub->add_option("--order-key", command_.order_key, "Messages of one such key go to one queue, one after the other");
    sub->add_option("--queue", command_.queue, "To this queue")->excludes(order);
    sub->add_option("--broker", command_.broker, "Of this broker; with --queue");
    sub->add_option("--compress", command_.compress,
                    "How large bodies are compressed: zlib (as when left out), lz4, zstd or none; clients of RocketMQ 4 read zlib alone")
        ->check(CLI::IsMember({"none", "zlib", "lz4", "zstd"}));
    sub->add_option("--compress-above", command_.compress_above, "Those of more octets than this; 4096 when left out")
        ->check(CLI::NonNegativeNumber);
    sub->add_flag("--batch", command_.batch, "Many in one request, all to one queue; their bodies are not compressed");
    sub->add_flag("--oneway", command_.oneway, "Do not wait for the broker's answer: that it was stored nobody knows");
    sub->add_option("-g,--group", command_.group, "Group of the producer")->default_str("chorus-mq");
  }

  void consume(CLI::App* sub) {
    topic(sub);
    sub->add_option("-g,--group", command_.group,
                    "Consume as a member of this group: its offset moves on, and others of it do not get the same");
    sub->add_flag("-f,--follow", command_.follow, "Then wait for more; else it ends with what was there");
    auto* tags = sub->add_option("-t,--filter", command_.filter, "By tag: 'a || b'")->capture_default_str();
    sub->add_option("--sql", command_.sql, "By properties: SQL92, such as \"price > 10 AND region = 'eu'\"")->excludes(tags);
    sub->add_option("--from", command_.from,
                    "earliest, latest, or a time; left out: earliest, with --follow latest. With --group: where nothing is committed");
    sub->add_option("-n,--count", command_.count, "End after this many")->check(CLI::PositiveNumber);
    sub->add_option("--for", command_.seconds, "End after this many seconds; with --count, too few by then are exit code 9")
        ->check(CLI::PositiveNumber);
    sub->add_option("--queue", command_.queue, "Of this queue alone; without --group");
    sub->add_flag("--in-order", command_.in_order, "With --group: each queue under its lock");
    sub->add_flag("-H,--headers", command_.headers, "Before each body a line with id, queue, offset, time, tag and keys");
    sub->add_flag("--ready", command_.ready, "First print a line \"consuming TOPIC\" (JSON: an object with \"consuming\")");
  }

  void reset(CLI::App* sub) {
    group(sub);
    topic(sub);
    sub->add_option("--to", command_.to, to_help)->required();
    sub->add_option("--queue", command_.queue, "This queue alone");
    sub->add_option("--broker", command_.broker, "Of this broker alone");
    sub->add_flag("--dry-run", command_.dry_run, "Only show what would be done");
    sub->add_flag("--force", command_.force, "Even if consumers are connected: they are told");
  }

  void dead_letters(CLI::App* app) {
    CLI::App* sub = add(*app, "list", "dlq list", "List the dead letters of a group that were not sent again");
    group(sub);
    sub->add_flag("-a,--all", command_.all, "Those that were, too");
    sub->add_option("-n,--count", command_.count, "At most this many")->check(CLI::PositiveNumber);
    sub = add(*app, "resend", "dlq resend", "Send dead letters once more, to the group alone");
    group(sub);
    sub->add_option("id", command_.items, "Ids of messages, as list shows them");
    sub->add_flag("-a,--all", command_.all, "All that were not sent again yet; they count as sent then");
    sub->add_flag("--to-topic", command_.to_topic, "To the topic that they came from: every group gets them");
    sub->add_flag("--dry-run", command_.dry_run, "Only show what would be sent");
  }

  void transactions(CLI::App* app) {
    CLI::App* sub = add(*app, "list", "transactions list", "List half messages without an end: open, and given up after too many checks");
    sub->add_option("-n,--count", command_.count, "At most this many")->check(CLI::PositiveNumber);
    sub = add(*app, "resume", "transactions resume", "Have one that was given up checked again");
    sub->add_option("id", command_.id, "The offset id that list shows")->required();
  }

  void message(CLI::App* sub) {
    topic(sub, false);
    auto* id = sub->add_option("-i,--id", command_.id, "Its id: the producer's (with the topic), or an offset id");
    auto* key = sub->add_option("-k,--key", command_.key, "All with this key")->excludes(id);
    auto* offset = sub->add_option("-o,--offset", command_.offset, "Its offset; with --queue")->excludes(id)->excludes(key);
    sub->add_option("--queue", command_.queue, "Its queue")->needs(offset);
    sub->add_option("--broker", command_.broker, "Of this broker")->needs(offset);
    sub->add_option("--from", command_.from, "With --key: not before this time");
    sub->add_option("--to", command_.to, "With --key: not after this time");
    sub->add_option("-n,--count", command_.count, "With --key: at most this many; 64 when left out")->check(CLI::PositiveNumber);
    sub->add_flag("--body", command_.whole, "Print the body alone, octet by octet");
  }

  Command& command_;
};

Exit leave(const CLI::App& app, const CLI::ParseError& error) { return app.exit(error) == 0 ? Exit::ok : Exit::usage; }

std::optional<std::string> variable(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

constexpr std::string_view command_words[] = {"topics", "groups", "produce", "consume", "lag", "reset", "dlq", "transactions", "message"};

}  // namespace

std::variant<std::pair<Connection, Command>, Leave> parse_arguments(std::vector<std::string> arguments) {
  Connection connection;
  Command command;
  connection.servers = variable("NAMESRV_ADDR").value_or(connection.servers);
  connection.access_key = variable("CHORUS_ACCESS_KEY").value_or("");
  connection.secret_key = variable("CHORUS_SECRET_KEY").value_or("");
  CLI::App app("Work with messages: topics, groups, producing, consuming, lag and what went wrong.", "chorus mq");
  app.require_subcommand(1);
  app.footer(std::string(overview));
  app.add_option("--server", connection.servers, "NameServers: host:port[;host:port]...")->take_last()->capture_default_str();
  app.add_option("--timeout", connection.timeout_s, "Seconds to wait for an answer")->check(CLI::Range(0.1, 3600.0))->capture_default_str();
  app.add_option("--access-key", connection.access_key, "Account that signs requests");
  app.add_option("--secret-key", connection.secret_key, "Its secret; better in the environment");
  app.add_option("--security-token", connection.security_token, "A token that goes with it");
  app.add_flag("--tls", connection.tls, "Connect with TLS (as the three options below do)");
  CLI::Option* const certificate = app.add_option("--cert", connection.certificate, "PEM file of this client's certificate");
  app.add_option("--cert-key", connection.key, "PEM file of its key; left out: in the same file")->needs(certificate);
  app.add_option("--ca", connection.ca, "PEM file of who signs the server's certificate; the system's when left out");
  bool no_verify = false;
  app.add_flag("--no-verify", no_verify, "Take any server's certificate");
  app.add_flag("--json", connection.json, "Print JSON, one object a line");
  Declaration(app, command);
  try {
    std::reverse(arguments.begin(), arguments.end());
    app.parse(std::move(arguments));
  } catch (const CLI::Success& help) {
    return Leave{leave(app, help)};
  } catch (const CLI::ParseError& error) {
    const auto rest = app.remaining(true);
    if (!app.get_subcommands().empty() || rest.empty() || rest.front().starts_with('-')) return Leave{leave(app, error)};
    const std::string_view near = base::nearest(rest.front(), command_words);
    fmt::print(stderr, "chorus mq: there is no command \"{}\"{}. --help lists them\n", rest.front(),
               near.empty() ? "" : fmt::format("; did you mean {}?", near));
    return Leave{Exit::usage};
  }
  connection.verify = !no_verify;
  connection.tls = connection.tls || !connection.certificate.empty() || !connection.key.empty() || !connection.ca.empty();
  return std::pair(std::move(connection), std::move(command));
}

base::Result<std::int64_t, std::string> parse_duration(std::string_view text) {
  static constexpr std::pair<std::string_view, std::int64_t> units[] = {
      {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  const auto wrong = [&] { return std::unexpected(fmt::format("\"{}\" is no duration, such as 10s, 5m or 1h30m", text)); };
  std::string_view rest = text;
  std::int64_t total = 0;
  if (rest.empty()) return wrong();
  while (!rest.empty()) {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    const auto number = base::parse_int(rest.substr(0, digits));
    rest.remove_prefix(digits);
    const std::size_t letters = std::min(rest.find_first_of("0123456789"), rest.size());
    const auto* const unit = std::ranges::find(units, rest.substr(0, letters), &std::pair<std::string_view, std::int64_t>::first);
    if (!number || unit == std::end(units) || *number > 100'000'000'000 / unit->second) return wrong();
    total += *number * unit->second;
    rest.remove_prefix(letters);
  }
  return total;
}

base::Result<std::int64_t, std::string> parse_time(std::string_view text, std::int64_t now_ms) {
  const auto wrong = [&] {
    return std::unexpected(fmt::format("\"{}\" is no time, such as 2026-01-31T12:00:00Z, \"10m ago\" or milliseconds since 1970", text));
  };
  if (text == "now") return now_ms;
  if (text.ends_with(" ago")) {
    const auto duration = parse_duration(base::trim(text.substr(0, text.size() - 4)));
    if (!duration) return wrong();
    return now_ms - *duration;
  }
  if (text.find_first_not_of("0123456789") == std::string_view::npos && text.size() > 8) {
    const auto ms = base::parse_int(text);
    if (!ms) return wrong();
    return *ms;
  }
  if (text.ends_with("Z")) text.remove_suffix(1);
  const auto number = [&](std::size_t at, std::size_t size) {
    const std::string_view part = text.substr(std::min(at, text.size()), size);
    if (part.size() != size || part.find_first_not_of("0123456789") != std::string_view::npos) return std::int64_t{-1};
    return base::parse_int(part).value_or(-1);
  };
  // year-month-day[Thour:minute[:second[.fraction]]]
  const bool has_day = text.size() >= 10 && text[4] == '-' && text[7] == '-';
  const bool has_minute = text.size() >= 16 && (text[10] == 'T' || text[10] == ' ') && text[13] == ':';
  const bool has_second = text.size() >= 19 && text[16] == ':';
  const bool has_fraction = text.size() >= 21 && text.size() <= 23 && text[19] == '.';
  const std::size_t size = has_fraction ? text.size() : has_second ? 19 : has_minute ? 16 : 10;
  if (!has_day || text.size() != size) return wrong();
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(number(0, 4))),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  const std::int64_t hour = has_minute ? number(11, 2) : 0, minute = has_minute ? number(14, 2) : 0;
  const std::int64_t second = has_second ? number(17, 2) : 0;
  std::int64_t fraction = has_fraction ? number(20, size - 20) : 0;
  if (number(0, 4) < 0 || !day.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || fraction < 0)
    return wrong();
  for (std::size_t digits = size - 20; has_fraction && digits < 3; ++digits) fraction *= 10;
  const auto days = std::chrono::sys_days(day).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(days).count() + ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
}

}  // namespace chorus::app::mqtool
