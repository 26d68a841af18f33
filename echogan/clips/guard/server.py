"""The process from which children are forked: it has read the program, so that a child is there within milliseconds.

Started by `guard` with a socket as its standard input. Each request is a line of JSON with a socket on which the child
answers. The server itself never looks into a file.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

from echogan.clips.guard import work

REQUEST_BYTES = 65_536


def serve() -> None:
    """Fork a child for each request until the connection ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as requests:
        while True:
            data, descriptors, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 1)
            if not data:
                return
            with socket.socket(fileno=descriptors[0]) as answers:
                if os.fork() == 0:
                    requests.close()
                    work.run(json.loads(data), answers)


if __name__ == "__main__":
    serve()
