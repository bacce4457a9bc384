#!/usr/bin/python3
"""chorus ring places keys where Debian's libmemcached and Redis place them: ring_suite.py [--peer chorus] [--only PATTERN]"""
import argparse
import json
import pathlib
import random
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE), str(HERE.parents[1] / 'support')]
import libmemcached  # noqa: E402
from checks import Suite, equal  # noqa: E402

CHORUS = ROOT / 'build/release/chorus'
suite = Suite('ring')


def chorus(*arguments, keys=()):
    done = subprocess.run([CHORUS, 'ring', *arguments], input=''.join(f'{key}\n' for key in keys), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def located(algorithm, names, keys):
    answers = [json.loads(line) for line in chorus('locate', '--json', '--algorithm', algorithm, '--nodes', ','.join(names), keys=keys).splitlines()]
    equal([answer['key'] for answer in answers], keys)
    return answers


def random_servers(dice):
    kind = dice.randrange(4)
    count = dice.choice((1, 2, 3, 5, 8, 20, 57, 100))  # it aborts when there are more
    servers = []
    for i in range(count):
        host = (f'10.{i // 256}.{i % 256}.{dice.randrange(256)}', f'cache-{i}.example', f'2001:db8::{i:x}', f'/run/cache/{i}.sock')[kind]
        port = None if kind == 3 else dice.choice((11211, 11211, 11212, 1, 65535))
        servers.append((host, port, dice.choice((1, 1, 2, 3, 10, 64, 1000, 4096))))
    dice.shuffle(servers)
    return servers


def same_as_libmemcached(seed, weighted):
    dice = random.Random(seed)
    servers = random_servers(dice)
    keys = [''.join(dice.choices('abcdefghijklmnopqrstuvwxyz0123456789:-_{}', k=dice.randint(1, 60))) for _ in range(2000)]
    names = [libmemcached.name(host, port) for host, port, _ in servers]
    answers = located('ketama' if weighted else 'ketama-plain', [f'{name}={weight}' for name, (_, _, weight) in zip(names, servers)], keys)
    with libmemcached.Placement(servers, weighted) as placement:
        for key, answer in zip(keys, answers):
            equal(answer['node'], names[placement.locate(key.encode())], f'seed {seed}, {len(servers)} servers, key {key}')


for number in range(40):
    suite.add(f'weighted_{number}', lambda seed=number: same_as_libmemcached(seed, True))
    suite.add(f'plain_{number}', lambda seed=number: same_as_libmemcached(1000 + seed, False))


@suite.check
def slots_are_redis_own():
    # CLUSTER KEYSLOT of Redis 7.0.15
    want = {'123456789': 12739, 'foo': 12182, '{user1000}.following': 3443, 'foo{}{bar}': 8363, 'foo{{bar}}zap': 4015, 'foo{bar}{zap}': 5061, '{a}x': 15495}
    answers = located('slots', ['a', 'b', 'c'], list(want))
    equal({answer['key']: answer['slot'] for answer in answers}, want)


@suite.check
def vectors_are_what_the_library_says():
    written = subprocess.run([HERE / 'ketama_vectors.py'], capture_output=True, text=True, check=True).stdout
    equal(written, (ROOT / 'src/ring/testdata/ketama.txt').read_text())


@suite.check
def the_header_has_the_numbers_that_are_used():
    header = pathlib.Path('/usr/include/libmemcached-1.0/types/behavior.h').read_text()
    names = [name for name in re.findall(r'\bMEMCACHED_BEHAVIOR_\w+\b', header.split('enum memcached_behavior_t', 1)[1].split('}', 1)[0])]
    equal((names.index('MEMCACHED_BEHAVIOR_KETAMA'), names.index('MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED')), (libmemcached.KETAMA, libmemcached.KETAMA_WEIGHTED))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--peer', choices=('chorus', 'java'), default='chorus', help='for the runner; there is no other peer than libmemcached')
    parser.add_argument('--only')
    return suite.run(only=parser.parse_args().only)


if __name__ == '__main__':
    sys.exit(main())
