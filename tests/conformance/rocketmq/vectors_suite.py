#!/usr/bin/python3
"""What clients said to RocketMQ 5.5.0, said to Chorus, and the answers compared: vectors_suite.py [--only CLIENT/SCENARIO] [--at-a-time N]

vectors/CLIENT.jsonl are recorded conversations (README.md beside this). Each scenario is a check: every answer of NameServer and broker,
and every request that the broker makes of a client, must be the recorded one but for what same.py names as volatile and known.py as
different. What is listed there and is the same now fails as well. Starts its own Chorus.
"""
import argparse
import collections
import concurrent.futures
import fnmatch
import json
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / 'support/rocketmq'), str(HERE.parents[1] / 'support'), str(HERE)]
import importlib.machinery  # noqa: E402
import importlib.util  # noqa: E402
import rocketmq  # noqa: E402
from checks import Suite  # noqa: E402
from conversation import Conversation, Line  # noqa: E402
from learned import Learned  # noqa: E402
from same import VOLATILE  # noqa: E402
from known import CHANCE, DIFFERENCES  # noqa: E402

loader = importlib.machinery.SourceFileLoader('runner', str(HERE / 'run'))
runner = importlib.util.module_from_spec(importlib.util.spec_from_loader('runner', loader))
loader.exec_module(runner)

SECRETS = {runner.ADMINISTRATOR[0]: runner.ADMINISTRATOR[1], 'limited-user': 'limited-secret'}
QUIET = {'mq.client_metrics_interval_ms': 0}  # else the broker asks consumers how they do, by itself, for its metrics
OWN_PEER = {'acl2': runner.ACL2, 'nameserver': {'brokerName': 'another', 'brokerClusterName': 'Another'}}  # client: settings
PAUSE = 0.3  # seconds: a longer pause of a client's is cut to that
PAUSES = {'pop_change_invisible_time': 60, 'pop_what_*': 60, 'broker_and_clients': 0}  # ... but not where a message comes back in its time
SHOWN = 40  # differences of one scenario


def read(path):
    """(what holds for all, scenario: lines)"""
    with open(path, encoding='utf-8') as file:
        meta = json.loads(next(file))
        scenarios = collections.defaultdict(list)
        for text in file:
            row = json.loads(text)
            if 'scenario' in row:
                lines = scenarios[row['scenario']]
            else:
                lines.append(Line(row))
    return meta, scenarios


def known(client, scenario, difference):
    """The keys of DIFFERENCES and CHANCE that this is one of."""
    said = (client, scenario, str(difference.code), difference.what)
    return [key for key in (*DIFFERENCES, *CHANCE) if all(map(fnmatch.fnmatchcase, said, key))]


def converse(client, learned, scenario, lines, peer):
    conversation = Conversation(lines, {'namesrv': peer.namesrv, 'broker': peer.broker}, learned, SECRETS,
                                next((pause for pattern, pause in PAUSES.items() if fnmatch.fnmatch(scenario, pattern)), PAUSE))
    began = time.monotonic()
    conversation.run()
    conversation.seconds = time.monotonic() - began
    return client, scenario, conversation


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', choices=['chorus', 'java'], default='chorus',
                        help='for the runner; what RocketMQ says is recorded')
    parser.add_argument('--only', default='*', metavar='CLIENT/SCENARIO', help='a pattern')
    parser.add_argument('--at-a-time', type=int, default=8, help='scenarios; most of their time they wait')
    parser.add_argument('--codes', action='store_true', help='also say how often each request code was compared')
    parser.add_argument('--keep', metavar='FOLDER', help='keep the logs of Chorus there')
    arguments = parser.parse_args()
    suite, results = Suite('mqvectors'), []
    with tempfile.TemporaryDirectory(prefix='chorus-vectors-', ignore_cleanup_errors=True) as folder:
        folder = pathlib.Path(arguments.keep or folder)
        files = {path.stem: path for path in sorted((HERE / 'vectors').glob('*.jsonl'))}
        for name, settings in (('', {}), *OWN_PEER.items()):
            chosen = []
            for client in [name] if name else files.keys() - OWN_PEER.keys():
                meta, scenarios = read(files[client])
                chosen += [(client, meta, scenario, lines) for scenario, lines in scenarios.items()
                           if fnmatch.fnmatch(f'{client}/{scenario}', arguments.only)]
            if not chosen:
                continue
            # With access control one after the other: the first makes users and messages for the next.
            with rocketmq.start('chorus', folder / f'for-{name}', {**settings, **QUIET}) as peer, \
                    concurrent.futures.ThreadPoolExecutor(1 if name else arguments.at_a_time) as pool:
                def learn(meta):
                    # The broker that registered itself at the NameServer is none of ours, and stays where it was.
                    return Learned(meta['began_ms'], meta['broker'], meta['broker'] if name == 'nameserver' else peer.broker)
                shared = learn(chosen[0][1])
                results += pool.map(lambda one: converse(one[0], shared if name else learn(one[1]), *one[2:], peer), chosen)
                if not peer.running():
                    raise RuntimeError(f'Chorus ended:\n{peer.log_tail("broker")}')
    used, volatile, codes = set(), set(), collections.Counter()
    for client, scenario, conversation in results:
        wrong = []
        codes += conversation.codes
        volatile |= conversation.volatile
        for difference in conversation.differences:
            keys = known(client, scenario, difference)
            used.update(keys)
            if not keys:
                wrong.append(difference.words)

        def check(wrong=wrong, conversation=conversation):
            assert conversation.compared, 'nothing was compared'
            assert not wrong, f'{len(wrong)} differences'
        suite.add(f'{client}/{scenario}', check)
        for words in wrong[:SHOWN]:
            print(f'  {client}/{scenario}: {words}')
    if arguments.only == '*':
        def each_known_difference_is_one():
            assert set(DIFFERENCES) <= used, f'listed in known.py and no difference: {sorted(set(DIFFERENCES) - used)}'

        def each_volatile_name_is_met():
            assert set(VOLATILE) <= volatile, f'listed in same.py and never met: {sorted(set(VOLATILE) - volatile, key=str)}'
        suite.check(each_known_difference_is_one)
        suite.check(each_volatile_name_is_met)
    print(f'  {sum(codes.values())} frames of RocketMQ compared, of {len(codes)} request codes')
    if arguments.codes:
        print('  ' + ', '.join(f'{client}/{scenario} {conversation.seconds:.1f} s' for client, scenario, conversation in results))
        print('  ' + ', '.join(f'{code} {count}' for code, count in sorted(codes.items())))
    return suite.run()


if __name__ == '__main__':
    sys.exit(main())
