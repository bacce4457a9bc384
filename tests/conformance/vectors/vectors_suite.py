#!/usr/bin/python3
"""Holds a fresh server against what ZooKeeper 3.8.0 answered: vectors_suite.py --server HOST:PORT [--release 3.8|3.9]

client.jsonl is a recorded run of every kind of request against an empty ZooKeeper 3.8.0, fourletter.jsonl what it said to the
four-letter words. Session ids, passwords and times are masked and child lists sorted; all else must be the same, to the length
of the frame, but for what differences_of_39() says. Server: empty, first start.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / 'support'))
from checks import Suite, equal  # noqa: E402
from servers import four_letters  # noqa: E402

MASKED = {'ctime', 'mtime', 'sessionId', 'passwd'}
SORTED = {'children', 'ephemerals'}
NO_ZXID = '0xffffffffffffffff'


def mask(value):
    if isinstance(value, dict):
        return {key: mask_field(key, x) for key, x in value.items()}
    return [mask(x) for x in value] if isinstance(value, list) else value


def mask_field(key, value):
    if key in MASKED and value not in (0, '0x0'):
        return 'masked'
    if key == 'ephemeralOwner' and int(value, 16) and int(value, 16) >> 56 < 0x80:  # a session, not a container or TTL node
        return 'session'
    if key in SORTED and value is not None:
        return sorted(value)
    return mask(value)


def view(line):
    """What is compared of one line."""
    return {'decoded': mask(line.get('decoded')),
            'events': [{k: v for k, v in event.items() if k != 'frame'} for event in line.get('events', [])],
            'closed': line.get('closed', False), 'reply octets': len(line['reply'] or '') // 2}


def differences_of_39(golden):
    """Changes the golden lines, by name, to what ZooKeeper 3.9 answers, and nothing else."""
    def zxid(name):
        return golden[name]['decoded']['zxid']

    # create2 inside of a multi: 3.8.0 answers as for create (type 1, the path), 3.9 with type 15, path and stat.
    created = golden['multi_ok']['decoded']['body'][2]
    body = {'czxid': zxid('multi_ok'), 'mzxid': zxid('multi_ok'), 'ctime': 'masked', 'mtime': 'masked', 'version': 0, 'cversion': 0,
            'aversion': 0, 'ephemeralOwner': '0x0', 'dataLength': 1, 'numChildren': 0, 'pzxid': zxid('multi_ok')}
    created.update(type=15, stat=body)
    golden['multi_ok']['reply octets'] += 68  # a stat
    # The header of an event carries -1 in 3.8.0 and the transaction's zxid in 3.9; what setWatches finds missed stays -1.
    cause = {'events_of_one_time_watches': ['setData_fires', 'create_fires', 'create_fires', 'delete_fires'],
             'events_of_persistent_watches': ['setData_fires_persistent', 'setData_fires_persistent_again',
                                              'create_fires_recursive', 'create_fires_recursive',
                                              'delete_fires_recursive', 'delete_fires_recursive']}
    for name, causes in cause.items():
        for event, by in zip(golden[name]['events'], causes, strict=True):
            event['zxid'] = zxid(by)


def add_requests(suite, server, release):
    lines = [json.loads(line) for line in open(HERE / 'client.jsonl', encoding='utf-8')]
    golden = {line['name']: {'conn': line['conn'], **view(line)} for line in lines}
    if release == '3.9':
        differences_of_39(golden)
    run = subprocess.run([sys.executable, HERE / 'client_vectors.py', server], capture_output=True, text=True, timeout=120)
    actual = {line['name']: {'conn': line['conn'], **view(line)} for line in map(json.loads, run.stdout.splitlines())}
    for name, want in golden.items():
        def compare(name=name, want=want):
            if name not in actual:
                raise AssertionError(f'no such line in the run, which ended with\n{run.stderr[-600:]}')
            for part in want:
                equal(json.dumps(actual[name][part], sort_keys=True), json.dumps(want[part], sort_keys=True), part)
        suite.add(name, compare)


def shape(text):
    """A text with its numbers taken out, line by line."""
    text = re.sub(r'0x[0-9a-f]+|-?\b\d+(\.\d+)*\b', '#', text)
    return [re.sub(r'^(Zookeeper version: |dataDir=|dataLogDir=).*', r'\1', line) for line in text.splitlines()]


def add_words(suite, server):
    golden = {}
    for line in open(HERE / 'fourletter.jsonl', encoding='utf-8'):
        line = json.loads(line)
        golden[line['word']] = line['reply']

    def whole(word):
        equal(four_letters(server, word), golden[word])

    def same_shape(word):
        equal(shape(four_letters(server, word)), shape(golden[word]))

    def stat():
        # The list of clients is as long as there are clients: each line has the form, and the asking one is in it.
        want, got = shape(golden['stat']), shape(four_letters(server, 'stat'))
        assert want[2] in got, got
        equal([line for line in got if not line.startswith(' /')], [line for line in want if not line.startswith(' /')])

    def cons():
        form = re.compile(r' /#:#\[#\]\(queued=#,recved=#,sent=#(,sid=#,lop=\w+,est=#,to=#,(lcxid=#,)?lzxid=#,lresp=#,llat=#,'
                          r'minlat=#,avglat=#,maxlat=#)?\)')
        lines = [line for line in shape(four_letters(server, 'cons')) if line]
        assert lines, 'no connection, not even the asking one'
        for line in lines:
            assert form.fullmatch(line), line

    def mntr():
        values = dict(line.partition('\t')[::2] for line in four_letters(server, 'mntr').splitlines())
        wanted = ['zk_version', 'zk_server_state', 'zk_ephemerals_count', 'zk_num_alive_connections', 'zk_avg_latency',
                  'zk_min_latency', 'zk_max_latency', 'zk_outstanding_requests', 'zk_znode_count', 'zk_watch_count',
                  'zk_approximate_data_size', 'zk_packets_sent', 'zk_packets_received', 'zk_global_sessions', 'zk_uptime',
                  'zk_open_file_descriptor_count', 'zk_max_file_descriptor_count', 'zk_last_client_response_size',
                  'zk_min_client_response_size', 'zk_max_client_response_size']
        equal([key for key in wanted if key not in values], [])
        for key in wanted[2:]:
            float(values[key])

    for word in ('ruok', 'isro'):
        suite.add('word_' + word, lambda word=word: whole(word))
    for word in ('srvr', 'conf'):
        suite.add('word_' + word, lambda word=word: same_shape(word))
    for check in (stat, cons, mntr):
        suite.add('word_' + check.__name__, check)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--server', required=True)
    parser.add_argument('--release', choices=('3.8', '3.9'), default='3.9', help='whose behaviour where the two differ')
    parser.add_argument('--only')
    arguments = parser.parse_args()
    suite = Suite('vectors')
    add_requests(suite, arguments.server, arguments.release)
    add_words(suite, arguments.server)
    sys.exit(suite.run(only=arguments.only))
