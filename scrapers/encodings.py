"""Turn bytes into text without guessing more than needed: marks, declarations, then trial."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# A page that declares the small set is often written in the large one.
SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "big5": "cp950",
    "iso8859-1": "cp1252",
    "ascii": "utf-8",
}


def decode(body: bytes, declared: Iterable[str | None] = ()) -> str:
    """Decode a whole document; never raises, what no encoding explains becomes U+FFFD.

    Order: byte order mark, UTF-8 when every byte fits it (other text practically never does),
    what the transport and the document declare, then detection.
    """
    for encoding in _candidates(body, declared):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("utf-8", "replace")


def decode_page(body: bytes, declared: Iterable[str | None] = ()) -> str:
    """Decode a Chinese web page: what is declared is often wrong, and some characters are torn.

    Of several encodings that explain every byte, the one wins that gives the commonest characters;
    when none does, the one that leaves the fewest bytes unexplained.
    """
    told = list(declared)
    if _marked(body) or _explains_all(body, "utf-8"):
        return decode(body, told)
    names = [*filter(None, map(_known, told)), "gb18030", "cp950"]
    fitting = [name for name in names if _explains_all(body, name)]
    if fitting:
        return body.decode(max(fitting, key=lambda name: _share_of_common(body[:65536], name)))
    texts = (body.decode(name, "replace") for name in [*names, "utf-8"])
    return min(texts, key=lambda text: text.count("\ufffd"))


def detect_encoding(sample: bytes) -> str | None:
    """Name the encoding of a sample of a file, None when nothing explains it.

    A sample may end in the middle of a character; so its last bytes decide nothing.
    """
    marked = _marked(sample)
    if marked:
        return marked
    if _explains(sample, "utf-8"):
        return "utf-8"
    return _detected(sample)


def _candidates(body: bytes, declared: Iterable[str | None]) -> Iterator[str]:
    marked = _marked(body)
    if marked:
        yield marked
    yield "utf-8"
    # What explains any byte comes last: servers declare it unasked.
    yield from sorted(filter(None, map(_known, declared)), key=lambda name: name == "cp1252")
    detected = _detected(body[:65536])
    if detected:
        yield detected


def _marked(body: bytes) -> str | None:
    return next((name for mark, name in BYTE_ORDER_MARKS if body.startswith(mark)), None)


def _known(name: str | None) -> str | None:
    try:
        found = codecs.lookup((name or "").strip()).name
    except LookupError:
        return None
    return SUPERSETS.get(found, found)


def _explains(sample: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        decoder.decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _explains_all(body: bytes, encoding: str) -> bool:
    try:
        body.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _detected(sample: bytes) -> str | None:
    """Tell Big5 from GB18030 and the rest; both decode most of the other, so frequency decides."""
    fitting = [name for name in ("cp950", "gb18030") if _explains(sample, name)]
    scored = [(_share_of_common(sample, name), name) for name in fitting]
    best = max(scored, default=(0.0, ""))
    if best[0] > 0.05:
        return best[1]
    from charset_normalizer import from_bytes  # slow to import, seldom needed

    found = from_bytes(sample).best()
    return _known(found.encoding) if found else (fitting[0] if fitting else None)


# The most frequent characters of running text in either script, and its punctuation.
COMMON = frozenset(
    "的一是不了在人有我他這这中大來来上個个國国到說说們们為为子和你地出道也時时年得就那要下以生會会自著着"
    "去之過过家學学對对可她里裡後后小麼么心多天而能好都然沒没日於于起還还發发成事只作當当想看文無无開开手十用"
    "主行方又如前所本見见經经頭头面公同三已老從从動动兩两長长，。！？、：；「」（）"
)


def _share_of_common(sample: bytes, encoding: str) -> float:
    text = codecs.getincrementaldecoder(encoding)().decode(sample)
    wide = [c for c in text if ord(c) > 0x7F]
    return sum(c in COMMON for c in wide) / len(wide) if wide else 0.0
