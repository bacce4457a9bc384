#!/usr/bin/python3
"""Debian's kazoo against a ZooKeeper server: kazoo_suite.py --server HOST:PORT [--only PATTERN]

Every check works below a path of its own, so that the order does not matter.
"""
import argparse
import collections
import contextlib
import logging
import pathlib
import socket
import sys
import threading
import uuid

from kazoo import exceptions, security
from kazoo.client import KazooClient, KazooState
from kazoo.protocol.states import EventType
from kazoo.recipe.barrier import Barrier, DoubleBarrier
from kazoo.recipe.cache import TreeCache
from kazoo.recipe.partitioner import SetPartitioner

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'support'))
import wire  # noqa: E402
from checks import Suite, equal, raises  # noqa: E402
from servers import wait_until  # noqa: E402

suite = Suite('kazoo')
server = None


@contextlib.contextmanager
def client(path='', **options):
    zk = KazooClient(hosts=server + path, timeout=options.pop('timeout', 10.0), **options)
    zk.start(timeout=20)
    try:
        yield zk
    finally:
        zk.stop()
        zk.close()


@contextlib.contextmanager
def place(**options):
    """A client whose root is a new node."""
    path = '/kazoo-' + uuid.uuid4().hex[:12]
    with client() as zk:
        zk.create(path)
    with client(path, **options) as zk:
        yield zk


def until(condition, what='the condition'):
    return wait_until(condition, what, 20)


def drop_connection(zk):
    zk._connection._socket.shutdown(socket.SHUT_RDWR)


def expire(zk):
    """Ends the client's session from another connection, as a server does that has not heard of it for long."""
    lost = threading.Event()
    back = threading.Event()

    def listen(state):
        if state == KazooState.LOST:
            lost.set()
        elif state == KazooState.CONNECTED and lost.is_set():
            back.set()
    zk.add_listener(listen)
    other = KazooClient(hosts=server, client_id=zk.client_id, timeout=10.0)
    other.start(timeout=20)
    other.stop()
    other.close()
    assert lost.wait(20), 'the session is not lost'
    assert back.wait(20), 'no new session'
    zk.remove_listener(listen)


def events_of(zk):
    """A watch function and the list that it fills."""
    seen = []
    return seen, lambda event: seen.append((event.type, event.path))


# Nodes

@suite.check
def create_returns_the_path_and_get_the_data():
    with place() as zk:
        equal(zk.create('/a', b'one'), '/a')
        data, stat = zk.get('/a')
        equal(data, b'one')
        equal((stat.version, stat.cversion, stat.aversion, stat.dataLength, stat.numChildren), (0, 0, 0, 3, 0))


@suite.check
def create_with_stat():
    with place() as zk:
        path, stat = zk.create('/a', b'one', include_data=True)
        equal(path, '/a')
        equal((stat.czxid, stat.mzxid, stat.pzxid), (stat.czxid,) * 3)
        equal(zk.exists('/a'), stat)


@suite.check
def create_twice_is_refused():
    with place() as zk:
        zk.create('/a')
        raises(exceptions.NodeExistsError, zk.create, '/a')


@suite.check
def create_without_parent_is_refused():
    with place() as zk:
        raises(exceptions.NoNodeError, zk.create, '/no/child')


@suite.check
def create_makes_the_parents_when_asked():
    with place() as zk:
        equal(zk.create('/a/b/c', b'x', makepath=True), '/a/b/c')
        equal(zk.get_children('/a'), ['b'])


@suite.check
def empty_value():
    with place() as zk:
        zk.create('/a', b'')
        equal(zk.get('/a')[0], b'')


@suite.check
def value_of_almost_a_mebibyte():
    with place() as zk:
        value = bytes(range(256)) * 4000
        zk.create('/a', value)
        equal(zk.get('/a')[0], value)


@suite.check
def unicode_path():
    with place() as zk:
        zk.create('/hé-中')
        equal(zk.get_children('/'), ['hé-中'])


@suite.check
def set_counts_versions():
    with place() as zk:
        zk.create('/a', b'0')
        equal(zk.set('/a', b'1').version, 1)
        stat = zk.set('/a', b'22', version=1)
        equal((stat.version, stat.dataLength), (2, 2))
        assert stat.mzxid > stat.czxid and stat.mtime >= stat.ctime


@suite.check
def set_with_another_version_is_refused():
    with place() as zk:
        zk.create('/a')
        raises(exceptions.BadVersionError, zk.set, '/a', b'x', version=5)


@suite.check
def set_of_nothing_is_refused():
    with place() as zk:
        raises(exceptions.NoNodeError, zk.set, '/a', b'x')


@suite.check
def delete_removes():
    with place() as zk:
        zk.create('/a')
        zk.delete('/a')
        equal(zk.exists('/a'), None)
        raises(exceptions.NoNodeError, zk.delete, '/a')


@suite.check
def delete_with_another_version_is_refused():
    with place() as zk:
        zk.create('/a')
        raises(exceptions.BadVersionError, zk.delete, '/a', version=3)


@suite.check
def delete_of_a_parent_is_refused():
    with place() as zk:
        zk.create('/a/b', makepath=True)
        raises(exceptions.NotEmptyError, zk.delete, '/a')


@suite.check
def delete_recursive():
    with place() as zk:
        for name in ('/a/b/c', '/a/d', '/a/e/f/g'):
            zk.create(name, makepath=True)
        zk.delete('/a', recursive=True)
        equal(zk.exists('/a'), None)


@suite.check
def children_with_stat():
    with place() as zk:
        for name in 'xyz':
            zk.create('/a/' + name, makepath=True)
        children, stat = zk.get_children('/a', include_data=True)
        equal(sorted(children), ['x', 'y', 'z'])
        equal((stat.numChildren, stat.cversion), (3, 3))
        zk.delete('/a/y')
        equal(zk.exists('/a').cversion, 4)


@suite.check
def children_of_nothing():
    with place() as zk:
        raises(exceptions.NoNodeError, zk.get_children, '/a')


@suite.check
def ensure_path_twice():
    with place() as zk:
        zk.ensure_path('/a/b/c')
        zk.ensure_path('/a/b/c')
        assert zk.exists('/a/b/c')


@suite.check
def thousand_children():
    with place() as zk:
        zk.create('/a')
        for result in [zk.create_async(f'/a/{i:04d}') for i in range(1000)]:
            result.get(20)
        equal(sorted(zk.get_children('/a')), [f'{i:04d}' for i in range(1000)])


@suite.check
def sync_returns_the_path():
    with place() as zk:
        zk.create('/a')
        assert zk.sync('/a').endswith('/a')


# Sequences and ephemerals

@suite.check
def sequences_count_up_with_ten_digits():
    with place() as zk:
        equal([zk.create('/s-', sequence=True) for _ in range(3)], ['/s-0000000000', '/s-0000000001', '/s-0000000002'])


@suite.check
def sequence_goes_on_after_a_delete():
    with place() as zk:
        first = zk.create('/s-', sequence=True)
        zk.delete(first)
        assert zk.create('/s-', sequence=True) > first


@suite.check
def ephemeral_belongs_to_its_session():
    with place() as zk:
        zk.create('/e', ephemeral=True)
        equal(zk.exists('/e').ephemeralOwner, zk.client_id[0])


@suite.check
def ephemeral_sequence():
    with place() as zk:
        path = zk.create('/e-', ephemeral=True, sequence=True)
        equal(path, '/e-0000000000')
        equal(zk.exists(path).owner_session_id, zk.client_id[0])


@suite.check
def ephemeral_has_no_children():
    with place() as zk:
        zk.create('/e', ephemeral=True)
        raises(exceptions.NoChildrenForEphemeralsError, zk.create, '/e/x')


@suite.check
def ephemerals_go_when_the_session_closes():
    with place() as zk:
        with client(zk.chroot) as other:
            for i in range(5):
                other.create(f'/e{i}', ephemeral=True)
            equal(len(zk.get_children('/')), 5)
        equal(zk.get_children('/'), [])


@suite.check
def ephemerals_stay_when_only_the_connection_is_lost():
    with place() as zk, client(zk.chroot) as watcher:
        zk.create('/e', ephemeral=True)
        session = zk.client_id[0]
        drop_connection(zk)
        until(lambda: zk.connected and zk.retry(zk.exists, '/e'), 'connected again')
        equal(zk.client_id[0], session)
        equal(watcher.exists('/e').ephemeralOwner, session)


@suite.check
def ephemerals_go_when_the_session_expires():
    with place() as zk, client(zk.chroot) as watcher:
        zk.create('/e', ephemeral=True)
        expire(zk)
        equal(watcher.exists('/e'), None)


# Transactions

@suite.check
def transaction_commits():
    with place() as zk:
        zk.create('/v', b'0')
        t = zk.transaction()
        t.create('/a', b'1')
        t.set_data('/a', b'2')
        t.check('/v', 0)
        t.create('/s-', sequence=True)
        t.delete('/v')
        results = t.commit()
        equal(results[0], '/a')
        equal(results[1].version, 1)
        equal((results[2], results[3], results[4]), (True, '/s-0000000002', True))
        equal(zk.get('/a')[0], b'2')
        equal(zk.exists('/v'), None)


@suite.check
def transaction_is_one_zxid():
    with place() as zk:
        with zk.transaction() as t:
            t.create('/a')
            t.create('/b')
        equal(zk.exists('/a').czxid, zk.exists('/b').czxid)


@suite.check
def transaction_that_fails_changes_nothing():
    with place() as zk:
        t = zk.transaction()
        t.create('/a')
        t.check('/none', 1)
        t.create('/b')
        results = t.commit()
        equal([type(r).__name__ for r in results], ['RolledBackError', 'NoNodeError', 'RuntimeInconsistency'])
        equal(zk.get_children('/'), [])


@suite.check
def transaction_with_an_ephemeral():
    with place() as zk:
        t = zk.transaction()
        t.create('/e', ephemeral=True)
        equal(t.commit(), ['/e'])
        equal(zk.exists('/e').ephemeralOwner, zk.client_id[0])


@suite.check
def transaction_bad_version_in_the_middle():
    with place() as zk:
        zk.create('/a', b'x')
        t = zk.transaction()
        t.set_data('/a', b'y')
        t.set_data('/a', b'z', version=0)
        equal([type(r).__name__ for r in t.commit()], ['RolledBackError', 'BadVersionError'])
        equal(zk.get('/a')[0], b'x')


# Watches

@suite.check
def watch_of_data():
    with place() as zk:
        zk.create('/a')
        seen, watch = events_of(zk)
        zk.get('/a', watch=watch)
        zk.set('/a', b'1')
        zk.set('/a', b'2')
        zk.sync('/a')
        until(lambda: seen)
        equal(seen, [(EventType.CHANGED, '/a')])


@suite.check
def watch_of_deletion():
    with place() as zk:
        zk.create('/a')
        seen, watch = events_of(zk)
        zk.get('/a', watch=watch)
        zk.delete('/a')
        until(lambda: seen)
        equal(seen, [(EventType.DELETED, '/a')])


@suite.check
def watch_of_absence():
    with place() as zk:
        seen, watch = events_of(zk)
        equal(zk.exists('/a', watch=watch), None)
        zk.create('/a')
        until(lambda: seen)
        equal(seen, [(EventType.CREATED, '/a')])


@suite.check
def watch_of_children():
    with place() as zk:
        zk.create('/a')
        seen, watch = events_of(zk)
        zk.get_children('/a', watch=watch)
        zk.create('/a/x')
        until(lambda: seen)
        equal(seen, [(EventType.CHILD, '/a')])


@suite.check
def watch_of_another_session():
    with place() as zk, client(zk.chroot) as other:
        zk.create('/a')
        seen, watch = events_of(other)
        other.get('/a', watch=watch)
        zk.set('/a', b'x')
        until(lambda: seen)


@suite.check
def event_comes_before_the_new_value_is_seen():
    with place() as zk, client(zk.chroot) as other:
        zk.create('/a', b'old')
        order = []
        # Taken down where kazoo reads it: watchers are called by a thread of their own, at any later time.
        dispatch = other.handler.dispatch_callback
        other.handler.dispatch_callback = lambda callback: (order.append(callback.type), dispatch(callback))
        other.get('/a', watch=lambda event: None)
        zk.set('/a', b'new')
        until(lambda: other.get_async('/a').get(10)[0] == b'new')
        equal(order, ['watch'])


@suite.check
def change_while_away_is_seen_after_a_lost_connection():
    with place() as zk, client(zk.chroot) as other:
        zk.create('/a', b'before')
        values = []
        other.DataWatch('/a', lambda data, stat: values.append(data))
        until(lambda: values == [b'before'])
        drop_connection(other)
        zk.set('/a', b'while away')
        until(lambda: values[-1] == b'while away', 'the missed change')


@suite.check
def data_watch_calls_for_every_change():
    with place() as zk:
        values = []
        zk.DataWatch('/a', lambda data, stat: values.append(data))
        until(lambda: values == [None])
        zk.create('/a', b'1')
        until(lambda: values[-1] == b'1')
        zk.set('/a', b'2')
        until(lambda: values[-1] == b'2')
        zk.delete('/a')
        until(lambda: values[-1] is None)


@suite.check
def children_watch_calls_for_every_change():
    with place() as zk:
        zk.create('/a')
        lists = []
        zk.ChildrenWatch('/a', lambda children: lists.append(sorted(children)))
        zk.create('/a/x')
        until(lambda: lists[-1] == ['x'])
        zk.create('/a/y')
        until(lambda: lists[-1] == ['x', 'y'])
        zk.delete('/a/x')
        until(lambda: lists[-1] == ['y'])


@suite.check
def children_watch_survives_expiry():
    with place() as zk, client(zk.chroot) as other:
        zk.create('/a')
        lists = []
        zk.ChildrenWatch('/a', lambda children: lists.append(sorted(children)))
        expire(zk)
        other.create('/a/x')
        until(lambda: lists[-1] == ['x'])


# Access

@suite.check
def default_acl_is_open():
    with place() as zk:
        zk.create('/a')
        equal(zk.get_acls('/a')[0], security.OPEN_ACL_UNSAFE)


@suite.check
def set_acl_counts_its_version():
    with place() as zk:
        zk.create('/a')
        equal(zk.set_acls('/a', security.READ_ACL_UNSAFE).aversion, 1)
        equal(zk.get_acls('/a')[0], security.READ_ACL_UNSAFE)
        raises(exceptions.NoAuthError, zk.set, '/a', b'x')


@suite.check
def set_acl_with_another_version_is_refused():
    with place() as zk:
        zk.create('/a')
        raises(exceptions.BadVersionError, zk.set_acls, '/a', security.READ_ACL_UNSAFE, version=7)


@suite.check
def digest_keeps_others_out():
    with place() as zk, client(zk.chroot) as stranger:
        zk.add_auth('digest', 'ann:secret')
        zk.create('/a', b'mine', acl=[security.make_digest_acl('ann', 'secret', all=True)])
        equal(zk.get('/a')[0], b'mine')
        raises(exceptions.NoAuthError, stranger.get, '/a')
        raises(exceptions.NoAuthError, stranger.set, '/a', b'x')
        raises(exceptions.NoAuthError, stranger.create, '/a/b')
        stranger.add_auth('digest', 'ann:secret')
        equal(stranger.get('/a')[0], b'mine')


@suite.check
def digest_is_checked_by_password():
    with place() as zk, client(zk.chroot) as stranger:
        zk.create('/a', acl=[security.make_digest_acl('ann', 'secret', read=True)])
        stranger.add_auth('digest', 'ann:wrong')
        raises(exceptions.NoAuthError, stranger.get, '/a')


@suite.check
def creator_acl():
    with place(auth_data=[('digest', 'bob:pw')]) as zk:
        zk.create('/a', acl=security.CREATOR_ALL_ACL)
        acl = zk.get_acls('/a')[0]
        equal([(x.perms, x.id.scheme, x.id.id.split(':')[0]) for x in acl], [(31, 'digest', 'bob')])


@suite.check
def creator_acl_without_auth_is_refused():
    with place() as zk:
        raises(exceptions.InvalidACLError, zk.create, '/a', acl=security.CREATOR_ALL_ACL)


@suite.check
def auth_is_told_again_after_a_lost_connection():
    with place(auth_data=[('digest', 'bob:pw')]) as zk:
        zk.create('/a', b'x', acl=security.CREATOR_ALL_ACL)
        drop_connection(zk)
        equal(zk.retry(zk.get, '/a')[0], b'x')


@suite.check
def ip_acl():
    with place() as zk:
        zk.create('/near', b'x', acl=[security.make_acl('ip', '127.0.0.0/8', all=True)])
        zk.create('/far', b'x', acl=[security.make_acl('ip', '10.1.2.3', all=True)])
        equal(zk.get('/near')[0], b'x')
        raises(exceptions.NoAuthError, zk.get, '/far')


@suite.check
def single_permissions():
    with place() as zk:
        zk.create('/a', acl=[security.make_acl('world', 'anyone', read=True, create=True, admin=True)])
        zk.create('/a/b')
        raises(exceptions.NoAuthError, zk.set, '/a', b'x')
        raises(exceptions.NoAuthError, zk.delete, '/a/b')
        zk.set_acls('/a', security.OPEN_ACL_UNSAFE)
        zk.delete('/a/b')


@suite.check
def unknown_scheme_in_an_acl_is_refused():
    with place() as zk:
        raises(exceptions.InvalidACLError, zk.create, '/a', acl=[security.make_acl('nosuch', 'x', all=True)])


# Sessions

@suite.check
def suspended_then_connected():
    with place() as zk:
        states = []
        zk.add_listener(states.append)
        drop_connection(zk)
        until(lambda: states[-2:] == [KazooState.SUSPENDED, KazooState.CONNECTED], 'suspended, connected')


@suite.check
def expired_session_gets_a_new_one():
    with place() as zk:
        before = zk.client_id[0]
        expire(zk)
        assert until(lambda: zk.client_id, 'the new session')[0] != before
        zk.create('/after')


@suite.check
def session_moves_with_its_password():
    """kazoo goes on with a session that another client opened and left."""
    with place() as zk:
        left = wire.Session(server)
        left.create(zk.chroot + '/e', b'', wire.EPHEMERAL)
        left.cut()
        with client(zk.chroot, client_id=left.id) as heir:
            equal(heir.client_id[0], left.id[0])
            equal(heir.exists('/e').ephemeralOwner, left.id[0])
        equal(zk.exists('/e'), None)


@suite.check
def wrong_password_gets_a_new_session():
    with place() as zk:
        owned = zk.client_id[0]
        thief = KazooClient(hosts=server, client_id=(owned, b'\1' * 16), timeout=10.0)
        thief.start(timeout=20)
        # kazoo has no id while it has no connection; the server ends the owner's before it looks at the password.
        assert until(lambda: thief.client_id, 'a session of its own')[0] != owned
        equal(until(lambda: zk.client_id, "the owner's connection")[0], owned)
        thief.stop()
        thief.close()


@suite.check
def restart_is_a_new_session():
    with place() as zk:
        before = zk.client_id[0]
        zk.restart()
        assert zk.client_id[0] != before


@suite.check
def fifty_clients_at_once():
    with place() as zk:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(client(zk.chroot)) for _ in range(50)]
            for i, one in enumerate(clients):
                one.create(f'/e{i}', ephemeral=True)
            equal(len(zk.get_children('/')), 50)
            equal(len({one.client_id[0] for one in clients}), 50)
        equal(zk.get_children('/'), [])


@suite.check
def sessions_end_by_themselves_when_unheard():
    """A session that sends nothing expires after its time, and its ephemerals with it."""
    with place() as zk:
        silent = wire.Session(server, timeout_ms=4000)
        silent.create(zk.chroot + '/e', b'', wire.EPHEMERAL)
        gone = threading.Event()
        assert zk.exists('/e', watch=lambda event: gone.set())
        assert gone.wait(30), 'the ephemeral is still there'
        raises(wire.Expired, wire.Session, server, session=silent.id)
        silent.cut()


# Pipelining

@suite.check
def pipelined_answers_come_in_order():
    with place() as zk:
        zk.create('/a', b'start')
        order, results = [], []
        for i in range(500):
            results.append(zk.set_async('/a', b'%d' % i))
            results.append(zk.get_async('/a'))
        for i, result in enumerate(results):
            result.rawlink(lambda _, i=i: order.append(i))
        values = [r.get(20) for r in results]
        equal([v[0] for v in values[1::2]], [b'%d' % i for i in range(500)], 'reads after writes')
        equal([v.version for v in values[0::2]], list(range(1, 501)), 'versions')
        until(lambda: len(order) == 1000)
        equal(order, sorted(order))


@suite.check
def pipelined_failures_do_not_disturb():
    with place() as zk:
        results = [zk.create_async('/same') for _ in range(20)]
        outcomes = collections.Counter()
        for result in results:
            try:
                result.get(20)
                outcomes['made'] += 1
            except exceptions.NodeExistsError:
                outcomes['exists'] += 1
        equal(outcomes, {'made': 1, 'exists': 19})


@suite.check
def two_thousand_values_of_a_kilobyte():
    with place() as zk:
        for result in [zk.create_async(f'/n{i}', bytes([i % 256]) * 1024) for i in range(2000)]:
            result.get(30)
        for i, result in enumerate([zk.get_async(f'/n{i}') for i in range(2000)]):
            equal(result.get(30)[0], bytes([i % 256]) * 1024)


# Recipes

@suite.check
def lock_is_held_by_one():
    with place() as zk, client(zk.chroot) as other:
        with zk.Lock('/lock', 'first'):
            equal(other.Lock('/lock', 'second').acquire(blocking=False), False)
            equal(zk.Lock('/lock').contenders(), ['first'])
        lock = other.Lock('/lock', 'second')
        equal(lock.acquire(timeout=10), True)
        lock.release()


@suite.check
def lock_passes_on():
    with place() as zk:
        order, threads = [], []

        def contend(number):
            with client(zk.chroot) as one, one.Lock('/lock', str(number)):
                order.append(number)
        with zk.Lock('/lock', 'holder'):
            for i in range(5):
                thread = threading.Thread(target=contend, args=(i,))
                thread.start()
                threads.append(thread)
                until(lambda i=i: len(zk.get_children('/lock')) == i + 2, 'in the queue')
        for thread in threads:
            thread.join(30)
        equal(order, [0, 1, 2, 3, 4])


@suite.check
def lock_is_free_when_its_holder_dies():
    with place() as zk:
        holder = KazooClient(hosts=server + zk.chroot)
        holder.start(timeout=20)
        holder.Lock('/lock').acquire()
        holder.stop()
        holder.close()
        lock = zk.Lock('/lock')
        equal(lock.acquire(timeout=10), True)
        lock.release()


@suite.check
def read_and_write_locks():
    with place() as zk, client(zk.chroot) as other:
        first, second = zk.ReadLock('/lock'), other.ReadLock('/lock')
        equal((first.acquire(timeout=10), second.acquire(timeout=10)), (True, True))
        writer = other.WriteLock('/lock')
        equal(writer.acquire(blocking=False), False)
        first.release()
        second.release()
        equal(writer.acquire(timeout=10), True)
        writer.release()


@suite.check
def semaphore_has_its_leases():
    with place() as zk, client(zk.chroot) as b, client(zk.chroot) as c:
        leases = [one.Semaphore('/sem', max_leases=2) for one in (zk, b, c)]
        equal([leases[0].acquire(timeout=10), leases[1].acquire(timeout=10)], [True, True])
        equal(leases[2].acquire(blocking=False), False)
        leases[0].release()
        equal(leases[2].acquire(timeout=10), True)
        leases[1].release()
        leases[2].release()


@suite.check
def election_has_one_leader_at_a_time():
    with place() as zk:
        leaders, threads = [], []

        def stand(number):
            with client(zk.chroot) as one:
                one.Election('/election', str(number)).run(leaders.append, number)
        for i in range(4):
            threads.append(threading.Thread(target=stand, args=(i,)))
            threads[-1].start()
        for thread in threads:
            thread.join(30)
        equal(sorted(leaders), [0, 1, 2, 3])


@suite.check
def barrier_holds_until_removed():
    with place() as zk, client(zk.chroot) as other:
        barrier = Barrier(zk, '/barrier')
        barrier.create()
        equal(Barrier(other, '/barrier').wait(0.05), False)
        passed = threading.Event()
        thread = threading.Thread(target=lambda: Barrier(other, '/barrier').wait(20) and passed.set())
        thread.start()
        barrier.remove()
        thread.join(20)
        assert passed.is_set()


@suite.check
def double_barrier_gathers_all():
    with place() as zk:
        inside, threads = [], []

        def walk(number):
            with client(zk.chroot) as one:
                barrier = DoubleBarrier(one, '/barrier', 3)
                barrier.enter()
                inside.append(number)
                barrier.leave()
        for i in range(3):
            threads.append(threading.Thread(target=walk, args=(i,)))
            threads[-1].start()
        for thread in threads:
            thread.join(30)
        equal(sorted(inside), [0, 1, 2])


@suite.check
def counter_adds_up():
    with place() as zk, client(zk.chroot) as other:
        def count(one):
            counter = one.Counter('/counter')
            for _ in range(20):
                counter += 1
        threads = [threading.Thread(target=count, args=(one,)) for one in (zk, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        equal(zk.Counter('/counter').value, 40)


@suite.check
def counter_of_fractions():
    with place() as zk:
        counter = zk.Counter('/counter', default=1.0)
        counter += 0.5
        counter -= 1.25
        equal(counter.value, 0.25)


@suite.check
def queue_is_first_in_first_out():
    with place() as zk:
        queue = zk.Queue('/queue')
        for value in (b'a', b'b', b'c'):
            queue.put(value)
        queue.put(b'urgent', priority=1)
        equal([queue.get() for _ in range(5)], [b'urgent', b'a', b'b', b'c', None])


@suite.check
def locking_queue_gives_each_to_one():
    with place() as zk, client(zk.chroot) as other:
        queue, second = zk.LockingQueue('/queue'), other.LockingQueue('/queue')
        queue.put_all([b'a', b'b'])
        equal(queue.get(timeout=10), b'a')
        equal(second.get(timeout=10), b'b')
        equal((queue.consume(), second.consume()), (True, True))
        equal(len(queue), 0)


@suite.check
def party_knows_its_members():
    with place() as zk, client(zk.chroot) as other:
        party, second = zk.Party('/party', 'ann'), other.Party('/party', 'bob')
        party.join()
        second.join()
        equal(sorted(party), ['ann', 'bob'])
        second.leave()
        equal(list(party), ['ann'])


@suite.check
def shallow_party():
    with place() as zk:
        party = zk.ShallowParty('/party', 'ann')
        party.join()
        equal((len(party), list(party)), (1, ['ann']))


@suite.check
def set_partitioner_shares_out():
    with place() as zk, client(zk.chroot) as other:
        parts = [SetPartitioner(one, '/parts', set=tuple('abcdef'), identifier=name, time_boundary=0.3)
                 for one, name in ((zk, 'p1'), (other, 'p2'))]

        def settled():
            for part in parts:
                if part.release:
                    part.release_set()
                elif part.allocating:
                    part.wait_for_acquire(0.1)
            return all(part.acquired and len(list(part)) == 3 for part in parts)
        until(settled, 'three each')
        equal(sorted(x for part in parts for x in part), list('abcdef'))
        for part in parts:
            part.finish()


@suite.check
def tree_cache_follows():
    with place() as zk, client(zk.chroot) as other:
        zk.ensure_path('/tree/a')
        cache = TreeCache(zk, '/tree')
        cache.start()
        until(lambda: cache.get_data('/tree/a') is not None)
        other.create('/tree/a/b', b'1')
        until(lambda: cache.get_data('/tree/a/b') and cache.get_data('/tree/a/b').data == b'1')
        other.set('/tree/a/b', b'2')
        until(lambda: cache.get_data('/tree/a/b').data == b'2')
        equal(sorted(cache.get_children('/tree/a')), ['b'])
        other.delete('/tree/a/b')
        until(lambda: cache.get_data('/tree/a/b') is None)
        cache.close()


@suite.check
def lease_is_kept_by_one():
    with place() as zk, client(zk.chroot) as other:
        import datetime
        equal(bool(zk.NonBlockingLease('/lease', datetime.timedelta(seconds=60), 'ann')), True)
        equal(bool(other.NonBlockingLease('/lease', datetime.timedelta(seconds=60), 'bob')), False)


# The rest

@suite.check
def chroot_hides_what_is_above():
    with place() as zk, client() as outside:
        zk.create('/a', b'x')
        equal(outside.get(zk.chroot + '/a')[0], b'x')
        seen, watch = events_of(zk)
        zk.get('/a', watch=watch)
        outside.set(zk.chroot + '/a', b'y')
        until(lambda: seen)
        equal(seen, [(EventType.CHANGED, '/a')])


@suite.check
def command_ruok():
    with client() as zk:
        equal(zk.command(b'ruok'), 'imok')


@suite.check
def command_srvr():
    with client() as zk:
        lines = dict(line.split(': ', 1) for line in zk.command(b'srvr').strip().splitlines())
        equal(lines['Mode'], 'standalone')
        assert int(lines['Node count']) >= 4 and lines['Zxid'].startswith('0x'), lines


@suite.check
def command_mntr():
    with client() as zk:
        values = dict(line.partition('\t')[::2] for line in zk.command(b'mntr').strip().splitlines())
        equal(values['zk_server_state'], 'standalone')
        assert int(values['zk_znode_count']) >= 4 and int(values['zk_num_alive_connections']) >= 1


@suite.check
def command_isro():
    with client() as zk:
        equal(zk.command(b'isro'), 'rw')


@suite.check
def config_node_is_there():
    with client() as zk:
        assert 'config' in zk.get_children('/zookeeper')


@suite.check
def invalid_paths_are_refused():
    with place() as zk:
        raises(ValueError, zk.create, 'relative/../path/..')
        raises(exceptions.BadArgumentsError, zk.create, '/a\u0000b')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--server', required=True)
    parser.add_argument('--only')
    arguments = parser.parse_args()
    server = arguments.server
    logging.basicConfig(level=logging.CRITICAL)
    sys.exit(suite.run(only=arguments.only))
