"""chaos_relay as a child process: what goes through it takes its time, connection by connection."""
import subprocess

from recorder import PROGRAM


class Relay:
    """routes: {key: target address}. at[key] is where to connect instead. `enter`: the beginning of a command, to run it elsewhere."""

    def __init__(self, routes, host='127.0.0.1', enter=(), seed=1):
        command = [*enter, PROGRAM.with_name('chaos_relay'), '--seed', str(seed)]
        for target in routes.values():
            command += ['--route', f'{host}:0={target}']
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.at = {key: self.process.stdout.readline().strip() for key in routes}
        assert all(self.at.values()), f'chaos_relay ended with status {self.process.wait()}'

    def delay(self, least_ms, most_ms):
        print('delay', least_ms, most_ms, file=self.process.stdin, flush=True)

    def end(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
