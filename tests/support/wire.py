"""A bare ZooKeeper session over one blocking socket, for tests that must decide themselves when a byte is sent.

    s = Session('127.0.0.1:2181', timeout_ms=4000)
    s.create('/a', b'x', EPHEMERAL); s.cut(); again = Session(address, session=s.id)
"""
import contextlib
import socket
import struct
import time

PERSISTENT, EPHEMERAL, SEQUENTIAL, EPHEMERAL_SEQUENTIAL = 0, 1, 2, 3
CREATE, DELETE, EXISTS, GET, SET, GET_ACL, CHILDREN, PING, CHILDREN2, CHECK, MULTI, CLOSE = 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, -11
SET_ACL, SYNC, RECONFIG, ADD_AUTH, SET_WATCHES, ADD_WATCH = 7, 9, 16, 100, 101, 106
NO_NODE, NODE_EXISTS = -101, -110
CREATED, DELETED, CHANGED, CHILD = 1, 2, 3, 4  # kinds of events
STAT = ('czxid', 'mzxid', 'ctime', 'mtime', 'version', 'cversion', 'aversion', 'owner', 'length', 'children', 'pzxid')


class Refused(Exception):
    """The server answered with an error code."""
    def __init__(self, code):
        super().__init__(f'error {code}')
        self.code = code


class Expired(Exception):
    """The server no longer knows the session."""


def text(value):
    octets = value.encode()
    return struct.pack('>i', len(octets)) + octets


def buffer(value):
    return struct.pack('>i', len(value)) + value


OPEN_ACL = struct.pack('>ii', 1, 31) + text('world') + text('anyone')


def create_body(path, value=b'', mode=PERSISTENT):
    return text(path) + buffer(value) + OPEN_ACL + struct.pack('>i', mode)


def set_body(path, value, version=-1):
    return text(path) + buffer(value) + struct.pack('>i', version)


def delete_body(path, version=-1):
    return text(path) + struct.pack('>i', version)


def multi_body(operations):
    """`operations`: pairs of op code and body."""
    return b''.join(struct.pack('>i?i', op, False, -1) + body for op, body in operations) + struct.pack('>i?i', -1, True, -1)


def read_text(octets, at=0):
    size = struct.unpack_from('>i', octets, at)[0]
    return octets[at + 4:at + 4 + size].decode(), at + 4 + max(size, 0)


def read_stat(octets, at):
    return dict(zip(STAT, struct.unpack_from('>qqqqiiiqiiq', octets, at)))


def read_value(octets):
    """(value or None, stat)"""
    size = struct.unpack_from('>i', octets)[0]
    return (None if size < 0 else octets[4:4 + size]), read_stat(octets, 4 + max(size, 0))


def read_names(octets):
    names, at = [], 4
    for _ in range(struct.unpack_from('>i', octets)[0]):
        name, at = read_text(octets, at)
        names.append(name)
    return names


STALLED = 3.0  # seconds without an answer
stalls = set()  # addresses of servers that may leave a request unanswered until another client writes: ZOOKEEPER-4537, before 3.8.1


class Session:
    def __init__(self, address, timeout_ms=10000, session=None, last_zxid=0, wait=20.0):
        self.address = address
        host, port = address.rsplit(':', 1)
        self.socket = socket.create_connection((host, int(port)), timeout=wait)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number, password = session or (0, bytes(16))
        self.socket.sendall(buffer(struct.pack('>iqiq', 0, last_zxid, timeout_ms, number) + buffer(password) + b'\0'))
        answer = self.frame()
        _, self.timeout_ms, number = struct.unpack_from('>iiq', answer)
        if not number:
            raise Expired
        self.id = (number, answer[20:36])
        self.xid = 0
        self.zxid = 0
        self.events = []

    def frame(self):
        size = struct.unpack('>i', self.exactly(4))[0]
        return self.exactly(size)

    def exactly(self, count):
        octets = bytearray()
        while len(octets) < count:
            some = self.receive(count - len(octets))
            if not some:
                raise EOFError('the server closed the connection')
            octets += some
        return bytes(octets)

    def receive(self, count):
        if self.address not in stalls:
            return self.socket.recv(count)
        wait = self.socket.gettimeout()
        self.socket.settimeout(min(STALLED, wait))
        try:
            return self.socket.recv(count)
        except TimeoutError:
            if wait <= STALLED:
                raise
        finally:
            self.socket.settimeout(wait)
        with contextlib.suppress(OSError, EOFError, Expired):
            Session(self.address, wait=STALLED).close()
        return self.socket.recv(count)

    def encode(self, op, body=b'', xid=None):
        if xid is None:
            self.xid += 1
            xid = self.xid
        return buffer(struct.pack('>ii', xid, op) + body)

    def reply(self):
        """(xid, error, body) of the next reply; events that come before it go to `events`."""
        while True:
            octets = self.frame()
            xid, zxid, error = struct.unpack_from('>iqi', octets)
            if xid == -1:
                self.event(octets)
                continue
            self.zxid = max(self.zxid, zxid)
            return xid, error, octets[16:]

    def event(self, octets):
        kind, _ = struct.unpack_from('>ii', octets, 16)
        self.events.append((kind, read_text(octets, 24)[0]))

    def next_event(self):
        """(kind, path) of the oldest event that was not yet taken; waits for it. Only while no reply is awaited."""
        if not self.events:
            octets = self.frame()
            assert struct.unpack_from('>i', octets)[0] == -1, 'a reply where an event was awaited'
            self.event(octets)
        return self.events.pop(0)

    def call(self, op, body=b'', xid=None):
        self.socket.sendall(self.encode(op, body, xid))
        _, error, answer = self.reply()
        if error:
            raise Refused(error)
        return answer

    def create(self, path, value=b'', mode=PERSISTENT):
        return read_text(self.call(CREATE, create_body(path, value, mode)))[0]

    def set(self, path, value, version=-1):
        return read_stat(self.call(SET, set_body(path, value, version)), 0)

    def delete(self, path, version=-1):
        self.call(DELETE, delete_body(path, version))

    def sync(self, path='/'):
        """Reads after this see all that was acknowledged before it, by whichever server."""
        self.call(SYNC, text(path))

    def get(self, path, watch=False):
        """(value or None, stat)"""
        return read_value(self.call(GET, text(path) + (b'\1' if watch else b'\0')))

    def exists(self, path, watch=False):
        try:
            return read_stat(self.call(EXISTS, text(path) + (b'\1' if watch else b'\0')), 0)
        except Refused as refused:
            if refused.code == NO_NODE:
                return None
            raise

    def children(self, path, watch=False):
        return sorted(read_names(self.call(CHILDREN, text(path) + (b'\1' if watch else b'\0'))))

    def acl(self, path):
        return self.call(GET_ACL, text(path))[:-68]

    def ping(self):
        self.call(PING, xid=-2)

    def close(self):
        """Ends the session."""
        self.call(CLOSE)
        self.cut()

    def cut(self):
        """Ends the connection; the session lives on for its time."""
        self.socket.close()


def resume(address, old, timeout_ms=20000, wait=20.0, patience=10.0):
    """The session of `old` on a new connection. Request ids go on as clients count them: servers tell requests of a session apart by them.
    A server that does not know all that the session has seen hangs up, and is asked again for as long as `patience` lasts."""
    deadline = time.monotonic() + patience
    while True:
        try:
            session = Session(address, timeout_ms, session=old.id, last_zxid=old.zxid, wait=wait)
            break
        except EOFError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
    session.xid, session.zxid = old.xid, old.zxid
    return session


def dump(session, path='/'):
    """The whole tree below `path` as {path: (value, stat, acl)}. Many requests at a time; a node that goes meanwhile is left out."""
    tree = {}
    todo = [path]
    while todo:
        some, todo = todo[:100], todo[100:]
        session.socket.sendall(b''.join(session.encode(GET, text(node) + b'\0') + session.encode(GET_ACL, text(node))
                                        + session.encode(CHILDREN, text(node) + b'\0') for node in some))
        for node in some:
            (_, error, got), (_, acl_error, acl), (_, children_error, names) = session.reply(), session.reply(), session.reply()
            if NO_NODE in (error, acl_error, children_error):
                continue
            for code in (error, acl_error, children_error):
                if code:
                    raise Refused(code)
            value, stat = read_value(got)
            tree[node] = (value, stat, acl[:-68])
            todo += [node.rstrip('/') + '/' + child for child in read_names(names)]
    return tree
