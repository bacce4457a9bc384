"""What the benchmarks beside Java ZooKeeper share: the programs that measure, medians over rounds, tables, and words about the machine."""
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests/support'))

PROGRAMS = ROOT / 'build/release'
RESULTS = ROOT / 'build/bench'
KINDS = ('chorus', 'java')


def output_of(command):
    run = subprocess.run([str(x) for x in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f'{" ".join(str(x) for x in command)}\nended with status {run.returncode}: {run.stderr.strip()}')
    return run.stdout


def disk_us(directory, count):
    """Median time of one small write + fdatasync, in microseconds."""
    return json.loads(output_of([PROGRAMS / 'fsync_probe', directory, '--count', count]))['p50_us']


def load(running, cell, seconds, warm_up, more=()):
    """Puts the servers that run under load; a cell is (operation, sessions, requests outstanding of each)."""
    op, sessions, outstanding = cell
    result = json.loads(output_of([
        PROGRAMS / 'zk_load', '--server', ','.join(s.address for s in running), '--server-pid', ','.join(str(s.pid) for s in running),
        '--op', op, '--sessions', sessions, '--outstanding', outstanding, '--seconds', seconds, '--warm-up', warm_up, *more]))
    if result['refused']:
        sys.exit(f'{running[0].name} refused {result["refused"]} requests with error {result["last_error"]}')
    result.update({'p50_us': result['latency_us']['p50'], 'p99_us': result['latency_us']['p99']})
    return result


def say_cell(words, cell, result):
    print(f'  {words:8} {cell[0]:5} {cell[1]:2} x {cell[2]:3}: {result["requests_per_second"]:10,.0f} /s  '
          f'{result["requests_per_server_cpu_second"]:10,.0f} /CPU s  p50 {result["p50_us"]:8,.0f} us  p99 {result["p99_us"]:8,.0f} us', flush=True)


def name_of(cell):
    return '%s %d x %d' % cell


def in_turn(round_number):
    """Who goes first alternates."""
    return KINDS if round_number % 2 else KINDS[::-1]


class Medians:
    """The medians over the rounds, each {kind: {'cells': {name: result}, ...}}, and how far the rounds were apart."""

    def __init__(self, rounds):
        self.rounds = rounds

    def values(self, kind, cell, what):
        return [one[kind]['cells'][name_of(cell)][what] for one in self.rounds]

    def cell(self, kind, cell, what):
        return statistics.median(self.values(kind, cell, what))

    def spread(self, kind, cell, what):
        """Half the distance between the best and the worst round, relative to the median."""
        values = self.values(kind, cell, what)
        return (max(values) - min(values)) / 2 / statistics.median(values)

    def ratio(self, cell, what):
        return self.cell('chorus', cell, what) / self.cell('java', cell, what)

    def server(self, kind, what):
        return statistics.median(one[kind][what] for one in self.rounds)


LOAD_COLUMNS = ('load (sessions x outstanding)', 'Chorus /s', 'Java /s', 'ratio', 'Chorus /CPU s', 'Java /CPU s', 'ratio',
                'Chorus p50, p99 ms', 'Java p50, p99 ms', 'spread', 'load gen. CPU')


def load_row(medians, cell, words=''):
    """A row under LOAD_COLUMNS; `words` come before the cell's own."""
    def number(kind, what):
        return f'{medians.cell(kind, cell, what):,.0f}'

    def times(kind):
        return ', '.join(f'{medians.cell(kind, cell, what) / 1000:.2f}' for what in ('p50_us', 'p99_us'))
    wall, cpu = 'requests_per_second', 'requests_per_server_cpu_second'
    spread = max(medians.spread(kind, cell, wall) for kind in KINDS)
    return (words + name_of(cell), number('chorus', wall), number('java', wall), f'{medians.ratio(cell, wall):.1f}',
            number('chorus', cpu), number('java', cpu), f'{medians.ratio(cell, cpu):.1f}', times('chorus'), times('java'),
            f'± {spread * 100:.0f} %', f'{medians.cell("chorus", cell, "client_share_of_server_cpu"):.2f}')


def goal_rows(goals):
    """`goals`: (what is aimed at, what is wanted, measured value, whether that is what is wanted)."""
    return [('aim', 'wanted', 'measured', '')] + [(name, wanted, f'{value:.2f}', 'met' if met else 'missed') for name, wanted, value, met in goals]


def markdown(rows):
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]

    def line(row):
        return '| ' + ' | '.join(str(x).ljust(w) if i == 0 else str(x).rjust(w) for i, (x, w) in enumerate(zip(row, widths))) + ' |'
    return [line(rows[0]), '|' + '|'.join('-' * (w + 1) + (':' if i else '-') for i, w in enumerate(widths)) + '|', *map(line, rows[1:])]


def first(text, prefix):
    return next((line.split(':', 1)[1].strip() for line in text.splitlines() if line.startswith(prefix)), '?')


def describe_machine(directory):
    """(words about the machine, Chorus's commit, Java's version)"""
    processor = first(pathlib.Path('/proc/cpuinfo').read_text(), 'model name')
    file_system = output_of(['findmnt', '-no', 'FSTYPE', '-T', directory]).strip()
    java = subprocess.run(['java', '-version'], stderr=subprocess.PIPE, text=True, check=False).stderr.splitlines()[0]
    commit = subprocess.run(['git', '-C', ROOT, 'describe', '--always', '--dirty'], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    return (f'{datetime.datetime.now():%Y-%m-%d %H:%M}, {processor}, {len(os.sched_getaffinity(0))} cores shared by servers and load '
            f'generator, Linux {platform.release()}, {file_system}', commit, java)


def write_results(name, text, machine, rounds):
    (RESULTS / f'{name}.md').write_text(text)
    (RESULTS / f'{name}.json').write_text(json.dumps({'machine': machine, 'rounds': rounds}, indent=1) + '\n')
    print(f'\n{text}\nwritten to {RESULTS.relative_to(ROOT)}/{name}.md and .json')
