"""How each kind of robot takes a message: its shape, its signature, how often it takes one, and what its answers mean.
No database here, and no sentence of ours: words come in, a request goes out."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from linkstar import clock
from linkstar.channels.door import Response
from linkstar.channels.trouble import Later, NeverTaken, NotTaken

AT_MOST = {  # so many messages within so many seconds
    "slack": [(1, 1)],
    "feishu": [(5, 1), (100, 60)],
    "wecom": [(20, 60)],
    "dingtalk": [(20, 60)],
    "webhook": [],
}
HOSTS = {  # where robots of a kind live
    "slack": ("hooks.slack.com", "hooks.slack-gov.com"),
    "feishu": ("open.feishu.cn", "open.larksuite.com"),
    "wecom": ("qyapi.weixin.qq.com",),
    "dingtalk": ("oapi.dingtalk.com", "api.dingtalk.com"),
}
TOGETHER = ("slack", "feishu", "wecom", "dingtalk")  # where people read, so that many things may be one message
BLOCK = 3000  # characters in a block of Slack's
MARKDOWN = 4096  # bytes of WeCom's
BODY = 18_000  # bytes; Feishu and DingTalk take 20 KB with all that is around the text
LONGEST_WAIT = timedelta(hours=1)
MINUTE, TEN_MINUTES = timedelta(minutes=1), timedelta(minutes=10)


@dataclass(frozen=True)
class Item:
    """One thing that happened: what, to which record, where it is to be read, and what else is known."""

    heading: str
    title: str
    address: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Letter:
    """What a channel is told in one message: one item, or many under a heading."""

    heading: str
    items: tuple[Item, ...]
    more: str = ""  # that there are others
    language: str = "zh"

    @property
    def rows(self) -> list[tuple[str, Item]]:
        """Beside the heading: each item with the words in front of its title."""
        if len(self.items) == 1 and not self.more:
            return [("", self.items[0])]
        return [(item.heading, item) for item in self.items]


@dataclass(frozen=True)
class Request:
    address: str
    content: bytes
    headers: dict[str, str]


# shapes


def slack(letter: Letter) -> dict[str, Any]:
    text = _filled(f"*{_for_slack(letter.heading)}*", _slack_rows(letter), _for_slack(letter.more), BLOCK, len)
    plain = _filled(letter.heading, [f"\n{item.title}" for _words, item in letter.rows], letter.more, BLOCK, len)
    block = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return {"text": _for_slack(plain)[:BLOCK], "blocks": [block], "unfurl_links": False}


def _slack_rows(letter: Letter) -> list[str]:
    rows = []
    for words, item in letter.rows:
        front = f"{_for_slack(words)} " if words else ""
        link = f"<{item.address}|{_for_slack(item.title)}>"
        rows.append("\n" + "\n".join([f"{front}{link}", *map(_for_slack, item.lines)]))
    return rows


def _for_slack(text: str) -> str:
    return _line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def feishu(letter: Letter) -> dict[str, Any]:
    rows: list[list[dict[str, str]]] = []
    size = len(json.dumps(letter.heading).encode())
    for words, item in letter.rows:
        front = [{"tag": "text", "text": f"{_line(words)} "}] if words else []
        row = [[*front, {"tag": "a", "text": _line(item.title), "href": item.address}]]
        row += [[{"tag": "text", "text": _line(line)}] for line in item.lines]
        size += len(json.dumps(row).encode())
        if size > BODY:
            break
        rows += row
    rows += [[{"tag": "text", "text": _line(letter.more)}]] if letter.more else []
    told = {"title": _line(letter.heading), "content": rows}
    return {"msg_type": "post", "content": {"post": {"zh_cn" if letter.language == "zh" else "en_us": told}}}


def wecom(letter: Letter) -> dict[str, Any]:
    text = _filled(f"**{_in_markdown(letter.heading)}**", _markdown_rows(letter, "\n"), letter.more, MARKDOWN, _bytes)
    return {"msgtype": "markdown", "markdown": {"content": text}}


def dingtalk(letter: Letter) -> dict[str, Any]:
    text = _filled(f"### {_in_markdown(letter.heading)}", _markdown_rows(letter, "\n\n"), letter.more, BODY, _bytes)
    title = _line(letter.heading)[:100]
    return {"msgtype": "markdown", "markdown": {"title": title, "text": text}, "at": {"isAtAll": False}}


def _markdown_rows(letter: Letter, pause: str) -> list[str]:
    rows = []
    for words, item in letter.rows:
        front = f"{_in_markdown(words)} " if words else ""
        first = f"{front}[{_in_markdown(item.title)}]({item.address})"
        rows.append(pause + pause.join([first, *map(_in_markdown, item.lines)]))
    return rows


def _in_markdown(text: str) -> str:
    """No link, no picture, no call of everybody that somebody wrote into a title: neither dialect knows how to take a
    sign at its word, so they are written as their wide twins."""
    return _line(text).translate(str.maketrans("<>[]*`", "＜＞［］＊｀"))


def _line(text: str) -> str:
    return " ".join(text.split())


def _bytes(text: str) -> int:
    return len(text.encode())


def _filled(head: str, rows: list[str], more: str, most: int, size: Callable[[str], int]) -> str:
    """As many rows as there is room for; a row goes in whole or, where it is the only one, as far as it fits."""
    tail = f"\n\n{more}" if more else ""
    text = head
    for number, row in enumerate(rows):
        if size(text + row + tail) > most:
            return (text if number else _cut(text + row, most - size(tail), size)) + tail
        text += row
    return text + tail


def _cut(text: str, most: int, size: Callable[[str], int]) -> str:
    while size(text) > most:
        text = text[: len(text) - max(1, (size(text) - most) // 4)]
    return text


SHAPES: dict[str, Callable[[Letter], dict[str, Any]]] = {
    "slack": slack, "feishu": feishu, "wecom": wecom, "dingtalk": dingtalk,
}  # fmt: skip


# signatures


def feishu_sign(timestamp: str, secret: str) -> str:
    """The text is the key, and what is signed is nothing."""
    return base64.b64encode(hmac.digest(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256)).decode()


def dingtalk_sign(timestamp: str, secret: str) -> str:
    """As it stands in an address."""
    digest = hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256)
    return quote(base64.b64encode(digest).decode(), safe="")


def webhook_sign(timestamp: str, secret: str, content: bytes) -> str:
    return "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + content, hashlib.sha256).hexdigest()


def signed(kind: str, address: str, secret: str | None, told: dict[str, Any], headers: dict[str, str]) -> Request:
    """What is sent at this moment: the other side believes a signature for an hour at most."""
    seconds = str(int(clock.now().timestamp()))
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Linkstar", **headers}
    if kind == "feishu" and secret:
        told = {"timestamp": seconds, "sign": feishu_sign(seconds, secret), **told}
    if kind == "dingtalk" and secret:
        milliseconds = str(int(clock.now().timestamp() * 1000))
        joint = "&" if urlsplit(address).query else "?"
        address = f"{address}{joint}timestamp={milliseconds}&sign={dingtalk_sign(milliseconds, secret)}"
    content = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    if kind == "webhook":
        headers["X-Linkstar-Timestamp"] = seconds
        if secret:
            headers["X-Linkstar-Signature"] = webhook_sign(seconds, secret, content)
    return Request(address, content, headers)


# answers

SLACK_WORD = re.compile(r"[a-z_]{1,60}")
CODES = {  # kind → the members of an answer that hold its code and its words
    "feishu": (("code", "StatusCode"), ("msg", "StatusMessage")),
    "wecom": (("errcode",), ("errmsg",)),
    "dingtalk": (("errcode",), ("errmsg",)),
}
TOO_OFTEN = {
    "feishu": {"11232": MINUTE}, "wecom": {"45009": MINUTE},
    "dingtalk": {"130101": TEN_MINUTES, "410100": TEN_MINUTES},
}  # fmt: skip
FOR_GOOD = {  # codes: nobody is there, or the same message would be refused again until somebody changes something
    "feishu": {"9499", "19001", "19021", "19022", "19024"},
    "wecom": {"40008", "40058", "44004", "93000"},
    "dingtalk": {
        "40035", "43004", "300001", "300005", "310000", "400013", "400101", "400102", "400105", "400106", "430101",
        "430102", "430103", "430104",
    },
}  # fmt: skip
TRY_AGAIN = (408, 409, 423, 425, 429)  # of the statuses that blame the message those that pass


def read(kind: str, response: Response) -> None:
    """Says nothing where the message was taken; raises Later, NeverTaken where to try again is of no use, or
    NotTaken."""
    status = response.status
    if status == 429:
        raise Later(_retry_after(response.headers.get("retry-after", "")))
    if kind in CODES:
        _read_code(kind, response)
    elif status != 200 if kind == "slack" else not 200 <= status < 300:
        said = response.text.strip() if kind == "slack" else ""
        raise _refusal(status)(str(status), said if SLACK_WORD.fullmatch(said) else "")


def _read_code(kind: str, response: Response) -> None:
    """These say with 200 as well that they did not take it."""
    try:
        told = json.loads(response.text)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise _refusal(response.status)(str(response.status) if response.status != 200 else "answer")
    codes, words = CODES[kind]
    code = next((str(told[name]) for name in codes if name in told), None)
    said = next((str(told[name]) for name in words if told.get(name)), "")
    if code == "0" and response.status == 200:
        return
    if code in (None, "0"):
        raise _refusal(response.status)(str(response.status))
    if wait := TOO_OFTEN[kind].get(code or ""):
        raise Later(clock.now() + wait)
    raise (NeverTaken if code in FOR_GOOD[kind] else _refusal(response.status))(code or "", said)


def _refusal(status: int) -> type[NotTaken]:
    return NeverTaken if 300 <= status < 500 and status not in TRY_AGAIN else NotTaken


def _retry_after(text: str) -> datetime:
    """A number of seconds, or a moment; a minute where it says nothing that can be read."""
    now = clock.now()
    try:
        at = now + timedelta(seconds=int(text)) if text.isascii() and text.isdigit() else parsedate_to_datetime(text)
        return min(max(at, now + timedelta(seconds=1)), now + LONGEST_WAIT)
    except (ValueError, TypeError, OverflowError):
        return now + MINUTE


def without_secrets(said: str, address: str, secret: str | None) -> str:
    """What the other side said, on one line, and nothing of the address or the secret in it."""
    url = urlsplit(address)
    parts = {address, secret or "", *url.path.split("/"), *re.split("[&=]", url.query)}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= 8:
            said = said.replace(part, "…")
    return _line(re.sub(r"[^\S ]|[\x00-\x1f\x7f]", " ", said))[:200]
