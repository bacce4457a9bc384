"""Chorus and Java ZooKeeper, each alone.

Each round starts each server on an empty directory (who goes first alternates), warms it up, then measures set and get of 100 octets at
1, 16 and 64 sessions with 1 and 100 requests outstanding each.
"""
import shutil
import statistics
import sys
import tempfile

from side_by_side import (KINDS, LOAD_COLUMNS, Medians, describe_machine, disk_us, goal_rows, in_turn, load, load_row, markdown, name_of,
                          say_cell, write_results)
import servers  # noqa: E402 - on the path that side_by_side sets

CELLS = [(op, sessions, outstanding) for op in ('set', 'get') for sessions in (64, 16, 1) for outstanding in (100, 1)]
QUICK_CELLS = [('set', 4, 10), ('get', 4, 10), ('set', 1, 1)]
WALL, CPU = 'requests_per_second', 'requests_per_server_cpu_second'


def goals(medians, disk):
    """What is aimed at."""
    def at_least(wanted, name, cell, what):
        value = medians.ratio(cell, what)
        return (name, f'at least {wanted} x', value, value >= wanted)
    lone = (medians.cell('chorus', ('set', 1, 1), 'p50_us') - disk) / 1000
    start, empty = medians.server('chorus', 'start_seconds') * 1000, medians.server('chorus', 'empty_mib')
    share = max(medians.cell('chorus', (op, 64, 100), 'client_share_of_server_cpu') for op in ('set', 'get'))
    return [
        at_least(4, 'sets a second, 64 x 100', ('set', 64, 100), WALL),
        at_least(4, 'gets a second, 64 x 100', ('get', 64, 100), WALL),
        at_least(8, 'sets a CPU second, 64 x 100', ('set', 64, 100), CPU),
        at_least(8, 'gets a CPU second, 64 x 100', ('get', 64, 100), CPU),
        at_least(2, 'sets a second, 16 x 1', ('set', 16, 1), WALL),
        at_least(2, 'gets a second, 16 x 1', ('get', 16, 1), WALL),
        ('p50 of a lone set above the disk, ms', 'at most 0.1', lone, lone <= 0.1),
        ('start-up, ms', 'under 100', start, start < 100),
        ('resident memory when empty, MiB', 'under 14', empty, empty < 14),
        ("load generator's CPU over the server's, 64 x 100", 'at most 1/3', share, share <= 1 / 3),
    ]


def measure_server(kind, directory, options):
    """One round of one server."""
    with servers.start(kind, directory) as server:
        out = {'start_seconds': server.start_seconds, 'empty_mib': server.resident_bytes() / 2**20, 'cells': {}}
        warm_cell = options.cells[0]
        # A JVM compiles what is hot only after a while; ours gets the same load, so that both have the same tree and caches.
        for op in ('set', 'get'):
            load([server], (op, *warm_cell[1:]), options.warm_up / 2, 0)
        for cell in options.cells:
            if cell[:2] == ('set', 1):  # the disk as it is at the time of the lone sets
                out['disk_us'] = disk_us(directory, 100 if options.quick else 1000)
            out['cells'][name_of(cell)] = result = load([server], cell, options.seconds, options.seconds / 3)
            say_cell(kind, cell, result)
        out['loaded_mib'] = server.resident_bytes() / 2**20
        return out


def tables(medians, options, machine):
    disk = statistics.median(one[kind]['disk_us'] for one in medians.rounds for kind in KINDS)
    rows = [LOAD_COLUMNS, *(load_row(medians, cell) for cell in options.cells)]
    out = ['# Chorus and Java ZooKeeper, in turn', '', *[f'- {line}' for line in machine], '', *markdown(rows), '']
    rows = [('', 'Chorus', 'Java')]
    for words, what, scale in (('start-up until the first answer, ms', 'start_seconds', 1000), ('resident when empty, MiB', 'empty_mib', 1),
                               ('resident after the load, MiB', 'loaded_mib', 1)):
        rows.append((words, *(f'{medians.server(kind, what) * scale:,.0f}' for kind in KINDS)))
    out += [*markdown(rows), '', f'One write + fdatasync on this disk takes {disk / 1000:.2f} ms (median, `fsync_probe`).', '']
    if not options.quick:
        out += markdown(goal_rows(goals(medians, disk)))
    return '\n'.join(out) + '\n'


def describe(options):
    machine, commit, java = describe_machine(options.directory)
    return [
        machine,
        f'Chorus {commit}, its defaults; Java: ZooKeeper 3.8.0 of Debian, {java}, {servers.JAVA_HEAP} (as its zkServer.sh sets), otherwise its '
        'defaults',
        'both: standalone, fsync before every acknowledgement, tickTime 2000, no limit of connections from one address, TTL nodes allowed',
        f'{options.rounds} rounds, each server started anew, warmed up for {options.warm_up:g} s, then {options.seconds:g} s for each row; '
        'values of 100 octets, 1000 nodes; medians; spread is half of best minus worst round over the median',
    ]


def run(options):
    """Returns how many things were measured."""
    options.cells = QUICK_CELLS if options.quick else CELLS
    for kind in KINDS:
        if not servers.KINDS[kind].available():
            sys.exit(f'{kind} is not there: make build, scripts/install-dependencies --test')
    machine = describe(options)
    rounds = []
    for number in range(options.rounds):
        print(f'round {number + 1} of {options.rounds}, each alone', flush=True)
        one = {}
        for kind in in_turn(number):
            directory = tempfile.mkdtemp(prefix=f'{kind}-', dir=options.directory)
            try:
                one[kind] = measure_server(kind, directory, options)
            finally:
                shutil.rmtree(directory, ignore_errors=True)
        rounds.append(one)
    write_results('standalone', tables(Medians(rounds), options, machine), machine, rounds)
    return len(KINDS) * len(options.cells)
