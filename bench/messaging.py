"""Chorus and RocketMQ 5, one broker each, under the same load.

Each round starts each broker on an empty directory (who goes first alternates), warms it up, and goes through ROWS. The load is mq_load's;
one row is of RocketMQ's own Java client.
"""
import dataclasses
import json
import shutil
import subprocess
import sys
import tempfile
import time

import brokers
import messaging_tables
from brokers import KINDS, NAMES
from side_by_side import PROGRAMS, disk_us, output_of, write_results

MANY_TOPICS = (1, 64, 1024, 10_000)
JAVA_THREADS, JAVA_BODY = 64, 128
SEND_THREADS = (16, 64)
QUEUES_READ = 16  # of topics that are consumed: with one pull a queue, as clients have it, few queues would be the limit
JVM_WARM_UP_SECONDS = 30
WARM_UP_SECONDS = 5


@dataclasses.dataclass(frozen=True)
class Row:
    key: str
    words: str
    load: tuple            # arguments of mq_load
    shows: str = 'produced'  # whose rate is the row's: produced, consumed or read
    times: str = 'produced'  # whose latencies

    def of(self, **changes):
        return dataclasses.replace(self, **changes)


def producers(count, outstanding, body, *more):
    return ('--producers', count, '--outstanding', outstanding, '--body', body, *more)


def rows_of(options):
    """What is measured; with --quick the same with less."""
    quick = options.quick
    rate, topics = (200, (1, 20)) if quick else (options.rate, MANY_TOPICS)
    at_rate = ('--producers', 16, '--body', 128, '--rate', rate)
    followed = ('--consumers', 4, '--topic', 'followed', '--queues', QUEUES_READ)
    rows = [
        Row('64x1 128', '64 producers x 1, 128 B', producers(64, 1, 128)),
        Row('64x16 128', '64 producers x 16, 128 B', producers(64, 16, 128)),
        Row('64x1 1024', '64 producers x 1, 1 KiB', producers(64, 1, 1024)),
        Row('64x16 1024', '64 producers x 16, 1 KiB', producers(64, 16, 1024)),
        Row('batch 32', '64 producers x 1, batches of 32, 128 B', producers(64, 1, 128, '--batch', 32)),
        Row('head', 'consumed at the head, 64 producers x 16, 128 B', producers(64, 16, 128, *followed), 'consumed', 'consumed'),
        Row('end to end', f'end to end at {rate:,} /s, 128 B', (*at_rate, *followed), 'consumed', 'consumed'),
        Row('catch up', 'an old backlog read, 1 KiB', (*at_rate, *followed, '--backlog', 'old', '--readers', 1), 'read', 'consumed'),
        Row('transactions', 'transactions, 64 producers x 1, 128 B', producers(64, 1, 128, '--transactions', '--topic', 'transactions')),
    ]
    for n in topics:  # the most come last, since they stay
        several = ('--topic', f'of{n}', '--topics', n, '--queues', 1)
        words = f'{n:,} topics' if n > 1 else '1 topic'
        rows += [Row(f'topics {n}', f'{words}, 64 producers x 16, 128 B', producers(64, 16, 128, *several)),
                 Row(f'topics {n} at rate', f'{words}, at {rate:,} /s', (*at_rate, *several))]
    return rows


def load(peer, arguments, seconds, warm_up):
    """mq_load's report; {'failed': words} where it did not come to an end, which only RocketMQ may."""
    command = [PROGRAMS / 'mq_load', '--broker', peer.broker, '--server-pid', ','.join(map(str, peer.pids())), '--seconds', seconds,
               '--warm-up', warm_up, *arguments]
    disk_before, began = brokers.disk_counts(peer.directory), time.monotonic()
    ended = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    failed = ended.stderr.strip()
    if ended.returncode in (0, 3):
        result = json.loads(ended.stdout)
        if disk_before:
            # Over all that mq_load did, the warm-up and its end included: also what is written back later is then mostly within.
            wall = time.monotonic() - began
            octets, flushes = (after - before for before, after in zip(disk_before, brokers.disk_counts(peer.directory)))
            result['disk'] = {'octets_per_second': octets / wall, 'flushes_per_second': flushes / wall}
        refused = [result[part] for part in ('produced', 'consumed', 'read') if result.get(part, {}).get('refused')]
        if not refused or peer.name != 'chorus':
            return result
        failed = f'refused {refused[0]["refused"]}: {refused[0]["last_remark"]}'
    if peer.name == 'chorus' or not peer.running():
        sys.exit(f'{peer.name}: {" ".join(map(str, arguments))}: {failed}\n{peer.log_tail("broker")}')
    return {'failed': failed}


def say(peer, row, result):
    head = f'  {NAMES[peer.name]:8} {row.words:50}'
    if 'failed' in result:
        print(f'{head} failed: {result["failed"]}', flush=True)
        return
    times = result[row.times].get('latency_us', {})
    words = ', '.join(f'{name} {times[name] / 1000:,.2f}' for name in ('p50', 'p99', 'p999', 'max') if name in times)
    refused = sum(sum(result.get(part, {}).get('refused', {}).values()) for part in ('produced', 'consumed', 'read'))
    rate = result[row.shows]["messages_per_second"]
    print(f'{head} {rate:10,.0f} /s  {words} ms' + (f'  refused {refused}' if refused else ''), flush=True)


def warm_up(peer, seconds):
    """All that will be asked of it, so that a JVM has compiled it; ours gets some of it too."""
    transactions = producers(64, 1, 128, '--transactions', '--topic', 'transactions')
    followed = producers(16, 4, 128, '--consumers', 4, '--topic', 'followed', '--queues', QUEUES_READ)
    for share, arguments in ((0.3, producers(64, 16, 128)), (0.1, producers(64, 1, 1024)), (0.15, producers(64, 1, 128, '--batch', 32)),
                             (0.25, followed), (0.2, transactions)):
        load(peer, arguments, seconds * share, 0)


def disk_limits(directory, quick):
    """What the disk can do: small appends one after the other, and large ones."""
    large = json.loads(output_of([PROGRAMS / 'fsync_probe', directory, '--octets', 1 << 20, '--count', 10 if quick else 100]))
    return {'sync_us': disk_us(directory, 100 if quick else 1000), 'mb_per_second': (1 << 20) / large['p50_us']}


def measure_broker(kind, directory, options, last):
    """One round of one broker; `last`: system calls are counted too, which takes a while."""
    out = {'rows': {}}
    with brokers.create(kind, directory, options.send_threads, options.quick) as peer:
        peer.start()
        out['start_seconds'] = peer.start_seconds
        out['empty_mib'], out['empty_anonymous_mib'] = peer.memory_mib()
        print(f'  {NAMES[kind]:8} started: first message acknowledged after {peer.start_seconds:.2f} s, '
              f'resident {out["empty_mib"]:,.0f} MiB', flush=True)
        warm_up(peer, options.mq_warm_up[kind])
        out['disk'] = disk_limits(directory, options.quick)
        for row in options.rows:
            if row.key == 'catch up':
                count = 4000 if options.quick else options.backlog
                backlog = ('--topic', 'old', '--queues', QUEUES_READ, '--body', 1024)
                load(peer, ('--producers', 16, '--batch', 32, *backlog, '--count', count), 0.01, 0)
            if row.key.startswith('topics') and 'loaded_mib' not in out:
                out['java'] = java(peer, options)
                out['loaded_mib'], out['loaded_anonymous_mib'] = peer.memory_mib()
            if row.key.startswith('topics') and not row.key.endswith('at rate'):
                out.setdefault('first_seconds', {})[row.key] = touch(peer, row)
            out['rows'][row.key] = result = load(peer, row.load, options.seconds, options.seconds / 3)
            say(peer, row, result)
            if kind == 'chorus' and not result[row.shows]['messages']:
                sys.exit(f'nothing was {row.shows}')
        out['topics_mib'], out['topics_anonymous_mib'] = peer.memory_mib()
        if last:
            out['system_calls'] = brokers.system_calls(peer, 1000 if options.quick else 20_000, 64 * 16, producers(64, 16, 128))
    return out


def touch(peer, row):
    """Makes its topics, and writes about once to each of its queues, which then is not measured; how long both took."""
    result = load(peer, (*row.load, '--count', row.load[row.load.index('--topics') + 1]), 0.01, 0)
    return {'create': result.get('create_seconds'), 'write': result.get('seconds')}


def java(peer, options):
    warm, seconds = (1, 1) if options.quick else (8, 4)
    result = brokers.java_producers(peer, 'bench-00000', JAVA_THREADS, JAVA_BODY, warm, seconds)
    if peer.name == 'chorus' and (result['failed'] or not result['messages']):
        sys.exit(f'Chorus took {result["messages"]} messages of the Java client and failed {result["failed"]}: {result["last_failure"]}')
    print(f'  {NAMES[peer.name]:8} {"Java client, 64 threads, 128 B":50} {result["messages_per_second"]:10,.0f} /s  '
          f'p50 {result["latency_us"]["p50"] / 1000:.2f}, p99 {result["latency_us"]["p99"] / 1000:.2f} ms', flush=True)
    return result


def better_send_threads(options):
    """Which of SEND_THREADS RocketMQ is faster with, and the rates of each."""
    rates = {}
    for threads in SEND_THREADS:
        directory = tempfile.mkdtemp(prefix='threads-', dir=options.directory)
        try:
            with brokers.create('rocketmq5', directory, threads, False) as peer:
                peer.start()
                load(peer, producers(64, 16, 128), 10, 0)
                result = load(peer, producers(64, 16, 128), options.seconds, 0)
                rates[threads] = 0 if 'failed' in result else result['produced']['messages_per_second']
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        print(f'  RocketMQ with sendMessageThreadPoolNums {threads}: {rates[threads]:,.0f} /s', flush=True)
    return max(rates, key=rates.get), rates


def run(options):
    """Returns how many things were measured."""
    if missing := brokers.missing():
        sys.exit('\n'.join(missing))
    if not (PROGRAMS / 'mq_load').exists():
        sys.exit('mq_load is not there: make build')
    options.rows = rows_of(options)
    options.mq_warm_up = {kind: options.warm_up if options.quick else seconds
                          for kind, seconds in zip(KINDS, (WARM_UP_SECONDS, max(JVM_WARM_UP_SECONDS, options.warm_up)))}
    options.send_threads, tried = (SEND_THREADS[0], {}) if options.quick else better_send_threads(options)
    machine = messaging_tables.describe(options, tried)
    rounds = []
    for number in range(options.rounds):
        print(f'round {number + 1} of {options.rounds}, messaging', flush=True)
        one = {}
        for kind in KINDS if number % 2 else KINDS[::-1]:
            directory = tempfile.mkdtemp(prefix=f'{kind}-', dir=options.directory)
            try:
                one[kind] = measure_broker(kind, directory, options, number + 1 == options.rounds)
            finally:
                shutil.rmtree(directory, ignore_errors=True)
        rounds.append(one)
    write_results('messaging', messaging_tables.tables(rounds, options, machine), machine, rounds)
    return len(KINDS) * (len(options.rows) + 1)
