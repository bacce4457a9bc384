"""A suite of named checks: each is a function that raises when the server did not do as it should.

    suite = checks.Suite('kazoo')

    @suite.check
    def create_and_get(): ...

    sys.exit(suite.run())   # prints the failures, then "kazoo: N passed, N failed"
"""
import fnmatch
import os
import sys
import time
import traceback


class Suite:
    def __init__(self, name):
        self.name = name
        self.checks = []

    def check(self, function):
        self.checks.append((function.__name__, function))
        return function

    def add(self, name, function):
        self.checks.append((name, function))

    def run(self, *arguments, only=None):
        """Runs all, or those that match the pattern `only`; returns the exit status."""
        passed = failed = 0
        for name, function in self.checks:
            if only and not fnmatch.fnmatch(name, only):
                continue
            started = time.monotonic()
            try:
                function(*arguments)
                passed += 1
            except Exception:  # noqa: BLE001 - whatever a client throws is a failed check, printed with its trace
                failed += 1
                trace = ''.join(traceback.format_exc().splitlines(keepends=True)[-8:])
                print(f'FAILED {self.name}: {name}\n{trace}', flush=True)
            if os.environ.get('CHECKS_VERBOSE'):
                print(f'  {name} {time.monotonic() - started:.2f} s', flush=True)
        print(f'{self.name}: {passed} passed, {failed} failed', flush=True)
        sys.stdout.flush()
        return 1 if failed or not passed else 0


def equal(actual, expected, what=''):
    if actual != expected:
        raise AssertionError(f'{what + ": " if what else ""}got {actual!r}, want {expected!r}')


def raises(error, function, *arguments, **named):
    try:
        value = function(*arguments, **named)
    except error as caught:
        return caught
    raise AssertionError(f'returned {value!r}, want {error.__name__}')
