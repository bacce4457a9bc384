#!/usr/bin/python3
"""Debian's C client against a ZooKeeper server: c_suite.py --server HOST:PORT [--only PATTERN]

c_client.cc uses the API of libzookeeper_mt; it is built here, into build/conformance. cli_mt is the command line of zookeeper-bin.
"""
import argparse
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
import wire  # noqa: E402
from checks import Suite, add_reported  # noqa: E402
from servers import wait_until  # noqa: E402

CLI = '/usr/lib/zookeeper/bin/cli_mt'
LOAD = '/usr/lib/zookeeper/bin/load_gen'
suite = Suite('c')
server = None


def build():
    source, program = HERE / 'c_client.cc', ROOT / 'build/conformance/c_client'
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(['clang++-19', '-std=c++20', '-O1', '-g1', '-Wall', '-Wextra', '-Werror', '-DTHREADED', source, '-o', program,
                        '-lzookeeper_mt', '-lpthread'], check=True)
    return program


def cli(command):
    """The output of cli_mt for one command."""
    return subprocess.run([CLI, server, f'cmd:{command}'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30).stdout


@suite.check
def cli_mt_creates_and_reads():
    out = cli('create /cli-mt')
    assert '[/cli-mt]: rc = 0' in out, out
    out = cli('set /cli-mt value')
    assert 'rc = 0' in out, out
    out = cli('get /cli-mt')
    assert 'value = value' in out or 'value_len = 5' in out, out


@suite.check
def cli_mt_lists():
    out = cli('ls /zookeeper')
    assert '/zookeeper: rc = 0' in out and 'config' in out and 'quota' in out, out


@suite.check
def load_gen_works_and_cleans_up():
    """load_gen creates, writes, reads and deletes children over and over; with "clean" it removes them."""
    session = wire.Session(server)
    session.create('/load-gen')
    generator = subprocess.Popen([LOAD, server, '/load-gen', '50'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(session.children('/load-gen')) == 50, 'fifty children')
        wait_until(lambda: len(session.children('/load-gen')) < 50, 'a delete cycle')
    finally:
        generator.kill()
        generator.wait()
    subprocess.run([LOAD, server, '/load-gen', 'clean'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
    wait_until(lambda: not session.exists('/load-gen') or not session.children('/load-gen'), 'no children')
    session.close()


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--server', required=True)
    parser.add_argument('--only')
    arguments = parser.parse_args()
    server = arguments.server
    add_reported(suite, [build(), server])
    sys.exit(suite.run(only=arguments.only))
