"""What must hold of every member whenever an ensemble is quiet: one tree, one history, no digest that differs."""
import contextlib

import population
import txnlog
import wire

SET_DATA, MULTI, ERROR, DIGEST_OCTETS = 5, 14, -1, 12


def everyone_agrees(ensemble, besides=None, digests_of=None):
    """Of all members that run. `besides` is called with a session to each, after a sync. `digests_of`: only these must count no
    mismatch, instead of all."""
    running = [member for member in ensemble if member.runs()]
    first = None
    for member in running:
        tree = {path: node for path, node in population.tree(member).items() if not path.startswith('/zookeeper/')}
        if first:
            population.same(first, tree, f'{running[0].name} and {member.name}')
        first = first or tree
        if besides:
            with session(member) as reader:
                reader.sync()
                besides(reader)
    digests_hold(running if digests_of is None else digests_of)
    histories_agree(running)
    return first


def surely_counting(ensemble):
    """For digests_of after a load: a Java leader's snapshot stream has some of what comes after it already, so that a learner that was
    fed by one while others wrote finds digests that differ for a while, Java's own too, and again when it starts from its disk."""
    return [member for member in ensemble if 'FED BY SNAP' not in member.synced_by(0)]


def digests_hold(members):
    """Servers work the digest out anew with each transaction and count where the leader's was another."""
    for member in members:
        count = member.mntr().get('digest_mismatches_count')
        assert count == '0', f'{member.name}: digest_mismatches_count {count}'


def histories_agree(members):
    """A zxid stands for the same octets in every log, and they carry the leader's digest of the tree, without which none can differ."""
    histories = {member: txnlog.transactions(member.data_directory()) for member in members}
    merged = {}
    for member, history in histories.items():
        for zxid, octets in history.items():
            other, known = merged.setdefault(zxid, (member, octets))
            assert comparable(known) == comparable(octets), f'{zxid:#x} is {known.hex()} in the log of {other.name} and {octets.hex()} in that of {member.name}'
            kind = int.from_bytes(octets[28:32], 'big')
            if kind == SET_DATA:
                path, at = wire.read_text(octets, 32)
                at += 4 + max(0, int.from_bytes(octets[at:at + 4], 'big', signed=True)) + 4
                assert len(octets) - at == DIGEST_OCTETS, f'{zxid:#x} of {member.name} (set {path}) carries no digest'


def comparable(octets):
    """A Java server that applies a failed multi before it logs it writes its operations down as errors, beside others that do not: here
    all of them are errors. source: DataTree.processTxn, which alters the transaction"""
    if int.from_bytes(octets[28:32], 'big') != MULTI:
        return octets
    kinds, at = [], 36
    for _ in range(int.from_bytes(octets[32:36], 'big')):
        kinds.append(at)
        at += 8 + int.from_bytes(octets[at + 4:at + 8], 'big')
    error = ERROR.to_bytes(4, 'big', signed=True)
    if not any(octets[at:at + 4] == error for at in kinds):
        return octets
    altered = bytearray(octets)
    for at in kinds:
        altered[at:at + 4] = error
    return bytes(altered)


@contextlib.contextmanager
def session(member, **options):
    one = wire.Session(member.address, **options)
    try:
        yield one
    finally:
        with contextlib.suppress(EOFError, OSError):  # the member may be gone, or its session moved
            one.close()
