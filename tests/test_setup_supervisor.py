import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SUPERVISOR = Path(__file__).parents[1] / "linkstar" / "supervisor.py"
PROGRAM = """
import runpy, sys
from pathlib import Path

module = runpy.run_path(sys.argv[1])  # alone, because importing the package takes seconds
Child, Supervisor = module["Child"], module["Supervisor"]

def child(name, stubborn=False):
    program = (
        "import os, signal, sys, time\\n"
        "stop = lambda *_: (open('log', 'a').write(sys.argv[1] + ' '), sys.exit())\\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN if len(sys.argv) > 2 else stop)\\n"
        "open(sys.argv[1], 'w').write(str(os.getpid()))\\n"
        "while True: time.sleep(9)\\n"
    )
    command = [sys.executable, "-S", "-c", program, name, *(["stubborn"] if stubborn else [])]
    return Child(command, ready=Path(name).exists)

groups = [[child("first")], [child("second"), *([child("mule", True)] if "mule" in sys.argv else [])]]
Supervisor(*groups).run(when_ready=lambda: Path("up").touch())
"""


def until(met: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def lives(pid: int) -> bool:
    """Zombies, which nobody may be there to bury, count as dead."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(state) and not state.startswith("Z")


class Start:
    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, SUPERVISOR, *arguments], cwd=folder)
        until((folder / "up").exists)

    def pid(self, name: str) -> int:
        file = self.folder / name
        until(lambda: bool(file.read_text()))
        return int(file.read_text())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Start]]:
    made: list[Start] = []

    def begin(*arguments: str) -> Start:
        made.append(Start(tmp_path, *arguments))
        return made[-1]

    yield begin
    for each in made:
        each.process.kill()
        each.process.wait()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_quick_and_ends_the_first_group_last(
    start: Callable[..., Start], tmp_path: Path, how: signal.Signals
) -> None:
    running = start("mule")
    pids = [running.pid(name) for name in ("first", "second", "mule")]
    began = time.monotonic()
    running.process.send_signal(how)
    running.process.wait(timeout=10)
    assert time.monotonic() - began < 3
    assert (tmp_path / "log").read_text() == "second first "
    assert not any(map(lives, pids))


def test_a_fallen_child_is_brought_back(start: Callable[..., Start], tmp_path: Path) -> None:
    running = start()
    fallen = running.pid("second")
    (tmp_path / "second").write_text("")
    os.kill(fallen, signal.SIGKILL)
    assert lives(running.pid("second"))


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's signal of the parent's death")
def test_no_child_outlives_a_killed_supervisor(start: Callable[..., Start]) -> None:
    running = start()
    pids = [running.pid(name) for name in ("first", "second")]
    running.process.kill()
    running.process.wait()
    until(lambda: not any(map(lives, pids)))
