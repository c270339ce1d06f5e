"""The few pieces of HTML that a page is made of; escaping happens here and nowhere else."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Final, NewType

Html = NewType("Html", str)
"""Markup that is escaped already: the type checker lets no other string into a page."""

NOTHING: Final = Html("")
_VOID: Final = frozenset({"meta"})


def text(words: str) -> Html:
    """The words as text of a page.

    >>> print(text("<b> & 'x'"))
    &lt;b&gt; &amp; &#x27;x&#x27;
    """
    return Html(html.escape(words))


def element(tag: str, *children: Html, **attributes: str) -> Html:
    """An element; an underscore at the end of an attribute's name is dropped, others are hyphens.

    >>> print(element("p", text("5 < 6"), class_="a", aria_label='"'))
    <p class="a" aria-label="&quot;">5 &lt; 6</p>
    """
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(value)}"' for name, value in attributes.items()
    )
    return Html(f"<{tag}{pairs}>" + ("" if tag in _VOID else f"{''.join(children)}</{tag}>"))


def code(words: str) -> Html:
    """An ID, a name or a line as it was logged."""
    return element("code", text(words))


def table(caption: str, head: Iterable[str], rows: Iterable[Iterable[Html]]) -> Html:
    """A table with a caption, column headers, and each row's first cell as its header."""
    columns = (element("th", text(each), scope="col") for each in head)
    return element(
        "div",
        element(
            "table",
            element("caption", text(caption)),
            element("thead", element("tr", *columns)),
            element("tbody", *(_row(*cells) for cells in rows)),
        ),
        class_="wide",
    )


def _row(first: Html, *cells: Html) -> Html:
    return element("tr", element("th", first, scope="row"), *(element("td", each) for each in cells))
