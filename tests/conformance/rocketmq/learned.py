"""What the recorded server and ours call the same thing (offsets in the log, ids, handles, times, addresses), for use in later requests."""
import json
import re
import time

import remoting

LONGEST_PAUSE = 0.3  # seconds: the recorded pauses between frames are not slept longer
NEAR_MS = 90 * 24 * 3600 * 1000

# Header fields of requests, by code, that say a time: moved to when the same was done here.
TIMES = {29: ['timestamp'], 12: ['beginTimestamp', 'endTimestamp'], 222: ['timestamp'], 310: ['g'], 320: ['g'], 10: ['bornTimestamp'],
         324: ['bornTimestamp', 'storeTimestamp'], 325: ['g', 'l'], 200050: ['bornTime'], 200054: ['bornTime']}
PROPERTIES = {310: 'i', 320: 'i', 10: 'properties', 324: 'properties', 325: 'i'}
# ... an offset in the commit log.
PHYSICAL = {33: ['offset'], 36: ['offset'], 37: ['commitLogOffset']}
TIMED = re.compile('(TIMER_DELIVER_MS\x01)(\\d+)')
HEX_ID = re.compile(r'[0-9A-F]{32}')


class Learned:
    def __init__(self, began_ms, theirs, ours):
        self.began_ms, self.theirs, self.ours = began_ms, theirs, ours
        self.hosts = (self.host_of(theirs), self.host_of(ours))
        self.physical, self.times, self.stores, self.pops, self.words, self.halves = {}, {}, {}, {}, {}, {}
        self.moments = []  # (recorded ms, ms here)

    @staticmethod
    def host_of(address):
        host, port = address.rsplit(':', 1)
        return ''.join(f'{int(part):02X}' for part in host.split('.')) + f'{int(port):08X}'

    # --- learning

    def at(self, recorded_us):
        self.moments.append((self.began_ms + recorded_us // 1000, int(time.time() * 1000)))

    def ids(self, theirs, ours):
        """Of two lists of offset ids, as a send's answer has them."""
        for one, other in zip(theirs.split(','), ours.split(',')):
            if HEX_ID.fullmatch(one) and HEX_ID.fullmatch(other):
                self.physical[int(one[16:], 16)] = int(other[16:], 16)

    def message(self, theirs, ours):
        self.physical[theirs['physicalOffset']] = ours['physicalOffset']
        self.stores[theirs['storeTime']] = ours['storeTime']

    def answer(self, code, request, theirs, ours):
        """Of the header fields of two answers to a request, or of two requests that a server made."""
        if 'msgId' in theirs and 'msgId' in ours:
            self.ids(theirs['msgId'], ours['msgId'])
        if 'recallHandle' in theirs and 'recallHandle' in ours:
            self.words[theirs['recallHandle']] = ours['recallHandle']
        if 'transactionId' in theirs and 'transactionId' in ours and 'UNIQ_KEY\x01' not in properties_in(code, request):
            self.words[theirs['transactionId']] = ours['transactionId']  # the key that the broker gave to a message without one
        if 'popTime' in theirs and 'popTime' in ours:
            self.pops[theirs['popTime']] = (ours['popTime'], ours.get('reviveQid'))
        if 'commitLogOffset' in theirs and 'commitLogOffset' in ours:
            self.physical[int(theirs['commitLogOffset'])] = int(ours['commitLogOffset'])
        if 'tranStateTableOffset' in theirs and 'tranStateTableOffset' in ours:
            self.halves[theirs['tranStateTableOffset']] = ours['tranStateTableOffset']
        if 'TRAN_MSG\x01true' in properties_in(code, request) and 'queueOffset' in theirs and 'queueOffset' in ours:
            self.halves[theirs['queueOffset']] = ours['queueOffset']

    # --- what the recorded server would have said had it been ours

    def when(self, ms):
        """A recorded time, here: as long after what was replayed just before it."""
        if ms in self.times:
            return self.times[ms]
        if ms in self.stores:
            return self.stores[ms]
        if not self.moments or abs(ms - self.moments[0][0]) > NEAR_MS:
            return ms  # none of the recording's, as 0 and the largest
        before = [moment for moment in self.moments if moment[0] <= ms] or self.moments[:1]
        recorded, here = before[-1]
        later = self.moments[len(before):]
        moved = here + ms - recorded
        self.times[ms] = min(moved, later[0][1] - 2) if later else moved
        return self.times[ms]

    def word(self, text):
        """Addresses and ids in a text."""
        text = self.words.get(text, text)
        text = text.replace(self.theirs, self.ours)
        return HEX_ID.sub(lambda found: self.id_of(found.group()), text)

    def id_of(self, text):
        if not text.startswith(self.hosts[0]):
            return text
        offset = int(text[16:], 16)
        return self.hosts[1] + f'{self.physical.get(offset, offset):016X}'

    def pop_handle(self, text):
        parts = text.split(' ')
        if len(parts) == 8 and parts[1] in self.pops:
            parts[1], parts[3] = self.pops[parts[1]][0], self.pops[parts[1]][1] or parts[3]
        return ' '.join(parts)

    # --- requests

    def request(self, frame, code, secrets):
        """The frame to say here in place of the recorded one."""
        ext = {key: self.word(value) if isinstance(value, str) else value for key, value in frame.ext.items()}
        for key in TIMES.get(code, ()):
            if key in ext:
                ext[key] = self.same_kind(ext[key], self.when(int(ext[key])))
        for key in PHYSICAL.get(code, ()):
            if key in ext:
                ext[key] = self.same_kind(ext[key], self.physical.get(int(ext[key]), int(ext[key])))
        if code == 37:
            ext['tranStateTableOffset'] = self.halves.get(ext['tranStateTableOffset'], ext['tranStateTableOffset'])
        if 'extraInfo' in ext:
            ext['extraInfo'] = self.pop_handle(ext['extraInfo'])
        key = PROPERTIES.get(code)
        if key and ext.get(key):
            ext[key] = TIMED.sub(lambda found: found.group(1) + str(self.when(int(found.group(2)))), ext[key])
        body = self.batch_acks(frame.body) if code == 200151 and frame.body else self.in_body(frame.body)
        secret = secrets.get(ext.get('AccessKey'))
        # Signed anew where it was signed rightly.
        changed = (ext, body) != (frame.ext, frame.body)
        if secret and changed and ext.get('Signature') == remoting.signature(frame.ext, frame.body, secret):
            ext['Signature'] = remoting.signature(ext, body, secret)
        return remoting.with_header(frame, frame.opaque, ext, body)

    @staticmethod
    def same_kind(as_said, value):
        return str(value) if isinstance(as_said, str) else value

    def in_body(self, body):
        return body.replace(self.theirs.encode(), self.ours.encode())

    def batch_acks(self, body):
        said = json.loads(body)
        for ack in said['acks']:
            if str(ack['pt']) in self.pops:
                pop, revive = self.pops[str(ack['pt'])]
                ack['pt'], ack['rq'] = int(pop), int(revive if revive is not None else ack['rq'])
        return remoting.write_json(said)


def properties_in(code, ext):
    return str(ext.get(PROPERTIES.get(code), ''))
