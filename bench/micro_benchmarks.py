"""The micro-benchmarks of modules (micro/MODULE/NAME_bench.cc): what they print, and how many there are."""
import subprocess
import sys

from side_by_side import PROGRAMS


def run(options):
    programs = sorted(PROGRAMS.glob('*_bench'))
    if not programs:
        sys.exit(f'no micro-benchmark in {PROGRAMS}: build all of the preset release first')
    for program in programs:
        print(f'\n{program.name}', flush=True)
        ended = subprocess.run([str(program), *(['--benchmark_min_time=0.01'] if options.quick else [])], check=False)
        if ended.returncode != 0:
            sys.exit(f'{program} ended with status {ended.returncode}')
    return len(programs)
