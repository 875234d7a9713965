"""What the account page shows beside its forms: where the person is signed in, and the second factor."""

import re
from functools import cached_property

from linkstar.i18n import _
from linkstar.models import SecondFactor, SignIn, User

BROWSERS = (  # the first that fits: nearly all claim to be several others as well
    ("MicroMessenger", "WeChat"), ("wxwork", "WeCom"), ("Lark|Feishu", "Feishu"), ("DingTalk", "DingTalk"),
    ("Edg", "Edge"), ("OPR|Opera", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("QQBrowser", "QQ Browser"),
    ("UCBrowser", "UC Browser"), ("Firefox|FxiOS", "Firefox"), ("Chrom|CriOS", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS X|Macintosh", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


class Device:
    """One place where the person is signed in."""

    def __init__(self, sign_in: SignIn, token: str) -> None:
        self.id, self.since, self.until = sign_in.id, sign_in.created_at, sign_in.expires_at
        self.is_this_one = sign_in.is_behind(token)
        self.by_link = sign_in.mailed_link_id is not None
        self.words = device_words(sign_in.device)


class Account:
    def __init__(self, user: User, token: str) -> None:
        self.user, self.token = user, token

    @cached_property
    def devices(self) -> list[Device]:
        return [Device(sign_in, self.token) for sign_in in SignIn.of(self.user)]

    @property
    def recovery_codes_left(self) -> int:
        return SecondFactor(self.user).recovery_codes_left


def device_words(user_agent: str) -> str:
    browser, system = _first(BROWSERS, user_agent), _first(SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or _("Unknown device")


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in names if re.search(mark, user_agent, re.IGNORECASE)), "")
