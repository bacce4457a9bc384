// What is fuzzed: each takes octets of a stranger and aborts when a promise is broken.
#pragma once

#include <string_view>

namespace chorus::fuzz {

/// A segment file of the transaction log, after its file header. First octet odd: the entries' checksums are put right first.
void fuzz_txn_log(std::string_view input);
/// A snapshot. The first octet says: 0 plain, 1 gzip, 2 snappy, 3 what stands before the seals, which are put right.
void fuzz_snapshot(std::string_view input);
/// A request or transaction record; the first octet says which.
void fuzz_jute(std::string_view input);
/// A story of up to four connections: { octet: connection and kind of event, u16 length, octets }*
void fuzz_server(std::string_view input);
/// One direction of a link of the quorum port, after an octet that says in what pieces it comes. A snapshot follows each SNAP.
void fuzz_quorum(std::string_view input);
/// What comes over a connection that begins with SASL. The first octet says whether they connected to us (1), and must show who they are
/// (2), the second in what pieces it comes.
void fuzz_quorum_auth(std::string_view input);
/// The first octet says: 0 a notification, 1 an initial message of the election port, 2 the text of a configuration, 3 a story of an
/// election.
void fuzz_election(std::string_view input);
/// A connection of RocketMQ's remoting, after an octet that says in what pieces it comes.
void fuzz_mq_remoting(std::string_view input);
/// The first octet says: 0 a stored message, 1 the body of a batch, 2 properties, 3 an id.
void fuzz_mq_message(std::string_view input);
/// A body of RocketMQ's; the first octet says which (mq_body.cc has the list).
void fuzz_mq_body(std::string_view input);
/// What a broker knows beside messages; the first octet says: 0 a checkpoint, 1 entries { type, u16 length, payload }*, 2 one payload.
void fuzz_mq_state(std::string_view input);
/// A record of topics, groups or access control as the tree has it, or a word of them; the first octet says which (mq_records.cc has the
/// list).
void fuzz_mq_records(std::string_view input);
/// What servers tell our client; the first octet says: 0 messages, 1 a route, 2 a connection, which comes in pieces as the second octet
/// says, 3 addresses.
void fuzz_mq_client(std::string_view input);
/// A story of four connections to a NameServer and a broker: { octet: connection and kind of event, u16, texts }* (mq_face.cc).
void fuzz_mq_face(std::string_view input);
/// A condition in SQL92, octet 0, properties.
void fuzz_mq_filter(std::string_view input);
/// The first octet says: 0 a segment of the message log after its header, 1 an index file, 2 a checkpoint, 3 any of these as the inspector
/// reads it; with 4 added, checksums are put right first.
void fuzz_mq_log(std::string_view input);
/// A compressed body, after an octet that says how: 0 and 3 zlib, 1 LZ4, 2 Zstandard, others nobody's.
void fuzz_mq_compression(std::string_view input);
/// A connection of a Redis client, after an octet that says in what pieces it comes.
void fuzz_cache(std::string_view input);
/// The type and value of a payload of DUMP's; version and checksum are put behind it.
void fuzz_cache_dump(std::string_view input);
/// A snapshot file of Redis', after an octet that says in what pieces it comes.
void fuzz_cache_rdb(std::string_view input);
/// A file of an append log, after an octet that says in what pieces it comes; 0: a manifest.
void fuzz_cache_aof(std::string_view input);
/// A script, or what the libraries of scripts read; the first octet says which (cache_script.cc).
void fuzz_cache_script(std::string_view input);
/// What a primary says to a replica (cache_replica.cc).
void fuzz_cache_replica(std::string_view input);

}  // namespace chorus::fuzz
