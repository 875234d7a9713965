"""Keeps the processes of one start together: begins them in order, revives the fallen, ends them in order."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

PATIENCE = 10.0  # seconds for a child to be ready before the next ones start without it
GRACE = 1.3  # seconds from the polite signal to the hard one; two groups of children end in two seconds
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 10.0  # before a fallen child is started again
STEADY = 10.0  # seconds after which a child counts as well, and its next pause is the shortest again
PR_SET_PDEATHSIG = 1
C_LIBRARY = ctypes.CDLL(None)


def die_with_parent(how: signal.Signals) -> None:
    """The kernel sends this process the signal when the one that started it is gone, however it went."""
    if sys.platform == "linux":
        C_LIBRARY.prctl(PR_SET_PDEATHSIG, how)
    else:
        threading.Thread(target=_watch_parent, args=(os.getppid(), how), daemon=True).start()


def _watch_parent(parent: int, how: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), how)


@dataclass
class Child:
    command: Sequence[str]
    ready: Callable[[], bool] = lambda: True
    inherits: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = SHORTEST_PAUSE

    def start(self) -> None:
        supervisor = os.getpid()

        def follow() -> None:
            if sys.platform == "linux":
                die_with_parent(signal.SIGTERM)
                if os.getppid() != supervisor:  # it went before the kernel knew
                    os._exit(1)

        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command, preexec_fn=follow, start_new_session=True, pass_fds=self.inherits)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def revive(self) -> None:
        lived = time.monotonic() - self.started
        if lived < self.pause:
            return
        self.pause = SHORTEST_PAUSE if lived > STEADY else min(self.pause * 2, LONGEST_PAUSE)
        self.start()

    def terminate(self) -> None:
        if self.process and self.alive:
            self.process.terminate()

    def kill(self) -> None:
        """With whatever is left of its process group."""
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """Groups of children, each started when the one before it is ready. The first group serves the others,
    so that it ends when they have ended."""

    def __init__(self, *groups: Sequence[Child]) -> None:
        self.groups = groups
        self.stopping = False

    def run(self, when_ready: Callable[[], None]) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, self._stop)
        try:
            for group in self.groups:
                for child in group:
                    child.start()
                self._wait_for(group)
            if not self.stopping:
                when_ready()
            while not self.stopping:
                time.sleep(0.1)
                for child in (child for group in self.groups for child in group):
                    if not child.alive:
                        child.revive()
        finally:
            self._end([child for group in self.groups[1:] for child in group])
            self._end(self.groups[0])

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def _wait_for(self, group: Sequence[Child]) -> None:
        end = time.monotonic() + PATIENCE
        while not self.stopping and time.monotonic() < end and not all(child.ready() for child in group):
            time.sleep(0.05)

    def _end(self, group: Sequence[Child]) -> None:
        for child in group:
            child.terminate()
        end = time.monotonic() + GRACE
        while time.monotonic() < end and any(child.alive for child in group):
            time.sleep(0.02)
        for child in group:
            child.kill()
