"""scripts/migrate, as a user runs it, on ensembles under load: there and back, stopped half-way, and where it must not begin."""
import contextlib
import os
import pathlib
import re
import signal
import socketserver
import subprocess
import tempfile
import threading

import servers
from agreement import everyone_agrees
from ensemble import Ensemble
from load import Load
from moving import PATIENCE, bystander
from servers import free_port, wait_until

SCRIPT = servers.ROOT / 'scripts/migrate'


class ServiceManager(contextlib.AbstractContextManager):
    """Starts and stops the members for the script, in place of systemd: the script's commands ask it over a connection."""

    def __init__(self, ensemble, java):
        self.ensemble = ensemble
        self.kinds = {'java': java, 'chorus': 'chorus'}
        self.broken = set()  # (number, kind): starts nothing
        self.done = []       # (action, number, mode then)
        manager = self

        class Request(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(manager.obey(*self.rfile.readline().decode().split()))
        self.server = socketserver.ThreadingTCPServer(('127.0.0.1', 0), Request)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        # Where the script finds each one's configuration, by {port}.
        for member in ensemble:
            os.symlink(member.directory, pathlib.Path(ensemble.temporary.name) / str(member.port))

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def obey(self, action, kind, port):
        member = next(m for m in self.ensemble if m.port == int(port))
        if action == 'stop' and member.runs():
            self.done.append(('stop', member.number, member.mode()))
            member.stop()
        elif action == 'start' and not member.runs() and (member.number, kind) not in self.broken:
            self.done.append(('start', member.number, None))
            member.become(self.kinds[kind])
            member.spawn()
        return b'ok\n'

    def stopped(self):
        return [(number, mode) for action, number, mode in self.done if action == 'stop']

    def migrate(self, *arguments, status=0, says='', addresses=None):
        """Runs the script; its exit status and words must be these."""
        folder = self.ensemble.temporary.name
        command = [SCRIPT, '--servers', ','.join(addresses or self.ensemble.addresses), '--on', 'bash', '--config', f'{folder}/{{port}}/zoo.cfg',
                   '--back-up', f'{folder}/back-up', '--chorus', servers.Chorus.binary, '--chorus-there', servers.Chorus.binary, '--patience', '30']
        for action in ('stop', 'start'):
            for kind in ('java', 'chorus'):
                command += [f'--{action}-{kind}', f'exec 3<>/dev/tcp/127.0.0.1/{self.server.server_address[1]}; echo {action} {kind} {{port}} >&3; grep -qx ok <&3']
        done = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=600)
        assert done.returncode == status, f'migrate {" ".join(arguments)} ended with {done.returncode}:\n{done.stdout}'
        assert says in done.stdout, f'migrate {" ".join(arguments)} does not say "{says}":\n{done.stdout}'
        return done.stdout


def kinds_of(ensemble):
    return [member.kind for member in ensemble]


def there_and_back(java, with_observer=False):
    """All members become Chorus and Java again, while clients write. The longest pauses that they saw are told."""
    def cell(name):
        count = 4 if with_observer else 3
        with Ensemble([java] * count, {count} if with_observer else (), name=name) as ensemble:
            ensemble.start()
            with ServiceManager(ensemble, java) as manager, Load(ensemble.addresses) as load, bystander(ensemble):
                wait_until(load.goes_on(30), 'the load goes on', PATIENCE)
                plan = manager.migrate('--dry-run', says='One after another')
                assert not manager.done and kinds_of(ensemble) == [java] * count, plan
                assert plan.index('1. ') < plan.index(f'{count}. {ensemble.leader().address}'), f'the leader is not the last:\n{plan}'
                manager.migrate(status=1, says='say --yes')
                pauses = []
                for kind, arguments in (('chorus', ['--with-data']), (java, ['--back'])):
                    load.forget_pauses()
                    del manager.done[:]
                    manager.migrate('--yes', *arguments, says='and in step')
                    assert kinds_of(ensemble) == [kind] * count
                    modes = [mode for _, mode in manager.stopped()]
                    assert len(modes) == count and modes.index('leader') == count - 1, f'stopped were {manager.stopped()}'
                    wait_until(load.goes_on(30), f'the load goes on, all being {kind}', PATIENCE)
                    pauses.append(load.longest_pause)
                    manager.migrate('--yes', *arguments, says='Nothing to do')
                copies = sorted(pathlib.Path(ensemble.temporary.name).glob('back-up/*'))
                assert len(copies) == 2 * count and all((c / 'zoo.cfg').exists() and (c / 'myid').exists() for c in copies), copies
                assert sum(any((c / 'data').glob('log.*')) for c in copies if (c / 'data').exists()) == count
            everyone_agrees(ensemble, load.check)
            return f'{load.acknowledged} writes, longest pause to Chorus {pauses[0]:.2f} s, back {pauses[1]:.2f} s'
    return cell


def half_way(java):
    """It stops when a member does not come back; goes on from there, or back; does not begin where a quorum would be lost."""
    def cell(name):
        with Ensemble([java] * 3, name=name) as ensemble:
            ensemble.start()
            leader = ensemble.leader().number
            with ServiceManager(ensemble, java) as manager, Load(ensemble.addresses) as load, bystander(ensemble):
                wait_until(load.goes_on(30), 'the load goes on', PATIENCE)
                manager.migrate('--yes', status=1, says='name all of them', addresses=ensemble.addresses[1:])
                assert not manager.done
                first, second = [number for number in (1, 2, 3) if number != leader]
                manager.broken.add((second, 'chorus'))
                said = manager.migrate('--yes', '--patience', '3', status=1, says='to go back')
                assert f'{ensemble[second].address} and all others are in step: not within 3 s' in said, said
                assert [number for number, _ in manager.stopped()] == [first, second], manager.done
                assert ensemble[first].kind == 'chorus' and not ensemble[second].runs()
                wait_until(load.goes_on(30), 'the load goes on while one is away', PATIENCE)
                # Back: first the one that is away, then the one that is Chorus; the third is not touched.
                manager.migrate('--yes', '--back', says='and in step')
                assert kinds_of(ensemble) == [java] * 3 and {number for number, _ in manager.stopped()} == {first, second}
                wait_until(load.goes_on(30), 'the load goes on, all being Java', PATIENCE)
                # And again, to go on this time.
                manager.migrate('--yes', '--patience', '3', status=1, says='to go on')
                manager.broken.clear()
                # Not while another is away as well: it would be the only one left.
                third = ensemble[leader]
                third.kill()
                del manager.done[:]
                manager.migrate('--yes', status=1, says='do not serve')
                assert not manager.done
                third.spawn()
                ensemble.wait(numbers={first, leader})
                manager.migrate('--yes', says='and in step')
                assert kinds_of(ensemble) == ['chorus'] * 3
                wait_until(load.goes_on(30), 'the load goes on, all being Chorus', PATIENCE)
            everyone_agrees(ensemble, load.check)
            return f'{load.acknowledged} writes'
    return cell


def documented(name):
    """The example of docs/ensemble.md, as it stands there but for the ports, with the servers of Debian's package."""
    text = (servers.ROOT / 'docs/ensemble.md').read_text()
    example = re.search(r'<!-- run by tests/mixed -->\n```bash\n(.*?)```', text, re.DOTALL).group(1)
    with tempfile.TemporaryDirectory(prefix='chorus-migrate-') as directory:
        folder = pathlib.Path(directory)
        (folder / 'bin').mkdir()
        (folder / 'bin/chorus').symlink_to(servers.Chorus.binary)
        (folder / 'bin/chorus-migrate').symlink_to(SCRIPT)
        (folder / 'try').mkdir()
        first = free_port()
        environment = {**os.environ, 'PATH': f'{folder / "bin"}:{os.environ["PATH"]}', 'ZOO_LOG_DIR': directory, 'JMXDISABLE': 'true'}
        try:
            with open(folder / 'said', 'w') as said:
                ended = subprocess.run(['bash', '-eu', '-c', example.replace('first=2181', f'first={first}')], cwd=folder / 'try', env=environment,
                                       stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, timeout=300).returncode
            said = (folder / 'said').read_text()
            assert ended == 0 and 'hello' in said, f'it ended with {ended}:\n{said}'
            for kind in ('Chorus', 'Java ZooKeeper'):
                assert f'all members are {kind} and in step' in said, said
        finally:
            for file in [*folder.glob('try/*/zookeeper_server.pid'), *folder.glob('try/*/chorus.pid')]:
                kill_started_below(folder, int(file.read_text()))


def kill_started_below(folder, pid):
    """If it still is the process that wrote this id."""
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        if str(folder).encode() in pathlib.Path(f'/proc/{pid}/environ').read_bytes():
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not pathlib.Path(f'/proc/{pid}').exists(), f'process {pid} ends', 20)
