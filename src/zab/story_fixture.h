// For tests: an ensemble of Peers that is led through a story, told as text. Nothing happens but by a command; what happens is the trace.
//
//   ensemble voters=3 [observers=1] [reconfig] [history=N] [counter-end=N]    history: transactions that a leader keeps in memory
//   disk ID [epoch=1] [accepted=1] [log=0x100000001/a,...] [snapshot=N] [empty]
//                          what its disk has before it is started, N of the log in a snapshot alone; empty: see Standing
//   start ID...            crash ID...         power fails: what was not durable is gone
//   run [1s]               all that was sent arrives; and so much time passes
//   hold A>B [TYPE]        what A sends B over the quorum port waits from now on, or from the first packet of that type on
//   pass A>B [N]           N of it arrive, else one; then what comes of that   release A>B   all of it, and no more is held
//   cut A-B, heal A-B      no word passes between them
//   stall ID, go ID [N]    its disk is slow: N things that it was asked become durable, else all, and then it is no longer slow
//   propose ID WORD...     by the leader's service
//   reconfig ID voters=1,2 [observers=3]
//   resign ID              show ID...
//
// Elections are real, and not in the trace. After each command the judge looks whether what was committed is the same everywhere, was on
// the disks of a quorum when it was committed, and is had by whoever leads.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "zab/peer.h"

namespace chorus::zab::test {

class Story {
 public:
  Story();
  ~Story();
  /// Carries out one command; its trace, a line each. A line that begins with "broken:" is the judge's.
  std::string tell(std::string_view command);

 private:
  struct Server;
  struct Wire;
  using Words = std::vector<std::string>;
  struct Entry {
    std::int64_t zxid = 0;
    std::string octets;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  void ensemble(const Words& words);
  void disk(const Words& words);
  void start(Server& server);
  void crash(Server& server);
  void run(world::Duration time);
  void deliver_all();
  using Direction = std::pair<ServerId, ServerId>;
  struct Held {
    std::string from_type;  // not before one of this type
    std::deque<std::function<void()>> what;
  };
  void pass(const Direction& direction, std::size_t count);
  void release(const Direction& direction);
  void go(Server& server, std::size_t count);
  void propose(Server& server, const std::string& word);
  void reconfig(Server& server, const Words& words);
  void show(const Server& server);

  Server& server(std::string_view id);
  void note(std::string line) { trace_ += std::move(line) + "\n"; }
  void soon(Server& server, std::function<void()> what);
  void step(Server& server, decltype(Event::what) what);
  void send(LinkId link, std::string name, std::function<void(Server&, LinkId)> arrive);
  bool may_talk(ServerId a, ServerId b) const;
  void close_wire(Wire& wire, std::optional<ServerId> but_not);
  void persist(Server& server, std::string name, bool is_log, std::function<void()> effect);

  void perform(Server& server, const SendNotification& a);
  void perform(Server& server, const Connect& a);
  void perform(Server&, const SendPacket& a);
  void perform(Server& server, const SendSnapshot& a);
  void perform(Server& server, const CloseLink& a);
  void perform(Server& server, const ReadHistory& a);
  void perform(Server& server, const StoreAcceptedEpoch& a);
  void perform(Server& server, const StoreCurrentEpoch& a);
  void perform(Server& server, const Truncate& a);
  void perform(Server& server, const StoreSnapshot& a);
  void perform(Server& server, const Append& a);
  void perform(Server& server, const Commit& a);
  void perform(Server& server, const ConfigProposed& a);
  void perform(Server& server, const ConfigActivated& a);
  void perform(Server& server, const StartServing& a);
  void perform(Server& server, const StopServing&);
  void perform(Server& server, const Deliver& a);
  void perform(Server& server, const RoleChanged& a);
  void perform(Server& server, const Resigned&);
  void perform(Server& server, const Remark& a);
  void perform(Server&, const ExpectSnapshot&) {}
  void perform(Server&, const LearnersChanged&) {}

  void judge_commit(Server& server);
  void judge_leader(Server& server);
  void broken(std::string what) { note("broken: " + std::move(what)); }

  PeerOptions options_;
  EnsembleConfig config_;
  world::Instant now_{};
  std::map<ServerId, std::unique_ptr<Server>> servers_;
  std::vector<std::unique_ptr<Wire>> wires_;
  std::deque<std::function<void()>> due_;
  std::vector<std::pair<ServerId, ServerId>> cuts_;
  std::map<Direction, Held> held_;
  std::uint64_t last_link_ = 0;
  std::string trace_;

  std::vector<Entry> committed_;              // as far as anybody went
  std::map<std::int64_t, ServerId> leaders_;  // established, by epoch
};

}  // namespace chorus::zab::test
