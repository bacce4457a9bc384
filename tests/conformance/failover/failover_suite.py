#!/usr/bin/python3
"""Clients that are connected to an ensemble of three when its leader is killed: failover_suite.py [--peer java] [--only PATTERN]

The ensemble is what `make ensemble` starts; with --peer java it is one of Java servers. Each client has to live through it with its session
and see nothing but that it is connected anew.
"""
import argparse
import contextlib
import logging
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import ConnectionLoss

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / 'support'), str(HERE.parent / 'zkcli'), str(HERE.parent / 'c')]
import c_suite  # noqa: E402
import servers  # noqa: E402
import zkcli_suite  # noqa: E402
from checks import Suite, equal  # noqa: E402
from ensemble import Ensemble  # noqa: E402
from servers import wait_until  # noqa: E402

SECONDS = 30
suite = Suite('failover')
place = None


class JavaPlace:
    def __init__(self, stack):
        self.ensemble = stack.enter_context(Ensemble(['java38'] * 3, name='failover')).start()
        self.addresses = self.ensemble.addresses

    def kill_leader(self):
        fallen = self.ensemble.leader()
        fallen.kill()
        return fallen

    def mend(self, fallen):
        fallen.spawn()
        self.ensemble.wait()


class ChorusPlace:
    """What scripts/ensemble starts, and as it says."""

    def __init__(self, stack):
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='chorus-failover-', ignore_cleanup_errors=True)))
        first = free_ports()
        self.addresses = [f'127.0.0.1:{first + i}' for i in range(3)]
        with open(self.folder / 'said', 'w') as said:
            script = subprocess.Popen([servers.ROOT / 'scripts/ensemble', '--data', self.folder, '--ports', str(first), '--chorus', servers.Chorus.binary],
                                      stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        stack.callback(script.wait, 60)
        stack.callback(script.terminate)
        self.again = stack.enter_context(contextlib.ExitStack())
        wait_until(lambda: script.poll() is not None or 'stop all:' in (self.folder / 'said').read_text(), 'scripts/ensemble has started all', 90)
        assert script.poll() is None, (self.folder / 'said').read_text()

    def leader(self):
        for number, address in enumerate(self.addresses, 1):
            with contextlib.suppress(OSError):
                if 'Mode: leader' in servers.four_letters(address, 'srvr'):
                    return number
        return None

    def kill_leader(self):
        fallen = wait_until(self.leader, 'a leader', SECONDS)
        subprocess.run(['bash', '-c', f'kill -9 $(cat {self.folder}/{fallen}/pid)'], check=True)
        return fallen

    def mend(self, fallen):
        with open(self.folder / str(fallen) / 'chorus.log', 'a') as log:
            member = subprocess.Popen([servers.Chorus.binary, 'serve', '--config', self.folder / str(fallen) / 'chorus.toml'], stdin=subprocess.DEVNULL,
                                      stdout=log, stderr=log)
        (self.folder / str(fallen) / 'pid').write_text(str(member.pid))

        def end():
            member.kill()
            member.wait()
        self.again.callback(end)
        status = [servers.Chorus.binary, 'status', '--server', ','.join(self.addresses)]
        wait_until(lambda: subprocess.run(status, stdout=subprocess.DEVNULL).returncode == 0, f'member {fallen} is back', 60, 0.05)


def free_ports():
    """A first port for scripts/ensemble: none of those that follow from it is taken."""
    while True:
        first = servers.free_port() % 20000 + 10000
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for offset in (0, 707, 1707, 5899):
                for i in range(3):
                    stack.enter_context(servers.socket.socket()).bind(('127.0.0.1', first + offset + i))
            return first


@contextlib.contextmanager
def leader_killed():
    """Killed before the body, back after it."""
    fallen = place.kill_leader()
    try:
        yield
    finally:
        place.mend(fallen)


@contextlib.contextmanager
def kazoo(**options):
    zk = KazooClient(hosts=','.join(place.addresses), timeout=10.0, **options)
    zk.start(timeout=20)
    try:
        yield zk
    finally:
        zk.stop()
        zk.close()


@suite.check
def kazoo_goes_on():
    """Wherever it is connected: to each member in turn, the leader among them."""
    for first in range(3):
        hosts = place.addresses[first:] + place.addresses[:first]
        zk = KazooClient(hosts=','.join(hosts), timeout=10.0, randomize_hosts=False)
        zk.start(timeout=20)
        try:
            states, fired = [], threading.Event()
            zk.add_listener(states.append)
            session = zk.client_id
            zk.create('/kazoo', b'1', ephemeral=True)
            with leader_killed():
                wait_until(lambda: states[-1:] == [KazooState.CONNECTED], 'it is connected again', SECONDS)
                equal(zk.client_id, session)
                equal(zk.get('/kazoo', watch=lambda _: fired.set())[0], b'1')
                zk.set('/kazoo', b'2')
                assert fired.wait(SECONDS), 'no watch'
                equal(zk.exists('/kazoo').ephemeralOwner, session[0])
            # A member that comes back disturbs nobody.
            equal(states, [KazooState.SUSPENDED, KazooState.CONNECTED])
            zk.delete('/kazoo')
        finally:
            zk.stop()
            zk.close()


@suite.check
def kazoo_watches_fire_for_what_happens_meanwhile():
    with kazoo() as zk, kazoo() as other:
        changed = threading.Event()
        zk.create('/watched', b'1')
        zk.get('/watched', watch=lambda _: changed.set())
        with leader_killed():
            other.retry(other.set, '/watched', b'2')
            assert changed.wait(SECONDS), 'no watch'
        zk.delete('/watched')


@suite.check
def kazoo_writes_on():
    """Writes one after another: none but lost connections fail, and nothing that was acknowledged is lost."""
    with kazoo() as zk:
        zk.create('/writes')
        acknowledged, errors, ending = [], [], threading.Event()

        def write():
            number = 0
            while not ending.is_set():
                number += 1
                try:
                    zk.create(f'/writes/{number}')
                    acknowledged.append(str(number))
                except ConnectionLoss:
                    errors.append('lost')
                    ending.wait(0.02)
                except Exception as error:  # noqa: BLE001 - whatever else it is, it must not be
                    errors.append(repr(error))
        writer = threading.Thread(target=write)
        writer.start()
        try:
            wait_until(lambda: len(acknowledged) >= 20, 'it writes', SECONDS)
            with leader_killed():
                count = len(acknowledged)
                wait_until(lambda: len(acknowledged) >= count + 20, 'it writes without the old leader', SECONDS)
        finally:
            ending.set()
            writer.join(SECONDS)
        equal(set(errors) - {'lost'}, set())
        there = set(zk.get_children('/writes'))
        equal([name for name in acknowledged if name not in there], [])
        zk.delete('/writes', recursive=True)


@suite.check
def zkcli_goes_on():
    """ZooKeeper's own command line, in an interactive session."""
    zkcli_suite.server = ','.join(place.addresses)
    cli = zkcli_suite.Cli()
    equal(cli.run('create -e /zkcli 1'), ['Created /zkcli'])
    equal(cli.run('get -w /zkcli'), ['1'])
    owner = zkcli_suite.stat(cli.run('stat /zkcli'))['ephemeralOwner']
    cli.event('state:SyncConnected type:None path:null')
    connected = 'state:SyncConnected type:None path:null'
    before = cli.events.count(connected)
    with leader_killed():
        wait_until(lambda: cli.events.count(connected) > before, 'it is connected again', SECONDS)
        equal(cli.run('get /zkcli'), ['1'])
        equal(cli.run('set /zkcli 2'), [])
        cli.event('state:SyncConnected type:NodeDataChanged path:/zkcli')  # the watch of before
        equal(zkcli_suite.stat(cli.run('stat /zkcli'))['ephemeralOwner'], owner)
    equal(cli.run('delete /zkcli'), [])
    others = [event for event in cli.events if 'type:None' in event and not event.startswith(('state:SyncConnected', 'state:Disconnected'))]
    equal(others, [])
    cli.quit()


@suite.check
def c_client_goes_on():
    """cli_mt of Debian's zookeeper-bin, which prints each event and result code."""
    with tempfile.TemporaryFile('w+') as out:
        cli = subprocess.Popen([c_suite.CLI, ','.join(place.addresses)], stdin=subprocess.PIPE, stdout=out, stderr=out, encoding='utf-8', bufsize=1)

        def said():
            out.seek(0)
            return out.read()

        def wait_for(text, count=1):
            wait_until(lambda: said().count(text) >= count, f'cli_mt says {text} {count} times', SECONDS)
        try:
            wait_for('state = CONNECTED_STATE')
            cli.stdin.write('create +e /cli\n')
            wait_for('rc = 0')
            with leader_killed():
                wait_for('state = CONNECTED_STATE', 2)
                cli.stdin.write('set /cli new\n')
                wait_for('rc = 0', 2)
                cli.stdin.write('get /cli\n')
                wait_for('rc = 0', 3)
            cli.stdin.write('quit\n')
            equal(cli.wait(SECONDS), 0)
        finally:
            cli.kill()
            cli.wait()
        words = said()
        session = re.search(r'Got a new session id: 0x(\w+)', words)[1]
        assert '\nnew\n' in words and words.count(f'ephemeralOwner = {session}\n') == 2, words
        states = [line.rsplit(' = ', 1)[1] for line in words.splitlines() if line.startswith('Watcher SESSION_EVENT')]
        equal(states, ['CONNECTED_STATE', 'CONNECTING_STATE', 'CONNECTED_STATE'], words)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', choices=servers.KINDS, default='chorus')
    parser.add_argument('--only')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    with contextlib.ExitStack() as everything:
        place = (ChorusPlace if arguments.peer == 'chorus' else JavaPlace)(everything)
        status = suite.run(only=arguments.only)
    sys.exit(status)
