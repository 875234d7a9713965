"""Briefs and comments: Markdown in, safe HTML out."""

import nh3
from markdown_it import MarkdownIt
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
