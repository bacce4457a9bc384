"""Debian's libmemcached, asked where it would send a key; it connects to nobody for that."""
import ctypes

# enum memcached_behavior of libmemcached-1.0/types/behavior.h
KETAMA, KETAMA_WEIGHTED = 3, 16


class Placement:
    def __init__(self, servers, weighted):
        """servers: [(host, port or None for a socket's path, weight)], in order."""
        self.library = library = ctypes.CDLL('libmemcached.so.11')
        library.memcached_create.restype = ctypes.c_void_p
        library.memcached_create.argtypes = [ctypes.c_void_p]
        library.memcached_free.argtypes = [ctypes.c_void_p]
        library.memcached_behavior_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64]
        library.memcached_server_add_with_weight.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint16, ctypes.c_uint32]
        library.memcached_server_add_unix_socket_with_weight.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32]
        library.memcached_generate_hash.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
        library.memcached_generate_hash.restype = ctypes.c_uint32
        self.memcached = library.memcached_create(None)
        done = library.memcached_behavior_set(self.memcached, KETAMA_WEIGHTED if weighted else KETAMA, 1)
        assert done == 0, f'memcached_behavior_set: {done}'
        for host, port, weight in servers:
            if port is None:
                done = library.memcached_server_add_unix_socket_with_weight(self.memcached, host.encode(), weight)
            else:
                done = library.memcached_server_add_with_weight(self.memcached, host.encode(), port, weight)
            assert done == 0, f'memcached_server_add {host} {port}: {done}'

    def locate(self, key):
        """Number of the server in the list."""
        return self.library.memcached_generate_hash(self.memcached, key, len(key))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.library.memcached_free(self.memcached)


def name(host, port):
    """As chorus has it."""
    if port is None:
        return host
    return f'[{host}]:{port}' if ':' in host else f'{host}:{port}'
