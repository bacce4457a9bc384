#!/usr/bin/python3
"""A cluster of caches under Redis' own tools and clients: cluster_suite.py [--peer chorus] [--only PATTERN]

redis-cli makes the cluster, checks it and takes nodes out; clients of this file, ioredis from npm, go-redis and Jedis count in it while slots move, by
Chorus' tool and by Redis'; Debian's python3-redis uses it. Each check goes on with the cluster as the one before has left it.
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / 'support')]
import checks  # noqa: E402
import servers  # noqa: E402
from differential_suite import Connection  # noqa: E402

ROOT = HERE.parents[2]
CHORUS = str(servers.Chorus.binary)
suite = checks.Suite('rediscluster')


class Process:
    def __init__(self, directory, name, arguments):
        self.log = pathlib.Path(directory) / f'{name}.log'
        self.command = [CHORUS, 'serve', *(word for each in arguments for word in ('--set', each)), '--set', 'admin.address=']
        self.process = None
        self.start()

    def start(self):
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


class Cluster:
    def __init__(self, directory):
        self.directory = directory
        self.tree = f'127.0.0.1:{servers.free_port()}'
        self.nodes = {}
        self.server = Process(directory, 'tree', ['node.roles=coord', f'coord.client_address={self.tree}', f'coord.data_dir={directory}/tree'])
        servers.wait_until(lambda: servers.serves(self.tree), 'the tree serves')

    def add(self):
        port = servers.free_port((0, 10000))
        self.nodes[port] = Process(self.directory, f'node-{port}', [
            'node.roles=cache', f'coord.connect={self.tree}', f'cache.address=127.0.0.1:{port}', 'cache.cluster_enabled=true',
            f'cache.cluster_config_file={self.directory}/nodes-{port}.conf', f'cache.data_dir={self.directory}/data-{port}',
            'cache.cluster_node_timeout_ms=4000'])
        servers.wait_until(lambda: self.ask(port, 'PING') == b'+PONG\r\n', f'the node at {port} answers')
        servers.wait_until(lambda: self.id(port) in {node['id'] for node in self.status()['nodes'] if node['runs']}, f'the node at {port} is in the tree')
        return port

    def end(self):
        for process in (*self.nodes.values(), self.server):
            process.end()

    def ports(self):
        return list(self.nodes)

    def ask(self, port, *words):
        with contextlib.suppress(OSError):
            connection = Connection(port)
            try:
                return connection.ask(*(word.encode() for word in words))
            finally:
                connection.close()
        return b''

    def id(self, port):
        return self.ask(port, 'CLUSTER', 'MYID').split(b'\r\n')[1].decode()

    def tool(self, *words, expected=0):
        done = subprocess.run([CHORUS, 'cache', *words, '--server', self.tree], capture_output=True, text=True, timeout=120)
        assert done.returncode == expected, f'chorus cache {words} ended with {done.returncode}\n{done.stdout}{done.stderr}'
        return done.stdout

    def status(self):
        return json.loads(self.tool('status', '--json'))

    def is_ok(self, ports=None):
        return all(b'cluster_state:ok' in self.ask(port, 'CLUSTER', 'INFO') for port in ports or self.ports())


def redis_cli(*words, expected=0, text=None):
    done = subprocess.run(['redis-cli', *words], capture_output=True, text=True, timeout=120, input=text)
    assert done.returncode == expected, f'redis-cli {words} ended with {done.returncode}\n{done.stdout}{done.stderr}'
    return done.stdout


class Counting:
    """Clients that count, and know what was acknowledged: used with `with`, while something else goes on."""

    begun = 0

    def __init__(self, cluster, keys=60, threads=3):
        Counting.begun += 1
        self.cluster, self.threads, self.is_over = cluster, [], False
        self.keys = [f'count:{Counting.begun}:{i}' for i in range(keys)]
        self.acknowledged = collections.Counter()
        self.slowest = 0.0
        self.problems = []
        self.lock = threading.Lock()
        self.number = threads

    def __enter__(self):
        self.threads = [threading.Thread(target=self.count, args=(i,)) for i in range(self.number)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        for thread in self.threads:
            thread.join()

    def count(self, number):
        dice = random.Random(number)
        try:
            connections, owner = {}, {}
            while not self.is_over:
                # Each thread has keys of its own, so that it knows what comes next.
                key = self.keys[dice.randrange(len(self.keys) // self.number) * self.number + number]
                began = time.monotonic()
                port = owner.get(key) or dice.choice(self.cluster.ports())
                for _ in range(200):
                    if port not in connections:
                        connections[port] = Connection(port)
                    reply = connections[port].ask(b'INCR', key.encode())
                    if moved := re.fullmatch(rb'-(?:MOVED|ASK) \d+ 127\.0\.0\.1:(\d+)\r\n', reply):
                        port = int(moved[1])
                        continue
                    break
                owner[key] = port
                with self.lock:
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    self.acknowledged[key] += 1
                    if reply != b':%d\r\n' % self.acknowledged[key]:
                        self.problems.append(f'INCR {key} gave {reply!r} in place of {self.acknowledged[key]}')
                        return
        except OSError as e:
            with self.lock:
                self.problems.append(servers.told(e))

    def check(self):
        assert not self.problems, self.problems
        assert sum(self.acknowledged.values()) > 300, f'only {sum(self.acknowledged.values())} were counted'
        for key, count in self.acknowledged.items():
            answer = redis_cli('-c', '-p', str(self.cluster.ports()[0]), 'get', key).strip()
            checks.equal(answer, str(count), key)


@suite.check
def redis_cli_makes_a_cluster(cluster):
    ports = [cluster.add() for _ in range(3)]
    out = redis_cli('--cluster', 'create', *(f'127.0.0.1:{port}' for port in ports), '--cluster-yes')
    assert '[OK] All 16384 slots covered.' in out, out
    servers.wait_until(cluster.is_ok, 'all say that the cluster is well')


@suite.check
def redis_cli_finds_it_well(cluster):
    for port in cluster.ports():
        out = redis_cli('--cluster', 'check', f'127.0.0.1:{port}')
        assert '[OK] All nodes agree about slots configuration.' in out and '[OK] All 16384 slots covered.' in out, out


@suite.check
def redis_cli_follows_redirections(cluster):
    port = str(cluster.ports()[0])
    for i in range(50):
        checks.equal(redis_cli('-c', '-p', port, 'set', f'key:{i}', f'value {i}').strip(), 'OK')
    for i in range(50):
        checks.equal(redis_cli('-c', '-p', str(random.choice(cluster.ports())), 'get', f'key:{i}').strip(), f'value {i}')


@suite.check
def python_client(cluster):
    import redis.cluster  # Debian's python3-redis
    client = redis.cluster.RedisCluster(host='127.0.0.1', port=cluster.ports()[0])
    try:
        for i in range(100):
            client.set(f'python:{i}', i)
        checks.equal([int(client.get(f'python:{i}')) for i in range(100)], list(range(100)))
        checks.equal(client.mget_nonatomic('python:1', 'python:2', 'python:none'), [b'1', b'2', None])
        checks.equal(len(client.keys('python:*', target_nodes=redis.cluster.RedisCluster.ALL_NODES)), 100)
        pipe = client.pipeline()
        for i in range(20):
            pipe.incr(f'python:{i}')
        checks.equal(pipe.execute(), list(range(1, 21)))
    finally:
        client.close()


@suite.check
def a_fourth_node_takes_its_share_while_clients_count(cluster):
    port = cluster.add()
    with Counting(cluster) as counting:
        servers.wait_until(lambda: sum(counting.acknowledged.values()) > 200, 'clients count')
        out = cluster.tool('reshard', '--json', '--yes')
        events = [json.loads(line) for line in out.splitlines()]
        checks.equal(events[-1]['slots_moved'], 4096)
        before = sum(counting.acknowledged.values())
        servers.wait_until(lambda: sum(counting.acknowledged.values()) > before + 200, 'clients go on')
    counting.check()
    print(f'  4,096 slots moved under {sum(counting.acknowledged.values())} counts; the slowest took {counting.slowest * 1000:.0f} ms')
    assert counting.slowest < 2, counting.slowest
    checks.equal({node['slots'] for node in cluster.status()['nodes']}, {4096})
    for i in range(50):
        checks.equal(redis_cli('-c', '-p', str(port), 'get', f'key:{i}').strip(), f'value {i}')


def node_client():
    """The program of node/, with its package: installed at the versions that package-lock.json names."""
    place = ROOT / 'build/conformance/rediscluster'
    place.mkdir(parents=True, exist_ok=True)
    lock = (HERE / 'node/package-lock.json').read_bytes()
    done = place / 'installed-lock.json'
    if not done.exists() or done.read_bytes() != lock:
        for name in ('package.json', 'package-lock.json'):
            shutil.copy(HERE / 'node' / name, place / name)
        subprocess.run(['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], cwd=place, check=True, timeout=300, stdout=sys.stderr)
        done.write_bytes(lock)
    shutil.copy(HERE / 'node/cluster_client.js', place / 'cluster_client.js')
    return ['node', place / 'cluster_client.js']


def go_client():
    program = ROOT / 'build/conformance/rediscluster-go'
    program.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(['go', 'build', '-o', program, '.'], cwd=HERE / 'go', check=True, timeout=600, stdout=sys.stderr)
    return [program]


def java_client():
    place = ROOT / 'build/conformance/rediscluster-java'
    pom = HERE / 'java/pom.xml'
    if not (place / 'pom.xml').exists() or (place / 'pom.xml').read_bytes() != pom.read_bytes():
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run(['mvn', '--quiet', '--batch-mode', '--strict-checksums', '-Dstyle.color=never', '--file', pom,
                        'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies', '-DincludeScope=runtime', f'-DoutputDirectory={place}'],
                       check=True, timeout=600, stdout=sys.stderr)
        shutil.copy(pom, place / 'pom.xml')
    subprocess.run(['javac', '-cp', f'{place}/*', '-d', place, HERE / 'java/ClusterClient.java'], check=True, timeout=120, stdout=sys.stderr)
    return ['java', '-cp', f'{place}:{place}/*', 'ClusterClient']


def count_while_slots_move(cluster, command):
    """The client counts from before slots of one node move to the others until they are back, and reads all of it."""
    node = sorted(cluster.status()['nodes'], key=lambda each: each['id'])[0]
    # It learns of the cluster from any node.
    client = subprocess.Popen([*command, str(cluster.ports()[0])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for weight in (0, 1):
            cluster.tool('reshard', '--weight', f'{node["id"]}={weight}', '--yes')
        out, err = client.communicate(timeout=60)
    finally:
        client.kill()
    checks.equal(client.returncode, 0, err)
    counted = json.loads(out)['counted']
    assert counted > 200, counted
    print(f'  {pathlib.Path(command[0]).name}: {counted} counts while slots moved twice')


@suite.check
def ioredis_counts_while_slots_move(cluster):
    count_while_slots_move(cluster, node_client())


@suite.check
def go_redis_counts_while_slots_move(cluster):
    count_while_slots_move(cluster, go_client())


@suite.check
def jedis_counts_while_slots_move(cluster):
    count_while_slots_move(cluster, java_client())


@suite.check
def setslot_node_moves_a_slot_with_its_keys(cluster):
    slot = redis_cli('-p', str(cluster.ports()[0]), 'cluster', 'keyslot', 'key:1').strip()
    nodes = redis_cli('-c', '-p', str(cluster.ports()[0]), 'cluster', 'nodes')
    other = next(port for port in cluster.ports() if cluster.ask(port, 'GET', 'key:1').startswith(b'-MOVED'))
    checks.equal(redis_cli('-p', str(cluster.ports()[0]), 'cluster', 'setslot', slot, 'node', cluster.id(other)).strip(), 'OK', nodes)
    checks.equal(cluster.ask(other, 'GET', 'key:1'), b'$7\r\nvalue 1\r\n')
    servers.wait_until(lambda: '[OK] All nodes agree' in redis_cli('--cluster', 'check', f'127.0.0.1:{other}'), 'all agree')


def run_while_clients_count(cluster, *words, expected=0):
    """A command of redis-cli --cluster; what it said. Clients lose nothing meanwhile."""
    with Counting(cluster) as counting:
        servers.wait_until(lambda: sum(counting.acknowledged.values()) > 200, 'clients count')
        out = redis_cli('--cluster', *words, expected=expected)
        before = sum(counting.acknowledged.values())
        servers.wait_until(lambda: sum(counting.acknowledged.values()) > before + 200, 'clients go on')
    counting.check()
    assert counting.slowest < 5, counting.slowest
    print(f'  {words[0]} under {sum(counting.acknowledged.values())} counts; the slowest took {counting.slowest * 1000:.0f} ms')
    return out


def is_whole(cluster):
    out = redis_cli('--cluster', 'check', f'127.0.0.1:{cluster.ports()[0]}')
    assert '[OK] All nodes agree about slots configuration.' in out and '[OK] All 16384 slots covered.' in out and 'WARNING' not in out, out


@suite.check
def redis_cli_reshards_key_by_key(cluster):
    source, target = cluster.ports()[0], cluster.ports()[1]
    before = {node['id']: node['slots'] for node in cluster.status()['nodes']}
    out = run_while_clients_count(cluster, 'reshard', f'127.0.0.1:{source}', '--cluster-from', cluster.id(source), '--cluster-to', cluster.id(target),
                                  '--cluster-slots', '100', '--cluster-yes')
    assert 'Moving slot' in out, out
    after = {node['id']: node['slots'] for node in cluster.status()['nodes']}
    checks.equal(after[cluster.id(target)] - before[cluster.id(target)], 100)
    is_whole(cluster)


@suite.check
def redis_cli_rebalances(cluster):
    out = run_while_clients_count(cluster, 'rebalance', f'127.0.0.1:{cluster.ports()[0]}', '--cluster-threshold', '1')
    assert 'Rebalancing across' in out, out
    slots = {node['slots'] for node in cluster.status()['nodes']}
    assert max(slots) - min(slots) <= 2, slots
    is_whole(cluster)


@suite.check
def redis_cli_fixes_what_was_left_half_done(cluster):
    port = str(cluster.ports()[0])
    for i in range(20):
        redis_cli('-c', '-p', port, 'set', f'{{half}}:{i}', str(i))
    slot = redis_cli('-p', port, 'cluster', 'keyslot', '{half}').strip()
    source = next(each for each in cluster.ports() if not cluster.ask(each, 'GET', '{half}:1').startswith(b'-'))
    target = next(each for each in cluster.ports() if each != source)
    checks.equal(cluster.ask(target, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', cluster.id(source)), b'+OK\r\n')
    checks.equal(cluster.ask(source, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', cluster.id(target)), b'+OK\r\n')
    keys = [f'{{half}}:{i}' for i in range(7)]
    checks.equal(cluster.ask(source, 'MIGRATE', '127.0.0.1', str(target), '', '0', '5000', 'KEYS', *keys), b'+OK\r\n')
    # Now some are at either side, and clients find them all.
    for i in range(20):
        checks.equal(redis_cli('-c', '-p', port, 'get', f'{{half}}:{i}').strip(), str(i))
    out = run_while_clients_count(cluster, 'fix', f'127.0.0.1:{source}', '--cluster-yes')
    assert f'Fixing open slot {slot}' in out, out
    for i in range(20):
        checks.equal(redis_cli('-c', '-p', port, 'get', f'{{half}}:{i}').strip(), str(i))
    is_whole(cluster)


@suite.check
def redis_cli_imports_from_redis(cluster):
    outside = servers.free_port()
    process = subprocess.Popen(['redis-server', '--port', str(outside), '--save', '', '--dir', str(cluster.directory)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        servers.wait_until(lambda: cluster.ask(outside, 'PING') == b'+PONG\r\n', 'redis-server answers')
        connection = Connection(outside)
        for i in range(100):
            connection.ask(b'SET', b'import:%d' % i, b'value %d' % i)
            connection.ask(b'ZADD', b'import:z:%d' % i, b'%d' % i, b'm', b'2', b'n')
        connection.close()
        run_while_clients_count(cluster, 'import', f'127.0.0.1:{cluster.ports()[0]}', '--cluster-from', f'127.0.0.1:{outside}')
        checks.equal(cluster.ask(outside, 'DBSIZE'), b':0\r\n')
    finally:
        process.terminate()
        process.wait(30)
    for i in range(100):
        checks.equal(redis_cli('-c', '-p', str(cluster.ports()[0]), 'get', f'import:{i}').strip(), f'value {i}')
    checks.equal(redis_cli('-c', '-p', str(cluster.ports()[0]), 'zscore', 'import:z:7', 'm').strip(), '7')


@suite.check
def a_node_is_drained_and_taken_out(cluster):
    port = cluster.ports()[-1]
    who = cluster.id(port)
    with Counting(cluster) as counting:
        servers.wait_until(lambda: sum(counting.acknowledged.values()) > 200, 'clients count')
        cluster.tool('reshard', '--weight', f'{who}=0', '--yes')
        servers.wait_until(lambda: sum(counting.acknowledged.values()) > 600, 'clients go on')
    counting.check()
    out = redis_cli('--cluster', 'del-node', f'127.0.0.1:{cluster.ports()[0]}', who)
    assert 'CLUSTER RESET SOFT' in out, out
    checks.equal(len([node for node in cluster.status()['nodes'] if node['member']]), 3)
    cluster.nodes.pop(port).end()
    servers.wait_until(cluster.is_ok, 'the others are well')


@suite.check
def redis_cli_adds_a_node(cluster):
    port = cluster.add()
    out = redis_cli('--cluster', 'add-node', f'127.0.0.1:{port}', f'127.0.0.1:{cluster.ports()[0]}')
    assert '[OK] New node added correctly.' in out, out
    servers.wait_until(lambda: len(redis_cli('-p', str(port), 'cluster', 'nodes').splitlines()) == 4, 'the new one knows all')


@suite.check
def a_move_goes_on_after_its_node_was_killed(cluster):
    target = cluster.ports()[-1]
    cluster.tool('reshard', '--yes', '--no-wait', '--slots-a-move', '8')
    cluster.nodes[target].kill()
    servers.wait_until(lambda: not all(node['runs'] for node in cluster.status()['nodes']), 'the tree sees that it is gone', 60)
    cluster.nodes[target].start()
    cluster.tool('reshard')
    servers.wait_until(cluster.is_ok, 'all say that the cluster is well')
    checks.equal({node['slots'] for node in cluster.status()['nodes']}, {4096})


@suite.check
def a_node_that_comes_back_is_who_it_was(cluster):
    port = cluster.ports()[0]
    before = cluster.id(port)
    cluster.nodes[port].kill()
    cluster.nodes[port].start()
    servers.wait_until(lambda: cluster.ask(port, 'PING') == b'+PONG\r\n', 'it answers')
    checks.equal(cluster.id(port), before)
    servers.wait_until(cluster.is_ok, 'all say that the cluster is well', 60)
    checks.equal(redis_cli('-c', '-p', str(cluster.ports()[1]), 'set', 'after', 'it').strip(), 'OK')


@suite.check
def without_the_tree_nothing_is_served(cluster):
    cluster.server.kill()
    servers.wait_until(lambda: cluster.ask(cluster.ports()[0], 'GET', 'after').startswith(b'-CLUSTERDOWN'), 'the lease ends', 60)
    cluster.server.start()
    servers.wait_until(cluster.is_ok, 'all say that the cluster is well', 60)
    checks.equal(redis_cli('-c', '-p', str(cluster.ports()[1]), 'get', 'after').strip(), 'it')


class Documented(Cluster):
    """Three nodes by the command of docs/cache-cluster.md."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        first = servers.free_port(range(-1, 4))
        self.tree = f'127.0.0.1:{first - 1}'
        self.nodes = {first + i: None for i in range(3)}
        self.more = []
        self.script = subprocess.Popen([ROOT / 'scripts/cache-cluster', '--data', directory, '--ports', str(first), '--chorus', CHORUS],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        for line in self.script.stdout:
            if line.startswith('stop all:'):
                return
        raise AssertionError(f'scripts/cache-cluster ended with {self.script.wait(30)}')

    def start(self, name):
        with open(self.directory / name / 'chorus.log', 'ab') as log:
            self.more.append(subprocess.Popen([CHORUS, 'serve', '--config', self.directory / name / 'chorus.toml'], stdin=subprocess.DEVNULL, stdout=log,
                                              stderr=log))

    def add_one_more(self):
        port = max(self.nodes) + 1
        (self.directory / '4').mkdir()
        text = (self.directory / '3/chorus.toml').read_text()
        (self.directory / '4/chorus.toml').write_text(text.replace(f'{self.directory}/3', f'{self.directory}/4').replace(f':{port - 1}', f':{port}'))
        self.start('4')
        self.nodes[port] = None
        servers.wait_until(lambda: self.ask(port, 'PING') == b'+PONG\r\n', 'the fourth answers')
        servers.wait_until(lambda: self.id(port) in {node['id'] for node in self.status()['nodes'] if node['runs']}, 'it is in the tree')

    def end(self):
        for process in self.more:
            process.terminate()
        for process in self.more:
            process.wait(30)
        self.script.send_signal(signal.SIGINT)
        self.script.wait(60)
        self.script.stdout.close()


@suite.check
def the_documented_cluster_loses_nothing(_):
    """A node is killed and started again, a fourth comes, and slots move while clients count."""
    with tempfile.TemporaryDirectory(prefix='chorus-redis-documented-') as directory:
        cluster = Documented(directory)
        try:
            servers.wait_until(cluster.is_ok, 'all say that the cluster is well')
            first = Counting(cluster)
            with first:
                servers.wait_until(lambda: sum(first.acknowledged.values()) > 1000, 'clients count')
            first.check()
            killed = cluster.ports()[2]
            checks.equal(cluster.ask(killed, 'SAVE'), b'+OK\r\n')
            os.kill(int((cluster.directory / '3/pid').read_text()), signal.SIGKILL)
            servers.wait_until(lambda: cluster.ask(killed, 'PING') == b'', 'it is gone')
            cluster.start('3')
            servers.wait_until(cluster.is_ok, 'all say that the cluster is well', 60)
            first.check()
            cluster.add_one_more()
            with Counting(cluster) as second:
                servers.wait_until(lambda: sum(second.acknowledged.values()) > 200, 'clients count')
                cluster.tool('reshard', '--yes')
                before = sum(second.acknowledged.values())
                servers.wait_until(lambda: sum(second.acknowledged.values()) > before + 200, 'clients go on')
            first.check()
            second.check()
            checks.equal({node['slots'] for node in cluster.status()['nodes']}, {4096})
        finally:
            cluster.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', choices=['chorus', 'java'], default='chorus')
    parser.add_argument('--only')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='chorus-redis-cluster-') as directory:
        cluster = Cluster(directory)
        try:
            status = suite.run(cluster, only=arguments.only)
        finally:
            cluster.end()
        if status:
            for log in sorted(pathlib.Path(directory).glob('*.log')):
                print(f'{log.name}: ' + ' | '.join(log.read_text(errors='replace').splitlines()[-4:]))
        return status


if __name__ == '__main__':
    os.environ.setdefault('LC_ALL', 'C.UTF-8')
    sys.exit(main())
