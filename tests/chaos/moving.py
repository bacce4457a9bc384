"""Java ZooKeeper starts on what Chorus wrote and the other way round, and the tree is the same to the last stat."""
import tempfile

import servers
import wire
from checks import Skipped
from population import populate, same, tree


def digests_agree(server):
    """Java works out the digest of the tree anew, compares it with those in snapshot and log, and counts where they differ."""
    if server.name == 'java':
        lines = [line for line in servers.four_letters(server.address, 'mntr').splitlines() if line.startswith('zk_digest_mismatches_count')]
        assert lines == ['zk_digest_mismatches_count\t0'], lines


def move(directory, first, second, stop):
    """Writes with one server, ends it by `stop`, starts the other on the same directory, writes on, and goes back."""
    one = servers.KINDS[first](directory)
    two = servers.KINDS[second](directory)
    with one, two:
        one.start()
        owner = populate(one, '/first')
        before = tree(one)
        owner.cut()
        stop(one)
        two.start()
        same(before, tree(two), f'{first} to {second}')
        digests_agree(two)
        heir = wire.Session(two.address, timeout_ms=40000, session=owner.id)
        assert heir.id == owner.id, 'the session is not resumed'
        other = populate(two, '/second')
        before = tree(two)
        heir.cut()
        other.cut()
        stop(two)
        one.start()
        same(before, tree(one), f'{second} back to {first}')
        digests_agree(one)
        again = wire.Session(one.address, session=other.id)
        again.close()
        assert not [name for name in tree(one) if name.startswith('/second/e')], 'ephemerals of a closed session'


def add_checks(suite):
    ways = {'terminated': lambda server: server.stop(), 'killed': lambda server: server.kill()}
    for first, second in (('chorus', 'java'), ('java', 'chorus')):
        for word, stop in ways.items():
            def check(first=first, second=second, stop=stop):
                if not servers.JavaZooKeeper.available():
                    raise Skipped("Debian's ZooKeeper is not installed")
                with tempfile.TemporaryDirectory(prefix='chorus-chaos-') as directory:
                    move(directory, first, second, stop)
            suite.add(f'data_of_{first}_{word}_is_taken_over_by_{second}_and_back', check)
