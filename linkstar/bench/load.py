"""People who ask for the same again and again, each over a connection that is kept open."""

import http.client
import re
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, cycle, islice
from typing import NamedTuple
from urllib.parse import urlencode

from linkstar.bench import seed

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Call(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: str | None = None


class Figures(NamedTuple):
    """Of one run: requests a second, milliseconds, and the bytes of an answer on the line."""

    rate: float
    p50: float
    p95: float
    size: int


class Person:
    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def ask(self, call: Call) -> bytes:
        self.connection.request(call.method, call.path, call.body, call.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{call.method} {call.path} answered {answer.status}: {body.decode()[:500]}")
        self.cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
        return body

    def sign_in(self) -> dict[str, str]:
        """The headers of somebody who is signed in."""
        form = {"email": seed.EMAIL, "password": seed.PASSWORD, "csrf_token": self._token(Call("GET", "/login", {}))}
        self.ask(Call("POST", "/login", FORM | {"Cookie": self.cookie}, urlencode(form)))
        token = self._token(Call("GET", "/", {"Cookie": self.cookie}))
        return {"Cookie": self.cookie, "X-CSRFToken": token, "Accept-Encoding": "br, gzip"}

    def _token(self, page: Call) -> str:
        return re.findall(r'name="csrf-token" content="([^"]+)"', self.ask(page).decode())[0]

    def first_visit(self, page: Call) -> int:
        """Bytes of a page and of every stylesheet, script, icon and manifest that it names."""
        text = self.ask(page._replace(headers={"Cookie": page.headers["Cookie"]})).decode()
        files = set(re.findall(r'(?:href|src)="(/static/[^"#?]+)', text))
        return sum(len(self.ask(page._replace(path=path))) for path in (page.path, *files))


def drive(port: int, rounds: list[list[Call]], most: int, seconds: float) -> Figures:
    """One connection for each round of calls, all at once, each until it asked `most` times or time is up."""

    def work(calls: list[Call]) -> tuple[list[float], int]:
        person, durations = Person(port), []
        for call in islice(cycle(calls), most):
            asked = time.perf_counter()
            body = person.ask(call)
            durations.append(time.perf_counter() - asked)
            if asked > end:
                break
        person.connection.close()
        return durations, len(body)

    began = time.perf_counter()
    end = began + seconds
    with ThreadPoolExecutor(len(rounds)) as pool:
        results = list(pool.map(work, rounds))
    took = time.perf_counter() - began
    durations = sorted(chain.from_iterable(result[0] for result in results))
    p50, p95 = (durations[int(len(durations) * share)] * 1000 for share in (0.5, 0.95))
    return Figures(len(durations) / took, p50, p95, results[0][1])
