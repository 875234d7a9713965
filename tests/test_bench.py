import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "linkstar.bench", *arguments]
    environment = os.environ | {"SECRET_KEY": "the bench takes its own"}
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True)


@pytest.mark.timeout(180)
def test_a_quick_bench_holds_sizes_and_counts_and_leaves_nothing_running() -> None:
    run = bench("--quick")
    assert run.returncode == 0, run.stdout + run.stderr
    for row in ("whole board", "default page", "unchanged poll", "task panel", "list page", "move"):
        assert re.search(rf"^{row} +\d", run.stdout, re.MULTILINE), run.stdout
    assert "missed" not in "".join(re.findall(r"^.*(?:KB sent|queries) .*≤.*$", run.stdout, re.MULTILINE))
    port = re.search(r"http://127\.0\.0\.1:(\d+)", run.stdout)
    assert port
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", int(port[1])))


def test_a_database_with_something_in_it_is_not_touched(database: str) -> None:
    run = bench("--quick", "--database", database)
    assert run.returncode == 1
    assert "not empty" in run.stderr
