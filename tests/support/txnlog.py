"""Where the entries of a ZooKeeper transaction log lie, for tests that damage one.

A log is a header of 16 octets ("ZKLG", version, database id), then entries: checksum (8 octets), length (4), transaction, 'B'; zeros to
the end. The transaction begins with session (8), cxid (4), zxid (8).
"""
import dataclasses
import pathlib
import struct
import zlib


@dataclasses.dataclass(frozen=True)
class Entry:
    offset: int  # of the checksum
    length: int  # of the transaction
    zxid: int

    @property
    def end(self):
        return self.offset + 12 + self.length + 1


def entries(path):
    """All whole entries from the beginning."""
    octets = pathlib.Path(path).read_bytes()
    if not octets:  # its server has only just begun it
        return []
    assert octets[:4] == b'ZKLG', f'{path} is not a transaction log'
    found, at = [], 16
    while at + 12 <= len(octets):
        checksum, length = struct.unpack_from('>qi', octets, at)
        body = octets[at + 12:at + 12 + length]
        if length <= 0 or len(body) < length or zlib.adler32(body) != checksum or octets[at + 12 + length:at + 13 + length] != b'B':
            break
        found.append(Entry(at, length, struct.unpack_from('>q', body, 12)[0]))
        at = found[-1].end
    return found


def logs(data_directory):
    """The log files of a server, oldest first."""
    return sorted((pathlib.Path(data_directory) / 'version-2').glob('log.*'), key=lambda path: int(path.suffix[1:], 16))


def transactions(data_directory):
    """{zxid: octets of header, record and digest} of all that the logs of a server hold."""
    found = {}
    for path in logs(data_directory):
        octets = path.read_bytes()
        found.update((entry.zxid, octets[entry.offset + 12:entry.offset + 12 + entry.length]) for entry in entries(path))
    return found
