"""The membership changes while the ensemble runs, asked for through members of every kind."""
import struct

import wire
from agreement import everyone_agrees, session
from ensemble import Ensemble
from servers import wait_until

BAD_VERSION, BAD_ARGUMENTS, NEW_CONFIG_NO_QUORUM = -103, -8, -13
CONFIG = '/zookeeper/config'


def optional(text):
    return struct.pack('>i', -1) if text is None else wire.text(text)


def reconfigure(member, joining=None, leaving=None, members=None, version=-1):
    """Asks `member`; the lines of the new configuration."""
    with session(member) as one:
        answer = one.call(wire.RECONFIG, optional(joining) + optional(leaving) + optional(members) + struct.pack('>q', version))
    size = struct.unpack_from('>i', answer)[0]
    return parse(answer[4:4 + size].decode())


def parse(text):
    return dict(line.split('=', 1) for line in text.splitlines())


def configuration(member):
    with session(member) as one:
        one.sync()
        return parse(one.get(CONFIG)[0].decode())


def numbers(config):
    return {int(key.removeprefix('server.')) for key in config if key.startswith('server.')}


def serves_as(member, mode):
    wait_until(lambda: member.mode() == mode, f'{member.name} is {mode}', 60, 0.02)


def settled(ensemble, config):
    """All members that it names serve in their roles, under one leader, and have this configuration."""
    def agreed():
        inside = [ensemble[n] for n in numbers(config)]
        modes = [m.mode() for m in inside]
        if not all(modes) or modes.count('leader') != 1:
            return False
        roles = [config[f'server.{m.number}'].split(';')[0].split(':')[3] for m in inside]
        return all((mode == 'observer') == (role == 'observer') for mode, role in zip(modes, roles))
    wait_until(agreed, f'the members settle into {config}', 60, 0.02)
    for number in numbers(config):
        wait_until(lambda n=number: configuration_or_none(ensemble[n]) == config, f'{ensemble[number].name} has the configuration {config}', 30, 0.02)


def configuration_or_none(member):
    try:
        return configuration(member)
    except (EOFError, OSError, wire.Refused):
        return None


def version_of(config):
    return int(config['version'], 16)


def newer(ensemble, version):
    """A configuration after `version`, of whoever has one."""
    found = [configuration_or_none(member) for member in ensemble if member.runs()]
    return max((config for config in found if config and version_of(config) > version), key=version_of, default=None)


def works(ensemble, config, path):
    """Writes through every member of the configuration are seen by all of them."""
    for number in sorted(numbers(config)):
        with session(ensemble[number]) as one:
            one.create(f'{path}-{number}', b'x')
    for number in numbers(config):
        with session(ensemble[number]) as one:
            one.sync()
            for other in numbers(config):
                assert one.exists(f'{path}-{other}'), f'{path}-{other} is missing on server {number}'


def refused(code, member, **change):
    try:
        reconfigure(member, **change)
    except wire.Refused as refusal:
        assert refusal.code == code, f'{change}: {refusal}, want {code}'
    else:
        raise AssertionError(f'{change} was carried out')


def story(*kinds):
    """Follower out and in, to observer and back, leader out and in, a fourth member comes and goes."""
    def cell(name):
        with Ensemble(kinds, name=name, reconfigurable=True) as ensemble:
            ensemble.start()
            follower, other, leader = ensemble[1], ensemble[2], ensemble[3]

            def change(through, what, **request):
                before = version_of(configuration(through))
                try:
                    config = reconfigure(through, **request)
                except (EOFError, OSError):  # who changes roles by it hangs up, maybe before the answer
                    config = wait_until(lambda: newer(ensemble, before), f'{what}: a configuration after {before:#x}', 30, 0.02)
                assert version_of(config) > before, f'{what}: {config} is not newer than {before:#x}'
                settled(ensemble, config)
                works(ensemble, config, f'/{what}')
                return config

            first = configuration(leader)
            assert numbers(first) == {1, 2, 3}, first
            refused(BAD_VERSION, other, leaving='1', version=0x7777)
            refused(BAD_ARGUMENTS, follower, joining='server.4=nonsense')
            refused(NEW_CONFIG_NO_QUORUM, leader, joining='server.8=127.0.0.1:1:2:participant;3', leaving='1,2')

            without = change(other, 'follower-out', leaving='1', version=version_of(first))
            assert numbers(without) == {2, 3}, without
            change(leader, 'follower-in', joining=f'server.1={follower.line()}')
            serves_as(follower, 'follower')
            change(follower, 'to-observer', joining=f'server.1={follower.line().replace("participant", "observer")}')
            serves_as(follower, 'observer')
            change(other, 'to-participant', joining=f'server.1={follower.line()}')
            serves_as(follower, 'follower')

            without = change(follower, 'leader-out', leaving='3')
            assert numbers(without) == {1, 2}, without
            change(ensemble.leader_of(numbers(without)), 'leader-in', joining=f'server.3={leader.line()}')
            serves_as(leader, 'follower')

            fourth = ensemble.add(kinds[0], known={1, 2, 3})
            fourth.spawn()
            serves_as(fourth, 'follower')  # not yet counted
            config = change(leader, 'fourth-in', joining=f'server.4={fourth.line()}')
            assert numbers(config) == {1, 2, 3, 4}
            lines = ','.join(f'server.{m.number}={m.line()}' for m in (other, leader, fourth))
            config = change(fourth, 'all-new', members=lines)
            assert numbers(config) == {2, 3, 4}
            follower.kill()  # it is no longer one of them
            everyone_agrees(ensemble)
            # The configuration is on everybody's disk: they find one another again by it.
            ensemble.kill()
            for number in (2, 3, 4):
                ensemble[number].spawn()
            settled(ensemble, config)
            works(ensemble, config, '/again')
            everyone_agrees(ensemble)
    return cell
