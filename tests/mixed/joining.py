"""A member that was away comes back, or comes new: brought up to date by DIFF, TRUNC or SNAP."""

import population
import txnlog
import wire
from agreement import everyone_agrees, session, surely_counting
from ensemble import Ensemble
from load import Load
from servers import wait_until

JOINER, OTHER, LEADER = 1, 2, 3
BEYOND_MEMORY = 700  # transactions; leaders keep 500 in memory


def ensemble_of(leader, joiner, name, **options):
    return Ensemble([joiner, leader, leader], name=name, **options)


def some_writes(member, root, count=5):
    with session(member) as one:
        one.create(root)
        for i in range(count):
            one.create(f'{root}/{i}', b'%d' % i)
            one.set(f'{root}/{i}', b'%d again' % i)


def many_writes(member, path, count):
    """As one burst: each its own transaction."""
    with session(member) as one:
        one.create(path)
        one.socket.sendall(b''.join(one.encode(wire.SET, wire.set_body(path, b'%d' % i)) for i in range(count)))
        for _ in range(count):
            _, error, _ = one.reply()
            assert not error, error


def brought_up_by(way, leader, joiner, marks):
    """What the logs of the two say, of which a Java server names every way."""
    if way != 'TRUNC' and {leader.kind, joiner.kind} == {'chorus'}:
        return
    said = leader.synced_by(marks[leader]) | joiner.synced_by(marks[joiner])
    assert way in said, f'{joiner.name} was brought up to date by {said or "nothing named"}, not by {way}'


def come_back(ensemble, member):
    """Starts it and waits; returns where the logs of all stood before."""
    marks = {m: m.log_mark() for m in ensemble}
    member.spawn()
    ensemble.wait()
    return marks


def diff(leader, joiner):
    """Away for a few writes."""
    def cell(name):
        with ensemble_of(leader, joiner, name) as ensemble:
            ensemble.start()
            some_writes(ensemble[LEADER], '/before')
            ensemble[JOINER].stop()
            some_writes(ensemble[LEADER], '/meanwhile')
            marks = come_back(ensemble, ensemble[JOINER])
            brought_up_by('DIFF', ensemble[LEADER], ensemble[JOINER], marks)
            some_writes(ensemble[JOINER], '/after')
            everyone_agrees(ensemble)
            # What it was told is on its disk: it knows it all when it starts again.
            for number in (OTHER, LEADER, JOINER):
                ensemble[number].kill()
            ensemble.start()
            everyone_agrees(ensemble)
    return cell


def snap_empty(leader, joiner):
    """New and empty, while sessions, ephemerals, access lists and nodes of every kind are there."""
    def cell(name):
        with ensemble_of(leader, joiner, name) as ensemble:
            ensemble[LEADER].spawn()
            ensemble[OTHER].spawn()
            ensemble.wait()
            owner = population.populate(ensemble[LEADER], '/before')
            many_writes(ensemble[LEADER], '/many', BEYOND_MEMORY)
            marks = come_back(ensemble, ensemble[JOINER])
            brought_up_by('SNAP', ensemble[LEADER], ensemble[JOINER], marks)
            everyone_agrees(ensemble)
            with session(ensemble[JOINER]) as heir:
                moved = wire.resume(ensemble[JOINER].address, owner)
                assert moved.id == owner.id, 'the session does not move to it'
                assert heir.exists('/before/e0'), 'ephemerals are not there'
                moved.close()
                assert heir.exists('/before/e0') is None, 'ephemerals outlive their session'
            some_writes(ensemble[JOINER], '/after')
            everyone_agrees(ensemble)
            ensemble.kill()
            ensemble.start()
            everyone_agrees(ensemble)
    return cell


def long_away(leader, joiner, rolling):
    """Away for more than leaders remember: what it had and is no more goes too. Fed from the leader's log, or by a snapshot where that log
    is in many files (`rolling`), when a Java leader takes it for more than the tree."""
    def cell(name):
        with ensemble_of(leader, joiner, name, options={'snapCount': 60} if rolling else {}) as ensemble:
            ensemble.start()
            population.populate(ensemble[JOINER], '/before').close()
            ensemble[JOINER].kill()
            with session(ensemble[LEADER]) as one:
                for child in one.children('/before'):
                    if child not in ('container', 'n02'):
                        one.delete(f'/before/{child}')
            many_writes(ensemble[LEADER], '/many', BEYOND_MEMORY)
            marks = come_back(ensemble, ensemble[JOINER])
            if leader != 'chorus':
                brought_up_by('SNAP' if rolling else 'DIFF', ensemble[LEADER], ensemble[JOINER], marks)
            some_writes(ensemble[JOINER], '/after')
            nodes = everyone_agrees(ensemble)
            assert '/before/n02' in nodes and '/before/n03' not in nodes
            ensemble.kill()
            ensemble.start()
            # A Java server that took snapshots while it was written to counts a digest that differs when it starts from one.
            everyone_agrees(ensemble, digests_of=[m for m in ensemble if m.kind == 'chorus' or not rolling])
    return cell


def observer(leader, joiner):
    """An observer comes new, goes for a few writes, for many, and under load; writes through it reach all."""
    def cell(name):
        with Ensemble([leader, leader, leader, joiner], {4}, name=name) as ensemble:
            for number in (3, 2, 1):
                ensemble[number].spawn()
            ensemble.wait()
            population.populate(ensemble[LEADER], '/before').close()
            watching = ensemble[4]
            come_back(ensemble, watching)
            everyone_agrees(ensemble)
            for path, count in (('/few', 5), ('/many', BEYOND_MEMORY)):
                watching.stop()
                many_writes(ensemble[LEADER], path, count)
                come_back(ensemble, watching)
                some_writes(watching, f'{path}-after')
                everyone_agrees(ensemble)
            with Load(ensemble.addresses) as load:
                for end in (watching.kill, ensemble.leader().kill):
                    wait_until(load.goes_on(20), 'the load goes on', 30)
                    end()
                    wait_until(load.goes_on(20), 'the load goes on without it', 60)
                    ensemble.start()
            everyone_agrees(ensemble, load.check, surely_counting(ensemble))
    return cell


def last_logged(member):
    return max(txnlog.transactions(member.data_directory()), default=0)


def logs_alone(ensemble, member, path):
    """The leader logs three transactions that nobody else gets; then all are killed."""
    one = wire.Session(member.address)
    one.create(path)
    # What a quorum has may not be in every log yet, the leader's among them.
    wait_until(lambda: len({last_logged(m) for m in ensemble}) == 1, 'all have logged the same', 30, 0.02)
    for other in ensemble:
        if other is not member:
            other.pause()
    before = last_logged(member)
    for i in range(3):
        one.socket.sendall(one.encode(wire.CREATE, wire.create_body(f'{path}/alone{i}')))
    wait_until(lambda: last_logged(member) >= before + 3, 'it logs alone', 10, 0.01)
    ensemble.kill()
    one.cut()


def trunc(leader, joiner, late=0):
    """It led, and logged what no other has; another leads now. `late`: how much that one has written before it comes back."""
    def cell(name):
        # The joiner has the highest number, so that it leads at first.
        with Ensemble([leader, leader, joiner], name=name) as ensemble:
            ensemble.start()
            joining = ensemble[3]
            some_writes(joining, '/before')
            logs_alone(ensemble, joining, '/story')
            ensemble[OTHER].spawn()
            ensemble[1].spawn()
            ensemble.wait()
            if late:
                many_writes(ensemble[OTHER], '/meanwhile', late)
            marks = come_back(ensemble, joining)
            assert ensemble.leader() is ensemble[OTHER], f'{ensemble.leader().name} leads'
            brought_up_by('SNAP' if late else 'TRUNC', ensemble[OTHER], joining, marks)
            some_writes(joining, '/after')
            nodes = everyone_agrees(ensemble)
            assert '/story' in nodes and not any(path.startswith('/story/') for path in nodes), 'what one member logged alone is there'
            ensemble.kill()
            ensemble.start()
            assert everyone_agrees(ensemble).keys() == nodes.keys()
    return cell


def catching_up(leader, joiner):
    """Killed and started again under load, then once with an empty disk."""
    def cell(name):
        with ensemble_of(leader, joiner, name) as ensemble:
            ensemble.start()
            member = ensemble[JOINER]
            with Load([ensemble[OTHER].address, ensemble[LEADER].address]) as load:
                for round_ in range(4):
                    wait_until(load.goes_on(30), 'the load goes on', 30)
                    member.kill()
                    if round_ == 3:
                        member.wipe()
                    wait_until(load.goes_on(30), 'the load goes on without it', 30)
                    member.spawn()
                    ensemble.wait()
                wait_until(load.goes_on(30), 'the load goes on', 30)
            everyone_agrees(ensemble, load.check, surely_counting(ensemble))
    return cell


def deep_tree(count=3000):
    """A multi that makes many nodes at once."""
    return wire.multi_body([(wire.CREATE, wire.create_body(f'/big/n{i:05d}', b'v' * 100)) for i in range(count)])


def snap_load(leader, joiner):
    """Empty, while others write: what is written while the snapshot is on its way is there too."""
    def cell(name):
        with ensemble_of(leader, joiner, name) as ensemble:
            ensemble[LEADER].spawn()
            ensemble[OTHER].spawn()
            ensemble.wait()
            with session(ensemble[LEADER]) as one:
                one.create('/big')
                one.call(wire.MULTI, deep_tree())
            many_writes(ensemble[LEADER], '/many', BEYOND_MEMORY)
            with Load([ensemble[OTHER].address, ensemble[LEADER].address]) as load:
                wait_until(load.goes_on(20), 'the load begins', 30)
                marks = come_back(ensemble, ensemble[JOINER])
                wait_until(load.goes_on(20), 'the load goes on', 30)
            brought_up_by('SNAP', ensemble[LEADER], ensemble[JOINER], marks)
            everyone_agrees(ensemble, load.check, surely_counting(ensemble))
            ensemble.kill()
            ensemble.start()
            everyone_agrees(ensemble, load.check, [m for m in ensemble if m.number != JOINER])  # it has that snapshot on disk
    return cell
