#!/usr/bin/python3
"""What mntr shows, key by key, is what ZooKeeper 3.9.5 shows: mntr_suite.py [--peer chorus|java] [--only PATTERN]

keys-3.9.5.txt has the keys, by role. The suite starts an ensemble of four, one of them an observer, and a server alone. --peer java takes
ZooKeeper 3.9 in place of Chorus.
"""
import argparse
import contextlib
import pathlib
import re
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / 'support'))
import ensemble as ensembles  # noqa: E402
import servers  # noqa: E402
import wire  # noqa: E402
from checks import Skipped, Suite, equal  # noqa: E402
from servers import wait_until  # noqa: E402

suite = Suite('mntr')
ROLES = ('standalone', 'leader', 'follower', 'observer')
FAMILY = ('avg', 'min', 'max', 'cnt', 'sum')
QUANTILES = ('p50', 'p95', 'p99', 'p999')
PREFIX = re.compile(f'({"|".join(FAMILY + QUANTILES)})_(.*)')
KEYED = re.compile(r'(.*)_(learner_handler_qp_(?:size|time_ms)|(?:read|write)_per_namespace)')
# docs/monitoring.md has the reason for each that differs.
EXCEPTIONS = set()
members = {}  # role: Member
admin = None  # of the leader
peer = 'chorus'


def wanted(role):
    """{name: kind} of a role."""
    found = {}
    for line in (HERE / 'keys-3.9.5.txt').read_text().splitlines():
        if not line.startswith('#'):
            name, kind, roles = line.split()
            if roles == 'all' or role in roles.split(','):
                found[name] = kind
    return found


def shown(mntr):
    """The same of an answer to mntr: what has avg_, min_ and so on before its name is a family."""
    prefixes, found = {}, {}
    for key in mntr:
        match = PREFIX.fullmatch(key)
        if match and f'cnt_{match[2]}' in mntr:
            prefixes.setdefault(match[2], []).append(match[1])
        else:
            found[key] = 'value'
    for name, these in prefixes.items():
        kind = {FAMILY: 'family', FAMILY + QUANTILES: 'quantiles'}.get(tuple(sorted(these, key=(FAMILY + QUANTILES).index)), str(these))
        keyed = KEYED.fullmatch(name)
        found[f'<key>_{keyed[2]}' if keyed else name] = kind
    return found


def same_keys(role):
    want, got = wanted(role), shown(members[role].mntr())
    missing = {f'{name} ({kind})' for name, kind in want.items() - got.items() if name not in EXCEPTIONS}
    more = {f'{name} ({kind})' for name, kind in got.items() - want.items() if name not in EXCEPTIONS}
    assert not missing and not more, f'missing: {sorted(missing)}; not in ZooKeeper: {sorted(more)}'


for one in ROLES:
    suite.add(f'keys_of_{one}', lambda role=one: same_keys(role))


def numbers(role, *keys):
    mntr = members[role].mntr()
    return [float(mntr[key]) for key in keys]


def session(role):
    return contextlib.closing(wire.Session(members[role].address))


@suite.check
def values_follow_the_load():
    """What must have been counted of 40 writes and 40 reads of a follower's client."""
    with session('follower') as client:
        client.create('/load', b'')
        before = {role: members[role].mntr() for role in ('leader', 'follower', 'observer')}

        def grown(role, key):
            return float(members[role].mntr()[key]) - float(before[role].get(key, 0))
        for i in range(40):
            client.set('/load', b'%d' % i)
            client.get('/load')
        client.sync()
        for role, key, least in (('follower', 'cnt_updatelatency', 40), ('follower', 'cnt_readlatency', 40),
                                 ('follower', 'cnt_write_commitproc_time_ms', 40), ('follower', 'cnt_load_read_per_namespace', 40),
                                 ('follower', 'cnt_proposal_latency', 40), ('follower', 'cnt_proposal_ack_creation_latency', 40),
                                 ('follower', 'cnt_commit_propagation_latency', 40), ('leader', 'cnt_quorum_ack_latency', 40),
                                 ('leader', 'prep_processor_request_queued', 40), ('leader', 'outstanding_changes_removed', 40),
                                 ('leader', 'sync_processor_request_queued', 40), ('leader', 'cnt_load_write_per_namespace', 40),
                                 ('follower', 'cnt_write_final_proc_time_ms', 40), ('observer', 'cnt_propagation_latency', 40)):
            wait_until(lambda: grown(role, key) >= least, f'{key} of the {role} has grown by {least}', 20, 0.05)
        equal(grown('leader', 'cnt_updatelatency'), 0.0, 'updates of clients of the leader')
        equal(grown('observer', 'learner_proposal_received_count'), 0.0, 'proposals to the observer')


@suite.check
def learners_have_queues():
    sizes = {key for key in members['leader'].mntr() if re.fullmatch(r'cnt_\d+_learner_handler_qp_size', key)}
    numbers_of_learners = {str(member.number) for member in members['leader'].ensemble if member is not members['leader']}
    equal({key.split('_')[1] for key in sizes}, numbers_of_learners)
    for key in sizes:
        assert numbers('leader', key)[0] > 0, key


@suite.check
def synchronisations_are_counted():
    """One sample as each begins, and one as it ends, unless the learner goes away before."""
    snaps, diffs, snapshots, differences = numbers('leader', 'cnt_inflight_snap_count', 'cnt_inflight_diff_count', 'snap_count', 'diff_count')
    assert snapshots + differences >= 3, (snapshots, differences)
    assert snapshots <= snaps <= 2 * snapshots, (snaps, snapshots)
    assert differences <= diffs <= 2 * differences, (diffs, differences)


@suite.check
def quantiles_lie_between_the_extremes():
    mntr = members['follower'].mntr()
    for name, kind in shown(mntr).items():
        if kind == 'quantiles' and '<key>' not in name:
            values = [float(mntr[f'{prefix}_{name}']) for prefix in ('min', *QUANTILES, 'max')]
            equal(values, sorted(values), name)


@suite.check
def watches_have_octets():
    with session('follower') as client:
        client.create('/watched', b'')
        watch_octets, told = numbers('follower', 'watch_bytes', 'sum_node_changed_watch_count')
        client.call(wire.GET, wire.text('/watched') + b'\1')
        client.set('/watched', b'1')
        equal(numbers('follower', 'sum_node_changed_watch_count'), [told + 1])
        assert numbers('follower', 'watch_bytes')[0] >= watch_octets + 28


@suite.check
def prometheus_has_the_same():
    if admin is None:
        raise Skipped('of Chorus')
    with urllib.request.urlopen(f'http://{admin}/metrics', timeout=20) as answer:
        text = answer.read().decode()
    for name, kind in wanted('leader').items():
        if name in EXCEPTIONS or name in ('version', 'server_state', 'peer_state'):  # words
            continue
        bare = name.removeprefix('<key>_')
        if kind == 'value':
            assert re.search(rf'^{bare} \S+$', text, re.MULTILINE), name
        else:
            labels = r'\{key="[^"]+"\}' if bare != name else ''
            assert re.search(rf'^{bare}_count{labels} \d+$', text, re.MULTILINE), name
            quantile = r'\{(?:key="[^"]+",)?quantile="0\.5"\}'
            equal(bool(re.search(rf'^{bare}{quantile} ', text, re.MULTILINE)), kind == 'quantiles', name)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', choices=servers.KINDS, default='chorus')
    parser.add_argument('--only')
    arguments = parser.parse_args()
    kind = 'chorus' if arguments.peer == 'chorus' else 'java39'
    with tempfile.TemporaryDirectory(prefix='chorus-mntr-') as directory, \
            ensembles.Ensemble([kind] * 4, observers={4}, name='mntr') as ensemble:
        leader, follower, observer = ensemble[3], ensemble[2], ensemble[4]
        if kind == 'chorus':
            port = servers.free_port()
            admin = f'127.0.0.1:{port}'
            leader.configure(ensemble.config_of(leader) + ['admin.enableServer=true', f'admin.serverPort={port}', 'admin.serverAddress=127.0.0.1'])
        ensemble.start()
        leader.ensemble = ensemble
        alone = ensembles.Member(1, kind, False, directory)
        alone.configure(['tickTime=500', f'dataDir={alone.data_directory()}', 'admin.enableServer=false', '4lw.commands.whitelist=*',
                         f'clientPort={alone.port}', f'clientPortAddress={alone.host}'])
        with alone.start():
            members.update(standalone=alone, leader=leader, follower=follower, observer=observer)
            for member in members.values():
                with contextlib.closing(wire.Session(member.address)) as first:
                    first.create(f'/of{member.number}', b'x')
                    first.get(f'/of{member.number}')
                    first.sync()
            for member in members.values():
                with contextlib.closing(wire.Session(member.address)) as first:
                    first.sync()
            status = suite.run(only=arguments.only)
    sys.exit(status)
