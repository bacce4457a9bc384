"""Nodes of every kind through one session, and the whole tree back, to compare what servers have."""
import struct

import wire

CONTAINER, TTL = 4, 5
CREATE_CONTAINER, CREATE_TTL = 19, 21
ANN = struct.pack('>i', 0) + wire.text('digest') + wire.buffer(b'ann:secret')


def populate(server, root):
    """Nodes of every kind below `root`; returns the session that owns the ephemerals."""
    session = wire.Session(server.address, timeout_ms=40000)
    session.call(wire.ADD_AUTH, ANN, xid=-4)
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
    session.call(wire.CREATE, wire.text(root + '/null') + struct.pack('>i', -1) + wire.OPEN_ACL + struct.pack('>i', 0))
    session.create(root + '/hé-中', 'wört'.encode())
    session.call(CREATE_CONTAINER, wire.create_body(root + '/container', b'box', CONTAINER))
    session.create(root + '/container/x')
    session.call(CREATE_TTL, wire.create_body(root + '/ttl', b'', TTL) + struct.pack('>q', 3_600_000))
    acl = struct.pack('>ii', 1, 31) + wire.text('auth') + wire.text('')
    session.call(wire.SET_ACL, wire.text(root + '/n01') + acl + struct.pack('>i', 0))
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
    """Everything that the server has, as {path: (value, stat, acl)}, up to date with whatever was acknowledged by any server."""
    session = wire.Session(server.address, timeout_ms=40000)
    session.call(wire.ADD_AUTH, ANN, xid=-4)
    session.sync()
    nodes = wire.dump(session)
    session.close()
    return nodes


def same(before, after, what):
    if before == after:
        return
    for path in sorted(set(before) | set(after)):
        if before.get(path) != after.get(path):
            raise AssertionError(f'{what}: {path} was {before.get(path)}, is {after.get(path)}')
