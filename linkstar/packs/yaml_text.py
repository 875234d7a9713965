"""YAML, ours and other people's. Nobody imports this before there is some to read."""

from collections.abc import Hashable
from typing import Any

import yaml

from linkstar.packs.faults import PackFault
from linkstar.packs.files import LARGEST

DEEPEST = 40

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Strict(Loader):
    """Of two fields with one name YAML keeps the last and says nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise Twice(key.value, _line(key.start_mark))
                seen.add(key.value)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


class Twice(Exception):
    def __init__(self, field: str, line: int) -> None:
        super().__init__(field, line)
        self.field, self.line = field, line


def load_untrusted(data: bytes | str, file: str) -> Any:
    """What an uploaded file holds. What could grow in memory is refused before anything is built from it."""
    if isinstance(data, str):
        data = data.encode(errors="surrogatepass")
    if len(data) > LARGEST:
        raise PackFault(file, file, "too_big", limit=LARGEST // 2**20)
    depth = 0
    try:
        for event in yaml.parse(data, Loader=Loader):
            line = _line(event.start_mark)
            if getattr(event, "anchor", None):
                raise PackFault(file, file, "alias", line=line)
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > DEEPEST:
                raise PackFault(file, file, "too_deep", line=line)
    except (yaml.YAMLError, ValueError) as trouble:
        raise _not_yaml(file, trouble) from None
    return load(data, file)


def load(data: bytes, file: str) -> Any:
    try:
        return yaml.load(data, Strict)
    except Twice as twice:
        raise PackFault(file, file, "field_twice", field=twice.field, line=twice.line) from None
    except (yaml.YAMLError, ValueError) as trouble:
        raise _not_yaml(file, trouble) from None


def _not_yaml(file: str, trouble: Exception) -> PackFault:
    return PackFault(file, file, "not_yaml", line=_line(getattr(trouble, "problem_mark", None)))


def _line(mark: Any) -> int:
    return mark.line + 1 if mark else 1
