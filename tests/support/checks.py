"""A suite of named checks: each is a function that raises when the server did not do as it should.

    suite = checks.Suite('kazoo')

    @suite.check
    def create_and_get(): ...

    sys.exit(suite.run())   # prints the failures, then "kazoo: N passed, N failed"
"""
import fnmatch
import os
import subprocess
import sys
import time
import traceback

WORDS_MAX = 25  # lines of what an exception says


class Skipped(Exception):
    """Raised by a check that cannot be made on this machine, with the reason."""


class Suite:
    def __init__(self, name):
        self.name = name
        self.checks = []
        self.ends = []
        self.passed = self.failed = self.skipped = 0

    def check(self, function):
        self.checks.append((function.__name__, function))
        return function

    def add(self, name, function):
        self.checks.append((name, function))

    def at_end(self, function):
        """Called after all checks, also when some failed."""
        self.ends.append(function)

    @staticmethod
    def reason():
        """Of the exception that is handled: the beginning of what it says, and where it was raised."""
        kind, failure, trace = sys.exc_info()
        words = ''.join(traceback.format_exception_only(kind, failure)).splitlines(keepends=True)
        return ''.join(words[:WORDS_MAX] + traceback.format_tb(trace)[-3:])

    def run(self, *arguments, only=None):
        """Runs all, or those that match the pattern `only`; returns the exit status."""
        for name, function in self.checks:
            if only and not fnmatch.fnmatch(name, only):
                continue
            started = time.monotonic()
            try:
                function(*arguments)
                self.passed += 1
            except Skipped as why:
                self.skipped += 1
                print(f'skipped {self.name}: {name}: {why}', flush=True)
            except Exception:  # noqa: BLE001 - whatever a client throws is a failed check, printed with its trace
                self.failed += 1
                print(f'FAILED {self.name}: {name}\n{self.reason()}', flush=True)
            if os.environ.get('CHECKS_VERBOSE'):
                print(f'  {name} {time.monotonic() - started:.2f} s', flush=True)
        for end in self.ends:
            end()
        print(f'{self.name}: {self.passed} passed, {self.failed} failed', flush=True)
        return 1 if self.failed or not self.passed else 0


def equal(actual, expected, what=''):
    if actual != expected:
        raise AssertionError(f'{what + ": " if what else ""}got {actual!r}, want {expected!r}')


def raises(error, function, *arguments, **named):
    try:
        value = function(*arguments, **named)
    except error as caught:
        return caught
    raise AssertionError(f'returned {value!r}, want {error.__name__}')


def add_reported(suite, command):
    """Runs a program that says "ok NAME" or "FAILED NAME: why" of each of its checks, and adds them to the suite."""
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=300)
    lines = run.stdout.splitlines()
    for line in lines:
        verdict, _, rest = line.partition(' ')
        name, _, why = rest.partition(': ')

        def check(verdict=verdict, why=why):
            assert verdict == 'ok', why
        suite.add(name, check)

    def ended_well():
        failures = sum(line.startswith('FAILED ') for line in lines)
        assert run.returncode == (1 if failures else 0) and lines, f'it ended with status {run.returncode}'
    suite.add('program_ends_by_itself', ended_well)
