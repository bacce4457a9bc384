"""Leaders fall, and members are replaced by another kind, while clients write."""
import contextlib
import logging

from kazoo.client import KazooClient

from agreement import everyone_agrees, surely_counting
from ensemble import Ensemble
from load import Load
from servers import wait_until

PATIENCE = 60  # seconds until the load must go on


@contextlib.contextmanager
def bystander(ensemble):
    """An ordinary client that is connected all the while: its session, and so its ephemeral, must live through everything."""
    logging.getLogger('kazoo').setLevel(logging.CRITICAL)
    client = KazooClient(hosts=','.join(ensemble.addresses), timeout=15.0)
    client.start(timeout=20)
    session = client.client_id
    client.create('/bystander', b'here', ephemeral=True)
    try:
        yield client
        here = client.retry(client.exists, '/bystander')  # it may be on its way to another server; until then it has no client_id
        assert client.client_id == session, 'the session of a client that did nothing was lost'
        assert here and here.ephemeralOwner == session[0], 'the ephemeral of a client that did nothing was lost'
    finally:
        client.stop()
        client.close()


def failover(*kinds, rounds=2):
    """The leader is killed, and comes back; then is asked to end, and comes back."""
    def cell(name):
        with Ensemble(kinds, name=name) as ensemble:
            ensemble.start()
            with Load(ensemble.addresses) as load, bystander(ensemble):
                for _ in range(rounds):
                    for end in ('kill', 'stop'):
                        wait_until(load.goes_on(30), 'the load goes on', PATIENCE)
                        fallen = ensemble.leader()
                        getattr(fallen, end)()
                        wait_until(load.goes_on(30), f'the load goes on without the leader {fallen.name}', PATIENCE)
                        fallen.spawn()
                        ensemble.wait()
                wait_until(load.goes_on(30), 'the load goes on', PATIENCE)
            everyone_agrees(ensemble, load.check, surely_counting(ensemble))
            return f'{load.acknowledged} writes, longest pause {load.longest_pause:.2f} s'
    return cell


def all_at_once(*kinds, rounds=3):
    """All are killed in the middle of writes, and started."""
    def cell(name):
        with Ensemble(kinds, name=name) as ensemble:
            ensemble.start()
            with Load(ensemble.addresses) as load:
                for _ in range(rounds):
                    wait_until(load.goes_on(30), 'the load goes on', PATIENCE)
                    ensemble.kill()
                    ensemble.start()
                wait_until(load.goes_on(30), 'the load goes on', PATIENCE)
            everyone_agrees(ensemble, load.check, surely_counting(ensemble))
            return f'{load.acknowledged} writes'
    return cell


def rolling(before, after, leader_first=False, stop='stop', back=True):
    """Each member in turn is ended and goes on as another kind on the same data, and the same way back."""
    def cell(name):
        with Ensemble([before] * 3, name=name) as ensemble:
            ensemble.start()
            with Load(ensemble.addresses) as load, bystander(ensemble):
                for kind in (after, before) if back else (after,):
                    order = sorted(ensemble, key=lambda m: (m is ensemble.leader()) != leader_first)
                    for member in order:
                        wait_until(load.goes_on(30), f'the load goes on before {member.name} becomes {kind}', PATIENCE)
                        getattr(member, stop)()
                        wait_until(load.goes_on(5), f'the load goes on without {member.name}', PATIENCE)
                        member.become(kind)
                        member.spawn()
                        ensemble.wait()
                    wait_until(load.goes_on(30), f'the load goes on, all being {kind}', PATIENCE)
                    assert {member.kind for member in ensemble} == {kind}
            everyone_agrees(ensemble, load.check)
            return f'{load.acknowledged} writes, longest pause {load.longest_pause:.2f} s'
    return cell
