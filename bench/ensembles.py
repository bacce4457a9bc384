"""Ensembles of Chorus and of Java ZooKeeper, all members on this machine.

Each round forms each ensemble anew (who goes first alternates), warms it up, measures set and 90 % get, 10 % set of 100 octets through
all members, then makes the leader go under load: by kill -9, and by SIGTERM, `tries` times each. Once, an ensemble of three gets many
nodes, to see how soon a member of it serves again after a restart, and how soon one that lost its data is in step.
"""
import json
import re
import statistics
import sys

from side_by_side import (KINDS, LOAD_COLUMNS, PROGRAMS, Medians, describe_machine, disk_us, goal_rows, in_turn, load, load_row, markdown,
                          name_of, output_of, say_cell, write_results)
import servers  # noqa: E402 - on the path that side_by_side sets
from ensemble import Ensemble, java39_class_path  # noqa: E402

CELLS = [(op, sessions, outstanding) for op in ('set', 'mixed') for sessions, outstanding in ((64, 100), (16, 1), (1, 1))]
QUICK_CELLS = [('set', 6, 10), ('mixed', 6, 10)]
GOES = {'kill -9': 'KILL', 'SIGTERM': 'TERM'}
# What ZooKeeper's own zoo_sample.cfg sets, and its own default of preAllocSize; forceSync is on by default.
SETTINGS = {'tickTime': 2000, 'initLimit': 10, 'syncLimit': 5, 'preAllocSize': 65536}
JVM = ('java', servers.JAVA_HEAP, '-Dorg.slf4j.simpleLogger.defaultLogLevel=info')
WALL = 'requests_per_second'
PATIENCE_SECONDS = 180


class Formed(Ensemble):
    """An ensemble that serves."""

    def __init__(self, kind, members, options):
        super().__init__([options.java if kind == 'java' else kind] * members, options=SETTINGS, name=f'bench-{kind}', directory=options.directory,
                         jvm=JVM)

    def __enter__(self):
        try:
            self.start(PATIENCE_SECONDS)
        except BaseException as failure:
            self.__exit__(type(failure))
            raise
        return self

    def followers_first(self):
        leader = self.leader()
        return [*(member for member in self if member is not leader), leader]


def leader_goes(ensemble, signal, options):
    """Milliseconds without an acknowledged write when the leader goes, as zk_failover gives them. It comes back afterwards."""
    leader = ensemble.leader()
    result = json.loads(output_of([PROGRAMS / 'zk_failover', '--server', ','.join(ensemble.addresses), '--leader-pid', leader.pid, '--signal', signal,
                                   '--before', 0.2 if options.quick else 1.0, '--limit', PATIENCE_SECONDS]))
    leader.process.wait(30)
    leader.spawn()
    ensemble.wait(PATIENCE_SECONDS)
    return result


def measure_ensemble(kind, members, options):
    """One round of one ensemble."""
    out = {'cells': {}, 'goes': {how: [] for how in GOES}}
    words = f'{kind} {members}'
    with Formed(kind, members, options) as ensemble:
        running = ensemble.followers_first()
        for op in ('set', 'mixed'):  # the time in which a JVM compiles what is hot; ours gets the same load
            load(running, (op, *options.cells[0][1:]), options.warm_up / 2, 0)
        for cell in options.cells:
            out['cells'][name_of(cell)] = result = load(running, cell, options.seconds, options.seconds / 3)
            say_cell(words, cell, result)
        for how, signal in GOES.items():
            for _ in range(options.tries):
                out['goes'][how].append(leader_goes(ensemble, signal, options))
            print(f'  {words:8} leader goes by {how}: first acknowledged write after '
                  f'{", ".join("%.1f" % one["first_ms"] for one in out["goes"][how])} ms', flush=True)
        out['disk_us'] = disk_us(options.directory, 100)
    return out


def measure_returns(kind, options):
    """How soon a member with many nodes serves again, and how soon one that lost them has them again."""
    out = {'restart_seconds': [], 'catch_up_seconds': []}
    with Formed(kind, 3, options) as ensemble:
        load(ensemble.followers_first(), ('create', 30, 30), 600, 0, ('--count', options.nodes, '--keep'))
        for what in out:
            for attempt in range(options.tries):
                member = ensemble.followers_first()[attempt % 2]
                member.stop(PATIENCE_SECONDS)
                if what == 'catch_up_seconds':
                    member.wipe()
                member.start(PATIENCE_SECONDS)
                ensemble.wait(PATIENCE_SECONDS)
                out[what].append(member.start_seconds)
            print(f'  {kind:8} {what}: {", ".join("%.2f" % one for one in out[what])}', flush=True)
        facts = ensemble.leader().mntr()
    out['nodes'] = int(facts['znode_count'])
    out['octets'] = int(facts['approximate_data_size'])
    out['catch_up_mb_per_second'] = [out['octets'] / 1e6 / seconds for seconds in out['catch_up_seconds']]
    return out


def gone_values(rounds, kind, how, what):
    return [one[what] for each in rounds for one in each[kind]['goes'][how]]


def gone_rows(by_members):
    """When a leader goes."""
    rows = [('when the leader goes, ms (median; worst)', 'Chorus', 'Java', 'ratio')]
    for members, rounds in by_members.items():
        for how in GOES:
            for words, what in (('until the first acknowledged write', 'first_ms'), ('without any acknowledgement', 'pause_ms'),
                                ('until every session has written', 'all_ms')):
                values = {kind: gone_values(rounds, kind, how, what) for kind in KINDS}
                medians = {kind: statistics.median(values[kind]) for kind in KINDS}
                rows.append((f'{members} members, {how}: {words}', *(f'{medians[kind]:,.1f}; {max(values[kind]):,.1f}' for kind in KINDS),
                             f'{medians["chorus"] / medians["java"]:.3f}'))
    return rows


def return_rows(returns):
    rows = [(f'a member of three with {returns["chorus"]["nodes"]:,} nodes, {returns["chorus"]["octets"] / 1e6:,.1f} MB (median)', 'Chorus', 'Java',
             'ratio')]
    for words, what in (('restart until it serves, s', 'restart_seconds'), ('emptied, until it is in step, s', 'catch_up_seconds'),
                        ('that is, MB/s', 'catch_up_mb_per_second')):
        ours, theirs = (statistics.median(returns[kind][what]) for kind in KINDS)
        rows.append((words, f'{ours:.2f}', f'{theirs:.2f}', f'{ours / theirs:.2f}'))
    return rows


def goals(by_members):
    """What is aimed at."""
    out = []
    for members, rounds in by_members.items():
        medians = Medians(rounds)
        for words, op in (('sets', 'set'), ('90/10 mixed', 'mixed')):
            value = medians.ratio((op, 64, 100), WALL)
            out.append((f'{members} members: {words} a second, 64 x 100', 'at least 4 x', value, value >= 4))
            value = medians.ratio((op, 64, 100), 'p99_us')
            out.append((f'{members} members: p99 of {words}, 64 x 100, over Java\'s', 'below 1', value, value < 1))
        ours, theirs = (statistics.median(gone_values(rounds, kind, 'kill -9', 'first_ms')) for kind in KINDS)
        out.append((f'{members} members: kill -9 until the first write, over Java\'s', 'at most 1/4', ours / theirs, ours / theirs <= 0.25))
        value = statistics.median(gone_values(rounds, 'chorus', 'SIGTERM', 'first_ms'))
        out.append((f'{members} members: hand-over of the leader, ms', 'under 50', value, value < 50))
    return out


def tables(by_members, returns, options, machine):
    rows = [LOAD_COLUMNS]
    for members, rounds in by_members.items():
        rows += [load_row(Medians(rounds), cell, f'{members} members: ') for cell in options.cells]
    out = ['# Ensembles of Chorus and of Java ZooKeeper, in turn', '', *[f'- {line}' for line in machine], '', *markdown(rows), '',
           *markdown(gone_rows(by_members)), '', *markdown(return_rows(returns)), '']
    if not options.quick:
        out += markdown(goal_rows(goals(by_members)))
    return '\n'.join(out) + '\n'


def version_of(kind):
    if kind == 'java38':
        return '3.8.0 of Debian'
    return next(found.group(1) for found in re.finditer(r'/zookeeper-([0-9.]+)\.jar', java39_class_path()))


def describe(options):
    machine, commit, java = describe_machine(options.directory)
    return [
        machine,
        f'Chorus {commit}; Java: ZooKeeper {version_of(options.java)}, {java}, {servers.JAVA_HEAP} for each member (as its zkServer.sh sets)',
        'both: the same zoo.cfg with ' + ', '.join(f'{key} {value}' for key, value in SETTINGS.items()) + ', fsync before every acknowledgement; all '
        'members on this machine and its one disk',
        'sessions are spread over all members, the first at a follower; CPU is that of all members together',
        f'{options.rounds} rounds, each ensemble formed anew, warmed up for {options.warm_up:g} s, then {options.seconds:g} s for each row; values of '
        f'100 octets, 1000 nodes; the leader went {options.tries} times a round in each way, while 8 sessions wrote',
    ]


def run(options):
    """Returns how many things were measured."""
    options.cells = QUICK_CELLS if options.quick else CELLS
    if not servers.Chorus.available():
        sys.exit('Chorus is not there: make build')
    machine = describe(options)
    by_members = {size: [] for size in options.members}
    for number in range(options.rounds):
        for size in options.members:
            print(f'round {number + 1} of {options.rounds}, {size} members', flush=True)
            by_members[size].append({kind: measure_ensemble(kind, size, options) for kind in in_turn(number)})
    print(f'a member returns to {options.nodes:,} nodes', flush=True)
    returns = {kind: measure_returns(kind, options) for kind in KINDS}
    write_results('ensembles', tables(by_members, returns, options, machine), machine, {'by_members': by_members, 'returns': returns})
    return len(KINDS) * (len(options.members) * (len(options.cells) + len(GOES)) + 2)
