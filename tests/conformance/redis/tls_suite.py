#!/usr/bin/python3
"""Redis' own client by TLS: redis-cli --tls against a Chorus with a certificate, with and without one of the client's own.

usage: tls_suite.py [--peer chorus] [--only PATTERN]
"""
import argparse
import contextlib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / 'support'), str(HERE.parent / 'tls')]
import certificates  # noqa: E402
import checks  # noqa: E402
import differential_suite  # noqa: E402
import servers  # noqa: E402


def redis_cli(port, authority, *words, pair=None):
    """(status, output) of redis-cli by TLS."""
    own = ['--cert', pair.certificate, '--key', pair.key] if pair else []
    done = subprocess.run(['redis-cli', '-h', 'localhost', '-p', str(port), '--tls', '--cacert', authority.certificate, *own, *words],
                          capture_output=True, text=True, timeout=30)
    return done.returncode, (done.stdout + done.stderr).strip()


def command(port, secure, pair, authority, verify):
    settings = {'cache.secure_address': f'127.0.0.1:{secure}', 'cache.tls_certificate_file': pair.certificate, 'cache.tls_key_file': pair.key,
                'cache.tls_ca_file': authority.certificate, 'cache.tls_verify_client': str(verify).lower()}
    return [*differential_suite.chorus_command(port), *(word for key, value in settings.items() for word in ('--set', f'{key}={value}'))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', choices=['chorus', 'java'], default='chorus')
    parser.add_argument('--only')
    arguments = parser.parse_args()
    suite = checks.Suite('redistls')
    with tempfile.TemporaryDirectory(prefix='chorus-redis-tls-') as directory:
        authority, stranger = certificates.Authority(directory, 'ours'), certificates.Authority(directory, 'strangers')
        server, user, other = authority.sign('server', '/CN=localhost', 'server'), authority.sign('user', '/CN=user', 'user'), stranger.sign('user', '/CN=user', 'user')

        def one_store(verify, check):
            def run():
                port, secure = servers.free_port(), servers.free_port()
                with differential_suite.running(command(port, secure, server, authority, verify), port, directory):
                    check(port, secure)
            return run

        def plain_and_secure(port, secure):
            checks.equal(redis_cli(secure, authority, 'set', 'a', 'x' * 100_000), (0, 'OK'), 'SET by TLS')
            plain = subprocess.run(['redis-cli', '-p', str(port), 'strlen', 'a'], capture_output=True, text=True, timeout=30, check=True).stdout.strip()
            checks.equal(plain, '100000', 'the same data without TLS')
            checks.equal(redis_cli(secure, authority, 'config', 'get', 'tls-port'), (0, f'tls-port\n{secure}'), 'tls-port')
            assert redis_cli(secure, stranger, 'ping')[0] != 0, 'a client that trusts another authority took our certificate'

        def clients_show_certificates(_, secure):
            checks.equal(redis_cli(secure, authority, 'ping', pair=user), (0, 'PONG'), 'a certificate of ours')
            assert 'PONG' not in redis_cli(secure, authority, 'ping')[1], 'a client without a certificate was taken'
            assert 'PONG' not in redis_cli(secure, authority, 'ping', pair=other)[1], 'a certificate of strangers was taken'

        def replication_inside_tls():
            with contextlib.ExitStack() as ended:
                ports, secure = {}, {}
                for kind in ('redis', 'chorus'):
                    ports[kind], secure[kind] = servers.free_port(), servers.free_port()
                    folder = pathlib.Path(directory) / kind
                    folder.mkdir()
                    if kind == 'redis':
                        start = [*differential_suite.redis_command(ports[kind]), '--tls-port', str(secure[kind]), '--tls-cert-file', server.certificate,
                                 '--tls-key-file', server.key, '--tls-ca-cert-file', authority.certificate, '--tls-auth-clients', 'no', '--tls-replication', 'yes',
                                 '--repl-diskless-sync-delay', '0']
                    else:
                        start = [*command(ports[kind], secure[kind], server, authority, False), '--set', 'cache.repl_tls=true', '--set', f'cache.data_dir={folder}',
                                 '--set', 'cache.repl_diskless_sync_delay_s=0']
                    ended.enter_context(differential_suite.running(start, ports[kind], folder))
                links = {kind: differential_suite.Connection(port) for kind, port in ports.items()}
                for primary, replica in (('redis', 'chorus'), ('chorus', 'redis')):
                    links[primary].ask(b'SET', b'from', primary.encode())
                    checks.equal(links[replica].ask(b'REPLICAOF', b'127.0.0.1', b'%d' % secure[primary]), b'+OK\r\n', 'REPLICAOF')
                    servers.wait_until(lambda: b'master_link_status:up' in links[replica].ask(b'INFO', b'replication'), f'{replica} follows {primary}', every=0.05)
                    assert b'port=%d,' % secure[replica] in links[primary].ask(b'INFO', b'replication'), 'the secure port is not told'
                    links[primary].ask(b'INCR', b'n')
                    checks.equal(links[primary].ask(b'WAIT', b'1', b'5000'), b':1\r\n', 'WAIT')
                    checks.equal(links[replica].ask(b'GET', b'from'), b'$%d\r\n%s\r\n' % (len(primary), primary.encode()), 'a key')
                    links[replica].ask(b'REPLICAOF', b'NO', b'ONE')

        suite.add('replication_inside_tls', replication_inside_tls)
        suite.add('plain_and_secure', one_store(False, plain_and_secure))
        suite.add('clients_show_certificates', one_store(True, clients_show_certificates))
        return suite.run(only=arguments.only)


if __name__ == '__main__':
    sys.exit(main())
