"""HTML to the text its author wrote: line breaks kept, quoted posts left out."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import lxml.html
from lxml import etree

SILENT = frozenset({"script", "style", "template", "noscript", "head", "iframe", "object", "svg"})
BLOCKS = frozenset(
    (
        "address",
        "article",
        "aside",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "td",
        "th",
        "tr",
        "ul",
    )
)
# No-break and ideographic spaces are what an author typed; only these collapse.
SOFT_SPACE = re.compile(r"[ \t\r\n\f]+")
ESCAPED_TAG = re.compile(
    r"&lt;/?(?:a|b|br|blockquote|div|em|font|i|img|li|p|span|strong|ul)\b", re.I
)
TAG = re.compile(r"<(?:!--|/?[a-zA-Z])")
# A comment feed begins an answer with the name of whom it answers.
REPLY_HEAD = re.compile(
    r"^(\s*(?:<p>)?\s*(?:In reply to|回覆|回复|回應|回应)\s*"
    r"<a\s[^>]*href=[\"']([^\"']*#comment-\d+)"
    r"[\"'][^>]*>)[^<]*(</a>\s*[.。]?\s*)"
)
QUOTE_HEAD = re.compile(r"(?<=>)[^<>]{1,64}?(\s*(?:发表于|發表於)(?:\s|&nbsp;)*\d{4}-)")


@dataclass
class Markup:
    """What a fragment of HTML says: the author's own text, and links of the posts it quotes."""

    text: str
    quoted_links: list[str] = field(default_factory=list)


def read_html(fragment: str) -> Markup:
    """Read a fragment; `blockquote` and `.quote` are other people's words and left out.

    A fragment whose tags were escaped twice is unescaped first. Never raises: what cannot be parsed
    is taken as plain text.
    """
    fragment = unescape_twice(fragment)
    if not TAG.search(fragment):
        return Markup(_tidy(html.unescape(fragment).replace("\r\n", "\n")))
    try:
        root = lxml.html.fragment_fromstring(
            fragment, create_parent="div", parser=lxml.html.HTMLParser(huge_tree=True)
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return Markup(_tidy(html.unescape(fragment)))
    return read_tree(root)


def read_tree(root: etree._Element) -> Markup:
    """Read what was parsed already, as `read_html` reads a fragment."""
    found = Markup("")
    found.text = _tidy("".join(_flow(root, found.quoted_links)))
    return found


def unescape_twice(fragment: str) -> str:
    """Undo one escaping when a fragment holds escaped tags and no real ones."""
    if not TAG.search(fragment) and ESCAPED_TAG.search(fragment):
        return html.unescape(fragment)
    return fragment


def is_cut_off(page: bytes) -> bool:
    """Whether a page that came as whole lacks its end; true pages close what they opened."""
    return b"</html>" not in page[-4096:].lower()


def plain_title(text: str) -> str:
    """Read a title that should be plain text but often carries entities or tags."""
    text = re.sub(r"</?(?:b|i|em|strong|span|sup|sub|br)\b[^>]*>", "", text)
    return SOFT_SPACE.sub(" ", html.unescape(text)).strip(" ")


def mask_quote_heads(fragment: str) -> str:
    """Take the person out of `NAME 发表于 2026-1-5` and `In reply to NAME.`"""
    return QUOTE_HEAD.sub(r"@user\1", REPLY_HEAD.sub(r"\1@user\3", fragment))


def cut_reply_head(fragment: str) -> tuple[str, str | None]:
    """Return a comment without its `In reply to NAME.`, and the link of what it answers."""
    match = REPLY_HEAD.match(fragment)
    return (fragment[match.end() :], match[2]) if match else (fragment, None)


def is_quote(element: etree._Element) -> bool:
    return element.tag == "blockquote" or "quote" in (element.get("class") or "").split()


def _flow(root: etree._Element, quoted_links: list[str]) -> Iterator[str]:
    """Yield the text in document order; an explicit stack, because pages nest 200,000 deep."""
    stack: list[etree._Element | str | None] = [root]
    in_pre = 0
    while stack:
        node = stack.pop()
        if node is None:
            in_pre -= 1
        elif isinstance(node, str):
            yield node if in_pre else SOFT_SPACE.sub(" ", node)
        elif isinstance(node.tag, str) and is_quote(node):
            quoted_links.extend(a.get("href") for a in node.iter("a") if a.get("href"))
        elif isinstance(node.tag, str) and node.tag not in SILENT:
            yield from _open(node)
            in_pre += node.tag == "pre"
            stack.extend(_inside(node))


def _open(node: etree._Element) -> Iterator[str]:
    if node.tag == "br" or node.tag in BLOCKS:
        yield "\n"
    elif node.tag == "img" and _is_emoji(node):
        yield node.get("alt") or ""


def _inside(node: etree._Element) -> list[etree._Element | str | None]:
    """List what a node holds, last first, as a stack wants it."""
    parts: list[etree._Element | str | None] = [node.text or ""]
    for child in node:
        parts.append(child)
        parts.append(child.tail or "")
    if node.tag in BLOCKS:
        parts.append("\n")
    if node.tag == "pre":
        parts.append(None)
    return parts[::-1]


def _is_emoji(image: etree._Element) -> bool:
    return any("emoji" in name or "smiley" in name for name in (image.get("class") or "").split())


def _tidy(text: str) -> str:
    lines = [line.strip(" \t") for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
