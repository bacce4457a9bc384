"""Ensembles of real servers on loopback, of one kind or mixed: Java ZooKeeper 3.8 (Debian's), Java ZooKeeper 3.9 (Maven's), Chorus.

    with Ensemble(['java38', 'chorus', 'chorus'], observers={1}) as ensemble:
        ensemble.start()                    # members are numbered from 1; the voter with the highest number leads a fresh ensemble
        ensemble.leader(), ensemble[2].address, ensemble[2].mntr() ...
        ensemble[2].become('java39'); ensemble[2].spawn(); ensemble.wait()

Every kind gets the same zoo.cfg and may go on with another kind's data directory. Only processes that were started here are ended.
"""
import contextlib
import functools
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import servers
import wire
from servers import free_port, wait_until

TICK_MS = 500
INIT_LIMIT, SYNC_LIMIT = 20, 10
# Small and quick to start: a dozen of them share the machine with what is tested.
JVM = ['java', '-Xmx160m', '-Xshare:auto', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.net.preferIPv4Stack=true',
       '-Dorg.slf4j.simpleLogger.showDateTime=true', '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
       '-Dorg.slf4j.simpleLogger.showShortLogName=true']
MAIN = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
KEPT_LOGS = servers.ROOT / 'build/test-logs/ensembles'


@functools.cache
def java39_class_path():
    place = subprocess.run([servers.ROOT / 'scripts/fetch-zookeeper'], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return ':'.join(str(jar) for jar in sorted(pathlib.Path(place).glob('*.jar')))


def java38_class_path():
    return servers.java_class_path().replace('slf4j-nop', 'slf4j-simple')


# The command of each, with the beginning of that of a JVM.
KINDS = {
    'java38': lambda config, jvm: [*jvm, '-cp', java38_class_path(), MAIN, config],
    'java39': lambda config, jvm: [*jvm, '-cp', java39_class_path(), MAIN, config],
    'chorus': lambda config, jvm: [str(servers.Chorus.binary), 'serve', '--config', config],
}

# How a server says which way it, or a learner of it, was brought up to date.
SAYS = {
    'java': {'DIFF': r'Getting a diff from the leader|Sending DIFF',
             'TRUNC': r'Truncating log to get in sync|Sending TRUNC',
             'SNAP': r'Getting a snapshot from leader|Sending snapshot last zxid|SNAP zxid',
             'FED BY SNAP': r'Getting a snapshot from leader'},
    'chorus': {'TRUNC': r'undoing transactions'},
}


class Member(servers.Server):
    """One server of an ensemble. start() waits until it serves, which it does once there is a quorum: see Ensemble.start()."""

    def __init__(self, number, kind, observer, directory, host='127.0.0.1', enter=(), jvm=tuple(JVM)):
        self.number, self.kind, self.host, self.jvm = number, kind, host, jvm
        super().__init__(directory, free_port())
        self.address = f'{host}:{self.port}'
        self.is_observer = observer
        self.quorum_port, self.election_port = free_port(), free_port()
        self.log_path = self.directory / 'server.log'
        self.config_path = self.directory / 'zoo.cfg'
        self.enter = list(enter)  # the beginning of its command, to run it elsewhere
        self.stopped = False

    @property
    def name(self):
        return f'{self.kind} (server {self.number})'

    def line(self, client_part=True):
        """What follows "server.N="."""
        role = 'observer' if self.is_observer else 'participant'
        return f'{self.host}:{self.quorum_port}:{self.election_port}:{role}' + (f';{self.address}' if client_part else '')

    def data_directory(self):
        return self.directory / 'data'

    def configure(self, lines):
        self.data_directory().mkdir(parents=True, exist_ok=True)
        (self.data_directory() / 'myid').write_text(f'{self.number}\n')
        self.config_path.write_text(''.join(f'{line}\n' for line in lines))

    def command(self):
        return self.enter + KINDS[self.kind](str(self.config_path), self.jvm)

    def become(self, kind):
        """Another kind goes on with this data directory from the next start on."""
        assert not self.runs(), f'{self.name} still runs'
        self.kind = kind

    def wipe(self):
        """Everything on disk is gone but myid."""
        assert not self.runs(), f'{self.name} still runs'
        shutil.rmtree(self.data_directory() / 'version-2')

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def spawn(self, **popen):
        with open(self.log_path, 'a') as log:
            print(f'--- {self.name} starts', file=log)
        (wire.stalls.add if self.kind == 'java38' else wire.stalls.discard)(self.address)
        return super().spawn(**popen)

    def pause(self):
        """Its other threads run on until one of them has taken the signal, which takes its time on a busy machine."""
        self.process.send_signal(signal.SIGSTOP)
        wait_until(self._stands_still, f'{self.name} stands still', 30, 0.001)
        self.stopped = True

    def _stands_still(self):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended meanwhile: look again
            return all(stat.read_text().rpartition(')')[2].split()[0] == 'T' for stat in pathlib.Path(f'/proc/{self.pid}/task').glob('*/stat'))
        return False

    def resume(self):
        self.process.send_signal(signal.SIGCONT)
        self.stopped = False

    def kill(self):
        self.stopped = False
        return super().kill() if self.process else None

    def mode(self):
        """leader, follower, observer, standalone; None while it serves nobody."""
        try:
            found = re.search(r'^Mode: (\S+)', servers.four_letters(self.address, 'srvr', 3), re.MULTILINE)
        except OSError:
            return None
        return found and found.group(1)

    def mntr(self):
        """The values of mntr, without "zk_"."""
        lines = (line.split('\t', 1) for line in servers.four_letters(self.address, 'mntr').splitlines() if '\t' in line)
        return {key.removeprefix('zk_'): value for key, value in lines}

    def log_mark(self):
        """For synced_by(): what was logged before does not count."""
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def said_since(self, mark):
        with open(self.log_path, errors='replace') as log:
            log.seek(mark)
            return log.read()

    def synced_by(self, mark):
        """The ways (DIFF, TRUNC, SNAP) that this server's log names since `mark`."""
        text = self.said_since(mark)
        return {way for way, pattern in SAYS['chorus' if self.kind == 'chorus' else 'java'].items() if re.search(pattern, text)}


class Ensemble:
    """Members numbered from 1, of the kinds given. `options` are further lines of everybody's zoo.cfg, or others in place of those here.
    With a `network`, each member runs on the host of its number there. Data is kept below `directory` meanwhile."""

    def __init__(self, kinds, observers=(), options=None, reconfigurable=False, name='ensemble', network=None, directory=None, jvm=tuple(JVM)):
        self.name = name
        self.temporary = tempfile.TemporaryDirectory(prefix='chorus-ensemble-', dir=directory, ignore_cleanup_errors=True)
        self.options = dict(options or {})
        self.reconfigurable = reconfigurable
        self.members = {}
        for number, kind in enumerate(kinds, 1):
            home = pathlib.Path(self.temporary.name) / f'server{number}'
            place = (network.addresses[number - 1], network.enter(number)) if network else ()
            self.members[number] = Member(number, kind, number in observers, home, *place, jvm=jvm)
        for member in self.members.values():
            member.configure(self.config_of(member))

    def config_of(self, member, known=None):
        """The lines of its zoo.cfg; `known`: which servers it names, all when None."""
        settings = {'tickTime': TICK_MS, 'initLimit': INIT_LIMIT, 'syncLimit': SYNC_LIMIT, 'dataDir': member.data_directory(),
                    'admin.enableServer': 'false', '4lw.commands.whitelist': '*', 'maxClientCnxns': 0, 'preAllocSize': 1024,
                    'extendedTypesEnabled': 'true', 'maxSessionTimeout': 60_000,  # not 20 ticks: a busy machine may let them pass
                    **self.options}
        lines = [f'{key}={value}' for key, value in settings.items()]
        if self.reconfigurable:
            lines += ['reconfigEnabled=true', 'skipACL=yes']
        else:
            lines += [f'clientPort={member.port}', f'clientPortAddress={member.host}']
        if member.is_observer:
            lines.append('peerType=observer')
        return lines + [f'server.{other.number}={other.line(self.reconfigurable)}'
                        for other in self.members.values() if known is None or other.number in known]

    def add(self, kind, observer=False, known=None):
        """One more server, not started. Its file names `known` and itself."""
        number = max(self.members) + 1
        member = Member(number, kind, observer, pathlib.Path(self.temporary.name) / f'server{number}')
        self.members[number] = member
        member.configure(self.config_of(member, None if known is None else {*known, number}))
        return member

    def __getitem__(self, number):
        return self.members[number]

    def __iter__(self):
        return iter(self.members.values())

    @property
    def addresses(self):
        return [member.address for member in self]

    def voters(self):
        return [member for member in self if not member.is_observer]

    def start(self, seconds=60.0):
        """Starts all that do not run. On a fresh ensemble the voter with the highest number is the leader then."""
        waiting = sorted((m for m in self if not m.runs()), key=lambda m: (m.is_observer, -m.number))
        if not any((m.data_directory() / 'version-2').exists() for m in self):
            # The highest ones, as many as are needed: none of them is elected without the highest of all, however slowly it starts.
            quorum = waiting[:len(self.voters()) // 2 + 1]
            for member in quorum:
                member.spawn()
            self._wait(lambda: quorum[0].mode() == 'leader', f'{quorum[0].name} leads', seconds)
            waiting = waiting[len(quorum):]
        for member in waiting:
            member.spawn()
        return self.wait(seconds)

    def wait(self, seconds=60.0, numbers=None):
        """Until all that run (or those of `numbers`) serve, under one leader."""
        def modes():
            running = [m for m in self if m.runs() and not m.stopped and (numbers is None or m.number in numbers)]
            found = [m.mode() for m in running]
            return running and all(found) and found.count('leader') == 1 and all(
                mode in ('leader', 'observer' if m.is_observer else 'follower') for m, mode in zip(running, found))
        self._wait(modes, lambda: f'all serve under one leader, modes {[(m.number, m.kind, m.mode()) for m in self if m.runs() and not m.stopped]}',
                   seconds)
        return self

    def _wait(self, condition, what, seconds):
        def checked():
            for member in self:
                if member.process and not member.runs() and member.process.returncode not in (-signal.SIGKILL, -signal.SIGTERM, 143, 0):
                    raise RuntimeError(f'{member.name} ended with status {member.process.returncode}:\n{member.log_tail(8)}')
            return condition()
        try:
            return wait_until(checked, '', seconds, 0.02)
        except TimeoutError:
            raise TimeoutError(f'{what() if callable(what) else what}: not within {seconds:g} s') from None

    def leader(self):
        return self.leader_of(self.members)

    def leader_of(self, numbers):
        leaders = [self[n] for n in numbers if self[n].runs() and not self[n].stopped and self[n].mode() == 'leader']
        assert len(leaders) == 1, f'leaders: {[m.name for m in leaders]}'
        return leaders[0]

    def stop(self, numbers=None):
        for member in [self[n] for n in numbers] if numbers else self:
            if member.runs():
                member.stop()

    def kill(self, numbers=None):
        for member in [self[n] for n in numbers] if numbers else self:
            member.kill()

    def lead(self, number, write):
        """Makes it the leader, with three voters: one of the other two misses a transaction, and those two elect.
        `write` writes something through the member that it is given."""
        chosen = self[number]
        if chosen.mode() == 'leader':
            return
        behind, other = [m for m in self.voters() if m is not chosen]
        behind.stop()
        self.wait(numbers={number, other.number})
        write(chosen)
        other.stop()
        behind.spawn()
        self.wait(numbers={number, behind.number})
        assert chosen.mode() == 'leader', f'{self.leader().name} leads'
        other.spawn()
        self.wait()

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        self.kill()
        if error:
            place = KEPT_LOGS / self.name
            shutil.rmtree(place, ignore_errors=True)
            for member in self:
                if member.log_path.exists():
                    place.mkdir(parents=True, exist_ok=True)
                    shutil.copy(member.log_path, place / f'server{member.number}.log')
        self.temporary.cleanup()

