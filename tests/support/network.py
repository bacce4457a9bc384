"""Hosts on one machine: a network namespace for each, joined by a bridge, with rules (nftables) for who hears whom.

    network.inside()                    # first of all: runs this program again in namespaces of its own, the bridge's; mounts are its own too
    with network.Network(3) as net:
        Ensemble(kinds, network=net)
        net.cut(1, 2); net.isolate(3); net.lose(20); net.slow(1, '1mbit'); net.heal()

Everything vanishes with the process that made it. Addresses are in 10.77.0.0/24, reachable from these namespaces alone.
"""
import os
import shutil
import subprocess
import sys

MARK = 'CHORUS_TEST_NETWORK'


def missing():
    """Why there can be no such network on this machine; nothing when there can."""
    for tool, package in (('ip', 'iproute2'), ('tc', 'iproute2'), ('nft', 'nftables'), ('unshare', 'util-linux')):
        if not shutil.which(tool):
            return f"{tool} is missing: install Debian's package {package}"
    tried = subprocess.run([*namespace_command(), 'nft', 'list', 'ruleset'], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return f'no network namespaces here: {tried.stderr.strip()}' if tried.returncode else None


def namespace_command():
    command = ['unshare', '--net', '--mount']
    return command if os.geteuid() == 0 else [*command, '--user', '--map-root-user']


def inside():
    """Does not return in the process that calls it first: the program goes on in network and mount namespaces of its own."""
    if MARK not in os.environ:
        os.environ[MARK] = '1'
        os.execvp('unshare', [*namespace_command(), sys.executable, *sys.argv])
    run('ip', 'link', 'set', 'lo', 'up')


def run(*command, **options):
    subprocess.run(command, check=True, **options)


class Network:
    """Hosts 1 to `count`. This process is at 10.77.0.254 and is never cut off."""

    def __init__(self, count):
        self.addresses = [f'10.77.0.{number}' for number in range(1, count + 1)]
        self.holders = {}
        run('ip', 'link', 'add', 'hub', 'type', 'bridge')
        run('ip', 'address', 'add', '10.77.0.254/24', 'dev', 'hub')
        run('ip', 'link', 'set', 'hub', 'up')
        for number in range(1, count + 1):
            # A namespace lives as long as a process is in it.
            holder = subprocess.Popen(['unshare', '--net', 'sh', '-c', 'echo; exec sleep infinity'], stdout=subprocess.PIPE)
            holder.stdout.readline()
            self.holders[number] = holder
            run('ip', 'link', 'add', f'to{number}', 'type', 'veth', 'peer', 'name', 'eth', 'netns', str(holder.pid))
            run('ip', 'link', 'set', f'to{number}', 'master', 'hub', 'up')
            self.on(number, 'ip', 'link', 'set', 'lo', 'up')
            self.on(number, 'ip', 'address', 'add', f'10.77.0.{number}/24', 'dev', 'eth')
            self.on(number, 'ip', 'link', 'set', 'eth', 'up')
        self.rules = {number: set() for number in self.holders}
        self.slowed = set()
        self.heal()

    def enter(self, number):
        """The beginning of a command that is to run on this host; the process is then the command itself."""
        return ['nsenter', '--net', '--target', str(self.holders[number].pid), '--']

    def on(self, number, *command, **options):
        run(*self.enter(number), *command, **options)

    def apply(self):
        """Whatever deafen() said holds from now on."""
        for number, rules in self.rules.items():
            lines = ''.join(f'    {rule}\n' for rule in sorted(rules))
            text = ('add table inet chaos\ndelete table inet chaos\ntable inet chaos {\n  chain heard {\n'
                    f'    type filter hook input priority 0;\n{lines}  }}\n}}\n')
            self.on(number, 'nft', '-f', '-', input=text.encode())

    def deafen(self, hearer, speaker):
        """`hearer` no longer hears `speaker`, once it is applied; the other way round it goes on."""
        self.rules[hearer].add(f'ip saddr {self.addresses[speaker - 1]} drop')

    def cut(self, one, other):
        self.deafen(one, other)
        self.deafen(other, one)
        self.apply()

    def isolate(self, number):
        """From all other hosts."""
        for other in self.holders:
            if other != number:
                self.deafen(number, other)
                self.deafen(other, number)
        self.apply()

    def lose(self, percent):
        """Of the packets between hosts."""
        for number, rules in self.rules.items():
            rules.add(f'ip saddr 10.77.0.1-10.77.0.{len(self.addresses)} numgen random mod 100 < {percent} drop')
        self.apply()

    def slow(self, number, rate):
        """What this host sends is held back to `rate` ("1mbit")."""
        self.on(number, 'tc', 'qdisc', 'replace', 'dev', 'eth', 'root', 'tbf', 'rate', rate, 'burst', '32kbit', 'latency', '400ms')
        self.slowed.add(number)

    def heal(self):
        for rules in self.rules.values():
            rules.clear()
        self.apply()
        while self.slowed:
            self.on(self.slowed.pop(), 'tc', 'qdisc', 'delete', 'dev', 'eth', 'root')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for holder in self.holders.values():
            holder.kill()
            holder.wait()
            holder.stdout.close()
        subprocess.run(['ip', 'link', 'delete', 'hub'], check=False)
