"""Where redis-server 7.0, as Debian has it, and the 7.2 that Chorus speaks are known to differ, each with its reason."""
import re

import streams

# Replies in which the order of elements is that of a hash table, and so each server's own.
UNORDERED = {b'SMEMBERS', b'SINTER', b'SUNION', b'SDIFF', b'HGETALL', b'HKEYS', b'HVALS', b'SPOP', b'SRANDMEMBER', b'HRANDFIELD', b'ZRANDMEMBER', b'KEYS', b'SCAN', b'SSCAN', b'HSCAN', b'ZSCAN'}
DRAWS = {b'SRANDMEMBER', b'HRANDFIELD', b'ZRANDMEMBER'}  # any one of the elements

# How long ago, and when: milliseconds that pass between the two servers.
# What 7.2 says of a stream and 7.0 does not, and what is about Redis' own tree.
STREAM_FACTS = re.compile(rb'\$8\r\ninactive\r\n:-?\d+\r\n|\$11\r\nactive-time\r\n:-?\d+\r\n|\$16\r\nradix-tree-nodes\r\n:\d+\r\n')
STREAM_TIMES = re.compile(rb'(seen-time|idle)\r\n:\d+|:17\d{11}\b')

ERRORS = [  # (7.0, 7.2): the words of some errors are others
    (rb'-ERR MULTI calls can not be nested\r\n', rb'-ERR Command not allowed inside a transaction\r\n'),
    (rb'-ERR WATCH inside MULTI is not allowed\r\n', rb'-ERR Command not allowed inside a transaction\r\n'),
]
# 7.0 prints 17 digits, 7.2 the shortest text that reads back as the same number.
NUMBER = re.compile(rb'-?(?:inf|nan|\d+(?:\.\d+)?(?:e[+-]?\d+)?)')


MAKE_CONSUMER = [b'XGROUP', b'createconsumer']  # in lower case: not one of the stream's own


def playable(stream):
    """The stream without what would make the servers go apart: MULTI within MULTI lives on in 7.0, and ends the transaction in 7.2. XCLAIM,
    XAUTOCLAIM and XREADGROUP make the consumer in 7.2 even when there is nothing for it: afterwards 7.0 has it, too. XSETID to before what was
    deleted last is taken by 7.0 only: a stream from which was deleted, or which is told so, ends with it."""
    in_multi = False
    for words in stream:
        name = words[0].upper()
        if name == b'MULTI':
            if in_multi:
                continue
            in_multi = len(words) == 1
        elif name in (b'EXEC', b'DISCARD') and len(words) == 1:
            in_multi = False
        yield words
        if name in (b'XCLAIM', b'XAUTOCLAIM') and len(words) > 5:
            yield [*MAKE_CONSUMER, *words[1:4]]
        elif name == b'XREADGROUP' and b'STREAMS' in words[4:]:
            yield [*MAKE_CONSUMER, (words + [b''])[words.index(b'STREAMS', 4) + 1], *words[2:4]]
        elif name == b'XSETID' and (words[1:2] != [streams.KEPT] or b'MAXDELETEDID' in words):
            yield [b'DEL', *words[1:2]]


def parts(reply):
    return reply.split(b'\r\n')


def same_numbers(a, b):
    """Whether two replies have the same elements, those that are doubles by their value."""
    left, right = [p for p in parts(a) if not p.startswith(b'$')], [p for p in parts(b) if not p.startswith(b'$')]
    if len(left) != len(right):
        return False
    for one, other in zip(left, right):
        if one == other:
            continue
        one, other = one.lstrip(b','), other.lstrip(b',')
        if not (NUMBER.fullmatch(one) and NUMBER.fullmatch(other) and float(one) == float(other)):
            return False
    return True


def without_times(reply):
    """A reply about streams without times, and without what 7.0 does not say: maps of consumers have a pair less."""
    plain = STREAM_TIMES.sub(b':T', STREAM_FACTS.sub(b'', reply))
    if b'inactive' in reply or b'active-time' in reply:
        plain = re.sub(rb'(\*8|\*10|%4|%5)(?=\r\n\$4\r\nname)', lambda found: found[0][:1] + b'%d' % (int(found[0][1:]) - (2 if found[0][:1] == b'*' else 1)), plain)
    return plain


def fields(info):
    """The names of INFO's lines, headings among them."""
    return {line.split(b':')[0] for line in parts(info)[1:]} - {b'txt'}


def same_clients(theirs, ours):
    """Lines of CLIENT LIST: every field of 7.0 is there, and those that are not about memory and addresses are the same."""
    lines = [[dict(field.partition(b'=')[::2] for field in line.split()) for line in each.split(b'\n') if b'id=' in line] for each in (theirs, ours)]
    alike = (b'name', b'flags', b'db', b'sub', b'psub', b'ssub', b'multi', b'cmd', b'user', b'redir', b'resp')
    return len(lines[0]) == len(lines[1]) and all(set(a) - {b'txt:id'} <= set(b) and all(a[key] == b[key] for key in alike) for a, b in zip(*lines))


def is_same(words, theirs, ours):
    name = words[0].upper()
    if theirs == ours or (theirs, ours) in ERRORS:
        return True
    if name == b'COMMAND' and len(words) == 3 and theirs.startswith(b'-ERR wrong number') and ours.startswith(b'-'):
        return True  # 7.0 wants an argument of the command that COMMAND GETKEYS is asked about
    if name == b'OBJECT' and theirs[:1] == ours[:1] == b':':  # of when one was used the other may have the second before
        return words[1] in (b'IDLETIME', b'FREQ')
    if name == b'INFO' and len(words) == 1:  # the values are each server's own; all that 7.0 names is there
        return fields(theirs) <= fields(ours)
    if name == b'CLIENT' and words[1:2] in ([b'LIST'], [b'INFO']) and b'id=' in theirs:
        return same_clients(theirs, ours)
    if name == b'ACL' and words[1:2] == [b'DRYRUN']:  # 7.0 says "This user", 7.2 the name
        return theirs[:1] == ours[:1] == b'$' and theirs.partition(b' has ')[2] == ours.partition(b' has ')[2] != b''
    if name == b'COMMAND' and b'XREAD' in words and ours == b'-ERR Invalid arguments specified for command\r\n':  # a key without its id: 7.0 gives the half of them
        return True
    if name == b'FUNCTION' and theirs[:1] == b'-' and theirs.endswith(b' already exists\r\n'):  # of several, any may be named
        return ours[:1] == b'-' and ours.endswith(b' already exists\r\n')
    if name == b'ACL' and words[1:] == [b'GENPASS']:
        return len(theirs) == len(ours)
    if name == b'ACL' and words[1:] == [b'CAT']:
        return sorted(parts(theirs)) == sorted(parts(ours))
    if name == b'ACL' and words[1:2] == [b'LOG'] and theirs[:1] == b'*':  # 7.2 has three facts more, times among them
        entries = [re.findall(rb'count\r\n.*?age-seconds', each, re.DOTALL) for each in (theirs, ours)]
        return entries[0] == entries[1]
    if name == b'LATENCY' and len(words) == 2 and words[1] == b'HISTOGRAM':  # how long is each server's own, of which commands is not
        named = [{part for part in parts(each) if part[:1].isalpha()} for each in (theirs, ours)]
        return named[0] == named[1]
    if name == b'COMMAND' and (len(words) == 1 or words[1:] == [b'LIST']):  # not every command is there, and the order is each server's own
        return True
    if name == b'HELLO':  # the version, and the number of the connection
        plain = [re.sub(rb'\$\d\r\n7\.\d\.\d+|id\r\n:\d+', b'', each) for each in (theirs, ours)]
        return plain[0] == plain[1]
    if name == b'BITCOUNT' and len(words) == 3 and theirs == b'-ERR syntax error\r\n':  # 7.0 wants both ends
        return True
    if name in (b'BITCOUNT', b'BITPOS') and (theirs in (b':0\r\n', b':-1\r\n') or theirs.startswith(b'-WRONGTYPE')) and ours.startswith(b'-ERR'):
        return True  # 7.0 looks at the key first, and not at the arguments where there is none
    if name == b'LPOS' and b'value must between' in ours:  # 7.0 takes the smallest number for a RANK
        return True
    if words[:2] == MAKE_CONSUMER and (theirs, ours) == (b':1\r\n', b':0\r\n'):
        return True  # the command before has made it here
    if name == b'XSETID' and b'current max_deleted_entry_id' in ours:  # which 7.0 does not look at
        return theirs == b'+OK\r\n' or theirs.startswith((b'-ERR The ID specified in XSETID', b'-ERR The entries_added'))
    if name == b'XINFO' and without_times(theirs) == without_times(ours):
        return True
    if name == b'XPENDING' and re.sub(rb'\r\n:\d+\r\n:', b'\r\n:T\r\n:', theirs) == re.sub(rb'\r\n:\d+\r\n:', b'\r\n:T\r\n:', ours):
        return True  # how long ago
    if name in (b'XREAD', b'XREADGROUP') and b'-ERR Unbalanced' in theirs and b'-ERR Unbalanced' in ours:
        return True  # 7.2 names the command and its sign
    if name in (b'FUNCTION', b'EVAL', b'EVAL_RO', b'EVALSHA', b'EVALSHA_RO') and sorted(parts(theirs)) == sorted(parts(ours)):
        return True  # functions of a library, fields of a hash: each server's own order
    if name in DRAWS and len(words) == 2 and theirs.startswith(b'$') and ours.startswith(b'$'):
        return True
    if name in UNORDERED and sorted(parts(theirs)) == sorted(parts(ours)):
        return True
    if name.startswith((b'Z', b'BZ', b'EXEC')) and same_numbers(theirs, ours):
        return True
    return False


def is_same_encoding(family, theirs, ours):
    """Lists of 7.0 are quicklists, small sets of its have no listpack; numbers that INCRBYFLOAT wrote are kept as such by us; a sorted set
    stays packed after a SORT of it."""
    pair = tuple(each.split(b'\r\n')[1] if each.startswith(b'$') else each for each in (theirs, ours))
    if family == 'sorting' and pair == (b'skiplist', b'listpack'):
        return True
    return pair[0] == pair[1] or pair in {(b'quicklist', b'listpack'), (b'hashtable', b'listpack'), (b'embstr', b'int'), (b'raw', b'int'), (b'raw', b'embstr')}
