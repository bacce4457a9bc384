"""Damaged logs, full disks, taken ports and directories: what must be survived is, what must be refused is, in words that help."""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

import servers
import txnlog
import wire
from checks import Skipped, equal
from servers import wait_until


@contextlib.contextmanager
def fresh(options=None, directory=None):
    """A Chorus that was not started yet."""
    with contextlib.ExitStack() as stack:
        directory = directory or stack.enter_context(tempfile.TemporaryDirectory(prefix='chorus-chaos-'))
        with servers.Chorus(directory, options=options) as server:
            yield server


SECTOR = 512  # what a disk writes whole or not at all


def value(i):
    """Long enough for a transaction to lie in several sectors."""
    return b'value %d ' % i * 300


def write_nodes(server, count, first=0):
    session = wire.Session(server.address)
    for i in range(first, first + count):
        session.create(f'/n{i:04d}', value(i))
    session.cut()


def nodes(server):
    session = wire.Session(server.address)
    names = [name for name in session.children('/') if name != 'zookeeper']
    for name in names:
        equal(session.get('/' + name)[0], value(int(name[1:])), name)
    session.close()
    return names


def expected(count):
    return [f'n{i:04d}' for i in range(count)]


def refused(server, *words, seconds=20):
    """The server ends by itself, not with status 0, and says all of `words`."""
    log_before = server.log_path.stat().st_size if server.log_path.exists() else 0
    server.spawn()
    status = server.process.wait(seconds)
    said = server.log_path.read_text(errors='replace')[log_before:]
    assert status not in (0, -6, -11), f'status {status}: {said}'
    for word in words:
        assert word.lower() in said.lower(), f"'{word}' is not in: {said}"
    return said


def last_entry(server, back=0):
    """(log file, its entry at `back` from the end); the sessions' own transactions are entries too."""
    path = [log for log in txnlog.logs(server.data_directory()) if txnlog.entries(log)][-1]
    return path, txnlog.entries(path)[-1 - back]


def overwrite(path, offset, octets):
    with open(path, 'r+b') as file:
        file.seek(offset)
        file.write(octets)


def killed_after(count, options=None):
    """A server that was killed after it acknowledged `count` nodes, the last of them being the last transaction."""
    stack = contextlib.ExitStack()
    server = stack.enter_context(fresh(options))
    server.start()
    write_nodes(server, count)
    server.kill()
    return stack, server


def starts_without_the_last(damage):
    stack, server = killed_after(30)
    with stack:
        path, entry = last_entry(server)
        damage(path, entry)
        server.start()
        equal(nodes(server), expected(29))
        # What is written from now on is not disturbed by the remains.
        write_nodes(server, 20, first=29)
        server.kill()
        server.start()
        equal(nodes(server), expected(49))


def tail_cut_off_is_tolerated():
    starts_without_the_last(lambda path, entry: os.truncate(path, entry.offset + entry.length // 2))


def tail_cut_off_in_its_header_is_tolerated():
    starts_without_the_last(lambda path, entry: os.truncate(path, entry.offset + 5))


def tail_whose_later_sectors_are_missing_is_tolerated():
    def damage(path, entry):
        begin = (entry.offset // SECTOR + 3) * SECTOR
        overwrite(path, begin, bytes(entry.end - begin))
    starts_without_the_last(damage)


def tail_with_a_hole_of_one_sector_is_tolerated():
    starts_without_the_last(lambda path, entry: overwrite(path, (entry.offset // SECTOR + 3) * SECTOR, bytes(SECTOR)))


def refused_and_started_when_repaired(back, damage):
    """Damage that no crash explains: refused with file and offset, and nothing on the disk was changed by that."""
    stack, server = killed_after(30)
    with stack:
        path, entry = last_entry(server, back)
        was = path.read_bytes()
        damage(path, entry, was)
        damaged = path.read_bytes()
        refused(server, path.name, 'offset', *([str(entry.offset)] if back else []))
        equal(path.read_bytes() == damaged, True, 'the damaged file is as it was')
        overwrite(path, 0, was)
        server.start()
        equal(nodes(server), expected(30))


def garbled_tail_is_refused():
    """The last transaction was acknowledged: garbage in its place is not what an unfinished write leaves."""
    refused_and_started_when_repaired(0, lambda path, entry, was: overwrite(path, entry.end - 80, b'\xa5' * 70))


def garbage_after_the_end_is_refused():
    refused_and_started_when_repaired(0, lambda path, entry, was: overwrite(path, entry.end, b'\xde\xad\xbe\xef' * 10))


def garbled_middle_is_refused():
    """One bit in the middle."""
    refused_and_started_when_repaired(10, lambda path, entry, was: overwrite(path, entry.offset + 40, bytes([was[entry.offset + 40] ^ 0x10])))


def hole_in_the_middle_is_refused():
    refused_and_started_when_repaired(10, lambda path, entry, was: overwrite(path, (entry.offset // SECTOR + 2) * SECTOR, bytes(SECTOR)))


def garbled_older_log_is_refused():
    """Damage in a log that is not the last one, when its transactions are needed."""
    stack, server = killed_after(100, {'coord.snap_count': 20})
    with stack:
        path = [log for log in txnlog.logs(server.data_directory()) if txnlog.entries(log)][-2]
        for snapshot in (server.data_directory() / 'version-2').glob('snapshot.*'):
            if snapshot.name != 'snapshot.0':
                snapshot.unlink()
        overwrite(path, txnlog.entries(path)[-1].end - 8, b'\xa5' * 7)
        refused(server, path.name)


def not_a_log_is_refused():
    stack, server = killed_after(5)
    with stack:
        path, _ = last_entry(server)
        overwrite(path, 0, b'GARBAGE!')
        refused(server, path.name)


def directory_of_a_running_server_is_refused():
    with fresh() as server:
        server.start()
        write_nodes(server, 3)
        second = servers.Chorus(server.directory / 'second')
        second.data_directory = server.data_directory
        with second:
            refused(second, str(server.data_directory()), str(server.pid))
        equal(nodes(server), expected(3))


def taken_port_is_refused():
    with socket.create_server(('127.0.0.1', 0)) as taken, tempfile.TemporaryDirectory(prefix='chorus-chaos-') as directory:
        with servers.Chorus(directory, port=taken.getsockname()[1]) as server:
            refused(server, str(server.port), 'another process')


def directory_that_cannot_be_made_is_refused():
    with fresh() as server:
        server.data_directory().write_text('a file')
        refused(server, str(server.data_directory()))


def unwritable_directory_is_refused():
    if os.geteuid() != 0:
        with fresh() as server:
            server.data_directory().mkdir()
            server.data_directory().chmod(0o500)
            refused(server, str(server.data_directory()))
        return
    # root may write everywhere, so somebody else has to try.
    with fresh() as server:
        server.directory.chmod(0o755)
        server.data_directory().mkdir(mode=0o755)
        program = pathlib.Path('/proc/self/exe')
        assert program.exists()
        command = server.command()
        reach = subprocess.run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', command[0], '--version'],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if reach.returncode != 0:
            raise Skipped('another user cannot run the program where it lies')
        server.command = lambda: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', *command]
        refused(server, str(server.data_directory()))


@contextlib.contextmanager
def small_disk(megabytes):
    """A folder on a disk of its own."""
    if os.geteuid() != 0:
        raise Skipped('mounting a small disk needs root')
    directory = tempfile.mkdtemp(prefix='chorus-disk-')
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={megabytes}m', 'chorus-chaos', directory], stderr=subprocess.PIPE, text=True,
                             check=False)
    if mounted.returncode != 0:
        shutil.rmtree(directory)
        raise Skipped(f'mounting a small disk is not permitted here: {mounted.stderr.strip()}')
    try:
        yield pathlib.Path(directory)
    finally:
        subprocess.run(['umount', directory], check=True)
        shutil.rmtree(directory)


def full_disk_loses_nothing_and_is_told():
    with small_disk(24) as disk, tempfile.TemporaryDirectory(prefix='chorus-chaos-') as directory:
        with fresh({'coord.data_dir': disk / 'data', 'coord.pre_alloc_size_kb': 256}, directory) as server:
            server.data_directory = lambda: disk / 'data'
            server.start()
            write_nodes(server, 100)
            acknowledged = 100
            # Somebody else takes all space but a little.
            ballast = disk / 'ballast'
            ballast.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - (1 << 20))))
            session = wire.Session(server.address, wait=5.0)
            try:
                while acknowledged < 5000:
                    session.create(f'/n{acknowledged:04d}', value(acknowledged))
                    session.create(f'/big{acknowledged:04d}', bytes(20_000))
                    acknowledged += 1
                raise AssertionError('the disk is full and writes are still acknowledged')
            except (OSError, EOFError, wire.Refused):
                pass  # no answer, no connection or an error: anything but an acknowledgement
            wait_until(lambda: any(word in server.log_path.read_text(errors='replace').lower() for word in ('no space', 'disk is full', 'disk full')),
                       f'a message about the full disk in the log:\n{server.log_tail()}', 20)
            ballast.unlink()
            # It either goes on by itself or ended with a message and is started again by whatever watches over it.
            if server.process.poll() is None:
                try:
                    wait_until(lambda: writes(server, '/goes-on'), 'it goes on by itself', 20, 0.1)
                except TimeoutError:
                    assert server.process.poll() is not None, 'there is space again, but it neither writes nor ended'
            if server.process.poll() is not None:
                assert server.process.returncode not in (0, -6, -11), f'status {server.process.returncode}'
                server.start()
                assert writes(server, '/goes-on'), 'it does not write after the restart'
            server.kill()
            server.start()
            reader = wire.Session(server.address)
            there = [name for name in reader.children('/') if name.startswith('n')]
            equal(there[:acknowledged], expected(acknowledged), 'acknowledged nodes')
            assert len(there) <= acknowledged + 1, 'more than was sent'
            assert reader.exists('/goes-on')
            reader.close()


def writes(server, path):
    try:
        session = wire.Session(server.address, wait=5.0)
        try:
            session.create(path)
        except wire.Refused as refusal:
            return refusal.code == wire.NODE_EXISTS
        finally:
            session.cut()
        return True
    except (OSError, EOFError, wire.Expired):
        return False


CHECKS = [tail_cut_off_is_tolerated, tail_cut_off_in_its_header_is_tolerated, tail_whose_later_sectors_are_missing_is_tolerated,
          tail_with_a_hole_of_one_sector_is_tolerated, garbled_tail_is_refused, garbage_after_the_end_is_refused, garbled_middle_is_refused,
          hole_in_the_middle_is_refused, garbled_older_log_is_refused, not_a_log_is_refused, directory_of_a_running_server_is_refused,
          taken_port_is_refused, directory_that_cannot_be_made_is_refused, unwritable_directory_is_refused, full_disk_loses_nothing_and_is_told]


def add_checks(suite):
    for check in CHECKS:
        suite.check(check)
