"""The programs that are measured, each in processes of its own: started, weighed, stopped."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from linkstar import cli, config
from linkstar.supervisor import die_with_parent

PATIENCE = 60  # seconds to start, and to stop


@contextmanager
def linkstar(folder: Path) -> Iterator[tuple[int, int]]:
    """All of it, as `flask serve` starts it: its process, and the port that it says it is at."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "flask", "--app", str(config.CHECKOUT / "app.py"), "serve", "--port", port]
    log, end = folder / "serve.log", time.monotonic() + PATIENCE
    with _running(command, log) as process:
        while not (said := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"Linkstar did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield process.pid, int(said[1])


@contextmanager
def reference(folder: Path) -> Iterator[int]:
    """The bare views under the same options of gunicorn: their port."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        bare = "linkstar.bench.reference:create_app()"
        command = [part.replace("app:app", bare) for part in cli.web_server(listener)]
        with _running(command, folder / "reference.log", listener.fileno()):
            yield listener.getsockname()[1]


@contextmanager
def _running(command: list[str], log: Path, *inherits: int) -> Iterator[subprocess.Popen[bytes]]:
    follow = partial(die_with_parent, signal.SIGTERM)
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, pass_fds=inherits, preexec_fn=follow)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)


def memory(root: int) -> str:
    """What is resident of the web workers, and of all processes from `root` down; what they share counts for each."""
    everything = dict(_processes())
    ours = [root]
    for each in ours:
        ours += [pid for pid, (parent, _, _) in everything.items() if parent == each]
    web = {pid for pid in ours if "gunicorn" in everything[pid][2]}
    workers = [everything[pid][1] for pid in web if everything[pid][0] in web]
    total = sum(everything[pid][1] for pid in ours)
    return f"{sum(workers) / 1000:.0f} MB in {len(workers)} web workers, {total / 1000:.0f} MB in {len(ours)} processes"


def _processes() -> Iterator[tuple[int, tuple[int, int, str]]]:
    """Each process: its parent, its resident KB, its command."""
    if not Path("/proc/self/stat").exists():
        for line in subprocess.check_output(["ps", "-axo", "pid=,ppid=,rss=,command="], text=True).splitlines():
            pid, parent, size, command = line.split(maxsplit=3)
            yield int(pid), (int(parent), int(size), command)
    page = os.sysconf("SC_PAGE_SIZE") // 1024
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            facts = (folder / "stat").read_text().rpartition(")")[2].split()
            yield int(folder.name), (int(facts[1]), int(facts[21]) * page, (folder / "cmdline").read_text())
