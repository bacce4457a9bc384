"""SASL between members: who shows the right name and password is heard on both ports, and it is switched on without a pause."""
import re

from agreement import everyone_agrees, session
from ensemble import JVM, Ensemble
from servers import wait_until

PASSWORD = 'sesame, open "sesame"'
REFUSED = re.compile(r'Failed to authenticate using SASL|it was not authenticated: an unknown name or a wrong password')
# As zoo.cfg switches it on: each step may be taken by one member after another.
STEPS = ({}, {'quorum.auth.enableSasl': 'true'}, {'quorum.auth.learnerRequireSasl': 'true'}, {'quorum.auth.serverRequireSasl': 'true'})
REQUIRED = {key: value for step in STEPS for key, value in step.items()}


def arm(ensemble, member, password=PASSWORD):
    """Its zoo.cfg as the ensemble has it now, and the names and passwords where each kind looks for them."""
    quoted = password.replace('"', '\\"')
    path = member.directory / 'jaas.conf'
    path.write_text(f'''// every member's
QuorumServer {{ org.apache.zookeeper.server.auth.DigestLoginModule required user_member="{quoted}" user_other="x"; }};
QuorumLearner {{ org.apache.zookeeper.server.auth.DigestLoginModule required username="member" password="{quoted}"; }};
''')
    member.configure(ensemble.config_of(member) + [f'java.security.auth.login.config={path}'])  # a Java server passes that over
    # 3.9 has no DIGEST-MD5 in its FIPS mode, which is on by default.
    member.jvm = (*JVM, f'-Djava.security.auth.login.config={path}', '-Dzookeeper.fips-mode=false')


def write(ensemble, path):
    """Through every member, seen by all."""
    with session(ensemble.leader()) as one:
        one.create(path)
    for member in ensemble:
        with session(member) as one:
            one.create(f'{path}/{member.number}')
    everyone_agrees(ensemble, besides=lambda reader: same(sorted(reader.children(path)), [str(m.number) for m in ensemble]))


def same(have, want):
    assert have == want, f'{have}, want {want}'


def required(leader, joiner):
    """All of them show and demand it; one that has another password is not let in, neither to vote nor to follow."""
    def run(name):
        with Ensemble([joiner, joiner, leader], options=REQUIRED, name=name) as ensemble:
            for member in ensemble:
                arm(ensemble, member)
            ensemble.start()
            write(ensemble, '/all')
            # With both who is let in elects and who is not may be the one that connects: a higher number does, a lower one asks.
            for stranger, judges in ((1, (2, 3)), (3, (1, 2))):
                ensemble[stranger].stop()
                ensemble.wait(numbers=judges)
                arm(ensemble, ensemble[stranger], 'guessed')
                marks = {number: ensemble[number].log_mark() for number in judges}
                ensemble[stranger].spawn()
                wait_until(lambda: any(REFUSED.search(ensemble[number].said_since(mark)) for number, mark in marks.items()),
                           f'{ensemble[stranger].name} is refused', 60)
                assert ensemble[stranger].mode() is None, f'{ensemble[stranger].name} serves'
                ensemble.wait(numbers=judges)
                ensemble[stranger].stop()
                arm(ensemble, ensemble[stranger])
                ensemble[stranger].spawn()
                ensemble.wait()
            write(ensemble, '/again')
            logs = ''.join(member.said_since(0) for member in ensemble)
            assert 'sesame' not in logs, 'a password is in a log'
    return run


def rolling(*kinds):
    """From none to required, one member after another, the leader last, while the others serve."""
    def run(name):
        with Ensemble(kinds, name=name) as ensemble:
            for member in ensemble:
                arm(ensemble, member)
            ensemble.start()
            write(ensemble, '/step0')
            for number, step in enumerate(STEPS[1:], 1):
                ensemble.options.update(step)
                leader = ensemble.leader()
                for member in sorted(ensemble, key=lambda m: m is leader):
                    member.stop()
                    arm(ensemble, member)
                    member.spawn()
                    ensemble.wait()
                write(ensemble, f'/step{number}')
    return run
