"""The robots of Slack, Feishu, WeCom and DingTalk and somebody's webhook, as they would answer: signatures are checked
by rules of their own (written down apart from ours), and so are their clocks and limits."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from linkstar import clock

SECRETS = {"feishu": "demo_secret", "dingtalk": "SECdemo0001", "webhook": "whsec_demo"}
PATHS = {
    "slack": "/services/T000/B000/XXXXSECRETXXXX",
    "feishu": "/open-apis/bot/v2/hook/f00df00d-token",
    "wecom": "/cgi-bin/webhook/send?key=693a91f6-7xxx-4bc4",
    "dingtalk": "/robot/send?access_token=deadbeefdeadbeef",
    "webhook": "/hooks/catch/123/abcdefgh/",
}
HOUR = 3600


class Robots:
    """`calls` is what was taken or refused; `fail` lets the next answers of a kind be others."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.failures: dict[str, list[tuple[int, str, dict[str, str]]]] = {}
        self.port = 0

    def fail(self, kind: str, status: int, body: str = "", times: int = 1, **headers: str) -> None:
        self.failures.setdefault(kind, []).extend([(status, body, headers)] * times)

    def address(self, kind: str) -> str:
        return f"http://127.0.0.1:{self.port}{PATHS[kind]}"

    def taken(self, kind: str) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["kind"] == kind and call["taken"]]

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, dict[str, str]]:
        kind = next(kind for kind, known in PATHS.items() if path.startswith(urlsplit(known).path))
        now = clock.now().timestamp()
        call = {"kind": kind, "at": now, "headers": headers, "body": json.loads(body), "raw": body, "taken": False}
        self.calls.append(call)
        if queue := self.failures.get(kind):
            return queue.pop(0)
        status, said = getattr(self, kind)(call, path, now)
        call["taken"] = status == 200 and said in ("ok", '{"code":0,"msg":"success"}', '{"errcode":0,"errmsg":"ok"}')
        return status, said, {}

    def slack(self, call: dict[str, Any], path: str, now: float) -> tuple[int, str]:
        block = call["body"]["blocks"][0]["text"]
        if not call["body"].get("text") or block["type"] != "mrkdwn" or len(block["text"]) > 3000:
            return 400, "invalid_payload"
        return 200, "ok"

    def feishu(self, call: dict[str, Any], path: str, now: float) -> tuple[int, str]:
        said = call["body"]
        key = f"{said.get('timestamp')}\n{SECRETS['feishu']}".encode()
        wanted = base64.b64encode(hmac.new(key, digestmod=hashlib.sha256).digest()).decode()
        if said.get("sign") != wanted or abs(now - int(said["timestamp"])) > HOUR:
            return 200, '{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}'
        if said["msg_type"] != "post" or len(call["raw"]) > 20_480:
            return 400, '{"code":9499,"msg":"Bad Request"}'
        return 200, '{"code":0,"msg":"success"}'

    def wecom(self, call: dict[str, Any], path: str, now: float) -> tuple[int, str]:
        if parse_qs(urlsplit(path).query).get("key") != ["693a91f6-7xxx-4bc4"]:
            return 200, '{"errcode":93000,"errmsg":"invalid webhook url"}'
        if len(call["body"]["markdown"]["content"].encode()) > 4096:
            return 200, '{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}'
        if len([each for each in self.taken("wecom") if each["at"] > now - 60]) >= 20:
            return 200, '{"errcode":45009,"errmsg":"api freq out of limit"}'
        return 200, '{"errcode":0,"errmsg":"ok"}'

    def dingtalk(self, call: dict[str, Any], path: str, now: float) -> tuple[int, str]:
        asked = parse_qs(urlsplit(path).query)
        stamp = asked.get("timestamp", ["0"])[0]
        text = f"{stamp}\n{SECRETS['dingtalk']}".encode()
        wanted = base64.b64encode(hmac.new(SECRETS["dingtalk"].encode(), text, hashlib.sha256).digest()).decode()
        if asked.get("sign") != [wanted] or abs(now - int(stamp) / 1000) > HOUR:
            return 200, '{"errcode":310000,"errmsg":"sign not match"}'
        return 200, '{"errcode":0,"errmsg":"ok"}'

    def webhook(self, call: dict[str, Any], path: str, now: float) -> tuple[int, str]:
        stamp = call["headers"]["x-linkstar-timestamp"]
        text = stamp.encode() + b"." + call["raw"]
        wanted = "v1=" + hmac.new(SECRETS["webhook"].encode(), text, hashlib.sha256).hexdigest()
        if call["headers"].get("x-linkstar-signature") != wanted or abs(now - int(stamp)) > HOUR:
            return 401, "who are you"
        return 200, "ok"


@contextmanager
def running(app: Any) -> Iterator[Robots]:
    """On a port of this machine that the application may reach."""
    from linkstar.config import Place

    robots = Robots()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said, more = robots.answer(self.path, headers, body)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(said.encode())), **more}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    robots.port = server.server_address[1]
    app.config["OUTGOING_NETWORKS"] = [Place("127.0.0.1", robots.port)]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield robots
    finally:
        server.shutdown()
        server.server_close()
