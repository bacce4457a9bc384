#!/usr/bin/python3
"""The same commands to Debian's redis-server and to Chorus: every reply must be the same, octet by octet, and all keys at the end.

usage: differential_suite.py [--peer chorus] [--seeds N] [--first SEED] [--length N] [--only PATTERN]

Streams come from streams.py: a family of commands, a seed, a protocol. A difference is printed with the command before it and the seed that
gives it again. What differs between redis-server 7.0, which Debian has, and 7.2, which Chorus speaks, is in known.py with the reason.
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / 'support')]
import checks  # noqa: E402
import known  # noqa: E402
import servers  # noqa: E402
import streams  # noqa: E402

# The server and its tools are one program, which goes by its name. Debian's package of the server would start one on 6379 besides.
REDIS_PROGRAM = '/usr/bin/redis-check-rdb'


class Connection:
    """Sends commands and hands back each reply as the octets that came."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile('rb')

    def send(self, *words):
        self.socket.sendall(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(word), word) for word in words))

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b'\r\n'):
            raise ConnectionError(f'the connection ended within {line!r}')
        kind, rest = line[:1], line[1:-2]
        if kind in b'$=' and rest != b'-1':
            return line + self.file.read(int(rest) + 2)
        if kind in b'*~>' and rest != b'-1':
            return line + b''.join(self.reply() for _ in range(int(rest)))
        if kind in b'%|':
            return line + b''.join(self.reply() for _ in range(2 * int(rest)))
        return line

    def ask(self, *words):
        self.send(*words)
        return self.reply()

    def close(self):
        self.file.close()
        self.socket.close()


@contextlib.contextmanager
def running(command, port, directory):
    with open(pathlib.Path(directory) / 'log', 'wb') as log:
        program = REDIS_PROGRAM if command[0] == 'redis-server' else None
        process = subprocess.Popen(command, executable=program, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def answers():
        if process.poll() is not None:
            raise RuntimeError(f'{command[0]} ended: ' + (pathlib.Path(directory) / 'log').read_text())
        with contextlib.suppress(OSError):
            connection = Connection(port)
            try:
                return connection.ask(b'PING') == b'+PONG\r\n'
            finally:
                connection.close()
    try:
        servers.wait_until(answers, f'{command[0]} answers')
        yield
        if process.poll() is not None:
            raise RuntimeError(f'{command[0]} ended: ' + (pathlib.Path(directory) / 'log').read_text())
    finally:
        process.terminate()
        process.wait(30)


def redis_command(port):
    return ['redis-server', '--port', str(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--hz', '100']


def chorus_command(port):
    return [str(servers.Chorus.binary), 'serve', '--set', 'node.roles=cache', '--set', f'cache.address=127.0.0.1:{port}', '--set', 'cache.save=', '--set', 'admin.address=']


def elements(reply):
    """The parts of an array or set of simple elements, to be compared without their order."""
    head, _, rest = reply.partition(b'\r\n')
    return head, sorted(rest.split(b'\r\n'))


READS = {b'string': [b'GET'], b'list': [b'LRANGE', b'0', b'-1'], b'set': [b'SMEMBERS'], b'hash': [b'HGETALL'], b'zset': [b'ZRANGE', b'0', b'-1', b'WITHSCORES'], b'stream': [b'XRANGE', b'-', b'+']}


def compare_keys(family, theirs, ours):
    for db in (b'0', b'1'):
        for each in (theirs, ours):
            each.ask(b'SELECT', db)
        checks.equal(elements(ours.ask(b'KEYS', b'*')), elements(theirs.ask(b'KEYS', b'*')), f'keys of database {db}')
        for key in (*streams.KEYS, streams.LEX):
            kind = theirs.ask(b'TYPE', key)
            checks.equal(ours.ask(b'TYPE', key), kind, f'type of {key}')
            command = READS.get(kind[1:-2])
            if command is None:
                continue
            words = [command[0], key, *command[1:]]
            a, b = theirs.ask(*words), ours.ask(*words)
            if not known.is_same(words, a, b):
                checks.equal(b, a, f'{words}')
            ttl = [int(each.ask(b'PTTL', key)[1:-2]) for each in (theirs, ours)]
            assert abs(ttl[0] - ttl[1]) < 60_000 and (ttl[0] < 0) == (ttl[1] < 0), f'time to live of {key}: {ttl[1]}, not {ttl[0]}'
            encodings = [each.ask(b'OBJECT', b'ENCODING', key) for each in (theirs, ours)]
            if not known.is_same_encoding(family, *encodings):
                checks.equal(encodings[1], encodings[0], f'encoding of {key}')


def play(ports, family, seed, length, protocol):
    theirs, ours = (Connection(port) for port in ports)
    try:
        for each in (theirs, ours):
            for words in ((b'FLUSHALL',), (b'SCRIPT', b'FLUSH'), (b'FUNCTION', b'FLUSH')):
                each.ask(*words)
            each.ask(b'HELLO', protocol)
        for words in known.playable(streams.stream(family, seed, length)):
            a, b = theirs.ask(*words), ours.ask(*words)
            if a != b and not known.is_same(words, a, b):
                at = max(len(os.path.commonprefix([a, b])) - 200, 0)
                raise AssertionError(f'{words}\n  theirs: {a[at:at + 500]!r}\n  ours:   {b[at:at + 500]!r}\n  again with: --only {family}_{protocol.decode()} --first {seed} --seeds 1')
        for each in (theirs, ours):
            each.ask(b'DISCARD')
        compare_keys(family, theirs, ours)
    finally:
        theirs.close()
        ours.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', choices=['chorus', 'java'], default='chorus')
    parser.add_argument('--seeds', type=int, default=6)
    parser.add_argument('--first', type=int, default=1)
    parser.add_argument('--length', type=int, default=400)
    parser.add_argument('--only')
    arguments = parser.parse_args()
    if not shutil.which(REDIS_PROGRAM):
        sys.exit("Debian's redis-tools are not there: scripts/install-dependencies --test")
    suite = checks.Suite('redis')
    with contextlib.ExitStack() as stack:
        ports = []
        for make in (redis_command, chorus_command):
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix='chorus-redis-'))
            ports.append(servers.free_port())
            stack.enter_context(running(make(ports[-1]), ports[-1], directory))
        for family in streams.FAMILIES:
            for protocol in (b'2', b'3'):
                def check(family=family, protocol=protocol):
                    for seed in range(arguments.first, arguments.first + arguments.seeds):
                        play(ports, family, seed, arguments.length, protocol)
                suite.add(f'{family}_{protocol.decode()}', check)
        return suite.run(only=arguments.only)


if __name__ == '__main__':
    os.environ.setdefault('LC_ALL', 'C.UTF-8')
    sys.exit(main())
