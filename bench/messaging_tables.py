"""The tables of the benchmark of messaging: medians over the rounds, ratios, how far the limits are, and what is aimed at."""
import os
import statistics

import brokers
from brokers import KINDS, NAMES
from side_by_side import describe_machine, goal_rows, markdown

QUANTILES = ('p50', 'p99', 'p999', 'max')
NONE = '–'


class Figures:
    """The rounds, each {kind: what measure_broker gave}."""

    def __init__(self, rounds):
        self.rounds = rounds

    def rows(self, kind, key):
        """What that row gave in each round in which it came to an end."""
        return [one[kind]['rows'][key] for one in self.rounds if 'failed' not in one[kind]['rows'][key]]

    def failures(self, kind, key):
        return [one[kind]['rows'][key]['failed'] for one in self.rounds if 'failed' in one[kind]['rows'][key]]

    def median(self, kind, key, figure):
        """Of figure(result), or None where no round has one."""
        values = [value for result in self.rows(kind, key) if (value := figure(result)) is not None]
        return statistics.median(values) if values else None

    def ratio(self, key, figure):
        ours, theirs = (self.median(kind, key, figure) for kind in KINDS)
        return ours / theirs if ours is not None and theirs else None

    def spread(self, row):
        """Half of best minus worst round over the median, of the kind where it is more."""
        spreads = [0.0]
        for kind in KINDS:
            values = [rate_of(row)(result) for result in self.rows(kind, row.key)]
            if values and statistics.median(values):
                spreads.append((max(values) - min(values)) / 2 / statistics.median(values))
        return max(spreads)

    def broker(self, kind, *path):
        values = []
        for one in self.rounds:
            value = one[kind]
            for name in path:
                value = value[name]
            values.append(value)
        return None if None in values else statistics.median(values)


def rate_of(row):
    return lambda result: result[row.shows]['messages_per_second']


def time_of(row, quantile):
    return lambda result: result[row.times].get('latency_us', {}).get(quantile)


def refused_share(result):
    """Of all that was sent."""
    refused = sum(result.get('produced', {}).get('refused', {}).values())
    requests = result.get('produced', {}).get('messages', 0) / result['batch'] + refused
    return refused / requests if requests else 0.0


def number(value, form=',.0f'):
    return NONE if value is None else format(value, form)


def in_ms(us):
    """Milliseconds with as many digits as tell something."""
    if us is None:
        return NONE
    ms = us / 1000
    return f'{ms:.2f}' if ms < 10 else f'{ms:,.0f}'


def times(figures, kind, row):
    return ', '.join(in_ms(figures.median(kind, row.key, time_of(row, quantile))) for quantile in QUANTILES)


def load_rows(figures, options):
    out = [('load', 'Chorus /s', 'RocketMQ /s', 'ratio', 'Chorus p50, p99, p99.9, max ms', 'RocketMQ p50, p99, p99.9, max ms',
            'p99.9 ratio', 'spread', 'RocketMQ refused')]
    for row in options.rows:
        ours, theirs = (figures.median(kind, row.key, rate_of(row)) for kind in KINDS)
        refused = figures.median('rocketmq5', row.key, refused_share)
        out.append((row.words, number(ours), number(theirs), number(figures.ratio(row.key, rate_of(row)), '.2f'),
                    times(figures, 'chorus', row), times(figures, 'rocketmq5', row),
                    number(figures.ratio(row.key, time_of(row, 'p999')), '.3f'),
                    f'± {figures.spread(row) * 100:.0f} %', NONE if not refused else f'{refused * 100:.2f} %'))
    return out


def cores(cpu):
    return lambda result: result[cpu] / result['seconds']


def disk_figure(figures, what):
    """Of fsync_probe: both brokers have the same disk."""
    return statistics.median(figures.broker(kind, 'disk', what) for kind in KINDS)


def disk_of(what, unit=1):
    return lambda result: result['disk'][what] / unit if 'disk' in result else None


def sync_share(row, sync_us):
    """The rate over what it would be if each sync of the disk acknowledged all that is on its way; None where the rate is given."""
    def share(result):
        if row.shows == 'read' or result['rate']:
            return None
        syncs_each = 2 if result['transactions'] else 1
        at_once = result['producers'] * result['outstanding'] * result['batch'] / syncs_each
        return result['produced']['messages_per_second'] / (at_once * 1e6 / sync_us)
    return share


def limit_rows(figures, options):
    """How busy processors and disk were in each row."""
    sync_us = disk_figure(figures, 'sync_us')
    columns = ('cores, + load gen.', 'of the syncs', 'flushes /s', 'bodies MB/s', 'disk MB/s')
    out = [('how far the limits are', *(f'{NAMES[kind]} {what}' for kind in KINDS for what in columns))]
    for row in options.rows:
        cells = []
        for kind in KINDS:
            def median(figure, kind=kind):
                return figures.median(kind, row.key, figure)
            server, client = median(cores('server_cpu_seconds')), median(cores('client_cpu_seconds'))
            share = median(sync_share(row, sync_us))
            cells += [
                NONE if server is None else f'{server:.2f} + {client:.2f}',
                NONE if share is None else f'{share * 100:.0f} %',
                number(median(disk_of('flushes_per_second'))),
                number(median(lambda result: result[row.shows]['octets_per_second'] / 1e6), '.1f'),
                number(median(disk_of('octets_per_second', 1e6)), '.1f')]
        out.append((row.words, *cells))
    return out


def java_rows(figures):
    out = [("RocketMQ's Java client, 64 threads, one producer, 128 B", 'Chorus', 'RocketMQ', 'ratio')]
    for words, path, form in (('/s', ('messages_per_second',), ',.0f'), ('p50, ms', ('latency_us', 'p50'), None),
                              ('p99, ms', ('latency_us', 'p99'), None), ('p99.9, ms', ('latency_us', 'p999'), None)):
        values = [figures.broker(kind, 'java', *path) for kind in KINDS]
        out.append((words, *(number(value, form) if form else in_ms(value) for value in values), ratio_text(*values)))
    for words, what in (("broker's cores", 'server_cpu_seconds'), ("client's cores", 'client_cpu_seconds')):
        out.append((words, *(f'{figures.broker(kind, "java", what) / figures.broker(kind, "java", "seconds"):.2f}' for kind in KINDS), ''))
    out.append(('the limit', *(java_limit(figures, kind) for kind in KINDS), ''))
    return out


def java_limit(figures, kind):
    seconds = figures.broker(kind, 'java', 'seconds')
    server, client = (figures.broker(kind, 'java', what) / seconds for what in ('server_cpu_seconds', 'client_cpu_seconds'))
    if server + client < 0.8 * len(os.sched_getaffinity(0)):
        return 'waiting for the disk'
    return 'the client' if client > server else 'the broker'


def ratio_text(ours, theirs):
    return f'{ours / theirs:.3f}' if ours is not None and theirs else NONE


def suffered(figures, kind, rows):
    """How many times as long the slowest hundredth takes at the head while somebody reads what is old."""
    beside, alone = (figures.median(kind, key, time_of(rows[key], 'p99')) for key in ('catch up', 'end to end'))
    return beside / alone if beside is not None and alone else None


def broker_rows(figures, options):
    out = [('', 'Chorus', 'RocketMQ', 'ratio')]
    for words, what, scale in (('start-up until a message is acknowledged, ms', 'start_seconds', 1000),
                               ('resident when empty, MiB', 'empty_mib', 1), ('resident after the load, MiB', 'loaded_mib', 1),
                               ('of it anonymous (heaps, not mapped files), MiB', 'loaded_anonymous_mib', 1),
                               (f'resident with {options.topics_most:,} topics, MiB', 'topics_mib', 1)):
        ours, theirs = (figures.broker(kind, what) * scale for kind in KINDS)
        out.append((words, f'{ours:,.0f}', f'{theirs:,.0f}', ratio_text(ours, theirs)))
    rows = {row.key: row for row in options.rows}
    values = [suffered(figures, kind, rows) for kind in KINDS]
    out.append(('p99 at the head while an old backlog is read, over that without', *(number(value, '.2f') for value in values),
                ratio_text(*values)))
    most = f'topics {options.topics_most}'
    for words, what in ((f'until {options.topics_most:,} topics are made, s', 'create'),
                        (f'and until {options.topics_most:,} messages are in them, the first ones, s', 'write')):
        values = [figures.broker(kind, 'first_seconds', most, what) for kind in KINDS]
        out.append((words, *(number(value, '.2f') for value in values), ratio_text(*values)))
    for words, what in (('system calls a message (strace, 64 x 16)', 'calls'), ('of them syncs (fsync, fdatasync, msync)', 'syncs')):
        calls = [figures.rounds[-1][kind].get('system_calls') for kind in KINDS]
        values = [one[what] if one else None for one in calls]
        out.append((words, *(number(value, '.3f') for value in values), ratio_text(*values)))
    return out


def disk_words(figures):
    sync_us, large = disk_figure(figures, 'sync_us'), disk_figure(figures, 'mb_per_second')
    return (f'One small write + fdatasync on this disk takes {sync_us / 1000:.2f} ms, that is {1e6 / sync_us:,.0f} a second one after the '
            f'other; 1 MiB at a time it takes {large:,.0f} MB/s (medians, `fsync_probe`).')


def goals(figures, options):
    """What is aimed at."""
    rows = {row.key: row for row in options.rows}
    out = []

    def add(words, wanted, value, met):
        if value is not None:
            out.append((words, wanted, value, met(value)))
    for key in ('64x1 128', '64x16 128', '64x16 1024', 'batch 32', 'head', 'catch up', 'transactions'):
        add(f'{rows[key].words}: throughput', 'at least 3 x', figures.ratio(key, rate_of(rows[key])), lambda value: value >= 3)
    for key in ('64x1 128', '64x16 128', '64x16 1024', 'end to end', 'catch up'):
        words = "p99.9 at the head" if key == 'catch up' else 'p99.9'
        add(f'{rows[key].words}: {words}', 'at most 1/5', figures.ratio(key, time_of(rows[key], 'p999')), lambda value: value <= 0.2)
    one, most = (figures.median('chorus', f'topics {n}', rate_of(rows[f'topics {n}'])) for n in (1, options.topics_most))
    add(f'throughput with {options.topics_most:,} topics over that with one', 'at least 0.85', most / one, lambda value: value >= 0.85)
    for words, what in (('resident memory when empty', 'empty_mib'), ('resident memory after the load', 'loaded_mib')):
        add(words, 'at most 1/10', figures.broker('chorus', what) / figures.broker('rocketmq5', what), lambda value: value <= 0.1)
    return out


def failures(figures, options):
    """What RocketMQ did not get done, in its rows' words."""
    return [f'- RocketMQ, {row.words}: {words}' for row in options.rows for words in sorted(set(figures.failures('rocketmq5', row.key)))]


def tables(rounds, options, machine):
    figures = Figures(rounds)
    options.topics_most = max(int(row.key.split()[1]) for row in options.rows if row.key.startswith('topics'))
    out = ['# Chorus and RocketMQ, in turn', '', *[f'- {line}' for line in machine], '', *markdown(load_rows(figures, options)), '',
           *failures(figures, options), *markdown(java_rows(figures)), '', *markdown(broker_rows(figures, options)), '',
           disk_words(figures), '', *markdown(limit_rows(figures, options)), '']
    if not options.quick:
        out += markdown(goal_rows(goals(figures, options)))
    return '\n'.join(out) + '\n'


def jvm_words(quick):
    if quick:
        return 'a JVM that starts quickly, small files'
    heap = brokers.heap(quick)
    return 'heap and JVM options of its own runbroker.sh' if heap == f'{brokers.RELEASE_HEAP_MIB}m' else \
        f'the JVM options of its own runbroker.sh, a heap of {heap} (there 8g, which this machine has not twice)'


def describe(options, tried):
    machine, commit, java = describe_machine(options.directory)
    rates = ', '.join(f'{threads}: {rate:,.0f} /s' for threads, rate in tried.items())
    return [
        machine,
        f'Chorus {commit}, its defaults (mq.flush sync); RocketMQ 5.5.0, {java}, {jvm_words(options.quick)}, SYNC_FLUSH, '
        f'sendMessageThreadPoolNums {options.send_threads}' + (f' (tried: {rates})' if rates else '') + ', otherwise its defaults',
        'both: NameServer and broker, one broker without slaves, a message is acknowledged when it is on the disk',
        f'{options.rounds} rounds, each broker started anew; warmed up for {options.mq_warm_up["rocketmq5"]:g} s (Chorus '
        f'{options.mq_warm_up["chorus"]:g} s), then {options.seconds:g} s for each row; medians; spread is half of best minus worst '
        'round over the median',
    ]
