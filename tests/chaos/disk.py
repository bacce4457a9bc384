"""A disk of a member's own (tmpfs) that can be full. Mounted in this program's mount namespace alone: see network.inside()."""
import os
import subprocess


class Disk:
    MEGABYTES = 2000  # a bound; it takes no more memory than what lies on it

    def __init__(self, path):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={self.MEGABYTES}m', 'chaos', path], check=True)

    def fill(self):
        """Nothing more fits on it."""
        for _ in range(50):
            state = os.statvfs(self.path)
            # Refused when more was written meanwhile than it is to hold.
            if self.resize(f'{(state.f_blocks - state.f_bfree) * state.f_bsize // 1024}k').returncode == 0:
                return
        raise AssertionError(f'{self.path} cannot be made full')

    def empty(self):
        self.resize(f'{self.MEGABYTES}m').check_returncode()

    def resize(self, size):
        return subprocess.run(['mount', '-o', f'remount,size={size}', self.path], stderr=subprocess.DEVNULL)

    def end(self):
        subprocess.run(['umount', '--lazy', self.path], check=True)
