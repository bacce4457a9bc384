// COMMAND DOCS of generic, connection. source of the arguments: COMMAND DOCS of redis-server 7.0
#include "cache/command/docs/docs.h"

namespace chorus::cache::docs {

std::span<const Row> generic() {
  static constexpr Row rows[] = {
      {"copy", "Copies the value of a key to another key.", "O(N), N: elements of the value",
       "source:k0 destination:k1 [DB/destination-db:i] [REPLACE]"},
      {"del", "Removes keys.", "O(N), N: keys", "key:k0..."},
      {"dump", "Returns a value in a form that RESTORE takes.", "O(N), N: octets of the value", "key:k0"},
      {"exists", "Counts which of the keys there are.", "O(N), N: keys", "key:k0..."},
      {"expire", "Makes a key go after some seconds.", "O(1)", "key:k0 seconds:i [condition(NX|XX|GT|LT)@7.0.0]"},
      {"expireat", "Makes a key go at a time, in seconds of Unix.", "O(1)", "key:k0 unix-time-seconds:u [condition(NX|XX|GT|LT)@7.0.0]"},
      {"expiretime", "Returns when a key goes, in seconds of Unix.", "O(1)", "key:k0"},
      {"keys", "Returns the names of all keys that match a pattern.", "O(N), N: keys of the database", "pattern:p"},
      {"migrate", "Moves keys to another server.", "O(N), N: octets moved",
       "host port:i key_or_empty_string(key:k0|empty_string=\"\") destination-db:i timeout:i [COPY@3.0.0] [REPLACE@3.0.0] "
       "[authentication([AUTH/password@4.0.7]|[AUTH2/username_password{username password}@6.0.0])] [KEYS/key:k1@3.0.6...]"},
      {"move", "Moves a key to another database.", "O(1)", "key:k0 db:i"},
      {"object", "Commands about how values are kept.", "Depends on the subcommand", ""},
      {"object|encoding", "Returns the encoding of a value.", "O(1)", "key:k0"},
      {"object|freq", "Returns how often a key is used, by a logarithmic counter.", "O(1)", "key:k0"},
      {"object|help", "Lists the subcommands.", "O(1)", ""},
      {"object|idletime", "Returns for how many seconds a key was not used.", "O(1)", "key:k0"},
      {"object|refcount", "Returns how often a value is referred to.", "O(1)", "key:k0"},
      {"persist", "Makes a key that would expire stay.", "O(1)", "key:k0"},
      {"pexpire", "Makes a key go after some milliseconds.", "O(1)", "key:k0 milliseconds:i [condition(NX|XX|GT|LT)@7.0.0]"},
      {"pexpireat", "Makes a key go at a time, in milliseconds of Unix.", "O(1)",
       "key:k0 unix-time-milliseconds:u [condition(NX|XX|GT|LT)@7.0.0]"},
      {"pexpiretime", "Returns when a key goes, in milliseconds of Unix.", "O(1)", "key:k0"},
      {"pttl", "Returns for how many milliseconds a key will stay.", "O(1)", "key:k0"},
      {"randomkey", "Returns the name of any key.", "O(1)", ""},
      {"rename", "Gives a key another name; a key of that name goes.", "O(1)", "key:k0 newkey:k1"},
      {"renamenx", "Gives a key another name that no key has yet.", "O(1)", "key:k0 newkey:k1"},
      {"restore", "Makes a key of what DUMP returned.", "O(N), N: octets of the value; O(N*log(N)) for sorted sets",
       "key:k0 ttl:i serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] [IDLETIME/seconds:i@5.0.0] [FREQ/frequency:i@5.0.0]"},
      {"scan", "Goes over the names of keys, some at a time.", "O(1) a call, O(N) for all N keys",
       "cursor:i [MATCH/pattern:p] [COUNT/count:i] [TYPE/type@6.0.0]"},
      {"sort", "Sorts a list, set or sorted set, and may store what comes out.", "O(N+M*log(M)), N: elements, M: elements returned",
       "key:k0 [BY/pattern:p1] [LIMIT/offset_count{offset:i count:i}] [GET/pattern:p1+...] [order(ASC|DESC)] [sorting=ALPHA] "
       "[STORE/destination:k2]"},
      {"sort_ro", "Sorts a list, set or sorted set.", "O(N+M*log(M)), N: elements, M: elements returned",
       "key:k0 [BY/pattern:p1] [LIMIT/offset_count{offset:i count:i}] [GET/pattern:p1+...] [order(ASC|DESC)] [sorting=ALPHA]"},
      {"touch", "Marks keys as used now; returns how many there are.", "O(N), N: keys", "key:k0..."},
      {"ttl", "Returns for how many seconds a key will stay.", "O(1)", "key:k0"},
      {"type", "Returns the type of a value.", "O(1)", "key:k0"},
      {"unlink", "Removes keys; what they held is freed later.", "O(1) for each key", "key:k0..."},
      {"wait", "Waits until replicas have what this connection wrote.", "O(1)", "numreplicas:i timeout:i"},
      {"waitaof", "Waits until what this connection wrote is synced to the logs, here and at replicas.", "O(1)",
       "numlocal:i numreplicas:i timeout:i"},
      {"auth", "Says who the client is, by password.", "O(N), N: passwords of the user", "[username@6.0.0] password"},
      {"client", "Commands about connections.", "Depends on the subcommand", ""},
      {"client|caching", "Decides whether the keys of the next command are tracked.", "O(1)", "mode(YES|NO)"},
      {"client|getname", "Returns the name of this connection.", "O(1)", ""},
      {"client|getredir", "Returns the connection that is told of invalidated keys in place of this one.", "O(1)", ""},
      {"client|help", "Lists the subcommands.", "O(1)", ""},
      {"client|id", "Returns the number of this connection.", "O(1)", ""},
      {"client|info", "Describes this connection.", "O(1)", ""},
      {"client|kill", "Ends connections.", "O(N), N: connections",
       "filter(<ip:port>!2.8.12|new-format([ID/client-id:i@2.8.12]|[TYPE/"
       "normal_master_slave_pubsub(NORMAL|MASTER@3.2.0|SLAVE|REPLICA@5.0.0|PUBSUB)@2.8.12]|[USER/"
       "username]|[ADDR/<ip:port>]|[LADDR/<ip:port>@6.2.0]|[SKIPME/<yes/no>])...)"},
      {"client|list", "Describes all connections, a line for each.", "O(N), N: connections",
       "[TYPE/normal_master_replica_pubsub(NORMAL|MASTER|REPLICA|PUBSUB)@5.0.0] "
       "[ID/id{client-id:i...}@6.2.0]"},
      {"client|no-evict", "Decides whether this connection may be ended for the memory that it takes.", "O(1)", "enabled(ON|OFF)"},
      {"client|no-touch", "Decides whether this connection's commands count as a use of their keys.", "O(1)", "enabled(ON|OFF)"},
      {"client|pause", "Makes the commands of clients wait for some time.", "O(1)", "timeout:i [mode(WRITE|ALL)@6.2.0]"},
      {"client|reply", "Decides whether this connection gets replies.", "O(1)", "on_off_skip(ON|OFF|SKIP)"},
      {"client|setinfo", "Notes name or version of the library that a client uses.", "O(1)", "attr(LIB-NAME/libname|LIB-VER/libver)"},
      {"client|setname", "Names this connection.", "O(1)", "connection-name"},
      {"client|tracking", "Decides whether the client is told of changes of keys that it keeps.", "O(1), unless prefixes are given",
       "status(ON|OFF) [REDIRECT/client-id:i] [PREFIX/prefix+...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]"},
      {"client|trackinginfo", "Tells how keys are tracked for this connection.", "O(1)", ""},
      {"client|unblock", "Ends the wait of another connection.", "O(log N), N: connections", "client-id:i [timeout_error(TIMEOUT|ERROR)]"},
      {"client|unpause", "Ends a pause of clients.", "O(N), N: clients that wait", ""},
      {"echo", "Returns what it is given.", "O(1)", "message"},
      {"hello", "Chooses the protocol, and says who the client is.", "O(1)",
       "[arguments{protover:i [AUTH/username_password{username password}] [SETNAME/clientname]}]"},
      {"ping", "Answers, which shows that the server lives.", "O(1)", "[message]"},
      {"quit", "Ends the connection.", "O(1)", ""},
      {"reset", "Makes the connection what it was when it began.", "O(1)", ""},
      {"select", "Chooses the database.", "O(1)", "index:i"},
  };
  return rows;
}

}  // namespace chorus::cache::docs
