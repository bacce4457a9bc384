#!/usr/bin/python3
"""Reads from a member that has lost its quorum: readonly_suite.py [--peer chorus|java] [--only PATTERN]

The suite starts an ensemble of three, and ends two of them for as long as its checks want that.
"""
import argparse
import contextlib
import logging
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request
import uuid

from kazoo import exceptions
from kazoo.client import KazooClient
from kazoo.protocol.states import KeeperState

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'support'))
import servers  # noqa: E402
import wire  # noqa: E402
from checks import Suite, equal, raises  # noqa: E402
from ensemble import JVM, Ensemble  # noqa: E402
from servers import Chorus, wait_until  # noqa: E402

suite = Suite('readonly')
SECONDS = 60
ensemble = admin = None


def alone():
    """Member 1, without the others, once it serves reads."""
    ensemble.kill((2, 3))
    wait_until(lambda: ensemble[1].mode() == 'read-only', 'member 1 serves reads', SECONDS, 0.02)
    return ensemble[1]


def together():
    ensemble.start()
    return ensemble[1]


def fresh(value=b'x'):
    """A node that all members have."""
    path = '/ro-' + uuid.uuid4().hex[:12]
    with contextlib.closing(wire.Session(together().address)) as one:
        one.create(path, value)
    for member in ensemble:
        with contextlib.closing(wire.Session(member.address)) as one:
            one.sync()
            equal(one.get(path)[0], value)
    return path


@contextlib.contextmanager
def reader(addresses, **options):
    zk = KazooClient(hosts=','.join(addresses), timeout=10.0, read_only=True, **options)
    try:
        zk.start(timeout=20)
        yield zk
    finally:
        zk.stop()
        zk.close()


def run(command, code, **environment):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=SECONDS,
                          env={**{key: value for key, value in os.environ.items() if not key.startswith('CHORUS_ZK_')}, **environment})
    equal(done.returncode, code, f'exit code of {command[-4:]}, which says {done.stdout!r}')
    return done.stdout


def chorus_zk(address, *words, code=0):
    return run([str(Chorus.binary), 'zk', '--server', address, *words], code)


def zkcli(address, *words):
    return subprocess.run(['java', '-cp', servers.java_class_path(), 'org.apache.zookeeper.ZooKeeperMain', '-server', address, '-r', *words],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=SECONDS).stdout


@suite.check
def words_say_so():
    address = together().address
    equal(servers.four_letters(address, 'isro'), 'rw')
    alone()
    equal(servers.four_letters(address, 'isro'), 'ro')
    said = servers.four_letters(address, 'srvr')
    assert 'READ-ONLY mode; serving only read-only clients\n' in said and 'Mode: read-only\n' in said, said
    equal(ensemble[1].mntr()['server_state'], 'read-only')


@suite.check
def health_says_so():
    if not admin:
        return  # of Chorus alone
    together()
    equal(http('/ready')[0], 200)
    alone()
    status, words = http('/ready')
    equal((status, 'serves reads only' in words), (503, True), words)
    equal(http('/health')[0], 200)
    assert 'chorus_coord_read_only 1\n' in http('/metrics')[1]
    said = chorus_zk_status()
    assert 'it has no quorum and serves reads only' in said, said


def http(path):
    try:
        with urllib.request.urlopen(f'http://{admin}{path}', timeout=SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def chorus_zk_status():
    return subprocess.run([str(Chorus.binary), 'status', '--server', ','.join(ensemble.addresses)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=SECONDS).stdout


@suite.check
def who_does_not_allow_it_is_sent_away():
    address = alone().address
    raises(EOFError, wire.Session, address)
    chorus_zk(address, '--timeout', '2', 'ls', '/', code=2)


@suite.check
def kazoo_reads_and_does_not_write():
    path = fresh(b'value')
    with reader([alone().address]) as zk:
        equal(zk.client_state, KeeperState.CONNECTED_RO)
        equal(zk.get(path)[0], b'value')
        assert path[1:] in zk.get_children('/')
        equal(zk.exists(path + '/none'), None)
        equal(len(zk.get_acls(path)[0]), 1)
        raises(exceptions.NotReadOnlyCallError, zk.create, path + '/a')
        raises(exceptions.NotReadOnlyCallError, zk.set, path, b'other')
        raises(exceptions.NotReadOnlyCallError, zk.delete, path)
        raises(exceptions.NotReadOnlyCallError, zk.sync, path)
        equal(zk.get(path)[0], b'value')


@suite.check
def kazoo_goes_on_when_there_is_a_leader_again():
    path = fresh()
    member = alone()
    with reader([member.address]) as zk:
        equal(zk.client_state, KeeperState.CONNECTED_RO)
        seen = []
        zk.get(path, watch=lambda event: seen.append(event.type))
        together()
        wait_until(lambda: zk.client_state == KeeperState.CONNECTED, 'a session with a leader', SECONDS)
        zk.retry(zk.set, path, b'again')
        equal(zk.get(path)[0], b'again')


@suite.check
def a_session_of_the_ensemble_outlives_it():
    """It is neither served nor declared dead by a member that cannot know."""
    path = fresh()
    owner = wire.Session(ensemble[1].address, timeout_ms=40000)
    owner.create(path + '/mine', mode=wire.EPHEMERAL)
    with reader([alone().address]) as zk:
        equal(zk.get_children(path), ['mine'])
    together()
    with contextlib.closing(wire.resume(ensemble[1].address, owner)) as again:
        equal(again.id, owner.id)
        equal(again.children(path), ['mine'])
        again.create(path + '/too')


@suite.check
def chorus_zk_reads():
    path = fresh(b'value')
    address = alone().address
    equal(chorus_zk(address, '--read-only', 'get', path), 'value')
    said = chorus_zk(address, '--read-only', 'set', path, 'other', code=6)
    assert 'read' in said, said


@suite.check
def zkcli_reads():
    path = fresh(b'value')
    address = alone().address
    assert 'value' in zkcli(address, 'get', path).splitlines()
    said = zkcli(address, 'set', path, 'other')
    assert 'Not a read-only call' in said or 'NotReadOnly' in said or 'not a read-only call' in said, said


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', choices=servers.KINDS, default='chorus')
    parser.add_argument('--only')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    kind = 'chorus' if arguments.peer == 'chorus' else 'java38'
    options = {'readonlymode.enabled': 'true'}
    if kind != 'chorus':  # or it gives nobody a session then
        options |= {'localSessionsEnabled': 'true', 'localSessionsUpgradingEnabled': 'true'}
    with Ensemble([kind] * 3, options=options, name='readonly') as ensemble:
        for member in ensemble:
            member.jvm = (*JVM, '-Dreadonlymode.enabled=true')
        if kind == 'chorus':
            port = servers.free_port()
            admin = f'127.0.0.1:{port}'
            ensemble[1].configure(ensemble.config_of(ensemble[1]) + ['admin.enableServer=true', f'admin.serverPort={port}',
                                                                     'admin.serverAddress=127.0.0.1'])
        status = suite.run(only=arguments.only)
    sys.exit(status)
