"""Sessions that write through the members of an ensemble, move when they lose one, and know afterwards what has to be there.

    with Load(ensemble.addresses) as load: ...whatever happens to the ensemble...
    load.check(session)     # of each member, after a sync: everything acknowledged is there, nothing that was refused
"""
import collections
import random
import threading
import time

import wire

KEPT = 150          # nodes of one writer, more or less
PACE_SECONDS = 0.002  # between requests of one writer; what is tested shares the machine
CONNECTION_LOSS = (EOFError, OSError)


class Writer(threading.Thread):
    """One session at a time, one request at a time, below a node of its own. A path is created once and never again, so that a request
    whose answer was lost may have been carried out or not, and later ones are not touched by it."""

    def __init__(self, number, addresses, timeout_ms, pace, answer_seconds):
        super().__init__(daemon=True)
        self.root = f'/load/w{number}'
        self.addresses = collections.deque(addresses)
        self.addresses.rotate(-number)
        self.timeout_ms = timeout_ms
        self.pace = pace
        self.answer_seconds = answer_seconds
        self.random = random.Random(number)
        self.session = None
        self.resumes = False  # whether `session` is to be resumed, or a new one begun
        self.ending = threading.Event()
        self.failure = None
        self.serial = 0
        self.nodes = {}       # path: (value, zxid of its creation), as acknowledged
        self.gone = collections.deque(maxlen=1000)  # paths whose deletion was acknowledged
        self.undecided = {}   # path: value; created, or deleted, or not
        self.counter, self.counter_sent = 0, 0
        self.zxids = []       # of acknowledged writes, in order
        self.expired = self.moves = 0
        self.longest_pause, self.paused_at = 0.0, 0.0
        self.last_done = None

    def run(self):
        try:
            while not self.ending.is_set():
                try:
                    self.connect()
                    while not self.ending.wait(self.pace):
                        self.write()
                except wire.Expired:
                    self.expired += 1
                    self.resumes = False
                except CONNECTION_LOSS:
                    self.addresses.rotate(-1)
                    self.ending.wait(0.02)
        except Exception as failure:  # noqa: BLE001 - told by check(), on the thread of the test
            self.failure = failure
        finally:
            if self.session:
                self.session.cut()

    def connect(self):
        old, address = self.session, self.addresses[0]
        if old:
            old.cut()
        if self.resumes:
            session = wire.resume(address, old, self.timeout_ms, self.answer_seconds, patience=0)
            assert session.id[0] == old.id[0], f'session {old.id[0]:#x} came back as {session.id[0]:#x}'
            self.moves += 1
        else:
            session = wire.Session(address, self.timeout_ms, wait=self.answer_seconds)
        self.session, self.resumes = session, True
        for path in (self.root, f'{self.root}/counter'):
            try:
                session.create(path, b'0')
            except wire.Refused as refused:
                if refused.code != wire.NODE_EXISTS:
                    raise

    def write(self):
        before = self.session.zxid
        choice = self.random.random()
        if choice < 0.3:
            self.counter_sent += 1
            self.session.set(f'{self.root}/counter', b'%d' % self.counter_sent)
            self.counter = self.counter_sent
        elif choice < 0.35:
            self.refused()
        elif choice < 0.45 and self.nodes or len(self.nodes) > KEPT:
            path = self.random.choice(list(self.nodes))
            self.undecided[path] = self.nodes.pop(path)[0]
            self.session.delete(path)
            del self.undecided[path]
            self.gone.append(path)
        else:
            self.create(multi=choice > 0.9)
        self.done(before)

    def refused(self):
        try:
            self.session.delete(f'{self.root}/counter', version=1 << 30)
        except wire.Refused as refused:
            assert refused.code == -103, refused
        else:
            raise AssertionError('a delete of a wrong version was carried out')

    def create(self, multi):
        made = {}
        for _ in range(2 if multi else 1):
            self.serial += 1
            made[f'{self.root}/n{self.serial:06d}'] = b'%d ' % self.serial * self.random.randint(1, 20)
        self.undecided.update(made)
        if multi:
            self.session.call(wire.MULTI, wire.multi_body([(wire.CREATE, wire.create_body(path, value)) for path, value in made.items()]))
        else:
            for path, value in made.items():
                self.session.create(path, value)
        for path, value in made.items():
            del self.undecided[path]
            self.nodes[path] = (value, self.session.zxid)

    def done(self, zxid_before):
        zxid = self.session.zxid
        assert zxid > zxid_before, f'a write was acknowledged with zxid {zxid:#x}, after {zxid_before:#x}'
        self.zxids.append(zxid)
        now = time.monotonic()
        if self.last_done is not None and now - self.last_done > self.longest_pause:
            self.longest_pause, self.paused_at = now - self.last_done, now
        self.last_done = now

    def check(self, session):
        """Everything acknowledged is there as it was acknowledged."""
        counter = int(session.get(f'{self.root}/counter')[0])
        assert self.counter <= counter <= self.counter_sent, \
            f'{self.root}/counter is {counter}, {self.counter} was acknowledged, {self.counter_sent} sent'
        names = {f'{self.root}/{name}' for name in session.children(self.root)} - {f'{self.root}/counter'}
        lost = sorted(set(self.nodes) - names)
        assert not lost, f'{len(lost)} acknowledged creations are lost: {[(p, hex(self.nodes[p][1])) for p in lost[:5]]}'
        back = sorted(set(self.gone) & names)
        assert not back, f'{len(back)} acknowledged deletions are lost: {back[:5]}'
        strange = sorted(names - set(self.nodes) - set(self.undecided))
        assert not strange, f'nodes that nobody asked for: {strange[:5]}'
        for path, (value, stat, _) in wire.dump(session, self.root).items():
            if path not in names:
                continue
            want, zxid = self.nodes.get(path) or (self.undecided[path], stat['czxid'])
            assert (value, stat['czxid'], stat['version']) == (want, zxid, 0), \
                f'{path} is {value!r} of {stat["czxid"]:#x}, version {stat["version"]}; acknowledged was {want!r} of {zxid:#x}'


class Load:
    """answer_seconds: for how long a writer waits for an answer before it goes elsewhere."""

    def __init__(self, addresses, writers=3, timeout_ms=15000, pace=PACE_SECONDS, answer_seconds=8.0):
        session = wire.Session(addresses[0])
        try:
            session.create('/load')
        except wire.Refused as refused:
            if refused.code != wire.NODE_EXISTS:
                raise
        session.close()
        self.writers = [Writer(n, addresses, timeout_ms, pace, answer_seconds) for n in range(writers)]

    def __enter__(self):
        for writer in self.writers:
            writer.start()
        return self

    def __exit__(self, *_):
        for writer in self.writers:
            writer.ending.set()
        for writer in self.writers:
            writer.join(60)

    @property
    def acknowledged(self):
        return sum(len(writer.zxids) for writer in self.writers)

    @property
    def longest_pause(self):
        return max(writer.longest_pause for writer in self.writers)

    def forget_pauses(self):
        """longest_pause is of what comes from now on."""
        for writer in self.writers:
            writer.longest_pause = 0.0

    def goes_on(self, writes=20):
        """A condition: every writer had this many more acknowledged since now."""
        marks = [(writer, len(writer.zxids) + writes) for writer in self.writers]

        def reached():
            self.unharmed()
            return all(len(writer.zxids) >= mark for writer, mark in marks)
        return reached

    def unharmed(self):
        for writer in self.writers:
            if writer.failure:
                raise writer.failure

    def check(self, session):
        """After the end of the load. One zxid belongs to one write: two writers with the same one had two leaders."""
        self.unharmed()
        for writer in self.writers:
            assert not writer.is_alive(), 'a writer hangs'
            writer.check(session)
        owners = collections.Counter(zxid for writer in self.writers for zxid in writer.zxids)
        twice = [hex(zxid) for zxid, times in owners.items() if times > 1]
        assert not twice, f'different writes were acknowledged with the same zxid: {twice[:5]}'
