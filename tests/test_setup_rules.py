import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "command",
    [
        ("lint-imports", "--no-cache"),
        ("ruff", "check", "--no-cache"),
        ("mypy",),
        ("djlint", "templates", "--lint", "--quiet"),
    ],
    ids=["import-linter", "ruff", "mypy", "djlint"],
)
def test_the_rules_of_the_house_are_kept(command: tuple[str, ...]) -> None:
    program, *arguments = command
    run = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    "lock",
    ["requirements.txt", "tests/requirements.txt", "linkstar/assets/uv.txt", "linkstar/assets/node.txt"],
)
def test_every_pin_has_its_hash_and_no_place(lock: str) -> None:
    text = (CHECKOUT / lock).read_text()
    assert "://" not in text
    for pin in re.split(r"\n(?=\w)", text.strip()):
        assert "==" in pin and "--hash=sha256:" in pin


def test_the_browser_packages_have_their_hash_and_no_place() -> None:
    text = (CHECKOUT / "linkstar/assets/package-lock.json").read_text()
    assert "://" not in text
    assert text.count('"integrity"') == text.count('"version"')
