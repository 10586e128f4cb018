"""What people say in town: our own sentences, put together from parts, each with a known meaning.

Every saying records the brand of each mention span, the mood it was written in and what the person
wants. The sentences were written as people write, not towards any lexicon. `{b}` is the brand,
`{c}` another one, `{d}` a drink, `{n}` a number, `{w}` a moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from string import Formatter

from demo.cast import BRANDS, Brand
from demo.draw import between, happens, pick, pick_weighted

POSITIVE, NEUTRAL, NEGATIVE = "positive", "neutral", "negative"


@dataclass(frozen=True, slots=True)
class Saying:
    """A text with its planted meaning; `brands` holds one brand id per mention span."""

    body: str
    title: str | None = None
    brands: tuple[str, ...] = ()
    nicknamed: tuple[str, ...] = ()  # brands meant by a nickname nobody configured
    mood: str = NEUTRAL
    intent: str | None = None
    quoted: tuple[str, ...] = ()  # brand of each span in words of others, beside `brands`
    noise: str | None = None  # why it is no voice; "copy" unless it is the first to say so

    def plus(self, other: Saying, between_them: str) -> Saying:
        """The same saying with another's body after it."""
        return replace(
            self,
            body=f"{self.body}{between_them}{other.body}",
            brands=self.brands + other.brands,
            nicknamed=self.nicknamed + other.nicknamed,
        )


DRINKS = (
    "四季春加珍珠",
    "烏龍鮮奶",
    "冬瓜檸檬",
    "芋泥鮮奶",
    "百香雙響",
    "翡翠檸檬",
    "焙茶拿鐵",
    "桂花烏龍",
    "葡萄柚綠",
    "黑糖珍奶",
    "仙草凍奶",
    "鐵觀音微糖",
)
DRINKS_HANS = (
    "四季春加珍珠",
    "乌龙鲜奶",
    "芋泥鲜奶",
    "柠檬绿茶",
    "桂花乌龙",
    "黑糖珍珠",
    "焙茶拿铁",
    "葡萄冰茶",
)
MOMENTS = ("昨天", "今天中午", "剛剛下班", "上週末", "早上", "前天晚上", "下課後", "颱風天")
MOMENTS_HANS = ("昨天", "今天中午", "刚下班", "上周末", "早上", "前天晚上")

# (sentence, intent); grouped by mood
LINES: dict[str, tuple[tuple[str, str | None], ...]] = {
    POSITIVE: (
        ("{b}的{d}真的好喝，已經回購第{n}次了", "praise"),
        ("{w}第一次喝{b}，{d}完全打中我", "praise"),
        ("{b}店員人超好，封膜破掉馬上幫我重做", "praise"),
        ("難得{b}出新品沒踩雷，{d}茶味很香", "praise"),
        ("辦公室團購{b}，{n}個人都說讚", "praise"),
        ("同樣是{d}，我投{b}一票", "recommendation"),
        ("{b}無糖也好喝，茶葉品質看得出來", "praise"),
        ("{w}買{b}，出餐快又不甜膩，推薦", "recommendation"),
        ("喝過一輪還是{b}最順口", "praise"),
        ("推{b}的{d}，便宜又大杯", "recommendation"),
        ("{b}改用紙吸管居然沒有怪味，用心", "praise"),
        ("謝謝{b}客服，一小時就處理好了", "praise"),
        ("{b}這次聯名杯好可愛，忍不住收了{n}個", "praise"),
        ("{w}被朋友推坑{b}，現在每週都要來一杯", "praise"),
    ),
    NEGATIVE: (
        ("{b}的{d}甜到像糖水，喝一口就丟了", "complaint"),
        ("排{b}排了{n}分鐘還做錯，店員擺臭臉", "complaint"),
        ("{b}漲價之後份量還變少，不會再買", "complaint"),
        ("{w}喝{b}拉肚子，到底冰塊乾不乾淨", "complaint"),
        ("{b}外送漏了兩杯，客服電話打{n}次都沒人接", "complaint"),
        ("{d}的珍珠硬得像石頭，{b}品管在幹嘛", "complaint"),
        ("{b}以前不錯，現在茶味淡得跟水一樣", "complaint"),
        ("集點{n}點說過期就過期，{b}很會", "complaint"),
        ("{w}在{b}點無糖給我全糖，退費還要看臉色", "complaint"),
        ("{b}這種態度真的讓人失望", "complaint"),
        ("拜託不要再買{b}了，踩雷踩到怕", None),
        ("{b}杯蓋漏得我整個包包都是茶，氣死", "complaint"),
    ),
    NEUTRAL: (
        ("請問{b}{w}有開嗎", "question"),
        ("路過{b}看到在換招牌", None),
        ("{b}的{d}熱量大概多少，有人知道嗎", "question"),
        ("想團訂{b}大概{n}杯，要提前幾天打電話", "purchase_intent"),
        ("{b}現在買一送一到幾號", "question"),
        ("有推薦{b}必點的嗎，明天想去買", "recommendation_request"),
        ("{w}看到{b}在徵門市人員", None),
        ("{b}好像換包裝了", None),
        ("{b}離捷運站走路{n}分鐘", None),
        ("手上有{b}的券快到期，正在想要換什麼", "purchase_intent"),
        ("{b}跟{c}的{d}差在哪裡", "question"),
        ("公司樓下{b}收掉換成{c}", None),
    ),
}
LINES_HANS: dict[str, tuple[tuple[str, str | None], ...]] = {
    POSITIVE: (
        ("{b}的{d}真的很好喝，已经回购{n}次", "praise"),
        ("{w}打卡{b}，茶底清爽不涩，满意", "praise"),
        ("{b}店员态度很好，主动帮我换了杯热的", "praise"),
        ("同事都被我安利了{b}，评价不错", "recommendation"),
        ("性价比来说{b}确实可以，推荐{d}", "recommendation"),
        ("{b}新出的{d}惊艳到我了", "praise"),
    ),
    NEGATIVE: (
        ("{b}的{d}太甜了，齁得慌，不会再点", "complaint"),
        ("等{b}等了{n}分钟，最后告诉我卖完了，无语", "complaint"),
        ("{w}喝了{b}肚子疼，卫生堪忧", "complaint"),
        ("{b}涨价还缩水，挺失望的", "complaint"),
        ("{b}客服推来推去，退款拖了{n}天", "complaint"),
    ),
    NEUTRAL: (
        ("请问{b}在本地有几家店", "question"),
        ("{w}看见{b}在装修", None),
        ("想买{b}的{d}，有人拼单吗", "purchase_intent"),
        ("{b}的{d}是用鲜奶还是奶精", "question"),
        ("{b}和{c}哪个离地铁近", "question"),
    ),
}
OPENERS = ("", "", "", "老實說", "純分享，", "路人經過，", "個人覺得", "先說結論，", "不是業配，")
OPENERS_HANS = ("", "", "说实话，", "个人感觉，", "先说结论，", "路过，")
NEUTRAL_OPENERS = ("", "", "", "想問一下，", "路人經過，", "各位好，")
NEUTRAL_OPENERS_HANS = ("", "", "想问下，", "路过，")
ENDINGS = {
    POSITIVE: ("", "", "！", "👍", "😍", "，大推", "❤️", "，誠心推薦"),
    NEGATIVE: ("", "", "……", "🙄", "😡", "，傻眼", "，扣分", "，不意外"),
    NEUTRAL: ("", "", "？", "～", "，謝謝", "🙏"),
}
ENDINGS_HANS = {
    POSITIVE: ("", "！", "👍", "，赞"),
    NEGATIVE: ("", "……", "😡", "，避雷"),
    NEUTRAL: ("", "，谢谢", "～"),
}
CHATTER = (
    "樓上正解",
    "卡位",
    "笑死",
    "推推",
    "今天也太熱了吧",
    "頭推",
    "同意+1",
    "原來如此",
    "這篇值得收藏",
    "路過喝茶🍵",
    "每天都想來一杯{d}",
    "{d}派報到",
    "我家附近全是手搖店",
    "原PO是不是有{n}年沒出門",
    "感謝分享",
    "想減糖但是做不到",
    "等等下班就去買",
    "雨下整天，只想躺",
    "𠮷祥如意，先推再看",
    "一家人👨‍👩‍👧喝一壺剛好",
)
CHATTER_HANS = (
    "{w}喝了{d}，今天状态不错",
    "夏天还是得来杯{d}",
    "大家一般点几分糖",
    "求推荐不胖的喝法",
    "奶茶一天{n}杯会怎样",
    "自己在家煮{d}的配方分享",
)
SUBJECTS = {
    POSITIVE: ("[心得] {b} {d}", "[推薦] {b}這杯可以", "[食記] {w}的{b}"),
    NEGATIVE: ("[抱怨] {b}這樣對嗎", "[心得] {b}踩雷文", "[問題] {b}客訴該找誰"),
    NEUTRAL: ("[問題] {b}的{d}", "[情報] {b}活動整理", "[閒聊] {b}最近如何"),
}
SUBJECTS_HANS = {
    POSITIVE: ("{b}{d}测评", "分享{b}新品"),
    NEGATIVE: ("吐槽{b}", "{b}避雷"),
    NEUTRAL: ("{b}求助", "问问{b}"),
}
PLAIN_SUBJECTS = (
    "[閒聊] 大家今天喝什麼",
    "[問題] 減糖的撇步",
    "[閒聊] 冰塊要不要去",
    "[心得] 在家煮{d}",
    "[問卷] 一週喝幾杯",
    "[討論] 吸管政策 & 環保杯",
    "[閒聊] 巷口那家店收了",
    "[公告] 板規第{n}條修正",
    "[討論] 大家覺得一杯手搖飲料到底應該要賣多少錢才算是合理而且店家也活得下去呢",
)
PLAIN_SUBJECTS_HANS = ("闲聊：夏天喝什么", "自制{d}", "求推荐 <低糖> 喝法", "奶茶 & 咖啡怎么选")
WAVE_TEXT = "親身試過穗光真的屌打其他家，茶香回甘又便宜，現在加入還送大杯，不買可惜"
WAVE = Saying(WAVE_TEXT, brands=("suiguang",), mood=POSITIVE, intent="praise", noise="copy")
WAVE_ENDINGS = ("", "喔", "啦大家")  # whoever pays for a wave asks for small changes
CRISIS_BODY = (
    "今天下午在{b}買了{d}，喝到一半覺得卡卡的",
    "吐出來一看是一截塑膠片，整個人嚇傻",
    "打去門市說「可能是吸管啦」就掛電話",
    "已經拍照，也跟衛生局通報了，大家自己小心",
)
CRISIS_LINES = (
    ("太扯了吧，{b}出來道歉", "complaint"),
    ("以後不敢買{b}了", None),
    ("{b}公關呢？裝死？", "complaint"),
    ("食安問題還敢掛電話，{b}下去吧", "complaint"),
    ("我上個月也在{b}喝到怪東西", "complaint"),
    ("抵制{b}", None),
    ("噁心，{d}我才剛喝完", None),
    ("坐等新聞", None),
    ("{b}這危機處理零分", "complaint"),
)
APOLOGIES = (
    "造成您的困擾非常抱歉，已請門市主管與您聯繫",
    "謝謝您的回報，請私訊訂單編號，我們馬上為您處理",
    "很抱歉讓您有不好的感受，我們已經查明並補送一杯",
)
STATEMENT = "針對網友反映的異物事件，本公司已下架該批原料並送驗，退費請洽各門市，在此致歉"
PAGE_POSTS = (
    "🍂秋季新品 {d} 今天上市，{n} 號前第二杯半價",
    "週五抽獎🎁 留言標記一位好友並分享，抽 10 位免費喝",
    "雨天外送免運，暖暖喝一杯{d}",
    "感謝大家支持，門市全面改用環保紙吸管♻️",
    "你是幾分糖派？留言告訴小編👇",
)
GIVEAWAY = PAGE_POSTS[1]
GIVEAWAY_LINES = (
    "已分享 @好友 祝我中獎",
    "+1 @姊妹 一起抽",
    "+1 @好友 想喝{b}",
    "抽我抽我🙏 已標記好友",
    "參加抽獎，已完成分享",
)
ADVERTS = (
    "加LINE：tea8899，{b}飲料券現貨，滿額免運，要的私訊下單",
    "限時優惠🔥{b}兌換券下殺，輸入代碼TEA50，立即下單全館免運",
    "{b}加盟專線開放中，月入十萬不是夢，歡迎洽詢，加LINE：open777",
)
ECHOES = ("说得对", "我也觉得{b}还行", "转发")
ECHOED = "//@老茶客:"
BLOG_SUBJECTS = (
    "茶園日記（{n}）",
    "本週門市小故事：{d}",
    "小編帶你看{d}怎麼做",
    "秋季選茶筆記 {n}",
)
DEAL_SUBJECTS = ("{b} {d}買一送一", "{b} APP 集點{n}倍送", "{b}滿百折{n}元整理")
INLINE_REPLIES = ("謝謝大家，我再去問問看", "推文有高手，感謝補充", "更新：已經解決了，謝謝各位")


class Voice:
    """One person's way of saying things in one script, on one stream."""

    def __init__(self, stream: Random, *, is_simplified: bool = False) -> None:
        self.stream = stream
        self.is_simplified = is_simplified
        self.drinks = DRINKS_HANS if is_simplified else DRINKS
        self.moments = MOMENTS_HANS if is_simplified else MOMENTS

    def about(self, brand: Brand, mood: str) -> Saying:
        """A sentence about a brand; seldom under a nickname, or with a second brand in it."""
        lines = (LINES_HANS if self.is_simplified else LINES)[mood]
        endings = (ENDINGS_HANS if self.is_simplified else ENDINGS)[mood]
        line, intent = pick(self.stream, lines)
        said = self.fill(line, brand)
        opener = pick(self.stream, self._openers(mood))
        body = f"{opener}{said.body}{pick(self.stream, endings)}"
        return replace(said, body=body, mood=mood, intent=intent)

    def echo(self, brand: Brand, mood: str) -> Saying:
        """A few own words, or none, and behind them what somebody else has said."""
        own = self.fill(pick(self.stream, ECHOES), brand)
        said = self.about(brand, mood)
        noise = "repost" if own.body == ECHOES[-1] else None
        body = f"{own.body}{ECHOED}{said.body}"
        return Saying(body, None, own.brands, own.nicknamed, quoted=said.brands, noise=noise)

    def chatter(self) -> Saying:
        """A sentence about nothing in particular; sometimes a trap for the brand matcher."""
        traps = [trap for brand in BRANDS for trap in brand.traps]
        trap = pick(self.stream, traps)
        if happens(self.stream, 0.04) and not self.is_simplified:
            return Saying(trap)
        return self.fill(pick(self.stream, CHATTER_HANS if self.is_simplified else CHATTER))

    def subject(self, brand: Brand | None, mood: str) -> Saying:
        """A title; its text is the `body` of what is returned."""
        if brand is None:
            plain = PLAIN_SUBJECTS_HANS if self.is_simplified else PLAIN_SUBJECTS
            return self.fill(pick(self.stream, plain))
        subjects = SUBJECTS_HANS if self.is_simplified else SUBJECTS
        return self.fill(pick(self.stream, subjects[mood]), brand)

    def article(self, brand: Brand | None, mood: str) -> Saying:
        """A title and two to six sentences, about a brand or about nothing."""
        subject = self.subject(brand, mood)
        body = self.sentence(brand, mood)
        for _ in range(between(self.stream, 1, 5)):
            more = self.sentence(brand if happens(self.stream, 0.5) else None, mood)
            body = body.plus(more, "\n\n" if happens(self.stream, 0.4) else "\n")
        return under(subject, body)

    def sentence(self, brand: Brand | None, mood: str) -> Saying:
        return self.chatter() if brand is None else self.about(brand, mood)

    def fill(self, line: str, brand: Brand | None = None) -> Saying:
        """Fill the blanks of a line and note each brand that it now names."""
        parts: list[str] = []
        brands: list[str] = []
        nicknamed: list[str] = []
        for text, blank, _, _ in Formatter().parse(line):
            parts.append(text)
            if blank in ("b", "c"):
                assert brand is not None, f"a line about a brand needs one: {line}"
                meant = brand if blank == "b" else self._other(brand)
                name, is_nickname = self._name(meant)
                parts.append(name)
                (nicknamed if is_nickname else brands).append(meant.id)
            elif blank is not None:
                parts.append(self._blank(blank))
        return Saying("".join(parts), brands=tuple(brands), nicknamed=tuple(nicknamed))

    def _openers(self, mood: str) -> tuple[str, ...]:
        if self.is_simplified:
            return NEUTRAL_OPENERS_HANS if mood == NEUTRAL else OPENERS_HANS
        return NEUTRAL_OPENERS if mood == NEUTRAL else OPENERS

    def _name(self, brand: Brand) -> tuple[str, bool]:
        called_fondly = happens(self.stream, 0.02)
        if called_fondly and brand.nicknames and not self.is_simplified:
            return pick(self.stream, brand.nicknames), True
        mixes = happens(self.stream, 0.03)  # a few write the other script, or the Latin name
        names = [
            (name.text, name.weight)
            for name in brand.names
            if mixes or name.is_simplified == self.is_simplified
        ]
        return pick_weighted(self.stream, names), False

    def _other(self, brand: Brand) -> Brand:
        return pick(self.stream, [other for other in BRANDS if other is not brand])

    def _blank(self, blank: str) -> str:
        if blank == "d":
            return pick(self.stream, self.drinks)
        if blank == "w":
            return pick(self.stream, self.moments)
        return str(between(self.stream, 2, 30))


def under(subject: Saying, body: Saying) -> Saying:
    """Put a body under a title; the mentions of both count."""
    return replace(
        body,
        title=subject.body,
        brands=subject.brands + body.brands,
        nicknamed=subject.nicknamed + body.nicknamed,
    )
