#!/usr/bin/python3
"""Debian's redis-server and Chorus follow one another: replication_suite.py [--peer chorus] [--seeds N] [--first SEED] [--only PATTERN]

Keys are made by the streams of the comparison (streams.py) while replicas begin, connections are cut by a relay, and servers are killed; at the
end all keys of both sides are compared, their values and times of expiry.
"""
import argparse
import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import socket
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
import persistence_suite as persistence  # noqa: E402
import servers  # noqa: E402
import streams  # noqa: E402

DATABASES = (b'0', b'1', b'2')
FAMILIES = ('strings', 'hashes', 'lists', 'sets', 'zsets', 'bitmaps', 'sketches', 'log_streams', 'all')


class Peer:
    """A server, with a folder of its own."""

    def __init__(self, kind, *more, port=None):
        self.kind, self.more, self.port = kind, more, port or servers.free_port()
        self.directory = tempfile.mkdtemp(prefix=f'replication-{kind}-')
        self.start()

    def start(self):
        if self.kind == 'redis':
            command = [*differential.redis_command(self.port), '--repl-diskless-sync-delay', '0', *self.more]
        else:
            command = differential.chorus_command(self.port)
            for each in (f'cache.data_dir={self.directory}', 'cache.repl_diskless_sync_delay_s=0', *self.more):
                command += ['--set', each]
        self.log = pathlib.Path(self.directory) / 'log'
        with open(self.log, 'ab') as log:
            program = differential.REDIS_PROGRAM if self.kind == 'redis' else None
            self.process = subprocess.Popen(command, executable=program, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        servers.wait_until(self.answers, f'{self.kind} answers')
        self.connection = differential.Connection(self.port)

    def answers(self):
        assert self.process.poll() is None, f'{self.kind} ended:\n' + self.log.read_text()[-2000:]
        with contextlib.suppress(OSError):
            connection = differential.Connection(self.port)
            try:
                return connection.ask(b'PING') == b'+PONG\r\n'
            finally:
                connection.close()
        return False

    def ask(self, *words):
        return self.connection.ask(*(word if isinstance(word, bytes) else str(word).encode() for word in words))

    def follow(self, primary):
        port = primary if isinstance(primary, int) else primary.port
        checks.equal(self.ask('REPLICAOF', '127.0.0.1', port), b'+OK\r\n', 'REPLICAOF')

    def info(self, field, section='replication'):
        found = re.search(rb'\r\n%s:([^\r]*)\r\n' % field.encode(), self.ask('INFO', section))
        return found[1].decode() if found else None

    def kill(self):
        self.connection.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def end(self):
        with contextlib.suppress(OSError):
            self.connection.close()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def peers(*kinds):
    """Servers of those kinds; a kind may have settings behind it: ('chorus', 'cache.x=y')."""
    made = []
    try:
        for kind in kinds:
            made.append(Peer(*((kind,) if isinstance(kind, str) else kind)))
        yield made
        for peer in made:
            assert peer.process.poll() is None, f'{peer.kind} ended:\n' + peer.log.read_text()[-3000:]
    finally:
        for peer in made:
            peer.end()


class Relay:
    """Passes octets on to a port of this machine, and breaks all connections off when told."""

    def __init__(self, port):
        self.target, self.pairs, self.is_over = port, [], False
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.is_over:
            try:
                one, _ = self.listener.accept()
                other = socket.create_connection(('127.0.0.1', self.target))
            except OSError:
                continue
            self.pairs.append((one, other))
            for source, sink in ((one, other), (other, one)):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def copy(source, sink):
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                sink.sendall(octets)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def cut(self):
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for each in pair:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()

    def end(self):
        self.is_over = True
        self.listener.close()
        self.cut()


class Load:
    """Commands of all families, one after another, until it is told to end; scripts, transactions and short-lived keys among them."""

    def __init__(self, peer, seed):
        self.peer, self.seed, self.is_over, self.done, self.failure = peer, seed, False, 0, None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def commands(self):
        chance = random.Random(self.seed)
        for turn in range(1_000_000):
            yield from known.playable(streams.stream(chance.choice(FAMILIES), f'{self.seed}:{turn}', 40))
            yield [b'DISCARD']
            yield [b'SELECT', chance.choice(DATABASES)]
            yield [b'SET', b'brief:%d' % chance.randrange(50), b'v', b'PX', b'%d' % chance.randrange(1, 2000)]
            yield [b'EVAL', b"redis.call('INCR', KEYS[1]) redis.call('RPUSH', KEYS[2], ARGV[1]) return redis.call('SPOP', KEYS[3])", b'3', b'counter', b'log',
                   b'members', b'%d' % turn]
            yield [b'SADD', b'members', *(b'm%d' % chance.randrange(1000) for _ in range(5))]
            yield from ([b'MULTI'], [b'INCR', b'counter'], [b'HSET', b'fields', b'f%d' % chance.randrange(100), b'v' * chance.randrange(1, 200)], [b'EXEC'])
            yield [b'LTRIM', b'log', b'-100', b'-1']

    def run(self):
        try:
            connection = differential.Connection(self.peer.port)
            for words in self.commands():
                if self.is_over:
                    break
                connection.ask(*words)
                self.done += 1
            connection.close()
        except Exception as failure:  # told by the one who waits for it
            self.failure = failure

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.is_over = True
        self.thread.join(60)
        if kind is None and self.failure is not None:
            raise AssertionError(f'the load ended after {self.done}: {self.failure!r}')

    def passes(self, count):
        until = self.done + count
        servers.wait_until(lambda: self.done >= until or self.failure is not None, f'{count} more commands', seconds=60)


def settle(primary, *replicas):
    """Until all of the primary's stream is there."""
    def is_settled():
        end = primary.info('master_repl_offset')
        return all(replica.info('master_link_status') == 'up' and replica.info('slave_repl_offset') == end for replica in replicas)
    try:
        servers.wait_until(is_settled, 'the replicas have all', seconds=60, every=0.05)
    except Exception as failure:
        logs = '\n'.join(f'--- {peer.kind} {peer.port}\n{peer.ask("INFO", "replication").decode()}\n{peer.log.read_text()[-1500:]}' for peer in (primary, *replicas))
        raise AssertionError(f'{failure}\n{logs}') from failure


def shown(peer, from_ms):
    """All keys with their values and times of expiry, but for those that end soon."""
    out = {}
    for db in DATABASES:
        peer.ask('SELECT', db)
        for key in persistence.strings_of(peer.ask('KEYS', '*')):
            expiry = int(peer.ask('PEXPIRETIME', key)[1:-2])
            if expiry == -1 or expiry > from_ms:
                out[db, key] = (*persistence.shown(peer.connection, key), expiry)
    peer.ask('SELECT', '0')
    return out


def same_keys(primary, *replicas):
    settle(primary, *replicas)
    from_ms = (time.time() + 300) * 1000
    before = shown(primary, from_ms)
    assert len(before) > 10
    for replica in replicas:
        after = shown(replica, from_ms)
        checks.equal(sorted(after), sorted(before), 'keys')
        for key, value in before.items():
            other = after[key]
            assert persistence.same(value, other) and value[-1] == other[-1], f'{key}\n  primary: {value!r:.600}\n  replica: {other!r:.600}'
        if replica.kind == 'chorus':
            failed = [line for line in replica.log.read_text().splitlines() if 'a command of the primary failed' in line]
            checks.equal((replica.info('unexpected_error_replies', 'stats'), failed), ('0', []), 'commands of the stream that failed')
    return before


def fill(peer, seed):
    persistence.fill(peer.connection, 'all', seed, 200)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', choices=['chorus', 'java'], default='chorus')
    parser.add_argument('--seeds', type=int, default=1)
    parser.add_argument('--first', type=int, default=1)
    parser.add_argument('--only')
    arguments = parser.parse_args()
    if not shutil.which(differential.REDIS_PROGRAM):
        sys.exit("Debian's redis-tools are not there: scripts/install-dependencies --test")
    suite = checks.Suite('redisreplication')
    seeds = range(arguments.first, arguments.first + arguments.seeds)

    def each_way(name, check):
        """As two checks: Chorus follows redis-server, and the reverse."""
        for primary, replica in (('redis', 'chorus'), ('chorus', 'redis')):
            def run(primary=primary, replica=replica):
                for seed in seeds:
                    check(seed, primary, replica)
            suite.add(f'{name}_{primary}_to_{replica}', run)

    def begins_under_load_and_takes_over(seed, one, other):
        with peers(one, other) as (primary, replica):
            fill(primary, seed)
            with Load(primary, seed) as load:
                load.passes(200)
                replica.follow(primary)
                servers.wait_until(lambda: replica.info('master_link_status') == 'up', 'the link is up', seconds=60)
                load.passes(2000)
            before = same_keys(primary, replica)
            checks.equal(replica.ask('SET', 'x', 'y')[:9], b'-READONLY', 'a write at a replica')
            checks.equal(replica.ask('REPLICAOF', 'NO', 'ONE'), b'+OK\r\n', 'REPLICAOF NO ONE')
            checks.equal(replica.ask('SET', 'x', 'y'), b'+OK\r\n', 'a write afterwards')
            replica.ask('DEL', 'x')
            checks.equal(sorted(shown(replica, (time.time() + 300) * 1000)), sorted(before), 'keys afterwards')
    each_way('begins_under_load_and_takes_over', begins_under_load_and_takes_over)

    def goes_on_after_cuts(seed, one, other):
        with peers(one, other) as (primary, replica):
            relay = Relay(primary.port)
            try:
                fill(primary, seed)
                primary.ask('CONFIG', 'SET', 'repl-backlog-size', '64mb')
                replica.follow(relay.port)
                settle(primary, replica)
                with Load(primary, seed) as load:
                    for cuts in range(1, 6):
                        load.passes(300)
                        relay.cut()
                        servers.wait_until(lambda cuts=cuts: int(primary.info('sync_partial_ok', 'stats')) >= cuts, 'the replica is back', seconds=60, every=0.02)
                same_keys(primary, replica)
                checks.equal(primary.info('sync_full', 'stats'), '1', 'full synchronizations')
            finally:
                relay.end()
    each_way('goes_on_after_cuts', goes_on_after_cuts)

    def needs_all_again_after_too_long(seed, one, other):
        with peers(one, other) as (primary, replica):
            relay = Relay(primary.port)
            try:
                fill(primary, seed)
                primary.ask('CONFIG', 'SET', 'repl-backlog-size', '16kb')
                replica.follow(relay.port)
                settle(primary, replica)
                relay.cut()
                for i in range(100):
                    primary.ask('SET', f'more:{i}', 'x' * 5000)
                same_keys(primary, replica)
                checks.equal(primary.info('sync_full', 'stats'), '2', 'full synchronizations')
            finally:
                relay.end()
    each_way('needs_all_again_after_too_long', needs_all_again_after_too_long)

    def killed_and_started_again(seed, one, other):
        with peers(one, other) as (primary, replica):
            fill(primary, seed)
            replica.follow(primary)
            settle(primary, replica)
            with Load(primary, seed) as load:
                load.passes(300)
                replica.kill()
                load.passes(300)
                replica.start()
                replica.follow(primary)
                load.passes(300)
            before = same_keys(primary, replica)
            primary.kill()
            servers.wait_until(lambda: replica.info('master_link_status') == 'down', 'the link is down')
            checks.equal(sorted(shown(replica, (time.time() + 300) * 1000)), sorted(before), 'what is still served')
            primary.start()
            fill(primary, seed + 100)
            same_keys(primary, replica)
    each_way('killed_and_started_again', killed_and_started_again)

    def through_a_file(seed, one, other):
        by_file = {'redis': ('redis', '--repl-diskless-sync', 'no'), 'chorus': ('chorus', 'cache.repl_diskless_sync=false')}
        with peers(by_file[one], other) as (primary, replica):
            fill(primary, seed)
            with Load(primary, seed) as load:
                load.passes(100)
                replica.follow(primary)
                load.passes(1000)
            same_keys(primary, replica)
            assert not (pathlib.Path(primary.directory) / 'temp-sync.rdb').exists()
    each_way('through_a_file', through_a_file)

    @suite.check
    def chain_of_redis_chorus_redis():
        for seed in seeds:
            with peers('redis', 'chorus', 'redis', 'chorus') as (first, middle, last, beside):
                fill(first, seed)
                middle.follow(first)
                settle(first, middle)
                last.follow(middle)
                with Load(first, seed) as load:
                    load.passes(500)
                    beside.follow(last)
                    load.passes(1000)
                same_keys(first, middle, last, beside)
                checks.equal({peer.info('master_replid') for peer in (middle, last, beside)}, {first.info('master_replid')}, 'one history')

    @suite.check
    def siblings_go_on_with_the_one_that_takes_over():
        for seed in seeds:
            for winner_kind in ('chorus', 'redis'):
                with peers('redis', 'chorus', 'redis') as (primary, *replicas):
                    fill(primary, seed)
                    # Else it may be a ping ahead of the others when it is not the primary any more.
                    primary.ask('CONFIG', 'SET', 'repl-ping-replica-period', '3600')
                    for replica in replicas:
                        replica.follow(primary)
                    settle(primary, *replicas)
                    with Load(primary, seed) as load:
                        load.passes(300)
                    settle(primary, *replicas)
                    winner, other = sorted(replicas, key=lambda peer: peer.kind != winner_kind)
                    winner.ask('REPLICAOF', 'NO', 'ONE')
                    other.follow(winner)
                    primary.follow(winner)
                    with Load(winner, seed + 1) as load:
                        load.passes(300)
                    same_keys(winner, other, primary)
                    checks.equal(winner.info('sync_full', 'stats'), '0', f'full synchronizations from {winner_kind}')
                    checks.equal(winner.info('sync_partial_ok', 'stats'), '2', f'partial synchronizations from {winner_kind}')

    @suite.check
    def failover_to_redis_and_back():
        with peers('chorus', 'redis') as (ours, theirs):
            fill(ours, seeds[0])
            theirs.follow(ours)
            settle(ours, theirs)
            for primary, replica in ((ours, theirs), (theirs, ours)):
                primary.ask('SET', 'last', primary.kind)
                checks.equal(primary.ask('FAILOVER', 'TO', '127.0.0.1', replica.port, 'TIMEOUT', '20000'), b'+OK\r\n', 'FAILOVER')
                servers.wait_until(lambda: replica.info('role') == 'master' and primary.info('role') == 'slave', 'the roles are changed')
                settle(replica, primary)
                checks.equal(replica.ask('GET', 'last'), b'$%d\r\n%s\r\n' % (len(primary.kind), primary.kind.encode()), 'the last write')
            same_keys(ours, theirs)
            checks.equal(ours.info('sync_full', 'stats'), '1', 'full synchronizations')

    @suite.check
    def wait_counts_redis_replicas():
        with peers('chorus', 'redis', 'redis') as (primary, *replicas):
            for replica in replicas:
                replica.follow(primary)
            settle(primary, *replicas)
            for i in range(20):
                primary.ask('INCR', 'n')
                checks.equal(primary.ask('WAIT', '2', '5000'), b':2\r\n', 'WAIT')
                for replica in replicas:
                    checks.equal(replica.ask('GET', 'n'), b'$%d\r\n%d\r\n' % (len(str(i + 1)), i + 1), 'what was waited for')
            os.kill(replicas[0].process.pid, signal.SIGSTOP)
            try:
                primary.ask('INCR', 'n')
                began = time.monotonic()
                checks.equal(primary.ask('WAIT', '2', '300'), b':1\r\n', 'WAIT while one stands still')
                assert time.monotonic() - began >= 0.3
            finally:
                os.kill(replicas[0].process.pid, signal.SIGCONT)

    @suite.check
    def messages_reach_listeners_of_replicas():
        for one, other in (('redis', 'chorus'), ('chorus', 'redis')):
            with peers(one, other) as (primary, replica):
                replica.follow(primary)
                settle(primary, replica)
                listener = differential.Connection(replica.port)
                listener.ask(b'SUBSCRIBE', b'news')
                primary.ask('PUBLISH', 'news', 'hello')
                checks.equal(listener.reply(), b'*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n', 'message')
                listener.close()

    @suite.check
    def functions_come_along():
        for one, other in (('redis', 'chorus'), ('chorus', 'redis')):
            with peers(one, other) as (primary, replica):
                primary.ask('FUNCTION', 'LOAD', "#!lua name=before\nredis.register_function('f', function() return 'one' end)")
                replica.follow(primary)
                settle(primary, replica)
                primary.ask('FUNCTION', 'LOAD', "#!lua name=after\nredis.register_function{function_name='g', callback=function() return 'two' end, flags={'no-writes'}}")
                settle(primary, replica)
                checks.equal(replica.ask('FCALL', 'g', '0'), b'$3\r\ntwo\r\n', 'a function that came by the stream')
                checks.equal(replica.ask('FUNCTION', 'LIST', 'LIBRARYNAME', 'before').count(b'before'), 1, 'one that came by the snapshot')

    @suite.check
    def redis_cli_takes_snapshots_and_the_stream():
        with peers('chorus') as (ours,):
            fill(ours, seeds[0])
            with tempfile.TemporaryDirectory() as directory:
                file = pathlib.Path(directory) / 'dump.rdb'
                done = subprocess.run(['redis-cli', '-p', str(ours.port), '--rdb', str(file)], capture_output=True, text=True, timeout=60)
                assert done.returncode == 0, done.stdout + done.stderr
                checked = subprocess.run([differential.REDIS_PROGRAM, str(file)], capture_output=True, text=True)
                assert checked.returncode == 0 and 'RDB looks OK' in checked.stdout, checked.stdout[-1000:]
                with Peer_in(directory, 'redis') as theirs:
                    persistence.compare_all(persistence.all_shown(ours.connection), persistence.all_shown(theirs.connection))
            process = subprocess.Popen(['redis-cli', '-p', str(ours.port), '--replica'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            try:
                servers.wait_until(lambda: 'state=online' in (ours.info('slave0') or ''), 'redis-cli is online', seconds=30, every=0.05)
                ours.ask('SET', 'seen', 'by redis-cli')
                lines = []
                for line in process.stdout:
                    lines.append(line)
                    if '"by redis-cli"' in line:
                        break
                assert lines and '"by redis-cli"' in lines[-1], lines
            finally:
                process.kill()
                process.wait(30)

    @contextlib.contextmanager
    def Peer_in(directory, kind):
        port = servers.free_port()
        with differential.running(persistence.redis_command(port) if kind == 'redis' else persistence.chorus_command(port), port, directory):
            peer = type('Loaded', (), {})()
            peer.connection = differential.Connection(port)
            try:
                yield peer
            finally:
                peer.connection.close()

    @suite.check
    def replies_are_theirs():
        requests = [
            'ROLE', 'REPLCONF', 'REPLCONF x', 'REPLCONF x y', 'REPLCONF listening-port x', 'REPLCONF ack 1 x', 'REPLCONF rdb-filter-only x', 'REPLCONF rdb-only 2',
            'PSYNC x', 'PSYNC ? x', 'PSYNC ? -1 FAILOVER', 'REPLICAOF NO ONE', 'REPLICAOF 127.0.0.1 x', 'REPLICAOF 127.0.0.1 65536', 'REPLICAOF x', 'SLAVEOF x',
            'WAIT', 'WAIT x 0', 'WAIT 0 x', 'WAIT 0 -1', 'WAIT 0 0', 'WAIT 1 10', 'FAILOVER', 'FAILOVER ABORT', 'FAILOVER TIMEOUT 0', 'FAILOVER TIMEOUT x', 'FAILOVER TO x',
            'FAILOVER TO x 1', 'FAILOVER FORCE', 'FAILOVER x', 'CONFIG GET repl-timeout', 'CONFIG GET replica-read-only', 'CONFIG GET slave-read-only', 'CONFIG GET replicaof',
            'CONFIG SET replicaof x', 'CONFIG SET repl-timeout 0', 'CONFIG SET repl-backlog-size 0', 'CONFIG SET min-replicas-to-write 1', 'SET k v', 'GET k', 'MULTI', 'SET k v',
            'EXEC', 'CONFIG SET min-slaves-to-write 0', 'SET k v', 'CLIENT LIST TYPE replica', 'CLIENT LIST TYPE master', 'CLIENT KILL TYPE replica', 'COMMAND INFO psync',
            'COMMAND INFO replconf role failover replicaof slaveof sync',
        ]
        on_replica = ['ROLE', 'SET k v', 'GET k', 'MULTI', 'DEL k', 'EXEC', 'FAILOVER', 'CONFIG SET replica-serve-stale-data no', 'GET k', 'PING', 'DBSIZE',
                      'CONFIG GET slave-serve-stale-data', 'FLUSHALL', 'SYNC', 'PSYNC ? -1', 'REPLICAOF 127.0.0.1 1', 'CONFIG SET replica-serve-stale-data yes', 'GET k',
                      'CLIENT LIST TYPE master', 'EVAL "#!lua\nreturn 1" 0', 'REPLICAOF NO ONE', 'SET k v']
        with peers('redis', 'chorus') as (theirs, ours):
            def compare(requests):
                for line in requests:
                    words = [b'EVAL', b'#!lua\nreturn 1', b'0'] if line.startswith('EVAL') else line.encode().split()
                    a, b = theirs.connection.ask(*words), ours.connection.ask(*words)
                    if line == 'ROLE':
                        a, b = (re.sub(rb'connect(ing)?\r\n', b'connect\r\n', re.sub(rb'\$\d+(\r\nconnect)', rb'$N\1', each)) for each in (a, b))
                    assert a == b or known.is_same(words, a, b), f'{line}\n  theirs: {a!r:.1500}\n  ours:   {b!r:.1500}'
            compare(requests)
            for each in (theirs, ours):
                each.ask('REPLICAOF', '127.0.0.1', '1')
            compare(on_replica)
            missing = known.fields(theirs.ask('INFO', 'replication')) - known.fields(ours.ask('INFO', 'replication'))
            checks.equal(missing, set(), 'fields of INFO replication')

    return suite.run(only=arguments.only)


if __name__ == '__main__':
    os.environ.setdefault('LC_ALL', 'C.UTF-8')
    sys.exit(main())
