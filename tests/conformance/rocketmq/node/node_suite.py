#!/usr/bin/python3
"""ali-ons from npm: node_suite.py --namesrv HOST:PORT --broker HOST:PORT --home FOLDER [PATTERN]...

The package is installed into build/conformance/rocketmq/node by `npm ci`, at the versions that package-lock.json names.
"""
import argparse
import os
import pathlib
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / 'support/rocketmq'))
import rocketmq  # noqa: E402
from install import install  # noqa: E402

TOPICS = 20  # one for each scenario


def create_topics(namesrv, broker):
    names = [f'node-topic-{int(time.time() * 1000) % 10**9}-{i}' for i in range(TOPICS)]
    for name in names:
        code, _, body = rocketmq.call(broker, 17, {'topic': name, 'defaultTopic': 'TBW102', 'readQueueNums': '4', 'writeQueueNums': '4', 'perm': '6',
                                                   'topicFilterType': 'SINGLE_TAG', 'topicSysFlag': '0', 'order': 'false'})
        assert code == 0, f'creating {name}: code {code} {body}'
    rocketmq.wait_until(lambda: rocketmq.answers(namesrv, 105, {'topic': names[-1]}), 'the last topic has a route', every=0.05)
    return ','.join(names)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--namesrv', required=True)
    parser.add_argument('--broker', required=True)
    parser.add_argument('--home', required=True)
    parser.add_argument('patterns', nargs='*', default=['*'])
    arguments = parser.parse_args()
    place = install()
    shutil.copy(HERE / 'scenarios.js', place / 'scenarios.js')
    os.environ['HOME'] = arguments.home  # where it logs, and keeps the offsets of broadcast consumers
    os.execvp('node', ['node', str(place / 'scenarios.js'), arguments.namesrv,
                        create_topics(arguments.namesrv, arguments.broker), *arguments.patterns])
