#include "app/config/property.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "app/config/bind.h"
#include "base/text.h"

namespace chorus::app {
namespace {

template <auto Field>
constexpr Property coord(Property property) {
  return bind<&Settings::coord, Field>(property);
}

template <auto Field>
constexpr Property ensemble(Property property) {
  return bind<&Settings::coord, &coord::Options::ensemble, Field>(property);
}

template <auto Field>
constexpr Property sasl(Property property) {
  return bind<&Settings::ensemble, &EnsembleSettings::sasl, Field>(property);
}

template <auto Field>
constexpr Property limit(Property property) {
  return bind<&Settings::mq, &mq::Options::limits, Field>(property);
}

template <auto... Fields>
constexpr Property mq(Property property) {
  return bind<&Settings::mq, Fields...>(property);
}
template <auto... Fields>
constexpr Property mq_more(Property property) {
  return bind<&Settings::mq_more, Fields...>(property);
}

using coord::EnsembleOptions;
using coord::Options;
using mq::rocketmq::Limits;
using world::TlsOptions;

// Designated members keep one property one statement, and the table readable.
constexpr Property table[] = {
    coord<&Options::client_address>({.key = "coord.client_address", .help = "Where ZooKeeper clients connect; empty: nowhere in plain."}),
    coord<&Options::secure_client_address>(
        {.key = "coord.secure_client_address", .help = "Where they connect with TLS; empty: nowhere. Needs tls_certificate_file."}),
    coord<&Options::client_port_unification>(
        {.key = "coord.client_port_unification", .help = "Takes TLS on client_address as well, told apart by the first octet."}),
    coord<&Options::client_port_backlog>(
        {.key = "coord.client_port_backlog", .help = "Connections that may wait to be accepted.", .min = 1, .max = 65535}),
    bind<&Settings::coord_tls, &TlsOptions::certificate_file>(
        {.key = "coord.tls_certificate_file", .help = "PEM: this server's certificate, then its chain."}),
    bind<&Settings::coord_tls, &TlsOptions::key_file>({.key = "coord.tls_key_file", .help = "PEM: the certificate's private key."}),
    bind<&Settings::coord_tls, &TlsOptions::ca_file>(
        {.key = "coord.tls_ca_file", .help = "PEM: who may sign the certificates of clients."}),
    bind<&Settings::coord_tls, &TlsOptions::verify_peer>(
        {.key = "coord.tls_verify_client", .help = "Demands a certificate, signed by tls_ca_file, of every TLS client."}),
    coord<&Options::data_dir>(
        {.key = "coord.data_dir", .help = "Snapshots live in version-2 below it, and the log too unless data_log_dir is set."}),
    coord<&Options::data_log_dir>(
        {.key = "coord.data_log_dir", .help = "The transaction log lives in version-2 below it; empty: data_dir. Best a disk of its own."}),
    coord<&Options::tick_time>(
        {.key = "coord.tick_time_ms", .help = "Session expiry is looked after once a tick.", .min = 1, .max = day_ms}),
    coord<&Options::min_session_timeout>(
        {.key = "coord.min_session_timeout_ms", .help = "Shortest timeout that a client may negotiate; 0: 2 ticks.", .max = unlimited}),
    coord<&Options::max_session_timeout>(
        {.key = "coord.max_session_timeout_ms", .help = "Longest timeout that a client may negotiate; 0: 20 ticks.", .max = unlimited}),
    coord<&Options::max_client_connections>(
        {.key = "coord.max_client_connections", .help = "Connections from one source address; 0: no limit.", .max = unlimited}),
    coord<&Options::max_connections>({.key = "coord.max_connections", .help = "Connections in all; 0: no limit.", .max = unlimited}),
    coord<&Options::server_id>({.key = "coord.server_id",
                                .help = "This member's number; the high octet of the ids of sessions made here. Not needed where data_dir "
                                        "has a file myid.",
                                .max = 254}),
    bind<&Settings::ensemble, &EnsembleSettings::members>(
        {.key = "coord.members",
         .help = "The ensemble: \"N=host:quorumPort:electionPort[:participant|observer][;[clientHost:]clientPort]\" for each member, "
                 "several addresses joined by \"|\"; none: the node serves alone."}),
    bind<&Settings::ensemble, &EnsembleSettings::groups>(
        {.key = "coord.groups", .help = "\"G=N:N:N\": members whose weights are counted together; none: each member has one voice."}),
    bind<&Settings::ensemble, &EnsembleSettings::weights>(
        {.key = "coord.weights", .help = "\"N=W\": the weight of a member in its group; 1 where not given."}),
    bind<&Settings::ensemble, &EnsembleSettings::dynamic_config_file>(
        {.key = "coord.dynamic_config_file", .help = "A file that holds the members instead, in ZooKeeper's form."}),
    bind<&Settings::ensemble, &EnsembleSettings::peer_type>(
        {.key = "coord.peer_type",
         .help = "What this member is; the list of members wins where it says otherwise.",
         .choices = "participant|observer"}),
    ensemble<&EnsembleOptions::init_limit>({.key = "coord.init_limit_ticks",
                                            .help =
                                                "How long members may take to connect to a leader and to take in its state; 0: not set, "
                                                "which an ensemble does not start with.",
                                            .max = 1'000'000}),
    ensemble<&EnsembleOptions::sync_limit>({.key = "coord.sync_limit_ticks",
                                            .help = "How long a member may be silent, or behind, before it is given up; 0: not set.",
                                            .max = 1'000'000}),
    ensemble<&EnsembleOptions::connect_to_leader_limit>({.key = "coord.connect_to_leader_limit_ticks",
                                                         .help = "How long a learner tries to connect to its leader; 0: init_limit_ticks.",
                                                         .max = 1'000'000}),
    ensemble<&EnsembleOptions::standalone_enabled>(
        {.key = "coord.standalone_enabled", .help = "With one voter the node serves alone, rather than as an ensemble of one."}),
    ensemble<&EnsembleOptions::reconfig_enabled>(
        {.key = "coord.reconfig_enabled", .help = "Clients that may write /zookeeper/config can change the members while they run."}),
    ensemble<&EnsembleOptions::local_sessions_enabled>(
        {.key = "coord.local_sessions_enabled",
         .help = "New sessions are known to this server alone, which spares the ensemble a transaction each."}),
    ensemble<&EnsembleOptions::local_sessions_upgrading_enabled>(
        {.key = "coord.local_sessions_upgrading_enabled", .help = "A local session that makes an ephemeral node becomes a global one."}),
    ensemble<&EnsembleOptions::read_only_mode_enabled>(
        {.key = "coord.read_only_mode_enabled",
         .help = "A member that finds no leader for 2 s, or a tick if that is longer, serves reads to clients that allow it."}),
    ensemble<&EnsembleOptions::leader_serves>({.key = "coord.leader_serves", .help = "The leader takes clients too."}),
    ensemble<&EnsembleOptions::database_autocreate>(
        {.key = "coord.database_autocreate",
         .help = "A member without data votes until it hears of others that have some; without, it has no vote until it has data, unless "
                 "its log directory has a file initialize."}),
    ensemble<&EnsembleOptions::listen_on_all_interfaces>(
        {.key = "coord.quorum_listen_on_all_interfaces",
         .help = "Both ports for members listen on every interface, not on the given address."}),
    ensemble<&EnsembleOptions::multi_address_enabled>(
        {.key = "coord.multi_address_enabled", .help = "Allows several addresses a member; servers before 3.6 do not understand that."}),
    ensemble<&EnsembleOptions::tls_enabled>(
        {.key = "coord.quorum_tls_enabled", .help = "TLS between members. Needs quorum_tls_certificate_file."}),
    ensemble<&EnsembleOptions::port_unification>(
        {.key = "coord.quorum_port_unification",
         .help = "Takes plain and TLS connections of members alike, while one is moved to the other."}),
    bind<&Settings::ensemble, &EnsembleSettings::tls, &TlsOptions::certificate_file>(
        {.key = "coord.quorum_tls_certificate_file", .help = "PEM: this member's certificate, then its chain."}),
    bind<&Settings::ensemble, &EnsembleSettings::tls, &TlsOptions::key_file>(
        {.key = "coord.quorum_tls_key_file", .help = "PEM: the certificate's private key."}),
    bind<&Settings::ensemble, &EnsembleSettings::tls, &TlsOptions::ca_file>(
        {.key = "coord.quorum_tls_ca_file", .help = "PEM: who may sign the certificates of members."}),
    bind<&Settings::ensemble, &EnsembleSettings::tls, &TlsOptions::verify_peer>(
        {.key = "coord.quorum_tls_verify_peer", .help = "Demands a certificate, signed by quorum_tls_ca_file, of every member."}),
    bind<&Settings::ensemble, &EnsembleSettings::tls, &TlsOptions::verify_host>(
        {.key = "coord.quorum_tls_verify_host", .help = "The certificate must name the host that was connected to."}),
    sasl<&QuorumSaslSettings::enabled>(
        {.key = "coord.quorum_sasl_enabled",
         .help = "SASL between members (DIGEST-MD5): who shows a name and a password is checked. Needs quorum_sasl_jaas_file."}),
    sasl<&QuorumSaslSettings::learner_required>(
        {.key = "coord.quorum_sasl_learner_required", .help = "This member shows its own where it connects to others."}),
    sasl<&QuorumSaslSettings::server_required>({.key = "coord.quorum_sasl_server_required", .help = "Members that show none are refused."}),
    sasl<&QuorumSaslSettings::jaas_file>(
        {.key = "coord.quorum_sasl_jaas_file",
         .help = "The names and passwords: the JAAS file that a Java server has as java.security.auth.login.config."}),
    sasl<&QuorumSaslSettings::learner_context>(
        {.key = "coord.quorum_sasl_learner_context", .help = "The section of that file with this member's own name and password."}),
    sasl<&QuorumSaslSettings::server_context>(
        {.key = "coord.quorum_sasl_server_context", .help = "And the one with those of all who may connect."}),
    ensemble<&EnsembleOptions::notification_interval_min>({.key = "coord.election_notification_min_ms",
                                                           .help = "How soon a vote is said again when nobody answers.",
                                                           .min = 1,
                                                           .max = day_ms}),
    ensemble<&EnsembleOptions::notification_interval_max>(
        {.key = "coord.election_notification_max_ms", .help = "And how late at most.", .min = 1, .max = day_ms}),
    ensemble<&EnsembleOptions::connect_timeout>({.key = "coord.election_connect_timeout_ms",
                                                 .help = "Longest wait for a connection to another's election port.",
                                                 .min = 1,
                                                 .max = day_ms}),
    ensemble<&EnsembleOptions::election_handshake_timeout>({.key = "coord.election_handshake_timeout_ms",
                                                            .help = "And for what has to be said first on it; 0: sync_limit_ticks.",
                                                            .max = day_ms}),
    ensemble<&EnsembleOptions::leader_connect_delay>(
        {.key = "coord.leader_connect_delay_ms", .help = "Between a learner's tries to connect to its leader.", .max = day_ms}),
    ensemble<&EnsembleOptions::commit_log_count>({.key = "coord.commit_log_count",
                                                  .help = "Transactions kept in memory for learners that are a little behind.",
                                                  .min = 1,
                                                  .max = 10'000'000}),
    ensemble<&EnsembleOptions::force_snapshot_sync>(
        {.key = "coord.force_snapshot_sync", .help = "Every learner is brought up by a whole snapshot."}),
    ensemble<&EnsembleOptions::observer_election_delay>(
        {.key = "coord.observer_election_delay_ms",
         .help = "An observer that lost its leader waits up to this, at random, before it looks for another.",
         .max = day_ms}),
    ensemble<&EnsembleOptions::observer_reconnect_delay>(
        {.key = "coord.observer_reconnect_delay_ms", .help = "The same, besides: for many observers of one leader.", .max = day_ms}),
    ensemble<&EnsembleOptions::concurrent_snapshot_syncs_max>(
        {.key = "coord.concurrent_snapshot_syncs_max",
         .help = "Learners that a leader sends snapshots to at a time, before an observer has to come again.",
         .min = 1,
         .max = 1'000'000}),
    ensemble<&EnsembleOptions::concurrent_diff_syncs_max>({.key = "coord.concurrent_diff_syncs_max",
                                                           .help = "The same, of those that it sends transactions they missed.",
                                                           .min = 1,
                                                           .max = 1'000'000}),
    coord<&Options::snap_count>({.key = "coord.snap_count",
                                 .help = "A snapshot is taken after half to all of this many transactions.",
                                 .min = 2,
                                 .max = unlimited}),
    coord<&Options::snap_size_limit_kb>(
        {.key = "coord.snap_size_limit_kb", .help = "Or after half to all of this much log; 0: however much.", .max = unlimited}),
    coord<&Options::pre_alloc_size_kb>({.key = "coord.pre_alloc_size_kb",
                                        .help = "A log file takes space on the disk in steps of this size, of 4 MiB at most.",
                                        .min = 1,
                                        .max = 1 << 24}),
    coord<&Options::txn_log_size_limit_kb>(
        {.key = "coord.txn_log_size_limit_kb", .help = "A new log file is begun at this size; 0: only at snapshots.", .max = unlimited}),
    coord<&Options::autopurge_snap_retain_count>({.key = "coord.autopurge_snap_retain_count",
                                                  .help = "Snapshots that a purge leaves, with their logs.",
                                                  .min = 3,
                                                  .max = unlimited}),
    coord<&Options::autopurge_interval>(
        {.key = "coord.autopurge_interval_hours", .help = "How often older snapshots and logs are removed; 0: never.", .max = 24 * 366}),
    coord<&Options::force_sync>(
        {.key = "coord.force_sync", .help = "Syncs to disk before acknowledging; without, a power cut loses acknowledged writes."}),
    coord<&Options::fsync_warning_threshold>(
        {.key = "coord.fsync_warning_threshold_ms", .help = "A sync that takes longer is logged.", .min = 1, .max = day_ms}),
    coord<&Options::snapshot_compression>(
        {.key = "coord.snapshot_compression", .help = "How snapshots are compressed; empty: not.", .choices = "|gz|snappy"}),
    coord<&Options::snapshot_trust_empty>(
        {.key = "coord.snapshot_trust_empty", .help = "Starts on logs without any snapshot (data of ZooKeeper before 3.5)."}),
    coord<&Options::digest_enabled>(
        {.key = "coord.digest_enabled", .help = "Keeps and checks a digest of the tree with each transaction."}),
    coord<&Options::jute_max_buffer>({.key = "coord.jute_max_buffer_bytes", .help = "Longest request.", .min = 1024, .max = 1 << 30}),
    coord<&Options::connection_buffer_max>({.key = "coord.connection_buffer_max_bytes",
                                            .help = "Requests and replies one connection may have under way before its reading pauses.",
                                            .min = 4096,
                                            .max = 1 << 30}),
    coord<&Options::connection_unsent_max>({.key = "coord.connection_unsent_max_bytes",
                                            .help = "A connection that leaves this much unread is ended.",
                                            .min = 1 << 16,
                                            .max = std::int64_t{1} << 40}),
    coord<&Options::extended_types_enabled>({.key = "coord.extended_types_enabled", .help = "Allows TTL nodes."}),
    coord<&Options::container_check_interval>({.key = "coord.container_check_interval_ms",
                                               .help = "How often empty containers and expired TTL nodes are looked for.",
                                               .min = 1,
                                               .max = day_ms}),
    coord<&Options::container_max_per_minute>(
        {.key = "coord.container_max_per_minute", .help = "How many of them are deleted in a minute at most.", .min = 1, .max = unlimited}),
    coord<&Options::container_max_never_used_interval>({.key = "coord.container_max_never_used_ms",
                                                        .help = "A container that never had a child is deleted after this; 0: never.",
                                                        .max = unlimited}),
    coord<&Options::skip_acl>({.key = "coord.skip_acl", .help = "Lets everybody do everything, whatever the ACLs say."}),
    coord<&Options::super_digest>(
        {.key = "coord.super_digest", .help = "user:base64(sha1(user:password)) of whom no ACL stops; empty: nobody.", .secret = true}),
    coord<&Options::four_letter_words>(
        {.key = "coord.four_letter_words", .help = "The four-letter words answered on the client port; \"*\": all."}),
    bind<&Settings::coord_connect>(
        {.key = "coord.connect",
         .help = "The ensemble that the other roles of this node keep their facts in, \"host:port,host:port/chroot\"; "
                 "empty: this node's own."}),
    mq<&mq::Options::name_server_address>(
        {.key = "mq.name_server_address", .help = "Where RocketMQ clients find their NameServer; empty: none runs here."}),
    mq<&mq::Options::broker_address>(
        {.key = "mq.broker_address", .help = "Where RocketMQ clients connect to the broker; empty: none runs here."}),
    mq<&mq::Options::advertised_host>(
        {.key = "mq.advertised_host",
         .help =
             "The numeric address that clients are told to connect to, and that stands in message ids; empty: that of broker_address."}),
    mq<&mq::Options::broker, &mq::BrokerOptions::name>({.key = "mq.broker_name", .help = "This broker's name: topics have queues on it."}),
    mq<&mq::Options::broker, &mq::BrokerOptions::cluster>({.key = "mq.cluster", .help = "The cluster of brokers that it belongs to."}),
    mq_more<&MqSettings::data_dir>({.key = "mq.data_dir", .help = "The message log and its indexes live there."}),
    mq_more<&MqSettings::flush>({.key = "mq.flush",
                                 .help =
                                     "sync: a message is acknowledged when it is on the disk; async: when it is written, and on the disk "
                                     "within flush_interval_ms.",
                                 .choices = "sync|async"}),
    mq<&mq::Options::store, &mq::StoreOptions::flush_interval>(
        {.key = "mq.flush_interval_ms", .help = "How long a message may wait for the disk, with async.", .min = 1, .max = day_ms}),
    mq_more<&MqSettings::segment_mb>(
        {.key = "mq.segment_mb", .help = "A file of the log is followed by the next at this size.", .min = 1, .max = 2048}),
    mq_more<&MqSettings::retain>(
        {.key = "mq.retain_hours", .help = "Messages older than this are deleted, a file at a time.", .min = 1, .max = 24 * 3660}),
    mq<&mq::Options::store, &mq::StoreOptions::retain_octets>({.key = "mq.retain_bytes",
                                                               .help = "And the oldest while all are larger than this; 0: however large.",
                                                               .max = std::numeric_limits<std::int64_t>::max()}),
    mq_more<&MqSettings::disk_used_percent_clean>(
        {.key = "mq.disk_used_clean_percent", .help = "And the oldest while the disk is fuller than this.", .min = 1, .max = 100}),
    mq_more<&MqSettings::disk_used_percent_refuse>(
        {.key = "mq.disk_used_refuse_percent", .help = "Above this nothing is taken any more.", .min = 1, .max = 100}),
    mq<&mq::Options::store, &mq::StoreOptions::tail_octets>({.key = "mq.tail_bytes",
                                                             .help = "Newest messages kept in memory, for consumers that follow.",
                                                             .min = 1 << 20,
                                                             .max = std::int64_t{1} << 40}),
    mq<&mq::Options::broker, &mq::BrokerOptions::message_octets_max>(
        {.key = "mq.max_message_bytes", .help = "Longest body (maxMessageSize).", .min = 1024, .max = 15 << 20}),
    mq<&mq::Options::broker, &mq::BrokerOptions::topics, &mq::TopicDefaults::auto_create>(
        {.key = "mq.auto_create_topic", .help = "A topic is made when something is sent to it (autoCreateTopicEnable)."}),
    mq<&mq::Options::broker, &mq::BrokerOptions::topics, &mq::TopicDefaults::queues>(
        {.key = "mq.default_topic_queues", .help = "Queues of such a topic at most (defaultTopicQueueNums).", .min = 1, .max = 1024}),
    mq<&mq::Options::broker, &mq::BrokerOptions::groups, &mq::GroupDefaults::auto_create>(
        {.key = "mq.auto_create_group", .help = "A group is made when it is first seen (autoCreateSubscriptionGroup)."}),
    mq_more<&MqSettings::delay_levels>(
        {.key = "mq.delay_levels", .help = "Delays that a message may ask for by their number (messageDelayLevel)."}),
    mq<&mq::Options::broker, &mq::BrokerOptions::timer_delay_max>(
        {.key = "mq.timer_max_delay_ms",
         .help = "Longest delay that a timed message may ask for (timerMaxDelaySec).",
         .min = 1000,
         .max = 366 * day_ms}),
    mq<&mq::Options::broker, &mq::BrokerOptions::transaction_timeout>(
        {.key = "mq.transaction_timeout_ms",
         .help = "A producer is not asked about a transaction that is younger (transactionTimeOut).",
         .max = day_ms}),
    mq<&mq::Options::broker, &mq::BrokerOptions::transaction_check_interval>(
        {.key = "mq.transaction_check_interval_ms", .help = "How often it is asked (transactionCheckInterval).", .min = 10, .max = day_ms}),
    mq<&mq::Options::broker, &mq::BrokerOptions::transaction_check_max>(
        {.key = "mq.transaction_check_max",
         .help = "After so many answers that say nothing it is put aside (transactionCheckMax).",
         .min = 1,
         .max = 10'000}),
    mq<&mq::Options::broker, &mq::BrokerOptions::reject_transactions>(
        {.key = "mq.reject_transactions", .help = "Refuses transactional messages (rejectTransactionMessage)."}),
    mq<&mq::Options::broker, &mq::BrokerOptions::recall>(
        {.key = "mq.recall_messages", .help = "Timed messages may be recalled (recallMessageEnable)."}),
    mq<&mq::Options::broker, &mq::BrokerOptions::pop_retry_topic_v2>(
        {.key = "mq.pop_retry_topic_v2",
         .help = "What was popped and not acknowledged comes again by %RETRY%group+topic, not group_topic (enableRetryTopicV2)."}),
    mq<&mq::Options::broker, &mq::BrokerOptions::pop_from_retry_percent>(
        {.key = "mq.pop_from_retry_percent",
         .help = "Pops of a hundred that look at what comes again first, and at new messages then (popFromRetryProbability).",
         .min = 0,
         .max = 100}),
    mq<&mq::Options::broker, &mq::BrokerOptions::pop_waits_per_queue_max>(
        {.key = "mq.pop_waits_per_queue_max",
         .help = "Pops of a group that may wait for the same queue, or for any of a topic (popPollingSize).",
         .min = 1,
         .max = 1'000'000}),
    mq<&mq::Options::broker, &mq::BrokerOptions::pop_in_flight_per_queue_max>(
        {.key = "mq.pop_in_flight_per_queue_max",
         .help = "Messages of a queue that a group may hold without acknowledging them (popInflightMessageThreshold).",
         .min = 32,
         .max = 10'000'000}),
    mq<&mq::Options::broker, &mq::BrokerOptions::pop_in_flight_max>(
        {.key = "mq.pop_in_flight_max",
         .help = "Messages that all groups together may hold so; each takes about 150 octets of memory.",
         .min = 32,
         .max = 100'000'000}),
    mq<&mq::Options::face, &mq::rocketmq::FaceOptions::property_filter>(
        {.key = "mq.property_filter", .help = "Subscriptions may be by SQL92 (enablePropertyFilter)."}),
    mq_more<&MqSettings::tls, &TlsOptions::certificate_file>(
        {.key = "mq.tls_certificate_file", .help = "PEM: with it both ports take TLS as well, told apart by the first octet."}),
    mq<&mq::Options::metric_series_max>(
        {.key = "mq.metric_series_max",
         .help = "Series of topics, groups and queues in /metrics, RocketMQ's exporter's names among them; 0: none.",
         .max = 10'000'000}),
    mq<&mq::Options::face, &mq::rocketmq::FaceOptions::client_metrics_interval>(
        {.key = "mq.client_metrics_interval_ms",
         .help = "How often each consumer is asked how it does, for rocketmq_client_consume_* in /metrics; 0: never.",
         .max = 86'400'000}),
    mq<&mq::Options::face, &mq::rocketmq::FaceOptions::client_metrics_max>(
        {.key = "mq.client_metrics_max", .help = "Consumers that are asked, at most.", .max = 1'000'000}),
    mq_more<&MqSettings::tls, &TlsOptions::key_file>({.key = "mq.tls_key_file", .help = "PEM: the certificate's private key."}),
    mq_more<&MqSettings::tls, &TlsOptions::ca_file>({.key = "mq.tls_ca_file", .help = "PEM: who may sign the certificates of clients."}),
    mq_more<&MqSettings::tls, &TlsOptions::verify_peer>(
        {.key = "mq.tls_verify_client", .help = "Demands a certificate of every TLS client."}),
    mq<&mq::Options::plain_too>(
        {.key = "mq.tls_plain_too", .help = "Beside TLS, plain connections are taken (tls.server.mode permissive)."}),
    limit<&Limits::connections_max>(
        {.key = "mq.max_connections", .help = "Connections to each of the two ports.", .min = 1, .max = 10'000'000}),
    limit<&Limits::connections_per_address_max>(
        {.key = "mq.max_connections_per_address", .help = "Of these, from one address.", .min = 1, .max = 10'000'000}),
    limit<&Limits::frame_octets_max>({.key = "mq.max_frame_bytes",
                                      .help = "Longest request, header and body; a longer one ends its connection.",
                                      .min = 64 << 10,
                                      .max = 1 << 30}),
    limit<&Limits::requests_max>({.key = "mq.max_requests_per_connection",
                                  .help = "Requests that wait for their answer, consumers that wait for a message among them; one more is "
                                          "answered with 2, \"system busy\".",
                                  .min = 1,
                                  .max = 10'000'000}),
    limit<&Limits::queued_octets_max>({.key = "mq.max_queued_bytes_per_connection",
                                       .help = "Octets of messages sent that wait for their answer, before no more is read.",
                                       .min = 1 << 16,
                                       .max = std::int64_t{1} << 40}),
    limit<&Limits::unsent_octets_max>({.key = "mq.max_unsent_bytes_per_connection",
                                       .help = "A connection that leaves this much of its answers unread is ended.",
                                       .min = 1 << 20,
                                       .max = std::int64_t{1} << 40}),
    mq<&mq::Options::access, &mq::acl::AccessOptions::authentication>(
        {.key = "mq.authentication_enabled",
         .help = "Requests must be signed by a user that is known (authenticationEnabled, RocketMQ 5)."}),
    mq<&mq::Options::access, &mq::acl::AccessOptions::authorization>(
        {.key = "mq.authorization_enabled",
         .help = "And the user's policies must allow them (authorizationEnabled). Needs authentication_enabled."}),
    mq_more<&MqSettings::init_user>({.key = "mq.init_authentication_user",
                                     .help = "\"name:password\" of a super user that is made when there is none of that name "
                                             "(initAuthenticationUser, whose JSON is taken too).",
                                     .secret = true}),
    mq_more<&MqSettings::authentication_whitelist>(
        {.key = "mq.authentication_whitelist", .help = "Codes of requests that nobody has to sign (authenticationWhitelist)."}),
    mq_more<&MqSettings::authorization_whitelist>(
        {.key = "mq.authorization_whitelist", .help = "Codes of requests that every user may send (authorizationWhitelist)."}),
    mq<&mq::Options::access, &mq::acl::AccessOptions::plain>(
        {.key = "mq.acl_enabled", .help = "Requests must be signed by an account that may (aclEnable, RocketMQ 4)."}),
    mq_more<&MqSettings::acl_file>(
        {.key = "mq.acl_file", .help = "A plain_acl.yml: its accounts are made when there are none of these names; empty: none."}),
    mq_more<&MqSettings::name_server_access>({.key = "mq.name_server_access",
                                              .help = "Which requests to the NameServer the two above look at: none, as with RocketMQ; "
                                                      "those that change something; or all.",
                                              .choices = "none|changes|all"}),
    mq<&mq::Options::tree_credentials>({.key = "mq.tree_credentials",
                                        .help = "\"name:password\" with which users and accounts are kept in the tree (scheme digest), so "
                                                "that none but the brokers can read them; empty: whoever reaches the tree can.",
                                        .secret = true}),
};

// And what comes behind the rows of cache_properties.cc.
constexpr Property last[] = {
    bind<&Settings::node, &NodeSettings::roles>({.key = "node.roles", .help = "What runs here: coord, mq, cache. From a zoo.cfg: coord."}),
    bind<&Settings::node, &NodeSettings::disk_poll>({.key = "node.disk_poll_us",
                                                     .help = "While the disk syncs in less time than this, its end is looked for rather "
                                                             "than slept for: quicker, at the price of CPU; 0: never.",
                                                     .max = 1'000'000}),
    bind<&Settings::admin, &AdminSettings::address>({.key = "admin.address", .help = "HTTP: /health, /ready and /metrics; empty: off."}),
    bind<&Settings::admin, &AdminSettings::metrics_address>(
        {.key = "admin.metrics_address", .help = "A second address for the same, for a scraper; empty: none."}),
    bind<&Settings::log, &LogSettings::level>(
        {.key = "log.level", .help = "The least severe that is logged.", .choices = "trace|debug|info|warn|error|off", .live = true}),
    bind<&Settings::log, &LogSettings::format>(
        {.key = "log.format", .help = "Lines on standard error: for people, or one JSON object each.", .choices = "text|json"}),
};

}  // namespace

std::span<const Property> properties() {
  static const std::vector<Property> all = [] {
    std::vector<Property> rows;
    for (const std::span<const Property> part : {std::span<const Property>(table), cache_properties(), std::span<const Property>(last)}) {
      rows.insert(rows.end(), part.begin(), part.end());
    }
    return rows;
  }();
  return all;
}

const Property* find_property(std::string_view key) {
  const auto all = properties();
  const auto at = std::find_if(all.begin(), all.end(), [&](const Property& property) { return property.key == key; });
  return at == all.end() ? nullptr : &*at;
}

std::string environment_name(std::string_view key) {
  std::string name = "CHORUS_";
  for (const char c : key) name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

std::string unknown_key(std::string_view key) {
  std::vector<std::string_view> keys;
  for (const Property& property : properties()) keys.push_back(property.key);
  const std::string_view near = base::nearest(key, keys);
  return fmt::format("{} is not a known key{}", key,
                     near.empty() ? "; 'chorus config --help-keys' lists them" : fmt::format("; did you mean {}?", near));
}

}  // namespace chorus::app
