"""The socket of an emulated API."""

import socket

LOOPBACK = "127.0.0.1"


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on *host* and *port*; 0 is a free port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=256)
    # asyncio sets this only on sockets made with an explicit protocol, which `create_server` does not. Without it
    # every answer whose head and body fit no single segment waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the origin under which *listener* is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
