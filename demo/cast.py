"""Who and what the town consists of: its brands, its places, its rules of tracking links.

Everything here is invented. `config/demo.yml` is written from this module (`demo.configuration`),
so that the town and the configuration that listens to it agree by construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

OFFICIAL = -1  # author: the account that speaks for the place's brand
MASTER = -2  # author: the board master, a fan like others, who opens the daily thread


@dataclass(frozen=True)
class Name:
    """One way of writing a brand; `deny` are longer words in which it means something else."""

    text: str
    weight: float
    deny: tuple[str, ...] = ()
    is_simplified: bool = False


@dataclass(frozen=True)
class Brand:
    """A tea-drink chain. `nicknames` are said in town but unknown to the configuration."""

    id: str
    name: str
    name_en: str
    names: tuple[Name, ...]
    traps: tuple[str, ...]
    nicknames: tuple[str, ...] = ()
    is_own: bool = False
    competitors: tuple[str, ...] = ()


BRANDS = (
    Brand(
        id="wuyu",
        name="霧嶼茶研",
        name_en="WUYU Tea Lab",
        is_own=True,
        competitors=("suiguang", "banri"),
        names=(
            Name("霧嶼茶研", 2),
            Name("霧嶼", 6, deny=("迷霧嶼",)),
            Name("WUYU", 2),
            Name("雾屿", 6, is_simplified=True),
            Name("雾屿茶研", 2, is_simplified=True),
        ),
        traps=(
            "昨天玩迷霧嶼那款桌遊玩到半夜",
            "有人去過WUYUAN看油菜花嗎",
            "迷霧嶼的結局到底是什麼意思",
        ),
        nicknames=("霧霧家",),
    ),
    Brand(
        id="suiguang",
        name="穗光製茶",
        name_en="Suiguang",
        names=(
            Name("穗光製茶", 2),
            Name("穗光", 6, deny=("稻穗光澤", "麥穗光影")),
            Name("穗光制茶", 2, is_simplified=True),
            Name("穗光", 6, deny=("稻穗光澤", "麥穗光影"), is_simplified=True),
        ),
        traps=("田裡的稻穗光澤真漂亮", "麥穗光影攝影展週末最後一天", "夕陽下的稻穗光澤超好拍"),
    ),
    Brand(
        id="banri",
        name="半日紅茶舖",
        name_en="Halfday",
        names=(
            Name("半日紅茶舖", 2),
            Name("半日紅", 6, deny=("大半日紅",)),
            Name("HALFDAY", 1),
            Name("半日红", 6, is_simplified=True),
        ),
        traps=("週末去宜蘭半日遊很剛好", "哭了大半日紅著眼睛出門", "HALFDAYS這首歌好洗腦"),
    ),
)
BRAND = {brand.id: brand for brand in BRANDS}
OWN = BRANDS[0]


class Shape(StrEnum):
    """How a place speaks to the outside."""

    BOARD = "board"
    BLOG = "blog"
    COMMENTS = "comments"
    FORUM = "forum"
    ZINE = "zine"
    DEALS = "deals"
    PAGE = "page"
    TALK = "talk"  # whoever likes opens a thread, others answer on the same day
    WALL = "wall"  # the brand posts, people comment, and it answers below their comments
    GAUGE = "gauge"  # nobody is heard; only the size of the audience is told


class Audience(StrEnum):
    """How the size of a place's audience comes to be known."""

    FILE = "file"  # an export says it for the end of every day
    SNAPSHOT = "snapshot"  # the site says what it is now
    HISTORY = "history"  # the site says it for every day that is over


class Opening(StrEnum):
    """Who may open a thread there."""

    FANS = "fans"
    OFFICIAL = "official"


@dataclass(frozen=True)
class Place:
    """A channel of the town; the shares and paces are those of a town of any size.

    `join`: share of people who follow it; `act`: share of followers who ever act there;
    `pace`: acts per acting follower and day; `opens`: share of these acts that open a thread.
    """

    id: str
    source: str
    address: str
    title: str
    shape: Shape
    role: str
    join: float
    act: float
    pace: float
    opens: float
    weekend: float  # acts on Saturday and Sunday against a weekday's
    brand: str | None = None
    official: str | None = None
    opening: Opening = Opening.FANS
    shows_authors: bool = True
    shows_fans: bool = True
    audience: Audience = Audience.FILE
    is_gated: bool = False
    cap: int | None = None  # items that the feed shows at most
    is_simplified: bool = False
    options: dict[str, str] = field(default_factory=dict)


_PLACES = (
    Place(
        id="ptt-teadrink",
        source="ptt",
        address="TeaDrink",
        title="PTT 手搖飲板",
        shape=Shape.BOARD,
        role="depth",
        join=0.12,
        act=0.62,
        pace=0.40,
        opens=0.05,
        weekend=0.7,
        official="wuyutea",
    ),
    Place(
        id="ptt-towntalk",
        source="ptt",
        address="TownTalk",
        title="PTT 鎮民閒聊板",
        shape=Shape.BOARD,
        role="reach",
        join=0.30,
        act=0.45,
        pace=0.36,
        opens=0.045,
        weekend=0.8,
        official="wuyutea",
        is_gated=True,
    ),
    Place(
        id="blog",
        source="feed",
        address="/blog/feed/",
        title="霧嶼茶研部落格",
        shape=Shape.BLOG,
        role="relationship",
        join=0.10,
        act=0.0,
        pace=0.0,
        opens=1.0,
        weekend=1.0,
        brand="wuyu",
        official="霧嶼小編",
        opening=Opening.OFFICIAL,
    ),
    Place(
        id="blog-comments",
        source="feed",
        address="/blog/comments/feed/",
        title="霧嶼茶研部落格留言",
        shape=Shape.COMMENTS,
        role="relationship",
        join=0.10,
        act=0.30,
        pace=0.06,
        opens=0.0,
        weekend=1.1,
        brand="wuyu",
        official="霧嶼小編",
        opening=Opening.OFFICIAL,
    ),
    Place(
        id="forum",
        source="feed",
        address="/forum/forum.php?mod=rss&fid=2",
        title="茶饮论坛 新品速报",
        shape=Shape.FORUM,
        role="depth",
        join=0.14,
        act=0.35,
        pace=0.06,
        opens=1.0,
        weekend=1.3,
        is_simplified=True,
    ),
    Place(
        id="zine",
        source="feed",
        address="/zine/atom.xml",
        title="杯緣小誌讀者來函",
        shape=Shape.ZINE,
        role="reach",
        join=0.08,
        act=0.25,
        pace=0.05,
        opens=1.0,
        weekend=1.5,
        shows_authors=False,
        shows_fans=False,
    ),
    Place(
        id="deals",
        source="feed",
        address="/deals/feed.xml",
        title="手搖優惠快訊",
        shape=Shape.DEALS,
        role="reach",
        join=0.16,
        act=0.20,
        pace=0.06,
        opens=1.0,
        weekend=1.2,
        cap=20,
    ),
    Place(
        id="page-wuyu",
        source="fanpage",
        address="100200300400501",
        title="霧嶼茶研粉絲專頁",
        shape=Shape.PAGE,
        role="reach",
        join=0.70,
        act=0.09,
        pace=0.16,
        opens=0.0,
        weekend=1.3,
        brand="wuyu",
        official="100200300400501",
        opening=Opening.OFFICIAL,
    ),
    Place(
        id="page-suiguang",
        source="fanpage",
        address="100200300400777",
        title="穗光製茶粉絲專頁",
        shape=Shape.PAGE,
        role="reach",
        join=0.35,
        act=0.10,
        pace=0.12,
        opens=0.0,
        weekend=1.3,
        brand="suiguang",
        official="100200300400777",
        opening=Opening.OFFICIAL,
    ),
    Place(
        id="teatalk",
        source="discuz",
        address="36",
        title="茶语论坛 奶茶闲聊",
        shape=Shape.TALK,
        role="depth",
        join=0.06,
        act=0.40,
        pace=0.10,
        opens=0.25,
        weekend=1.2,
        official="1002",
        is_simplified=True,
        audience=Audience.SNAPSHOT,
    ),
    Place(
        id="teanotes",
        source="wordpress",
        address="teanotes",
        title="茶園筆記",
        shape=Shape.WALL,
        role="depth",
        join=0.05,
        act=0.35,
        pace=0.08,
        opens=0.0,
        weekend=1.2,
        official="1",
        opening=Opening.OFFICIAL,
        shows_fans=False,
    ),
    Place(
        id="yt-wuyu",
        source="youtube",
        address="UCwuyuTeaLab00000000001A",
        title="霧嶼茶研影音頻道",
        shape=Shape.WALL,
        role="reach",
        join=0.10,
        act=0.25,
        pace=0.10,
        opens=0.0,
        weekend=1.4,
        brand="wuyu",
        official="UCwuyuTeaLab00000000001A",
        opening=Opening.OFFICIAL,
        audience=Audience.SNAPSHOT,
    ),
    Place(
        id="fb-wuyu-taichung",
        source="facebook_page",
        address="108800000000001",
        title="霧嶼茶研台中店粉專",
        shape=Shape.WALL,
        role="relationship",
        join=0.12,
        act=0.20,
        pace=0.12,
        opens=0.0,
        weekend=1.2,
        brand="wuyu",
        official="108800000000001",
        opening=Opening.OFFICIAL,
        audience=Audience.SNAPSHOT,
    ),
    Place(
        id="ig-wuyu",
        source="instagram",
        address="17841400000000001",
        title="霧嶼茶研 Instagram",
        shape=Shape.WALL,
        role="reach",
        join=0.10,
        act=0.20,
        pace=0.08,
        opens=0.0,
        weekend=1.3,
        brand="wuyu",
        official="wuyu.tea",
        opening=Opening.OFFICIAL,
        audience=Audience.SNAPSHOT,
    ),
    Place(
        id="threads-wuyu",
        source="threads",
        address="9000000000000001",
        title="霧嶼茶研 Threads",
        shape=Shape.WALL,
        role="depth",
        join=0.06,
        act=0.25,
        pace=0.10,
        opens=0.0,
        weekend=1.0,
        brand="wuyu",
        official="wuyu.tea",
        opening=Opening.OFFICIAL,
        audience=Audience.SNAPSHOT,
    ),
    Place(
        id="weibo-wuyu",
        source="weibo_api",
        address="7000000001",
        title="雾屿茶研官方微博",
        shape=Shape.WALL,
        role="reach",
        join=0.08,
        act=0.25,
        pace=0.08,
        opens=0.0,
        weekend=1.1,
        brand="wuyu",
        official="7000000001",
        opening=Opening.OFFICIAL,
        is_simplified=True,
        audience=Audience.SNAPSHOT,
    ),
    Place(
        id="bsky-tea",
        source="bluesky",
        address="teatown.example/feed/tea",
        title="茶鎮 Bluesky",
        shape=Shape.TALK,
        role="reach",
        join=0.03,
        act=0.35,
        pace=0.08,
        opens=0.5,
        weekend=1.0,
        official="did:plc:wuyutea2222222222222222",
        audience=Audience.SNAPSHOT,
    ),
    Place(
        id="masto-tea",
        source="mastodon",
        address="手搖飲",
        title="Mastodon #手搖飲",
        shape=Shape.TALK,
        role="reach",
        join=0.03,
        act=0.35,
        pace=0.08,
        opens=0.5,
        weekend=1.0,
        official="wuyu",
        shows_fans=False,
    ),
    Place(
        id="line-wuyu",
        source="line_oa",
        address="@wuyutea",
        title="霧嶼茶研 LINE 官方帳號",
        shape=Shape.GAUGE,
        role="relationship",
        join=0.30,
        act=0.0,
        pace=0.0,
        opens=0.0,
        weekend=1.0,
        brand="wuyu",
        official="@wuyutea",
        opening=Opening.OFFICIAL,
        shows_authors=False,
        audience=Audience.HISTORY,
    ),
    Place(
        id="wechat-wuyu",
        source="wechat_oa",
        address="gh_wuyutea000001",
        title="雾屿茶研公众号",
        shape=Shape.GAUGE,
        role="relationship",
        join=0.12,
        act=0.0,
        pace=0.0,
        opens=0.0,
        weekend=1.0,
        brand="wuyu",
        official="gh_wuyutea000001",
        opening=Opening.OFFICIAL,
        shows_authors=False,
        is_simplified=True,
        audience=Audience.HISTORY,
    ),
)
# a place can be visited when its source has a site (demo/sites) or comes as files
WITHOUT_SITES = ("ptt", "feed", "fanpage")
PLACES = tuple(
    place
    for place in _PLACES
    if place.source in WITHOUT_SITES
    or Path(__file__).with_name("sites").joinpath(f"{place.source}.py").exists()
)
PLACE = {place.id: place for place in PLACES}
SHOP = "shop"
WEB = "shop"  # the analytics are the shop's own: one namespace of visitor ids
CRM = "crm"


@dataclass(frozen=True)
class Shop:
    """One of the own brand's shops; whoever buys is a customer of one of them only.

    `address`: of the interface that tells its orders; None where a file does.
    """

    id: str
    source: str
    title: str
    share: int  # of the inhabitants, in fifths
    address: str | None = None


SHOPS = (
    Shop(SHOP, SHOP, "霧嶼茶研線上店", 3),
    Shop("shop-gifts", "shopify", "霧嶼茶研禮盒店", 1, "wuyu-gifts"),
    Shop("shop-leaves", "woocommerce", "霧嶼茶葉行", 1, "wuyu-leaves"),
)
_BY_TURN = tuple(shop for shop in SHOPS for _ in range(shop.share))


def shop_of(person: int) -> Shop:
    """Return the shop in which an inhabitant buys."""
    return _BY_TURN[person % len(_BY_TURN)]


@dataclass(frozen=True)
class LinkRule:
    """How a tracked link names the channel it stands in; the first that fits wins."""

    channel: str
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    referrer_host: str | None = None

    def fits(self, touch: Touch) -> bool:
        wanted = (self.utm_source, self.utm_medium, self.utm_campaign, self.referrer_host)
        return all(want is None or want == has for want, has in zip(wanted, touch, strict=True))


# utm_source, utm_medium, utm_campaign, referrer_host as a visit or an order carries them
Touch = tuple[str | None, str | None, str | None, str | None]

LINK_RULES = (
    LinkRule("ptt-teadrink", utm_source="ptt", utm_campaign="teadrink"),
    LinkRule("ptt-towntalk", utm_source="ptt", utm_campaign="towntalk"),
    LinkRule("blog", utm_source="blog", utm_medium="article"),
    LinkRule("blog-comments", utm_source="blog", utm_medium="comment"),
    LinkRule("page-wuyu", utm_source="fanpage"),
    LinkRule("deals", utm_source="deals"),
    LinkRule("zine", utm_source="zine"),
    LinkRule("forum", referrer_host="bbs.cha.example"),
)
# the touch that a link in each place leaves when nothing is lost on the way
TOUCHES: dict[str, Touch] = {
    "ptt-teadrink": ("ptt", "community", "teadrink", "www.ptt.example"),
    "ptt-towntalk": ("ptt", "community", "towntalk", "www.ptt.example"),
    "blog": ("blog", "article", "autumn", "blog.wuyu.example"),
    "blog-comments": ("blog", "comment", "autumn", "blog.wuyu.example"),
    "page-wuyu": ("fanpage", "social", "autumn", "m.page.example"),
    "deals": ("deals", "affiliate", "weekly", "deals.example"),
    "zine": ("zine", "letter", "issue12", "zine.example"),
    "forum": (None, None, None, "bbs.cha.example"),
}
STRANGE_TOUCHES: tuple[Touch, ...] = (
    (None, None, None, None),
    (None, None, None, "www.search.example"),
    ("search", "cpc", "brandname", "www.search.example"),
    ("newsletter", "email", "autumn", None),
)


def shown_fans(place: Place, count: int) -> int:
    """The audience as the platform prints it: YouTube keeps three digits."""
    unit = 10 ** max(len(str(count)) - 3, 0)
    return count // unit * unit if place.source == "youtube" else count


def find_channel(touch: Touch) -> str | None:
    """Return the channel that the link rules name for a touch, or None."""
    for rule in LINK_RULES:
        if rule.fits(touch):
            return rule.channel
    return None
