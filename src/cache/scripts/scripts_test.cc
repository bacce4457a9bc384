#include "cache/scripts/scripts.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cache/server_fixture.h"

namespace chorus::cache {
namespace {

class ScriptTest : public ServerTest {
 protected:
  /// With arguments as they are: scripts have spaces and quotes.
  std::string send(std::initializer_list<std::string_view> words, std::uint64_t who = 1) {
    if (!replies.contains(who)) ask("PING", who);
    std::string request = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string_view word : words) request += "$" + std::to_string(word.size()) + "\r\n" + std::string(word) + "\r\n";
    server.receive(ClientId(who), request, now);
    collect();
    return take(who);
  }
  std::string eval(std::string_view script) { return send({"EVAL", script, "0"}); }
  /// The error without the digest of its script.
  std::string wrong(std::string_view script) {
    std::string reply = eval(script);
    const std::string digest = Scripts::digest(script);
    if (const auto at = reply.find(digest); at != std::string::npos) reply.replace(at, digest.size(), "SHA");
    return reply;
  }
};

TEST_F(ScriptTest, ConvertsBothWays) {
  const struct {
    std::string_view script, reply2, reply3;
  } cases[] = {
      {"return 3.99", ":3|", ":3|"},
      {"return -7.5", ":-7|", ":-7|"},
      {"return 0/0", ":-9223372036854775808|", ":-9223372036854775808|"},
      {"return 'x'", "$1|x|", "$1|x|"},
      {"return {1,'a',{2},nil,5}", "*3|:1|$1|a|*1|:2|", "*3|:1|$1|a|*1|:2|"},
      {"return {}", "*0|", "*0|"},
      {"return true", ":1|", ":1|"},
      {"return false", "$-1|", "_|"},
      {"return nil", "$-1|", "_|"},
      {"return {ok='fine'}", "+fine|", "+fine|"},
      {"return {err='My Err'}", "-My Err|", "-My Err|"},
      {"return redis.error_reply('My Err')", "-My Err|", "-My Err|"},
      {"return redis.error_reply('-My Err')", "-My Err|", "-My Err|"},
      {"return redis.error_reply('one')", "-ERR one|", "-ERR one|"},
      {"return redis.status_reply('fine')", "+fine|", "+fine|"},
      {"return {double=3.25}", "$4|3.25|", ",3.25|"},
      {"return {map={a=1}}", "*2|$1|a|:1|", "%1|$1|a|:1|"},
      {"return {set={a=true}}", "*1|$1|a|", "~1|$1|a|"},
      {"return {big_number='12'}", "$2|12|", "(12|"},
      {"return {verbatim_string={format='txt',string='hi'}}", "$2|hi|", "=6|txt:hi|"},
      {"redis.setresp(3) return true", ":1|", "#t|"},
      {"redis.setresp(3) return false", ":0|", "#f|"},
      {"redis.call('hset','h','f','v') return redis.call('hgetall','h')", "*2|$1|f|$1|v|", "*2|$1|f|$1|v|"},
      {"redis.setresp(3) return redis.call('hgetall','h')", "*2|$1|f|$1|v|", "%1|$1|f|$1|v|"},
      {"redis.setresp(3) return redis.call('hgetall','h')['map']['f']", "$1|v|", "$1|v|"},
      {"redis.call('sadd','s','m') redis.setresp(3) return redis.call('smembers','s')['set']['m'] and 'yes'", "$3|yes|", "$3|yes|"},
      {"redis.call('zadd','z',1.5,'m') redis.setresp(3) return redis.call('zscore','z','m')", "$3|1.5|", ",1.5|"},
      {"return redis.call('get','none')", "$-1|", "_|"},
      {"return redis.call('get','none') == false and 'false'", "$5|false|", "$5|false|"},
      {"redis.setresp(3) return redis.call('get','none') == nil and 'nil'", "$3|nil|", "$3|nil|"},
      {"return redis.call('set','k',12.5)", "+OK|", "+OK|"},
      {"return redis.call('get','k')", "$4|12.5|", "$4|12.5|"},
      {"return redis.call('set','k',3.0)['ok']", "$2|OK|", "$2|OK|"},
      {"return redis.call('get','k')", "$1|3|", "$1|3|"},
  };
  ask("HELLO 3", 2);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.script);
    EXPECT_EQ(eval(c.script), c.reply2);
    EXPECT_EQ(send({"EVAL", c.script, "0"}, 2), c.reply3);
  }
}

TEST_F(ScriptTest, SaysWhatIsWrongAsRedisDoes) {
  // source: redis-server 7.0.15
  EXPECT_EQ(wrong("return redis.call()"),
            "-ERR Please specify at least one argument for this redis lib call script: SHA, on @user_script:1.|");
  EXPECT_EQ(wrong("return redis.call('nope')"), "-ERR Unknown Redis command called from script script: SHA, on @user_script:1.|");
  EXPECT_EQ(wrong("\nreturn redis.call('get')"),
            "-ERR Wrong number of args calling Redis command from script script: SHA, on @user_script:2.|");
  EXPECT_EQ(wrong("return redis.call('subscribe','x')"),
            "-ERR This Redis command is not allowed from script script: SHA, on @user_script:1.|");
  EXPECT_EQ(wrong("return redis.pcall('nope')"), "-ERR Unknown Redis command called from script|");
  EXPECT_EQ(wrong("return redis.call({})"),
            "-ERR Lua redis lib command arguments must be strings or integers script: SHA, on @user_script:1.|");
  EXPECT_EQ(wrong("return ("), "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'|");
  EXPECT_EQ(wrong("error('x')"), "-ERR user_script:1: x script: SHA, on @user_script:1.|");
  EXPECT_EQ(wrong("error({err='My Err'})"), "-My Err script: SHA, on @user_script:1.|");
  EXPECT_EQ(wrong("error({err=''})"), "- script: SHA, on @user_script:1.|");
  EXPECT_EQ(wrong("error(setmetatable({}, {__index = function() error('x') end}))"), "-ERR unknown error script: SHA, on @user_script:1.|");
  EXPECT_EQ(wrong("return foo"),
            "-ERR user_script:1: Script attempted to access nonexistent global variable 'foo' script: SHA, on @user_script:1.|");
  EXPECT_EQ(wrong("redis.call('set','s','x') return redis.call('incr','s')"),
            "-ERR value is not an integer or out of range script: SHA, on @user_script:1.|");
  EXPECT_EQ(eval("local ok, e = pcall(redis.call, 'nope') return {ok == false, type(e), e}"),
            "*3|:1|$6|string|$44|ERR Unknown Redis command called from script|");
  EXPECT_EQ(eval("local ok, e = pcall(error, {x=1}) return e.x"), ":1|");
  EXPECT_EQ(eval("return {pcall(function(a, b) return b, a end, 1, 2)}"), "*3|:1|:2|:1|");
  EXPECT_EQ(eval("return redis.sha1hex('')"), "$40|da39a3ee5e6b4b0d3255bfef95601890afd80709|");
  EXPECT_EQ(wrong("return redis.setresp(4)"), "-ERR RESP version must be 2 or 3. script: SHA, on @user_script:1.|");
  EXPECT_EQ(ask("EVAL return 2 a"), "-ERR Number of keys can't be greater than number of args|");
  EXPECT_EQ(ask("EVAL return -1"), "-ERR Number of keys can't be negative|");
  EXPECT_EQ(ask("EVALSHA ffffffffffffffffffffffffffffffffffffffff 0"), "-NOSCRIPT No matching script. Please use EVAL.|");
  EXPECT_EQ(eval("#!lua flags=foo\nreturn 1"), "-ERR Unexpected flag in script shebang: foo|");
  EXPECT_EQ(eval("#!js\nreturn 1"), "-ERR Unexpected engine in script shebang: #!js|");
  EXPECT_EQ(eval("#!lua foo=bar\nreturn 1"), "-ERR Unknown lua shebang option: foo=bar|");
  EXPECT_EQ(eval("#!lua"), "-ERR Invalid script shebang|");
  EXPECT_EQ(wrong("#!lua flags=no-writes\nreturn redis.call('set','x',1)"),
            "-ERR Write commands are not allowed from read-only scripts. script: SHA, on @user_script:2.|");
  EXPECT_EQ(send({"EVAL_RO", "return redis.call('get','s')", "0"}), "$1|x|");
  EXPECT_EQ(send({"EVAL_RO", "#!lua\nreturn 1", "0"}), "-ERR Can not execute a script with write flag using *_ro command.|");
}

TEST_F(ScriptTest, CannotChangeItsWorld) {
  server.change_options().script_octets_max = 8U << 20;
  const std::string_view attempts[] = {"foo=1",
                                       "redis.call=1",
                                       "string.x=1",
                                       "math.random=1",
                                       "cjson.encode=nil",
                                       "_G.x=1",
                                       "table.x=1",
                                       "bit.x=1",
                                       "struct.x=1",
                                       "cmsgpack.x=1",
                                       "rawset(_G,'a',1)",
                                       "rawset(redis,'a',1)",
                                       "setmetatable(_G,{})",
                                       "setmetatable(string,{})",
                                       "table.insert(redis,1)",
                                       "table.sort(math)",
                                       "loadstring('x=1')()",
                                       "load(function() return nil end)() rawset(_G,'a',1)",
                                       "getmetatable('').__index.x=1",
                                       "coroutine.wrap(function() x=1 end)()"};
  for (const std::string_view attempt : attempts) {
    SCOPED_TRACE(attempt);
    EXPECT_EQ(eval(attempt).substr(0, 1), "-");
  }
  for (const std::string_view name :
       {"print", "dofile", "loadfile", "require", "module", "package", "io", "debug", "getfenv", "setfenv", "newproxy"}) {
    EXPECT_NE(eval("return " + std::string(name)).find("nonexistent global variable '" + std::string(name)), std::string::npos);
  }
  EXPECT_EQ(eval("local t={} for k in pairs(os) do t[#t+1]=k end return t"), "*1|$5|clock|");
  EXPECT_EQ(eval("return rawget(_G,'redis') ~= nil and type(next(string))"), "$6|string|");
  EXPECT_EQ(eval("return ('y'):rep(3):upper()"), "$3|YYY|");
  EXPECT_EQ(eval("return loadstring(string.dump(function() return 1 end))"), "$-1|") << "compiled code is not taken";
  EXPECT_EQ(eval("\x1bLua"), "-ERR Error compiling script (new function): binary chunks are not taken|");
  EXPECT_EQ(eval("math.randomseed(0) return math.random(1000)"), ":171|");
  std::set<std::string> numbers;
  for (int i = 0; i < 10; ++i) numbers.insert(eval("return math.random(1000000)"));
  EXPECT_GT(numbers.size(), 5U) << "they go on from script to script";
  EXPECT_EQ(eval("return type(getmetatable(_G)) .. type(getmetatable('')) .. type(getmetatable(1))"), "$13|tabletablenil|");
  EXPECT_NE(eval("getmetatable(_G).__index = 1").find("Attempt to modify a readonly table"), std::string::npos);
  EXPECT_NE(eval("rawset(getmetatable(''), 'x', 1)").find("Attempt to modify a readonly table"), std::string::npos);
  EXPECT_NE(eval("getmetatable(getmetatable(_G)).x = 1").find("Attempt to modify a readonly table"), std::string::npos);
  EXPECT_EQ(eval("return next(getmetatable(''))"), "$-1|");
  EXPECT_EQ(eval("local a = {} for i = 1, 7999 do a[i] = i end return redis.call('lpush', 'l', unpack(a))"), ":7999|");
  EXPECT_EQ(eval("local t={} for i=1,40 do t[i]='x' end local s=table.concat(t) while true do s=s..s end").substr(0, 4), "-ERR");
  EXPECT_EQ(eval("local function f() return f() + 1 end return f()").substr(0, 4), "-ERR");
  EXPECT_NE(eval("return string.find(string.rep('a',1e5), string.rep('a?',1e5))").find("pattern too complex"), std::string::npos);
  EXPECT_EQ(eval("local function f() coroutine.wrap(f)() end f()").substr(0, 4), "-ERR");
  EXPECT_EQ(eval("local a={} a[1]=a return a").find("reached lua stack limit") != std::string::npos, true);
}

// source: Redis' own suite, unit/scripting; Lua's own function ends the process
TEST_F(ScriptTest, UnpacksNoMoreThanTheStackHolds) {
  for (const char* range : {"-2, 2147483647", "0, 2147483647", "-2147483648, -2", "1, 100000000", "-2147483648, 2147483647"}) {
    const std::string reply = wrong(std::string("return {unpack({1,2,3}, ") + range + ")}");
    EXPECT_NE(reply.find("too many results to unpack"), std::string::npos) << range << ": " << reply;
  }
  EXPECT_EQ(eval("return {unpack({1,2,3}, -1, -2)}"), "*0|");
  EXPECT_EQ(eval("return {unpack({1,2,3})}"), "*3|:1|:2|:3|");
  EXPECT_EQ(eval("return {unpack({1,2,3}, 2, 3)}"), "*2|:2|:3|");
  EXPECT_EQ(eval("return select('#', unpack({1,2,3}, -1, 5))"), ":7|");
  EXPECT_EQ(eval("return select('#', unpack({1,2,3}, -2147483648, -2147483646))"), ":3|");
  EXPECT_EQ(eval("return select('#', unpack({1,2,3}, 2147483646, 2147483647))"), ":2|");
}

TEST_F(ScriptTest, ShowsNoMoreDigitsThanThereAre) {
  for (const char* digits : {"-2147483648", "-8", "-100", "-1/0"}) {
    EXPECT_EQ(eval(std::string("return bit.tohex(65535, ") + digits + ")"), "$8|0000FFFF|") << digits;
  }
  for (const char* digits : {"8", "2147483647", "1e300"}) {
    EXPECT_EQ(eval(std::string("return bit.tohex(65535, ") + digits + ")"), "$8|0000ffff|") << digits;
  }
  EXPECT_EQ(eval("return bit.tohex(65535)"), "$8|0000ffff|");
  EXPECT_EQ(eval("return bit.tohex(65535, 2)"), "$2|ff|");
  EXPECT_TRUE(eval("return bit.tohex(65535, 0/0)").starts_with("$"));
}

TEST_F(ScriptTest, HasNoStringThatItsLibrariesCannotCount) {
  EXPECT_NE(wrong("return #cjson.encode(('x'):rep(400 * 1024 * 1024))").find("not enough memory"), std::string::npos);
}

TEST_F(ScriptTest, CompilesMuchWithoutCollecting) {
  // Names that are all new make the parser allocate at each step; what it holds itself must stay.
  EXPECT_EQ(
      eval("local n = 0 for i = 1, 200 do local f = loadstring('local '..('a'):rep(i)..' = {} return '..i, ('chunk'):rep(i)) n = n + f() "
           "end collectgarbage() return n"),
      ":20100|");
  EXPECT_EQ(eval("local before = collectgarbage('count') for i = 1, 2000 do local t = {('x'):rep(1000)..i} end return "
                 "(collectgarbage('count') - before < 1500) and 1 or 0"),
            ":1|")
      << "collection goes on afterwards";
}

TEST_F(ScriptTest, IsSeenByMonitorsBeforeWhatItDoes) {
  ask("MONITOR", 2);
  eval("redis.call('set','k','v')");
  const std::string seen = take(2);
  EXPECT_LT(seen.find("\"EVAL\""), seen.find("lua] \"set\" \"k\" \"v\"")) << seen;
  EXPECT_EQ(seen.find("\"EVAL\"", seen.find("\"EVAL\"") + 1), std::string::npos) << "once";
}

TEST_F(ScriptTest, IsOneUnitOfEffects) {
  EXPECT_EQ(send({"EVAL", "redis.call('set',KEYS[1],ARGV[1]) redis.call('get',KEYS[1]) redis.call('incr',KEYS[2]) return KEYS[2]", "2", "a",
                  "b", "v"}),
            "$1|b|");
  EXPECT_EQ(effects(), "SET a v, incr b");
  eval("redis.call('set','x',1) error('too late')");
  EXPECT_EQ(effects(), "SET x 1");
  eval("redis.set_repl(redis.REPL_NONE) redis.call('set','x',2) redis.set_repl(redis.REPL_ALL) redis.call('set','x',3)");
  EXPECT_EQ(effects(), "SET x 3");
  eval("return redis.call('get','x')");
  EXPECT_EQ(effects(), "");
  EXPECT_EQ(eval("return redis.call('blpop','none',0)"), "$-1|") << "as if the time were over";
  eval("redis.call('select',1) redis.call('set','there',1)");
  EXPECT_EQ(effects(), "[1] SET there 1");
  EXPECT_EQ(ask("EXISTS there"), ":0|") << "the database of the client stays";
  EXPECT_EQ(ask("MULTI"), "+OK|");
  send({"EVAL", "return redis.call('incr','n')", "0"});
  EXPECT_EQ(ask("EXEC"), "*1|:1|");
}

TEST_F(ScriptTest, KeepsScripts) {
  const std::string digest = Scripts::digest("return 'here'");
  EXPECT_EQ(send({"SCRIPT", "LOAD", "return 'here'"}), "$40|" + digest + "|");
  EXPECT_EQ(ask("SCRIPT EXISTS " + digest + " x"), "*2|:1|:0|");
  EXPECT_EQ(ask("EVALSHA " + digest + " 0"), "$4|here|");
  for (std::size_t i = 0; i < Scripts::evaluated_max + 10; ++i) eval("return " + std::to_string(i));
  EXPECT_EQ(server.scripts().count(), Scripts::evaluated_max + 1);
  EXPECT_EQ(ask("EVALSHA " + digest + " 0"), "$4|here|") << "what was loaded stays";
  EXPECT_EQ(ask("EVALSHA " + Scripts::digest("return 0") + " 0").substr(0, 9), "-NOSCRIPT");
  EXPECT_EQ(ask("SCRIPT FLUSH"), "+OK|");
  EXPECT_EQ(ask("SCRIPT EXISTS " + digest), "*1|:0|");
  EXPECT_EQ(ask("SCRIPT FLUSH NOPE"), "-ERR SCRIPT FLUSH only support SYNC|ASYNC option|");
}

TEST_F(ScriptTest, PacksAndUnpacks) {
  EXPECT_EQ(eval("return cjson.encode({a=1})"), "$7|{\"a\":1}|");
  EXPECT_EQ(eval("return cjson.decode('[1,2,[3]]')"), "*3|:1|:2|*1|:3|");
  EXPECT_EQ(eval("return bit.band(0xff, 0x0f)"), ":15|");
  const auto packed = [&](const std::string& values) {
    return eval("local s=cmsgpack.pack(" + values + ") local h='' for i=1,#s do h=h..string.format('%02x',s:byte(i)) end return h");
  };
  // source: the examples of MessagePack's specification
  EXPECT_EQ(packed("1,-1,127,128,-33,65536,'a',true,false,nil,1.5,0.1"),
            "$62|01ff7fcc80d0dfce00010000a161c3c2c0ca3fc00000cb3fb999999999999a|");
  EXPECT_EQ(packed("{1,2},{a=1},{}"), "$16|92010281a1610190|");
  EXPECT_EQ(eval("local a,b,c=cmsgpack.unpack(cmsgpack.pack({1,{x='y'}},'z',-1234567890)) return {a[1],a[2].x,b,c}"),
            "*4|:1|$1|y|$1|z|:-1234567890|");
  EXPECT_EQ(eval("return {cmsgpack.unpack_one(cmsgpack.pack(1,2,3),1)}"), "*2|:2|:2|");
  EXPECT_EQ(eval("return {cmsgpack.unpack_limit(cmsgpack.pack(1,2,3),5)}"), "*4|:-1|:1|:2|:3|");
  for (const std::string_view bad : {"\\221", "\\220\\221", "\\221\\1\\193", "\\221\\221", "\\223\\1", "\\221\\211",
                                     "\\219\\255\\255\\255\\255", "\\221\\255\\255\\255\\255"}) {
    EXPECT_EQ(eval("return cmsgpack.unpack('" + std::string(bad) + "')").substr(0, 4), "-ERR") << bad;
  }
  EXPECT_EQ(eval("local a={} a.x=a return #cmsgpack.pack(a) > 0"), ":1|") << "what is too deep is nil";
  EXPECT_EQ(eval("return {struct.unpack('>I2i4<Hsc3d', struct.pack('>I2i4<Hsc3d',258,-2,772,'text','abc',1.5))}"),
            "*7|:258|:-2|:772|$4|text|$3|abc|:1|:25|");
  EXPECT_EQ(eval("return struct.size('!4bi')"), ":8|");
  EXPECT_EQ(eval("return {struct.unpack('bc0', struct.pack('bc0', 3, 'abc'))}"), "*2|$3|abc|:5|");
  for (const std::string_view bad :
       {"struct.unpack('i','a')", "struct.pack('z',1)", "struct.unpack('I99','')", "struct.unpack('c99999999999','x')",
        "struct.unpack('s','abc')", "struct.pack('!3i',1)", "struct.unpack('c0','abc')", "struct.unpack('bc0','\\255')",
        "struct.unpack('b','a',100)", "struct.unpack('b','a',0)", "struct.pack('i',1e300)"}) {
    EXPECT_EQ(eval("return " + std::string(bad)).substr(0, 4), "-ERR") << bad;
  }
}

/// A clock that moves by a second each time a script looks, and another client that says something meanwhile.
class Watch final : public ScriptWatch {
 public:
  Watch(Server& server, Now start) : server_(server), now_(start) {}
  Now now() override {
    now_.monotonic_us += 1'000'000;
    return now_;
  }
  void let_others_in() override {
    ++visits;
    if (!says.empty()) server_.receive(ClientId(2), std::exchange(says, {}), now_);
    if (leaves) server_.disconnect(ClientId(1));
    if (read_to != nullptr) std::fill(read_to->begin(), read_to->end(), '?');
  }
  void log(int level, std::string_view line) override { logged += std::to_string(level) + ":" + std::string(line) + ";"; }

  std::string says, logged;
  bool leaves = false;
  std::string* read_to = nullptr;  // where the octets of clients come to lie, each over those before
  int visits = 0;

 private:
  Server& server_;
  Now now_;
};

TEST_F(ScriptTest, LetsOthersInOnceItTakesLong) {
  Watch watch(server, now);
  server.watch_scripts(&watch);
  ask("PING", 2);
  EXPECT_EQ(ask("SCRIPT KILL", 2), "-NOTBUSY No scripts in execution right now.|");
  watch.says = "GET x\r\nFUNCTION KILL\r\nSCRIPT KILL\r\n";
  EXPECT_EQ(wrong("while true do pcall(function() while true do end end) end"),
            "-ERR Script killed by user with SCRIPT KILL. script: SHA, on @user_script:1.|");
  EXPECT_EQ(take(2),
            "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.|"
            "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.|+OK|");
  EXPECT_EQ(ask("GET x", 2), "$-1|");
  watch.says = "SCRIPT KILL\r\n";
  EXPECT_EQ(eval("redis.call('set','x',1) for i=1,5e6 do end return 'done'"), "$4|done|");
  EXPECT_EQ(take(2).substr(0, 12), "-UNKILLABLE ");
  EXPECT_EQ(effects(), "SET x 1");
  EXPECT_GT(watch.visits, 1);
  ask("CONFIG SET busy-reply-threshold 0");
  watch.visits = 0;
  eval("for i=1,1e6 do end");
  EXPECT_EQ(watch.visits, 0);
  eval("redis.log(redis.LOG_WARNING,'said',5)");
  EXPECT_EQ(watch.logged, "3:script says text=\"said 5\";");
  server.watch_scripts(nullptr);
}

TEST_F(ScriptTest, IsToldOfByItsOwnWordsAfterOthersWereLetIn) {
  server.use_stopwatch([this] { return now.monotonic_us; });
  ask("CONFIG SET slowlog-log-slower-than 0");
  Watch watch(server, now);
  server.watch_scripts(&watch);
  std::string request = "*4\r\n$4\r\nEVAL\r\n$18\r\nfor i=1,2e6 do end\r\n$1\r\n0\r\n$4\r\nmine\r\n";
  watch.read_to = &request;
  server.receive(ClientId(1), request, now);
  collect();
  EXPECT_EQ(take(1), "$-1|");
  EXPECT_GT(watch.visits, 0);
  server.watch_scripts(nullptr);
  EXPECT_THAT(ask("SLOWLOG GET 1"), testing::HasSubstr("*4|$4|EVAL|$18|for i=1,2e6 do end|$1|0|$4|mine|"));
}

TEST_F(ScriptTest, GoesOnWhenItsClientLeaves) {
  Watch watch(server, now);
  server.watch_scripts(&watch);
  watch.leaves = true;
  EXPECT_EQ(eval("for i=1,2e6 do end redis.call('set','x',1)"), "");
  EXPECT_EQ(server.clients(), 0U);
  EXPECT_EQ(effects(), "SET x 1");
  server.watch_scripts(nullptr);
}

TEST_F(ScriptTest, LoadsLibraries) {
  const std::string head = "#!lua name=lib\n";
  const auto load = [&](std::string_view source) { return send({"FUNCTION", "LOAD", source}); };
  EXPECT_EQ(load("x"), "-ERR Missing library metadata|");
  EXPECT_EQ(load("#!lua\n"), "-ERR Library name was not given|");
  EXPECT_EQ(load("#!js name=a\n"), "-ERR Engine 'js' not found|");
  EXPECT_EQ(load(head + "return 1"), "-ERR No functions registered|");
  EXPECT_EQ(load(head + "error('x')"),
            "-ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'error'|");
  EXPECT_EQ(load(head + "redis.call('get','x')"),
            "-ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'call'|");
  EXPECT_EQ(load(head + "while true do end"), "-ERR Error registering functions: ERR FUNCTION LOAD timeout|");
  effects();
  const std::string code =
      head +
      "redis.register_function('f', function(keys, args) redis.call('set', keys[1], args[1]) return {keys, args} end)\n"
      "redis.register_function{function_name='r', callback=function() return redis.call('get', 'k') end, flags={'no-writes'}, "
      "description='reads'}\n"
      "redis.register_function('bad', function() return foo end)";
  EXPECT_EQ(load(code), "$3|lib|");
  EXPECT_EQ(effects(), "FUNCTION LOAD " + code);
  EXPECT_EQ(load(code), "-ERR Library 'lib' already exists|");
  EXPECT_EQ(load("#!lua name=other\nredis.register_function('f', function() end)"), "-ERR Function f already exists|");
  EXPECT_EQ(ask("FCALL f 1 k v"), "*2|*1|$1|k|*1|$1|v|");
  EXPECT_EQ(effects(), "SET k v");
  EXPECT_EQ(ask("FCALL_RO r 0"), "$1|v|");
  EXPECT_EQ(ask("FCALL_RO f 1 k v"), "-ERR Can not execute a script with write flag using *_ro command.|");
  EXPECT_EQ(ask("FCALL bad 0"),
            "-ERR user_function:4: Script attempted to access nonexistent global variable 'foo' script: bad, on @user_function:4.|");
  EXPECT_EQ(ask("FCALL nope 0"), "-ERR Function not found|");
  EXPECT_EQ(ask("FUNCTION LIST LIBRARYNAME L*"),
            "*1|*6|$12|library_name|$3|lib|$6|engine|$3|LUA|$9|functions|*3|*6|$4|name|$3|bad|$11|description|$-1|$5|flags|*0|*6|$4|name|$"
            "1|f|$11|description|"
            "$-1|$5|flags|*0|*6|$4|name|$1|r|$11|description|$5|reads|$5|flags|*1|+no-writes|");
  EXPECT_EQ(send({"FUNCTION", "LOAD", "REPLACE", head + "redis.register_function('g', function() return 1 end)"}), "$3|lib|");
  EXPECT_EQ(ask("FCALL f 0"), "-ERR Function not found|");
  EXPECT_EQ(ask("FUNCTION STATS"), "*4|$14|running_script|$-1|$7|engines|*2|$3|LUA|*4|$15|libraries_count|:1|$15|functions_count|:1|");
  EXPECT_EQ(ask("FUNCTION DELETE nope"), "-ERR Library not found|");
  EXPECT_EQ(ask("FUNCTION DELETE lib"), "+OK|");
  EXPECT_EQ(ask("FCALL g 0"), "-ERR Function not found|");
  EXPECT_EQ(ask("FUNCTION FLUSH"), "+OK|");
}

TEST_F(ScriptTest, ThatMayNotWriteTellsNobodyElseEither) {
  const std::string refused = "Write commands are not allowed from read-only scripts.";
  for (const char* called : {"redis.call('publish','c','m')", "redis.call('pfcount','h')", "redis.call('set','k','v')"}) {
    EXPECT_NE(send({"EVAL_RO", std::string("return ") + called, "0"}).find(refused), std::string::npos) << called;
    EXPECT_NE(eval(std::string("#!lua flags=no-writes\nreturn ") + called).find(refused), std::string::npos) << called;
  }
}

// source: Redis' own suite, unit/scripting
TEST_F(ScriptTest, ErrorsOfWhatItCallsAreCountedOnce) {
  const auto counts = [&](std::string_view code) {
    const std::string info = ask("INFO errorstats") + ask("INFO stats") + ask("INFO commandstats");
    std::string out;
    for (const std::string& name : {"errorstat_" + std::string(code) + ":", std::string("total_error_replies:"),
                                    std::string("cmdstat_set:"), std::string("cmdstat_eval:"), std::string("cmdstat_eval_ro:")}) {
      const auto at = info.find("|" + name);
      if (at == std::string::npos) continue;
      const std::string line = info.substr(at + 1, info.find('|', at + 1) - at - 1);
      const auto rest = line.find("rejected_calls");
      out += (rest == std::string::npos ? line.substr(line.find(':') + 1) : line.substr(line.find("calls="), 8) + line.substr(rest)) + " ";
    }
    ask("CONFIG RESETSTAT");
    return out;
  };
  ask("SET n x");
  ask("CONFIG RESETSTAT");
  EXPECT_NE(eval("return redis.call('incr','n')").find("-ERR value is not an integer"), std::string::npos);
  EXPECT_EQ(counts("ERR"), "count=1 1 calls=1,rejected_calls=0,failed_calls=1 ");
  EXPECT_EQ(eval("return redis.pcall('incr','n').err"), "$43|ERR value is not an integer or out of range|");
  EXPECT_EQ(counts("ERR"), "count=1 1 calls=1,rejected_calls=0,failed_calls=0 ");
  EXPECT_EQ(eval("return redis.pcall('incr','n')"), "-ERR value is not an integer or out of range|");
  EXPECT_EQ(counts("ERR"), "count=1 1 calls=1,rejected_calls=0,failed_calls=1 ");
  EXPECT_NE(send({"EVAL_RO", "return redis.call('set','n','y')", "0"}).find("-ERR Write commands are not allowed"), std::string::npos);
  EXPECT_EQ(counts("ERR"), "count=1 1 calls=0,rejected_calls=1,failed_calls=0 calls=1,rejected_calls=0,failed_calls=1 ");
  EXPECT_EQ(eval("return {err='OWN own'}"), "-OWN own|");
  EXPECT_EQ(counts("OWN"), "count=1 1 calls=1,rejected_calls=0,failed_calls=1 ");
}

TEST_F(ScriptTest, IsHeldInAPauseUnlessItSaysThatItDoesNotWrite) {
  const std::string reads = "#!lua flags=no-writes\nreturn 1";
  const std::string digest = Scripts::digest(reads);
  send({"FUNCTION", "LOAD",
        "#!lua name=lib\nredis.register_function{function_name='f', callback=function() return 2 end, flags={'no-writes'}}"});
  send({"FUNCTION", "LOAD", "#!lua name=w\nredis.register_function('w', function() return 3 end)"});
  ask("CLIENT PAUSE 100000 WRITE");
  EXPECT_EQ(send({"EVAL", reads, "0"}, 2), ":1|");
  EXPECT_EQ(send({"EVALSHA", digest, "0"}, 2), ":1|");
  EXPECT_EQ(send({"EVAL_RO", "return 4", "0"}, 2), ":4|");
  EXPECT_EQ(send({"FCALL", "f", "0"}, 2), ":2|");
  EXPECT_EQ(ask("MULTI", 2), "+OK|");
  send({"EVAL", reads, "0"}, 2);
  EXPECT_EQ(ask("EXEC", 2), "*1|:1|");
  EXPECT_EQ(send({"EVAL", "return 5", "0"}, 3), "") << "nothing is known of it";
  EXPECT_EQ(send({"EVAL", "#!lua\nreturn 6", "0"}, 4), "");
  EXPECT_EQ(send({"FCALL", "w", "0"}, 5), "");
  ask("CLIENT UNPAUSE");
  tick();
  EXPECT_EQ(take(3) + take(4) + take(5), ":5|:6|:3|");
}

TEST_F(ScriptTest, MayRunMoreForTests) {
  server.change_options().debug_access = ProtectedAccess::yes;
  EXPECT_NE(wrong("return redis.call('debug', 'protocol', 'double')").find("not allowed from script"), std::string::npos);
  EXPECT_EQ(ask("DEBUG SET-DISABLE-DENY-SCRIPTS 1"), "+OK|");
  EXPECT_EQ(eval("redis.setresp(3) return redis.call('debug', 'protocol', 'double')"), "$5|3.141|");
  EXPECT_EQ(eval("redis.setresp(3) return redis.call('debug', 'protocol', 'attrib')"), "$39|Some real reply following the attribute|");
  EXPECT_NE(wrong("return redis.call('debug', 'reload')").find("not possible inside a transaction or script"), std::string::npos);
  EXPECT_NE(wrong("return redis.call('monitor')").find("not allowed from script"), std::string::npos);
  EXPECT_NE(eval("return redis.call('client', 'list')").find("addr=127.0.0.1:40001"), std::string::npos);
  ask("SET k v PX 10");
  EXPECT_EQ(eval("redis.call('debug', 'sleep', '0.02') return redis.call('exists', 'k')"), "");
  pass(30);
  tick();
  EXPECT_EQ(take(1), ":1|");
  EXPECT_EQ(ask("EXISTS k"), ":0|");
  EXPECT_EQ(ask("DEBUG SET-DISABLE-DENY-SCRIPTS 0"), "+OK|");
  EXPECT_NE(wrong("return redis.call('client', 'list')").find("not allowed from script"), std::string::npos);
}

// source: Redis' own suite, unit/functions
TEST_F(ScriptTest, LibrariesSayWhatTheyAre) {
  const auto load = [&](std::string_view source) { return send({"FUNCTION", "LOAD", "REPLACE", source}); };
  const std::string code = "\nredis.register_function('Foo', function() return 1 end)";
  EXPECT_EQ(load("#!lua name=\"quoted\"" + code), "$6|quoted|");
  EXPECT_EQ(send({"FCALL", "FOO", "0"}), ":1|") << "names of functions are found in any case";
  EXPECT_EQ(send({"FUNCTION", "LOAD", "#!lua name=other\nredis.register_function('fOO', function() return 2 end)"}),
            "-ERR Function fOO already exists|");
  EXPECT_EQ(load("#!lua name=quoted" + code), "$6|quoted|") << "its own are no others'";
  EXPECT_EQ(ask("FUNCTION DELETE quoted"), "+OK|");
  EXPECT_EQ(send({"FCALL", "foo", "0"}), "-ERR Function not found|");
  EXPECT_EQ(load("#! name=lib" + code), "-ERR Engine '' not found|");
  EXPECT_EQ(load("#!lua name=\"lib" + code), "-ERR Invalid library metadata|");
  EXPECT_EQ(load("#!lua name=lib\nredis.register_function{function_name='f', callback=function() end, flags={function() end}}"),
            "-ERR Error registering functions: ERR unknown flag given|");
  EXPECT_EQ(ask("FUNCTION FLUSH bogus"), "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option|");
  EXPECT_EQ(ask("FUNCTION flush sync more"), "-ERR unknown subcommand or wrong number of arguments for 'flush'. Try FUNCTION HELP.|");
}

TEST_F(ScriptTest, MayDoNoMoreThanItsCaller) {
  EXPECT_EQ(ask("SET secret x"), "+OK|");
  EXPECT_EQ(ask("ACL SETUSER u on nopass ~own +@all -flushall"), "+OK|");
  EXPECT_EQ(ask("AUTH u any"), "+OK|");
  EXPECT_EQ(eval("return redis.call('set', 'own', '1')"), "+OK|");
  EXPECT_EQ(wrong("return redis.call('get', 'secret')"),
            "-ERR ACL failure in script: No permissions to access a key script: SHA, on @user_script:1.|");
  EXPECT_EQ(eval("return redis.pcall('flushall')"), "-ERR ACL failure in script: User u has no permissions to run the 'flushall' command|");
  EXPECT_EQ(eval("return {redis.acl_check_cmd('get', 'own'), redis.acl_check_cmd('get', 'secret')}"), "*2|:1|$-1|");
  EXPECT_EQ(ask("GET own"), "$1|1|");
}

}  // namespace
}  // namespace chorus::cache
