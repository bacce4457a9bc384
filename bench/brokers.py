"""Chorus and RocketMQ 5 as the benchmark of messaging runs them, and what it asks the kernel about them."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

from side_by_side import PROGRAMS, ROOT

sys.path.insert(0, str(ROOT / 'tests/support/rocketmq'))
import rocketmq  # noqa: E402
from servers import free_port, wait_until  # noqa: E402

KINDS = ('chorus', 'rocketmq5')
NAMES = {'chorus': 'Chorus', 'rocketmq5': 'RocketMQ'}
PATIENCE_SECONDS = 240
FIRST_TOPIC = 'first'
RELEASE_HEAP_MIB = 8192


def heap(quick):
    """What the release's own start script gives a broker; a third of the memory where there is less than twice that."""
    if quick:
        return '512m'
    total = int(re.search(r'MemTotal: +(\d+) kB', pathlib.Path('/proc/meminfo').read_text()).group(1)) // 1024
    return f'{RELEASE_HEAP_MIB if total >= 2 * RELEASE_HEAP_MIB else total // 3}m'


def disk_counts(directory):
    """(octets written, flushes) of the disk below a directory, whoever caused them; None where the kernel does not tell."""
    device = os.stat(directory).st_dev
    try:
        fields = pathlib.Path(f'/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat').read_text().split()
    except OSError:
        return None
    sector_octets, written, flushes = 512, 6, 15  # source: the kernel's Documentation/block/stat.rst
    return int(fields[written]) * sector_octets, int(fields[flushes]) if len(fields) > flushes else 0


class Timed:
    """A peer whose start ends when a message is acknowledged, looked for each few milliseconds."""

    def wait_ready(self, role, ready, seconds=PATIENCE_SECONDS):
        def check():
            status = self.processes[role].poll()
            if status is not None:
                raise RuntimeError(f'{self.name} {role} ended with status {status}:\n{self.log_tail(role)}')
            return ready() and (role != 'broker' or self.takes_a_message())
        wait_until(check, f'{self.name} {role} serves', seconds, every=0.005)

    def takes_a_message(self):
        header = {'a': 'first', 'b': FIRST_TOPIC, 'c': 'TBW102', 'd': '4', 'e': '0', 'f': '0', 'g': str(int(time.time() * 1000)), 'h': '0',
                  'i': 'WAIT\1true\2', 'j': '0', 'k': 'false', 'm': 'false'}
        try:
            return rocketmq.call(self.broker, 310, header, b'first')[0] == 0
        except OSError:
            return False

    def pids(self):
        return [process.pid for process in self.processes.values()]

    def memory_mib(self):
        """(resident, anonymous) of all processes."""
        sums = [0, 0]
        for pid in self.pids():
            status = pathlib.Path(f'/proc/{pid}/status').read_text()
            for i, what in enumerate(('VmRSS', 'RssAnon')):
                sums[i] += int(re.search(rf'{what}:\s+(\d+) kB', status).group(1)) / 1024
        return tuple(sums)

    def cpu_seconds(self):
        ticks = 0
        for pid in self.pids():
            fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf('SC_CLK_TCK')


class Chorus(Timed, rocketmq.Chorus):
    """Its defaults, but for where it listens and keeps its data, and a disk that may be fuller."""

    def settings(self):
        return {'mq.name_server_address': self.namesrv, 'mq.broker_address': self.broker, 'mq.data_dir': self.directory / 'store',
                'mq.broker_name': rocketmq.BROKER, 'mq.flush': 'sync', 'coord.client_address': f'127.0.0.1:{free_port()}',
                'coord.data_dir': self.directory / 'coord', 'admin.address': '', 'cache.data_dir': self.directory / 'cache',
                'mq.disk_used_clean_percent': 99, 'mq.disk_used_refuse_percent': 99}


class RocketMQ(Timed, rocketmq.RocketMQ5):
    """Its defaults, but for what is measured (SYNC_FLUSH), what its release advises for that, and a disk that may be fuller."""

    def settings(self):
        tests_only = set(rocketmq.BROKER_SETTINGS)
        return {'diskMaxUsedSpaceRatio': 98, **{key: value for key, value in super().settings().items() if key not in tests_only}}


def create(kind, directory, send_threads, quick):
    """Not started yet."""
    if kind == 'chorus':
        return Chorus(directory)
    options = {'flushDiskType': 'SYNC_FLUSH', 'sendMessageThreadPoolNums': send_threads}
    if quick:
        return RocketMQ(directory, options, heap=heap(quick))
    return RocketMQ(directory, options, heap=heap(quick), jvm=rocketmq.RELEASE_JVM, storage={})


def missing():
    """What has to be there before it can begin, in words; empty when all is there."""
    return [cls.missing for cls in (Chorus, RocketMQ) if not cls.available()] + [
        f'{name} is not there: {how}' for name, how in (('javac', 'scripts/install-dependencies --test'),) if not shutil.which(name)]


def java_producers(peer, topic, threads, body, warm_up, seconds):
    """What the real Java client achieves: the report of Producers.java, with the CPU time of servers and client meanwhile."""
    command = ['java', '-Xms256m', '-Xmx512m', f'-Duser.home={peer.directory}', '-cp', rocketmq.class_path(5),
               ROOT / 'bench/rocketmq/Producers.java', peer.namesrv, topic, threads, body, warm_up, seconds]
    with open(peer.directory / 'producers.log', 'wb') as log, \
            subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=log, text=True) as client:
        def client_cpu():
            times = pathlib.Path(f'/proc/{client.pid}/stat').read_text().rsplit(')', 1)[1].split()[11:13]
            return sum(map(int, times)) / os.sysconf('SC_CLK_TCK')
        line = client.stdout.readline()
        while line and line.strip() != 'measuring':  # the client may say other things
            line = client.stdout.readline()
        before = (peer.cpu_seconds(), client_cpu()) if line else None
        time.sleep(seconds if line else 0)
        after = (peer.cpu_seconds(), client_cpu()) if line else None
        rest = client.stdout.read()
    found = re.search(r'^\{"seconds".*\}$', rest, re.M)
    if not found or client.returncode != 0:
        sys.exit(f'Producers.java ended with status {client.returncode}:\n{(peer.directory / "producers.log").read_text()[-2000:]}')
    out = json.loads(found.group(0))
    out.update(server_cpu_seconds=after[0] - before[0], client_cpu_seconds=after[1] - before[1])
    return out


SYNCS = ('fsync', 'fdatasync', 'msync', 'sync_file_range')


def system_calls(peer, count, in_flight, arguments):
    """{'calls': a message, 'syncs': a message} of the broker under load, told by strace, which slows it down a lot; None without it."""
    if not shutil.which('strace'):
        return None
    counts = peer.directory / 'strace.txt'
    with subprocess.Popen(['strace', '-f', '-c', '-o', str(counts), '-p', str(peer.pid())], stderr=subprocess.PIPE, text=True) as tracer:
        said = tracer.stderr.readline()
        if 'attached' not in said:
            tracer.wait()
            return None
        command = (PROGRAMS / 'mq_load', '--broker', peer.broker, '--warm-up', 0, '--count', count, *arguments)
        load = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()
    if load.returncode not in (0, 3):
        return None
    # What was on its way when the count was reached was answered too.
    return parse_calls(counts.read_text(), json.loads(load.stdout)['produced']['messages'] + in_flight)


def parse_calls(text, messages):
    """From strace's table: % time, seconds, usecs/call, calls, [errors,] name."""
    rows = re.findall(r'^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$', text, re.M)
    calls = {name: int(count) for count, name in rows if name != 'total'}
    return {'calls': sum(calls.values()) / messages, 'syncs': sum(calls.get(name, 0) for name in SYNCS) / messages,
            'by_name': dict(sorted(calls.items(), key=lambda item: -item[1])[:12])}
