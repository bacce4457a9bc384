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
        state = os.statvfs(self.path)
        self.resize(f'{(state.f_blocks - state.f_bfree) * state.f_bsize // 1024}k')

    def empty(self):
        self.resize(f'{self.MEGABYTES}m')

    def resize(self, size):
        subprocess.run(['mount', '-o', f'remount,size={size}', self.path], check=True)

    def end(self):
        subprocess.run(['umount', '--lazy', self.path], check=True)
