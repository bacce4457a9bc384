#!/usr/bin/python3
"""Writes src/ring/testdata/ketama.txt: where libmemcached sends keys, for lists of servers with and without weights.

usage: tests/conformance/ring/ketama_vectors.py > src/ring/testdata/ketama.txt
"""
import random

from libmemcached import Placement, name

HEAD = """\
# Where libmemcached 1.1.4 (Debian 12) sends keys. By tests/conformance/ring/ketama_vectors.py.
# weighted: MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, plain: MEMCACHED_BEHAVIOR_KETAMA; then servers as name=weight, in order.
# Below it keys in hexadecimal, each with the number of its server in that list."""

LISTS = [
    [('10.0.0.1', 11211, 1)],
    [('10.0.0.1', 11211, 1), ('10.0.0.2', 11211, 1), ('10.0.0.3', 11211, 1)],
    [('10.0.0.3', 11211, 1), ('10.0.0.1', 11212, 1), ('10.0.0.2', 11211, 1), ('10.0.0.1', 11213, 1)],
    [('cache-a.example', 11211, 1), ('cache-b.example', 22122, 2), ('cache-c.example', 11211, 4)],
    [('10.0.1.1', 11211, 600), ('10.0.1.2', 11211, 300), ('10.0.1.3', 11211, 200), ('10.0.1.4', 11211, 350), ('10.0.1.5', 11211, 1000),
     ('10.0.1.6', 11211, 800), ('10.0.1.7', 11211, 950), ('10.0.1.8', 11211, 100)],
    [('::1', 11211, 1), ('2001:db8::7', 11300, 3), ('/run/memcached/a.sock', None, 2)],
    [('a', 11211, 0), ('b', 11211, 1), ('c', 11211, 0)],
    [(f'10.1.{i // 10}.{i % 10}', 11211 + i % 3, 1 + i % 7) for i in range(100)],
    [('heavy', 11211, 100000), ('light', 11211, 1), ('middle', 1, 333)],
]


def main():
    dice = random.Random(1)
    print(HEAD)
    for servers in LISTS:
        for weighted in (True, False):
            listed = ' '.join(f'{name(host, port)}={weight}' for host, port, weight in servers)
            print(f'{"weighted" if weighted else "plain"} {listed}')
            keys = [b'a', b'foo', b'user:1000', b'\xc3\xa4', b'x' * 250] + [dice.randbytes(dice.randint(1, 40)) for _ in range(60)]
            keys = [key for key in keys if key]
            with Placement(servers, weighted) as placement:
                for key in keys:
                    print(key.hex(), placement.locate(key))


if __name__ == '__main__':
    main()
