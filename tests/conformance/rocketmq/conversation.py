"""Has a recorded conversation again: says what the client said, and compares what Chorus says with what RocketMQ said."""
import collections
import selectors
import socket
import struct
import time

import remoting
import same

PATIENCE = 10.0  # seconds for an answer, or for a request by the server
# Clients ask these until the answer is what they wait for; so it is done here.
ASKED_UNTIL = {12, 29, 30, 38, 105, 202, 203, 204, 206, 208, 300, 315, 200055}
UNTIL_SECONDS = 2.0
POP, NO_MESSAGE = 200050, 210
SAID_AGAIN = {39, 40}  # how often a server asks about a transaction, or tells of a changed group, is a matter of time


class Line:
    """One line of a file of vectors."""

    def __init__(self, row):
        self.us, self.connection, self.by_client = row['us'], row['on'], row['from'] == 'client'
        self.server, self.closed = row.get('to'), row.get('closed', False)
        self.frame = None
        if not self.closed:
            binary = 'binary_head' in row or 'binary_head_hex' in row
            self.frame = remoting.Frame(octets(row, 'binary_head' if binary else 'head'), octets(row, 'body'), binary)


def octets(row, key):
    if key + '_hex' in row:
        return bytes.fromhex(row[key + '_hex'])
    value = row.get(key, '')
    return value.encode() if isinstance(value, str) else remoting.write_json(value)


class Connection:
    """To Chorus, in place of the recorded one."""

    def __init__(self, address):
        host, port = address.rsplit(':', 1)
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self.rest = b''
        self.ended = False
        self.answers = collections.defaultdict(collections.deque)  # by opaque
        self.asked = []  # requests by the server that are not yet matched

    def received(self):
        data = self.socket.recv(1 << 20)
        self.ended = not data
        self.rest += data
        while len(self.rest) >= 4 and len(self.rest) >= 4 + struct.unpack('>i', self.rest[:4])[0]:
            end = 4 + struct.unpack('>i', self.rest[:4])[0]
            frame = remoting.of_octets(self.rest[:end])
            self.rest = self.rest[end:]
            if frame.response:
                self.answers[frame.opaque].append(frame)
            else:
                self.asked.append(frame)


class Difference:
    def __init__(self, code, what, words):
        self.code, self.what, self.words = code, what, words


class Conversation:
    """One scenario. run() gives the differences; `compared` counts the frames of RocketMQ that Chorus was held against."""

    def __init__(self, lines, addresses, known, secrets, longest_pause):
        self.longest_pause = longest_pause
        self.lines, self.addresses, self.secrets, self.known = lines, addresses, secrets, known
        self.open, self.selector = {}, selectors.DefaultSelector()
        self.requests = {}  # (connection, opaque) of the recording: the request as it was said here
        self.opaques = {}  # (connection, recorded opaque of a request by the server): the one here
        self.seen = collections.defaultdict(list)  # connection: codes that the recorded server asked
        self.differences, self.compared, self.volatile = [], 0, set()
        self.codes = collections.Counter()
        self.extra = 1 << 30
        self.early = {}  # what a POP found before its time

    def differ(self, code, what, words):
        self.differences.append(Difference(code, what, words))

    def connection(self, line):
        if line.connection not in self.open:
            opened = self.open[line.connection] = Connection(self.addresses[line.server])
            self.selector.register(opened.socket, selectors.EVENT_READ, opened)
        return self.open[line.connection]

    def hear(self, seconds):
        for key, _ in self.selector.select(seconds):
            try:
                key.data.received()
            except OSError:
                key.data.ended = True
            if key.data.ended:
                self.selector.unregister(key.fileobj)

    def wait_for(self, connection, found):
        """What found() gives once it is there; None when it does not come."""
        deadline = time.monotonic() + PATIENCE
        while True:
            value = found()
            if value is not None or time.monotonic() > deadline or connection.ended:
                return value
            self.hear(min(0.5, max(0.0, deadline - time.monotonic())))

    def pause(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.hear(left) if self.selector.get_map() else time.sleep(left)

    def run(self):
        try:
            before = self.lines[0].us
            for line in self.lines:
                # The server takes its time by itself; only a client's pauses are a part of the conversation.
                if line.by_client:
                    self.pause(min((line.us - before) / 1e6, self.longest_pause))
                before = line.us
                self.known.at(line.us)
                self.replay(line)
                self.known.at(line.us)
            for frame in self.early.values():
                self.differ(POP, 'early', f'{frame.ext}: came without having come in RocketMQ')
            self.pause(0.05)
            for (number, opaque), request in self.requests.items():
                if request.one_way and self.open[number].answers[opaque]:
                    self.differ(request.code, 'one way', f'{request.code} {request.ext}: an answer, though it wants none')
            for number, connection in self.open.items():
                for frame in connection.asked:
                    if frame.code not in SAID_AGAIN or frame.code not in self.seen[number]:
                        self.differ(frame.code, 'asks more', f'the server asks {frame.code} {frame.ext} of the client, RocketMQ did not')
        except OSError as why:
            self.differ(0, 'connection', f'{type(why).__name__}: {why}')
        finally:
            for connection in self.open.values():
                connection.socket.close()
            self.selector.close()

    def replay(self, line):
        if line.closed:
            if line.by_client and line.connection in self.open:
                self.end(line.connection)
            return
        connection, frame = self.connection(line), line.frame
        if line.by_client:
            self.say(line.connection, connection, frame)
        elif frame.response:
            self.hear_answer(line, connection, frame)
        else:
            self.hear_request(line, connection, frame)

    def end(self, number):
        connection = self.open[number]
        if not connection.ended:
            self.selector.unregister(connection.socket)
            connection.ended = True
        connection.socket.close()

    def say(self, number, connection, frame):
        if frame.response:
            said = self.known.request(frame, None, {})
            said = remoting.with_header(said, self.opaques.get((number, frame.opaque), frame.opaque), said.ext, said.body)
        else:
            said = self.known.request(frame, frame.code, self.secrets)
            self.requests[number, frame.opaque] = said
        if not connection.ended:
            connection.socket.sendall(said.octets())

    def hear_answer(self, line, connection, want):
        request = self.requests.get((line.connection, want.opaque))
        if request is None:
            return  # asked before the scenario began
        code = request.code & 0xffff if request.binary else request.code
        waiting = connection.answers[want.opaque]
        got = self.wait_for(connection, lambda: waiting.popleft() if waiting else None)
        if got is None:
            self.differ(code, 'answer', f'{code} {request.ext}: no answer, want {want.code}')
            return
        if code in same.PULLS:
            got, want = self.pulled(connection, request, got, want)
        if code == POP:
            got = self.popped(connection, request, got, want)
            if got is None:
                return
        deadline = time.monotonic() + UNTIL_SECONDS
        while code in ASKED_UNTIL and time.monotonic() < deadline and got and same.answers(self.known, code, request.ext, got, want)[0]:
            self.pause(0.1)
            got = self.ask_again(connection, request) or got
        self.compare(code, request, got, want)

    def ask_again(self, connection, request, **ext):
        self.extra += 1
        again = remoting.with_header(request, self.extra, {**request.ext, **ext}, request.body)
        connection.socket.sendall(again.octets())
        waiting = connection.answers[self.extra]
        return self.wait_for(connection, lambda: waiting.popleft() if waiting else None)

    def compare(self, code, request, got, want):
        found, volatile = same.answers(self.known, code, request.ext if request else {}, got, want)
        self.compared += 1
        self.codes[code] += 1
        self.volatile |= volatile
        for part, words in found:
            self.differ(code, part, f'{code} {request.ext if request else ""}: {words}')

    def popped(self, connection, request, got, want):
        """What was not acknowledged comes again when its time is over, which RocketMQ notices a little later than Chorus: perhaps in
        another poll than there. None: too early, it is kept for that poll."""
        kind = (id(connection), *sorted((key, value) for key, value in request.ext.items() if key != 'bornTime'))
        if (got.code, want.code) == (0, NO_MESSAGE):
            self.early[kind] = got
            return None
        if (got.code, want.code) != (NO_MESSAGE, 0):
            return got
        if kind in self.early:
            return self.early.pop(kind)
        deadline = time.monotonic() + PATIENCE
        while got.code == NO_MESSAGE and time.monotonic() < deadline:
            self.pause(0.1)
            got = self.ask_again(connection, request, bornTime=str(int(time.time() * 1000))) or got
        return got

    def pulled(self, connection, request, got, want):
        """How many of the messages that are sent meanwhile a pull finds is chance: what is missing is pulled, what is more is left away.
        Where the queue ends by then is chance as well; it must not be before where the pull goes on."""
        if got.code or want.code:
            return got, want
        theirs = len(remoting.messages_of(want.body))
        body, fields = got.body, dict(got.ext)
        while len(ours := remoting.messages_of(body)) < theirs:
            rest = self.ask_again(connection, request, queueOffset=fields['nextBeginOffset'])
            if rest is None or rest.code:
                break
            body, fields = body + rest.body, dict(rest.ext)
        else:
            if len(ours) > theirs:
                end = sum(struct.unpack_from('>i', body, at)[0] for at in starts(body, theirs))
                body, fields['nextBeginOffset'] = body[:end], str(ours[theirs]['queueOffset'])
        fields['maxOffset'] = want.ext['maxOffset'] if int(fields['maxOffset']) >= int(fields['nextBeginOffset']) else fields['maxOffset']
        return remoting.with_header(got, got.opaque, fields, body), want

    def hear_request(self, line, connection, want):
        self.seen[line.connection].append(want.code)

        def match():
            for i, frame in enumerate(connection.asked):
                # A transaction by its key, a group by its name: of those there may be several at a time.
                key = {39: 'msgId', 40: 'consumerGroup'}.get(want.code)
                if frame.code == want.code and frame.ext.get(key) == want.ext.get(key):
                    return connection.asked.pop(i)
            return None
        got = self.wait_for(connection, match)
        if got is None:
            self.differ(want.code, 'asks not', f'the server does not ask {want.code} {want.ext} of the client')
            return
        self.opaques[line.connection, want.opaque] = got.opaque
        self.compare(want.code, None, got, want)


def starts(body, count):
    at = 0
    for _ in range(count):
        yield at
        at += struct.unpack_from('>i', body, at)[0]
