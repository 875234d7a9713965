"""Briefs and comments: Markdown in, safe HTML or plain text out."""

from collections.abc import Iterator, Sequence

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

TAGS = set(
    "p br hr strong em del code pre blockquote ul ol li h1 h2 h3 h4 a table thead tbody tr th td".split()  # noqa: SIM905
)

_parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True})
_parser.enable(["linkify", "table", "strikethrough"])


def to_html(text: str | None) -> Markup:
    """Only the tags above survive, and only http, https and mailto links; no attribute that a script could hang on."""
    if not text:
        return Markup("")
    clean = nh3.clean(
        _parser.render(text),
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(clean)


def to_text(text: str | None) -> str:
    """What a reader reads, line by line, with the addresses of links; nothing of how it was marked."""
    return "\n".join(_lines(_parser.parse(text or ""), addresses=True)).strip("\n")


def to_line(text: str | None) -> str:
    """The same in one line and without addresses, for an excerpt."""
    return " ".join(" ".join(_lines(_parser.parse(text or ""), addresses=False)).split())


def _lines(tokens: Sequence[Token], *, addresses: bool) -> Iterator[str]:
    marks: list[str] = []  # of each list item that is open, what stands before its next line
    cells: list[str] = []
    for token in tokens:
        if token.type == "list_item_open":
            marks.append(f"{token.info}. " if token.info else "- ")
        elif token.type == "list_item_close":
            marks.pop()
        elif token.type == "inline":
            cells.append(_words(token.children or (), addresses=addresses))
        elif token.type in ("fence", "code_block"):
            cells.append(token.content.rstrip("\n"))
        if cells and token.type in ("paragraph_close", "heading_close", "tr_close", "fence", "code_block"):
            front = "  " * (len(marks) - 1) + marks[-1] if marks else ""
            yield front + " | ".join(cells)
            marks[-1:] = [" " * len(each) for each in marks[-1:]]
            cells.clear()
        if token.level == 0 and token.nesting <= 0 and token.type != "inline":
            yield ""  # a block has ended


def _words(tokens: Sequence[Token], *, addresses: bool) -> str:
    words, opened = "", []
    for token in tokens:
        if token.type == "link_open":
            opened.append((str(token.attrs["href"]), len(words)))
        elif token.type == "link_close":
            address, start = opened.pop()
            if addresses and words[start:] not in address:
                words += f" ({address})"
        elif token.type in ("softbreak", "hardbreak"):
            words += "\n"
        else:
            words += token.content
    return words
