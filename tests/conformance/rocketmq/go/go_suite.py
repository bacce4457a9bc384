#!/usr/bin/python3
"""RocketMQ's Go client: go_suite.py --namesrv HOST:PORT --broker HOST:PORT --home FOLDER [PATTERN]...

Built with the module versions of go.mod and go.sum into build/conformance/rocketmq.
"""
import argparse
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parents[3] / 'build/conformance/rocketmq/go-scenarios'

if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--namesrv', required=True)
    parser.add_argument('--broker', required=True)
    parser.add_argument('--home', required=True)
    parser.add_argument('patterns', nargs='*', default=['*'])
    arguments = parser.parse_args()
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(['go', 'build', '-o', PROGRAM, '.'], cwd=HERE, check=True, stdout=sys.stderr)
    # Where a broadcast consumer keeps its offsets depends on HOME.
    os.environ['HOME'] = arguments.home
    os.execv(PROGRAM, [str(PROGRAM), arguments.namesrv, arguments.broker, *arguments.patterns])
