#!/usr/bin/python3
"""TLS between a ZooKeeper server and its clients: tls_suite.py [--peer chorus|java] [--only PATTERN]

The suite makes its own certificates and starts its own servers: one that demands certificates of its clients and takes TLS and plain
on one port besides, and one that demands none.
"""
import argparse
import contextlib
import json
import logging
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid

from kazoo import exceptions, security
from kazoo.client import KazooClient, KazooState

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'support'))
import servers  # noqa: E402
from certificates import Authority, in_one_file  # noqa: E402
from checks import Suite, equal, raises  # noqa: E402
from ensemble import Ensemble  # noqa: E402
from servers import Chorus, JavaZooKeeper, free_port, wait_until  # noqa: E402

suite = Suite('tls')
SECONDS = 30
EVERYTHING = security.Permissions.ALL
WORKER = 'CN=worker,O=Trees,C=SE'
# Every rule of RFC 2253 that a subject can meet, as java.security's X500Principal.getName writes it.
AWKWARD = r'/C=SE/O=Trees, Ltd\+/OU=Planting+OU=Felling/CN=\#1 "Åsa"; <a=b> /emailAddress=asa@trees.example/serialNumber=7/DC=example'
AWKWARD_NAME = (r'DC=example,2.5.4.5=#130137,1.2.840.113549.1.9.1=#16116173614074726565732e6578616d706c65,'
                r'CN=\#1 \"Åsa\"\; \<a\=b\>\ ,OU=Felling+OU=Planting,O=Trees\, Ltd\+,C=SE')


class ChorusOnZooCfg(JavaZooKeeper):
    """Our server on the configuration file of the Java one."""
    name = 'chorus'

    def command(self):
        super().command()
        return [str(Chorus.binary), 'serve', '--config', str(self.directory / 'zoo.cfg')]


class Place:
    """The files and servers of a run."""

    def __init__(self, peer, directory, stack):
        self.peer = peer
        self.directory = directory
        self.ours = Authority(directory, 'ours')
        self.theirs = Authority(directory, 'theirs')
        self.server = self.ours.sign('server', '/CN=server', 'server')
        self.worker = self.ours.sign('worker', '/C=SE/O=Trees/CN=worker', 'user')
        self.visitor = self.ours.sign('visitor', '/CN=visitor', 'user')
        self.stranger = self.theirs.sign('stranger', '/CN=stranger', 'user')
        self.strict = stack.enter_context(self.start('strict', True))
        self.lax = stack.enter_context(self.start('lax', False))

    def start(self, name, verify):
        port = free_port()
        if self.peer == 'java':
            server = JavaZooKeeper(f'{self.directory}/{name}', options=self.zoo_cfg(port, verify))
        else:
            server = Chorus(f'{self.directory}/{name}', options={
                'coord.secure_client_address': f'127.0.0.1:{port}',
                'coord.tls_certificate_file': self.server.certificate,
                'coord.tls_key_file': self.server.key,
                'coord.tls_ca_file': self.ours.certificate,
                'coord.tls_verify_client': str(verify).lower(),
                'coord.client_port_unification': str(verify).lower()})
        server.secure = f'127.0.0.1:{port}'
        return server.start()

    def zoo_cfg(self, port, verify):
        return {'secureClientPort': port, 'secureClientPortAddress': '127.0.0.1',
                'serverCnxnFactory': 'org.apache.zookeeper.server.NettyServerCnxnFactory',
                'ssl.keyStore.location': in_one_file(self.server), 'ssl.trustStore.location': self.ours.certificate,
                'ssl.clientAuth': 'need' if verify else 'none', 'client.portUnification': str(verify).lower()}


place = None


@contextlib.contextmanager
def client(pair='worker', to=None, tls=True, **options):
    """kazoo with the certificate of that name, or with none."""
    pair = getattr(place, pair) if pair else None
    security_options = dict(use_ssl=True, ca=place.ours.certificate, verify_certs=True,
                            **(dict(certfile=pair.certificate, keyfile=pair.key) if pair else {})) if tls else {}
    zk = KazooClient(hosts=to or place.strict.secure, timeout=10.0, **security_options, **options)
    try:
        zk.start(timeout=20)
        yield zk
    finally:
        zk.stop()
        zk.close()


def fresh():
    return '/tls-' + uuid.uuid4().hex[:12]


def connect(address, pair=None, ca=None):
    """A TLS connection by Python's own means."""
    context = ssl.create_default_context(cafile=ca or place.ours.certificate)
    if pair:
        context.load_cert_chain(pair.certificate, pair.key)
    host, port = address.rsplit(':', 1)
    return context.wrap_socket(socket.create_connection((host, int(port)), timeout=SECONDS), server_hostname='localhost')


def word(address, what, pair=None):
    with connect(address, pair) as s:
        s.sendall(what.encode())
        answer = b''
        while chunk := s.recv(65536):
            answer += chunk
    return answer.decode()


def refusal(address, pair=None):
    """What a client is told by a server that does not want it: in TLS 1.3 only after its own handshake."""
    return str(raises(ssl.SSLError, word, address, 'ruok', pair))


def zk_command(*words, to=None, pair=None, ca=None):
    identity = ['--cert', pair.certificate, '--key', pair.key] if pair else []
    return [str(Chorus.binary), 'zk', '--server', to or place.strict.secure, '--ca', ca or place.ours.certificate, *identity, *words]


def zk(*words, code=0, **how):
    """Standard output, or when another exit code is expected standard error, of one `chorus zk`."""
    done = subprocess.run(zk_command(*words, **how), capture_output=True, text=True, timeout=SECONDS,
                          env={key: value for key, value in os.environ.items() if not key.startswith('CHORUS_ZK_')})
    equal(done.returncode, code, f'exit code of {words}, which says {done.stderr!r}')
    return done.stderr if code else done.stdout


def identities(pair, to=None):
    """Who the server takes a client with that certificate for."""
    return sorted((one['scheme'], one['user']) for one in json.loads(zk('--json', 'whoami', pair=pair, to=to)))


# kazoo

@suite.check
def kazoo_create_get_set_delete():
    path = fresh()
    with client() as zk:
        equal(zk.create(path, b'one'), path)
        equal(zk.get(path)[0], b'one')
        equal(zk.set(path, b'two').version, 1)
        with client('visitor') as other:
            equal(other.get(path)[0], b'two')
        zk.delete(path)
        equal(zk.exists(path), None)


@suite.check
def kazoo_watches():
    path = fresh()
    with client() as zk, client('visitor') as other:
        seen = []
        equal(zk.exists(path, watch=lambda event: seen.append((event.type, event.path))), None)
        other.create(path)
        wait_until(lambda: seen == [('CREATED', path)], 'the event', SECONDS)


@suite.check
def kazoo_ephemerals_end_with_their_session():
    path = fresh()
    with client() as zk:
        with client('visitor') as other:
            other.create(path, ephemeral=True)
            equal(zk.exists(path).owner_session_id, other.client_id[0])
        equal(zk.exists(path), None)


@suite.check
def kazoo_values_longer_than_a_tls_record():
    path = fresh()
    value = bytes(range(256)) * 3500
    with client() as zk:
        zk.create(path, value)
        assert zk.get(path)[0] == value, 'another value came back'


@suite.check
def kazoo_thousand_requests_in_a_row():
    """Each answer is a TLS record of its own: kazoo does not see an answer that came in the record of another until its next ping."""
    path = fresh()
    with client() as zk:
        zk.create(path)
        began = time.monotonic()
        made = [zk.create_async(f'{path}/{i}', str(i).encode() * 20) for i in range(500)]
        read = [zk.get_async(f'{path}/{i}') for i in range(500)]
        equal([one.get(SECONDS) for one in made], [f'{path}/{i}' for i in range(500)])
        equal([one.get(SECONDS)[0] for one in read], [str(i).encode() * 20 for i in range(500)])
        assert time.monotonic() - began < zk._session_timeout / 1000 / 3, 'answers waited for the next ping'


@suite.check
def kazoo_session_goes_on_after_a_lost_connection():
    path = fresh()
    with client() as zk:
        states = []
        zk.add_listener(states.append)
        zk.create(path, ephemeral=True)
        session = zk.client_id[0]
        zk._connection._socket.shutdown(socket.SHUT_RDWR)
        wait_until(lambda: states[-2:] == [KazooState.SUSPENDED, KazooState.CONNECTED], 'suspended, connected', SECONDS)
        equal(zk.client_id[0], session)
        equal(zk.exists(path).owner_session_id, session)


# Our own and ZooKeeper's command line

@suite.check
def zk_create_get_watch():
    path = fresh()
    zk('create', path, 'one', pair=place.worker)
    equal(zk('get', path, pair=place.visitor), 'one')
    watch = subprocess.Popen(zk_command('watch', '--ready', '--count', '1', path, pair=place.worker), stdout=subprocess.PIPE, text=True)
    try:
        equal(watch.stdout.readline(), f'watching {path}\n')
        zk('set', path, 'two', pair=place.visitor)
        equal(watch.communicate(timeout=SECONDS)[0], f'NodeDataChanged {path}\n')
        equal(watch.returncode, 0)
    finally:
        if watch.poll() is None:
            watch.kill()
            watch.wait()


@suite.check
def zkcli_create_get_whoami():
    path = fresh()
    said = zkcli('create', path, 'one')
    assert f'Created {path}' in said, said
    assert 'one' in zkcli('get', path).splitlines()
    said = zkcli('whoami')
    assert f'x509: {WORKER}' in said, said


def zkcli(*words):
    run = subprocess.run(['java', '-cp', servers.java_class_path(), '-Dzookeeper.client.secure=true',
                          '-Dzookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty',
                          f'-Dzookeeper.ssl.keyStore.location={in_one_file(place.worker)}',
                          f'-Dzookeeper.ssl.trustStore.location={place.ours.certificate}',
                          'org.apache.zookeeper.ZooKeeperMain', '-server', place.strict.secure, *words],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, stdin=subprocess.DEVNULL)
    equal(run.returncode, 0, run.stdout)
    return run.stdout


@suite.check
def four_letter_words():
    equal(word(place.strict.secure, 'ruok', place.worker), 'imok')
    assert 'Mode: standalone' in word(place.lax.secure, 'srvr')


# Who may connect

@suite.check
def client_without_certificate():
    said = refusal(place.strict.secure)
    assert 'CERTIFICATE_REQUIRED' in said or place.peer == 'java' and 'HANDSHAKE_FAILURE' in said, said
    equal(word(place.lax.secure, 'ruok'), 'imok')
    with client(None, place.lax.secure) as one:
        one.create(fresh())


@suite.check
def client_with_a_certificate_of_another_authority():
    said = refusal(place.strict.secure, place.stranger)
    assert 'UNKNOWN_CA' in said or place.peer == 'java' and 'CERTIFICATE_UNKNOWN' in said, said


@suite.check
def server_with_a_certificate_of_another_authority():
    raises(ssl.SSLCertVerificationError, connect, place.strict.secure, place.worker, place.theirs.certificate)


@suite.check
def zk_says_why_it_cannot_connect():
    if place.peer == 'java':
        return  # words of this server
    said = zk('ls', '/', pair=place.worker, ca=place.theirs.certificate, code=2)
    assert 'certificate verify failed (' in said, said
    said = zk('ls', '/', code=2)
    assert 'certificate required' in said, said
    said = zk('ls', '/', pair=place.stranger, code=2)
    assert 'unknown ca' in said, said
    said = zk('ls', '/', ca='/nowhere.pem', code=2)
    assert '/nowhere.pem: No such file or directory' in said, said
    said = zk('ls', '/', '--key', place.worker.key, code=1)
    assert '--key requires --cert' in said, said
    said = zk('ls', '/', to=place.lax.address, code=2)
    assert 'does it speak TLS?' in said, said
    said = subprocess.run([Chorus.binary, 'zk', '--server', place.lax.secure, 'ls', '/'], capture_output=True, text=True, timeout=SECONDS).stderr
    assert 'or take TLS only' in said, said


@suite.check
def server_says_whom_it_refused():
    """In its log, at the level that is on unless asked for otherwise."""
    if place.peer == 'java':
        return  # words of this server
    refusal(place.strict.secure, place.stranger)
    line = re.compile(r'info .*refused a connection peer=127\.0\.0\.1:\d+ reason=".*unable to get local issuer certificate')
    wait_until(lambda: line.search(place.strict.log_tail(50)), 'a line in the log', SECONDS)


# The x509 scheme

@suite.check
def subject_is_an_identity():
    equal(identities(place.worker), [('ip', '127.0.0.1'), ('x509', WORKER)])
    equal(identities(None, place.lax.secure), [('ip', '127.0.0.1')])


@suite.check
def subject_is_written_as_java_writes_it():
    awkward = place.ours.sign('awkward', AWKWARD, 'user')
    equal(identities(awkward)[-1], ('x509', AWKWARD_NAME))


@suite.check
def node_for_one_subject():
    path = fresh()
    with client() as zk, client('visitor') as other:
        zk.create(path, b'mine', acl=[security.ACL(EVERYTHING, security.Id('x509', WORKER))])
        equal(zk.get(path)[0], b'mine')
        raises(exceptions.NoAuthError, other.get, path)
        raises(exceptions.NoAuthError, other.set, path, b'yours')
        zk.set_acls(path, [security.ACL(EVERYTHING, security.Id('x509', 'CN=visitor'))])
        equal(other.get(path)[0], b'mine')
        raises(exceptions.NoAuthError, zk.get, path)


@suite.check
def scheme_auth_stands_for_the_subject():
    path = fresh()
    with client() as zk:
        zk.create(path, acl=[security.ACL(EVERYTHING, security.Id('auth', ''))])
        equal(zk.get_acls(path)[0], [security.ACL(EVERYTHING, security.Id('x509', WORKER))])


@suite.check
def subjects_that_are_none():
    with client() as zk:
        for wrong in ('worker', 'CN', 'CN=a,,O=b', 'CN=a,', 'CN=a<b', 'NOSUCHWORD=a'):
            raises(exceptions.InvalidACLError, zk.create, fresh(), acl=[security.ACL(EVERYTHING, security.Id('x509', wrong))])
        zk.create(fresh(), acl=[security.ACL(EVERYTHING, security.Id('x509', 'CN=nobody we know, O=Elsewhere'))])


# One port for both

@suite.check
def plain_and_tls_on_one_port():
    path = fresh()
    one_port = place.strict.address
    with client(to=one_port) as encrypted, client(to=one_port, tls=False) as plain:
        plain.create(path, b'one')
        equal(encrypted.get(path)[0], b'one')
        encrypted.create(path + '/e', ephemeral=True)
        equal(plain.exists(path + '/e').owner_session_id, encrypted.client_id[0])
    equal(servers.four_letters(one_port, 'ruok'), 'imok')
    equal(word(one_port, 'ruok', place.worker), 'imok')
    equal(identities(place.worker, one_port), [('ip', '127.0.0.1'), ('x509', WORKER)])


# Bad company

@suite.check
def garbage_disturbs_nobody():
    path = fresh()
    with client() as zk:
        states = []
        zk.add_listener(states.append)
        zk.create(path)
        seen = threading.Event()
        zk.exists(path + '/end', watch=lambda _: seen.set())
        open_ones = []
        for octets in (b'', b'GET / HTTP/1.0\r\n\r\n', os.urandom(5000), b'\0\0\0\x2d' + bytes(45), b'\x16\x03\x01\x02\0\x01', b'\x16' * 40000,
                       b'\x15\x03\x03\0\x02\x02\x28', b'ruok') * 5:
            for address in (place.strict.secure, place.strict.address):
                host, port = address.rsplit(':', 1)
                one = socket.create_connection((host, int(port)), timeout=SECONDS)
                with contextlib.suppress(ConnectionError):
                    one.sendall(octets)
                open_ones.append(one)
            zk.create(f'{path}/', sequence=True)
        for one in open_ones[::2]:
            one.close()
        equal(len(zk.get_children(path)), 40)
        zk.create(path + '/end')
        assert seen.wait(SECONDS), 'no event'
        equal(states, [])
        for one in open_ones[1::2]:
            one.close()
    with client('visitor') as other:
        equal(len(other.get_children(path)), 41)


# Configuration

@suite.check
def zoo_cfg_with_pem_stores():
    """The file that the Java server takes serves as it is."""
    port = free_port()
    with ChorusOnZooCfg(place.directory + '/zoo', options=place.zoo_cfg(port, True)) as server:
        server.start()
        equal(identities(place.worker, f'127.0.0.1:{port}'), [('ip', '127.0.0.1'), ('x509', WORKER)])
        assert 'CERTIFICATE_REQUIRED' in refusal(f'127.0.0.1:{port}')
        equal(word(server.address, 'ruok', place.worker), 'imok')


@suite.check
def members_speak_tls():
    """sslQuorum: both ports, here and on a Java server in between; who comes without TLS, or without a certificate, is not heard."""
    java, ours = ['java38'] * 3, ['chorus', 'java38', 'chorus']
    options = {'sslQuorum': 'true', 'ssl.quorum.keyStore.location': in_one_file(place.server),
               'ssl.quorum.trustStore.location': place.ours.certificate}
    with Ensemble(java if place.peer == 'java' else ours, options=options, name='members_speak_tls') as ensemble:
        ensemble.start()
        path = fresh()
        with client(None, ensemble.addresses[0], tls=False) as zk:
            zk.create(path, b'sealed')
        for address in ensemble.addresses:
            with client(None, address, tls=False) as zk:
                zk.sync(path)
                equal(zk.get(path)[0], b'sealed', address)
        leader = ensemble.leader()
        for port in (leader.quorum_port, leader.election_port):
            with connect(f'127.0.0.1:{port}', place.server) as peer:
                assert peer.version() in ('TLSv1.2', 'TLSv1.3')
            with socket.create_connection(('127.0.0.1', port), timeout=SECONDS) as peer:
                peer.sendall(bytes(64))
                equal(answer_of(peer), b'', 'an answer in plain')
            raises(OSError, speak_without_certificate, port)


def speak_without_certificate(port):
    with connect(f'127.0.0.1:{port}') as peer:
        peer.recv(1)  # TLS 1.3 tells of the refusal only now


def answer_of(peer):
    """What comes until the other side ends the connection; an alert of TLS counts for nothing."""
    said = b''
    try:
        while data := peer.recv(4096):
            said += data
    except ConnectionError:
        pass
    return b'' if said[:1] == b'\x15' else said


@suite.check
def serve_says_what_is_wrong_with_the_files():
    def serve(**options):
        settings = {'coord.client_address': f'127.0.0.1:{free_port()}', 'coord.secure_client_address': f'127.0.0.1:{free_port()}',
                    'coord.data_dir': place.directory + '/none', 'admin.address': '', 'node.roles': 'coord', **{f'coord.{key}': value for key, value in options.items()}}
        run = subprocess.run([Chorus.binary, 'serve', *(word for pair in settings.items() for word in ('--set', '='.join(pair)))],
                             stderr=subprocess.PIPE, text=True, timeout=SECONDS)
        return run.returncode, run.stderr
    status, said = serve()
    equal((status, 'coord.tls_certificate_file' in said), (2, True), said)
    status, said = serve(tls_certificate_file=place.server.certificate, tls_key_file=place.server.key)
    equal((status, 'coord.tls_ca_file' in said), (2, True), said)
    status, said = serve(tls_certificate_file=place.server.certificate, tls_key_file=place.worker.key, tls_verify_client='false')
    equal((status, 'does not belong to the certificate' in said), (1, True), said)
    status, said = serve(tls_certificate_file=place.server.certificate, tls_key_file='/nowhere.pem', tls_verify_client='false')
    equal((status, 'private key /nowhere.pem' in said), (1, True), said)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', choices=servers.KINDS, default='chorus')
    parser.add_argument('--only')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix='chorus-tls-') as directory, contextlib.ExitStack() as stack:
        place = Place(arguments.peer, directory, stack)
        status = suite.run(only=arguments.only)
    sys.exit(status)
