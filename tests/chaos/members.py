#!/usr/bin/python3
"""An ensemble on hosts of its own (network namespaces), to which things happen while clients write.

usage: tests/chaos/members.py [--peer java38|java39|chorus] [--members 3] [--seconds 60] [--seed N]

Each thing that can happen is done once; then they are done at random for --seconds. While a majority is well the writes must
go on; after all is over every member must have all that was acknowledged. Ends with "members: N passed, N failed".
"""
import argparse
import pathlib
import random
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / 'support'), str(HERE.parent / 'mixed')]
import network  # noqa: E402
from agreement import everyone_agrees, surely_counting  # noqa: E402
from checks import Skipped, Suite  # noqa: E402
from ensemble import KINDS, Ensemble  # noqa: E402
from load import Load  # noqa: E402
from servers import wait_until  # noqa: E402

PATIENCE = 40.0  # seconds until the writes must go on; an election and the clients' time-outs are in it
LIMITS = {'syncLimit': 4, 'initLimit': 10}
WRITES = 20


class Story:
    def __init__(self, options):
        self.random = random.Random(options.seed)
        self.net = network.Network(options.members)
        self.ensemble = Ensemble([options.peer] * options.members, options=LIMITS, name='chaos', network=self.net)
        self.ensemble.start()
        self.load = Load(self.ensemble.addresses, writers=options.members, answer_seconds=3.0)
        self.load.__enter__()
        self.happened = 0
        self.felt = None  # a condition: what was done has had its effect

    def goes_on(self, when):
        wait_until(self.load.goes_on(WRITES), f'the writes go on {when}', PATIENCE, 0.01)

    def follower(self):
        leader = self.ensemble.leader()
        return self.random.choice([m for m in self.ensemble if m is not leader])

    def do(self, thing):
        """It happens, the writes go on without, it is over, all serve again."""
        self.ensemble.wait(PATIENCE)
        self.goes_on('before')
        over = thing(self)
        self.happened += 1
        felt, self.felt = self.felt, None
        try:
            if felt:
                wait_until(felt, 'it is noticed', PATIENCE, 0.05)
            self.goes_on('meanwhile')
        finally:
            over()
        self.ensemble.wait(PATIENCE)
        self.goes_on('afterwards')

    def falls_off(self, member):
        """It knows that it has no part any more."""
        return lambda: member.mode() not in ('leader', 'follower')

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

    def leader_isolated(self):
        member = self.ensemble.leader()
        self.net.isolate(member.number)
        self.felt = self.falls_off(member)
        return self.net.heal

    def follower_isolated(self):
        member = self.follower()
        self.net.isolate(member.number)
        self.felt = self.falls_off(member)
        return self.net.heal

    def leader_unheard(self):
        """Nobody hears the leader, who hears all."""
        leader = self.ensemble.leader().number
        self.felt = self.falls_off(self.ensemble[leader])
        for other in self.net.holders:
            if other != leader:
                self.net.deafen(other, leader)
        self.net.apply()
        return self.net.heal

    def leader_deaf(self):
        leader = self.ensemble.leader().number
        self.felt = self.falls_off(self.ensemble[leader])
        for other in self.net.holders:
            if other != leader:
                self.net.deafen(leader, other)
        self.net.apply()
        return self.net.heal

    def two_cut(self):
        """Leader and one follower do not hear one another; everybody else hears all."""
        leader, member = self.ensemble.leader(), self.follower()
        self.net.cut(leader.number, member.number)
        self.felt = self.falls_off(member)
        return self.net.heal

    def packets_lost(self):
        self.net.lose(self.random.choice((2, 8)))
        self.felt = self.load.goes_on(10 * WRITES)
        return self.net.heal

    def leader_slow(self):
        """Its packets leave at a fraction of the speed."""
        self.net.slow(self.ensemble.leader().number, '500kbit')
        self.felt = self.load.goes_on(5 * WRITES)
        return self.net.heal

    def finish(self):
        self.ensemble.wait(PATIENCE)
        self.load.__exit__()
        everyone_agrees(self.ensemble, self.load.check, surely_counting(self.ensemble))
        moves, expired = (sum(getattr(w, what) for w in self.load.writers) for what in ('moves', 'expired'))
        print(f'  {self.happened} things happened, {self.load.acknowledged} writes acknowledged, longest pause {self.load.longest_pause:.2f} s, '
              f'{moves} moves of sessions, {expired} of them expired', flush=True)

    def end(self, failed):
        self.load.__exit__()
        self.ensemble.__exit__(failed or None)
        self.net.__exit__()


THINGS = (Story.leader_killed, Story.follower_killed, Story.all_killed, Story.leader_ended, Story.leader_paused, Story.follower_paused,
          Story.leader_isolated, Story.follower_isolated, Story.leader_unheard, Story.leader_deaf, Story.two_cut, Story.packets_lost,
          Story.leader_slow)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', choices=KINDS, default='chorus')
    parser.add_argument('--members', type=int, default=3)
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--seed', type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument('--only')
    options = parser.parse_args()
    suite = Suite('members')
    why_not = network.missing()
    if why_not:
        def skipped():
            raise Skipped(why_not)
        suite.add('members', skipped)
        suite.run()
        print('0 passed, 0 failed, 1 skipped')
        return 0
    network.inside()
    print(f'seed {options.seed}', flush=True)
    story = Story(options)
    for thing in THINGS:
        suite.add(thing.__name__, lambda thing=thing: story.do(thing))

    def at_random():
        began = time.monotonic()
        while time.monotonic() - began < options.seconds:
            thing = story.random.choice(THINGS)
            try:
                story.do(thing)
            except Exception as failure:
                raise AssertionError(f'{thing.__name__} (number {story.happened}): {failure}') from failure
    suite.add('at_random', at_random)
    suite.add('nothing_acknowledged_is_lost', story.finish)
    suite.at_end(lambda: story.end(suite.failed))
    status = suite.run(only=options.only)
    print(f'{suite.passed} passed, {suite.failed} failed')
    return status


if __name__ == '__main__':
    sys.exit(main())
