"""Chorus' cache and Debian's redis-server, each alone.

Each round starts each server on nothing (who goes first alternates) and measures every command with Redis' own redis-benchmark, at 1 and 50
connections, each with 1, 16 and 100 requests on their way; SET with an append log that is synced each second, and before each reply; then how much
memory a million small keys of each type take.
"""
import contextlib
import itertools
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from side_by_side import PROGRAMS, describe_machine, goal_rows, markdown, write_results
import servers  # noqa: E402 - on the path that side_by_side sets

KINDS = ('chorus', 'redis')
NAMES = {'chorus': 'Chorus', 'redis': 'Redis'}
# Debian's package of the server would start one on 6379 besides; its tools are the same program, which goes by its name.
REDIS_PROGRAM = '/usr/bin/redis-check-rdb'
KEYS = 100_000
SCRIPT = "return redis.call('set', KEYS[1], ARGV[1])"
COMMANDS = {
    'GET': lambda data: ['get', 'key:__rand_int__'],
    'SET': lambda data: ['set', 'key:__rand_int__', data],
    'INCR': lambda data: ['incr', 'counter:__rand_int__'],
    'LPUSH': lambda data: ['lpush', 'list', data],
    'HSET': lambda data: ['hset', 'hash', 'field:__rand_int__', data],
    'ZADD': lambda data: ['zadd', 'zset', '__rand_int__', 'element:__rand_int__'],
    'MSET': lambda data: ['mset', *itertools.chain.from_iterable((f'key{i}:__rand_int__', data) for i in range(10))],
    'XADD': lambda data: ['xadd', 'stream', '*', 'field', data],
    'EVAL': lambda data: ['eval', SCRIPT, '1', 'key:__rand_int__', data],
}
CELLS = [(command, 64, connections, pipeline) for command in COMMANDS for connections in (1, 50) for pipeline in (1, 16, 100)] + [
    (command, 1024, connections, pipeline) for command in ('GET', 'SET') for connections in (1, 50) for pipeline in (1, 16, 100)]
# With a log that is synced by that policy.
POLICIES = ('everysec', 'always')
LOGGED_CELLS = [('SET', 64, connections, pipeline) for connections in (1, 50) for pipeline in (1, 16)]
QUICK_CELLS = [(command, 64, 10, 16) for command in COMMANDS]
# A key of 16 octets and what it holds; numbers tell keys apart.
SMALL_KEYS = {
    'string of 32 octets': lambda i: [b'SET', b'key:%012d' % i, b'value:%026d' % i],
    'number': lambda i: [b'SET', b'key:%012d' % i, b'%d' % (i * 7919)],
    'string that expires': lambda i: [b'SET', b'key:%012d' % i, b'value:%026d' % i, b'EX', b'86400'],
    'hash of 5': lambda i: [b'HSET', b'key:%012d' % i, *itertools.chain.from_iterable((b'field%d' % j, b'%08d' % (i + j)) for j in range(5))],
    'list of 5': lambda i: [b'RPUSH', b'key:%012d' % i, *(b'%08d' % (i + j) for j in range(5))],
    'set of 5 numbers': lambda i: [b'SADD', b'key:%012d' % i, *(b'%d' % (i + j) for j in range(5))],
    'set of 5 words': lambda i: [b'SADD', b'key:%012d' % i, *(b'member%02d' % ((i + j) % 100) for j in range(5))],
    'sorted set of 5': lambda i: [b'ZADD', b'key:%012d' % i, *itertools.chain.from_iterable((b'%d' % (i + j), b'member%d' % j) for j in range(5))],
    'stream of 3': lambda i: [b'XADD', b'key:%012d' % (i // 3), b'*', b'field', b'%08d' % i],
}


def encode(words):
    return b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(word), word) for word in words)


class Server:
    """One that runs, empty; without persistence, or with an append log that is synced by `policy`."""

    def __init__(self, kind, directory, policy=None):
        self.kind, self.directory, self.port = kind, pathlib.Path(directory), servers.free_port()
        began = time.monotonic()
        if kind == 'redis':
            command, program = ['redis-server', '--port', self.port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], REDIS_PROGRAM
        else:
            command, program = [PROGRAMS / 'chorus', 'serve', '--set', 'node.roles=cache', '--set', f'cache.address=127.0.0.1:{self.port}',
                                '--set', 'admin.address='], None
        if policy and kind == 'redis':
            command[command.index('no')] = 'yes'
            command += ['--appendfsync', policy]
        elif policy:
            command += ['--set', 'cache.append_only=true', '--set', f'cache.append_sync={policy}']
        with open(self.directory / 'log', 'wb') as log:
            self.process = subprocess.Popen([str(word) for word in command], executable=program, cwd=directory, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        servers.wait_until(self.answers, f'{kind} answers', every=0.002)
        self.start_seconds = time.monotonic() - began

    def answers(self):
        if self.process.poll() is not None:
            sys.exit(f'{self.kind} ended: {(self.directory / "log").read_text()}')
        with contextlib.suppress(OSError), self.connect() as connection:
            connection.sendall(b'PING\r\n')
            return connection.recv(100) == b'+PONG\r\n'
        return False

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.port), timeout=60)

    def ask(self, *words):
        """The first line of the reply."""
        with self.connect() as connection:
            connection.sendall(encode([word.encode() for word in words]))
            return connection.makefile('rb').readline().decode().rstrip()

    def cpu_seconds(self):
        fields = pathlib.Path(f'/proc/{self.process.pid}/stat').read_text().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def resident_bytes(self):
        return int(re.search(r'VmRSS:\s+(\d+) kB', pathlib.Path(f'/proc/{self.process.pid}/status').read_text()).group(1)) * 1024

    def empty(self):
        self.ask('FLUSHALL', 'SYNC')

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def benchmark(server, cell, count):
    """redis-benchmark's figures for that many requests, with the server's CPU time."""
    command, size, connections, pipeline = cell
    words = ['redis-benchmark', '-h', '127.0.0.1', '-p', server.port, '-c', connections, '-P', pipeline, '-n', count, '-r', KEYS,
             *COMMANDS[command]('x' * size)]
    cpu = server.cpu_seconds()
    run = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    cpu = server.cpu_seconds() - cpu
    rate = re.search(r'throughput summary: ([\d.]+) requests per second', run.stdout)
    if run.returncode != 0 or not rate:
        sys.exit(f'{" ".join(map(str, words))}\n{run.stdout[-2000:]}')
    if 'ERR' in run.stdout:
        sys.exit(f'{server.kind} refuses {command}: {run.stdout[-500:]}')
    reached = [(float(share), float(ms)) for share, ms in re.findall(r'^([\d.]+)% <= ([\d.]+) milliseconds', run.stdout, re.M)]

    def quantile(share):
        return next(ms for reached_share, ms in reached if reached_share >= share)
    return {'requests_per_second': float(rate.group(1)), 'cpu_us': cpu / count * 1e6, 'p50_ms': quantile(50), 'p99_ms': quantile(99),
            'p999_ms': quantile(99.9)}


def measure_cell(server, cell, seconds):
    """As many requests as take about so long."""
    command, size, connections, pipeline = cell
    server.empty()
    if command == 'GET':
        benchmark(server, ('SET', size, 50, 16), 2 * KEYS)
    trial = benchmark(server, cell, 100 * connections * pipeline if connections * pipeline < 200 else 50_000)
    result = benchmark(server, cell, max(1000, int(trial['requests_per_second'] * seconds)))
    print(f'  {server.kind:7} {command:5} {size:4} B {connections:2} x {pipeline:3}: {result["requests_per_second"]:10,.0f} /s  '
          f'{result["cpu_us"]:6.2f} us CPU  p99 {result["p99_ms"]:7.3f} ms  p99.9 {result["p999_ms"]:7.3f} ms', flush=True)
    return result


def fill(server, make, count):
    """Sends make(i) for each, and reads the replies meanwhile."""
    at_a_time = 1000
    with server.connect() as connection:
        replies = connection.makefile('rb', 1 << 16)
        for first in range(0, count, at_a_time):
            part = range(first, min(first + at_a_time, count))
            connection.sendall(b''.join(encode(make(i)) for i in part))
            for _ in part:
                line = replies.readline()
                if line[:1] == b'-':
                    sys.exit(f'{server.kind}: {line.decode()}')
                if line[:1] == b'$':
                    replies.readline()


def measure_memory(kind, options):
    """{type: octets of resident memory a key}, each on a server of its own."""
    out = {}
    for words, make in SMALL_KEYS.items():
        directory = tempfile.mkdtemp(prefix=f'{kind}-', dir=options.directory)
        server = Server(kind, directory)
        try:
            before = server.resident_bytes()
            fill(server, make, options.small_keys)
            keys = int(server.ask('DBSIZE')[1:])
            out[words] = (server.resident_bytes() - before) / keys
        finally:
            server.stop()
            shutil.rmtree(directory, ignore_errors=True)
        print(f'  {kind:7} {words}: {out[words]:.0f} octets a key', flush=True)
    return out


def measure_server(kind, options):
    directory = tempfile.mkdtemp(prefix=f'{kind}-', dir=options.directory)
    server = Server(kind, directory)
    try:
        out = {'start_seconds': server.start_seconds, 'empty_mib': server.resident_bytes() / 2**20, 'cells': {}}
        measure_cell(server, ('SET', 64, 50, 16), options.seconds)  # warm
        for cell in options.cells:
            out['cells'][name_of(cell)] = measure_cell(server, cell, options.seconds)
        return out
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def measure_logged(kind, options):
    """{policy: {cell: as measure_cell gives it}}, each policy on a server of its own."""
    out = {}
    for policy in POLICIES:
        directory = tempfile.mkdtemp(prefix=f'{kind}-', dir=options.directory)
        server = Server(kind, directory, policy)
        print(f'  {kind:7} with a log synced {policy}', flush=True)
        try:
            out[policy] = {name_of(cell): measure_cell(server, cell, options.seconds) for cell in options.logged_cells}
        finally:
            server.stop()
            shutil.rmtree(directory, ignore_errors=True)
    return out


def name_of(cell):
    return '%s %d B, %d x %d' % cell


class Medians:
    """Over the rounds, each {kind: what measure_server gave, with 'memory'}."""

    def __init__(self, rounds):
        self.rounds = rounds

    def cell(self, kind, cell, what):
        return statistics.median(one[kind]['cells'][name_of(cell)][what] for one in self.rounds)

    def ratio(self, cell, what='requests_per_second'):
        return self.cell('chorus', cell, what) / self.cell('redis', cell, what)

    def logged(self, kind, policy, cell, what):
        return statistics.median(one[kind]['logged'][policy][name_of(cell)][what] for one in self.rounds)

    def memory(self, kind, words):
        return statistics.median(one[kind]['memory'][words] for one in self.rounds)

    def server(self, kind, what):
        return statistics.median(one[kind][what] for one in self.rounds)


def goals(medians, options):
    def least(words, wanted, cells):
        value = min(medians.ratio(cell) for cell in cells)
        return (words, f'at least {wanted} x', value, value >= wanted)
    single = [cell for cell in options.cells if cell[3] == 1]
    many = [cell for cell in options.cells if cell[3] >= 16]
    memory = max(medians.memory('chorus', words) / medians.memory('redis', words) for words in SMALL_KEYS)
    return [least('the least of the ratios without pipelines', 1.3, single), least('the least of the ratios at pipelines of 16 and more', 2, many),
            ('the most memory of a small key, over theirs', 'at most 0.75', memory, memory <= 0.75)]


def tables(medians, options, machine):
    rows = [('command, octets, connections x pipeline', 'Chorus /s', 'Redis /s', 'ratio', 'Chorus CPU us', 'Redis CPU us', 'ratio',
             'Chorus p50, p99, p99.9 ms', 'Redis p50, p99, p99.9 ms')]
    for cell in options.cells:
        def times(kind, cell=cell):
            return ', '.join(f'{medians.cell(kind, cell, what):.2f}' for what in ('p50_ms', 'p99_ms', 'p999_ms'))
        cpu = medians.ratio(cell, 'cpu_us')
        rows.append((name_of(cell), *(f'{medians.cell(kind, cell, "requests_per_second"):,.0f}' for kind in KINDS), f'{medians.ratio(cell):.2f}',
                     *(f'{medians.cell(kind, cell, "cpu_us"):.2f}' for kind in KINDS), f'{cpu:.2f}', times('chorus'), times('redis')))
    out = ['# Chorus and Redis, in turn', '', *[f'- {line}' for line in machine], '', *markdown(rows), '']
    rows = [('with an append log: synced; command, octets, connections x pipeline', 'Chorus /s', 'Redis /s', 'ratio', 'Chorus CPU us', 'Redis CPU us',
             'Chorus p50, p99, p99.9 ms', 'Redis p50, p99, p99.9 ms')]
    for policy, cell in itertools.product(POLICIES, options.logged_cells):
        def logged(kind, what, policy=policy, cell=cell):
            return medians.logged(kind, policy, cell, what)
        rate = 'requests_per_second'
        rows.append((f'{policy}; {name_of(cell)}', *(f'{logged(kind, rate):,.0f}' for kind in KINDS), f'{logged("chorus", rate) / logged("redis", rate):.2f}',
                     *(f'{logged(kind, "cpu_us"):.2f}' for kind in KINDS),
                     *(', '.join(f'{logged(kind, what):.2f}' for what in ('p50_ms', 'p99_ms', 'p999_ms')) for kind in KINDS)))
    out += [*markdown(rows), '']
    rows = [('octets of resident memory a key', 'Chorus', 'Redis', 'ratio')]
    for words in SMALL_KEYS:
        ours, theirs = (medians.memory(kind, words) for kind in KINDS)
        rows.append((words, f'{ours:.0f}', f'{theirs:.0f}', f'{ours / theirs:.2f}'))
    out += [*markdown(rows), '']
    rows = [('', 'Chorus', 'Redis')]
    for words, what, scale in (('start-up until the first answer, ms', 'start_seconds', 1000), ('resident when empty, MiB', 'empty_mib', 1)):
        rows.append((words, *(f'{medians.server(kind, what) * scale:,.1f}' for kind in KINDS)))
    out += [*markdown(rows), '']
    if not options.quick:
        out += markdown(goal_rows(goals(medians, options)))
    return '\n'.join(out) + '\n'


def describe(options):
    machine, commit, _ = describe_machine(options.directory)
    version = subprocess.run(['redis-server', '--version'], executable=REDIS_PROGRAM, stdout=subprocess.PIPE, text=True, check=False).stdout
    return [machine, f'Chorus {commit}, its defaults; Redis: Debian\'s {version.split("v=")[-1].split()[0]}; both without persistence where nothing else is said',
            f'{options.rounds} rounds, about {options.seconds:g} s for each row, after a trial; medians; keys are drawn from {KEYS:,}; the load is '
            f"Debian's redis-benchmark, of one thread; memory: {options.small_keys:,} keys of 16 octets"]


def run(options):
    """Returns how many things were measured."""
    options.cells = QUICK_CELLS if options.quick else CELLS
    options.logged_cells = LOGGED_CELLS[-1:] if options.quick else LOGGED_CELLS
    options.small_keys = 2000 if options.quick else 1_000_000
    for program in (PROGRAMS / 'chorus', REDIS_PROGRAM, '/usr/bin/redis-benchmark'):
        if not pathlib.Path(program).exists():
            sys.exit(f'{program} is not there: make build, scripts/install-dependencies --test')
    machine = describe(options)
    rounds = []
    for number in range(options.rounds):
        print(f'round {number + 1} of {options.rounds}, Chorus and Redis', flush=True)
        one = {}
        for kind in KINDS if number % 2 else KINDS[::-1]:
            one[kind] = measure_server(kind, options)
            one[kind]['logged'] = measure_logged(kind, options)
            # Memory is the same each time.
            one[kind]['memory'] = rounds[0][kind]['memory'] if rounds else measure_memory(kind, options)
        rounds.append(one)
    write_results('cache', tables(Medians(rounds), options, machine), machine, rounds)
    return len(KINDS) * (len(options.cells) + len(POLICIES) * len(options.logged_cells) + len(SMALL_KEYS))
