"""Listens, forwards, and keeps what went over each connection: with what was said when, in either direction.

    with relay.Relay({('127.0.0.2', 9876): ('127.0.0.1', 9876)}) as tape:
        ...
        for piece in tape.pieces: piece.seconds, piece.connection, piece.to, piece.by_client, piece.octets

It knows nothing of the protocol and changes nothing. As a program: relay.py FOLDER LISTEN=FORWARD..., each HOST:PORT; of each connection one
file, CONNECTION-PORT.tape, with one line for each piece: microseconds, ">" from the client or "<" to it, hexadecimal octets.
"""
import collections
import pathlib
import selectors
import socket
import sys
import threading
import time

Piece = collections.namedtuple('Piece', 'seconds connection to by_client octets')  # no octets: that side closed the connection


class Relay:
    def __init__(self, routes, on_piece=None):
        self.routes = routes
        self.pieces = []
        self.on_piece = on_piece or self.pieces.append
        self.began, self.began_ms = time.monotonic(), int(time.time() * 1000)
        self.lock = threading.Lock()
        self.connections = 0
        self.listeners = []
        self.sockets = set()

    def __enter__(self):
        for (host, port), forward in self.routes.items():
            listener = socket.create_server((host, port), backlog=256)
            self.listeners.append(listener)
            threading.Thread(target=self.accept, args=(listener, port, forward), daemon=True).start()
        return self

    def __exit__(self, *_):
        for one in [*self.listeners, *self.sockets]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def accept(self, listener, port, forward):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self.carry, args=(number, port, client, forward), daemon=True).start()

    def carry(self, number, port, client, forward):
        try:
            server = socket.create_connection(forward)
        except OSError:
            client.close()
            return
        self.sockets |= {client, server}
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        other = {client: server, server: client}
        with selectors.DefaultSelector() as waiting:
            for one in other:
                waiting.register(one, selectors.EVENT_READ)
            try:
                while True:
                    for key, _ in waiting.select():
                        octets = key.fileobj.recv(1 << 16)
                        with self.lock:
                            self.on_piece(Piece(time.monotonic() - self.began, number, port, key.fileobj is client, octets))
                        if not octets:
                            return
                        other[key.fileobj].sendall(octets)
            except OSError:
                return
            finally:
                for one in other:
                    one.close()
                self.sockets -= {client, server}


def main(folder, *routes):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)

    def address(text):
        host, port = text.rsplit(':', 1)
        return host, int(port)

    def write(piece):
        with open(folder / f'{piece.connection:04}-{piece.to}.tape', 'a') as tape:
            print(int(piece.seconds * 1e6), '>' if piece.by_client else '<', piece.octets.hex(), file=tape)
    with Relay(dict(tuple(map(address, route.split('='))) for route in routes), write):
        threading.Event().wait()


if __name__ == '__main__':
    main(*sys.argv[1:])
