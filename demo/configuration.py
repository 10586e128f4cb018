"""Writes `config/demo.yml` from the cast, so that the town and its configuration agree.

python -m demo.configuration        # rewrite config/demo.yml; a test refuses a stale one
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from demo.cast import BRANDS, CRM, LINK_RULES, OWN, PLACES, SHOP, SHOPS, WEB, Brand, Place, Shop
from demo.exports import CRAWLED, PAGES
from demo.server import HOST, PORT
from demo.shop import LOOKBACK_DAYS
from demo.sites import site_names
from demo.town import Town

TARGET = Path(__file__).parents[1] / "config" / "demo.yml"
EXPORTS = "../var/demo/exports"
HEADER = """\
# The town: everything `tingchao demo` listens to. Written by `python -m demo.configuration` from
# demo/cast.py; change it there. docs/town.md tells who lives here.
"""


class _Plain(yaml.SafeDumper):
    """Writes everything out: the configuration allows no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def configuration() -> str:
    """Return the whole file as text."""
    sections = "\n".join(_write(comment, part) for comment, part in _sections())
    return f"{HEADER}{sections}"


def _write(comment: str, part: dict[str, Any]) -> str:
    text = yaml.dump(part, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=100)
    return f"# {comment}\n{text}"


def _sections() -> Iterator[tuple[str, dict[str, Any]]]:
    start = Town().start_date
    yield (
        "The town's days are told, not waited for: a run's clock is the end of its window.",
        {
            "version": 1,
            "data_dir": "../var/demo",
            "clock": "logical",
            "reporting": {"time_zone": "Asia/Taipei", "suppress_below": 5, "currency": "TWD"},
            "schedule": "0 0 * * *",
            "start_date": start,
        },
    )
    yield "The own brand and two others.", {"brands": [_brand(brand) for brand in BRANDS]}
    yield "What people talk about beside brands.", {"topics": _TOPICS}
    shops = [_shop(shop) for shop in SHOPS if shop.address is not None]
    yield (
        "Where they talk, and the shops that tell their orders by an interface.",
        {"channels": [*(_channel(place) for place in PLACES), *shops]},
    )
    yield (
        "Every site of the town stands on loopback (demo/server.py).",
        {"sources": {source: _override(source) for source in _crawled()}},
    )
    yield "Files that the team has anyway.", {"imports": list(_imports())}
    yield (
        "Which links bring a visit from which channel; the first rule that fits wins.",
        {"attribution": {"lookback_days": LOOKBACK_DAYS, "rules": _rules()}},
    )
    yield "When somebody is there to answer.", {"service_hours": _SERVICE_HOURS}
    yield "People, objective, strategy, technology, and the KPI.", {"objectives": _OBJECTIVES}


def _brand(brand: Brand) -> dict[str, Any]:
    names = [name for name in brand.names if not name.is_simplified]  # matching folds the scripts
    aliases = [{"text": n.text, "deny": list(n.deny)} if n.deny else n.text for n in names]
    written: dict[str, Any] = {"id": brand.id, "name": brand.name, "name_en": brand.name_en}
    if brand.is_own:
        written |= {"is_own": True, "competitors": list(brand.competitors)}
    return {**written, "aliases": aliases}


def _channel(place: Place) -> dict[str, Any]:
    written: dict[str, Any] = {
        "id": place.id,
        "source": place.source,
        "address": place.address,
        "name": place.title,
        "role": place.role,
        "since": Town().start_date,
    }
    if place.brand is not None:
        written["brand"] = place.brand
    if place.official is not None:
        written["official_accounts"] = [place.official]
    if not place.shows_authors or place.source == "fanpage":
        written["author_identity"] = place.shows_authors
    return written


def _shop(shop: Shop) -> dict[str, Any]:
    return {
        "id": shop.id,
        "source": shop.source,
        "address": shop.address,
        "name": shop.title,
        "role": "relationship",
        "since": Town().start_date,
        "brand": OWN.id,
    }


def _crawled() -> list[str]:
    """PTT and the feeds stand at the root of the town's server, every other site under its name."""
    return ["ptt", "feed", *site_names()]


def _override(source: str) -> dict[str, Any]:
    address = f"{HOST}:{PORT}"
    path = f"/{source}" if source in site_names() else ""
    return {"base_url": f"http://{address}{path}", "allow_hosts": [address], "download_delay": 0}


def _imports() -> Iterator[dict[str, Any]]:
    for place in PAGES:
        if place in CRAWLED:
            yield from (_export(place, what) for what in ("contents", "comments"))
        else:
            yield _import(f"{place.id}-posts", "posts", place.source, _POSTS, channel=place.id)
        yield _import(
            f"{place.id}-reactions", "reactions", place.source, _REACTIONS, channel=place.id
        )
    for source in ("ptt", "feed", "fanpage"):
        yield _import(f"audience-{source}", "channels", source, _AUDIENCE)
    brand = {"brand_id": OWN.id}
    yield _named(f"{SHOP}-orders", "shopify_csv", "csv", source=SHOP, constants=brand)
    yield _named(f"{WEB}-events", "ga4", "jsonl", source=WEB)
    yield _named("leaves-orders", "woocommerce", "jsonl", constants=brand)
    yield _named("meta-ads", "meta_ads", "csv", constants=brand)
    yield _import(f"{CRM}-members", "members", CRM, _MEMBERS, handles=_HANDLES)


def _import(
    name: str, table: str, source: str, columns: dict[str, str], **more: Any
) -> dict[str, Any]:
    return {
        "id": name,
        "table": table,
        "source": source,
        "format": "csv",
        "path": f"{EXPORTS}/{name}.csv",
        **more,
        "columns": columns,
    }


def _named(name: str, form: str, ending: str, **more: Any) -> dict[str, Any]:
    """An export whose format knows by itself what its columns mean."""
    return {"id": name, "format": form, "path": f"{EXPORTS}/{name}.{ending}", **more}


def _export(place: Place, what: str) -> dict[str, Any]:
    """A file that a crawler of somebody's wrote: its format needs no columns."""
    name = f"{place.id}-{what}"
    return {
        "id": name,
        "format": "mediacrawler",
        "path": f"{EXPORTS}/{name}.csv",
        "source": place.source,
        "channel": place.id,
    }


def _rules() -> list[dict[str, str]]:
    return [{k: v for k, v in vars(rule).items() if v is not None} for rule in LINK_RULES]


_POSTS = {
    "post_id": "post_id",
    "kind": "type",
    "parent_id": "parent_id",
    "author": "user_id",
    "body_text": "message",
    "published_at": "created_time",
}
_REACTIONS = {
    "post_id": "post_id",
    "actor": "user_id",
    "kind": "reaction",
    "occurred_at": "reacted_time",
}
_AUDIENCE = {"channel_id": "channel", "observed_at": "observed", "fan_count": "fans"}
_MEMBERS = {"member": "會員編號", "joined_at": "入會日", "observed_at": "匯出時間"}
_HANDLES = {
    "ptt": "PTT帳號",
    "feed": "論壇暱稱",
    "fanpage": "粉專編號",
    SHOP: "商店帳號信箱",
    "shopify": "禮盒店會員編號",
    "woocommerce": "茶葉行會員編號",
}
_TOPICS = [
    {"id": "price", "name": "價格", "aliases": ["漲價", "便宜", "買一送一", "份量", "性价比"]},
    {"id": "taste", "name": "口味", "aliases": ["好喝", "太甜", "茶味", "糖水", "珍珠"]},
    {"id": "service", "name": "服務", "aliases": ["店員", "客服", "態度", "臭臉", "退費"]},
    {"id": "safety", "name": "食安", "aliases": ["塑膠片", "異物", "拉肚子", "食安", "衛生局"]},
]
_SERVICE_HOURS = {"opens": "10:00", "closes": "20:00", "weekdays": [1, 2, 3, 4, 5, 6]}
_OBJECTIVES = [
    {
        "id": "listen-on-boards",
        "people": "PTT 上活躍的手搖飲愛好者",
        "objective": "傾聽：知道他們為什麼買、為什麼罵",
        "strategy": "每天讀完兩個板，抱怨在一天內回覆",
        "technology": "PTT 手搖飲板與鎮民閒聊板",
        "kpi": "channel_activity.activity_rate",
    },
    {
        "id": "wake-the-page",
        "people": "按了讚卻從不說話的粉絲",
        "objective": "活化：讓沉默的粉絲開口",
        "strategy": "少抽獎，多回覆",
        "technology": "粉絲專頁",
        "kpi": "fan_lifecycle.active_fan_count",
    },
    {
        "id": "turn-fans-into-buyers",
        "people": "部落格與論壇的讀者",
        "objective": "轉換：從聊天到下單",
        "strategy": "在對的地方放對的連結",
        "technology": "商店與追蹤連結",
        "kpi": "channel_conversion.conversion_rate",
    },
    {
        "id": "be-talked-of",
        "people": "所有談論手搖飲的人",
        "objective": "擴散：談論我們的比談論別人的多",
        "strategy": "好喝的新品與誠實的道歉",
        "technology": "所有頻道",
        "kpi": "share_of_voice.share_rate",
    },
]


def main() -> None:
    """Rewrite config/demo.yml."""
    TARGET.write_text(configuration(), encoding="utf-8")


if __name__ == "__main__":
    main()
