#!/usr/bin/python3
"""The programs of docs/examples/messaging, as the documentation shows them: examples_suite.py [--peer chorus|java|rocketmq4] [--only PATTERN]

Built with the clients that tests/conformance/rocketmq fetches, at its versions.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / 'tests/support'), str(ROOT / 'tests/support/rocketmq'), str(ROOT / 'tests/conformance/rocketmq/node')]
import rocketmq  # noqa: E402
from checks import Suite, equal  # noqa: E402
from install import install  # noqa: E402
from servers import Chorus, wait_until  # noqa: E402

suite = Suite('examples')
peer = home = None
EXAMPLES = ROOT / 'docs/examples/messaging'
BUILD = ROOT / 'build/conformance/rocketmq'


def topic(name):
    """As the documentation says to make it."""
    subprocess.run([Chorus.binary, 'mq', '--server', peer.namesrv, 'topics', 'create', name], check=True, stdout=subprocess.DEVNULL)
    wait_until(lambda: rocketmq.answers(peer.namesrv, 105, {'topic': name}), f'the route to {name}')


def lines(*command, **named):
    done = subprocess.run([*map(str, command), peer.namesrv], capture_output=True, text=True, timeout=120, env={**os.environ, 'HOME': home}, **named)
    equal(done.returncode, 0, done.stderr[-2000:])
    return sorted(line for line in done.stdout.splitlines() if line.startswith(('sent', 'received')))


@suite.check
def java():
    jars = rocketmq.class_path(5)
    place = pathlib.Path(home) / 'classes'
    every = ':'.join(map(str, pathlib.Path(jars.removesuffix('/*')).glob('*.jar')))
    subprocess.run(['javac', '-nowarn', '-encoding', 'UTF-8', '-cp', every, '-d', place, EXAMPLES / 'java/QuickStart.java'], check=True)
    topic('orders-java')
    equal(lines('java', '-Xmx256m', *rocketmq.QUICK_JVM, f'-Duser.home={home}', '-cp', f'{place}:{jars}', 'QuickStart'),
          ['received: hello', 'received: in a transaction', 'sent: SEND_OK'])


@suite.check
def go():
    with tempfile.TemporaryDirectory() as folder:
        for name in ('go.mod', 'go.sum'):
            shutil.copy(ROOT / 'tests/conformance/rocketmq/go' / name, folder)
        shutil.copy(EXAMPLES / 'go/main.go', folder)
        BUILD.mkdir(parents=True, exist_ok=True)
        # HOME stays as it is here: that is where Go keeps what it has fetched.
        subprocess.run(['go', 'build', '-mod=mod', '-o', BUILD / 'go-quickstart', '.'], cwd=folder, check=True, stdout=sys.stderr)
    topic('orders-go')
    equal(lines(BUILD / 'go-quickstart'), ['received: hello', 'sent'])


@suite.check
def node():
    program = install() / 'quickstart.js'
    shutil.copy(EXAMPLES / 'node/quickstart.js', program)
    topic('orders-node')
    equal(lines('node', program), ['received: hello', 'sent: SEND_OK'])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', default='chorus')
    parser.add_argument('--only')
    arguments = parser.parse_args()
    global peer, home
    kind = {'java': 'rocketmq5'}.get(arguments.peer, arguments.peer)
    with tempfile.TemporaryDirectory(prefix='chorus-examples-') as home, rocketmq.start(kind, home) as peer:
        return suite.run(only=arguments.only)


if __name__ == '__main__':
    sys.exit(main())
