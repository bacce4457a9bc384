"""Installs what package-lock.json names into build/conformance/rocketmq/node, once."""
import fcntl
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PLACE = HERE.parents[3] / 'build/conformance/rocketmq/node'


def install():
    """The folder that has node_modules. Two programs may ask at a time."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with open(PLACE / 'install.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (HERE / 'package-lock.json').read_bytes()
        done = PLACE / 'installed-lock.json'
        if not done.exists() or done.read_bytes() != wanted:
            for name in ('package.json', 'package-lock.json'):
                shutil.copy(HERE / name, PLACE / name)
            subprocess.run(['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], cwd=PLACE, check=True, timeout=300,
                           stdout=sys.stderr)
            done.write_bytes(wanted)
    return PLACE
