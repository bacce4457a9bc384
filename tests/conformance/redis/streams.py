"""Command streams, generated from a seed, for the comparison of two servers.

A stream is a list of commands, each a list of octet strings. Values and keys come from small sets, so that commands meet: keys of the wrong
type, fields that are there, numbers beside text, options that exclude each other, too few arguments.
"""
import hashlib
import random

KEYS = [b'a', b'b', b'c', b'{t}1', b'{t}2', b'k with space', b'n', b'']
KEPT = KEYS[3]  # of the streams the one from which nothing is deleted by id
LEX = b'lex'  # all of its scores are 0, as ranges by member are only defined for equal scores
WORDS = [b'', b'x', b'hello', b'foo bar', b'0', b'1', b'-1', b'10', b'007', b'3.14', b'1e3', b'9223372036854775807', b'-9223372036854775808',
         b'9223372036854775808', b'nan', b'inf', b'\x00\xff\r\n', b'y' * 44, b'y' * 45, b'z' * 64, b'z' * 65, b'q' * 300]
INTEGERS = [b'0', b'1', b'-1', b'2', b'-2', b'3', b'5', b'100', b'-100', b'9223372036854775807', b'-9223372036854775808', b'x', b'1.5', b'']
FLOATS = [b'0', b'1', b'-1', b'1.5', b'-2.25', b'0.1', b'1e3', b'3.0e3', b'inf', b'-inf', b'nan', b'x', b'1e400', b'5e-7', b'123456789.5']
PATTERNS = [b'*', b'a*', b'?', b'[abc]', b'[^a]', b'{t}?', b'k*e', b'\\a', b'[a-', b'']
# Far from now on both sides, so that no clock decides.
SECONDS = [b'100000', b'200000', b'0', b'-1', b'x', b'9223372036854775807']
DATES = [b'4102444800', b'4102444900', b'1', b'0', b'-5', b'x']
DATES_MS = [b'4102444800000', b'4102444900000', b'1', b'x']


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, of):
        return self.random.choice(of)

    def key(self):
        return self.pick(KEYS)

    def word(self):
        return self.pick(WORDS) if self.random.random() < 0.5 else b'w%d' % self.random.randrange(12)

    def integer(self):
        return self.pick(INTEGERS) if self.random.random() < 0.6 else b'%d' % self.random.randrange(-8, 9)

    def number(self):
        return self.pick(FLOATS) if self.random.random() < 0.5 else b'%d' % self.random.randrange(-8, 9)

    def score_bound(self):
        return self.pick([b'', b'(']) + self.pick([b'-inf', b'+inf', b'0', b'1', b'2.5', b'-3', b'x', b'5'])

    def lex_bound(self):
        return self.pick([b'-', b'+', b'[a', b'(a', b'[w5', b'(w5', b'[', b'(', b'x', b'[z'])

    def some(self, make, low=1, high=4):
        return [make() for _ in range(self.random.randrange(low, high + 1))]

    def maybe(self, *words, chance=0.4):
        return list(words) if self.random.random() < chance else []

    def expiry(self):
        unit = self.pick([b'EX', b'PX', b'EXAT', b'PXAT'])
        return [unit, self.pick(DATES if unit == b'EXAT' else DATES_MS if unit == b'PXAT' else SECONDS)]

    def pairs(self, make_first, make_second, high=3):
        return [each for _ in range(self.random.randrange(1, high + 1)) for each in (make_first(), make_second())]

    def counted(self, high=3):
        keys = self.some(self.key, 1, high)
        number = b'%d' % len(keys) if self.random.random() < 0.85 else self.pick([b'0', b'-1', b'9', b'x'])
        return [number, *keys]

    def command(self, families):
        make = self.pick(families)
        command = make(self)
        if self.random.random() < 0.03:  # too few
            command = command[:self.random.randrange(1, len(command) + 1)]
        if self.random.random() < 0.02:  # too many
            command = [*command, self.word()]
        return command


def strings():
    g = Generator
    return [
        lambda s: [b'SET', s.key(), s.word(), *s.maybe(s.pick([b'NX', b'XX', b'nx'])), *s.maybe(b'GET', chance=0.2), *s.maybe(b'KEEPTTL', chance=0.1), *s.maybe(*g.expiry(s), chance=0.2)],
        lambda s: [b'GET', s.key()], lambda s: [b'GETSET', s.key(), s.word()], lambda s: [b'GETDEL', s.key()],
        lambda s: [b'GETEX', s.key(), *s.maybe(*s.expiry()), *s.maybe(b'PERSIST', chance=0.2)],
        lambda s: [b'SETNX', s.key(), s.word()], lambda s: [b'SETEX', s.key(), s.pick(SECONDS), s.word()], lambda s: [b'PSETEX', s.key(), s.pick(SECONDS), s.word()],
        lambda s: [b'MGET', *s.some(s.key)], lambda s: [b'MSET', *s.pairs(s.key, s.word)], lambda s: [b'MSETNX', *s.pairs(s.key, s.word)],
        lambda s: [b'APPEND', s.key(), s.word()], lambda s: [b'STRLEN', s.key()],
        lambda s: [b'GETRANGE', s.key(), s.integer(), s.integer()], lambda s: [b'SUBSTR', s.key(), s.integer(), s.integer()],
        lambda s: [b'SETRANGE', s.key(), s.pick([b'0', b'1', b'5', b'70', b'-1', b'x', b'9999999999']), s.word()],
        lambda s: [b'INCR', s.key()], lambda s: [b'DECR', s.key()], lambda s: [b'INCRBY', s.key(), s.integer()], lambda s: [b'DECRBY', s.key(), s.integer()],
        lambda s: [b'INCRBYFLOAT', s.key(), s.number()],
        lambda s: [b'LCS', s.key(), s.key(), *s.maybe(b'IDX'), *s.maybe(b'LEN', chance=0.2), *s.maybe(b'MINMATCHLEN', b'2'), *s.maybe(b'WITHMATCHLEN')],
    ]


def generic():
    return [
        lambda s: [b'DEL', *s.some(s.key)], lambda s: [b'UNLINK', *s.some(s.key)], lambda s: [b'EXISTS', *s.some(s.key)], lambda s: [b'TOUCH', *s.some(s.key)],
        lambda s: [b'TYPE', s.key()], lambda s: [b'RENAME', s.key(), s.key()], lambda s: [b'RENAMENX', s.key(), s.key()],
        lambda s: [b'COPY', s.key(), s.key(), *s.maybe(b'REPLACE'), *s.maybe(b'DB', s.pick([b'0', b'1', b'99', b'x']), chance=0.2)],
        lambda s: [b'MOVE', s.key(), s.pick([b'0', b'1', b'16', b'-1', b'x'])], lambda s: [b'SELECT', s.pick([b'0', b'0', b'1', b'16', b'x'])],
        lambda s: [s.pick([b'EXPIRE', b'PEXPIRE']), s.key(), s.pick(SECONDS), *s.maybe(s.pick([b'NX', b'XX', b'GT', b'LT', b'FOO'])), *s.maybe(s.pick([b'XX', b'GT', b'LT']), chance=0.1)],
        lambda s: [b'EXPIREAT', s.key(), s.pick(DATES), *s.maybe(s.pick([b'NX', b'XX', b'GT', b'LT']))], lambda s: [b'PEXPIREAT', s.key(), s.pick(DATES_MS)],
        lambda s: [b'EXPIRETIME', b'at' + s.key()], lambda s: [b'PERSIST', s.key()], lambda s: [b'DBSIZE'], lambda s: [b'SWAPDB', s.pick([b'0', b'1', b'x']), s.pick([b'0', b'1', b'99'])],
        lambda s: [b'OBJECT', b'REFCOUNT', s.pick([b'none', b'nothing'])], lambda s: [b'SCAN', s.pick([b'x', b'0x', b' 0', b'99999999999999999999']), *s.maybe(b'COUNT', s.integer())],
    ]


def hashes():
    return [
        lambda s: [b'HSET', s.key(), *s.pairs(s.word, s.word)], lambda s: [b'HMSET', s.key(), *s.pairs(s.word, s.word)], lambda s: [b'HSETNX', s.key(), s.word(), s.word()],
        lambda s: [b'HGET', s.key(), s.word()], lambda s: [b'HMGET', s.key(), *s.some(s.word)], lambda s: [b'HDEL', s.key(), *s.some(s.word)], lambda s: [b'HEXISTS', s.key(), s.word()],
        lambda s: [b'HLEN', s.key()], lambda s: [b'HSTRLEN', s.key(), s.word()], lambda s: [b'HGETALL', s.key()], lambda s: [b'HKEYS', s.key()], lambda s: [b'HVALS', s.key()],
        lambda s: [b'HINCRBY', s.key(), s.word(), s.integer()], lambda s: [b'HINCRBYFLOAT', s.key(), s.word(), s.number()],
        lambda s: [b'HRANDFIELD', s.key(), s.pick([b'0', b'1000', b'x']), *s.maybe(b'WITHVALUES')], lambda s: [b'HSCAN', s.key(), s.pick([b'0', b'x']), *s.maybe(b'MATCH', s.pick(PATTERNS)), *s.maybe(b'COUNT', s.integer())],
    ]


def lists():
    end = [b'LEFT', b'RIGHT', b'left', b'UP']
    return [
        lambda s: [s.pick([b'LPUSH', b'RPUSH', b'LPUSHX', b'RPUSHX']), s.key(), *s.some(s.word)], lambda s: [s.pick([b'LPOP', b'RPOP']), s.key(), *s.maybe(s.integer())],
        lambda s: [b'LLEN', s.key()], lambda s: [b'LINDEX', s.key(), s.integer()], lambda s: [b'LRANGE', s.key(), s.integer(), s.integer()], lambda s: [b'LSET', s.key(), s.integer(), s.word()],
        lambda s: [b'LTRIM', s.key(), s.integer(), s.integer()], lambda s: [b'LREM', s.key(), s.integer(), s.word()], lambda s: [b'LINSERT', s.key(), s.pick([b'BEFORE', b'AFTER', b'x']), s.word(), s.word()],
        lambda s: [b'LPOS', s.key(), s.word(), *s.maybe(b'RANK', s.integer()), *s.maybe(b'COUNT', s.integer()), *s.maybe(b'MAXLEN', s.integer())],
        lambda s: [b'LMOVE', s.key(), s.key(), s.pick(end), s.pick(end)], lambda s: [b'RPOPLPUSH', s.key(), s.key()], lambda s: [b'LMPOP', *s.counted(), s.pick(end), *s.maybe(b'COUNT', s.integer())],
        lambda s: [s.pick([b'BLPOP', b'BRPOP']), *s.some(s.key), s.pick([b'0.01', b'x', b'-1'])], lambda s: [b'BLMOVE', s.key(), s.key(), s.pick(end), s.pick(end), b'0.01'],
        lambda s: [b'BRPOPLPUSH', s.key(), s.key(), b'0.01'], lambda s: [b'BLMPOP', b'0.01', *s.counted(), s.pick(end), *s.maybe(b'COUNT', s.integer())],
    ]


def sets():
    return [
        lambda s: [b'SADD', s.key(), *s.some(s.word)], lambda s: [b'SADD', s.key(), *s.some(lambda: b'%d' % s.random.randrange(-40, 40))], lambda s: [b'SREM', s.key(), *s.some(s.word)],
        lambda s: [b'SMOVE', s.key(), s.key(), s.word()], lambda s: [b'SISMEMBER', s.key(), s.word()], lambda s: [b'SMISMEMBER', s.key(), *s.some(s.word)], lambda s: [b'SCARD', s.key()],
        lambda s: [b'SMEMBERS', s.key()], lambda s: [s.pick([b'SINTER', b'SUNION', b'SDIFF']), *s.some(s.key)],
        lambda s: [s.pick([b'SINTERSTORE', b'SUNIONSTORE', b'SDIFFSTORE']), s.key(), *s.some(s.key)], lambda s: [b'SINTERCARD', *s.counted(), *s.maybe(b'LIMIT', s.integer())],
        lambda s: [b'SPOP', s.key(), s.pick([b'0', b'1000', b'-1', b'x'])], lambda s: [b'SRANDMEMBER', s.key(), s.pick([b'0', b'1000', b'x'])],
    ]


def zsets():
    options = lambda s: [*s.maybe(s.pick([b'NX', b'XX', b'GT', b'LT'])), *s.maybe(s.pick([b'GT', b'LT', b'NX']), chance=0.1), *s.maybe(b'CH'), *s.maybe(b'INCR', chance=0.2)]  # noqa: E731
    limit = lambda s: s.maybe(b'LIMIT', s.pick([b'0', b'1', b'2', b'-1', b'x']), s.pick([b'0', b'1', b'3', b'-1']))  # noqa: E731
    return [
        lambda s: [b'ZADD', s.key(), *options(s), *s.pairs(s.number, s.word)], lambda s: [b'ZADD', s.key(), *s.pairs(lambda: b'%d' % s.random.randrange(-3, 4), s.word)],
        lambda s: [b'ZINCRBY', s.key(), s.number(), s.word()], lambda s: [b'ZREM', s.key(), *s.some(s.word)], lambda s: [b'ZCARD', s.key()], lambda s: [b'ZSCORE', s.key(), s.word()],
        lambda s: [b'ZMSCORE', s.key(), *s.some(s.word)], lambda s: [s.pick([b'ZRANK', b'ZREVRANK']), s.key(), s.word()], lambda s: [b'ZCOUNT', s.key(), s.score_bound(), s.score_bound()],
        lambda s: [b'ZADD', LEX, *s.pairs(lambda: b'0', s.word)], lambda s: [b'ZLEXCOUNT', LEX, s.lex_bound(), s.lex_bound()], lambda s: [b'ZREMRANGEBYRANK', s.key(), s.integer(), s.integer()],
        lambda s: [b'ZREMRANGEBYSCORE', s.key(), s.score_bound(), s.score_bound()], lambda s: [b'ZREMRANGEBYLEX', LEX, s.lex_bound(), s.lex_bound()],
        lambda s: [b'ZRANGE', s.key(), s.integer(), s.integer(), *s.maybe(b'REV'), *s.maybe(b'WITHSCORES')],
        lambda s: [b'ZRANGE', s.key(), s.score_bound(), s.score_bound(), b'BYSCORE', *s.maybe(b'REV'), *limit(s), *s.maybe(b'WITHSCORES')],
        lambda s: [b'ZRANGE', LEX, s.lex_bound(), s.lex_bound(), b'BYLEX', *s.maybe(b'REV'), *limit(s), *s.maybe(b'WITHSCORES', chance=0.1)],
        lambda s: [b'ZREVRANGE', s.key(), s.integer(), s.integer(), *s.maybe(b'WITHSCORES')],
        lambda s: [s.pick([b'ZRANGEBYSCORE', b'ZREVRANGEBYSCORE']), s.key(), s.score_bound(), s.score_bound(), *s.maybe(b'WITHSCORES'), *limit(s)],
        lambda s: [s.pick([b'ZRANGEBYLEX', b'ZREVRANGEBYLEX']), LEX, s.lex_bound(), s.lex_bound(), *limit(s)],
        lambda s: [b'ZRANGESTORE', s.key(), s.key(), s.integer(), s.integer(), *s.maybe(b'REV')],
        lambda s: [b'ZRANGESTORE', s.key(), s.key(), s.score_bound(), s.score_bound(), b'BYSCORE', *limit(s)],
        lambda s: [s.pick([b'ZPOPMIN', b'ZPOPMAX']), s.key(), *s.maybe(s.integer())], lambda s: [b'ZMPOP', *s.counted(), s.pick([b'MIN', b'MAX', b'x']), *s.maybe(b'COUNT', s.integer())],
        lambda s: [s.pick([b'BZPOPMIN', b'BZPOPMAX']), *s.some(s.key), b'0.01'], lambda s: [b'BZMPOP', b'0.01', *s.counted(), s.pick([b'MIN', b'MAX']), *s.maybe(b'COUNT', s.integer())],
        lambda s: [s.pick([b'ZUNION', b'ZINTER']), *s.counted(), *s.maybe(b'WEIGHTS', s.number(), s.number()), *s.maybe(b'AGGREGATE', s.pick([b'SUM', b'MIN', b'MAX', b'x'])), *s.maybe(b'WITHSCORES')],
        lambda s: [b'ZDIFF', *s.counted(), *s.maybe(b'WITHSCORES')], lambda s: [s.pick([b'ZUNIONSTORE', b'ZINTERSTORE']), s.key(), *s.counted(), *s.maybe(b'AGGREGATE', s.pick([b'SUM', b'MIN', b'MAX']))],
        lambda s: [b'ZDIFFSTORE', s.key(), *s.counted()], lambda s: [b'ZINTERCARD', *s.counted(), *s.maybe(b'LIMIT', s.integer())],
        lambda s: [b'ZRANDMEMBER', s.key(), s.pick([b'0', b'1000', b'x'])], lambda s: [b'ZSCAN', s.key(), s.pick([b'0', b'x'])],
    ]


def bitmaps():
    offset = [b'0', b'1', b'7', b'8', b'100', b'-1', b'x', b'4294967296', b'#1']
    kind = [b'u1', b'u8', b'i8', b'i5', b'u63', b'i64', b'u64', b'i65', b'x']
    operation = lambda s: s.pick([[b'GET', s.pick(kind), s.pick(offset)], [b'SET', s.pick(kind), s.pick(offset), s.integer()], [b'INCRBY', s.pick(kind), s.pick(offset), s.integer()],  # noqa: E731
                                  [b'OVERFLOW', s.pick([b'WRAP', b'SAT', b'FAIL', b'x'])]])
    return [
        lambda s: [b'SETBIT', s.key(), s.pick(offset), s.pick([b'0', b'1', b'1', b'2', b'x'])], lambda s: [b'GETBIT', s.key(), s.pick(offset)], lambda s: [b'SET', s.key(), s.word()],
        lambda s: [b'BITCOUNT', s.key(), *s.maybe(s.integer(), s.integer(), *s.maybe(s.pick([b'BYTE', b'BIT', b'x'])))],
        lambda s: [b'BITPOS', s.key(), s.pick([b'0', b'1', b'2', b'x']), *s.maybe(s.integer(), *s.maybe(s.integer(), *s.maybe(s.pick([b'BYTE', b'BIT', b'x']))))],
        lambda s: [b'BITOP', s.pick([b'AND', b'OR', b'XOR', b'NOT', b'x']), s.key(), *s.some(s.key)],
        lambda s: [b'BITFIELD', s.key(), *[word for _ in range(s.random.randrange(4)) for word in operation(s)]],
        lambda s: [b'BITFIELD_RO', s.key(), *[word for _ in range(s.random.randrange(3)) for word in operation(s)]],
    ]


def sketches():
    element = lambda s: b'e%d' % s.random.randrange(20000)  # noqa: E731
    return [
        lambda s: [b'PFADD', s.key(), *s.some(lambda: element(s), 0, 40)], lambda s: [b'PFADD', s.key(), *s.some(lambda: element(s), 1, 40)], lambda s: [b'PFADD', s.key(), *s.some(lambda: element(s), 300, 900)],
        lambda s: [b'PFCOUNT', *s.some(s.key, 1, 3)], lambda s: [b'PFCOUNT', s.key()], lambda s: [b'PFMERGE', *s.some(s.key, 1, 4)], lambda s: [b'GET', s.key()], lambda s: [b'DEL', s.key()],
        lambda s: s.pick([[b'SET', s.key(), s.word()], [b'SADD', s.key(), s.word()], [b'GET', s.key()], [b'GET', s.key()], [b'GET', s.key()]]),
    ]


def places():
    number = lambda s, most: s.pick([b'0', b'180', b'-180', b'85.05', b'-85.05', b'86', b'x', b'181']) if s.random.random() < 0.08 else b'%.6f' % s.random.uniform(-most, most)  # noqa: E731
    place = lambda s: s.pick([[number(s, 180), number(s, 85)], [number(s, 4), number(s, 4)], [number(s, 1), number(s, 1)]])  # noqa: E731
    member = lambda s: b'p%d' % s.random.randrange(60)  # noqa: E731
    unit = lambda s: s.pick([b'm', b'km', b'KM', b'ft', b'mi', b'mi', b'xx'] if s.random.random() < 0.1 else [b'm', b'km', b'km', b'ft', b'mi'])  # noqa: E731
    size = lambda s: s.pick([b'0', b'-1', b'x', b'100', b'5000', b'20000', b'1000000', b'%d' % s.random.randrange(3000)])  # noqa: E731
    shape = lambda s: s.pick([[b'BYRADIUS', size(s), unit(s)], [b'BYBOX', size(s), size(s), unit(s)]])  # noqa: E731
    centre = lambda s: s.pick([[b'FROMLONLAT', *place(s)], [b'FROMMEMBER', member(s)]])  # noqa: E731
    withs = lambda s: [*s.maybe(b'WITHDIST'), *s.maybe(b'WITHHASH'), *s.maybe(b'WITHCOORD')]  # noqa: E731
    order = lambda s: [*s.maybe(s.pick([b'ASC', b'DESC', b'asc'])), *s.maybe(b'COUNT', s.pick([b'1', b'3', b'10', b'0', b'x']), *s.maybe(b'ANY')), *s.maybe(b'ANY', chance=0.05)]  # noqa: E731
    key = lambda s: s.pick(KEYS[:3])  # noqa: E731
    return [
        lambda s: [b'GEOADD', key(s), *s.maybe(s.pick([b'NX', b'XX', b'CH']), chance=0.2), *[word for _ in range(s.random.randrange(1, 9)) for word in (*place(s), member(s))]],
        lambda s: [b'GEOADD', key(s), *[word for _ in range(s.random.randrange(1, 9)) for word in (b'%.6f' % s.random.uniform(-3, 3), b'%.6f' % s.random.uniform(-3, 3), member(s))]],
        lambda s: [b'GEODIST', key(s), member(s), member(s), *s.maybe(unit(s))], lambda s: [b'GEOHASH', key(s), *s.some(lambda: member(s), 0)], lambda s: [b'GEOPOS', key(s), *s.some(lambda: member(s), 0)],
        lambda s: [b'GEOSEARCH', key(s), *centre(s), *shape(s), *order(s), *withs(s)], lambda s: [b'GEOSEARCH', key(s), *centre(s), *shape(s), *order(s), *withs(s)], lambda s: [b'GEOSEARCH', key(s), *shape(s), *centre(s), *order(s)],
        lambda s: [b'GEOSEARCHSTORE', b'{t}1', key(s), *centre(s), *shape(s), *order(s), *s.maybe(b'STOREDIST'), *s.maybe(b'WITHDIST', chance=0.05)], lambda s: [b'ZRANGE', b'{t}1', b'0', b'-1'],
        lambda s: [s.pick([b'GEORADIUS', b'GEORADIUS_RO']), key(s), *place(s), size(s), unit(s), *order(s), *withs(s), *s.maybe(s.pick([b'STORE', b'STOREDIST']), b'{t}1', chance=0.1)],
        lambda s: [s.pick([b'GEORADIUSBYMEMBER', b'GEORADIUSBYMEMBER_RO']), key(s), member(s), size(s), unit(s), *order(s), *withs(s), *s.maybe(s.pick([b'STORE', b'STOREDIST']), b'{t}1', chance=0.1)],
        lambda s: [b'SET', key(s), s.word()] if s.random.random() < 0.1 else [b'DEL', key(s)] if s.random.random() < 0.2 else [b'ZADD', key(s), s.pick([b'1', b'-5', b'1e15', b'inf']), member(s)],
    ]


def sorting():
    number = lambda s: b'%d' % s.random.randrange(-20, 20) if s.random.random() < 0.97 else s.word()  # noqa: E731
    pattern = lambda s: s.pick([b'#', b'w_*', b'h_*->f', b'h_*->', b'*', b'x', b'w_*_*', b'->*', b'nosort'])  # noqa: E731
    options = lambda s: [*s.pick([s.maybe(b'LIMIT', s.integer(), s.integer()), [b'ALPHA']]), *s.maybe(s.pick([b'ASC', b'DESC'])), *s.maybe(b'GET', pattern(s)), *s.maybe(b'GET', pattern(s), chance=0.2)]  # noqa: E731
    key = lambda s: s.pick([b'a', b'b', b'c'])  # noqa: E731

    def sort(s, of, *more):
        words = [b'SORT', of, *more, *options(s)]
        # Of those that are alike by a pattern, ALPHA takes those of a list in its order, and others as the hash table has them. So does
        # SORT of a set that asks for no order.
        if b'BY' not in words or of == b'a':
            return words
        by = words.index(b'BY')
        kept = words if of == b'c' or b'*' in words[by + 1] else words[:by] + words[by + 2:]
        return [word for word in kept if word != b'ALPHA' or b'BY' not in kept]
    return [
        lambda s: [b'RPUSH', b'a', *s.some(lambda: number(s))], lambda s: [b'SADD', b'b', *s.some(lambda: number(s))], lambda s: [b'ZADD', b'c', *s.pairs(lambda: b'%d' % s.random.randrange(5), lambda: number(s))],
        lambda s: [b'SET', b'w_%d' % s.random.randrange(-20, 20), number(s)], lambda s: [b'HSET', b'h_%d' % s.random.randrange(-20, 20), b'f', number(s)],
        lambda s: sort(s, key(s)), lambda s: sort(s, key(s), *s.maybe(b'BY', pattern(s))) if s.random.random() < 0.7 else [b'DEL', key(s)],
        lambda s: sort(s, s.pick([b'a', b'c']), b'BY', s.pick([b'nosort', b'w_*', b'h_*->f'])), lambda s: [b'SORT_RO', key(s), *s.maybe(b'ALPHA', b'LIMIT', s.integer(), s.integer()), *options(s)[:1], *s.maybe(b'STORE', b'n', chance=0.1)],
        lambda s: [*sort(s, key(s), *s.maybe(b'BY', pattern(s))), b'STORE', s.pick([b'n', b'n', b'n', b'a'])], lambda s: [b'LRANGE', b'n', b'0', b'-1'], lambda s: [b'SET', b'{t}1', s.word()], lambda s: [b'SORT', b'{t}1'],
    ]


def log_streams():
    ids = [b'0', b'0-0', b'0-1', b'1', b'1-1', b'1-2', b'2', b'3-5', b'7', b'9-9', b'-', b'+', b'5-*', b'x', b'1-', b'-1', b'007', b'18446744073709551615', b'18446744073709551615-18446744073709551615', b'18446744073709551616']
    some_id = lambda s: s.pick(ids) if s.random.random() < 0.4 else b'%d-%d' % (s.random.randrange(60), s.random.randrange(3))  # noqa: E731
    end = lambda s: s.pick([b'', b'', b'(']) + some_id(s)  # noqa: E731
    trim = lambda s: [s.pick([b'MAXLEN', b'MINID', b'maxlen']), *s.maybe(s.pick([b'~', b'='])), s.pick([b'0', b'1', b'3', b'10', b'-1', b'x', b'20-0']), *s.maybe(b'LIMIT', s.pick([b'0', b'1', b'5', b'200', b'-1']), chance=0.2)]  # noqa: E731
    field = lambda s: b'f%d' % s.random.randrange(3)  # noqa: E731
    group, consumer = [b'g', b'h', b'none'], [b'c', b'd', b'nobody']
    key = lambda s: s.pick(KEYS[:4])  # noqa: E731
    add = lambda s: [b'XADD', key(s), *s.maybe(b'NOMKSTREAM', chance=0.1), *s.maybe(*trim(s), chance=0.15), b'%d-%s' % (s.random.randrange(60), s.pick([b'*', b'1', b'2'])), *s.pairs(lambda: field(s), s.word)]  # noqa: E731
    return [
        add, add, add, add, lambda s: [b'XADD', key(s), some_id(s), *s.pairs(lambda: field(s), s.word)], lambda s: [b'XLEN', key(s)],
        lambda s: [b'XRANGE', key(s), end(s), end(s), *s.maybe(b'COUNT', s.integer())], lambda s: [b'XREVRANGE', key(s), end(s), end(s), *s.maybe(b'COUNT', s.integer())], lambda s: [b'XRANGE', key(s), b'-', b'+'],
        lambda s: [b'XDEL', s.pick(KEYS[:3]), *s.some(lambda: some_id(s))], lambda s: [b'XTRIM', key(s), *trim(s)],
        lambda s: [b'XSETID', s.pick([*[KEPT] * 5, b'none', *KEYS[:3]]), some_id(s), *s.maybe(b'ENTRIESADDED', s.pick([b'0', b'1', b'9', b'100', b'-1', b'x']), chance=0.3), *s.maybe(b'MAXDELETEDID', s.pick([b'0-0', b'99999999-1', b'x']), chance=0.3)],
        lambda s: [b'XREAD', *s.maybe(b'COUNT', s.integer()), *s.maybe(b'BLOCK', s.pick([b'5', b'-1', b'x']), chance=0.1), b'STREAMS', key(s), key(s), some_id(s), s.pick([b'$', b'0', b'>', some_id(s)])],
        lambda s: [b'XGROUP', b'CREATE', key(s), s.pick(group[:2]), s.pick([b'$', b'0', some_id(s)]), *s.maybe(b'MKSTREAM'), *s.maybe(b'ENTRIESREAD', s.pick([b'-1', b'0', b'3', b'x']), chance=0.2)],
        lambda s: [b'XGROUP', b'CREATE', key(s), s.pick(group[:2]), b'0', b'MKSTREAM'], lambda s: [b'XGROUP', b'SETID', key(s), s.pick(group), s.pick([b'$', b'0', some_id(s)]), *s.maybe(b'ENTRIESREAD', s.pick([b'-1', b'0', b'3', b'x']), chance=0.2)],
        lambda s: [b'XGROUP', s.pick([b'CREATECONSUMER', b'DELCONSUMER']), key(s), s.pick(group), s.pick(consumer)], lambda s: [b'XGROUP', b'DESTROY', key(s), s.pick(group)] if s.random.random() < 0.3 else [b'XLEN', key(s)],
        lambda s: [b'XREADGROUP', b'GROUP', s.pick(group), s.pick(consumer), *s.maybe(b'COUNT', s.pick([b'1', b'2', b'x', b'0'])), *s.maybe(b'NOACK', chance=0.2), *s.maybe(b'BLOCK', b'5', chance=0.1), b'STREAMS', key(s), s.pick([b'>', b'>', b'0', some_id(s), b'$'])],
        lambda s: [b'XREADGROUP', b'GROUP', s.pick(group[:2]), s.pick(consumer[:2]), *s.maybe(b'COUNT', b'2'), b'STREAMS', key(s), b'>'], lambda s: [b'XACK', key(s), s.pick(group), *s.some(lambda: some_id(s))],
        lambda s: [b'XPENDING', key(s), s.pick(group)], lambda s: [b'XPENDING', key(s), s.pick(group), *s.maybe(b'IDLE', s.pick([b'0', b'x', b'9999999'])), end(s), end(s), s.pick([b'10', b'1', b'x', b'-1']), *s.maybe(s.pick(consumer))],
        lambda s: [b'XCLAIM', key(s), s.pick(group), s.pick(consumer), s.pick([b'0', b'-5', b'x', b'99999999']), *s.some(lambda: some_id(s)), *s.maybe(b'IDLE', s.integer(), chance=0.2), *s.maybe(b'TIME', b'5', chance=0.2),
                   *s.maybe(b'RETRYCOUNT', s.integer(), chance=0.3), *s.maybe(b'FORCE'), *s.maybe(b'JUSTID'), *s.maybe(b'LASTID', some_id(s), chance=0.2)],
        lambda s: [b'XAUTOCLAIM', key(s), s.pick(group), s.pick(consumer), s.pick([b'0', b'x', b'99999999']), end(s), *s.maybe(b'COUNT', s.pick([b'1', b'2', b'0', b'x'])), *s.maybe(b'JUSTID')],
        lambda s: [b'XINFO', b'STREAM', key(s), *s.maybe(b'FULL', *s.maybe(b'COUNT', s.integer()))], lambda s: [b'XINFO', b'GROUPS', key(s)], lambda s: [b'XINFO', b'GROUPS', key(s)],
        lambda s: [b'XINFO', b'CONSUMERS', key(s), s.pick(group)], lambda s: [b'COPY', s.pick(KEYS[:3]), s.pick(KEYS[:3]), *s.maybe(b'REPLACE')], lambda s: [b'CONFIG', b'SET', b'stream-node-max-entries', s.pick([b'3', b'4', b'100'])],
    ]


SCRIPTS = [
    b'return redis.call(ARGV[1], KEYS[1], ARGV[2])', b'return redis.pcall(ARGV[1], KEYS[1], ARGV[2])', b'return {KEYS, ARGV}', b'return redis.call("get", KEYS[1])', b'return ARGV[1] + 1', b'return tonumber(ARGV[1])',
    b'return {1, 2.9, "x", true, false, {3, nil, 4}}', b'return {ok=ARGV[1]}', b'return {err=ARGV[1]}', b'return redis.error_reply(ARGV[1])', b'return redis.status_reply(ARGV[1])', b'error(ARGV[1])', b'error({err=ARGV[1] or "X"})',
    b'return redis.sha1hex(ARGV[1])', b'redis.setresp(3) return redis.call("hgetall", KEYS[1])', b'return redis.call("hgetall", KEYS[1])', b'redis.setresp(3) return {true, false, {double=1.5}, {map={a=1}}, {set={b=true}}, {big_number="1"}, {verbatim_string={format="txt", string=ARGV[1]}}}',
    b'math.randomseed(ARGV[1]) return math.random(100000)', b'return undefined_name', b'x = 1', b'return redis.call()', b'return redis.call("nope")', b'return redis.call("get")', b'local a = {} a[1] = 1 a[3] = 3 return a',
    b'return cjson.encode(cjson.decode(ARGV[1]))', b'return cjson.encode({ARGV[1], 1, 2.5, {a=KEYS[1]}})', b'return cmsgpack.pack(ARGV[1], tonumber(ARGV[1]), {1, 2, {x="y"}})', b'return {cmsgpack.unpack(cmsgpack.pack(ARGV, KEYS, 1.5, -70000))}', b'return {cmsgpack.unpack(ARGV[1])}',
    b'return {struct.unpack(">Iihc0", struct.pack(">Iih", 1, -2, #ARGV[1]) .. ARGV[1])}', b'return struct.pack("<i2I8dfs", 5, 7, 1.25, 2.5, ARGV[1])', b'return {struct.unpack("i4", ARGV[1])}', b'return bit.tohex(bit.bxor(tonumber(ARGV[1]) or 0, 0xff))', b'return redis.call("set", KEYS[1], ARGV[1], "EX", 100000)',
    b'redis.call("rpush", KEYS[1], ARGV[1]) redis.call("rpush", KEYS[1], 2.5, 3) return redis.call("lrange", KEYS[1], 0, -1)', b'return redis.call("sort", KEYS[1], "by", "nosort")', b'#!lua flags=no-writes\nreturn redis.call("set", KEYS[1], 1)', b'#!lua\nreturn redis.call("incr", KEYS[1])', b'#!lua flags=x\nreturn 1',
    b'#!python\nreturn 1', b'return (', b'for i = 1, 3 do redis.call("incr", KEYS[1]) end return redis.call("get", KEYS[1])', b'return pcall(redis.call, "incr", KEYS[1])', b'local ok, e = pcall(redis.call, "nope") return e.err', b'return string.format("%s %d", ARGV[1], 5)', b'redis.call = 1',
    b'return type(KEYS[2])', b'return #KEYS + #ARGV', b'return redis.call("subscribe", "x")', b'return redis.call("zadd", KEYS[1], 1.5, ARGV[1]) + redis.call("zcard", KEYS[1])', b'return redis.call("select", 1)', b'return {redis.LOG_WARNING, redis.REPL_ALL}', b'redis.set_repl(9)', b'return redis.acl_check_cmd("get", KEYS[1])',
    b'local a = redis.pcall("incr", KEYS[1]) if type(a) == "table" then return a.err end return a', b'return loadstring("return 1 + 1")()', b'return select("#", unpack(ARGV))', b'coroutine.wrap(function() error("inner") end)()', b'return {pcall(function() error({code=5}) end)}', b'return tostring(nil) .. type(redis.call)',
]


def scripts():
    code = [b'redis.register_function("%s", function(keys, args) return {keys, args} end)', b'redis.register_function{function_name="%s", callback=function(keys) return redis.call("get", keys[1]) end, flags={"no-writes"}}',
            b'redis.register_function("%s", function(keys, args) return redis.call("set", keys[1], args[1]) end)', b'redis.register_function("%s", function() return nothing end)', b'redis.register_function("%s", 1)', b'local x = 1', b'error(1)', b'return (']
    name = lambda s: s.pick([b'f', b'g', b'h', b'a-b'])  # noqa: E731
    library = lambda s: b'#!lua name=%s\n' % s.pick([b'one', b'two', b'x y']) + b'\n'.join(each % name(s) if b'%s' in each else each for each in s.some(lambda: s.pick(code), 1, 2))  # noqa: E731
    words = lambda s: [s.pick([b'get', b'set', b'incr', b'lpush', b'hget', b'nope', b'strlen', b'append']), s.word(), *s.some(s.word, 0, 2)]  # noqa: E731
    # The database that a script chose is not the client's in 7.2, and neither here; its order of a hash's fields is nobody's.
    counted = lambda s: [b'%d' % s.pick([0, 1, 1, 1, 2]), s.key(), *words(s)] if s.random.random() < 0.95 else [s.integer(), s.key(), s.word()]  # noqa: E731
    return [
        lambda s: [b'EVAL', s.pick(SCRIPTS), *counted(s)], lambda s: [b'EVAL', s.pick(SCRIPTS), *counted(s)], lambda s: [b'EVAL', s.pick(SCRIPTS), *counted(s)], lambda s: [b'EVAL_RO', s.pick(SCRIPTS), *counted(s)], lambda s: [b'SCRIPT', b'LOAD', s.pick(SCRIPTS)],
        lambda s: [s.pick([b'EVALSHA', b'EVALSHA_RO']), s.pick([b'x', hashlib.sha1(s.pick(SCRIPTS)).hexdigest().encode(), hashlib.sha1(s.pick(SCRIPTS)).hexdigest().upper().encode()]), *counted(s)],
        lambda s: [b'SCRIPT', b'EXISTS', *s.some(lambda: hashlib.sha1(s.pick(SCRIPTS)).hexdigest().encode())], lambda s: [b'SCRIPT', b'FLUSH', *s.maybe(s.pick([b'SYNC', b'ASYNC', b'x']))] if s.random.random() < 0.2 else [b'SCRIPT', b'KILL'],
        lambda s: [b'FUNCTION', b'LOAD', *s.maybe(b'REPLACE'), library(s)], lambda s: [b'FUNCTION', b'LOAD', b'REPLACE', library(s)], lambda s: [s.pick([b'FCALL', b'FCALL', b'FCALL_RO']), name(s), *counted(s)], lambda s: [b'FUNCTION', b'STATS'],
        lambda s: [b'FUNCTION', b'LIST', *s.maybe(b'LIBRARYNAME', s.pick([b'*', b'O*', b'x'])), *s.maybe(b'WITHCODE')], lambda s: s.pick([[b'FUNCTION', b'DELETE', s.pick([b'one', b'two', b'x'])], [b'FUNCTION', b'FLUSH'], [b'FUNCTION', b'KILL'], [b'FUNCTION', b'NOPE']]),
        lambda s: [b'SET', s.key(), s.word()], lambda s: [b'HSET', s.key(), s.word(), s.word()], lambda s: [b'DEL', s.key()],
    ]


def channels():
    channel = [b'c', b'd', b'{t}c', b'c*', b'?']
    return [
        lambda s: [b'PUBLISH', s.pick(channel), s.word()], lambda s: [b'SPUBLISH', s.pick(channel), s.word()], lambda s: [b'PUBSUB', b'NUMSUB', *s.some(lambda: s.pick(channel), 0, 3)],
        lambda s: [b'PUBSUB', b'NUMPAT'], lambda s: [b'PUBSUB', b'CHANNELS', *s.maybe(s.pick(PATTERNS))], lambda s: [b'PUBSUB', b'SHARDNUMSUB', *s.some(lambda: s.pick(channel), 0, 3)],
        lambda s: [b'PUBSUB', b'SHARDCHANNELS'], lambda s: [b'PUBSUB', b'NOPE'],
    ]


def transactions():
    return [lambda s: [b'MULTI'], lambda s: [b'EXEC'], lambda s: [b'EXEC'], lambda s: [b'DISCARD'], lambda s: [b'UNWATCH']]


def connection():
    return [
        lambda s: [b'PING', *s.maybe(s.word())], lambda s: [b'ECHO', s.word()], lambda s: [b'NOSUCH', *s.some(s.word)], lambda s: [b'OBJECT', b'FOO', s.key()], lambda s: [b'CLIENT', b'NOPE'],
        lambda s: [b'CLIENT', b'SETNAME', s.word()], lambda s: [b'CLIENT', b'GETNAME'], lambda s: [b'CONFIG', b'FOO'],
        lambda s: [b'CLIENT', b'TRACKING', s.pick([b'on', b'ON', b'off', b'maybe']), *s.maybe(b'BCAST'), *s.maybe(b'PREFIX', s.word()), *s.maybe(b'PREFIX', s.word(), chance=0.2), *s.maybe(b'OPTIN', chance=0.2), *s.maybe(b'OPTOUT', chance=0.2), *s.maybe(b'NOLOOP'), *s.maybe(b'REDIRECT', b'999999', chance=0.1)],
        lambda s: [b'CLIENT', s.pick([b'TRACKINGINFO', b'GETREDIR', b'UNPAUSE'])], lambda s: [b'CLIENT', b'CACHING', s.pick([b'yes', b'no', b'x'])], lambda s: [b'CLIENT', b'PAUSE', s.pick([b'-1', b'x', b'1']), s.pick([b'foo', b'WRITE'])],
        lambda s: [b'CLIENT', b'UNBLOCK', s.pick([b'999999', b'x']), *s.maybe(s.pick([b'ERROR', b'TIMEOUT', b'x']))], lambda s: [b'CLIENT', b'KILL', *s.pick([[b'127.0.0.1:1'], [b'ID', b'999999'], [b'ID', b'x'], [b'TYPE', b'x'], [b'USER', b'nobody'], [b'ADDR', b'x', b'SKIPME', b'no'], [b'LADDR', b'x'], [b'SKIPME', b'x']])],
        lambda s: [b'CLIENT', b'LIST', *s.pick([[b'TYPE', b'x'], [b'TYPE', b'pubsub'], [b'ID', b'x'], [b'ID'], [b'ID', b'999999']])], lambda s: [b'CLIENT', b'NO-EVICT', s.pick([b'on', b'off', b'x'])], lambda s: [b'CLIENT', b'REPLY', s.pick([b'ON', b'x'])], lambda s: [b'HELLO', s.pick([b'4', b'x'])], lambda s: [b'AUTH', s.word()],
        lambda s: [b'COMMAND', b'GETKEYS', *s.pick([[b'GET', b'a'], [b'MSET', b'a', b'b', b'c', b'd'], [b'PING', b'x'], [b'FOO', b'x'], [b'SET', b'a'], [b'SINTERCARD', b'2', b'a', b'b']])],
    ]


def users():
    rule = [b'on', b'off', b'nopass', b'resetpass', b'>p', b'<p', b'!x', b'#x', b'~*', b'~a*', b'%R~b*', b'%W~c', b'%RW~q', b'%Q~a', b'allkeys', b'resetkeys', b'&*', b'&ch*', b'resetchannels', b'allchannels', b'+@all', b'-@all', b'+@read',
            b'-@write', b'+@nope', b'+get', b'-get', b'+nope', b'+config|get', b'+config|nope', b'+config|get|x', b'+select|0', b'(+set ~k*)', b'(+get', b'clearselectors', b'reset', b'nope', b'', b'~a b', b'skip-sanitize-payload']
    user = [b'ann', b'bob', b'a b', b'default2']
    words = [[b'GET', b'a1'], [b'SET', b'b1', b'x'], [b'SET', b'c', b'x', b'GET'], [b'MGET', b'a1', b'q'], [b'COPY', b'b1', b'c'], [b'PUBLISH', b'ch1', b'm'], [b'SUBSCRIBE', b'ch1', b'x'], [b'PSUBSCRIBE', b'ch*'], [b'CONFIG', b'GET', b'x'],
             [b'SELECT', b'0'], [b'NOPE'], [b'GET'], [b'ZUNIONSTORE', b'c', b'2', b'a1', b'b1'], [b'BITFIELD', b'b1', b'GET', b'u8', b'0'], [b'PING'], [b'LMPOP', b'1', b'a1', b'LEFT'], [b'SINTERCARD', b'2', b'a', b'b'], [b'XREAD', b'STREAMS', b'a1', b'0']]
    return [
        lambda s: [b'ACL', b'SETUSER', s.pick(user), *s.some(lambda: s.pick(rule), 0, 4)], lambda s: [b'ACL', b'SETUSER', s.pick(user), *s.some(lambda: s.pick(rule), 1, 2)], lambda s: [b'ACL', b'DRYRUN', s.pick(user), *s.pick(words)],
        lambda s: [b'ACL', b'DRYRUN', s.pick(user), *s.pick(words)], lambda s: [b'ACL', b'DELUSER', s.pick([*user, b'default'])], lambda s: [b'ACL', s.pick([b'USERS', b'WHOAMI', b'NOPE'])], lambda s: [b'ACL', b'CAT', s.pick([b'nope', b'@read'])],
        lambda s: [b'ACL', b'GENPASS', s.pick([b'0', b'-1', b'5000', b'x'])], lambda s: [b'ACL', b'LOG', s.pick([b'RESET', b'x', b'0'])], lambda s: [b'AUTH', b'nobody', s.word()], lambda s: [b'ACL', b'GETUSER', b'nobody'],
        lambda s: [b'COMMAND', b'GETKEYSANDFLAGS', *s.pick(words)], lambda s: [b'COMMAND', b'GETKEYS', *s.pick(words)],
    ]


def server():
    number = [b'maxmemory-samples', b'timeout', b'lfu-log-factor', b'lfu-decay-time', b'maxmemory-eviction-tenacity']
    policy = [b'noeviction', b'allkeys-lru', b'volatile-lru', b'allkeys-lfu', b'volatile-lfu', b'allkeys-random', b'volatile-random', b'volatile-ttl', b'ALLKEYS-LRU', b'lru']
    parameter = [*number, b'latency-monitor-threshold', b'maxmemory', b'maxmemory-policy', b'maxmemory-clients', b'notify-keyspace-events', b'client-output-buffer-limit', b'latency-tracking', b'latency-tracking-info-percentiles',
                 b'databases', b'slowlog-max-len', b'appendonly', b'NoSuch', b'hash-max-listpack-entries']
    setting = lambda s: s.pick([  # noqa: E731
        [s.pick(number), s.pick([b'0', b'-1', b'5', b'60', b'x', b'1.5', b''])], [b'maxmemory-policy', s.pick(policy)], [b'latency-monitor-threshold', s.pick([b'0', b'-1', b'3600000', b'x'])],  # none that a busy machine reaches
        [b'maxmemory', s.pick([b'1gb', b'2GB', b'3000mb', b'x', b'-1', b'1tb', b''])],
        [b'maxmemory-clients', s.pick([b'0', b'50%', b'101%', b'-1%', b'100mb', b'x'])], [b'notify-keyspace-events', s.pick([b'', b'KEA', b'Kx', b'q'])], [b'latency-tracking', s.pick([b'yes', b'NO', b'maybe'])],
        [b'client-output-buffer-limit', s.pick([b'normal 0 0 0', b'normal 1gb 512mb 10', b'replica 1mb 1mb 60 pubsub 64mb 16mb 30', b'slave 256mb 64mb 60', b'normal', b'foo 1 1 1', b'normal x 0 0', b'pubsub 0 0 -1'])],
        [b'latency-tracking-info-percentiles', s.pick([b'50 99', b'99.9', b'', b'101', b'x'])], [b'NoSuch', b'x'], [b'databases', b'5'], [b'hash-max-listpack-entries', s.pick([b'512', b'-1', b'x'])]])
    return [
        lambda s: [b'CONFIG', b'GET', s.pick(parameter)], lambda s: [b'CONFIG', b'SET', *setting(s)], lambda s: [b'CONFIG', b'SET', *setting(s), *setting(s)], lambda s: [b'CONFIG', b'SET', *setting(s), b'odd'],
        lambda s: [b'CONFIG', b'RESETSTAT'], lambda s: [b'CONFIG', b'GET', s.pick([b'lfu-log*', b'nosuch*', b'MAXMEMORY-S*'])], lambda s: [b'SET', s.key(), s.word()],
        lambda s: [b'OBJECT', s.pick([b'FREQ', b'IDLETIME']), s.pick([b'nothing', s.key()])], lambda s: [b'MEMORY', b'USAGE', b'nothing', *s.maybe(b'SAMPLES', s.integer())], lambda s: [b'MEMORY', s.pick([b'NOPE', b'PURGE'])],
        lambda s: [b'SLOWLOG', s.pick([b'LEN', b'RESET', b'NOPE'])], lambda s: [b'SLOWLOG', b'GET', s.integer()], lambda s: [b'LATENCY', s.pick([b'LATEST', b'RESET', b'NOPE', b'HISTORY', b'GRAPH'])],
        lambda s: [b'LATENCY', s.pick([b'HISTORY', b'GRAPH', b'RESET']), s.word()], lambda s: [b'LATENCY', b'HISTOGRAM', b'nosuch'], lambda s: [b'MODULE', b'LIST'], lambda s: [b'DEBUG', s.pick([b'SLEEP', b'JMAP']), b'0'],
        lambda s: [b'INFO', b'nosuch'], lambda s: [b'COMMAND', b'LIST', b'FILTERBY', s.pick([b'x', b'MODULE']), b'nothing'],
    ]


FAMILIES = {'strings': strings(), 'generic': generic() + strings(), 'hashes': hashes() + generic()[:4], 'lists': lists() + generic()[:4], 'sets': sets() + generic()[:4], 'zsets': zsets() + generic()[:4] + sets()[:2],
            'transactions': transactions() * 3 + strings() + lists(), 'bitmaps': bitmaps() + generic()[:4] + lists()[:1], 'sketches': sketches(), 'log_streams': log_streams(), 'places': places(), 'sorting': sorting(), 'scripts': scripts(), 'channels': channels(), 'connection': connection(),
            'server': server(), 'users': users()}
FAMILIES['all'] = [each for family in ('strings', 'generic', 'hashes', 'lists', 'sets', 'zsets', 'bitmaps') for each in FAMILIES[family]]


def stream(family, seed, length):
    generator = Generator(f'{family}:{seed}')
    return [generator.command(FAMILIES[family]) for _ in range(length)]
