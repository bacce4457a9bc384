"""Whether Chorus said what RocketMQ said: everything is compared but for what VOLATILE names, each with its reason."""
import ipaddress
import re

import remoting
from learned import properties_in

MESSAGES = {11, 361, 12, 33, 200050, 200052, 39, 309}  # codes whose answer, or request by a server, has messages for a body
PULLS = {11, 361}
INDEX = re.compile(r'\[\d+\]')
SENDS = {10, 310, 320}
IN_SYSTEM_TOPICS = ('TRAN_MSG\x01true', 'DELAY\x01', 'TIMER_')

TIME = 'a time'
COUNTED = 'counts for all of the server, which other scenarios use at the same time'
PLACE = 'where in the log it is, which other scenarios share'
PORT = 'the port that the client had'

# (code of the request or None for all, name): why it is not the same at each run. A name is that of a header field, of a key in a JSON
# body, of a part of a message, or of a property of one; * is all.
VOLATILE = {
    (None, 'popTime'): TIME,
    (None, 'reviveQid'): 'drawn by the broker',
    (None, 'bornHost'): PORT,
    (None, 'clientAddr'): PORT,
    (None, 'storeTime'): TIME,
    (None, 'storeTimestamp'): TIME,
    (None, 'bornTimestamp'): TIME,
    (None, 'lastUpdateTimestamp'): TIME,
    (None, 'lastTimestamp'): TIME,
    (None, 'timestamp'): TIME,
    (None, 'counter'): COUNTED,
    (None, 'indexLastUpdateTimestamp'): TIME,
    (None, 'indexLastUpdatePhyoffset'): PLACE,
    (None, 'physicalOffset'): PLACE,
    (None, 'POP_CK'): TIME,
    (None, '1ST_POP_TIME'): TIME,
    (None, 'TIMER_OUT_MS'): TIME,
    (None, 'PUSH_REPLY_TIME'): TIME,
    (None, 'consumeTps'): COUNTED,
    (202, 'topicPutTps'): COUNTED,
    (28, '*'): 'figures of the process',
    (21, 'totalTopicNum'): COUNTED,
    (907, 'masterCommitLogMaxOffset'): PLACE,
    (26, 'version'): TIME,
    (39, 'commitLogOffset'): PLACE,
    (39, 'tranStateTableOffset'): PLACE,
    (39, 'queueOffset'): PLACE,
}
REMARKS = {  # (code of the answer, what RocketMQ says): what Chorus may say as well
    (0, ''): None,  # which of none and an empty one is no client's business
    (0, 'not set any response code'): None,  # what an answer of RocketMQ begins with, and some successes keep
    (19, 'NO_MESSAGE_IN_QUEUE'): 'NO_MATCHED_LOGIC_QUEUE',  # RocketMQ makes the index of a queue once somebody asks for it
    (21, 'NO_MESSAGE_IN_QUEUE'): 'NO_MATCHED_LOGIC_QUEUE',
}
SHARED = {  # codes whose answer lists what all scenarios made: what both list is compared
    21: 'all topics', 201: 'all groups', 206: 'all topics', 224: 'all topics of a cluster', 317: 'all groups', 328: 'all producers',
    26: "the settings, which are each one's own", 319: "the settings, which are each one's own",
}
IN_ANY_ORDER = {  # lists of these names stand in the order of a hash map
    'consumerIdList', 'topicList', 'brokerDatas', 'queueDatas', 'lockOKMQSet', 'connectionSet', 'groupList', 'consumeStatsList',
    'messageQueueAssignments', 'entries', 'policies', 'tagsSet', 'codeSet', 'queueTimeSpanSet', '',
}


class Comparison:
    """Collects in `found` what differs: (part, words)."""

    def __init__(self, learned, code):
        self.learned, self.code, self.found, self.used = learned, code, [], set()

    def differs(self, path, got, want):
        self.found.append((INDEX.sub('', path), f'{path}: got {shorten(got)}, want {shorten(want)}'))

    def keys_differ(self, path, got, want):
        """What is more, and what is less."""
        names = [','.join(sorted(some)) for some in (got.keys() - want.keys(), want.keys() - got.keys())]
        words = f'{INDEX.sub("", path)}' + ''.join(f' {sign}{some}' for sign, some in zip('+-', names) if some)
        self.found.append((words, words))

    def volatile(self, name):
        for key in ((self.code, name), (None, name), (self.code, '*')):
            if key in VOLATILE:
                self.used.add(key)
                return True
        return False

    def equal(self, path, got, want):
        if got != want:
            self.differs(path, got, want)

    def values(self, path, got, want, name=''):
        """JSON values, header fields, and what a message is taken apart to."""
        if type(got) is not type(want):
            self.differs(path, got, want)
        elif isinstance(want, dict):
            want = {self.learned.word(key): value for key, value in want.items()}
            if self.code in SHARED and path.count('.') < 3:
                if want and not got.keys() & want.keys():
                    self.differs(path + ' keys', sorted(got), sorted(want))
            elif got.keys() != want.keys():
                self.keys_differ(path, got, want)
            for key in got.keys() & want.keys():
                self.values(f'{path}.{key}', got[key], want[key], key)
        elif self.volatile(name):
            pass
        elif isinstance(want, list):
            self.lists(path, got, want, name)
        elif isinstance(want, str):
            self.equal(path, got, self.learned.word(want))
        else:
            self.equal(path, got, want)

    def lists(self, path, got, want, name):
        if name in IN_ANY_ORDER:
            got, want = sorted(got, key=repr_sorted), sorted(want, key=lambda one: repr_sorted(self.moved(one)))
        if self.code in SHARED:
            wanted = {repr_sorted(self.moved(one)) for one in want}
            if want and got and not any(repr_sorted(one) in wanted or isinstance(one, dict) for one in got):
                self.differs(path, got, want)
            return
        if len(got) != len(want):
            self.differs(path + ' length', got, want)
        for i, pair in enumerate(zip(got, want)):
            self.values(f'{path}[{i}]', *pair)

    def moved(self, value):
        if isinstance(value, str):
            return self.learned.word(value)
        return value

    def body(self, got, want):
        if got == want:
            return
        if self.code in MESSAGES and (got or want):
            try:
                self.messages(remoting.messages_of(got), remoting.messages_of(want))
                return
            except ValueError as why:
                if self.code != 309:
                    self.differs('body', str(why), 'messages')
                    return
        theirs = remoting.read_json(want)
        if isinstance(theirs, (dict, list)):
            ours = remoting.read_json(got)
            if ours is None:
                self.differs('body', got, want)
            else:
                self.values('body', ours, theirs)
        elif self.code in SHARED:
            ours, theirs = (dict(line.split('=', 1) for line in body.decode().splitlines() if '=' in line) for body in (got, want))
            if not ours.keys() & theirs.keys():
                self.differs('body', got, want)
        else:
            self.differs('body', got, want)

    def messages(self, got, want):
        if self.code in (12, 200050):  # in the order of an index; of the queues that a POP visits, from one by chance
            got, want = (sorted(some, key=lambda one: (one['topic'], one['queueId'], one['queueOffset'])) for some in (got, want))
        self.equal('messages', [one['body'] for one in got], [one['body'] for one in want])
        for i, (ours, theirs) in enumerate(zip(got, want)):
            self.message(f'message[{i}]', ours, theirs)

    def message(self, path, got, want):
        self.learned.message(want, got)
        want = dict(want)
        want['bornTime'] = self.learned.when(want['bornTime'])
        want['storeHost'] = (self.learned.hosts[1][:8].lower(), int(self.learned.hosts[1][8:], 16))
        want['preparedOffset'] = self.learned.physical.get(want['preparedOffset'], want['preparedOffset'])
        self.equal(path + ' born at', *(str(ipaddress.ip_address(bytes.fromhex(one['bornHost'][0]))) for one in (got, want)))
        self.values(path, got, want)


def repr_sorted(value):
    if isinstance(value, dict):
        return '{' + ','.join(f'{key}:{repr_sorted(value[key])}' for key in sorted(value)) + '}'
    return repr(value)


def shorten(value):
    text = repr(value)
    return text if len(text) < 400 else text[:400] + '…'


def answers(learned, code, request, got, want):
    """(differences, names of the volatile) of two answers to a request, or of two requests that a server made. Frames."""
    compared = Comparison(learned, code)
    learned.answer(code, request, want.ext, got.ext)
    if got.code != want.code:  # then all else differs as well
        compared.found.append((f'code {want.code} -> {got.code}', f'got code {got.code} and {got.header["remark"]!r}, '
                               f'want {want.code} and {want.header["remark"]!r}'))
        return compared.found, compared.used
    for part in ('flag', 'language'):
        compared.equal(part, got.header[part], want.header[part])
    compared.equal('header is binary', got.binary, want.binary)
    said, remark = got.header['remark'], want.header['remark']
    if said != REMARKS.get((want.code, remark), remark):
        compared.equal('remark', said, learned.word(remark) if remark else remark)
    ours, theirs = dict(got.ext), dict(want.ext)
    if code in SENDS and any(name in properties_in(code, request) for name in IN_SYSTEM_TOPICS):
        # Offsets in the system topic in which it waits, which other scenarios use as well.
        compared.equal('queueId of what waits', *(ext.pop('queueId', None) for ext in (ours, theirs)))
        compared.equal('queueOffset is told', *(ext.pop('queueOffset', None) is not None for ext in (ours, theirs)))
    for ext in (ours, theirs):
        for name in ('startOffsetInfo', 'msgOffsetInfo'):
            if name in ext:
                ext[name] = ';'.join(sorted(ext[name].split(';')))
        if code == 326 and 'properties' in ext:
            ext['properties'] = remoting.properties_of(ext['properties'])
    compared.values('ext', ours, theirs)
    compared.body(got.body, want.body)
    return compared.found, compared.used
