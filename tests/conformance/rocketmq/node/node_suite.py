#!/usr/bin/python3
"""ali-ons from npm: node_suite.py --namesrv HOST:PORT --broker HOST:PORT --home FOLDER [PATTERN]...

The package is installed into build/conformance/rocketmq/node by `npm ci`, at the versions that package-lock.json names.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / 'support/rocketmq'))
import rocketmq  # noqa: E402

PLACE = HERE.parents[3] / 'build/conformance/rocketmq/node'


TOPICS = 20  # one for each scenario


def create_topics(namesrv, broker):
    names = [f'node-topic-{int(time.time() * 1000) % 10**9}-{i}' for i in range(TOPICS)]
    for name in names:
        code, _, body = rocketmq.call(broker, 17, {'topic': name, 'defaultTopic': 'TBW102', 'readQueueNums': '4', 'writeQueueNums': '4', 'perm': '6',
                                                   'topicFilterType': 'SINGLE_TAG', 'topicSysFlag': '0', 'order': 'false'})
        assert code == 0, f'creating {name}: code {code} {body}'
    rocketmq.wait_until(lambda: rocketmq.answers(namesrv, 105, {'topic': names[-1]}), 'the last topic has a route', every=0.05)
    return ','.join(names)


def install():
    PLACE.mkdir(parents=True, exist_ok=True)
    lock = (HERE / 'package-lock.json').read_bytes()
    done = PLACE / 'installed-lock.json'
    if not done.exists() or done.read_bytes() != lock:
        for name in ('package.json', 'package-lock.json'):
            shutil.copy(HERE / name, PLACE / name)
        subprocess.run(['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], cwd=PLACE, check=True, timeout=300,
                       stdout=sys.stderr)
        done.write_bytes(lock)
    shutil.copy(HERE / 'scenarios.js', PLACE / 'scenarios.js')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--namesrv', required=True)
    parser.add_argument('--broker', required=True)
    parser.add_argument('--home', required=True)
    parser.add_argument('patterns', nargs='*', default=['*'])
    arguments = parser.parse_args()
    install()
    os.environ['HOME'] = arguments.home  # where it logs, and keeps the offsets of broadcast consumers
    os.execvp('node', ['node', str(PLACE / 'scenarios.js'), arguments.namesrv,
                        create_topics(arguments.namesrv, arguments.broker), *arguments.patterns])
