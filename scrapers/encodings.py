"""Turn bytes into text without guessing more than needed: marks, declarations, then trial."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass

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
CHARSET = re.compile(r"charset=[\s\"']*([\w.:-]{1,40})", re.I)
NAME = re.compile(r"[\w.:-]{1,40}", re.A)
OF_TEXTS = re.compile(
    r"utf-(?:8|16|32)\S*|gb\w+|big5\w*|(?:cp|iso8859-)\d+|koi8-[rut]|mac-roman|tis-620"
    r"|(?:euc_jp|euc_kr|shift_jis|iso2022_)\w*"
)
WESTERN = frozenset({"cp1252", "iso8859-15", "mac-roman", "cp437", "cp850"})
CHINESE = {"gb18030": "cp950", "cp950": "gb18030", "big5hkscs": "gb18030"}
CHINESE_SHARE = 0.05  # of the commonest characters, in any text that is really Chinese
HIGH_BYTES = re.compile(rb"[\x80-\xff]+")


@dataclass(frozen=True)
class Decoded:
    """A text, the encoding it was read in, and how many of its characters nothing explained."""

    text: str
    encoding: str
    undecoded: int = 0

    def remark(self, declared: Iterable[str | None] = ()) -> str | None:
        """Say what a person should know of the reading; None when it is as was declared."""
        names = {name for one in declared if (name := _known(one))} or {"nothing"}
        is_usual = names == {"nothing"} and self.encoding.startswith("utf-8")
        said = []
        if names != {self.encoding.removesuffix("-sig")} and not is_usual:
            said.append(f"read as {self.encoding} where {' and '.join(sorted(names))} was told")
        if self.undecoded:
            said.append(f"{self.undecoded:,} characters could not be read (\ufffd)")
        return "; ".join(said) or None


def decode(body: bytes, declared: Iterable[str | None] = ()) -> str:
    """Decode a whole document as `read_text` does, and tell nothing but the text."""
    return read_text(body, declared).text


def read_text(body: bytes, declared: Iterable[str | None] = ()) -> Decoded:
    """Decode a whole document; never raises, what no encoding explains becomes U+FFFD.

    Order: byte order mark, UTF-8 when nearly every byte fits it (other text practically never
    does), then what is `declared`, the document's own word before its transport's, if every byte
    fits and the text looks like one, then detection.
    """
    told = [name for one in declared if (name := _known(one))]
    named = _marked(body) or ("utf-8" if _explains_all(body, "utf-8") else None)
    if named is None and _is_nearly_utf8(body):
        return _with_gaps(body, "utf-8")
    named = named or _believed(body, told) or _detected(body[:65536])
    if named and _explains_all(body, named):
        return Decoded(body.decode(named), named)
    names = dict.fromkeys([*([named] if named else []), *told, "gb18030", "cp950", "utf-8"])
    return min((_with_gaps(body, name) for name in names), key=lambda read: read.undecoded)


def charset_of(content_type: str | None) -> str | None:
    """Return the charset that a Content-Type names."""
    found = CHARSET.search(content_type or "")
    return found[1] if found else None


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


def _believed(body: bytes, told: Iterable[str]) -> str | None:
    """Return the first declared encoding that explains every byte and does not look wrong.

    A Western one explains any bytes, and either Chinese one most of the other's.
    """
    for name in told:
        if not _explains_all(body, name) or (name in WESTERN and _is_in_pairs(body)):
            continue
        rival = CHINESE.get(name)
        if rival and _explains_all(body, rival):
            shares = [_share_of_common(body[:65536], one) for one in (name, rival)]
            return rival if shares[1] > max(CHINESE_SHARE, 2 * shares[0]) else name
        return name
    return None


def _is_in_pairs(body: bytes) -> bool:
    """Whether bytes above 0x7F mostly stand side by side, as no Western language has them."""
    runs = [len(run) for run in HIGH_BYTES.findall(body[:65536])]
    return sum(run for run in runs if run > 1) * 2 > sum(runs)


def _is_nearly_utf8(body: bytes) -> bool:
    """Whether a text is UTF-8 with a character torn here and there."""
    text = body.decode("utf-8", "replace")
    wide = sum(ord(c) > 0x7F for c in text)
    return text.count("\ufffd") * 20 < wide


def _with_gaps(body: bytes, name: str) -> Decoded:
    text = body.decode(name, "replace")
    return Decoded(text, name, text.count("\ufffd"))


def _marked(body: bytes) -> str | None:
    return next((name for mark, name in BYTE_ORDER_MARKS if body.startswith(mark)), None)


def _known(name: str | None) -> str | None:
    """Name an encoding of texts; None for one that nobody knows, or that packs, escapes or hides.

    Python has codecs called zip, hex and unicode_escape; a page must not choose one of them.
    """
    plain = (name or "").strip("\"' ")
    try:
        found = codecs.lookup(plain).name if NAME.fullmatch(plain) else ""
    except LookupError:
        return None
    return SUPERSETS.get(found, found) if OF_TEXTS.fullmatch(found) else None


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
    if best[0] > CHINESE_SHARE:
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
