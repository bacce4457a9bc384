"""What clients see of a service whose members are of several kinds: it is one service."""
import itertools
import struct
import time

import servers
import wire
from agreement import everyone_agrees, session
from ensemble import Ensemble
from population import ANN, populate
from servers import wait_until

SESSION_MOVED, BAD_VERSION, NO_AUTH = -118, -103, -102


def pairs(ensemble):
    return itertools.permutations(ensemble, 2)


def roles(ensemble):
    """The voter with the highest number leads a fresh ensemble; mntr and srvr say so."""
    leader = max(ensemble.voters(), key=lambda m: m.number)
    for member in ensemble:
        want = 'leader' if member is leader else 'observer' if member.is_observer else 'follower'
        mntr = member.mntr()
        assert (member.mode(), mntr['server_state']) == (want, want), f'{member.name}: {member.mode()}, {mntr["server_state"]}, want {want}'
    mntr = leader.mntr()
    # Java 3.8 gives these numbers as "2", 3.9 and others may as "2.0".
    followers, synced = float(mntr['synced_followers']), float(mntr.get('synced_observers', 0))
    observers = sum(m.is_observer for m in ensemble)
    assert (followers, synced) == (len(ensemble.voters()) - 1, observers), f'synced followers {followers}, observers {synced}'


def writes(ensemble):
    """Every kind of write through every member, seen by all."""
    owners = {member: populate(member, f'/writes{member.number}') for member in ensemble}
    nodes = everyone_agrees(ensemble)
    for member, owner in owners.items():
        held = [path for path, (_, stat, _) in nodes.items() if stat['owner'] == owner.id[0]]
        assert len(held) == 5, f'ephemerals through {member.name}: {held}'
        owner.close()
    left = [path for path, (_, stat, _) in everyone_agrees(ensemble).items() if stat['owner'] in {o.id[0] for o in owners.values()}]
    assert not left, f'ephemerals of closed sessions: {left}'


def failing(ensemble):
    """Refused writes and failed multis through every member: codes, and that nothing of them is done."""
    for member in ensemble:
        root = f'/failing{member.number}'
        with session(member) as one:
            one.create(root, b'x')
            for code, op, body in ((wire.NODE_EXISTS, wire.CREATE, wire.create_body(root)), (wire.NO_NODE, wire.CREATE, wire.create_body('/no/no')),
                                   (BAD_VERSION, wire.SET, wire.set_body(root, b'y', 5)), (wire.NO_NODE, wire.DELETE, wire.delete_body('/no')),
                                   (BAD_VERSION, wire.DELETE, wire.delete_body(root, 5))):
                try:
                    one.call(op, body)
                except wire.Refused as refused:
                    assert refused.code == code, f'{member.name}: {refused.code} instead of {code} for op {op}'
                else:
                    raise AssertionError(f'{member.name}: op {op} was carried out')
            answer = one.call(wire.MULTI, wire.multi_body([
                (wire.CREATE, wire.create_body(root + '/a')), (wire.SET, wire.set_body(root, b'z', 9)), (wire.CREATE, wire.create_body(root + '/b'))]))
            codes = [struct.unpack_from('>i', answer, at + 9)[0] for at in range(0, 39, 13)]
            assert codes == [0, BAD_VERSION, -2], f'{member.name}: a failed multi answers {codes}'
            value, stat = one.get(root)
            assert (value, stat['version'], one.children(root)) == (b'x', 0, []), f'{member.name}: something of it was done'


def access(ensemble):
    """Who a client is travels with its requests: what one made its own, through any member, others may not touch."""
    for first, second in pairs(ensemble):
        path = f'/access{first.number}{second.number}'
        with session(first) as ann, session(second) as stranger:
            ann.call(wire.ADD_AUTH, ANN, xid=-4)
            mine = struct.pack('>ii', 1, 31) + wire.text('auth') + wire.text('')
            ann.call(wire.CREATE, wire.text(path) + wire.buffer(b'x') + mine + struct.pack('>i', 0))
            stranger.sync()
            for op, body in ((wire.SET, wire.set_body(path, b'y')), (wire.GET, wire.text(path) + b'\0'),
                             (wire.CREATE, wire.create_body(path + '/a')), (wire.SET_ACL, wire.text(path) + wire.OPEN_ACL + struct.pack('>i', -1))):
                try:
                    stranger.call(op, body)
                except wire.Refused as refused:
                    assert refused.code == NO_AUTH, f'{second.name}: op {op}: {refused}'
                else:
                    raise AssertionError(f'{second.name}: op {op} of somebody else was carried out')
            stranger.call(wire.ADD_AUTH, ANN, xid=-4)
            stranger.set(path, b'y')
            assert ann.acl(path) == stranger.acl(path)


def pipelined(ensemble):
    """Bursts through all members at once: each is answered in order, reads see the writes before them, and large values fit."""
    bursts = {}
    for member in ensemble:
        one = wire.Session(member.address, timeout_ms=20000)
        root = f'/burst{member.number}'
        one.create(root)
        bursts[member] = (one, root)
    for one, root in bursts.values():
        requests = []
        for i in range(150):
            requests += [one.encode(wire.SET, wire.set_body(root, b'%d' % i)), one.encode(wire.GET, wire.text(root) + b'\0'),
                         one.encode(wire.DELETE, wire.delete_body(root, 1 << 20)), one.encode(wire.SYNC, wire.text(root))]
        requests += [one.encode(wire.CREATE, wire.create_body(root + '/large', b'v' * 900_000)), one.encode(wire.GET, wire.text(root + '/large') + b'\0'),
                     one.encode(wire.CLOSE)]
        one.socket.sendall(b''.join(requests))
    for member, (one, root) in bursts.items():
        for i in range(150):
            codes, got = [], b''
            for j in range(4):
                xid, code, body = one.reply()
                assert xid == 2 + 4 * i + j, f'{member.name}: reply {xid} instead of {2 + 4 * i + j}'
                codes.append(code)
                if j == 1:
                    size = struct.unpack_from('>i', body)[0]
                    got = body[4:4 + size]
            assert (codes, got) == ([0, 0, BAD_VERSION, 0], b'%d' % i), f'{member.name}: write {i}, then read {got}, codes {codes}'
        for _ in range(3):
            _, code, body = one.reply()
            assert code == 0, f'{member.name}: {code}'
        one.cut()


def syncs(ensemble):
    """A read after sync sees what another member acknowledged before."""
    # A Java leader tells its followers of a commit before it hands the commit to its own pipeline (Leader.tryToCommit), and lets a sync of
    # its own clients pass as a read (CommitProcessor.matchSyncs is false there): these may see the write a moment later.
    java_leader = next((m for m in ensemble.voters() if m.mode() == 'leader' and m.kind != 'chorus'), None)
    for writer, reader in pairs(ensemble):
        path = f'/sync{writer.number}{reader.number}'
        with session(writer) as write, session(reader) as read:
            write.create(path, b'')
            for i in range(20):
                write.set(path, b'%d' % i)
                read.sync(path)
                value = read.get(path)[0]
                if reader is java_leader:
                    wait_until(lambda: read.get(path)[0] == b'%d' % i, f'{reader.name} sees {i}, which {writer.name} acknowledged', 5)
                else:
                    assert value == b'%d' % i, f'{reader.name} has {value} after sync, {writer.name} acknowledged {i}'


def sessions(ensemble):
    """Sessions move between all members with their ephemerals; the member that was left writes nothing more for them."""
    for old, new in pairs(ensemble):
        way = f'{old.name} to {new.name}'
        path = f'/session{old.number}{new.number}'
        first = wire.Session(old.address, timeout_ms=20000)
        first.create(path, b'1', wire.EPHEMERAL)
        second = wire.resume(new.address, first)
        second.xid += 100  # the other connection goes on too
        assert second.id == first.id, f'{way}: {first.id} became {second.id}'
        assert second.get(path)[1]['owner'] == second.id[0], way
        second.set(path, b'2')
        try:
            first.set(path, b'3')
        except wire.Refused as refused:
            assert refused.code == SESSION_MOVED, f'{way}: {refused}'
        except (EOFError, OSError):
            first.cut()
        else:
            raise AssertionError(f'{way}: a write through the server that was left is carried out')
        assert second.get(path)[0] == b'2', way
        for wrong in ((first.id[0], bytes(16)), (first.id[0] ^ 0x5a5a, first.id[1])):
            try:
                wire.Session(new.address, session=wrong)
            except wire.Expired:
                continue
            raise AssertionError(f'{way}: taken with another password or an unknown id')
        # A connect with a wrong password may cut off the session's connection: go on with a new one.
        second.cut()
        wire.resume(new.address, second).close()
        for member in ensemble:
            with session(member) as one:
                one.sync()
                assert one.exists(path) is None, f'{path} outlives its session on {member.name}'


def expiry(ensemble):
    """Sessions of every member expire when they are silent, and live while they are not."""
    silent, lively = [], []
    for member in ensemble:
        for kind in (silent, lively):
            one = wire.Session(member.address, timeout_ms=2000)
            kind.append((one, one.create(f'/expiry{member.number}-{len(silent)}{len(lively)}', b'', wire.EPHEMERAL)))
    for one, _ in silent:
        one.cut()
    began = time.monotonic()
    with session(ensemble.leader()) as reader:
        def silence_is_noticed():
            for one, _ in lively:
                one.ping()
            return not any(reader.exists(path) for _, path in silent)
        wait_until(silence_is_noticed, 'silent sessions expire', 15, 0.1)
        assert time.monotonic() - began > 1.5, 'they expired before their time'
        # The others have been silent towards the leader for longer than their timeout: their members vouch for them.
        wait_until(lambda: silence_is_noticed() and time.monotonic() - began > 4.5, 'two timeouts pass', 15, 0.1)
        for _, path in lively:
            assert reader.exists(path), f'{path}: the session expired although it was not silent'
    for one, _ in lively:
        one.close()
    for one, _ in silent:
        member = next(m for m in ensemble)
        try:
            wire.Session(member.address, session=one.id)
        except wire.Expired:
            continue
        raise AssertionError(f'the expired session {one.id[0]:#x} is resumed')


def watches(ensemble):
    """A watch set on one member fires for a write through another; a session that moves takes its watches along."""
    for watching, writing in pairs(ensemble):
        way = f'watched on {watching.name}, written through {writing.name}'
        root = f'/watch{watching.number}{writing.number}'
        with session(writing) as write:
            write.create(root, b'')
            watch = wire.Session(watching.address, timeout_ms=20000)
            watch.sync()
            watch.get(root, watch=True)
            watch.exists(root + '/a', watch=True)
            watch.children(root, watch=True)
            write.create(root + '/a', b'')
            expect(watch, [(wire.CREATED, root + '/a'), (wire.CHILD, root)], way)
            write.set(root, b'1')
            expect(watch, [(wire.CHANGED, root)], way)
            watch.call(wire.ADD_WATCH, wire.text(root) + struct.pack('>i', 1))  # persistent and recursive
            write.set(root + '/a', b'2')
            write.create(root + '/a/b', b'')
            write.delete(root + '/a/b')
            expect(watch, [(wire.CHANGED, root + '/a'), (wire.CREATED, root + '/a/b'), (wire.DELETED, root + '/a/b')], way)
            watch.get(root, watch=True)
            seen = watch.zxid
            watch.cut()
            write.set(root, b'3')
            write.sync()
            moved = wire.resume(writing.address, watch)
            body = struct.pack('>q', seen) + struct.pack('>i', 1) + wire.text(root) + struct.pack('>ii', 0, 0)
            moved.call(wire.SET_WATCHES, body, xid=-8)
            expect(moved, [(wire.CHANGED, root)], way + ', moved there')
            moved.close()


def expect(watch, events, way):
    watch.socket.settimeout(10)
    got = []
    try:
        while len(got) < len(events):
            got.append(watch.next_event())
    except TimeoutError:
        pass
    assert sorted(got) == sorted(events), f'{way}: events {got}, want {events}'


CHECKS = (roles, writes, failing, access, pipelined, syncs, sessions, expiry, watches)


def split(kinds, observers=()):
    """All of the above, of an ensemble whose last voter leads. One that fails does not hide the others."""
    def cell(name):
        failures = []
        with Ensemble(kinds, observers, name=name) as ensemble:
            ensemble.start()
            for check in CHECKS:
                try:
                    check(ensemble)
                    everyone_agrees(ensemble)
                except Exception as failure:  # noqa: BLE001 - told together at the end
                    failures.append(f'{check.__name__}: {servers.told(failure)}')
            if failures:
                raise AssertionError('\n'.join(failures))
    return cell
