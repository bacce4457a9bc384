#!/usr/bin/python3
"""node-zookeeper-client from npm against a ZooKeeper server: node_suite.py --server HOST:PORT [--only PATTERN]

The package is installed into build/conformance/node by `npm ci`, at the versions that package-lock.json names.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from checks import Suite, add_reported  # noqa: E402


def install():
    """The folder that holds the client and its package."""
    place = ROOT / 'build/conformance/node'
    place.mkdir(parents=True, exist_ok=True)
    lock = (HERE / 'package-lock.json').read_bytes()
    done = place / 'installed-lock.json'
    if not done.exists() or done.read_bytes() != lock:
        for name in ('package.json', 'package-lock.json'):
            shutil.copy(HERE / name, place / name)
        subprocess.run(['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], cwd=place, check=True, timeout=300)
        done.write_bytes(lock)
    shutil.copy(HERE / 'node_client.js', place / 'node_client.js')
    return place


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--server', required=True)
    parser.add_argument('--only')
    arguments = parser.parse_args()
    suite = Suite('node')
    add_reported(suite, ['node', install() / 'node_client.js', arguments.server])
    sys.exit(suite.run(only=arguments.only))
