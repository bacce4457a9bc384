"""RocketMQ (NameServer and broker) on loopback, Apache's and Chorus's with the same interface, for tests and benchmarks.

    with rocketmq.start('rocketmq5', directory) as peer:   # or 'rocketmq4', 'chorus'
        peer.namesrv, peer.broker ...                      # HOST:PORT of each
        peer.kill_broker(), peer.start_broker() ...

Data is in `directory`, which the caller owns. Only processes that were started here are ever ended, each by its id.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / 'tests/support'))
from servers import free_port, wait_until  # noqa: E402

CLUSTER = 'DefaultCluster'  # RocketMQ's own default
BROKER = 'broker-a'

# What the scenarios need beyond RocketMQ's defaults, or what would make them wait. A broker that is to pass them is set likewise.
BROKER_SETTINGS = {
    'autoCreateTopicEnable': 'true', 'enablePropertyFilter': 'true', 'timerWheelEnable': 'true', 'recallMessageEnable': 'true',
    'transactionTimeOut': 2000, 'transactionCheckInterval': 1000,
    'transactionOpBatchInterval': 100,  # 5 writes down what was decided so late; above transactionTimeOut it asks about decided ones too
}
# Small files, so that start and end are quick, and patience with a machine that is busy with other things: nothing that a client sees.
STORAGE_SETTINGS = {
    'mappedFileSizeCommitLog': 64 << 20, 'mappedFileSizeConsumeQueue': 6000 * 20, 'mappedFileSizeTimerLog': 4 << 20,
    'maxHashSlotNum': 50000, 'maxIndexNum': 200000, 'timerWheelSlotNum': 8 * 24 * 3600,
    'transientStorePoolEnable': 'false', 'warmMapedFileEnable': 'false', 'diskMaxUsedSpaceRatio': 98,
    'waitTimeMillsInSendQueue': 5000, 'waitTimeMillsInTransactionQueue': 10000, 'osPageCacheBusyTimeOutMills': 10000,
}
QUICK_JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']  # starts in half the time; not what a benchmark may use
# What the release's own runbroker.sh gives it besides the heap (there 8g): for benchmarks.
RELEASE_JVM = ['-server', '-XX:+UseG1GC', '-XX:G1HeapRegionSize=16m', '-XX:G1ReservePercent=25', '-XX:InitiatingHeapOccupancyPercent=30',
               '-XX:SoftRefLRUPolicyMSPerMB=0', '-XX:-OmitStackTraceInFastThrow', '-XX:+AlwaysPreTouch', '-XX:MaxDirectMemorySize=15g',
               '-XX:-UseLargePages']
ADD_OPENS = ['--add-opens=java.base/java.nio=ALL-UNNAMED', '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
             '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED']  # as the release's own start scripts, for Java above 8


def free_ports():
    """(NameServer, broker): the broker listens on its port, on that - 2 (its VIP port) and on that + 1 (for slaves)."""
    return free_port(), free_port(around=(-2, 0, 1))


def fetch(line):
    """The folder of jars of RocketMQ 5 or 4."""
    done = subprocess.run([ROOT / 'scripts/fetch-rocketmq', str(line)], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f'RocketMQ {line} could not be fetched, see above')
    return pathlib.Path(done.stdout.strip())


def class_path(line):
    return f'{fetch(line)}/*'


def call(address, code, header=None, body=b'', timeout=5.0):
    """One request in RocketMQ's remoting protocol; returns (code, header of the answer, body). Raises OSError when nobody answers."""
    host, port = address.rsplit(':', 1)
    head = json.dumps({'code': code, 'language': 'PYTHON', 'version': 473, 'opaque': 1, 'flag': 0, 'extFields': header or {}}).encode()
    with socket.create_connection((host, int(port)), timeout=timeout) as s:
        s.sendall(struct.pack('>ii', 4 + len(head) + len(body), len(head)) + head + body)
        file = s.makefile('rb')

        def take(n):
            octets = file.read(n)
            if len(octets) != n:
                raise ConnectionError(f'{address} closed the connection')
            return octets
        total, mark = struct.unpack('>ii', take(8))
        head = json.loads(take(mark & 0xffffff))
        return head['code'], head.get('extFields') or {}, take(total - 4 - (mark & 0xffffff))


def answers(address, code, header=None):
    """Whether the server answers that request with success."""
    try:
        return call(address, code, header)[0] == 0
    except OSError:
        return False


class Peer:
    """A NameServer and a broker, started and ended any number of times on the same ports and data."""
    name = ''

    def __init__(self, directory, options=None, ports=None, heap='512m', jvm=tuple(QUICK_JVM), storage=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.options = dict(options or {})  # broker settings in RocketMQ's spelling, over those above
        self.heap, self.jvm = heap, jvm
        self.storage = STORAGE_SETTINGS if storage is None else storage
        self.namesrv_port, self.broker_port = ports or free_ports()
        self.namesrv = f'127.0.0.1:{self.namesrv_port}'
        self.broker = f'127.0.0.1:{self.broker_port}'
        self.processes = {}
        self.start_seconds = 0.0

    def log_path(self, role):
        return self.directory / f'{self.name}-{role}.log'

    def spawn(self, role, command):
        assert role not in self.processes or self.processes[role].poll() is not None, 'it still runs'
        with open(self.log_path(role), 'ab') as log:
            self.processes[role] = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.directory,
                                                    env={**os.environ, 'ROCKETMQ_HOME': str(self.directory)})

    def wait_ready(self, role, ready, seconds=90.0):
        def check():
            status = self.processes[role].poll()
            if status is not None:
                raise RuntimeError(f'{self.name} {role} ended with status {status}:\n{self.log_tail(role)}')
            return ready()
        wait_until(check, f'{self.name} {role} serves', seconds, every=0.05)

    def broker_is_registered(self):
        """Clients find the topic from which others are created, and the broker answers, if only that one must be known to it."""
        if not answers(self.namesrv, 105, {'topic': 'TBW102'}):
            return False
        try:
            return call(self.broker, 28)[0] is not None
        except OSError:
            return False

    def start(self):
        raise NotImplementedError

    def log_tail(self, role, lines=15):
        return '\n'.join(self.log_path(role).read_text(errors='replace').splitlines()[-lines:])

    def pid(self, role='broker'):
        return self.processes[role].pid

    def kill(self, role):
        process = self.processes.get(role)
        if process and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def stop(self, seconds=30.0):
        """SIGTERM, the broker first."""
        for process in reversed(self.processes.values()):
            if process.poll() is None:
                process.terminate()
                process.wait(seconds)

    def restart_broker(self, how):
        """The broker is killed ('kill') or ended in order ('stop'), and serves again on the same data."""
        if how == 'kill':
            self.kill('broker')
        else:
            self.processes['broker'].terminate()
            self.processes['broker'].wait(60)
        self.start_broker()

    def start_broker(self):
        raise NotImplementedError

    def running(self):
        return all(process.poll() is None for process in self.processes.values())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for role in self.processes:
            self.kill(role)


class Running(Peer):
    """One that somebody else started, and ends; `name` says of which kind it is."""

    def __init__(self, namesrv, name):
        self.name, self.namesrv, self.processes, self.start_seconds = name, namesrv, {}, 0.0
        # In a form that is not JSON, the number of the broker has no quotes; the address is text all the same.
        text = call(namesrv, 106)[2].decode()
        self.broker = re.search(r'"brokerAddrs":\{"?0"?:"([^"]+)"', text).group(1)


class Apache(Peer):
    """Apache RocketMQ's own NameServer and broker: one master, which answers once a message is in its page cache.

    SYNC_FLUSH in place of that: options={'flushDiskType': 'SYNC_FLUSH'}.
    """
    line = 0
    missing = 'java or mvn is not there: scripts/install-dependencies --test'

    @classmethod
    def available(cls):
        return bool(shutil.which('java') and shutil.which('mvn'))

    def java(self, main, heap, *arguments):
        # Log and offset files go below user.home.
        return ['java', f'-Xms{heap}', f'-Xmx{heap}', *self.jvm, f'-Duser.home={self.directory}', *ADD_OPENS,
                '-cp', class_path(self.line), main, *arguments]

    def settings(self):
        store = self.directory / 'store'
        return {'brokerClusterName': CLUSTER, 'brokerName': BROKER, 'brokerId': 0, 'brokerIP1': '127.0.0.1', 'bindAddress': '127.0.0.1', 'listenPort': self.broker_port,
                'haListenPort': self.broker_port + 1, 'namesrvAddr': self.namesrv, 'brokerRole': 'ASYNC_MASTER', 'flushDiskType': 'ASYNC_FLUSH',
                'storePathRootDir': store, 'storePathCommitLog': store / 'commitlog', **self.storage, **BROKER_SETTINGS, **self.options}

    def write_settings(self, name, settings):
        path = self.directory / name
        path.write_text(''.join(f'{key}={value}\n' for key, value in settings.items()))
        return str(path)

    def start_namesrv(self):
        settings = self.write_settings('namesrv.properties', {'listenPort': self.namesrv_port, 'orderMessageEnable': 'true', 'bindAddress': '127.0.0.1',
                                                              'kvConfigPath': self.directory / 'kvConfig.json'})
        self.spawn('namesrv', self.java('org.apache.rocketmq.namesrv.NamesrvStartup', '128m', '-c', settings))
        self.wait_ready('namesrv', lambda: answers(self.namesrv, 206))

    def start_broker(self):
        settings = self.write_settings('broker.properties', self.settings())
        self.spawn('broker', self.java('org.apache.rocketmq.broker.BrokerStartup', self.heap, '-c', settings))
        self.wait_ready('broker', self.broker_is_registered)

    def start(self):
        before = time.monotonic()
        self.start_namesrv()
        self.start_broker()
        self.start_seconds = time.monotonic() - before
        return self


class RocketMQ5(Apache):
    name = 'rocketmq5'
    line = 5


class RocketMQ4(Apache):
    """The last line of clients' and servers' first generation: no timer wheel, no POP mode, no recall."""
    name = 'rocketmq4'
    line = 4

    def start(self):
        for role in ('namesrv', 'broker'):  # it wants a file of its own for what it logs
            path = self.directory / f'conf/logback_{role}.xml'
            path.parent.mkdir(exist_ok=True)
            path.write_text('<configuration><appender name="out" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>'
                            '%d %-5level %logger{0} - %msg%n</pattern></encoder></appender>'
                            '<root level="ERROR"><appender-ref ref="out"/></root></configuration>\n')
        return super().start()


class Chorus(Peer):
    """Our NameServer and broker in one process, on what `options` say in RocketMQ's spelling."""
    name = 'chorus'
    binary = pathlib.Path(os.environ.get('CHORUS_BINARY', ROOT / 'build/release/chorus'))
    missing = 'build/release/chorus is not there: make build'

    @classmethod
    def available(cls):
        return cls.binary.exists()

    # What RocketMQ calls its settings, and we; the rest is about how it keeps its files.
    SPELLINGS = {'autoCreateTopicEnable': 'mq.auto_create_topic', 'enablePropertyFilter': 'mq.property_filter',
                 'recallMessageEnable': 'mq.recall_messages', 'transactionTimeOut': 'mq.transaction_timeout_ms',
                 'transactionCheckInterval': 'mq.transaction_check_interval_ms', 'transactionCheckMax': 'mq.transaction_check_max',
                 'messageDelayLevel': 'mq.delay_levels', 'brokerName': 'mq.broker_name', 'brokerClusterName': 'mq.cluster',
                 'defaultTopicQueueNums': 'mq.default_topic_queues', 'autoCreateSubscriptionGroup': 'mq.auto_create_group',
                 'aclEnable': 'mq.acl_enabled', 'authenticationEnabled': 'mq.authentication_enabled',
                 'authorizationEnabled': 'mq.authorization_enabled', 'initAuthenticationUser': 'mq.init_authentication_user'}

    def settings(self):
        said = {**BROKER_SETTINGS, **self.options}
        accounts = self.directory / 'conf/plain_acl.yml'
        guarded = {'mq.acl_file': accounts if 'aclEnable' in said else '', 'mq.tree_credentials': 'brokers:of the tests'}
        # RocketMQ's test mode makes a certificate of its own at each start, which clients take unseen.
        key, certificate = self.directory / 'key.pem', self.directory / 'certificate.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '7', '-subj', '/CN=broker',
                        '-keyout', key, '-out', certificate], check=True, stderr=subprocess.DEVNULL)
        return {'mq.tls_certificate_file': certificate, 'mq.tls_key_file': key, 'mq.name_server_address': self.namesrv, 'mq.broker_address': self.broker, 'mq.data_dir': self.directory / 'store',
                'mq.broker_name': BROKER, 'mq.cluster': CLUSTER,
                'coord.client_address': f'127.0.0.1:{free_port()}', 'coord.data_dir': self.directory / 'coord', 'admin.address': '', 'node.roles': 'coord,mq',
                'mq.disk_used_clean_percent': 99, 'mq.disk_used_refuse_percent': 99, **guarded,
                **{self.SPELLINGS[key]: value for key, value in said.items() if key in self.SPELLINGS},
                **{key: value for key, value in self.options.items() if '.' in key}}

    def start_broker(self):
        command = [str(self.binary), 'serve']
        for key, value in self.settings().items():
            command += ['--set', f'{key}={value}']
        self.spawn('broker', command)
        self.wait_ready('broker', self.broker_is_registered)

    def start(self):
        before = time.monotonic()
        self.start_broker()
        self.start_seconds = time.monotonic() - before
        return self


KINDS = {'rocketmq5': RocketMQ5, 'rocketmq4': RocketMQ4, 'chorus': Chorus}


def start(kind, directory, options=None, ports=None):
    """A running peer, to be used with `with`."""
    peer = KINDS[kind](directory, options, ports)
    try:
        return peer.start()
    except BaseException:
        with contextlib.suppress(Exception):
            peer.__exit__()
        raise


@contextlib.contextmanager
def running(namesrv, name):
    """The peer of that kind that already runs behind this NameServer."""
    yield Running(namesrv, name)
