"""ensemble_history as a child process: the simulator's clients on real servers, and afterwards its judge and Porcupine.

    with Recorder(addresses, directory, seed) as recorder:
        ...whatever happens to the servers...; wait_until(recorder.goes_on(20), ...)
        recorder.quiesce(); recorder.audit(); recorder.end()
        recorder.judge(log directories...)                    # raises AssertionError with what it found
        recorder.judge_registers()
"""
import os
import pathlib
import subprocess
import sys
import threading
import time

from servers import ROOT, wait_until

PROGRAM = pathlib.Path(os.environ.get('CHORUS_BINARY', ROOT / 'build/release/chorus')).parent / 'ensemble_history'
PORCUPINE = pathlib.Path(__file__).resolve().parent / 'porcupine'
JUDGE = ROOT / 'build/porcupine/porcupine'
GO = {**os.environ, 'GOFLAGS': '-buildvcs=false', 'GOTOOLCHAIN': 'local'}


def build_porcupine():
    """Fetches the Go module where it is not there yet, so this needs the network; the program does not."""
    if subprocess.run(['go', 'build', '-o', JUDGE, '.'], cwd=PORCUPINE, env=GO).returncode:
        sys.exit(f'Porcupine could not be built: see the lines above. Go fetches it once, with the command "go build" in {PORCUPINE}')


def porcupine_rejects_what_is_broken():
    tested = subprocess.run(['go', 'test', './...'], cwd=PORCUPINE, env=GO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert tested.returncode == 0, tested.stdout


class Recorder:
    def __init__(self, addresses, directory, seed, clients=4, options=()):
        self.file = pathlib.Path(directory) / 'history'
        self.registers = pathlib.Path(directory) / 'registers.jsonl'
        self.command = [PROGRAM, 'record', self.file, '--seed', str(seed % (1 << 63)), '--clients', str(clients), *options]
        for address in addresses:
            self.command += ['--server', address]
        self.acknowledged = [0] * clients
        self.words = set()
        self.longest_pause = 0.0
        self.busy = True
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.reader.join()

    def read(self):
        moved = [time.monotonic()] * len(self.acknowledged)
        for line in self.process.stdout:
            word, *numbers = line.split()
            if word != 'progress':
                self.words.add(word)
                continue
            now, counts = time.monotonic(), [int(number) for number in numbers]
            if self.busy:
                for client, count in enumerate(counts):
                    if count != self.acknowledged[client]:
                        self.longest_pause = max(self.longest_pause, now - moved[client])
                        moved[client] = now
            self.acknowledged = counts

    def goes_on(self, writes=20):
        """A condition: every client had this many more writes answered since now."""
        marks = [count + writes for count in self.acknowledged]

        def reached():
            assert self.process.poll() is None, f'ensemble_history ended with status {self.process.returncode}'
            return all(count >= mark for count, mark in zip(self.acknowledged, marks))
        return reached

    def say(self, command, answer, seconds):
        self.words.discard(answer)
        print(command, file=self.process.stdin, flush=True)
        wait_until(lambda: answer in self.words or self.process.poll() is not None, f'the clients are {answer}', seconds, 0.02)
        assert self.process.poll() is None, f'ensemble_history ended with status {self.process.returncode}'

    def quiesce(self, seconds=60):
        self.busy = False  # nobody waits any more
        self.say('quiesce', 'quiet', seconds)

    def audit(self, seconds=60):
        self.say('audit', 'audited', seconds)

    def end(self):
        """The history is written."""
        print('end', file=self.process.stdin, flush=True)
        assert self.process.wait(60) == 0, f'ensemble_history ended with status {self.process.returncode}'

    def judge(self, logs, kept, with_java, stale_leader_ms, expiry_slack_ms):
        command = [PROGRAM, 'check', self.file, '--registers', self.registers, '--stale-leader-ms', str(int(stale_leader_ms)),
                   '--expiry-slack-ms', str(int(expiry_slack_ms))]
        if with_java:
            command.append('--with-java')
        for option, directories in (('--log', logs), ('--kept', kept)):
            for directory in directories:
                command += [option, directory]
        self.run(command)

    def judge_registers(self):
        self.run([JUDGE, '-html', self.file.parent, self.registers])

    @staticmethod
    def run(command):
        judged = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert judged.returncode == 0, f'{judged.stdout}again: {" ".join(map(str, command))}'
        print(''.join(f'  {line}\n' for line in judged.stdout.splitlines()), end='', flush=True)
