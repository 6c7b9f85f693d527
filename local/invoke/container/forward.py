#!/var/lang/bin/python3.13
"""Run in a container of `sam local`, around the function's runtime: forwards loopback ports to the local stack.

The stack and the emulated APIs listen on the loopback of this machine, and their addresses name it. With these ports
forwarded, every address is the same inside the container: those of the environment, of queues, and of signed URLs.

Lambda starts the program that `AWS_LAMBDA_EXEC_WRAPPER` names with the command of the runtime as its arguments.
`FORWARDED_PORTS` has `PORT=HOST:PORT` pairs, separated by commas.
"""

import os
import socket
import sys
import threading

PIECE = 65536


def main(command: list[str]) -> None:
    """Listen on the ports, forward connections in a process of its own, and become *command*."""
    pairs = [pair.partition("=") for pair in os.environ.get("FORWARDED_PORTS", "").split(",") if pair]
    listeners = [(socket.create_server(("127.0.0.1", int(port))), target) for port, _, target in pairs]
    if listeners and os.fork() == 0:
        for listener, target in listeners[1:]:
            threading.Thread(target=serve, args=(listener, target), daemon=True).start()
        serve(*listeners[0])
    os.execv(command[0], command)  # noqa: S606 (the listeners close: they are not inherited)


def serve(listener: socket.socket, target: str) -> None:
    """Forward every connection to *target*."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=forward, args=(connection, target), daemon=True).start()


def forward(connection: socket.socket, target: str) -> None:
    """Forward a connection in both directions until both are at their end."""
    host, _, port = target.rpartition(":")
    with connection:
        try:
            stack = socket.create_connection((host, int(port)), timeout=10)
        except OSError as error:
            print(f"The container cannot reach the local stack at {target}: {error}", file=sys.stderr, flush=True)  # noqa: T201
            return
        with stack:
            stack.settimeout(None)
            answers = threading.Thread(target=copy, args=(stack, connection), daemon=True)
            answers.start()
            copy(connection, stack)
            answers.join()


def copy(source: socket.socket, destination: socket.socket) -> None:
    """Send all that arrives from *source* to *destination*."""
    try:
        while piece := source.recv(PIECE):
            destination.sendall(piece)
        destination.shutdown(socket.SHUT_WR)
    except OSError:  # an end closed the connection
        source.close()
        destination.close()


if __name__ == "__main__":
    main(sys.argv[1:])
