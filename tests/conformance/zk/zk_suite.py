#!/usr/bin/python3
"""`chorus zk` against a ZooKeeper server: zk_suite.py --server HOST:PORT [--only PATTERN]

Every check works below a node of its own. Connections are cut by a proxy of ours on the way to the server.
"""
import argparse
import json
import os
import pathlib
import pty
import select
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'support'))
from checks import Suite, equal  # noqa: E402
from servers import Chorus, free_port, wait_until  # noqa: E402

suite = Suite('zk')
server = None
SECONDS = 30


def environment(**more):
    kept = {key: value for key, value in os.environ.items() if not key.startswith('CHORUS_ZK_')}
    return {**kept, 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', **more}


def command(*words, to=None):
    return [str(Chorus.binary), 'zk', '--server', to or server, *words]


def zk(*words, code=0, stdin=b'', to=None, env=None):
    """Standard output of one command, as octets; its exit code must be `code`, and anything but 0 must be explained."""
    done = subprocess.run(command(*words, to=to), input=stdin, capture_output=True, timeout=SECONDS, env=env or environment())
    equal(done.returncode, code, f'exit code of {words}, which says {done.stderr.decode()!r}')
    if code != 0 and not done.stderr:
        raise AssertionError(f'{words} fails without a word')
    zk.errors = done.stderr.decode()
    return done.stdout


def lines(*words, **named):
    return zk(*words, **named).decode().splitlines()


def js(*words, **named):
    return json.loads(zk('--json', *words, **named))


def fresh(name):
    zk('create', f'/{name}')
    return f'/{name}'


class Running:
    """A command that goes on, such as watch; lines come by line()."""

    def __init__(self, *words, to=None, stdin=subprocess.DEVNULL):
        self.process = subprocess.Popen(command(*words, to=to), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=stdin, env=environment())
        self.pending = b''

    def line(self, seconds=SECONDS):
        while b'\n' not in self.pending:
            if not select.select([self.process.stdout], [], [], seconds)[0]:
                raise TimeoutError(f'no line within {seconds} s')
            octets = os.read(self.process.stdout.fileno(), 65536)
            if not octets:
                raise EOFError(f'ended: {self.process.stderr.read().decode()}')
            self.pending += octets
        line, self.pending = self.pending.split(b'\n', 1)
        return line.decode()

    def say(self, line):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()

    def finish(self, code=0):
        if self.process.stdin:
            self.process.stdin.close()
        equal(self.process.wait(SECONDS), code)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


class Proxy:
    """Passes connections on to the server, and cuts them when told."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.address = '127.0.0.1:%d' % self.listener.getsockname()[1]
        self.accepted = 0
        self.refuses = False
        self.pairs = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.refuses:
                near.close()
                continue
            host, port = server.rsplit(':', 1)
            far = socket.create_connection((host, int(port)))
            self.accepted += 1
            self.pairs.append((near, far))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(a, b), daemon=True).start()

    @staticmethod
    def copy(a, b):
        try:
            while octets := a.recv(65536):
                b.sendall(octets)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def cut(self):
        for pair in self.pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it was down already
        self.pairs.clear()


@suite.check
def create_get_set_delete():
    path = fresh('basic')
    equal(zk('create', f'{path}/a', 'one'), f'{path}/a\n'.encode())
    equal(zk('get', f'{path}/a'), b'one')
    equal(zk('set', f'{path}/a', 'two'), b'')
    equal(zk('get', f'{path}/a'), b'two')
    equal(zk('delete', f'{path}/a'), b'')
    zk('get', f'{path}/a', code=3)


@suite.check
def exit_codes_and_words():
    path = fresh('codes')
    zk('create', path, code=4)
    assert 'NODEEXISTS' in zk.errors and '"set"' in zk.errors, zk.errors
    zk('get', '/not-there', code=3)
    zk('create', f'{path}/a/b', code=3)
    assert f'{path}/a is missing' in zk.errors, zk.errors
    zk('set', '-v', '7', path, 'x', code=5)
    zk('delete', '-v', '7', path, code=5)
    zk('create', f'{path}/child')
    zk('delete', path, code=7)
    assert 'deleteall' in zk.errors, zk.errors
    zk('setAcl', path, 'digest:nobody:x:r')
    zk('get', path, code=6)
    zk('get', code=1)
    zk('gte', '/', code=1)
    assert 'did you mean get' in zk.errors, zk.errors
    zk('get', 'relative', code=1)
    assert "must begin with '/'" in zk.errors, zk.errors
    zk('get', '/a//b', code=1)
    zk('create', f'{path}/x', '', 'world:anyone', code=1)
    zk('create', '-e', '-c', f'{path}/x', code=1)
    dead = f'127.0.0.1:{free_port()}'
    zk('ls', '/', code=2, to=dead)
    assert dead in zk.errors and 'nobody listens' in zk.errors, zk.errors
    zk('--help')


@suite.check
def json_errors():
    zk('--json', 'get', '/not-there', code=3)
    error = json.loads(zk.errors)['error']
    equal((error['code'], error['name']), (-101, 'NONODE'))


@suite.check
def octets_as_they_are():
    path = fresh('octets')
    octets = bytes(range(256)) * 100
    zk('set', path, '@-', stdin=octets)
    equal(zk('get', path), octets)
    with tempfile.NamedTemporaryFile() as file:
        file.write(octets[::-1])
        file.flush()
        zk('set', path, '@' + file.name)
    equal(zk('get', path), octets[::-1])
    zk('set', path, '@/no/such/file', code=1)
    equal(zk('get', path), octets[::-1])
    zk('set', path, '@@literal')
    equal(zk('get', path), b'@literal')
    zk('set', path, '--', '-5')
    equal(zk('get', path), b'-5')
    zk('set', path, '')
    equal(js('get', path)['data'], '')
    zk('set', path)
    equal(js('get', path)['data'], None)
    zk('set', path, '@-', stdin=b'\xff\x00')
    equal(js('get', path)['data_base64'], '/wA=')


@suite.check
def kinds_of_nodes():
    path = fresh('kinds')
    equal(lines('create', '-s', f'{path}/n-'), [f'{path}/n-0000000000'])
    equal(lines('create', '-s', f'{path}/n-', 'x'), [f'{path}/n-0000000001'])
    zk('create', '-c', f'{path}/container')
    zk('create', '-t', '600000', f'{path}/ttl', 'data')
    equal(lines('create', '-s', '-t', '600000', f'{path}/t-'), [f'{path}/t-0000000004'])
    zk('create', '-e', f'{path}/ephemeral')
    zk('stat', f'{path}/ephemeral', code=3)  # gone with the session that made it
    equal(zk('get', f'{path}/ttl'), b'data')
    zk('create', '-p', f'{path}/deep/er/still', 'x')
    zk('create', '-p', f'{path}/deep/er/still', 'y')
    equal(zk('get', f'{path}/deep/er/still'), b'x')


@suite.check
def stat_and_versions():
    path = fresh('stat')
    zk('set', '-v', '0', path, 'abc')
    stat = dict(line.split(' = ') for line in lines('stat', path))
    equal({key: stat[key] for key in ('dataVersion', 'dataLength', 'numChildren', 'ephemeralOwner')},
          {'dataVersion': '1', 'dataLength': '3', 'numChildren': '0', 'ephemeralOwner': '0x0'})
    equal(list(stat), ['cZxid', 'ctime', 'mZxid', 'mtime', 'pZxid', 'cversion', 'dataVersion', 'aclVersion', 'ephemeralOwner', 'dataLength',
                       'numChildren'])
    assert stat['ctime'].endswith('Z') and int(stat['mZxid'], 16) > int(stat['cZxid'], 16), stat
    equal(js('stat', path)['stat']['version'], 1)
    equal(js('get', path)['stat']['version'], 1)
    equal(lines('get', '-s', path)[:1], ['abc'])
    equal(js('set', path, 'abcd')['stat']['dataLength'], 4)


@suite.check
def lists():
    path = fresh('lists')
    for name in ('b', 'a', 'c', 'a/x', 'a/x/y'):
        zk('create', f'{path}/{name}')
    equal(lines('ls', path), ['a', 'b', 'c'])
    equal(lines('ls', '-R', path), [path, f'{path}/a', f'{path}/a/x', f'{path}/a/x/y', f'{path}/b', f'{path}/c'])
    equal(js('ls', path), {'path': path, 'children': ['a', 'b', 'c']})
    equal(js('ls', '-s', path)['stat']['numChildren'], 3)
    equal(js('ls', '-R', f'{path}/a'), [f'{path}/a', f'{path}/a/x', f'{path}/a/x/y'])
    equal(lines('getAllChildrenNumber', path), ['5'])
    equal(js('getAllChildrenNumber', path), {'path': path, 'number': 5})
    assert 'zookeeper' in lines('ls', '/')
    equal(lines('ls', '/', to=f'{server}{path}/a'), ['x'])  # a chroot
    equal(lines('create', '/z', to=f'{server}{path}/a'), ['/z'])
    equal(lines('ls', f'{path}/a'), ['x', 'z'])
    equal(lines('ls', '/z', env=environment(CHORUS_ZK_SERVER=f'{server}{path}/a'), to=f'{server}{path}/a'), [])


@suite.check
def the_server_from_the_environment():
    path = fresh('environment')
    done = subprocess.run([Chorus.binary, 'zk', 'ls', '/'], env=environment(CHORUS_ZK_SERVER=server + path), capture_output=True, timeout=SECONDS)
    equal((done.returncode, done.stdout), (0, b''))


@suite.check
def whole_trees():
    path = fresh('trees')
    operations = '\n'.join(f'create {path}/n{i} {i}' for i in range(1500))
    zk('multi', stdin=operations.encode())
    equal(js('stat', path)['stat']['numChildren'], 1500)
    zk('setAcl', '-R', path, 'world:anyone:cdrwa,ip:127.0.0.1:r')
    equal(lines('getAcl', f'{path}/n77'), ['world:anyone:cdrwa', 'ip:127.0.0.1:r'])
    zk('deleteall', path)
    zk('stat', path, code=3)
    zk('deleteall', path, code=3)


@suite.check
def transactions():
    path = fresh('multi')
    zk('create', f'{path}/a', '1')
    equal(lines('multi', f'create -s {path}/s- "two words"', f'set {path}/a 2', f'check -v 1 {path}/a', f'delete {path}/a'),
          [f'{path}/s-0000000001'])
    equal(zk('get', f'{path}/s-0000000001'), b'two words')
    zk('multi', f'create {path}/b', f'delete {path}/missing', f'create {path}/c', code=3)
    assert f'operation 2 of 3, delete {path}/missing' in zk.errors and 'Nothing was done' in zk.errors, zk.errors
    equal(lines('ls', path), ['s-0000000001'])
    result = js('multi', f'create {path}/b', f'check -v 5 {path}/b', code=5)
    equal((result['done'], [each['code'] for each in result['results']]), (False, [0, -103]))
    result = js('multi', f'create {path}/b x world:anyone:r')
    equal(result, {'done': True, 'results': [{'code': 0, 'name': 'OK', 'path': f'{path}/b'}]})
    equal(lines('getAcl', f'{path}/b'), ['world:anyone:r'])
    for bad in ('frob /a', 'create', 'set -v x /a', 'delete -t 5', 'create "/a', 'set /a b c d', 'create -t 0 /a'):
        zk('multi', bad, code=1)


@suite.check
def access_lists():
    path = fresh('access')
    zk('--auth', 'digest:joe:secret', 'create', f'{path}/joes', 'x', 'auth::cdrwa')
    zk('get', f'{path}/joes', code=6)
    equal(zk('--auth', 'digest:joe:secret', 'get', f'{path}/joes'), b'x')
    equal(zk('get', f'{path}/joes', env=environment(CHORUS_ZK_AUTH='digest:joe:secret')), b'x')
    acl = js('--auth', 'digest:joe:secret', 'getAcl', f'{path}/joes')['acl']
    equal([(each['scheme'], each['id'].split(':')[0], each['perms']) for each in acl], [('digest', 'joe', 'cdrwa')])
    zk('--auth', 'digest:joe:secret', 'setAcl', f'{path}/joes', 'world:anyone:r')
    equal(zk('get', f'{path}/joes'), b'x')
    equal(sorted(lines('--auth', 'digest:joe:secret', 'whoami')), ['digest:joe', 'ip:127.0.0.1'])
    zk('--auth', 'no-such-scheme:x', 'ls', '/', code=6)
    zk('setAcl', path, 'nonsense', code=1)
    zk('setAcl', path, 'world:anyone:xyz', code=1)
    zk('setAcl', path, 'auth::r', code=6)  # nobody to stand for


@suite.check
def watches_of_one_shot():
    path = fresh('shots')
    for words, change, want in ((('get', '-w', path), ('set', path, 'x'), f'NodeDataChanged {path}'),
                                (('ls', '-w', path), ('create', f'{path}/c'), f'NodeChildrenChanged {path}'),
                                (('stat', '-w', f'{path}/new'), ('create', f'{path}/new'), f'NodeCreated {path}/new')):
        with Running(*words) as running:
            # Nothing says when a watch is set, so the change is made again until it is seen.
            seen = []
            reader = threading.Thread(target=lambda: seen.append(running.process.stdout.read().decode()))
            reader.start()

            def told():
                if change[0] == 'create':
                    subprocess.run(command('delete', change[1]), capture_output=True, timeout=SECONDS, check=False)
                zk(*change)
                reader.join(0.2)
                return not reader.is_alive()
            wait_until(told, f'{words} is told of {change}')
            running.finish()
            assert seen[0].splitlines()[-1].split()[-1] == want.split()[-1], seen
            if change[0] == 'set':
                equal(seen[0].splitlines()[-1], want)


@suite.check
def watching():
    path = fresh('watching')
    with Running('watch', path, '--recursive', '--count', '4', '--ready') as running:
        equal(running.line(), f'watching {path}')
        zk('create', f'{path}/a')
        zk('set', f'{path}/a', 'x')
        zk('create', f'{path}/a/b')
        zk('delete', f'{path}/a/b')
        equal([running.line() for _ in range(4)],
              [f'NodeCreated {path}/a', f'NodeDataChanged {path}/a', f'NodeCreated {path}/a/b', f'NodeDeleted {path}/a/b'])
        running.finish()
    with Running('--json', 'watch', path, '--ready') as running:
        equal(json.loads(running.line())['type'], 'Watching')
        zk('create', f'{path}/b')
        equal(json.loads(running.line()), {'type': 'NodeChildrenChanged', 'state': 'SyncConnected', 'path': path})
    zk('watch', path, '--for', '0.1')
    zk('watch', path, '--for', '0.1', '--count', '1', code=9)


@suite.check
def a_watch_outlives_its_connection():
    path = fresh('outlives')
    proxy = Proxy()
    with Running('watch', path, '-R', '--count', '2', '--ready', to=proxy.address) as running:
        running.line()
        zk('set', path, 'x')
        equal(running.line(), f'NodeDataChanged {path}')
        proxy.cut()
        wait_until(lambda: proxy.accepted == 2, 'it connects again')

        # Persistent watches say nothing of what happened meanwhile; it is set again when the first change comes through.
        seen = []
        reader = threading.Thread(target=lambda: seen.append(running.line()))
        reader.start()

        def told():
            zk('set', path, 'y')
            reader.join(0.2)
            return not reader.is_alive()
        wait_until(told, 'the watch is set again')
        equal(seen, [f'NodeDataChanged {path}'])
        running.finish()


@suite.check
def a_session_outlives_its_connection():
    path = fresh('session')
    proxy = Proxy()
    with Running('--timeout', '6', to=proxy.address, stdin=subprocess.PIPE) as shell:
        shell.say('addauth digest joe:secret')
        shell.say(f'create -e {path}/mine x auth::cdrwa')
        equal(shell.line(), f'{path}/mine')
        for _ in range(3):
            before = proxy.accepted
            proxy.cut()
            wait_until(lambda: proxy.accepted > before, 'it connects again')
            shell.say(f'get {path}/mine')  # its owner still, and still authenticated
            equal(shell.line(), 'x')
        equal(lines('ls', path), ['mine'])
        shell.say('getEphemerals')
        equal(shell.line(), f'{path}/mine')
        shell.say('quit')
        shell.finish()
    equal(lines('ls', path), [])


@suite.check
def the_end_of_a_session_is_told():
    path = fresh('expiry')
    proxy = Proxy()
    with Running('--timeout', '4', to=proxy.address, stdin=subprocess.PIPE) as shell:
        shell.say(f'create -e {path}/mine')
        equal(shell.line(), f'{path}/mine')
        proxy.refuses = True
        proxy.cut()
        wait_until(lambda: lines('ls', path) == [], 'the server ends the session')
        proxy.refuses = False
        shell.say(f'ls {path}')
        shell.finish(code=8)
        assert 'SESSIONEXPIRED' in shell.process.stderr.read().decode()


@suite.check
def another_server_is_tried():
    path = fresh('others')
    equal(lines('ls', '/', to=f'127.0.0.1:{free_port()},{server},127.0.0.1:{free_port()}{path}'), [])


@suite.check
def waiting_for_a_server():
    proxy = Proxy()
    proxy.refuses = True
    zk('ls', '/', code=2, to=proxy.address)
    with Running('--wait', 'ls', '/zookeeper', to=proxy.address) as running:
        proxy.refuses = False
        lines_ = running.process.stdout.read().decode().split()
        assert 'quota' in lines_, lines_
        running.finish()


@suite.check
def export_and_import():
    path = fresh('export')
    zk('create', f'{path}/text', 'with "quotes" and é')
    zk('create', f'{path}/octets', '@-', stdin=b'\x00\xff\xfe')
    zk('create', f'{path}/null')
    zk('create', f'{path}/empty', '')
    zk('create', f'{path}/text/deep', 'x', 'world:anyone:cdrwa,ip:127.0.0.1:r')
    exported = zk('export', path)
    nodes = [json.loads(line) for line in exported.splitlines()]
    equal({node['path'].removeprefix(path) for node in nodes}, {'', '/text', '/octets', '/null', '/empty', '/text/deep'})
    zk('import', '--into', f'{path}-copy', stdin=exported)
    copied = [json.loads(line) for line in zk('export', path, to=f'{server}{path}-copy').splitlines()]
    equal(sorted(copied, key=lambda node: node['path']), sorted(nodes, key=lambda node: node['path']))
    zk('import', stdin=exported, code=4)
    zk('set', f'{path}/text', 'changed')
    zk('import', '--existing', 'skip', stdin=exported)
    equal(zk('get', f'{path}/text'), b'changed')
    zk('import', '--existing', 'overwrite', stdin=exported)
    equal(zk('get', f'{path}/text').decode(), 'with "quotes" and é')
    zk('import', stdin=b'{"path": 5}\n', code=1)
    zk('import', stdin=b'nonsense\n', code=1)
    assert 'line 1' in zk.errors, zk.errors
    with tempfile.TemporaryDirectory() as directory:
        zk('export', path, '-o', f'{directory}/tree.jsonl')
        equal(sorted(pathlib.Path(directory, 'tree.jsonl').read_bytes().splitlines()), sorted(exported.splitlines()))
        zk('deleteall', path)
        zk('import', f'{directory}/tree.jsonl')
        equal(zk('get', f'{path}/octets'), b'\x00\xff\xfe')
        zk('export', path, '-o', f'{directory}/no/such/folder', code=1)


@suite.check
def a_script_of_commands():
    path = fresh('script')
    script = f'''
# a comment
create {path}/a "two words"
get {path}/a
create -e {path}/e
getEphemerals {path}
get -w {path}/a
set {path}/a 'x y'
get {path}/a
addWatch -m PERSISTENT {path}
removewatches {path}
sync {path}
help get
'''
    out = lines(stdin=script.encode())
    equal(out[:5], [f'{path}/a', 'two words', f'{path}/e', f'{path}/e', 'two words'])
    assert f'NodeDataChanged {path}/a' in out and 'x y' in out and f'PersistentWatchRemoved {path}' in out, out
    equal(lines('ls', path), ['a'])
    equal(lines(stdin=f'get {path}/a\nget {path}/none\nget {path}/a\n'.encode(), code=3), ['x y'])
    zk(stdin=b'frobnicate\n', code=1)
    zk(stdin=b'get "/unclosed\n', code=1)
    zk(stdin=b'removewatches /nothing-here\n', code=10)


@suite.check
def a_shell_on_a_terminal():
    path = fresh('terminal')
    zk('create', f'{path}/completed-name', 'found it')
    with tempfile.TemporaryDirectory() as home:
        leader, follower = pty.openpty()
        shell = subprocess.Popen(command(), stdin=follower, stdout=follower, stderr=follower, env=environment(HOME=home, TERM='xterm'))
        os.close(follower)
        seen = b''

        def read_until(words, seconds=SECONDS):
            nonlocal seen
            while words.encode() not in seen:
                if not select.select([leader], [], [], seconds)[0]:
                    raise TimeoutError(f'{words!r} did not come, only {seen!r}')
                seen += os.read(leader, 65536)
            seen = seen.split(words.encode(), 1)[1]

        try:
            read_until('> ')
            os.write(leader, f'get {path}/compl\t'.encode())
            read_until('eted-name')
            os.write(leader, b'\r')
            read_until('found it')
            os.write(leader, f'addWatch {path}\r'.encode())
            read_until('> ')
            read_until('> ')
            zk('set', path, 'x')
            read_until(f'NodeDataChanged {path}')
            os.write(leader, b'gte /\r')
            read_until('did you mean get')
            os.write(leader, b'addauth digest joe:topsecret\r')
            read_until('> ')
            os.write(leader, b'quit\r')
            equal(shell.wait(SECONDS), 0)
            history = pathlib.Path(home, '.chorus_history').read_text()
            assert 'addWatch' in history and 'topsecret' not in history, history
        finally:
            if shell.poll() is None:
                shell.kill()
                shell.wait()
            os.close(leader)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--server', required=True, metavar='HOST:PORT')
    parser.add_argument('--only', metavar='PATTERN')
    arguments = parser.parse_args()
    global server
    server = arguments.server
    return suite.run(only=arguments.only)


if __name__ == '__main__':
    sys.exit(main())
