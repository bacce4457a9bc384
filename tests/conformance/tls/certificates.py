"""Authorities and certificates by the `openssl` command, made anew for each run so that none expires in the repository."""
import collections
import pathlib
import subprocess

Pair = collections.namedtuple('Pair', 'certificate key')  # PEM files

CONFIG = '''
[req]
distinguished_name = subject
string_mask = utf8only
[subject]
[authority]
basicConstraints = critical, CA:true
[server]
subjectAltName = DNS:localhost, IP:127.0.0.1
[user]
basicConstraints = CA:false
'''


class Authority:
    def __init__(self, directory, name):
        self.directory = pathlib.Path(directory)
        self.name = name
        self.config = self.directory / f'{name}.cnf'
        self.config.write_text(CONFIG)
        self.pair = self.make(name, f'/CN={name}', 'authority')
        self.certificate = self.pair.certificate

    def make(self, name, subject, kind, *more):
        pair = Pair(str(self.directory / f'{name}.pem'), str(self.directory / f'{name}.key'))
        subprocess.run(['openssl', 'req', '-x509', '-config', self.config, '-extensions', kind, '-utf8', '-multivalue-rdn',
                        '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '2', '-subj', subject,
                        '-out', pair.certificate, '-keyout', pair.key, *more], check=True, capture_output=True)
        return pair

    def sign(self, name, subject, kind):
        """kind: server (for localhost) or user; subject: as `openssl req -subj` takes it."""
        return self.make(f'{self.name}-{name}', subject, kind, '-CA', self.pair.certificate, '-CAkey', self.pair.key)


def in_one_file(pair):
    """Certificate and key in one file, as ZooKeeper's PEM key stores are."""
    path = pathlib.Path(pair.certificate).with_suffix('.both.pem')
    path.write_text(pathlib.Path(pair.certificate).read_text() + pathlib.Path(pair.key).read_text())
    return str(path)
