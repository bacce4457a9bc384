#!/usr/bin/python3
"""Values and files between Debian's redis-server and Chorus: what one dumps or saves, the other restores or loads, and has the same keys.

usage: persistence_suite.py [--peer chorus] [--seeds N] [--first SEED] [--length N] [--only PATTERN]

Keys are made by the streams of the comparison (streams.py). Chorus writes the version of Redis 7.0 (cache.rdb_version), which Debian has.
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / 'support')]
import checks  # noqa: E402
import differential_suite as differential  # noqa: E402
import known  # noqa: E402
import servers  # noqa: E402
import streams  # noqa: E402

FAMILIES = ('strings', 'hashes', 'lists', 'sets', 'zsets', 'bitmaps', 'sketches', 'log_streams', 'all')
# Beyond what is kept packed: tables, skip lists, chains, wide integers, long strings.
LARGE = [
    [b'RPUSH', b'large-list', *(b'element-%d-%s' % (i, b'x' * (i % 300)) for i in range(3000))],
    [b'SADD', b'large-set', *(b'member-%d' % i for i in range(3000))],
    [b'SADD', b'large-integers', *(b'%d' % (i * 10 ** (i % 18)) for i in range(400))],
    [b'HSET', b'large-hash', *(b'field-%d' % i for i in range(2000))],
    [b'ZADD', b'large-zset', *(each for i in range(2000) for each in (b'%d.25' % (i * 7 % 1000), b'member-%d' % i))],
    [b'SET', b'large-text', b'all work and no play ' * 20000],
    [b'SET', b'noise', bytes(i * i * 7 % 251 for i in range(5000))],
    [b'HSET', b'long-value', b'f', b'v' * 100000],
    [b'SET', b'expires', b'v', b'PXAT', b'4102444800123'],
    *([b'XADD', b'large-stream', b'%d-1' % i, b'a', b'%d' % i, b'b', b'text'] for i in range(1, 501)),
    [b'XGROUP', b'CREATE', b'large-stream', b'g', b'0'],
    [b'XREADGROUP', b'GROUP', b'g', b'one', b'COUNT', b'10', b'STREAMS', b'large-stream', b'>'],
    [b'XACK', b'large-stream', b'g', b'3-1', b'4-1'],
    [b'XDEL', b'large-stream', b'5-1', b'500-1'],
    [b'SELECT', b'1'], [b'SET', b'elsewhere', b'v'], [b'SELECT', b'0'],
]
READS = {**differential.READS, b'hash': [b'HGETALL'], b'set': [b'SMEMBERS']}


def fill(connection, family, seed, length):
    connection.ask(b'FLUSHALL')
    for words in known.playable(streams.stream(family, seed, length)):
        connection.ask(*words)
    connection.ask(b'DISCARD')
    connection.ask(b'SELECT', b'0')
    for words in LARGE:
        reply = connection.ask(*words)
        assert not reply.startswith(b'-'), f'{words[:3]}: {reply}'


def strings_of(reply):
    """The elements of a flat array of bulk strings."""
    head, _, rest = reply.partition(b'\r\n')
    out = []
    for _ in range(int(head[1:])):
        size, _, rest = rest.partition(b'\r\n')
        out.append(rest[:int(size[1:])])
        rest = rest[int(size[1:]) + 2:]
    return out


def bulk(reply):
    head, _, rest = reply.partition(b'\r\n')
    return rest[:int(head[1:])]


def shown(connection, key):
    kind = connection.ask(b'TYPE', key)[1:-2]
    words = READS[kind]
    reply = connection.ask(words[0], key, *words[1:])
    if kind in (b'hash', b'set'):
        reply = sorted(strings_of(reply))
    if kind == b'hash':
        reply = sorted(reply)
    groups = b''
    if kind == b'stream':
        groups = [connection.ask(b'XPENDING', key, name, b'-', b'+', b'100').count(b'\r\n') for name in (b'g',) if b'\r\n$1\r\ng\r\n' in connection.ask(b'XINFO', b'GROUPS', key)]
    return kind, reply, groups


def same(one, other):
    if one == other:
        return True
    return one[0] == other[0] == b'zset' and known.same_numbers(one[1], other[1])


def every_value_to(source, target, from_whom):
    """Every key of `source`, database 0, through DUMP and RESTORE."""
    target.ask(b'FLUSHALL')
    keys = strings_of(source.ask(b'KEYS', b'*'))
    assert len(keys) > 8
    for key in keys:
        payload = bulk(source.ask(b'DUMP', key))
        ttl = max(int(source.ask(b'PEXPIRETIME', key)[1:-2]), 0)
        reply = target.ask(b'RESTORE', key, b'%d' % ttl, payload, b'ABSTTL')
        assert reply == b'+OK\r\n', f"{from_whom}'s {key!r}, {source.ask(b'OBJECT', b'ENCODING', key)!r}: {reply!r}, {payload[:60].hex()}"
        one, other = shown(source, key), shown(target, key)
        assert same(one, other), f"{from_whom}'s {key!r}\n  there: {one!r:.600}\n  here:  {other!r:.600}"
        checks.equal(target.ask(b'PEXPIRETIME', key), source.ask(b'PEXPIRETIME', key), f'expiry of {key}')


def all_shown(connection):
    out = {}
    for db in (b'0', b'1'):
        connection.ask(b'SELECT', db)
        for key in strings_of(connection.ask(b'KEYS', b'*')):
            out[db, key] = (*shown(connection, key), connection.ask(b'PEXPIRETIME', key))
    connection.ask(b'SELECT', b'0')
    return out


def compare_all(before, after):
    checks.equal(sorted(after), sorted(before), 'keys')
    for key, value in before.items():
        assert same(value, after[key]) and value[-1] == after[key][-1], f'{key}\n  before: {value!r:.600}\n  after:  {after[key]!r:.600}'


def redis_command(port):
    return ['redis-server', '--port', str(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']


def chorus_command(port, *more):
    command = differential.chorus_command(port)
    for each in ('cache.data_dir=.', 'cache.save=', 'cache.rdb_version=10', *more):
        command += ['--set', each]
    return command


def redis_with_log(port):
    return [*redis_command(port)[:-2], '--appendonly', 'yes']


def chorus_with_log(port, *more):
    return chorus_command(port, 'cache.append_only=true', *more)


def log_directory(directory):
    return pathlib.Path(directory) / 'appendonlydir'


def check_log(directory):
    """Redis' own tool has nothing against the log there."""
    checked = subprocess.run(['redis-check-aof', 'appendonly.aof.manifest'], executable=differential.REDIS_PROGRAM, cwd=log_directory(directory), capture_output=True, text=True)
    assert checked.returncode == 0 and 'are valid' in checked.stdout, checked.stdout[-1000:] + checked.stderr[-1000:]


def rewrite(connection):
    reply = connection.ask(b'BGREWRITEAOF')
    assert reply.startswith(b'+Background append only file rewriting'), reply
    servers.wait_until(lambda: b'aof_rewrite_in_progress:0' in (info := connection.ask(b'INFO', b'persistence')) and b'aof_rewrite_scheduled:0' in info, 'the log is rewritten')


class Counter(threading.Thread):
    """Writes transactions of three commands, one after another, and knows how many were acknowledged."""

    def __init__(self, port, number, done):
        super().__init__()
        self.connection = differential.Connection(port)
        self.number, self.tried, self.acknowledged = b'%d' % number, done, done
        self.start()

    def run(self):
        with contextlib.suppress(OSError, ConnectionError):
            while True:
                self.tried += 1
                value = b'%d' % self.tried
                for words in ((b'MULTI',), (b'SET', b'a' + self.number, value), (b'SET', b'b' + self.number, value), (b'RPUSH', b'all', self.number + b':' + value), (b'EXEC',)):
                    self.connection.send(*words)
                replies = [self.connection.reply() for _ in range(5)]
                if not replies[-1].startswith(b'*3'):
                    raise ConnectionError(replies)
                self.acknowledged = self.tried


def number_of(connection, key):
    reply = connection.ask(b'GET', key)
    return 0 if reply == b'$-1\r\n' else int(bulk(reply))


@contextlib.contextmanager
def server(make, directory):
    port = servers.free_port()
    with differential.running(make(port), port, directory):
        connection = differential.Connection(port)
        try:
            yield connection
        finally:
            connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', choices=['chorus', 'java'], default='chorus')
    parser.add_argument('--seeds', type=int, default=2)
    parser.add_argument('--first', type=int, default=1)
    parser.add_argument('--length', type=int, default=300)
    parser.add_argument('--only')
    arguments = parser.parse_args()
    if not shutil.which(differential.REDIS_PROGRAM):
        sys.exit("Debian's redis-tools are not there: scripts/install-dependencies --test")
    suite = checks.Suite('redispersistence')
    seeds = range(arguments.first, arguments.first + arguments.seeds)

    @suite.check
    def dumps_of_either_are_restored_by_the_other():
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other, server(redis_command, one) as theirs, server(chorus_command, other) as ours:
            for family in FAMILIES:
                for seed in seeds:
                    fill(theirs, family, seed, arguments.length)
                    every_value_to(theirs, ours, 'redis-server')
                    fill(ours, family, seed, arguments.length)
                    every_value_to(ours, theirs, 'chorus')

    @suite.check
    def their_file_is_loaded():
        for seed in seeds:
            with tempfile.TemporaryDirectory() as directory:
                with server(redis_command, directory) as theirs:
                    fill(theirs, 'all', seed, arguments.length)
                    before = all_shown(theirs)
                    checks.equal(theirs.ask(b'SAVE'), b'+OK\r\n', 'SAVE')
                with server(chorus_command, directory) as ours:
                    compare_all(before, all_shown(ours))

    @suite.check
    def our_file_is_accepted_and_loaded():
        for seed in seeds:
            with tempfile.TemporaryDirectory() as directory:
                with server(chorus_command, directory) as ours:
                    fill(ours, 'all', seed, arguments.length)
                    before = all_shown(ours)
                    checks.equal(ours.ask(b'SAVE'), b'+OK\r\n', 'SAVE')
                checked = subprocess.run([differential.REDIS_PROGRAM, 'dump.rdb'], cwd=directory, capture_output=True, text=True)
                assert checked.returncode == 0 and 'RDB looks OK' in checked.stdout, checked.stdout[-1000:]
                with server(redis_command, directory) as theirs:
                    compare_all(before, all_shown(theirs))

    @suite.check
    def our_own_file_is_loaded_after_an_end():
        for version in (10, 11):
            with tempfile.TemporaryDirectory() as directory:
                with server(lambda port: chorus_command(port, 'cache.save=3600 1', f'cache.rdb_version={version}'), directory) as ours:
                    fill(ours, 'all', seeds[0], arguments.length)
                    before = all_shown(ours)
                with server(chorus_command, directory) as ours:
                    compare_all(before, all_shown(ours))

    @suite.check
    def their_log_is_loaded():
        for seed in seeds:
            for is_rewritten in (False, True):
                with tempfile.TemporaryDirectory() as directory:
                    with server(redis_with_log, directory) as theirs:
                        fill(theirs, 'all', seed, arguments.length)
                        if is_rewritten:
                            rewrite(theirs)
                            theirs.ask(b'RPUSH', b'later', b'x')
                        before = all_shown(theirs)
                    with server(chorus_with_log, directory) as ours:
                        compare_all(before, all_shown(ours))
                        ours.ask(b'SET', b'ours', b'v')
                    check_log(directory)
                    # And back, with what was written here.
                    with server(redis_with_log, directory) as theirs:
                        checks.equal(theirs.ask(b'GET', b'ours'), b'$1\r\nv\r\n', 'what was written here')
                        theirs.ask(b'DEL', b'ours')
                        compare_all(before, all_shown(theirs))

    @suite.check
    def our_log_is_accepted_and_loaded():
        for seed in seeds:
            for is_rewritten in (False, True):
                with tempfile.TemporaryDirectory() as directory:
                    with server(lambda port: chorus_with_log(port, 'cache.append_timestamps=true'), directory) as ours:
                        fill(ours, 'all', seed, arguments.length)
                        if is_rewritten:
                            rewrite(ours)
                            ours.ask(b'RPUSH', b'later', b'x')
                        before = all_shown(ours)
                    check_log(directory)
                    with server(redis_with_log, directory) as theirs:
                        compare_all(before, all_shown(theirs))
                        theirs.ask(b'SET', b'theirs', b'v')
                    with server(chorus_with_log, directory) as ours:
                        checks.equal(ours.ask(b'GET', b'theirs'), b'$1\r\nv\r\n', 'what was written there')
                        ours.ask(b'DEL', b'theirs')
                        compare_all(before, all_shown(ours))

    @suite.check
    def the_single_file_of_an_old_redis_is_loaded():
        for preamble in ('yes', 'no'):
            def old_redis(port, preamble=preamble):
                return [*redis_with_log(port), '--aof-use-rdb-preamble', preamble]
            with tempfile.TemporaryDirectory() as directory:
                with server(old_redis, directory) as theirs:
                    fill(theirs, 'all', seeds[0], arguments.length)
                    rewrite(theirs)
                    theirs.ask(b'RPUSH', b'later', b'x')
                # A base of commands does not have all of a stream's pending entries: what Redis itself makes of it counts.
                with server(old_redis, directory) as theirs:
                    before = all_shown(theirs)
                # As Redis before 7.0 had it: the base, and what came later behind it.
                files = sorted(log_directory(directory).glob('*.base.*')) + sorted(log_directory(directory).glob('*.incr.aof'))
                (pathlib.Path(directory) / 'appendonly.aof').write_bytes(b''.join(file.read_bytes() for file in files))
                shutil.rmtree(log_directory(directory))
                with server(chorus_with_log, directory) as ours:
                    compare_all(before, all_shown(ours))
                check_log(directory)

    @suite.check
    def what_was_acknowledged_survives_kill_9():
        # What the system was given stays, so this is about what is written before a reply; syncs are for the simulated disks of the unit tests.
        chance = random.Random(arguments.first)
        with tempfile.TemporaryDirectory() as directory:
            done, promised = [0] * 8, [0] * 8
            for _ in range(5):
                port = servers.free_port()
                command = chorus_with_log(port, 'cache.append_sync=always', 'cache.append_rewrite_min_bytes=100000')
                with open(pathlib.Path(directory) / 'log', 'ab') as log:
                    process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                try:
                    def is_loaded():
                        assert process.poll() is None, (pathlib.Path(directory) / 'log').read_text()[-2000:]
                        with contextlib.suppress(OSError), contextlib.closing(differential.Connection(port)) as connection:
                            return connection.ask(b'DBSIZE').startswith(b':')
                    servers.wait_until(is_loaded, 'chorus answers')
                    reader = differential.Connection(port)
                    words = [word.split(b':') for word in strings_of(reader.ask(b'LRANGE', b'all', b'0', b'-1'))]
                    for i in range(8):
                        a, b = number_of(reader, b'a%d' % i), number_of(reader, b'b%d' % i)
                        last = max((int(number) for who, number in words if int(who) == i), default=0)
                        assert a == b == last, f'writer {i}: {a}, {b} and {last} of one transaction'
                        assert promised[i] <= a <= done[i], f'writer {i}: {a} is there, {promised[i]} acknowledged, {done[i]} tried'
                        done[i] = promised[i] = a
                    reader.close()
                    counters = [Counter(port, i, done[i]) for i in range(8)]
                    time.sleep(0.3 + chance.random())
                finally:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                for i, counter in enumerate(counters):
                    counter.join()
                    counter.connection.close()
                    done[i], promised[i] = counter.tried, counter.acknowledged
            assert sum(promised) > 100, promised

    @suite.check
    def errors_of_restore_are_theirs():
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other, server(redis_command, one) as theirs, server(chorus_command, other) as ours:
            for each in (theirs, ours):
                each.ask(b'SET', b'k', b'10')
            payload = bulk(theirs.ask(b'DUMP', b'k'))
            checks.equal(bulk(ours.ask(b'DUMP', b'k')), payload, 'payload')
            requests = [
                [b'RESTORE', b'k', b'0', payload], [b'RESTORE', b'n', b'-1', payload], [b'RESTORE', b'n', b'x', payload], [b'RESTORE', b'n', b'0', b'x'],
                [b'RESTORE', b'n', b'0', payload[:-1] + b'x'], [b'RESTORE', b'n', b'0', payload, b'IDLETIME', b'-1'], [b'RESTORE', b'n', b'0', payload, b'FREQ', b'256'],
                [b'RESTORE', b'n', b'0', payload, b'FREQ', b'1', b'IDLETIME', b'1'], [b'RESTORE', b'n', b'0', payload, b'bogus'], [b'RESTORE', b'n', b'0'],
                [b'RESTORE', b'n', b'1', payload, b'ABSTTL'], [b'EXISTS', b'n'], [b'RESTORE', b'k', b'1', payload, b'ABSTTL', b'REPLACE'], [b'EXISTS', b'k'],
                [b'RESTORE', b'k', b'0', payload, b'IDLETIME', b'1000'], [b'OBJECT', b'IDLETIME', b'k'], [b'DUMP', b'none'], [b'DUMP'], [b'RESTORE-ASKING', b'm', b'0', payload],
                [b'BGSAVE', b'x'], [b'LASTSAVE', b'x'], [b'SAVE', b'x'], [b'CONFIG', b'SET', b'save', b'1'], [b'CONFIG', b'SET', b'save', b'900 1 60 5'], [b'CONFIG', b'GET', b'save'],
                [b'CONFIG', b'SET', b'save', b''], [b'CONFIG', b'GET', b'save'], [b'CONFIG', b'SET', b'dir', b'/'], [b'CONFIG', b'SET', b'dbfilename', b'x'], [b'CONFIG', b'GET', b'dbfilename'],
                [b'CONFIG', b'SET', b'rdbchecksum', b'no'], [b'CONFIG', b'SET', b'rdbcompression', b'maybe'], [b'CONFIG', b'GET', b'rdbcompression'], [b'CONFIG', b'GET', b'rdbchecksum'], [b'CONFIG', b'GET', b'stop-writes-on-bgsave-error'],
            ]
            for words in requests:
                a, b = theirs.ask(*words), ours.ask(*words)
                assert a == b or known.is_same(words, a, b), f'{words}\n  theirs: {a!r:.1500}\n  ours:   {b!r:.1500}'

    return suite.run(only=arguments.only)


if __name__ == '__main__':
    os.environ.setdefault('LC_ALL', 'C.UTF-8')
    sys.exit(main())
