"""RocketMQ's frames, its JSON that is not quite JSON, and its messages, taken apart to be compared."""
import base64
import hashlib
import hmac
import json
import re
import struct

IPV6_BORN, IPV6_STORE = 16, 32  # bits of a message's sysFlag
MAGIC_V2 = 0xDAA320AB


class Frame:
    """One frame, from or to either side; `header` is {code, flag, opaque, remark, ext, language, version}."""

    def __init__(self, head, body, binary):
        self.head, self.body, self.binary = head, body, binary
        self.header = binary_header(head) if binary else json_header(head)

    @property
    def code(self):
        return self.header['code']

    @property
    def opaque(self):
        return self.header['opaque']

    @property
    def response(self):
        return bool(self.header['flag'] & 1)

    @property
    def one_way(self):
        return bool(self.header['flag'] & 2)

    @property
    def ext(self):
        return self.header['ext']

    def octets(self):
        mark = (1 << 24 if self.binary else 0) | len(self.head)
        return struct.pack('>iI', 4 + len(self.head) + len(self.body), mark) + self.head + self.body


def of_octets(frame):
    """The Frame in whole octets, length word included."""
    mark, = struct.unpack('>I', frame[4:8])
    end = 8 + (mark & 0xffffff)
    return Frame(frame[8:end], frame[end:], bool(mark >> 24))


def json_header(head):
    said = json.loads(head)
    return {**{key: said[key] for key in ('code', 'flag', 'opaque')}, **{key: said.get(key) for key in ('remark', 'language', 'version')},
            'ext': said.get('extFields') or {}}


def binary_header(head):
    code, language, version, opaque, flag, length = struct.unpack('>hbhiii', head[:17])
    remark, at = head[17:17 + length].decode() or None, 17 + length
    end = at + 4 + struct.unpack('>i', head[at:at + 4])[0]
    at += 4
    ext = {}
    while at < end:
        pair = []
        for form in ('>h', '>i'):
            size = struct.calcsize(form)
            length, = struct.unpack(form, head[at:at + size])
            pair.append(head[at + size:at + size + length].decode())
            at += size + length
        ext[pair[0]] = pair[1]
    return {'code': code, 'flag': flag, 'opaque': opaque, 'remark': remark, 'ext': ext, 'language': language, 'version': version}


def sized(form, text):
    return struct.pack(form, len(text.encode())) + text.encode()


def with_header(frame, opaque, ext, body):
    """The frame with another number, other fields or body; what is not changed stays as it was written, to the octet."""
    if (opaque, ext, body) == (frame.opaque, frame.ext, frame.body):
        return frame
    head = frame.head
    if frame.binary:
        fields = b''.join(sized('>h', key) + sized('>i', value) for key, value in ext.items())
        remark = sized('>i', frame.header['remark'] or '')
        head = head[:5] + struct.pack('>i', opaque) + head[9:13] + remark + struct.pack('>i', len(fields)) + fields
    elif (opaque, ext) != (frame.opaque, frame.ext):
        said = json.loads(head)
        said['opaque'] = opaque
        if 'extFields' in said:
            said['extFields'] = ext
        head = write_json(said)
    return Frame(head, body, frame.binary)


def text_of(value):
    """A header field as the signature has it: numbers and truth values, which some clients send, as JSON writes them."""
    return value if isinstance(value, str) else json.dumps(value)


def signature(ext, body, secret):
    said = ''.join(text_of(ext[key]) for key in sorted(ext) if key != 'Signature').encode() + body
    return base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha1).digest()).decode()


class Json:
    """Reads JSON as fastjson writes it: keys may be numbers without quotes, or whole objects. Keys become text, an object its JSON."""
    TOKEN = re.compile(r'\s*(?:([{}\[\],:])|("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(true|false|null))')

    def __init__(self, text):
        self.text, self.at = text, 0

    def token(self):
        found = self.TOKEN.match(self.text, self.at)
        if not found:
            raise ValueError(f'no JSON at {self.at}: {self.text[self.at:self.at + 40]!r}')
        self.at = found.end()
        return found

    def peek(self):
        at, found = self.at, self.token()
        self.at = at
        return found.group(1)

    def value(self):
        found = self.token()
        mark = found.group(1)
        if mark is None:
            return json.loads(found.group(0))
        if mark not in '{[':
            raise ValueError(f'{mark!r} at {self.at}')
        table, end, items = mark == '{', '}' if mark == '{' else ']', []
        if self.peek() == end:
            self.token()
            return {} if table else []
        while True:
            item = self.value()
            if table:
                if self.token().group(1) != ':':
                    raise ValueError(f'no colon at {self.at}')
                item = (item if isinstance(item, str) else json.dumps(item, sort_keys=True), self.value())
            items.append(item)
            mark = self.token().group(1)
            if mark == end:
                return dict(items) if table else items
            if mark != ',':
                raise ValueError(f'no comma at {self.at}')


def read_plain_json(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def write_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(',', ':')).encode()


def read_json(body):
    """The value, or None where the body is none."""
    try:
        reader = Json(body.decode())
        value = reader.value()
        return value if not reader.text[reader.at:].strip() else None
    except (ValueError, UnicodeDecodeError):
        return None


def properties_of(text):
    return dict(pair.split('\x01', 1) for pair in text.split('\x02') if '\x01' in pair)


def messages_of(body):
    """The messages that stand back to back in a body, as dictionaries; raises ValueError where it is no such body."""
    messages, at = [], 0
    while at < len(body):
        if len(body) - at < 8:
            raise ValueError('octets after the last message')
        size, magic = struct.unpack('>iI', body[at:at + 8])
        if not 0 < size <= len(body) - at:
            raise ValueError(f'a message of {size} octets')
        messages.append(message_of(body[at:at + size], magic))
        at += size
    return messages


def message_of(octets, magic):
    at = 8

    def take(form):
        nonlocal at
        value, = struct.unpack_from('>' + form, octets, at)
        at += struct.calcsize('>' + form)
        return value

    def take_octets(form):
        nonlocal at
        length = take(form)
        at += length
        return octets[at - length:at]

    def host(wide):
        nonlocal at
        length = 16 if wide else 4
        at += length
        return octets[at - length:at].hex(), take('i')
    try:
        message = {'magic': magic, 'crc': take('i'), 'queueId': take('i'), 'flag': take('i'), 'queueOffset': take('q'),
                   'physicalOffset': take('q'), 'sysFlag': take('i'), 'bornTime': take('q')}
        message['bornHost'] = host(message['sysFlag'] & IPV6_BORN)
        message['storeTime'] = take('q')
        message['storeHost'] = host(message['sysFlag'] & IPV6_STORE)
        message.update(reconsumeTimes=take('i'), preparedOffset=take('q'), body=take_octets('i'),
                       topic=take_octets('H' if magic == MAGIC_V2 else 'B').decode(), properties=properties_of(take_octets('H').decode()))
    except struct.error as why:
        raise ValueError(f'no message: {why}') from why
    if at != len(octets):
        raise ValueError(f'{len(octets) - at} octets more in a message')
    return message
