"""A session that writes pipelined below a node of its own and knows what the server may have made of it.

Everything it sends is also applied to a model, one step at a time. Since a server carries out a session's requests in order, whatever
becomes of the server, the subtree must equal the model after some number of steps: at least those acknowledged, at most those sent.
"""
import collections
import copy
import random
import threading

import wire

WINDOW = 60  # requests on their way
NODES = 200  # at most, more or less


class Writer:
    def __init__(self, address, path, seed):
        self.address = address
        self.path = path
        self.random = random.Random(seed)
        self.session = wire.Session(address, timeout_ms=40000)
        self.nodes = {}         # the model: path to [value, version, ephemeral]
        self.steps = []         # what each sent request does to the model: a list of (path, new entry or None)
        self.acknowledged = 0
        self.serial = 0
        self.thread = None
        self.failure = None
        self.cut_off = None
        self.asked_to_stop = False

    # What is sent

    def name(self):
        self.serial += 1
        return f'{self.path}/n{self.serial:06d}'

    def pick(self):
        """A node that is there once all that was sent is done."""
        return self.random.choice(list(self.nodes)) if self.nodes else None

    def next_request(self):
        """One encoded request; the model is advanced by it."""
        choice = self.random.random()
        victim = self.pick()
        if len(self.nodes) >= NODES:
            return self.step(wire.DELETE, *self.delete(victim))
        if choice < 0.35 or victim is None:
            return self.step(wire.CREATE, *self.create())
        if choice < 0.45:
            return self.step(wire.CREATE, *self.create(wire.EPHEMERAL))
        if choice < 0.75:
            return self.step(wire.SET, *self.set(victim))
        if choice < 0.85:
            return self.step(wire.DELETE, *self.delete(victim))
        # All or nothing, over several nodes.
        parts = [(wire.CREATE, self.create()), (wire.SET, self.set(victim)), (wire.CREATE, self.create())]
        other = self.pick()
        if other != victim:
            parts.append((wire.DELETE, self.delete(other)))
        effects = [effect for _, (_, part) in parts for effect in part]
        return self.step(wire.MULTI, wire.multi_body([(op, body) for op, (body, _) in parts]), effects)

    def step(self, op, body, effects):
        self.steps.append(effects)
        return self.session.encode(op, body)

    def create(self, mode=wire.PERSISTENT):
        path, value = self.name(), b'%d' % self.serial * self.random.randint(1, 20)
        entry = (value, 0, mode == wire.EPHEMERAL)
        self.nodes[path] = entry
        return wire.create_body(path, value, mode), [(path, entry)]

    def set(self, path):
        value = b'new %d' % self.random.getrandbits(30)
        entry = (value, self.nodes[path][1] + 1, self.nodes[path][2])
        self.nodes[path] = entry
        return wire.set_body(path, value), [(path, entry)]

    def delete(self, path):
        del self.nodes[path]
        return wire.delete_body(path), [(path, None)]

    # How it is sent

    def start(self):
        """Writes on a thread of its own until the connection ends or finish() is called."""
        self.base = copy.copy(self.nodes)
        self.steps = []
        self.acknowledged = 0
        self.asked_to_stop = False
        self.failure = None
        self.cut_off = None
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        outstanding = collections.deque()
        try:
            while True:
                if not self.asked_to_stop:
                    batch = b''
                    while len(outstanding) < WINDOW:
                        batch += self.next_request()
                        outstanding.append(self.session.xid)
                    self.session.socket.sendall(batch)
                elif not outstanding:
                    return
                for _ in range(min(len(outstanding), self.random.randint(1, WINDOW))):
                    xid, error, _ = self.session.reply()
                    if xid != outstanding.popleft():
                        raise AssertionError(f'reply {xid} out of order')
                    if error:
                        raise AssertionError(f'request {xid} was refused with {error}')
                    self.acknowledged += 1
        except (EOFError, OSError) as end:
            self.cut_off = end  # where the server was killed that is what this is about
        except AssertionError as failure:
            self.failure = failure

    def join(self):
        self.thread.join(30)
        assert not self.thread.is_alive(), 'the writer hangs'
        if self.failure:
            raise self.failure

    def finish(self):
        """Stops writing and waits for all answers."""
        self.asked_to_stop = True
        self.join()
        if self.cut_off:
            raise self.cut_off

    # What must have become of it

    def check(self, reader):
        """Holds the subtree against the model; the model then is what the server has. Returns how many steps it had done."""
        actual = {}
        for name in reader.children(self.path):
            value, stat = reader.get(f'{self.path}/{name}')
            actual[f'{self.path}/{name}'] = (value, stat['version'], stat['owner'] == self.session.id[0])
        model = dict(self.base)
        for effects in self.steps[:self.acknowledged]:
            self.apply(model, effects)
        done = self.acknowledged
        # Several states may be equal (set there and back is excluded by versions): the first that fits is taken.
        while model != actual:
            if done == len(self.steps):
                raise AssertionError(self.explain(actual))
            self.apply(model, self.steps[done])
            done += 1
        self.nodes = model
        return done

    @staticmethod
    def apply(model, effects):
        for path, entry in effects:
            if entry is None:
                del model[path]
            else:
                model[path] = entry

    def explain(self, actual):
        model = dict(self.base)
        for effects in self.steps[:self.acknowledged]:
            self.apply(model, effects)
        lost = {p: (e, actual.get(p)) for p, e in model.items() if actual.get(p) != e}
        return (f'{self.path}: no number of steps from {self.acknowledged} acknowledged to {len(self.steps)} sent gives what is there. '
                f'After the acknowledged ones {len(lost)} nodes differ, such as {list(lost.items())[:3]}')

    def resume(self):
        """The same session on a new connection, which the server only grants if it knows all that this session has seen."""
        old = self.session
        self.session = wire.Session(self.address, timeout_ms=40000, session=old.id, last_zxid=old.zxid)
        assert self.session.id == old.id, f'session {old.id[0]:#x} came back as {self.session.id[0]:#x}'
        self.session.zxid = old.zxid
