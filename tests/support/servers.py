"""ZooKeeper servers as child processes on loopback: ours and Java's, with the same interface, for tests and benchmarks.

    with servers.start('chorus', directory) as server:   # or 'java'
        server.address, server.pid, server.kill(), server.start() ...

Data is in `directory`, which the caller owns. Only processes that were started here are ever ended, each by its id.
"""
import contextlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
JAVA_JARS = ['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-nop', 'netty-handler', 'netty-transport',
             'netty-buffer', 'netty-common', 'netty-codec', 'netty-resolver', 'snappy-java', 'metrics-core',
             'commons-cli', 'commons-io', 'jline2']
JAVA_HEAP = '-Xmx1000m'  # what ZooKeeper's own zkServer.sh sets (ZK_SERVER_HEAP)


def java_class_path():
    return ':'.join(f'/usr/share/java/{jar}.jar' for jar in JAVA_JARS)


_dice = random.Random()
_given = set()


def free_port(around=(0,)):
    """A free port of loopback that no outgoing connection will ever take, so that a server finds it free again when it comes back. With
    `around`: so are those at these distances from it."""
    while True:
        first = _dice.randrange(10000, 32000)
        ports = {first + distance for distance in around}
        if ports & _given:
            continue
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in ports:
                held.enter_context(socket.socket()).bind(('127.0.0.1', port))
            _given.update(ports)
            return first


def wait_until(condition, what, seconds=30.0, every=0.002):
    """Returns the first true value of `condition`; raises TimeoutError with `what` when none came."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f'{what}: not within {seconds:g} s')
        time.sleep(every)


def told(failure):
    """What an exception says, and the lines that it came through."""
    way = ' '.join(f'{pathlib.Path(f.filename).name}:{f.lineno}' for f in traceback.extract_tb(failure.__traceback__)[1:])
    return f'{type(failure).__name__}: {failure} ({way})'


def four_letters(address, word, timeout=5.0):
    """The answer to a four-letter word; raises OSError when nobody listens."""
    host, port = address.rsplit(':', 1)
    with socket.create_connection((host, int(port)), timeout=timeout) as s:
        s.sendall(word.encode())
        answer = b''
        while chunk := s.recv(65536):
            answer += chunk
    return answer.decode('utf-8', 'replace')


def serves(address):
    """Whether the server answers and is ready for sessions. Asking leaves no trace in its tree or zxid."""
    try:
        return 'Mode: ' in four_letters(address, 'srvr')
    except OSError:
        return False


class Server:
    """One server on one data directory, started and ended any number of times on the same port."""
    name = ''

    def __init__(self, directory, port=None, options=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.options = dict(options or {})
        self.address = f'127.0.0.1:{self.port}'
        self.log_path = self.directory / f'{self.name}.log'
        self.process = None
        self.start_seconds = 0.0

    def command(self):
        raise NotImplementedError

    def spawn(self, **popen):
        """Starts the process without waiting for it to serve."""
        assert self.process is None or self.process.poll() is not None, 'it still runs'
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            cwd=self.directory, **popen)
        return self

    def start(self, seconds=60.0, **popen):
        """Starts it and waits until it is ready for sessions; start_seconds is how long that took."""
        before = time.monotonic()
        self.spawn(**popen)

        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f'{self.name} ended with status {self.process.returncode}:\n{self.log_tail()}')
            return serves(self.address)
        wait_until(ready, f'{self.name} serves', seconds)
        self.start_seconds = time.monotonic() - before
        return self

    @property
    def pid(self):
        return self.process.pid

    def log_tail(self, lines=15):
        return '\n'.join(self.log_path.read_text(errors='replace').splitlines()[-lines:])

    def resident_bytes(self):
        pages = int(pathlib.Path(f'/proc/{self.pid}/statm').read_text().split()[1])
        return pages * os.sysconf('SC_PAGE_SIZE')

    def kill(self):
        """kill -9, at once and without ceremony."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        return self.process.wait()

    def stop(self, seconds=30.0):
        """SIGTERM; returns the exit status."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.kill()


class JavaZooKeeper(Server):
    """Debian's ZooKeeper, standalone, with its defaults but for what `options` (lines of zoo.cfg) say."""
    name = 'java'

    @staticmethod
    def available():
        return shutil.which('java') and pathlib.Path('/usr/share/java/zookeeper.jar').exists()

    def data_directory(self):
        return self.directory / 'data'

    def command(self):
        config = {'tickTime': 2000, 'dataDir': self.data_directory(), 'clientPort': self.port, 'clientPortAddress': '127.0.0.1',
                  'admin.enableServer': 'false', 'maxClientCnxns': 0, '4lw.commands.whitelist': '*', **self.options}
        path = self.directory / 'zoo.cfg'
        path.write_text(''.join(f'{key}={value}\n' for key, value in config.items()))
        return ['java', JAVA_HEAP, '-Dzookeeper.extendedTypesEnabled=true', '-cp', java_class_path(),
                'org.apache.zookeeper.server.quorum.QuorumPeerMain', str(path)]


class Chorus(Server):
    """Our server, with the settings that the Java one has here; `options` are further --set KEY=VALUE."""
    name = 'chorus'
    binary = pathlib.Path(os.environ.get('CHORUS_BINARY', ROOT / 'build/release/chorus'))

    @classmethod
    def available(cls):
        return cls.binary.exists()

    def data_directory(self):
        return self.directory / 'data'

    def command(self):
        settings = {'coord.client_address': self.address, 'coord.data_dir': self.data_directory(), 'coord.tick_time_ms': 2000,
                    'coord.max_client_connections': 0, 'admin.address': '', 'node.roles': 'coord', **self.options}
        command = [str(self.binary), 'serve']
        for key, value in settings.items():
            command += ['--set', f'{key}={value}']
        return command


KINDS = {'chorus': Chorus, 'java': JavaZooKeeper}


def start(kind, directory, port=None, options=None):
    """A running server, to be used with `with`."""
    server = KINDS[kind](directory, port, options)
    try:
        return server.start()
    except BaseException:
        with contextlib.suppress(Exception):
            server.kill()
        raise
