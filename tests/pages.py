"""Looks into an answer the way scripts and screen readers do: by attributes, not by wording."""

from html.parser import HTMLParser


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append({"tag": tag, **{name: value or "" for name, value in attributes}})


def elements(html: str, *names: str, **values: str) -> list[dict[str, str]]:
    """All elements that carry these attributes, those in `values` with just this value."""
    parser = _Elements()
    parser.feed(html)
    return [
        element
        for element in parser.found
        if all(name in element for name in names)
        and all(element.get(name.rstrip("_")) == value for name, value in values.items())
    ]


def ids(html: str, attribute: str) -> list[int]:
    """The numbers in data-task-id and its like, in the order of the page."""
    return [int(element[attribute]) for element in elements(html, attribute)]
