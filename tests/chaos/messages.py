"""The broker is killed under load, in loops: every message that was acknowledged is there, in its place, and no queue has a hole."""
import json
import pathlib
import random
import socket
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'support/rocketmq'))
import rocketmq  # noqa: E402

TOPIC, QUEUES, PRODUCERS, PIPELINED = 'kills', 4, 8, 16
SEND, PULL, MAX_OFFSET, UPDATE_TOPIC, END_TRANSACTION = 310, 11, 30, 17, 37
COMMIT, ROLLBACK = 8, 12


def frame(code, fields, body=b'', opaque=1, flag=0):
    head = json.dumps({'code': code, 'language': 'PYTHON', 'version': 473, 'opaque': opaque, 'flag': flag, 'extFields': fields}).encode()
    return struct.pack('>ii', 4 + len(head) + len(body), len(head)) + head + body


def answer(file):
    total, mark = struct.unpack('>ii', take(file, 8))
    head = json.loads(take(file, mark))
    return head, take(file, total - 4 - mark)


def take(file, size):
    octets = file.read(size)
    if len(octets) != size:
        raise ConnectionError('closed')
    return octets


def sending(queue, properties=''):
    return {'a': 'killed', 'b': TOPIC, 'c': 'TBW102', 'd': '4', 'e': str(queue), 'f': '0', 'g': str(int(time.time() * 1000)), 'h': '0', 'i': properties}


class Producer(threading.Thread):
    """Sends until the connection ends; `acknowledged` is {(queue, offset): body}, `ended` what became of transactions."""

    def __init__(self, address, number, seed):
        super().__init__(daemon=True)
        self.address, self.number, self.random = address, number, random.Random(seed)
        self.acknowledged, self.committed, self.rolled_back, self.count, self.refused = {}, set(), set(), 0, None

    def run(self):
        host, port = self.address.rsplit(':', 1)
        try:
            with socket.create_connection((host, int(port)), timeout=20) as s:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                file = s.makefile('rb')
                while True:
                    self.one_round(s, file)
        except OSError:
            return  # it was killed
        except AssertionError as why:
            self.refused = str(why)

    def one_round(self, s, file):
        sent, out = {}, b''
        for opaque in range(PIPELINED):
            self.count += 1
            body = f'{self.number}-{self.count}'.encode()
            half = opaque == 0
            queue = self.random.randrange(QUEUES)
            out += frame(SEND, sending(queue, 'TRAN_MSG\1true\2PGROUP\1killed\2' if half else ''), body, opaque)
            sent[opaque] = (half, queue, body)
        s.sendall(out)
        halves = []
        for _ in range(PIPELINED):
            head, _ = answer(file)
            half, queue, body = sent[head['opaque']]
            if head['code'] != 0:
                raise AssertionError(f'a send was refused: {head}')
            if half:
                halves.append((head['extFields'], body))
            else:
                self.acknowledged[queue, int(head['extFields']['queueOffset'])] = body
        for fields, body in halves:
            commit = self.random.random() < 0.5
            s.sendall(frame(END_TRANSACTION, {'producerGroup': 'killed', 'tranStateTableOffset': fields['queueOffset'],
                                              'commitLogOffset': str(int(fields['msgId'][16:], 16)),
                                              'commitOrRollback': str(COMMIT if commit else ROLLBACK), 'msgId': ''}))
            head, _ = answer(file)
            if head['code'] != 0:
                raise AssertionError(f'a transaction was not ended: {head}')
            (self.committed if commit else self.rolled_back).add(body)


def contents(address, queue):
    """[body] of the queue by offset; None where nothing is."""
    fields = {'consumerGroup': 'reader', 'topic': TOPIC, 'queueId': str(queue), 'maxMsgNums': '1000', 'sysFlag': '4', 'commitOffset': '0',
              'suspendTimeoutMillis': '0', 'subscription': '*', 'subVersion': '0'}
    end = int(rocketmq.call(address, MAX_OFFSET, {'topic': TOPIC, 'queueId': str(queue)})[1]['offset'])
    bodies, offset = [None] * end, 0
    while offset < end:
        code, head, octets = rocketmq.call(address, PULL, {**fields, 'queueOffset': str(offset)}, timeout=20)
        assert code == 0, f'queue {queue} at {offset}: {code} {head}'
        at = 0
        while at < len(octets):
            size, queue_offset = struct.unpack_from('>i', octets, at)[0], struct.unpack_from('>q', octets, at + 20)[0]
            born_v6, store_v6 = (struct.unpack_from('>i', octets, at + 36)[0] >> bit & 1 for bit in (4, 5))
            body_at = at + 48 + (20 if born_v6 else 8) + 8 + (20 if store_v6 else 8) + 4 + 8
            length = struct.unpack_from('>i', octets, body_at)[0]
            bodies[queue_offset] = octets[body_at + 4:body_at + 4 + length]
            at += size
        offset = int(head['nextBeginOffset'])
    return bodies


def add_checks(suite, options):
    # A kill each quarter of a second or so; half as many as of the tree's.
    rounds = max(1, options.rounds // 5)

    def kills_lose_no_message():
        chance = random.Random(options.seed)
        acknowledged, committed, rolled_back = {}, set(), set()
        with tempfile.TemporaryDirectory() as directory, rocketmq.start('chorus', directory) as broker:
            make_topic = {'topic': TOPIC, 'defaultTopic': 'TBW102', 'readQueueNums': str(QUEUES), 'writeQueueNums': str(QUEUES), 'perm': '6',
                          'order': 'false', 'topicFilterType': 'SINGLE_TAG'}
            for one in range(rounds):
                # A process that is killed loses nothing of either kind.
                flush = 'ASYNC_FLUSH' if one % 2 else 'SYNC_FLUSH'
                code, head, _ = rocketmq.call(broker.broker, UPDATE_TOPIC, {**make_topic, 'attributes': f'+flush.disk.type={flush}'})
                assert code == 0, head
                producers = [Producer(broker.broker, f'{one}.{n}', chance.random()) for n in range(PRODUCERS)]
                for producer in producers:
                    producer.start()
                time.sleep(chance.uniform(0.05, 0.5))
                broker.kill('broker')
                for producer in producers:
                    producer.join(20)
                    assert not producer.refused, producer.refused
                    both = acknowledged.keys() & producer.acknowledged.keys()
                    assert not both, f'places given twice: {sorted(both)[:3]}'
                    acknowledged.update(producer.acknowledged)
                    committed |= producer.committed
                    rolled_back |= producer.rolled_back
                broker.start()
                queues = [contents(broker.broker, queue) for queue in range(QUEUES)]
                for queue, bodies in enumerate(queues):
                    holes = [offset for offset, body in enumerate(bodies) if body is None]
                    assert not holes, f'round {one}: queue {queue} has holes at {holes[:5]}'
                lost = [(place, body) for place, body in acknowledged.items()
                        if place[1] >= len(queues[place[0]]) or queues[place[0]][place[1]] != body]
                assert not lost, f'round {one}: acknowledged and not there: {lost[:5]}'
                seen = [body for bodies in queues for body in bodies]
                there = set(seen)
                assert committed <= there, f'round {one}: committed and not there: {sorted(committed - there)[:5]}'
                assert not rolled_back & there, f'round {one}: rolled back and there: {sorted(rolled_back & there)[:5]}'
                assert len(seen) == len(there), f'round {one}: a message is there twice'
        print(f'{rounds} kills of the broker: {len(acknowledged)} messages acknowledged, {len(committed)} transactions committed, '
              f'{len(rolled_back)} rolled back, lost 0', flush=True)

    suite.add('kills_lose_no_message', kills_lose_no_message)
