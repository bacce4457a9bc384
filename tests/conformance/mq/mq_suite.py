#!/usr/bin/python3
"""`chorus mq` against a NameServer and broker: mq_suite.py [--peer chorus|java|rocketmq4] [--only PATTERN]

Starts its own: Chorus, or with --peer java Apache RocketMQ 5. Every check has a topic and a group of its own.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

SUPPORT = pathlib.Path(__file__).resolve().parents[2] / 'support'
sys.path[:0] = [str(SUPPORT), str(SUPPORT / 'rocketmq')]
import rocketmq  # noqa: E402
from checks import Skipped, Suite, equal  # noqa: E402
from servers import Chorus, free_port, wait_until  # noqa: E402

suite = Suite('mq')
peer = None
SECONDS = 60
HALF = 'RMQ_SYS_TRANS_HALF_TOPIC'


def environment(**more):
    kept = {key: value for key, value in os.environ.items() if key not in ('NAMESRV_ADDR', 'CHORUS_ACCESS_KEY', 'CHORUS_SECRET_KEY')}
    return {**kept, 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', **more}


def command(*words, to=None):
    return [str(Chorus.binary), 'mq', '--server', to or peer.namesrv, *map(str, words)]


def mq(*words, code=0, stdin=b'', to=None, env=None):
    """Standard output of one command; its exit code must be `code`, and anything but 0 must be explained."""
    done = subprocess.run(command(*words, to=to), input=stdin, capture_output=True, timeout=SECONDS, env=env or environment())
    mq.errors = done.stderr.decode()
    equal(done.returncode, code, f'exit code of {words}, which says {mq.errors!r} and prints {done.stdout[-500:]!r}')
    if code not in (0, 9) and not done.stderr:
        raise AssertionError(f'{words} fails without a word')
    return done.stdout.decode()


def lines(*words, **named):
    return mq(*words, **named).splitlines()


def js(*words, **named):
    """One object a line."""
    return [json.loads(line) for line in lines('--json', *words, **named)]


def topic(name, queues=4):
    mq('topics', 'create', name, '--queues', queues)
    # A NameServer of RocketMQ's is told a moment later.
    wait_until(lambda: rocketmq.answers(peer.namesrv, 105, {'topic': name}), f'the route to {name}')
    return name


def bodies(*words, **named):
    return sorted(message['body'] for message in js('consume', *words, **named))


class Running:
    """A command that goes on, such as consume --follow; lines come by line()."""

    def __init__(self, *words):
        self.process = subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment())
        self.pending = b''

    def line(self, seconds=SECONDS):
        while b'\n' not in self.pending:
            if not select.select([self.process.stdout], [], [], seconds)[0]:
                raise TimeoutError(f'no line within {seconds} s')
            octets = os.read(self.process.stdout.fileno(), 65536)
            if not octets:
                raise EOFError(f'ended: {self.process.stderr.read().decode()}')
            self.pending += octets
        line, self.pending = self.pending.split(b'\n', 1)
        return line.decode()

    def interrupt(self, code=0):
        self.process.send_signal(signal.SIGINT)
        self.finish(code)

    def finish(self, code=0):
        equal(self.process.wait(SECONDS), code, self.process.stderr.read().decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def send_raw(to, body, properties, group='suite', sys_flag=0, queue=0):
    text = ''.join(f'{key}\x01{value}\x02' for key, value in properties.items())
    code, fields, _ = rocketmq.call(peer.broker, 310, {
        'a': group, 'b': to, 'c': 'TBW102', 'd': '4', 'e': str(queue), 'f': str(sys_flag), 'g': str(int(time.time() * 1000)), 'h': '0', 'i': text,
        'j': '0', 'k': 'false', 'm': 'false'}, body.encode())
    equal(code, 0, f'answer to a message: {fields}')
    return fields


def put_aside(group, message):
    """Makes a dead letter of a message, as a consumer does that gives it up."""
    code, *_ = rocketmq.call(peer.broker, 36, {'offset': str(int(message['offset_id'][-16:], 16)), 'group': group, 'delayLevel': '-1', 'originMsgId': message['id'],
                                               'originTopic': message['topic'], 'unitMode': 'false', 'maxReconsumeTimes': '16'})
    equal(code, 0, 'answer to a message that is given up')


@suite.check
def help_lists_every_command():
    text = mq('--help')
    for word in ('topics', 'groups', 'produce', 'consume', 'lag', 'reset', 'dlq', 'transactions', 'message', 'Exit codes', 'NAMESRV_ADDR'):
        assert word in text, word
    for words in (('topics', 'create'), ('groups', 'show'), ('produce',), ('consume',), ('reset',), ('dlq', 'resend'), ('transactions', 'list'), ('message',)):
        assert 'Usage' in mq(*words, '--help') or 'chorus mq' in mq(*words, '--help')


@suite.check
def topics_are_made_shown_listed_and_deleted():
    equal(mq('topics', 'create', 'mq_made', '-q', 3), f'mq_made: 3 queues at {rocketmq.BROKER}\n')
    wait_until(lambda: 'mq_made' in lines('topics', 'list'), 'it is listed')
    assert not [name for name in lines('topics', 'list') if name.startswith(('%', 'RMQ_SYS', 'rmq_sys', 'TBW102', 'SCHEDULE'))]
    assert 'TBW102' in lines('topics', 'list', '--all')
    mq('topics', 'create', 'mq_made', code=4)
    assert '--force' in mq.errors
    mq('topics', 'create', 'mq_made', '-q', 5, '--force')
    shown = wait_until(lambda: (one := js('topics', 'show', 'mq_made')[0])['brokers'][0]['read_queues'] == 5 and one, 'five queues')
    equal((shown['topic'], shown['brokers'][0]['perm'], len(shown['queues'])), ('mq_made', 6, 5))
    assert 'mq_made' in mq('topics', 'show', 'mq_made')
    equal(mq('topics', 'delete', 'mq_made'), 'mq_made deleted\n')
    wait_until(lambda: 'mq_made' not in lines('topics', 'list'), 'it is gone')
    mq('topics', 'show', 'mq_made', code=3)
    mq('topics', 'delete', 'mq_made', code=3)


@suite.check
def topics_list_with_details():
    name = topic('mq_details')
    mq('produce', name, 'a', 'b', 'c')
    row = next(each for each in js('topics', 'list', '-l') if each['topic'] == name)
    equal((row['queues'], row['messages']), (4, 3))
    assert any(line.split()[:4] == [name, '1', '4', '3'] for line in lines('topics', 'list', '--details'))


@suite.check
def produce_from_arguments_and_lines():
    name = topic('mq_produce')
    sent = js('produce', name, 'one', 'two')
    assert all(len(each['id']) == 32 and len(each['offset_id']) == 32 and each['broker'] == rocketmq.BROKER for each in sent), sent
    equal(len({each['id'] for each in sent}), 2)
    mq('produce', name, stdin=b'three\n\nfour\n')
    mq('produce', name, '--whole', stdin=b'five\nsix\n')
    equal(bodies(name), ['five\nsix\n', 'four', 'one', 'three', 'two'])


@suite.check
def produce_many_lines():
    name = topic('mq_many')
    text = ''.join(f'{i}\n' for i in range(5000))
    equal(len(lines('produce', name, stdin=text.encode())), 5000)
    # RocketMQ shows what it has acknowledged a moment later.
    wait_until(lambda: sorted(map(int, bodies(name))) == list(range(5000)), 'all are there')
    mq('produce', name, '--batch', stdin=text.encode())
    wait_until(lambda: len(lines('consume', name)) == 10000, 'and all of the batches')


@suite.check
def produce_with_tag_key_and_properties():
    name = topic('mq_with')
    mq('produce', name, 'x', '-t', 'red', '-k', 'k1 k2', '-p', 'a=b', '-p', 'c=d=e')
    message, = js('consume', name)
    equal({key: message['properties'].get(key) for key in ('TAGS', 'KEYS', 'a', 'c')}, {'TAGS': 'red', 'KEYS': 'k1 k2', 'a': 'b', 'c': 'd=e'})
    mq('produce', name, 'x', '-p', 'nothing', code=1)
    mq('produce', name, 'x', '-p', 'TAGS=x', code=1)
    head = lines('consume', name, '-H')[0]
    assert ' tag=red keys=k1 k2' in head and f'queue={rocketmq.BROKER}:' in head, head


@suite.check
def produce_in_order():
    name = topic('mq_order', queues=8)
    text = ''.join(f'{i}\n' for i in range(200))
    sent = js('produce', name, '--order-key', 'customer-7', stdin=text.encode())
    equal(len({each['queue'] for each in sent}), 1)
    equal([each['offset'] for each in sent], list(range(200)))
    equal([message['body'] for message in js('consume', name)], text.split())
    equal(js('produce', name, 'y', '--queue', 3)[0]['queue'], 3)
    equal([message['body'] for message in js('consume', name, '--queue', 3)], ['y'] if sent[0]['queue'] != 3 else text.split() + ['y'])


@suite.check
def produce_large_bodies_compressed():
    name = topic('mq_large')
    body = 'x' * 100_000
    mq('produce', name, '--whole', stdin=body.encode())
    message, = js('consume', name)
    equal(message['body'], body)
    mq('produce', name, '--whole', stdin=b'x' * (5 << 20), code=1)
    assert 'are the most' in mq.errors


@suite.check
def produce_compressed_as_told():
    name = topic('mq_compressed', queues=1)
    begins = {'zlib': bytes.fromhex('785e'), 'lz4': bytes.fromhex('04224d18'), 'zstd': bytes.fromhex('28b52ffd'), 'none': b'xxxx'}
    flags = {'zlib': 0x301, 'lz4': 0x101, 'zstd': 0x201, 'none': 0}
    for number, how in enumerate(begins):
        body = 'x' * 10_000 + how
        sent, = js('produce', name, '--whole', '--compress', how, stdin=body.encode())
        _, _, stored = rocketmq.call(peer.broker, 33, {'offset': int(sent['offset_id'][16:], 16), 'topic': name})
        equal(int.from_bytes(stored[36:40], 'big') & 0x701, flags[how], how)
        length = int.from_bytes(stored[84:88], 'big')
        assert stored[88:88 + length].startswith(begins[how]), (how, stored[88:100])
        assert length < 200 or how == 'none', length
        equal(js('message', name, '--queue', 0, '--offset', number)[0]['body'], body)
    equal([message['body'][10_000:] for message in js('consume', name)], list(begins))
    sent, = js('produce', name, 'small enough', '--compress', 'zstd', '--compress-above', 3)
    _, _, stored = rocketmq.call(peer.broker, 33, {'offset': int(sent['offset_id'][16:], 16), 'topic': name})
    equal(int.from_bytes(stored[36:40], 'big') & 0x701, 0x201)
    equal(js('consume', name)[-1]['body'], 'small enough')
    # Octets that are not what they are said to be are shown as they are.
    rocketmq.call(peer.broker, 310, {'a': 'P', 'b': name, 'c': 'TBW102', 'd': 4, 'e': 0, 'f': 0x101, 'g': 1700000000000, 'h': 0,
                                     'i': 'WAIT\x01true\x02', 'j': 0, 'k': 'false',
                                     'm': 'false'}, b'no frame of LZ4')
    damaged = js('consume', name)[-1]
    equal((damaged['body'], damaged['damaged']), ('no frame of LZ4', True))
    mq('produce', name, 'x', '--batch', '--compress', 'lz4', code=1)
    mq('produce', name, 'x', '--compress', 'brotli', code=1)


@suite.check
def produce_delayed():
    name = topic('mq_delayed', queues=1)
    began = time.time()
    with Running('consume', name, '--follow', '--ready', '--json') as running:
        running.line()
        mq('produce', name, 'level', '--delay-level', 1)
        equal(json.loads(running.line())['body'], 'level')
        assert time.time() - began > 0.9
        if peer.name == 'rocketmq4':
            return
        began = time.time()
        mq('produce', name, 'delay', '--delay', '2s')
        equal(json.loads(running.line())['body'], 'delay')
        assert 1.0 < time.time() - began < 15, time.time() - began
        at = time.time() + 2
        mq('produce', name, 'at', '--at', str(int(at * 1000)))
        equal(json.loads(running.line())['body'], 'at')
        assert time.time() > at - 1.1
    mq('produce', name, 'x', '--delay', 'soon', code=1)
    mq('produce', name, 'x', '--batch', '--delay', '1s', code=1)


@suite.check
def produce_oneway():
    name = topic('mq_oneway')
    equal(mq('produce', name, 'a', 'b', '--oneway'), '')
    wait_until(lambda: bodies(name) == ['a', 'b'], 'both are there')


@suite.check
def produce_to_no_topic():
    mq('produce', 'no%topic!', 'x', code=10)
    mq('produce', 'mq_made_by_itself', 'x')  # the peers make topics
    wait_until(lambda: rocketmq.answers(peer.namesrv, 105, {'topic': 'mq_made_by_itself'}), 'its route')
    equal(bodies('mq_made_by_itself'), ['x'])
    mq('consume', 'mq_no_topic', code=3)
    assert 'topics list' in mq.errors


@suite.check
def consume_filtered():
    name = topic('mq_filter')
    for tag in ('red', 'green', 'blue'):
        mq('produce', name, tag, '-t', tag, '-p', f'size={len(tag)}')
    equal(bodies(name, '-t', 'red || blue'), ['blue', 'red'])
    equal(bodies(name, '--sql', "size > 3 AND TAGS <> 'blue'"), ['green'])
    mq('consume', name, '--sql', 'size >', code=1)
    with Running('consume', name, '--follow', '--ready', '-t', 'green') as running:
        running.line()
        mq('produce', name, 'no', '-t', 'red')
        mq('produce', name, 'yes', '-t', 'green')
        equal(running.line(), 'yes')
        running.interrupt()


@suite.check
def consume_from_a_time():
    name = topic('mq_time')
    mq('produce', name, 'old')
    time.sleep(1.1)
    middle = int(time.time() * 1000) - 500
    mq('produce', name, 'new')
    wait_until(lambda: len(bodies(name)) == 2, 'both')
    equal(bodies(name, '--from', middle), ['new'])
    equal(bodies(name, '--from', '1h ago'), ['new', 'old'])
    equal(bodies(name, '--from', 'latest'), [])
    equal(len(lines('consume', name, '-n', 1)), 1)
    mq('consume', name, '--from', 'yesterday', code=1)


@suite.check
def consume_waits_in_vain():
    name = topic('mq_vain')
    mq('consume', name, '--follow', '-n', 1, '--for', 0.5, code=9)
    equal(mq('consume', name, '--follow', '--for', 0.5), '')


@suite.check
def consume_follows_over_a_broken_connection():
    name = topic('mq_follow')
    with Running('consume', name, '--follow', '--ready', '-n', 3) as running:
        equal(running.line(), f'consuming {name}')
        for i in range(3):
            mq('produce', name, f'm{i}')
            equal(running.line(), f'm{i}')
        running.finish()


@suite.check
def consume_for_a_group():
    name, group = topic('mq_group'), 'mq_group_g'
    mq('produce', name, *map(str, range(20)))
    equal(len(lines('consume', name, '-g', group, '-n', 5)), 5)
    wait_until(lambda: sum(row['lag'] for row in js('lag', group, '-t', name)) == 15, 'fifteen to come')
    equal(len(lines('consume', name, '-g', group)), 15)
    wait_until(lambda: sum(row['lag'] for row in js('lag', group, '-t', name)) == 0, 'none to come')
    equal(mq('consume', name, '-g', group), '')
    mq('produce', name, 'more')
    equal(lines('consume', name, '-g', group, '--in-order'), ['more'])


@suite.check
def consume_shares_queues():
    name, group = topic('mq_share', queues=8), 'mq_share_g'
    with Running('consume', name, '-g', group, '--follow', '--ready') as one, Running('consume', name, '-g', group, '--follow', '--ready') as other:
        one.line(), other.line()
        wait_until(lambda: len(js('groups', 'show', group)[0]['members']) == 2, 'two members')
        # Each has its half once both have seen the other.
        got = {'one': set(), 'other': set()}
        deadline = time.monotonic() + SECONDS
        count = 0
        while not (got['one'] and got['other']):
            assert time.monotonic() < deadline, got
            count += 8
            mq('produce', name, *[str(count + i) for i in range(8)])
            until = time.monotonic() + 1
            while time.monotonic() < until:
                for key, running in (('one', one), ('other', other)):
                    with contextlib.suppress(TimeoutError):
                        got[key].add(running.line(0.05))
        one.interrupt(), other.interrupt()
    wait_until(lambda: js('groups', 'show', group)[0]['members'] == [], 'nobody is left')


@suite.check
def groups_are_made_shown_listed_and_deleted():
    mq('groups', 'create', 'mq_g', '--retries', 3)
    mq('groups', 'create', 'mq_g', code=4)
    equal(js('groups', 'show', 'mq_g')[0]['retries'], 3)
    mq('groups', 'create', 'mq_g', '--retries', 4, '--force')
    equal(js('groups', 'show', 'mq_g')[0]['retries'], 4)
    assert any(row['group'] == 'mq_g' for row in js('groups', 'list'))
    assert 'mq_g' in mq('groups', 'list')
    assert not any(row['group'].startswith('CID_') for row in js('groups', 'list'))
    mq('groups', 'delete', 'mq_g')
    mq('groups', 'delete', 'mq_g', code=3)
    mq('groups', 'show', 'mq_g', code=3)


@suite.check
def what_is_in_use_is_kept():
    name, group = topic('mq_in_use'), 'mq_in_use_g'
    with Running('consume', name, '-g', group, '--follow', '--ready') as running:
        running.line()
        wait_until(lambda: js('groups', 'show', group)[0]['members'], 'a member')
        mq('groups', 'delete', group, code=5)
        mq('reset', group, name, '--to', 'earliest', code=5)
        assert '--force' in mq.errors
        shown = js('groups', 'show', group)[0]
        equal(shown['subscriptions'][name], {'type': 'TAG', 'expression': '*'})
        running.interrupt()
    wait_until(lambda: not js('groups', 'show', group)[0]['members'], 'nobody')
    mq('groups', 'delete', group)


@suite.check
def lag_by_queue_and_by_group():
    name, group = topic('mq_lag', queues=2), 'mq_lag_g'
    mq('produce', name, 'a', 'b', 'c', 'd')
    mq('consume', name, '-g', group)
    mq('produce', name, 'e', 'f', 'g')
    rows = wait_until(lambda: (found := js('lag', group, '-t', name)) and sum(row['lag'] for row in found) == 3 and found, 'three to come')
    equal(sorted(row['queue'] for row in rows), [0, 1])
    equal(sum(row['end'] for row in rows), 7)
    equal(sum(row['committed'] for row in rows), 4)
    assert 'CONSUMED UP TO' in mq('lag', group)
    assert any(line.split()[:3] == [group, name, '3'] for line in lines('lag'))
    mq('lag', 'mq_no_group', code=3)


@suite.check
def reset_moves_offsets():
    name, group = topic('mq_reset', queues=1), 'mq_reset_g'
    mq('produce', name, *map(str, range(10)))
    middle = int(time.time() * 1000) + 200
    time.sleep(0.5)
    mq('produce', name, *map(str, range(10, 15)))
    equal(len(lines('consume', name, '-g', group)), 15)
    wait_until(lambda: sum(row['lag'] for row in js('lag', group, '-t', name)) == 0, 'all is consumed')
    plan, = js('reset', group, name, '--to', 'earliest', '--dry-run')
    equal((plan['committed'], plan['new'], plan['to_come'], plan['done']), (15, 0, 15, False))
    equal(mq('consume', name, '-g', group), '')
    equal(js('reset', group, name, '--to', middle)[0]['new'], 10)
    equal(sorted(map(int, lines('consume', name, '-g', group))), list(range(10, 15)))
    mq('reset', group, name, '--to', 7, '--queue', 0)
    equal(len(lines('consume', name, '-g', group)), 8)
    mq('reset', group, name, '--to', 99, '--queue', 0, code=1)
    mq('reset', group, name, '--to', 'earliest')
    equal(len(lines('consume', name, '-g', group)), 15)
    mq('reset', group, name, '--to', 'earliest')
    mq('reset', group, name, '--to', 'latest')
    equal(mq('consume', name, '-g', group), '')
    mq('reset', 'mq_no_group', name, '--to', 'latest', code=3)
    mq('reset', group, 'mq_no_topic', '--to', 'latest', code=3)


@suite.check
def reset_under_live_consumers():
    if peer.name == 'rocketmq4':
        raise Skipped('RocketMQ 4 resets by time only')
    name, group = topic('mq_live', queues=1), 'mq_live_g'
    mq('produce', name, 'a', 'b', 'c')
    with Running('consume', name, '-g', group, '--follow', '--ready', '--from', 'earliest') as running:
        equal([running.line() for _ in range(4)], [f'consuming {name}', 'a', 'b', 'c'])
        mq('reset', group, name, '--to', 1, '--queue', 0, '--force')
        equal([running.line(), running.line()], ['b', 'c'])
        running.interrupt()


@suite.check
def dead_letters_are_listed_and_sent_again():
    name, group = topic('mq_dead', queues=1), 'mq_dead_g'
    mq('groups', 'create', group)
    mq('produce', name, 'bad', 'worse', '-t', 'red', '-k', 'key', '-p', 'mine=1')
    equal(mq('dlq', 'list', group), 'no dead letters\n')
    mq('consume', name, '-g', group)
    for message in js('consume', name):
        put_aside(group, message)
    wait_until(lambda: len(js('dlq', 'list', group)) == 2, 'two dead letters')
    letters = js('dlq', 'list', group)
    equal([(each['origin_topic'], each['body']) for each in letters], [(name, 'bad'), (name, 'worse')])
    assert 'worse' in mq('dlq', 'list', group)
    equal(len(js('dlq', 'list', group, '-n', 1)), 1)
    mq('dlq', 'resend', group, code=1)
    mq('dlq', 'resend', group, 'NOSUCHID', code=3)
    assert 'would go to' in mq('dlq', 'resend', group, '--all', '--dry-run')
    mq('dlq', 'resend', group, letters[1]['id'])
    again = wait_until(lambda: js('consume', name, '-g', group), 'it comes again')
    equal([(each['body'], each['topic'], each['properties'].get('mine'), each['properties'].get('TAGS')) for each in again], [('worse', name, '1', 'red')])
    mq('dlq', 'resend', group, '--all')
    equal(mq('dlq', 'list', group), 'no dead letters\n')
    equal(len(js('dlq', 'list', group, '--all')), 2)
    equal(mq('dlq', 'resend', group, '--all'), 'no dead letters\n')
    got = []
    wait_until(lambda: got.extend(lines('consume', name, '-g', group)) or len(got) == 2, 'both come again')
    equal(sorted(got), ['bad', 'worse'])
    equal(len(lines('consume', name)), 2)
    mq('dlq', 'resend', group, letters[0]['id'], '--to-topic')
    wait_until(lambda: len(lines('consume', name)) == 3, 'in the topic itself')
    mq('dlq', 'list', 'mq_no_group', code=3)


@suite.check
def transactions_without_an_end_are_listed():
    name = topic('mq_half')
    ids = {}
    for body in ('open', 'ended'):
        fields = send_raw(name, body, {'TRAN_MSG': 'true', 'PGROUP': 'mq_half_p', 'UNIQ_KEY': body.upper() * 4}, group='mq_half_p', sys_flag=4)
        ids[body] = fields
    listed = wait_until(lambda: len(found := [each for each in js('transactions', 'list') if each['group'] == 'mq_half_p']) == 2 and found, 'two are open')
    equal({each['topic'] for each in listed}, {name})
    end = ids['ended']
    code, *_ = rocketmq.call(peer.broker, 37, {'topic': name, 'producerGroup': 'mq_half_p', 'tranStateTableOffset': end['queueOffset'], 'commitLogOffset': str(int(end['msgId'][-16:], 16)),
                                               'commitOrRollback': '8', 'fromTransactionCheck': 'false', 'msgId': 'ENDED' * 4, 'transactionId': 'ENDED' * 4}) \
        if peer.name == 'chorus' else end_oneway(name, end)
    wait_until(lambda: [each['id'] for each in js('transactions', 'list') if each['group'] == 'mq_half_p'] == ['OPEN' * 4], 'one is open')
    equal(bodies(name), ['ended'])
    assert 'OPEN' * 4 in mq('transactions', 'list')
    mq('transactions', 'resume', 'nonsense', code=1)


def end_oneway(name, end):
    """RocketMQ does not answer the end of a transaction."""
    with contextlib.suppress(OSError):
        rocketmq.call(peer.broker, 37, {'topic': name, 'producerGroup': 'mq_half_p', 'tranStateTableOffset': end['queueOffset'], 'commitLogOffset': str(int(end['msgId'][-16:], 16)),
                                        'commitOrRollback': '8', 'fromTransactionCheck': 'false', 'msgId': 'ENDED' * 4, 'transactionId': 'ENDED' * 4}, timeout=0.5)
    return (0,)


@suite.check
def outbox_example_ties_messages_to_commits():
    program = Chorus.binary.parent / 'outbox_example'
    topic('orders')
    with tempfile.TemporaryDirectory() as folder:
        table = f'{folder}/orders'
        done = subprocess.run([program, peer.namesrv, table, 'order', 'book', 'refused', 'lamp'], capture_output=True, text=True, timeout=SECONDS)
        equal((done.returncode, done.stdout), (0, 'book: taken\nrefused: not taken\nlamp: taken\n'), done.stderr)
        wait_until(lambda: bodies('orders') == ['book', 'lamp'], 'what was taken, and nothing else')
        # Its order is in the database, and nobody has said so: another process of the group finds it there.
        equal(subprocess.run([program, peer.namesrv, table, 'order', 'crash'], capture_output=True, timeout=SECONDS).returncode, 9)
        equal(bodies('orders'), ['book', 'lamp'])
        serving = subprocess.Popen([program, peer.namesrv, table, 'serve'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            equal(serving.stdout.readline(), 'ready\n')
            wait_until(lambda: bodies('orders') == ['book', 'crash', 'lamp'], 'the order of the one that crashed', seconds=SECONDS)
        finally:
            serving.stdin.close()
            serving.wait(SECONDS)
            serving.stdout.close()


@suite.check
def messages_are_found():
    name = topic('mq_find')
    sent, = js('produce', name, 'needle', '-k', 'key-1 key-2')
    mq('produce', name, 'hay', '-k', 'key-2')
    by_key = wait_until(lambda: js_or_none('message', name, '--key', 'key-1'), 'it is indexed')
    equal([each['body'] for each in by_key], ['needle'])
    both = wait_until(lambda: (found := js_or_none('message', name, '-k', 'key-2')) and len(found) == 2 and found, 'both are indexed')
    equal(sorted(each['body'] for each in both), ['hay', 'needle'])
    equal(js('message', name, '--id', sent['id'])[0]['offset_id'], sent['offset_id'])
    equal(js('message', '--id', sent['offset_id'])[0]['id'], sent['id'])
    equal(js('message', name, '--queue', sent['queue'], '--offset', sent['offset'])[0]['id'], sent['id'])
    equal(mq('message', name, '--id', sent['id'], '--body'), 'needle')
    text = mq('message', name, '--id', sent['id'])
    assert re.search(r'^property +KEYS=key-1 key-2$', text, re.MULTILINE), text
    mq('message', name, '--key', 'no-such-key', code=3)
    mq('message', name, '--id', '0' * 32, code=3)
    mq('message', name, '--queue', 0, '--offset', 999, code=3)
    mq('message', name, code=1)


def js_or_none(*words):
    done = subprocess.run(command('--json', *words), capture_output=True, timeout=SECONDS, env=environment())
    return [json.loads(line) for line in done.stdout.splitlines()] if done.returncode == 0 else None


@suite.check
def bodies_that_are_no_text():
    name = topic('mq_octets')
    mq('produce', name, '--whole', stdin=b'\xff\x00\xfe')
    message, = js('consume', name)
    equal(message['body_base64'], '/wD+')


@suite.check
def errors_say_what_to_do():
    nobody = f'127.0.0.1:{free_port()}'
    mq('topics', 'list', to=nobody, code=2)
    assert nobody in mq.errors, mq.errors
    mq('topics', 'list', to=';', code=1)
    mq('topics', 'list', to='host:port', code=1)
    mq('topic', 'list', code=1)
    assert 'did you mean topics?' in mq.errors
    mq('produce', code=1)
    mq('--json', 'topics', 'show', 'mq_nothing', code=3)
    equal(json.loads(mq.errors)['error'], 3)
    done = subprocess.run([str(Chorus.binary), 'mq', 'topics', 'list'], capture_output=True, env=environment(NAMESRV_ADDR=peer.namesrv))
    equal(done.returncode, 0)


@suite.check
def the_second_name_server_answers():
    both = f'127.0.0.1:{free_port()};{peer.namesrv}'
    name = topic('mq_second')
    mq('produce', name, 'x', to=both)
    equal(mq('consume', name, to=both), 'x\n')


@suite.check
def connects_with_tls():
    name = topic('mq_tls')
    mq('produce', name, 'secret', '--tls', '--no-verify')
    equal(mq('consume', name, '--tls', '--no-verify'), 'secret\n')
    mq('topics', 'list', '--tls', code=2)  # a certificate that nobody we know has signed
    if peer.name == 'chorus':
        equal(mq('consume', name, '--ca', str(peer.directory / 'certificate.pem'), '--no-verify'), 'secret\n')


@suite.check
def attributes_say_how_a_topic_is_kept():
    if peer.name != 'chorus':
        raise Skipped('flush.disk.type is an attribute of ours')
    name = 'mq_flush'
    mq('topics', 'create', name, '--flush', 'async')
    equal(js('topics', 'show', name)[0]['brokers'][0]['attributes'], {'flush.disk.type': 'ASYNC_FLUSH'})
    mq('produce', name, 'x')
    equal(mq('consume', name), 'x\n')
    mq('topics', 'create', name, '--force', '--flush', 'sync', '--attribute', 'message.type=FIFO')
    equal(js('topics', 'show', name)[0]['brokers'][0]['attributes'], {'flush.disk.type': 'SYNC_FLUSH', 'message.type': 'FIFO'})
    mq('topics', 'create', 'mq_compacted', '--attribute', 'cleanup.policy=COMPACTION', code=10)
    if 'COMPACTION cleanup policy is not supported.' not in mq.errors:
        raise AssertionError(mq.errors)
    mq('topics', 'create', 'mq_other', '--flush', 'never', code=1)


@suite.check
def status_is_one_object():
    if peer.name != 'chorus':
        raise Skipped('there is no server of the tree')
    words = [str(Chorus.binary), 'status', peer.options['coord.client_address'], '--name-server', peer.namesrv, '--json']
    done = subprocess.run(words, capture_output=True, timeout=SECONDS, env=environment(), check=True)
    said = json.loads(done.stdout)
    equal((said['serving'], said['messaging']['well'], said['messaging']['brokers'][0]['address']), (True, True, peer.broker))
    words[2] = f'127.0.0.1:{free_port()}'
    done = subprocess.run(words, capture_output=True, timeout=SECONDS, env=environment())
    said = json.loads(done.stdout)
    equal((done.returncode, said['serving'], said['messaging']['well']), (1, False, True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', default='chorus')
    parser.add_argument('--only')
    arguments = parser.parse_args()
    global peer
    kind = {'java': 'rocketmq5'}.get(arguments.peer, arguments.peer)
    options = {'coord.client_address': f'127.0.0.1:{free_port()}'} if kind == 'chorus' else {}
    with tempfile.TemporaryDirectory(prefix='chorus-mq-') as directory, rocketmq.start(kind, directory, options) as peer:
        return suite.run(only=arguments.only)


if __name__ == '__main__':
    sys.exit(main())
