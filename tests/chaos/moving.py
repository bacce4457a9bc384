"""Java ZooKeeper starts on what Chorus wrote and the other way round, and the tree is the same to the last stat."""
import tempfile

import servers
import wire
from checks import Skipped

CONTAINER, TTL = 4, 5
CREATE_CONTAINER, CREATE_TTL, SET_ACL, ADD_AUTH = 19, 21, 7, 100


def populate(server, root):
    """Nodes of every kind below `root`; returns the session that owns the ephemerals."""
    session = wire.Session(server.address, timeout_ms=40000)
    auth = wire.struct.pack('>i', 0) + wire.text('digest') + wire.buffer(b'ann:secret')
    session.call(ADD_AUTH, auth, xid=-4)
    session.create(root, b'root')
    for i in range(50):
        session.create(f'{root}/n{i:02d}', b'value %d' % i * i)
    for i in range(0, 50, 3):
        session.set(f'{root}/n{i:02d}', b'changed')
    for i in range(0, 50, 10):
        session.delete(f'{root}/n{i:02d}')
    for _ in range(5):
        session.create(f'{root}/s-', b'', wire.SEQUENTIAL)
    for i in range(5):
        session.create(f'{root}/e{i}', b'ephemeral', wire.EPHEMERAL)
    session.call(wire.CREATE, wire.text(root + '/null') + wire.struct.pack('>i', -1) + wire.OPEN_ACL + wire.struct.pack('>i', 0))
    session.create(root + '/hé-中', 'wört'.encode())
    session.call(CREATE_CONTAINER, wire.create_body(root + '/container', b'box', CONTAINER))
    session.create(root + '/container/x')
    session.call(CREATE_TTL, wire.create_body(root + '/ttl', b'', TTL) + wire.struct.pack('>q', 3_600_000))
    acl = wire.struct.pack('>ii', 1, 31) + wire.text('auth') + wire.text('')
    session.call(SET_ACL, wire.text(root + '/n01') + acl + wire.struct.pack('>i', 0))
    session.call(wire.MULTI, wire.multi_body([(wire.CREATE, wire.create_body(root + '/m1', b'1')), (wire.SET, wire.set_body(root + '/m1', b'2')),
                                              (wire.CREATE, wire.create_body(root + '/m2', b'')), (wire.DELETE, wire.delete_body(root + '/m2'))]))
    for path in ('/none', root):
        try:
            session.delete(path, 77)
        except wire.Refused:
            continue
        raise AssertionError(f'{path} was deleted')
    return session


def tree(server):
    session = wire.Session(server.address)
    auth = wire.struct.pack('>i', 0) + wire.text('digest') + wire.buffer(b'ann:secret')
    session.call(ADD_AUTH, auth, xid=-4)
    nodes = wire.dump(session)
    session.close()
    return nodes


def same(before, after, what):
    if before == after:
        return
    for path in sorted(set(before) | set(after)):
        if before.get(path) != after.get(path):
            raise AssertionError(f'{what}: {path} was {before.get(path)}, is {after.get(path)}')


def digests_agree(server):
    """Java works out the digest of the tree anew, compares it with those in snapshot and log, and counts where they differ."""
    if server.name == 'java':
        lines = [line for line in servers.four_letters(server.address, 'mntr').splitlines() if line.startswith('zk_digest_mismatches_count')]
        assert lines == ['zk_digest_mismatches_count\t0'], lines


def move(directory, first, second, stop):
    """Writes with one server, ends it by `stop`, starts the other on the same directory, writes on, and goes back."""
    one = servers.KINDS[first](directory)
    two = servers.KINDS[second](directory)
    with one, two:
        one.start()
        owner = populate(one, '/first')
        before = tree(one)
        owner.cut()
        stop(one)
        two.start()
        same(before, tree(two), f'{first} to {second}')
        digests_agree(two)
        heir = wire.Session(two.address, timeout_ms=40000, session=owner.id)
        assert heir.id == owner.id, 'the session is not resumed'
        other = populate(two, '/second')
        before = tree(two)
        heir.cut()
        other.cut()
        stop(two)
        one.start()
        same(before, tree(one), f'{second} back to {first}')
        digests_agree(one)
        again = wire.Session(one.address, session=other.id)
        again.close()
        assert not [name for name in tree(one) if name.startswith('/second/e')], 'ephemerals of a closed session'


def add_checks(suite):
    ways = {'terminated': lambda server: server.stop(), 'killed': lambda server: server.kill()}
    for first, second in (('chorus', 'java'), ('java', 'chorus')):
        for word, stop in ways.items():
            def check(first=first, second=second, stop=stop):
                if not servers.JavaZooKeeper.available():
                    raise Skipped("Debian's ZooKeeper is not installed")
                with tempfile.TemporaryDirectory(prefix='chorus-chaos-') as directory:
                    move(directory, first, second, stop)
            suite.add(f'data_of_{first}_{word}_is_taken_over_by_{second}_and_back', check)
