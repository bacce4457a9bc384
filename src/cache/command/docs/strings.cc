// COMMAND DOCS of string, bitmap, hyperloglog. source of the arguments: COMMAND DOCS of redis-server 7.0
#include "cache/command/docs/docs.h"

namespace chorus::cache::docs {

std::span<const Row> strings() {
  static constexpr Row rows[] = {
      {"append", "Appends to a string, which is made when it is not there.", "O(1), amortized", "key:k0 value"},
      {"decr", "Subtracts one from an integer.", "O(1)", "key:k0"},
      {"decrby", "Subtracts from an integer.", "O(1)", "key:k0 decrement:i"},
      {"get", "Returns a string.", "O(1)", "key:k0"},
      {"getdel", "Returns a string and removes its key.", "O(1)", "key:k0"},
      {"getex", "Returns a string and may change when its key expires.", "O(1)",
       "key:k0 [expiration(EX/seconds:i|PX/milliseconds:i|EXAT/unix-time-seconds:u|PXAT/unix-time-milliseconds:u|PERSIST)]"},
      {"getrange", "Returns a part of a string.", "O(N), N: octets returned", "key:k0 start:i end:i"},
      {"getset", "Sets a string and returns what it was.", "O(1)", "key:k0 value"},
      {"incr", "Adds one to an integer.", "O(1)", "key:k0"},
      {"incrby", "Adds to an integer.", "O(1)", "key:k0 increment:i"},
      {"incrbyfloat", "Adds to a number.", "O(1)", "key:k0 increment:d"},
      {"lcs", "Finds the longest text that two strings have in common, gaps allowed.", "O(N*M), N and M: octets of the strings",
       "key1:k0 key2:k0 [LEN] [IDX] [MINMATCHLEN/len:i] [WITHMATCHLEN]"},
      {"mget", "Returns several strings.", "O(N), N: keys", "key:k0..."},
      {"mset", "Sets several strings.", "O(N), N: keys", "key_value{key:k0 value}..."},
      {"msetnx", "Sets several strings, if none of the keys is there.", "O(N), N: keys", "key_value{key:k0 value}..."},
      {"psetex", "Sets a string and makes it go after some milliseconds.", "O(1)", "key:k0 milliseconds:i value"},
      {"set", "Sets a string, whatever the key was.", "O(1)",
       "key:k0 value [condition(NX|XX)@2.6.12] [GET@6.2.0] "
       "[expiration(EX/seconds:i@2.6.12|PX/milliseconds:i@2.6.12|EXAT/unix-time-seconds:u@6.2.0|PXAT/"
       "unix-time-milliseconds:u@6.2.0|KEEPTTL@6.0.0)]"},
      {"setex", "Sets a string and makes it go after some seconds.", "O(1)", "key:k0 seconds:i value"},
      {"setnx", "Sets a string, if the key is not there.", "O(1)", "key:k0 value"},
      {"setrange", "Overwrites a part of a string, which grows as needed.", "O(N), N: octets written", "key:k0 offset:i value"},
      {"strlen", "Returns the length of a string.", "O(1)", "key:k0"},
      {"substr", "Returns a part of a string.", "O(N), N: octets returned", "key:k0 start:i end:i"},
      {"bitcount", "Counts the bits that are set in a string, or in a part of it.", "O(N), N: octets looked at",
       "key:k0 [index{start:i end:i [index_unit(BYTE|BIT)@7.0.0]}]"},
      {"bitfield", "Reads, sets and adds to integers of any width that lie within a string.", "O(1) for each operation",
       "key:k0 [operation(GET/encoding_offset{encoding offset:i}|write{[OVERFLOW/wrap_sat_fail(WRAP|SAT|FAIL)] "
       "write_operation(SET/encoding_offset_value{encoding offset:i value:i}|INCRBY/encoding_offset_increment{encoding offset:i "
       "increment:i})})...]"},
      {"bitfield_ro", "Reads integers of any width that lie within a string.", "O(1) for each operation",
       "key:k0 [GET/encoding_offset{encoding offset:i}+...]"},
      {"bitop", "Combines strings bit by bit and stores what comes out.", "O(N), N: octets of the longest string",
       "operation destkey:k0 key:k1..."},
      {"bitpos", "Finds the first bit that is set, or clear, in a string.", "O(N), N: octets looked at",
       "key:k0 bit:i [index{start:i [end_index{end:i [index_unit(BYTE|BIT)@7.0.0]}]}]"},
      {"getbit", "Returns one bit of a string.", "O(1)", "key:k0 offset:i"},
      {"setbit", "Sets or clears one bit of a string, which grows as needed; returns what it was.", "O(1)", "key:k0 offset:i value:i"},
      {"pfadd", "Counts elements in a HyperLogLog, which is made when it is not there.", "O(1) for each element", "key:k0 [element...]"},
      {"pfcount", "Estimates how many different elements one or several HyperLogLogs have seen.", "O(1), or O(N) for N of them",
       "key:k0..."},
      {"pfdebug", "Shows how a HyperLogLog is kept, for tests.", "O(1)", "subcommand key:k0"},
      {"pfmerge", "Merges HyperLogLogs into one.", "O(N), N: HyperLogLogs", "destkey:k0 sourcekey:k1..."},
      {"pfselftest", "Checks the estimates of HyperLogLogs.", "O(1)", ""},
  };
  return rows;
}

}  // namespace chorus::cache::docs
