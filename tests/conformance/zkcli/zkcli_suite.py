#!/usr/bin/python3
"""ZooKeeper's own command line (org.apache.zookeeper.ZooKeeperMain of Debian's jars) against a ZooKeeper server:
zkcli_suite.py --server HOST:PORT [--only PATTERN]

One interactive process serves most checks: commands go in by its standard input, and an unknown command after each marks the end
of its output. Events, which it prints at any time, are put apart.
"""
import argparse
import os
import pathlib
import queue
import re
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'support'))
import wire  # noqa: E402
from checks import Suite, equal  # noqa: E402
from servers import java_class_path, wait_until  # noqa: E402

MAIN = ['java', '-Dfile.encoding=UTF-8', '-cp', java_class_path(), 'org.apache.zookeeper.ZooKeeperMain']
suite = Suite('zkcli')
server = None


class Cli:
    def __init__(self):
        self.process = subprocess.Popen([*MAIN, '-server', server], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, encoding='utf-8', bufsize=1,
                                        env={**os.environ, 'LC_ALL': 'C.UTF-8'})
        self.lines = queue.Queue()
        self.events = []
        self.marks = 0
        threading.Thread(target=self.read, daemon=True).start()
        self.run('history')  # takes in the greeting

    def read(self):
        for line in self.process.stdout:
            line = line.rstrip('\n')
            if line.startswith('WatchedEvent '):
                self.events.append(line[len('WatchedEvent '):])
            elif line not in ('', 'WATCHER::'):
                self.lines.put(line)

    def run(self, command):
        """The lines that `command` prints, without empty ones and events."""
        self.marks += 1
        mark = f'mark-{self.marks}'
        self.process.stdin.write(f'{command}\n{mark}\n')
        lines = []
        while True:
            line = self.lines.get(timeout=30)
            if line == f'Command not found: Command not found {mark}':
                # An unknown command is answered with the list of all of them first.
                usage = next(i for i, x in enumerate(lines) if x.startswith('ZooKeeper -server host:port'))
                return lines[:usage]
            lines.append(line)

    def event(self, text):
        wait_until(lambda: text in self.events, f'event {text}', 20)

    def quit(self):
        self.process.stdin.write('quit\n')
        return self.process.wait(30)


def stat(lines):
    return dict(line.split(' = ', 1) for line in lines if ' = ' in line)


def names(line):
    return sorted(re.fullmatch(r'\[(.*)\]', line)[1].split(', '))


def on(function):
    """A check with a node of its own: the path is its second argument."""
    def check(cli):
        path = '/zkcli-' + function.__name__.replace('_', '-')
        equal(cli.run(f'create {path}'), [f'Created {path}'])
        function(cli, path)
    suite.add(function.__name__, check)
    return function


@on
def create_and_get(cli, at):
    equal(cli.run(f'create {at}/a value'), [f'Created {at}/a'])
    equal(cli.run(f'get {at}/a'), ['value'])


@on
def create_without_value(cli, at):
    equal(cli.run(f'get {at}'), ['null'])


@on
def create_twice(cli, at):
    equal(cli.run(f'create {at}'), [f'Node already exists: {at}'])


@on
def create_without_parent(cli, at):
    equal(cli.run(f'create {at}/none/x'), [f'Node does not exist: {at}/none/x'])


@on
def create_sequential(cli, at):
    equal(cli.run(f'create -s {at}/s-'), [f'Created {at}/s-0000000000'])
    equal(cli.run(f'create -s {at}/s-'), [f'Created {at}/s-0000000001'])


@on
def create_ephemeral(cli, at):
    equal(cli.run(f'create -e {at}/e value'), [f'Created {at}/e'])
    assert int(stat(cli.run(f'stat {at}/e'))['ephemeralOwner'], 16) > 0
    equal(cli.run(f'create {at}/e/x'), [f'Ephemerals cannot have children: {at}/e/x'])


@on
def create_ephemeral_sequential(cli, at):
    equal(cli.run(f'create -s -e {at}/e-'), [f'Created {at}/e-0000000000'])


@on
def create_container(cli, at):
    equal(cli.run(f'create -c {at}/c value'), [f'Created {at}/c'])
    equal(cli.run(f'create {at}/c/x'), [f'Created {at}/c/x'])


@on
def create_with_ttl(cli, at):
    equal(cli.run(f'create -t 60000 {at}/t value'), [f'Created {at}/t'])
    equal(cli.run(f'create -s -t 60000 {at}/t- value'), [f'Created {at}/t-0000000001'])


@on
def create_with_acl(cli, at):
    equal(cli.run(f'create {at}/a value world:anyone:r'), [f'Created {at}/a'])
    equal(cli.run(f'getAcl {at}/a'), ["'world,'anyone", ': r'])
    equal(cli.run(f'set {at}/a x'), [f'Insufficient permission : {at}/a'])


@on
def ls(cli, at):
    for name in 'bca':
        cli.run(f'create {at}/{name}')
    equal(names(cli.run(f'ls {at}')[0]), ['a', 'b', 'c'])
    equal(cli.run(f'ls {at}/none'), [f'Node does not exist: {at}/none'])


@on
def ls_with_stat(cli, at):
    cli.run(f'create {at}/a')
    lines = cli.run(f'ls -s {at}')
    equal(lines[0], '[a]')
    equal(stat(lines)['numChildren'], '1')


@on
def ls_recursive(cli, at):
    for name in ('a', 'a/b', 'a/b/c', 'd'):
        cli.run(f'create {at}/{name}')
    equal(cli.run(f'ls -R {at}'), [at] + [f'{at}/{name}' for name in ('a', 'd', 'a/b', 'a/b/c')])


@on
def ls_with_watch(cli, at):
    cli.run(f'ls -w {at}')
    cli.run(f'create {at}/a')
    cli.event(f'state:SyncConnected type:NodeChildrenChanged path:{at}')


@on
def stat_of_a_node(cli, at):
    cli.run(f'create {at}/a')
    cli.run(f'set {at} four')
    got = stat(cli.run(f'stat {at}'))
    equal({key: got[key] for key in ('cversion', 'dataVersion', 'aclVersion', 'ephemeralOwner', 'dataLength', 'numChildren')},
          {'cversion': '1', 'dataVersion': '1', 'aclVersion': '0', 'ephemeralOwner': '0x0', 'dataLength': '4', 'numChildren': '1'})
    assert int(got['cZxid'], 16) < int(got['pZxid'], 16) < int(got['mZxid'], 16), got
    assert re.fullmatch(r'\w{3} \w{3} \d\d \d\d:\d\d:\d\d \S+ \d{4}', got['ctime']), got


@on
def get_with_stat(cli, at):
    cli.run(f'create {at}/a value')
    lines = cli.run(f'get -s {at}/a')
    equal((lines[0], stat(lines)['dataLength']), ('value', '5'))


@on
def get_with_watch(cli, at):
    cli.run(f'create {at}/a value')
    equal(cli.run(f'get -w {at}/a'), ['value'])
    cli.run(f'set {at}/a new')
    cli.event(f'state:SyncConnected type:NodeDataChanged path:{at}/a')


@on
def stat_with_watch(cli, at):
    cli.run(f'create {at}/a')
    cli.run(f'stat -w {at}/a')
    cli.run(f'delete {at}/a')
    cli.event(f'state:SyncConnected type:NodeDeleted path:{at}/a')


@on
def set_with_version(cli, at):
    equal(cli.run(f'set -v 0 {at} one'), [])
    equal(cli.run(f'set -v 0 {at} two'), [f'version No is not valid : {at}'])
    equal(stat(cli.run(f'set -s {at} three'))['dataVersion'], '2')


@on
def delete(cli, at):
    cli.run(f'create {at}/a')
    equal(cli.run(f'delete {at}'), [f'Node not empty: {at}'])
    equal(cli.run(f'delete -v 9 {at}/a'), [f'version No is not valid : {at}/a'])
    equal(cli.run(f'delete {at}/a'), [])
    equal(cli.run(f'delete {at}/a'), [f'Node does not exist: {at}/a'])


@on
def deleteall(cli, at):
    for name in ('a', 'a/b', 'a/c', 'd'):
        cli.run(f'create {at}/{name}')
    equal(cli.run(f'deleteall {at}'), [])
    equal(cli.run(f'stat {at}'), [f'Node does not exist: {at}'])


@on
def acls(cli, at):
    equal(cli.run(f'getAcl {at}'), ["'world,'anyone", ': cdrwa'])
    equal(cli.run(f'setAcl {at} world:anyone:crwa,ip:127.0.0.1:d'), [])
    equal(cli.run(f'getAcl {at}'), ["'world,'anyone", ': crwa', "'ip,'127.0.0.1", ': d'])
    equal(stat(cli.run(f'getAcl -s {at}'))['aclVersion'], '1')
    equal(cli.run(f'setAcl -v 7 {at} world:anyone:r'), [f'version No is not valid : {at}'])


@on
def acls_recursive(cli, at):
    cli.run(f'create {at}/a')
    cli.run(f'create {at}/a/b')
    equal(cli.run(f'setAcl -R {at} world:anyone:cdra'), [])
    equal(cli.run(f'getAcl {at}/a/b'), ["'world,'anyone", ': cdra'])


@on
def addauth_and_whoami(cli, at):
    other = Cli()
    other.run('addauth digest ann:secret')
    equal(sorted(other.run('whoami')), sorted(['Auth scheme: User', 'ip: 127.0.0.1', 'digest: ann']))
    equal(other.run(f'create {at}/mine value auth::cdrwa'), [f'Created {at}/mine'])
    assert other.run(f'getAcl {at}/mine')[0].startswith("'digest,'ann:"), other.run(f'getAcl {at}/mine')
    equal(cli.run(f'get {at}/mine'), [f'Insufficient permission : {at}/mine'])
    equal(other.run(f'get {at}/mine'), ['value'])
    other.quit()


@on
def add_watch_recursive(cli, at):
    cli.run(f'addWatch {at}')
    cli.run(f'create {at}/a')
    cli.event(f'state:SyncConnected type:NodeCreated path:{at}/a')
    cli.run(f'create {at}/a/b')
    cli.event(f'state:SyncConnected type:NodeCreated path:{at}/a/b')
    cli.run(f'set {at}/a/b x')
    cli.event(f'state:SyncConnected type:NodeDataChanged path:{at}/a/b')
    cli.run(f'delete {at}/a/b')
    cli.event(f'state:SyncConnected type:NodeDeleted path:{at}/a/b')


@on
def add_watch_persistent(cli, at):
    cli.run(f'addWatch -m PERSISTENT {at}')
    cli.run(f'set {at} 1')
    cli.run(f'set {at} 2')
    cli.run(f'create {at}/a')
    wait_until(lambda: cli.events.count(f'state:SyncConnected type:NodeDataChanged path:{at}') == 2, 'two changes')
    cli.event(f'state:SyncConnected type:NodeChildrenChanged path:{at}')


@on
def remove_watches(cli, at):
    cli.run(f'addWatch -m PERSISTENT {at}')
    cli.run(f'removewatches {at}')
    cli.event(f'state:SyncConnected type:PersistentWatchRemoved path:{at}')
    cli.run(f'set {at} x')
    cli.run(f'get {at}')
    equal(cli.events.count(f'state:SyncConnected type:NodeDataChanged path:{at}'), 0)


@on
def sync(cli, at):
    equal(cli.run(f'sync {at}'), ['Sync is OK'])


@on
def get_ephemerals(cli, at):
    cli.run(f'create -e {at}/e1')
    cli.run(f'create -e {at}/e2')
    equal(names(cli.run(f'getEphemerals {at}')[0]), [f'{at}/e1', f'{at}/e2'])


@on
def get_all_children_number(cli, at):
    for name in ('a', 'a/b', 'c'):
        cli.run(f'create {at}/{name}')
    equal(cli.run(f'getAllChildrenNumber {at}'), ['3'])


@on
def unicode_value_and_path(cli, at):
    equal(cli.run(f'create {at}/hé-中 wört'), [f'Created {at}/hé-中'])
    equal(cli.run(f'get {at}/hé-中'), ['wört'])


@suite.check
def config_is_empty_alone(cli):
    equal(cli.run('config'), [])


@suite.check
def reconfig_is_disabled(cli):
    lines = cli.run('reconfig -remove 1')
    assert len(lines) == 1 and ('disabled' in lines[0] or 'Reconfig' in lines[0]), lines


@suite.check
def version(cli):
    assert cli.run('version')[0].startswith('ZooKeeper CLI version: '), cli.run('version')


@suite.check
def ephemerals_go_with_quit(cli):
    other = Cli()
    other.run('create -e /zkcli-left')
    other.quit()
    equal(cli.run('stat /zkcli-left'), ['Node does not exist: /zkcli-left'])


@suite.check
def connection_is_lost_and_found(cli):
    """`close` ends the session, `connect` opens another."""
    other = Cli()
    other.run('create -e /zkcli-again')
    other.run('close')
    other.run(f'connect {server}')
    wait_until(lambda: other.run('get /zkcli-again') == ['Node does not exist: /zkcli-again'], 'the new session answers', 20, 0.2)
    other.quit()


@suite.check
def one_command_on_the_command_line(_):
    run = subprocess.run([*MAIN, '-server', server, 'ls', '/zookeeper'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=60, stdin=subprocess.DEVNULL)
    assert '[config, quota]' in run.stdout.splitlines(), run.stdout
    equal(run.returncode, 0)


@suite.check
def failed_command_on_the_command_line(_):
    run = subprocess.run([*MAIN, '-server', server, 'get', '/no-such'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=60, stdin=subprocess.DEVNULL)
    assert 'Node does not exist: /no-such' in run.stdout.splitlines(), run.stdout
    equal(run.returncode, 1)


@suite.check
def last_session_is_closed_in_the_server(cli):
    cli.quit()
    session = wire.Session(server)
    assert not [x for x in session.children('/') if x.startswith('zkcli') and session.exists('/' + x)['owner']]
    session.close()


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--server', required=True)
    parser.add_argument('--only')
    arguments = parser.parse_args()
    server = arguments.server
    main_cli = Cli()
    status = suite.run(main_cli, only=arguments.only)
    if main_cli.process.poll() is None:
        main_cli.quit()
    sys.exit(status)
