"""Feeds of every dialect as one list of entries: RSS 0.9 to 2.0, RDF, Atom, JSON Feed.

The parser recovers from ill-formed documents, because forums do not escape their titles; it expands
no entity, loads no DTD and opens no connection.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from scrapers.encodings import read_text
from scrapers.parsers.markup import mask_quote_heads, plain_title

PREFIXES = {
    "http://www.w3.org/2005/Atom": "",
    "http://purl.org/rss/1.0/": "",
    "http://my.netscape.com/rdf/simple/0.9/": "",
    "http://backend.userland.com/rss2": "",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf:",
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/dc/terms/": "dcterms:",
    "http://purl.org/rss/1.0/modules/slash/": "slash:",
    "http://wellformedweb.org/CommentAPI/": "wfw:",
    "http://purl.org/syndication/thread/1.0": "thr:",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner:",
    "http://search.yahoo.com/mrss/": "media:",
    "http://purl.org/syndication/history/1.0": "fh:",
    "http://www.w3.org/1999/xhtml": "xhtml:",
}
THREAD_COUNT = "{http://purl.org/syndication/thread/1.0}count"
MOST_ENTRIES = 20_000
XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding=["']([A-Za-z][\w.:-]{0,39})["']""")
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>\s*")
BEFORE_DOCTYPE = re.compile(r"(?:\s|<!--(?:(?!-->).)*+-->|<\?[^>]*+>)*+<!DOCTYPE", re.S | re.I)
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
NAMED_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,30});")
NUMBERED = re.compile(r"&#(?:[xX]([0-9a-fA-F]{1,6})|(\d{1,7}));")
BARE_AMPERSAND = re.compile(r"&(?!#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,30};)")
END_OF_SUBSET = re.compile(r"\]\s*+>")
# What is read as it stands: a title that nobody escaped, and CDATA.
VERBATIM = re.compile(r"<title>(?!\s*<!\[CDATA\[)|<!\[CDATA\[")
ENDS = {"<title>": "</title>", "<![CDATA[": "]]>"}
XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})

PERSONS = frozenset(
    {"author", "dc:creator", "creator", "contributor", "managingEditor", "webMaster", "authors"}
)


class NotAFeedError(ValueError):
    """What came back is no feed; the message says what it seems to be."""


@dataclass
class Entry:
    """One entry, still as printed; `unread` names the keys that nothing above took."""

    guid: str | None = None
    link: str | None = None
    title: str | None = None
    content: str | None = None
    is_plain_text: bool = False
    is_summary: bool = False
    author: str | None = None
    published_raw: str | None = None
    updated_raw: str | None = None
    categories: tuple[str, ...] = ()
    comment_count: str | None = None
    in_reply_to: str | None = None
    base: str | None = None
    raw: dict[str, Any] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FeedDocument:
    """A feed as received; entries in document order."""

    title: str | None
    generator: str | None
    entries: tuple[Entry, ...]
    links: Mapping[str, str] = field(default_factory=dict)  # of the feed itself, by `rel`
    is_cut: bool = False  # it breaks off before its end
    is_last_cut: bool = False  # in the middle of its last entry
    is_complete: bool = False  # it says that no entry is missing (RFC 5005, 2)
    rest_minutes: str | None = None  # for which it asks to be left alone
    remark: str | None = None  # of how its bytes were read


def parse_feed(body: bytes, *, charset: str | None = None) -> FeedDocument:
    """Read a feed; `NotAFeedError` when it is none, or only the beginning of one.

    `charset` is what the transport declared; the document's own declaration comes before it.
    """
    declared = [declared_encoding(body), charset]
    read = read_text(body, declared)
    return replace(_parse(read.text), remark=read.remark(declared))


def declared_encoding(body: bytes) -> str | None:
    """Return the encoding that an XML declaration names."""
    found = XML_ENCODING.search(body[:1024])
    return found[1].decode("ascii") if found else None


def _parse(text: str) -> FeedDocument:
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return _json_feed(text.lstrip("\ufeff"))
    root = parse_xml(text)
    name = _name(root)
    if name not in _DIALECTS:
        raise NotAFeedError(_seems_to_be(text))
    read = _DIALECTS[name]
    _require_few(sum(_name(e) in {"item", "entry"} for e in root.iter()))
    feed, entry = read(root), "entry" if name == "feed" else "item"
    last = text.rfind(f"<{entry}")
    is_cut = text.rfind(f"</{_printed_name(root)}") < max(last, 0) and "/>" not in text[-9:]
    is_last_cut = is_cut and text.rfind(f"</{entry}>") < last
    return replace(feed, is_cut=is_cut, is_last_cut=is_last_cut)


def _require_few(count: int) -> None:
    if count > MOST_ENTRIES:
        raise NotAFeedError(f"{count:,} entries, where no feed has more than {MOST_ENTRIES:,}")


def _printed_name(element: etree._Element) -> str:
    name = etree.QName(element).localname
    return f"{element.prefix}:{name}" if element.prefix else name


class _Keys:
    """The children of one entry, taken by name; what is never asked for is left over."""

    def __init__(self, element: etree._Element) -> None:
        self.found: dict[str, list[etree._Element]] = {}
        for child in element:
            if isinstance(child.tag, str):
                self.found.setdefault(_name(child), []).append(child)
        self.taken: set[str] = set()

    def all(self, name: str) -> list[etree._Element]:
        self.taken.add(name)
        return self.found.get(name, [])

    def text(self, *names: str) -> str | None:
        """Return the first non-empty text among these names; all of them count as taken."""
        texts = [_text(e).strip() for name in names for e in self.all(name)]
        return next((text for text in texts if text), None)

    def raw(self) -> dict[str, Any]:
        return {
            name: texts[0] if len(texts) == 1 else texts
            for name, elements in self.found.items()
            if name not in PERSONS and (texts := [mask_quote_heads(_shown(e)) for e in elements])
        }

    def unread(self) -> frozenset[str]:
        return frozenset(self.found) - self.taken


def _rss(root: etree._Element) -> FeedDocument:
    channel = next((e for e in root.iter() if _name(e) == "channel"), root)
    items = [e for e in root.iter() if _name(e) == "item"]
    keys = _Keys(channel)
    return FeedDocument(
        title=keys.text("title"),
        generator=keys.text("generator"),
        entries=tuple(_rss_entry(item) for item in items),
        links=_links(keys.all("link")),
        is_complete="fh:complete" in keys.found,
        rest_minutes=keys.text("ttl"),
    )


def _rss_entry(item: etree._Element) -> Entry:
    keys = _Keys(item)
    content = keys.text("content:encoded")
    description = keys.text("description", "dc:description")
    resource = item.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about")
    return Entry(
        guid=keys.text("guid") or resource,
        link=keys.text("feedburner:origLink") or _rss_link(keys),
        title=keys.text("title", "dc:title"),
        content=content or description,
        is_summary=not content,
        author=keys.text("dc:creator", "author", "creator"),
        published_raw=keys.text("pubDate", "dc:date", "date", "published"),
        updated_raw=keys.text("updated", "dcterms:modified"),
        categories=tuple(_texts(keys.all("category") + keys.all("dc:subject"))),
        comment_count=keys.text("slash:comments", "thr:total"),
        in_reply_to=_reply_reference(keys),
        base=_base(item),
        raw=keys.raw(),
        unread=keys.unread(),
    )


def _rss_link(keys: _Keys) -> str | None:
    permalinks = [e for e in keys.all("guid") if e.get("isPermaLink", "true").lower() == "true"]
    hrefs = [e.get("href") for e in keys.all("link") if e.get("href")]
    guid = next((t for t in _texts(permalinks) if t.startswith(("http://", "https://"))), None)
    return keys.text("link") or next(iter(hrefs), None) or guid


def _atom(root: etree._Element) -> FeedDocument:
    """Read Atom; the feed's author is the author of entries that name none (RFC 4287, 4.2.1)."""
    keys = _Keys(root)
    author = _person(keys.all("author"))
    entries = (_atom_entry(e) for e in keys.all("entry"))
    return FeedDocument(
        title=keys.text("title"),
        generator=keys.text("generator"),
        entries=tuple(replace(e, author=e.author or author) for e in entries),
        links=_links(keys.all("link")),
        is_complete="fh:complete" in keys.found,
    )


def _links(links: list[etree._Element]) -> dict[str, str]:
    """Return where a feed leads, by relation; RSS borrows Atom's links for it."""
    hrefs = [(e.get("rel"), join(_base(e) or "", e.get("href", ""))) for e in reversed(links)]
    return {rel: href for rel, href in hrefs if rel and href}


def _atom_entry(entry: etree._Element) -> Entry:
    keys = _Keys(entry)
    contents = [e for e in keys.all("content") if _content(e)]
    summaries = [e for e in keys.all("summary") if _content(e)]
    chosen = next(iter(contents or summaries), None)
    links = keys.all("link")
    return Entry(
        guid=keys.text("id"),
        link=keys.text("feedburner:origLink") or _alternate(links),
        title=_atom_title(keys.all("title")),
        content=_content(chosen) if chosen is not None else None,
        is_plain_text=chosen is not None and chosen.get("type", "text") == "text",
        is_summary=not contents,
        author=_person(keys.all("author")) or keys.text("dc:creator"),
        published_raw=keys.text("published", "issued"),
        updated_raw=keys.text("updated", "modified"),
        categories=tuple(t for e in keys.all("category") if (t := e.get("term"))),
        comment_count=keys.text("thr:total", "slash:comments") or _reply_count(links),
        in_reply_to=_reply_reference(keys),
        base=_base(entry),
        raw=keys.raw(),
        unread=keys.unread(),
    )


def _person(authors: list[etree._Element]) -> str | None:
    names = (_text(n).strip() for a in authors for n in a if _name(n) == "name")
    return next((name for name in names if name), None)


def _reply_count(links: list[etree._Element]) -> str | None:
    """Return how many answers a link to them counts (RFC 4685, 4)."""
    counts = (e.get(THREAD_COUNT) for e in links if e.get("rel") == "replies")
    return next(filter(None, counts), None)


def _atom_title(titles: list[etree._Element]) -> str | None:
    return next((text for e in titles if (text := _content(e).strip())), None)


def _alternate(links: list[etree._Element]) -> str | None:
    """Return the link to the entry's page: `rel` absent means alternate."""
    named = {e.get("rel", "alternate"): e.get("href") for e in reversed(links) if e.get("href")}
    return named.get("alternate") or named.get("self")


def _reply_reference(keys: _Keys) -> str | None:
    return next((e.get("ref") for e in keys.all("thr:in-reply-to") if e.get("ref")), None)


_DIALECTS: dict[str, Callable[[etree._Element], FeedDocument]] = {
    "rss": _rss,
    "rdf:RDF": _rss,
    "feed": _atom,
}


def _json_feed(text: str) -> FeedDocument:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAFeedError(_seems_to_be(text)) from None
    if not isinstance(data, dict) or not str(data.get("version", "")).find("jsonfeed.org") >= 0:
        raise NotAFeedError("JSON that is no JSON Feed (no jsonfeed.org version)")
    items = [i for i in _listed(data.get("items")) if isinstance(i, dict)]
    _require_few(len(items))
    older, author = _printed(data.get("next_url")), _json_author(data)
    entries = map(_json_entry, items)
    return FeedDocument(
        _printed(data.get("title")),
        None,
        tuple(replace(e, author=e.author or author) for e in entries),
        links={"next": older} if older else {},
    )


JSON_KEYS = frozenset(
    (
        "id",
        "url",
        "external_url",
        "title",
        "content_html",
        "content_text",
        "summary",
        "date_published",
        "date_modified",
        "author",
        "authors",
        "tags",
    )
)


def _json_entry(item: dict[str, Any]) -> Entry:
    html_text, plain = _printed(item.get("content_html")), _printed(item.get("content_text"))
    content, summary = html_text or plain, _printed(item.get("summary"))
    return Entry(
        guid=_printed(item.get("id")),
        link=_printed(item.get("url")) or _printed(item.get("external_url")),
        title=_printed(item.get("title")),
        content=content or summary,
        is_plain_text=not html_text,
        is_summary=not content,
        author=_json_author(item),
        published_raw=_printed(item.get("date_published")),
        updated_raw=_printed(item.get("date_modified")),
        categories=tuple(t for one in _listed(item.get("tags")) if (t := _printed(one))),
        raw={k: v for k, v in item.items() if k not in PERSONS},
        unread=frozenset(item) - JSON_KEYS,
    )


def _json_author(data: dict[str, Any]) -> str | None:
    people = _listed(data.get("authors")) or [data.get("author")]  # 1.1, then 1.0
    names = (_printed(p.get("name")) for p in people if isinstance(p, dict))
    return next((name for name in names if name), None)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _printed(value: object) -> str | None:
    """Return a text, or a number as text: 1.0 let ids be numbers; what is neither says nothing."""
    is_one = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if is_one and value != "" else None


def parse_xml(text: str) -> etree._Element:
    """Parse what may be ill-formed; `NotAFeedError` when nothing of it is XML."""
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(_mend(text).encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        raise NotAFeedError(_seems_to_be(text))
    return root


def _mend(text: str) -> str:
    """Make ill-formed text parseable without changing what it says, in time linear in its length.

    Outside CDATA: HTML's named entities become their characters, bare ampersands and the unescaped
    `<` of a title are escaped. Everywhere: characters that XML forbids go. A DOCTYPE, and with it
    any entity somebody declares, is cut off.
    """
    text = FORBIDDEN.sub("", DECLARATION.sub("", text.lstrip("\ufeff")))
    return "".join(_mended(_without_doctype(text)))


def _without_doctype(text: str) -> str:
    """Cut off a DOCTYPE before the root; one that never ends is left for the parser to refuse."""
    start = BEFORE_DOCTYPE.match(text)
    if start is None:
        return text
    end, inner = text.find(">", start.end()), text.find("[", start.end())
    if 0 <= inner < end:
        subset = END_OF_SUBSET.search(text, inner)
        end = subset.end() - 1 if subset else -1
    return text if end < 0 else text[end + 1 :]


def _mended(text: str) -> Iterator[str]:
    at, endless = 0, set[str]()
    for start in VERBATIM.finditer(text):
        if start.start() < at or start[0] in endless:
            continue
        end = text.find(ENDS[start[0]], start.end())
        if end < 0:
            endless.add(start[0])
            continue
        yield _escaped(text[at : start.start()])
        inner = text[start.end() : end]
        if start[0] == "<title>":
            inner = _escaped(inner.replace("<", "&lt;").replace(">", "&gt;"))
        at = end + len(ENDS[start[0]])
        yield f"{start[0]}{inner}{ENDS[start[0]]}"
    yield _escaped(text[at:])


def _escaped(text: str) -> str:
    text = NUMBERED.sub(_number_it, text)
    return BARE_AMPERSAND.sub("&amp;", NAMED_ENTITY.sub(_name_it, text))


def _number_it(match: re.Match[str]) -> str:
    """Return a numbered character as it stands, or U+FFFD for one that no text can hold."""
    number = int(match[1], 16) if match[1] else int(match[2])
    is_one = number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
    return match[0] if is_one and not FORBIDDEN.match(chr(number)) else "\ufffd"


def _name_it(match: re.Match[str]) -> str:
    """Return the character that an entity names; one that nobody knows is text as it stands."""
    if match[1] in XML_ENTITIES:
        return match[0]
    named = html.unescape(match[0])
    return named if named != match[0] else f"&amp;{match[1]};"


def _seems_to_be(text: str) -> str:
    start = " ".join(text[:2000].split())
    if re.match(r"<!doctype html|<html", start, re.I):
        title = re.search(r"<title[^<>]*>([^<]*)</title>", text[:65536], re.I)
        named = f", titled {plain_title(title[1])[:80]!r}" if title else ""
        return f"an HTML page{named}"
    return f"text that begins {start[:80]!r}" if start else "an empty answer"


def _name(element: etree._Element) -> str:
    """Name an element by the prefix that its namespace usually has."""
    if not isinstance(element.tag, str):
        return ""
    name = etree.QName(element.tag) if element.tag.startswith("{") else None
    if name is None:
        return element.tag
    prefix = PREFIXES.get(name.namespace or "")
    if prefix is None:
        prefix = f"{element.prefix}:" if element.prefix else ""
    return f"{prefix}{name.localname}"


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace; a comment has none."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _text(element: etree._Element) -> str:
    return "".join(element.itertext())


def _texts(elements: Iterable[etree._Element]) -> Iterator[str]:
    return (text for e in elements if (text := _text(e).strip()))


def _content(element: etree._Element) -> str:
    """Return an Atom text construct as HTML or text; XHTML is written out again."""
    if element.get("type") == "xhtml" and len(element):
        written = etree.tostring(element[0], encoding="unicode", with_tail=False)
        return re.sub(r"<(/?)xhtml:|<(/?)\w+:(?=\w)", r"<\1\2", written)
    return _text(element).strip()


def _shown(element: etree._Element) -> str:
    """Return what an element says for the raw record: its text, or else its attributes."""
    attributes = " ".join(f"{etree.QName(k).localname}={v}" for k, v in element.attrib.items())
    return _text(element).strip() or attributes


def _base(element: etree._Element) -> str | None:
    """Return the xml:base in force, each resolved against the one around it."""
    above = [element, *element.iterancestors()]
    bases = [str(e.get(XML_BASE)) for e in reversed(above) if e.get(XML_BASE)]
    found = ""
    for base in bases:
        found = join(found, base) or found
    return found or None


def join(base: str, link: str) -> str | None:
    """Resolve a link; None for one that is no address, `http://[` for one."""
    try:
        return urljoin(base, link.strip())
    except ValueError:
        return None
