"""Which scenario is done to which ensembles."""
import collections
import dataclasses
import fnmatch
import itertools
import typing

import joining
import migrating
import moving
import reconfig
import securing
import service


@dataclasses.dataclass(frozen=True)
class Cell:
    name: str           # scenario/kinds
    what: str
    kinds: tuple
    run: typing.Callable

    @property
    def quick(self):
        return any(fnmatch.fnmatchcase(self.name, pattern) for pattern in QUICK)


JAVA = ('java38', 'java39')
KINDS = ('chorus', *JAVA)
FAILOVERS = [('java38',) * 3, ('java39',) * 3, ('java38', 'java39', 'java39'), ('chorus',) * 3, ('chorus', 'chorus', 'java39'),
             ('java39', 'chorus', 'java38'), ('java38', 'java38', 'chorus')]
ROLLING = [('java38', 'java39'), ('java38', 'chorus'), ('java39', 'chorus')]
SECURING = [('chorus',) * 3, ('java38', 'chorus', 'java39'), ('chorus', 'java39', 'chorus'), ('java38', 'java39', 'java39')]
RECONFIGS = [('java38',) * 3, ('java39',) * 3, ('java38', 'java39', 'java39'), ('chorus',) * 3, ('chorus', 'chorus', 'java39'),
             ('java39', 'java39', 'chorus'), ('chorus', 'java38', 'java38'), ('java38', 'chorus', 'chorus')]
QUICK = (  # patterns; six minutes of two cores
    'split/chorus-leads-java38-java39/*', 'split/chorus-leads-chorus-java38', 'split/java39-leads-chorus-chorus',
    'split/java38-leads-chorus-java39/*', 'split/chorus-leads-chorus-chorus/observer-chorus',
    'diff/chorus-leads/java3?-joins', 'diff/java3?-leads/chorus-joins', 'snap-empty/chorus-leads/java3?-joins', 'snap-empty/java3?-leads/chorus-joins',
    'trunc/chorus-leads/java3?-joins', 'trunc/java3?-leads/chorus-joins', 'trunc-old/chorus-leads/java39-joins', 'trunc-late/java38-leads/chorus-joins',
    'snap-old/chorus-leads/java38-joins', 'snap-load/chorus-leads/java39-joins', 'snap-load/java38-leads/chorus-joins',
    'diff-disk/chorus-leads/java38-joins', 'catching-up/java39-leads/chorus-joins', 'observer/chorus-leads/java39-joins',
    'observer/java38-leads/chorus-joins', 'failover/chorus-chorus-chorus', 'failover/java39-chorus-java38', 'rolling/java38-chorus-and-back',
    'sasl/chorus-leads/java39-joins', 'sasl/java38-leads/chorus-joins',
    'migrate/java39-chorus-and-back', 'reconfig/chorus-java38-java38', 'reconfig/java39-java39-chorus')


def splits():
    """Leader, then followers, then observer."""
    for java in JAVA:
        yield java, (java, java), ()
    yield 'java39', ('java38', 'java39'), ('java38',)
    for java in JAVA:
        yield java, ('chorus', 'chorus'), ()
        yield java, ('chorus', java), ()
        yield 'chorus', (java, java), ()
        yield 'chorus', ('chorus', java), ()
        yield java, (java, java), ('chorus',)
        yield 'chorus', ('chorus', 'chorus'), (java,)
    yield 'chorus', ('chorus', 'chorus'), ('chorus',)
    yield 'chorus', ('java38', 'java39'), ('java39',)
    yield 'java38', ('chorus', 'java39'), ('chorus',)


def cells():
    for leader, followers, observers in splits():
        name = f'split/{leader}-leads-{"-".join(followers)}' + ''.join(f'/observer-{kind}' for kind in observers)
        kinds = [*followers, leader, *observers]
        watching = {len(kinds)} if observers else set()
        yield Cell(name, 'roles, writes, access, order, sync, sessions, expiry, watches', tuple(kinds), service.split(kinds, watching))
    for leader, joiner in itertools.product(KINDS, KINDS):
        def cell(scenario, what, run, leader=leader, joiner=joiner):
            name = f'{scenario}/{leader}-leads/{joiner}-joins'
            return Cell(name, what, (leader, joiner), run)
        yield cell('diff', 'away for a few writes', joining.diff(leader, joiner))
        yield cell('snap-empty', 'comes with an empty disk', joining.snap_empty(leader, joiner))
        yield cell('diff-disk', 'away for more than leaders keep in memory', joining.long_away(leader, joiner, rolling=False))
        yield cell('snap-old', 'the same, the log being in many files', joining.long_away(leader, joiner, rolling=True))
        yield cell('snap-load', 'comes with an empty disk under load', joining.snap_load(leader, joiner))
        yield cell('trunc', 'led and logged alone', joining.trunc(leader, joiner))
        yield cell('trunc-late', 'the same, others went on meanwhile', joining.trunc(leader, joiner, late=5))
        yield cell('trunc-old', 'the same, by more than leaders keep in memory', joining.trunc(leader, joiner, late=joining.BEYOND_MEMORY))
        yield cell('observer', 'an observer, new, away, under load', joining.observer(leader, joiner))
        yield cell('catching-up', 'killed and started under load', joining.catching_up(leader, joiner))
        yield cell('sasl', 'SASL between members, and one with another password', securing.required(leader, joiner))
    for kinds in SECURING:
        yield Cell(f'sasl-rolling/{"-".join(kinds)}', 'SASL switched on, one member after another', kinds, securing.rolling(*kinds))
    for kinds in FAILOVERS:
        yield Cell(f'failover/{"-".join(kinds)}', 'leaders killed and ended, under load', kinds, moving.failover(*kinds))
        yield Cell(f'all-at-once/{"-".join(kinds)}', 'all killed in the middle of writes', kinds, moving.all_at_once(*kinds))
    for before, after in ROLLING:
        for suffix, options in (('', {}), ('/leader-first', {'leader_first': True}), ('/killed', {'stop': 'kill'})):
            name = f'rolling/{before}-{after}-and-back{suffix}'
            yield Cell(name, 'members replaced in place, under load', (before, after), moving.rolling(before, after, **options))
    for java in JAVA:
        what = 'scripts/migrate, there and back, under load'
        yield Cell(f'migrate/{java}-chorus-and-back', what, (java, 'chorus'), migrating.there_and_back(java, with_observer=java == 'java39'))
        yield Cell(f'migrate/{java}-half-way', 'the same, stopped by a member that does not come back', (java, 'chorus'), migrating.half_way(java))
    yield Cell('migrate/documented', 'the example of docs/ensemble.md', ('java38', 'chorus'), migrating.documented)
    for kinds in RECONFIGS:
        yield Cell(f'reconfig/{"-".join(kinds)}', 'members out, in, to observer, leader out, a fourth', kinds, reconfig.story(*kinds))


def markdown(results):
    """A table of leaders and joiners by scenario, and one line for each other cell. `results`: what is recorded of each cell."""
    joins, others, failures = {}, [], []
    for cell, result in results.items():
        scenario, *rest = cell.name.split('/')
        passed = result['status'] == 'ok'
        sign = 'ok' if passed else '**failed**'
        if len(rest) == 2 and rest[1].endswith('-joins'):
            joins.setdefault((scenario, cell.what), {})[cell.kinds] = sign
        else:
            words = f': {result["words"]}' if passed and result['words'] else ''
            others.append(f'| `{cell.name}` | {cell.what} | {sign}{words} | {result["seconds"]:.0f} |')
        if not passed:
            failures.append(f'- `{cell.name}`: {result["words"].splitlines()[0]}')
    days = sorted({result['day'] for result in results.values()})
    programs = collections.Counter(result['program'] for result in results.values())
    lines = [f'{len(results) - len(failures)} of {len(results)} cells passed (there are {len(list(cells()))}), {" to ".join({days[0]: 0, days[-1]: 0})}, '
             f'{", ".join(f"{count} with {program}" for program, count in programs.items())}.', '']
    if joins:
        pairs = list(itertools.product(KINDS, KINDS))
        lines += ['| leader < joiner | ' + ' | '.join(f'{leader} < {joiner}' for leader, joiner in pairs) + ' |', '| --- ' * (len(pairs) + 1) + '|']
        lines += [f'| {scenario}: {what} | ' + ' | '.join(row.get(pair, '') for pair in pairs) + ' |' for (scenario, what), row in joins.items()]
    lines += ['', '| cell | what | result | seconds |', '| --- | --- | --- | --- |', *others]
    if failures:
        lines += ['', *failures]
    return '\n'.join(lines) + '\n'
