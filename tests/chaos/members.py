#!/usr/bin/python3
"""An ensemble on hosts of its own (network namespaces), to which things happen while the simulator's clients record what they see.

usage: tests/chaos/members.py [--peer KIND[,KIND]...] [--members 3] [--seconds 60] [--seed N] [--direct] [--only PATTERN]

Each thing that can happen is done once; then they are done at random for --seconds. While a majority is well the writes must go on.
Afterwards the history is judged twice: all of it by the simulator's checker, by the logs of the members, and what was done to registers
by Porcupine; and every member must have the same tree. KIND: chorus, java38, java39; one for all, or one for each member. Java 3.8 is
not asked by clients, since the checker holds to 3.9's octets: two members must be of another kind. --direct leaves out the relays.
Ends with "N passed, N failed".
"""
import argparse
import contextlib
import errno
import fnmatch
import os
import pathlib
import random
import shutil
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / 'support'), str(HERE.parent / 'mixed')]
import network  # noqa: E402
from agreement import everyone_agrees  # noqa: E402
from checks import Skipped, Suite  # noqa: E402
from disk import Disk  # noqa: E402
from ensemble import KEPT_LOGS, KINDS, TICK_MS, Ensemble  # noqa: E402
from recorder import Recorder, build_porcupine, porcupine_rejects_what_is_broken  # noqa: E402
from relays import Relay  # noqa: E402
from servers import wait_until  # noqa: E402
from txnlog import logs  # noqa: E402

PATIENCE = 40.0  # seconds until the writes must go on; an election and the clients' time-outs are in it
SYNC_LIMIT = 4
SETTINGS = {'syncLimit': SYNC_LIMIT, 'initLimit': 6, 'preAllocSize': 64}
# Drawn for each run: how often members come to snapshots and new log files, and how they bring one another up to date.
DRAWN = {'snapCount': (300, 3000, 20000), 'commitLogCount': (20, 500), 'forceSnapshotSync': ('false', 'false', 'true')}
JAVA = {'snapshotSizeFactor': -1}  # or it would send whole snapshots of so small a tree always
SILENCE_MS = (SYNC_LIMIT + 2) * TICK_MS  # until a leader, or a follower, knows that it lost the other
WRITES = 20


class Story:
    def __init__(self, options):
        self.random = random.Random(options.seed)
        kinds = options.peer
        self.happened = 0
        self.longest_pause = 0.0  # of a process
        self.felt = None  # a condition: what was done has had its effect
        self.failed = 0
        self.has_kept_enough = threading.Event()
        with contextlib.ExitStack() as ends:
            self.net = ends.enter_context(network.Network(len(kinds)))
            settings = {**SETTINGS, **{key: self.random.choice(values) for key, values in DRAWN.items()},
                        **(JAVA if set(kinds) != {'chorus'} else {})}
            print(f'{",".join(kinds)}: {settings}', flush=True)
            self.ensemble = Ensemble(kinds, options=settings, name=f'chaos-{options.seed}', network=self.net)
            self.disks, self.relays = {}, {}
            ends.callback(self.end_members)
            for member in self.ensemble:
                self.disks[member.number] = Disk(member.data_directory())
                if not options.direct:
                    self.relays[member.number] = self.relay_for(member, options.seed)
                member.configure(self.configuration(member))
            self.ensemble.start()
            asked = {m.number: m.address for m in self.ensemble if m.kind != 'java38'}
            if not options.direct:
                self.relays[0] = Relay(asked, seed=options.seed)
                asked = self.relays[0].at
            # Java 3.8.0 does not have them, and its tree is another one from then on: docs/mixed-ensembles.md.
            recording = ['--no-create2-in-multis'] if 'java38' in kinds else []
            self.recorder = ends.enter_context(Recorder(asked.values(), self.ensemble.temporary.name, options.seed, options=recording))
            self.keeper = threading.Thread(target=self.keep_logs, daemon=True)
            self.keeper.start()
            self.ends = ends.pop_all()

    def relay_for(self, member, seed):
        """On the member's host, for the connections that it makes to the others, so that the rules of the network hold for them."""
        routes = {(other.number, what): f'{other.host}:{port}' for other in self.ensemble if other is not member
                  for what, port in (('quorum', other.quorum_port), ('election', other.election_port))}
        return Relay(routes, enter=self.net.enter(member.number), seed=seed + member.number)

    def configuration(self, member):
        """Its zoo.cfg, in which the others are where its relay listens."""
        lines = self.ensemble.config_of(member)
        relay = self.relays.get(member.number)
        if relay:
            port = {key: at.rsplit(':', 1)[1] for key, at in relay.at.items()}
            lines = [line for line in lines if not line.startswith('server.') or line.startswith(f'server.{member.number}=')]
            lines += [f'server.{other.number}=127.0.0.1:{port[other.number, "quorum"]}:{port[other.number, "election"]}:participant'
                      for other in self.ensemble if other is not member]
        return lines

    def keep_logs(self):
        """Another name for each log file, soon after it is there: a member removes its own when it is given a snapshot in place of them."""
        while not self.has_kept_enough.wait(0.05):
            for member in self.ensemble:
                for path in logs(member.data_directory()):
                    try:
                        kept = member.data_directory() / 'kept' / str(path.stat().st_ino) / path.name
                        if not kept.exists():
                            kept.parent.mkdir(parents=True, exist_ok=True)
                            os.link(path, kept)
                    except OSError as failure:  # removed meanwhile; or tried again when its disk is not full any more
                        if failure.errno not in (errno.ENOENT, errno.ENOSPC):
                            raise

    def goes_on(self, when):
        wait_until(self.recorder.goes_on(WRITES), f'the writes go on {when}', PATIENCE, 0.01)

    def follower(self):
        leader = self.ensemble.leader()
        return self.random.choice([m for m in self.ensemble if m is not leader])

    def do(self, thing):
        """It happens, the writes go on without, it is over, all serve again."""
        self.ensemble.wait(PATIENCE)
        self.goes_on('before')
        began = time.monotonic()
        over = thing(self)
        self.happened += 1
        felt, self.felt = self.felt, None
        try:
            if felt:
                wait_until(felt, 'it is noticed', PATIENCE, 0.05)
            self.goes_on('meanwhile')
        finally:
            over()
            self.longest_pause = max(self.longest_pause, time.monotonic() - began)
        self.ensemble.wait(PATIENCE)
        self.goes_on('afterwards')

    def falls_off(self, *members):
        """They know that they have no part any more."""
        return lambda: all(member.mode() not in ('leader', 'follower') for member in members)

    # What can happen. Each returns how it ends.

    def killed(self, member):
        member.kill()
        return member.spawn

    def leader_killed(self):
        return self.killed(self.ensemble.leader())

    def follower_killed(self):
        return self.killed(self.follower())

    def all_killed(self):
        self.ensemble.kill()
        self.ensemble.start(PATIENCE)
        return lambda: None

    def leader_ended(self):
        member = self.ensemble.leader()
        member.stop()
        return member.spawn

    def leader_paused(self):
        """Long enough for another to lead; when it goes on it must not believe that it still does."""
        member = self.ensemble.leader()
        member.pause()
        self.felt = lambda: any(m.mode() == 'leader' for m in self.ensemble if m is not member)
        return member.resume

    def follower_paused(self):
        member, leader = self.follower(), self.ensemble.leader()
        member.pause()
        self.felt = lambda: float(leader.mntr().get('synced_followers', 0)) == len(self.net.holders) - 2
        return member.resume

    def isolated(self, members):
        """From the rest; they hear one another."""
        rest = [m for m in self.ensemble if m not in members]
        for one in members:
            for other in rest:
                self.net.deafen(one.number, other.number)
                self.net.deafen(other.number, one.number)
        self.net.apply()
        self.felt = self.falls_off(*members)
        return self.net.heal

    def leader_isolated(self):
        return self.isolated([self.ensemble.leader()])

    def follower_isolated(self):
        return self.isolated([self.follower()])

    def minority_isolated(self):
        """The leader among them or not."""
        return self.isolated(self.random.sample(list(self.ensemble), (len(self.net.holders) - 1) // 2))

    def leader_unheard(self):
        """Nobody hears the leader, who hears all."""
        leader = self.ensemble.leader()
        self.felt = self.falls_off(leader)
        for other in self.net.holders:
            if other != leader.number:
                self.net.deafen(other, leader.number)
        self.net.apply()
        return self.net.heal

    def deaf(self, member):
        for other in self.net.holders:
            if other != member.number:
                self.net.deafen(member.number, other)
        self.net.apply()
        self.felt = self.falls_off(member)
        return self.net.heal

    def leader_deaf(self):
        return self.deaf(self.ensemble.leader())

    def follower_deaf(self):
        return self.deaf(self.follower())

    def two_cut(self):
        """Leader and one follower do not hear one another; everybody else hears all."""
        leader, member = self.ensemble.leader(), self.follower()
        self.net.cut(leader.number, member.number)
        self.felt = self.falls_off(member)
        return self.net.heal

    def packets_lost(self):
        self.net.lose(self.random.choice((2, 8)))
        self.felt = self.recorder.goes_on(3 * WRITES)
        return self.net.heal

    def slow(self, member):
        """Its packets leave at a fraction of the speed."""
        self.net.slow(member.number, self.random.choice(('500kbit', '2mbit')))
        self.felt = self.recorder.goes_on(2 * WRITES)
        return self.net.heal

    def leader_slow(self):
        return self.slow(self.ensemble.leader())

    def follower_slow(self):
        return self.slow(self.follower())

    def late(self):
        """Whatever is sent, to members and by clients, arrives later than what others sent after it."""
        for relay in self.relays.values():
            relay.delay(0, self.random.choice((5, 40, 150)))
        self.felt = self.recorder.goes_on(2 * WRITES)

        def over():
            for relay in self.relays.values():
                relay.delay(0, 0)
        return over

    def disk_full(self, member):
        """Chorus waits for room. Java ends the threads that write, and has to be started again."""
        disk, mark = self.disks[member.number], member.log_mark()
        disk.fill()
        self.felt = lambda: any(words in member.said_since(mark) for words in ('the disk is full', 'No space left on device'))

        def over():
            disk.empty()
            if member.kind != 'chorus':
                member.kill()
            if not member.runs():
                member.spawn()
        return over

    def leader_disk_full(self):
        return self.disk_full(self.ensemble.leader())

    def follower_disk_full(self):
        return self.disk_full(self.follower())

    # After all of it.

    def comes_to_rest(self):
        """All serve; what sessions were left alone have ended; every member's tree is read, and once more after all were killed."""
        self.ensemble.wait(PATIENCE)
        self.recorder.quiesce()
        self.recorder.audit()
        self.all_killed()
        self.ensemble.wait(PATIENCE)
        self.recorder.audit()
        self.recorder.end()
        print(f'  {self.happened} things happened, {sum(self.recorder.acknowledged)} writes answered, longest wait of a client '
              f'{self.recorder.longest_pause:.2f} s', flush=True)

    def history_is_sound(self):
        self.ensemble.kill()
        self.end_keeper()
        pause_ms = self.longest_pause * 1000
        # What has its first name still is not judged twice; Java removes nothing but what it gave up.
        kept = [path.parent for m in self.ensemble if m.kind == 'chorus' for path in m.data_directory().glob('kept/*/*')
                if path.stat().st_nlink == 1]
        self.recorder.judge([m.data_directory() / 'version-2' for m in self.ensemble], kept, any(m.kind != 'chorus' for m in self.ensemble),
                            stale_leader_ms=2 * SILENCE_MS + pause_ms, expiry_slack_ms=SILENCE_MS + pause_ms + 1000)

    def registers_are_linearizable(self):
        self.recorder.judge_registers()

    def members_agree(self):
        self.ensemble.start(PATIENCE)
        # The clients are gone, and what was theirs goes with their sessions.
        wait_until(lambda: all(float(m.mntr().get('ephemerals_count', 1)) == 0 for m in self.ensemble), 'the sessions have ended', PATIENCE, 0.1)
        # A Java leader works out wrong digests for a while when somebody sets the root's data, and says so of itself ("First digest mismatch").
        everyone_agrees(self.ensemble, digests_of=[] if any(m.kind != 'chorus' for m in self.ensemble) else list(self.ensemble))

    def end(self, failed):
        self.failed = failed
        self.ends.close()

    def end_keeper(self):
        self.has_kept_enough.set()
        self.keeper.join()

    def end_members(self):
        self.ensemble.kill()
        self.end_keeper()
        if self.failed:
            self.keep_evidence()
        self.ensemble.__exit__(self.failed or None)
        for relay in self.relays.values():
            relay.end()
        for disk in self.disks.values():
            disk.end()

    def keep_evidence(self):
        place = KEPT_LOGS / f'{self.ensemble.name}-evidence'
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name in ('history', 'registers.jsonl'):
            path = pathlib.Path(self.ensemble.temporary.name) / name
            if path.exists():
                shutil.copy(path, place)
        for member in self.ensemble:
            shutil.copytree(member.data_directory(), place / f'server{member.number}')
        print(f'  history and data are in {place}', flush=True)


THINGS = (Story.leader_killed, Story.follower_killed, Story.all_killed, Story.leader_ended, Story.leader_paused, Story.follower_paused,
          Story.leader_isolated, Story.follower_isolated, Story.minority_isolated, Story.leader_unheard, Story.leader_deaf,
          Story.follower_deaf, Story.two_cut, Story.packets_lost, Story.leader_slow, Story.follower_slow, Story.late,
          Story.leader_disk_full, Story.follower_disk_full)
WITH_RELAYS = (Story.late,)


def kinds(text):
    found = text.split(',')
    if not set(found) <= set(KINDS):
        raise argparse.ArgumentTypeError(f'{text}: a kind is one of {", ".join(KINDS)}')
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', type=kinds, default=['chorus'])
    parser.add_argument('--members', type=int, default=3)
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--seed', type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument('--direct', action='store_true')
    parser.add_argument('--only', default='*', help='of the things that are done once; at random all are')
    options = parser.parse_args()
    options.peer *= options.members if len(options.peer) == 1 else 1
    if sum(kind != 'java38' for kind in options.peer) < 2:
        parser.error('at least two members that are not java38 are needed: clients ask no others, and one of them may be down')
    suite = Suite('members')
    suite.add('porcupine_rejects_what_is_broken', porcupine_rejects_what_is_broken)
    why_not = network.missing()
    if why_not:
        def skipped():
            raise Skipped(why_not)
        suite.add('members', skipped)
    else:
        if network.MARK not in os.environ:
            build_porcupine()  # while there is a network to fetch it from
        network.inside()
        add_story(suite, options)
    status = suite.run()
    print(f'{suite.passed} passed, {suite.failed} failed' + (f', {suite.skipped} skipped' if suite.skipped else ''))
    return status


def add_story(suite, options):
    print(f'seed {options.seed}', flush=True)
    story = Story(options)
    things = [thing for thing in THINGS if story.relays or thing not in WITH_RELAYS]
    for thing in things:
        if fnmatch.fnmatch(thing.__name__, options.only):
            suite.add(thing.__name__, lambda thing=thing: story.do(thing))

    def at_random():
        began = time.monotonic()
        while time.monotonic() - began < options.seconds:
            thing = story.random.choice(things)
            try:
                story.do(thing)
            except Exception as failure:
                raise AssertionError(f'{thing.__name__} (number {story.happened}): {failure}') from failure
    suite.add('at_random', at_random)
    for last in (story.comes_to_rest, story.history_is_sound, story.registers_are_linearizable, story.members_agree):
        suite.add(last.__name__, last)
    suite.at_end(lambda: story.end(suite.failed))


if __name__ == '__main__':
    sys.exit(main())
