#!/usr/bin/python3
"""Asks a ZooKeeper-compatible server one request of every kind and prints request and reply as JSON lines.

client_vectors.py 3.8 HOST:PORT > client.jsonl     (or 3.9: see check_alone)

Each line: name, conn (which of the sessions A, B, ... sent it), request and reply (hex, with the four length bytes),
decoded (the reply, for people), and where there are some: events (frames that came by themselves up to then, in
order, same connection), closed (the server closed the connection), note. Run it on a fresh, empty server started with
-Dzookeeper.extendedTypesEnabled=true: then all bytes repeat but session ids, passwords, and the times in stats.
"""
import json
import socket
import struct
import sys
import time

import jute
from jute import OP, OPEN, acls, b, i, l, s, u, vector

REPLY_LAYOUT = {
    'create': 'PathResponse', 'create2': 'Create2Response', 'createTTL': 'Create2Response',
    'createContainer': 'Create2Response', 'exists': 'StatResponse', 'getData': 'GetDataResponse',
    'setData': 'StatResponse', 'getACL': 'GetACLResponse', 'setACL': 'StatResponse', 'getChildren': 'GetChildrenResponse',
    'getChildren2': 'GetChildren2Response', 'sync': 'PathResponse', 'check': 'StatResponse',
    'getEphemerals': 'GetEphemeralsResponse', 'getAllChildrenNumber': 'GetAllChildrenNumberResponse',
    'whoAmI': 'WhoAmIResponse', 'sasl': 'SetSASLResponse', 'reconfig': 'GetDataResponse', 'addWatch': 'ErrorResponse'}
FIXED_XID = {'ping': -2, 'auth': -4, 'setWatches': -8, 'setWatches2': -8}


def multi_results(r):
    out = []
    while True:
        head = r.record('MultiHeader')
        if head['done']:
            return out
        kind = head['type']
        layout = {1: 'PathResponse', 15: 'Create2Response', 5: 'StatResponse', 4: 'GetDataResponse',
                  8: 'GetChildrenResponse'}.get(kind, 'Empty')
        body = {'err': r.i()} if kind == -1 else r.record(layout)
        out.append({**head, **body})


def decode_reply(op, frame):
    r = jute.Reader(frame)
    head = r.record('ReplyHeader')
    if r.left():
        head['body'] = multi_results(r) if op in ('multi', 'multiRead') else r.record(REPLY_LAYOUT.get(op, 'Empty'))
    if r.left():
        head['left_over'] = r.take(r.left())
    return head


class Connection:
    def __init__(self, name, address):
        self.name, self.address = name, address
        self.sock = socket.create_connection(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(3)
        self.xid = 0
        self.session = (0, bytes(16))

    def frame(self):
        head = self.exact(4)
        return head + self.exact(struct.unpack('>i', head)[0])

    def exact(self, n):
        out = b''
        while len(out) < n:
            chunk = self.sock.recv(n - len(out))
            if not chunk:
                raise EOFError
            out += chunk
        return out

    def emit(self, name, request, reply, decoded, events, closed, note):
        line = {'name': name, 'conn': self.name, 'request': request.hex(), 'reply': reply.hex() if reply else None}
        if decoded:
            line['decoded'] = jute.plain(decoded)
        if events:
            line['events'] = [{'frame': e.hex(), **self.event(e)} for e in events]
        if closed:
            line['closed'] = True
        if note:
            line['note'] = note
        print(json.dumps(line), flush=True)

    @staticmethod
    def event(frame):
        r = jute.Reader(frame, 4)
        return {**jute.plain(r.record('ReplyHeader')), **(r.record('WatcherEvent') if r.left() else {})}

    def connect(self, name, timeout=30000, last_zxid=0, session=None, read_only=False, note=''):
        """read_only None leaves that byte out, as clients before 3.4 do."""
        sid, password = session or self.session
        body = i(0) + l(last_zxid) + i(timeout) + l(sid) + u(password)
        if read_only is not None:
            body += b(read_only)
        request = u(body)
        self.sock.sendall(request)
        reply, decoded, closed = None, None, False
        try:
            reply = self.frame()
            r = jute.Reader(reply, 4)
            decoded = {k: r.value(t) for k, t in jute.LAYOUTS['ConnectResponse'] if k != 'readOnly' or r.left()}
            self.session = (decoded['sessionId'], decoded['passwd'])
            if not decoded['sessionId']:
                closed = self.ends()
        except EOFError:
            closed = True
        self.emit(name, request, reply, decoded, [], closed, note)

    def ends(self):
        try:
            return self.sock.recv(1) == b''
        except OSError:
            return False

    def ask(self, name, op, body=b'', note='', ends=False, code=None):
        if op in FIXED_XID:
            xid = FIXED_XID[op]
        else:
            self.xid += 1
            xid = self.xid
        request = u(i(xid) + i(OP[op] if code is None else code) + body)
        self.sock.sendall(request)
        events, reply, closed = [], None, False
        try:
            while True:
                frame = self.frame()
                if jute.Reader(frame, 4).i() == -1:
                    events.append(frame)
                else:
                    reply = frame
                    break
            if ends:
                closed = self.ends()
        except (EOFError, ConnectionResetError):
            closed = True
        except socket.timeout:
            note = (note + '; no reply within 3 s').strip('; ')
        self.emit(name, request, reply, decode_reply(op, reply[4:]) if reply else None, events, closed, note)

    def watch_events(self, name, note=''):
        """Records the frames that have come by themselves."""
        time.sleep(0.1)
        self.sock.settimeout(0.1)
        events = []
        try:
            while True:
                events.append(self.frame())
        except (socket.timeout, EOFError):
            pass
        self.sock.settimeout(3)
        self.emit(name, b'', None, None, events, False, note)


def create(path, data=b'', flags=0, acl=OPEN, ttl=None):
    return s(path) + u(data) + acls(acl) + i(flags) + (b'' if ttl is None else l(ttl))


def op(kind, body):
    return i(OP[kind]) + b(False) + i(-1) + body


END = i(-1) + b(True) + i(-1)


def check_alone(session, address, release):
    """Check outside of a multi. 3.8 runs it, at the price of a zxid, and goes on; 3.9 refuses it without a zxid and closes the
    connection, so there a session of its own asks: creating that session costs the one zxid that keeps the rest of the run in step."""
    if release == '3.9':
        session = Connection('check', address)
        session.connect('connect_to_check_alone', timeout=40000)
    session.ask('check_alone_error_bad_version', 'check', s('/v/p') + i(9), ends=release == '3.9',
                note='op 13 outside a multi')


def vectors(address, release):
    a = Connection('A', address)
    a.connect('connect_new', timeout=30000)
    a.ask('ping', 'ping')
    a.ask('create_persistent', 'create', create('/v', b'root'))
    a.ask('create_persistent_child', 'create', create('/v/p', b'hello'))
    a.ask('create_persistent_sequential', 'create', create('/v/q-', b'', 2))
    a.ask('create_persistent_sequential_again', 'create', create('/v/q-', b'', 2))
    a.ask('create_ephemeral', 'create', create('/v/e', b'eph', 1))
    a.ask('create_ephemeral_sequential', 'create', create('/v/es-', b'', 3))
    a.ask('create_null_data', 'create', create('/v/null', None), note='data length -1')
    a.ask('create_unicode_path', 'create', create('/v/h\u00e9-\u4e2d', b'x'))
    a.ask('create2_persistent', 'create2', create('/v/p2', b'two'))
    a.ask('create2_persistent_sequential', 'create2', create('/v/q2-', b'', 2))
    a.ask('create2_ephemeral', 'create2', create('/v/e2', b'', 1))
    a.ask('create2_ephemeral_sequential', 'create2', create('/v/es2-', b'', 3))
    a.ask('create_container', 'createContainer', create('/v/c', b'box', 4))
    a.ask('create_ttl', 'createTTL', create('/v/t', b'ttl', 5, ttl=3600000))
    a.ask('create_ttl_sequential', 'createTTL', create('/v/ts-', b'', 6, ttl=3600000))
    a.ask('create_error_exists', 'create', create('/v/p', b''))
    a.ask('create_error_no_parent', 'create', create('/none/x', b''))
    a.ask('create_error_under_ephemeral', 'create', create('/v/e/x', b''))
    a.ask('create_error_bad_path', 'create', create('/v/', b''))
    a.ask('create_error_empty_acl', 'create', create('/v/noacl', b'', acl=[]))
    a.ask('create_error_null_acl', 'create', create('/v/noacl', b'', acl=None))
    a.ask('create_error_unknown_scheme', 'create', create('/v/noacl', b'', acl=[(31, 'nosuch', 'x')]))
    a.ask('create_error_bad_flags', 'create', create('/v/flags', b'', 99))
    a.ask('create_error_bad_ttl', 'createTTL', create('/v/t0', b'', 5, ttl=0))
    a.ask('create_error_under_zookeeper', 'create', create('/zookeeper', b''))
    a.ask('exists', 'exists', s('/v/p') + b(False))
    a.ask('exists_error_no_node', 'exists', s('/v/none') + b(False))
    a.ask('exists_ephemeral', 'exists', s('/v/e') + b(False), note='ephemeralOwner is the session id')
    a.ask('exists_container', 'exists', s('/v/c') + b(False), note='ephemeralOwner 0x8000000000000000')
    a.ask('exists_ttl', 'exists', s('/v/t') + b(False), note='ephemeralOwner 0xff00 << 48 | ttl')
    a.ask('getData', 'getData', s('/v/p') + b(False))
    a.ask('getData_null', 'getData', s('/v/null') + b(False))
    a.ask('getData_error_no_node', 'getData', s('/v/none') + b(False))
    a.ask('getData_config', 'getData', s('/zookeeper/config') + b(False))
    a.ask('setData', 'setData', s('/v/p') + u(b'world') + i(0))
    a.ask('setData_any_version', 'setData', s('/v/p') + u(b'again') + i(-1))
    a.ask('setData_error_bad_version', 'setData', s('/v/p') + u(b'x') + i(0))
    a.ask('setData_error_no_node', 'setData', s('/v/none') + u(b'x') + i(-1))
    a.ask('getChildren', 'getChildren', s('/v') + b(False), note='order is that of a Java HashSet: compare as a set')
    a.ask('getChildren_empty', 'getChildren', s('/v/p') + b(False))
    a.ask('getChildren_error_no_node', 'getChildren', s('/v/none') + b(False))
    a.ask('getChildren_root', 'getChildren', s('/') + b(False))
    a.ask('getChildren2', 'getChildren2', s('/v') + b(False), note='order is that of a Java HashSet: compare as a set')
    a.ask('getAllChildrenNumber', 'getAllChildrenNumber', s('/v'))
    a.ask('getAllChildrenNumber_root', 'getAllChildrenNumber', s('/'))
    a.ask('getEphemerals', 'getEphemerals', s('/v'), note='order is that of a Java HashSet')
    a.ask('getEphemerals_root', 'getEphemerals', s('/'))
    a.ask('getACL', 'getACL', s('/v/p'))
    a.ask('setACL', 'setACL', s('/v/p') + acls([(31, 'world', 'anyone'), (1, 'ip', '127.0.0.1')]) + i(0))
    a.ask('getACL_after_set', 'getACL', s('/v/p'))
    a.ask('setACL_error_bad_version', 'setACL', s('/v/p') + acls(OPEN) + i(7))
    a.ask('setACL_error_invalid', 'setACL', s('/v/p') + acls([(31, 'ip', 'not-an-ip')]) + i(-1))
    a.ask('setACL_error_auth_without_auth', 'setACL', s('/v/p') + acls([(31, 'auth', '')]) + i(-1))
    a.ask('getACL_error_no_node', 'getACL', s('/v/none'))
    a.ask('sync', 'sync', s('/v'))
    a.ask('whoAmI_before_auth', 'whoAmI')
    a.ask('auth_digest', 'auth', i(0) + s('digest') + u(b'user:secret'))
    a.ask('whoAmI', 'whoAmI')
    a.ask('create_auth_acl', 'create', create('/v/mine', b'private', acl=[(31, 'auth', '')]))
    a.ask('getACL_digest', 'getACL', s('/v/mine'), note='user:base64(sha1(user:secret))')
    a.ask('create_creator_read_only', 'create',
          create('/v/ro', b'ro', acl=[(1, 'world', 'anyone'), (31, 'digest', 'user:GIBlROhtMbAsH1JCBpdMs91rUHg=')]),
          note='the digest here belongs to nobody')
    check_alone(a, address, release)

    a.ask('multi_ok', 'multi', op('check', s('/v/p') + i(2)) + op('create', create('/v/m1', b'1'))
          + op('create2', create('/v/m2', b'2')) + op('setData', s('/v/m1') + u(b'one') + i(0))
          + op('delete', s('/v/m2') + i(-1)) + END,
          note='3.8.0 answers create2 as create (type 1, no stat); later releases answer type 15 with a stat')
    a.ask('multi_sequential_ephemeral', 'multi', op('create', create('/v/ms-', b'', 3)) + op('create', create('/v/ms-', b'', 2)) + END)
    a.ask('multi_create_ttl_container', 'multi', op('createTTL', create('/v/mt', b'', 5, ttl=3600000))
          + op('createContainer', create('/v/mc', b'', 4)) + END)
    a.ask('multi_error_bad_version', 'multi', op('create', create('/v/m3', b'')) + op('check', s('/v/p') + i(99))
          + op('delete', s('/v/m1') + i(-1)) + END, note='header err is 0; results: rolled back (0), the culprit, not tried (-2)')
    a.ask('multi_error_first', 'multi', op('delete', s('/v/none') + i(-1)) + op('create', create('/v/m4', b'')) + END)
    a.ask('multi_error_exists', 'multi', op('create', create('/v/m5', b'')) + op('create', create('/v/m5', b'')) + END)
    a.ask('multi_empty', 'multi', END)
    a.ask('multiRead', 'multiRead', op('getData', s('/v/p') + b(False)) + op('getChildren', s('/v/p') + b(False))
          + op('getData', s('/v/none') + b(False)) + END)
    a.ask('delete', 'delete', s('/v/m1') + i(1))
    a.ask('delete_error_no_node', 'delete', s('/v/m1') + i(-1))
    a.ask('delete_error_bad_version', 'delete', s('/v/p') + i(77))
    a.ask('delete_error_not_empty', 'delete', s('/v') + i(-1))
    a.ask('delete_error_root', 'delete', s('/') + i(-1))

    w = Connection('B', address)
    w.connect('connect_second', timeout=1000, note='asked for 1000 ms: the answer is the server\'s least')
    w.ask('getData_error_no_auth', 'getData', s('/v/mine') + b(False))
    w.ask('getACL_masked', 'getACL', s('/v/mine'), note='without READ or ADMIN: error; see getACL_redacted for x-ed digests')
    w.ask('getACL_redacted', 'getACL', s('/v/ro'), note='with READ but not ADMIN the digest is hidden')
    w.ask('setData_error_no_auth', 'setData', s('/v/ro') + u(b'x') + i(-1))
    w.ask('delete_of_unowned', 'delete', s('/v/mine') + i(-1), note='DELETE is the parent\'s permission: goes through')
    w.ask('getData_watch', 'getData', s('/v/p') + b(True))
    w.ask('exists_watch_absent', 'exists', s('/v/later') + b(True))
    w.ask('exists_watch_present', 'exists', s('/v/p2') + b(True))
    w.ask('getChildren_watch', 'getChildren', s('/v') + b(True))
    w.ask('getChildren2_watch', 'getChildren2', s('/v/p2') + b(True))
    w.ask('checkWatches_data', 'checkWatches', s('/v/p') + i(2), note='types: 1 children, 2 data, 3 any')
    w.ask('checkWatches_error_none', 'checkWatches', s('/v/p') + i(1))
    a.ask('setData_fires', 'setData', s('/v/p') + u(b'fire') + i(-1))
    a.ask('create_fires', 'create', create('/v/later', b''))
    a.ask('delete_fires', 'delete', s('/v/p2') + i(-1))
    w.watch_events('events_of_one_time_watches', 'data changed, created, children changed, deleted (data and child watches)')
    w.ask('getData_watch_again', 'getData', s('/v/p') + b(True))
    w.ask('removeWatches_data', 'removeWatches', s('/v/p') + i(2))
    w.ask('removeWatches_error_none', 'removeWatches', s('/v/p') + i(2))
    w.ask('addWatch_persistent', 'addWatch', s('/v/p') + i(0))
    w.ask('addWatch_persistent_recursive', 'addWatch', s('/v') + i(1))
    w.ask('addWatch_error_mode', 'addWatch', s('/v') + i(5))
    a.ask('setData_fires_persistent', 'setData', s('/v/p') + u(b'f1') + i(-1))
    a.ask('setData_fires_persistent_again', 'setData', s('/v/p') + u(b'f2') + i(-1))
    a.ask('create_fires_recursive', 'create', create('/v/p/deep', b''))
    a.ask('delete_fires_recursive', 'delete', s('/v/p/deep') + i(-1))
    w.watch_events('events_of_persistent_watches')
    w.ask('checkWatches_any_persistent', 'checkWatches', s('/v/p') + i(3))
    w.ask('removeWatches_any_persistent', 'removeWatches', s('/v/p') + i(3))
    w.ask('removeWatches_recursive', 'removeWatches', s('/v') + i(3))
    w.ask('removeWatches_error_unknown_type', 'removeWatches', s('/v') + i(9))
    w.ask('setWatches', 'setWatches', l(1) + vector(s, ['/v/p', '/v/gone']) + vector(s, ['/v/later']) + vector(s, ['/v']),
          note='relativeZxid 1, so changes missed since fire at once')
    w.watch_events('events_of_setWatches')
    w.ask('setWatches2', 'setWatches2', l(1) + vector(s, ['/v/p']) + vector(s, []) + vector(s, []) + vector(s, ['/v/p'])
          + vector(s, ['/v']))
    w.watch_events('events_of_setWatches2')
    w.ask('reconfig_error', 'reconfig', s('server.9=127.0.0.1:1:2;3') + s(None) + s(None) + l(-1))
    w.ask('sasl_without_server_login', 'sasl', u(b'token'))
    w.ask('unknown_op', 'error', b'', code=77, ends=True, note='type 77')
    b_session = w.session
    w.sock.close()

    w = Connection('B', address)
    w.connect('connect_again', session=b_session, timeout=30000, last_zxid=1, note='the same session on a new connection')
    w.ask('ping_after_reconnect', 'ping')
    x = Connection('C', address)
    x.connect('connect_error_wrong_password', session=(b_session[0], b'\1' * 16), note='session id 0 in the answer, then close')
    w.ask('ping_after_wrong_password', 'ping', note='that attempt has cut off the session\'s own connection (the session lives)')
    w = Connection('B', address)
    w.connect('connect_third_time', session=b_session)
    x = Connection('C', address)
    x.connect('connect_error_unknown_session', session=(0x1234, bytes(16)))
    x = Connection('C', address)
    x.connect('connect_error_zxid_ahead', last_zxid=1 << 50, note='a client that has seen a later zxid is cut off')
    x = Connection('C', address)
    x.connect('connect_without_readonly_byte', read_only=None, note='a client from before 3.4: the answer has no such byte either')
    x.ask('closeSession_old_client', 'closeSession', ends=True)
    x = Connection('C', address)
    x.connect('connect_read_only_wanted', read_only=True)
    x.ask('auth_error_unknown_scheme', 'auth', i(0) + s('nosuch') + u(b'x'), ends=True)
    x = Connection('C', address)
    x.connect('connect_for_bad_digest')
    x.ask('auth_digest_without_colon', 'auth', i(0) + s('digest') + u(b'justuser'), ends=False)
    x.ask('closeSession_of_C', 'closeSession', ends=True)
    w.ask('closeSession_of_B', 'closeSession', ends=True)
    a.ask('getEphemerals_before_close', 'getEphemerals', s('/v'))
    a.ask('closeSession', 'closeSession', ends=True, note='the server closes the connection after the reply')
    d = Connection('D', address)
    d.connect('connect_after_close')
    d.ask('exists_ephemeral_gone', 'exists', s('/v/e') + b(False))
    d.ask('getChildren_after_close', 'getChildren', s('/v') + b(False))
    d.ask('closeSession_of_D', 'closeSession', ends=True)


if __name__ == '__main__':
    if len(sys.argv) != 3 or sys.argv[1] not in ('3.8', '3.9'):
        sys.exit(__doc__)
    host, port = sys.argv[2].rsplit(':', 1)
    vectors((host, int(port)), sys.argv[1])
