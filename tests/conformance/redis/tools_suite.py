#!/usr/bin/python3
"""redis-cli and redis-benchmark in all their modes that look at a server from outside, and COMMAND DOCS, beside Debian's redis-server.

usage: tools_suite.py [--peer chorus] [--only PATTERN]

What a mode says of the same keys must be the same, but for what depends on the machine (times, octets of memory). What needs replication
(--rdb, --functions-rdb, --replica) is not tried here.
"""
import argparse
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / 'support')]
import checks  # noqa: E402
import differential_suite as differential  # noqa: E402
import servers  # noqa: E402

# What redis-benchmark runs by itself, as it names it.
BENCHMARKS = ('PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'LPUSH', 'RPUSH', 'LPOP', 'RPOP', 'SADD', 'HSET', 'SPOP', 'ZADD', 'ZPOPMIN',
              'LPUSH (needed to benchmark LRANGE)', 'LRANGE_100 (first 100 elements)', 'LRANGE_300 (first 300 elements)',
              'LRANGE_500 (first 500 elements)', 'LRANGE_600 (first 600 elements)', 'MSET (10 keys)')


def run(program, port, *words, given=None, seconds=60):
    done = subprocess.run([program, '-p', str(port), *words], input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, check=False)
    assert done.returncode == 0, f'{program} {words} ended with {done.returncode}: {done.stdout[-500:]!r}'
    return done.stdout.decode(errors='replace')


def cli(port, *words, **named):
    return run('redis-cli', port, *words, **named)


def fill(port):
    commands = [['FLUSHALL'], ['SET', 'text', 'x' * 1000], ['SET', 'small', 'y'], ['RPUSH', 'list', *map(str, range(50))], ['SADD', 'set', *'abcdef'],
                ['HSET', 'hash', 'f', '1', 'g', '2'], ['ZADD', 'zset', '1', 'a', '2', 'b'], ['XADD', 'stream', '1-1', 'f', 'v']]
    given = b''.join(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(word), word.encode()) for word in words) for words in commands)
    out = cli(port, '--pipe', given=given)
    assert f'errors: 0, replies: {len(commands)}' in out, out


def of_each(ports, *words, keep=lambda line: line, **named):
    """Both servers' lines of that mode, without those that `keep` makes None of; sorted, as keys come in any order."""
    both = []
    for port in ports:
        fill(port)
        lines = cli(port, *words, **named).splitlines()
        both.append(sorted(line for line in map(keep, lines) if line is not None))
    return both


def without_order(line):
    """Of --bigkeys and --memkeys: what is said at the end, which does not depend on the order of keys."""
    return line if re.match(r'(Biggest|Sampled|Total key|\d+ \w+ with)', line) else None


def without_octets(line):
    line = without_order(line)
    return None if line is None else re.sub(r'\d+ bytes|avg size [\d.]+|with \d+', 'N', line)


def docs_of(connection, *names):
    """COMMAND DOCS as nested dictionaries and lists, by RESP3."""
    connection.ask(b'HELLO', b'3')
    connection.send(b'COMMAND', b'DOCS', *names)
    return read_value(connection.file)


def read_value(file):
    line = file.readline()
    kind, rest = line[:1], line[1:-2]
    if kind == b'$':
        return file.read(int(rest) + 2)[:-2].decode()
    if kind in b'+:':
        return rest.decode() if kind == b'+' else int(rest)
    if kind == b'%':
        return {read_value(file): read_value(file) for _ in range(int(rest))}
    assert kind in b'*~', line
    return [read_value(file) for _ in range(int(rest))]


def arguments_of(docs):
    """Without what 7.2 adds: a text for each to be shown, arguments since then, and the token of MIGRATE for no key, which 7.0 leaves empty."""
    def value_of(name, value):
        if name == 'arguments':
            return arguments_of(value)
        return sorted(value) if name == 'flags' else '' if (name, value) == ('token', '""') else value
    return [{name: value_of(name, value) for name, value in each.items() if name != 'display_text'} for each in docs if each.get('since') != '7.2.0']


# What 7.2 says otherwise.
CHANGED = {('quit', 'doc_flags'), ('quit', 'replaced_by'), ('quit', 'deprecated_since'), ('client|pause', 'since')}


def compare_docs(name, theirs, ours):
    for field in ('since', 'group', 'doc_flags', 'replaced_by', 'deprecated_since'):
        if (name, field) not in CHANGED:
            checks.equal(ours.get(field), theirs.get(field), f'{field} of {name}')
    assert ours.get('summary'), f'{name} has no summary'
    checks.equal(bool(ours.get('complexity')), bool(theirs.get('complexity')), f'complexity of {name}')
    checks.equal(arguments_of(ours.get('arguments', [])), arguments_of(theirs.get('arguments', [])), f'arguments of {name}')
    for sub, docs in ours.get('subcommands', {}).items():
        if sub in theirs.get('subcommands', {}):
            compare_docs(sub, theirs['subcommands'][sub], docs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', choices=['chorus', 'java'], default='chorus')
    parser.add_argument('--only')
    arguments = parser.parse_args()
    if not shutil.which(differential.REDIS_PROGRAM):
        sys.exit("Debian's redis-tools are not there: scripts/install-dependencies --test")
    suite = checks.Suite('redistools')
    with contextlib.ExitStack() as stack:
        ports = []
        for make in (differential.redis_command, differential.chorus_command):
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix='chorus-redis-tools-'))
            ports.append(servers.free_port())
            stack.enter_context(differential.running(make(ports[-1]), ports[-1], directory))
        ours = ports[1]

        @suite.check
        def bigkeys():
            theirs, mine = of_each(ports, '--bigkeys', keep=without_order)
            checks.equal(mine, theirs)
            assert len(mine) > 10, mine

        @suite.check
        def memkeys():
            theirs, mine = of_each(ports, '--memkeys', keep=without_octets)
            checks.equal(mine, theirs)
            assert len(mine) > 10, mine

        @suite.check
        def hotkeys():
            for port in ports:
                cli(port, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu')
            try:
                fill(ours)
                for _ in range(200):
                    cli(ours, 'GET', 'small')
                out = cli(ours, '--hotkeys')
                assert re.search(r'hot key found with counter: \d+\s+keyname: "?small', out), out
            finally:
                for port in ports:
                    cli(port, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction')

        @suite.check
        def scan_and_eval():
            theirs, mine = of_each(ports, '--scan', '--pattern', '*e*')
            checks.equal(mine, theirs)
            checks.equal(mine, ['set', 'stream', 'text', 'zset'])
            with tempfile.NamedTemporaryFile('w', suffix='.lua') as script:
                script.write('return {KEYS[1], ARGV[1], redis.call("strlen", KEYS[1])}')
                script.flush()
                theirs, mine = of_each(ports, '--eval', script.name, 'text', ',', 'argument')
            checks.equal(mine, theirs)

        @suite.check
        def stat_and_latency():
            fill(ours)
            with subprocess.Popen(['redis-cli', '-p', str(ours), '--stat', '-i', '0.1'], stdout=subprocess.PIPE, text=True, bufsize=1) as stat:
                lines = [stat.stdout.readline() for _ in range(4)]
                stat.terminate()
            assert re.match(r'7 +\S+ +\d+ +0 +\d+', lines[2]), lines
            numbers = cli(ours, '--latency', '--raw', '-i', '1').split()
            assert len(numbers) == 4 and int(numbers[3]) > 5, numbers
            assert 'Max latency so far' in cli(ours, '--intrinsic-latency', '1')

        @suite.check
        def pipe_takes_a_hundred_thousand():
            given = b''.join(b'SET key%d %d\r\n' % (i, i) for i in range(100_000))
            out = cli(ours, '--pipe', given=given)
            assert 'errors: 0, replies: 100000' in out, out
            checks.equal(cli(ours, 'GET', 'key99999').strip(), '99999')
            cli(ours, 'FLUSHALL')

        @suite.check
        def benchmark_runs_all_it_has():
            out = run('redis-benchmark', ours, '-n', '2000', '-c', '20', '-q').replace('\r', '\n')
            for name in BENCHMARKS:
                assert re.search('^' + re.escape(name) + r': [\d.]+ requests per second', out, re.MULTILINE), f'{name}: {out}'
            wrong = [line for line in out.splitlines() if 'rror' in line]
            assert not wrong, wrong
            csv = run('redis-benchmark', ours, '-n', '1000', '-P', '16', '-t', 'set,get', '--csv', '-3').splitlines()
            assert len(csv) == 3 and csv[1].startswith('"SET","') and csv[2].startswith('"GET","'), csv
            script = run('redis-benchmark', ours, '-n', '500', '-q', 'EVAL', "return redis.call('incr', KEYS[1])", '1', 'counted')
            assert 'requests per second' in script, script
            checks.equal(cli(ours, 'GET', 'counted').strip(), '500')

        @suite.check
        def command_docs():
            connections = [differential.Connection(port) for port in ports]
            try:
                theirs, mine = map(docs_of, connections)
            finally:
                for each in connections:
                    each.close()
            assert len(mine) > 200, len(mine)
            for name, docs in mine.items():
                if name in theirs:
                    compare_docs(name, theirs[name], docs)

        return suite.run(only=arguments.only)


if __name__ == '__main__':
    os.environ.setdefault('LC_ALL', 'C.UTF-8')
    sys.exit(main())
