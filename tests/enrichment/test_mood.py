"""Mood, intents, noise, regions: what the rules promise, sentence by sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichment import Reading, reader_of
from enrichment.intent import Aspect, Intent
from enrichment.noise import Noise
from enrichment.script import converter
from enrichment.tables import read_table
from tests.enrichment.sayings import BLAME, LATIN, MIXED, PLAIN, PRAISE, SIMPLIFIED, lexicon


def read(text: str) -> Reading:
    return reader_of(lexicon()).read(text)


def names(reading: Reading) -> list[str]:
    return [told.name for told in reading.intents]


@pytest.mark.parametrize("saying", PRAISE)
def test_praise_is_positive(saying: str) -> None:
    reading = read(saying)
    assert reading.mood.sentiment == "positive"
    assert "praise" in names(reading)


@pytest.mark.parametrize("saying", BLAME)
def test_blame_is_negative(saying: str) -> None:
    reading = read(saying)
    assert reading.mood.sentiment == "negative"
    assert "complaint" in names(reading)


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("很好喝", "positive"),
        ("不好喝", "negative"),
        ("沒有很好喝", "negative"),
        ("沒踩雷", "positive"),
        ("不得不說好喝", "positive"),
        ("好喝但是太貴太貴", "negative"),
        ("難喝但是非常便宜又很大方", "positive"),
        ("好喝也難喝", "neutral"),
        ("推", "positive"),
        ("噓", "negative"),
        ("推文推特推出", "unknown"),
        ("今天星期三", "unknown"),
        ("好吃嗎", "unknown"),
        ("", "unknown"),
        ("😍", "positive"),
        ("[怒]", "negative"),
        ("XDDD", "positive"),
        ("不好意思打擾了", "unknown"),
        ("愛情雷射強調", "unknown"),
    ],
)
def test_mood_follows_the_words_and_what_scales_them(text: str, sentiment: str) -> None:
    assert read(text).mood.sentiment == sentiment


def test_no_evidence_has_no_score_and_all_scores_are_bounded() -> None:
    assert read("星期三").mood[:3] == ("unknown", None, 0.0)
    for saying in (*PRAISE, *BLAME, *MIXED, "爛透" * 500, "大推" * 500):
        mood = read(saying).mood
        assert mood.score is not None
        assert -1 < mood.score < 1
        assert 0 <= mood.confidence <= 1


def test_more_evidence_is_believed_more() -> None:
    assert read("好喝").mood.confidence < read("好喝，便宜，大推").mood.confidence


def test_a_negation_does_not_cross_punctuation() -> None:
    assert read("沒有，好喝").mood.sentiment == "positive"
    assert read("沒有 好喝").mood.sentiment == "positive"


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("有人知道幾點關門嗎", {"question"}),
        ("這是什麼？", {"question"}),
        ("想買一台筆電", {"purchase_intent"}),
        ("不想買了", set()),
        ("哪裡買得到？", {"purchase_intent", "question"}),
        ("求推薦", {"seek_recommendation", "question"}),
        ("吃過的人推薦嗎", {"seek_recommendation", "question"}),
        ("品質太差了，要求退款", {"complaint"}),
        ("大推", {"praise"}),
        ("今天星期三", set()),
        ("https://example.com/?q=1", set()),
    ],
)
def test_intents(text: str, intents: set[str]) -> None:
    assert set(names(read(text))) == intents


@pytest.mark.parametrize(
    ("text", "noise"),
    [
        ("限時優惠，立即下單", {"advertising"}),
        ("今天有優惠", set()),
        ("轉發抽獎", {"giveaway"}),
        ("留言抽出3位送禮盒", {"giveaway"}),
        ("加LINE：abc12345", {"advertising", "contact_spam"}),
        ("微信号: good_888", {"contact_spam"}),
        ("請打 0912-345-678", {"contact_spam"}),
        ("訂單編號20260912345678000", set()),
        ("啊啊啊啊啊啊啊啊啊啊啊啊", {"repeated_characters"}),
        ("-------------------", set()),
        ("賣\u200b好\u200b茶", {"jammer_text"}),
        ("好*用*便*宜", {"jammer_text"}),
        ("👨‍👩‍👧 ❤️", set()),
        ("好* \n7 p: F* N2 g8 eC t下一段", {"jammer_text"}),
        ("轉發微博", {"repost"}),
        ("//@小明:這家不錯", {"repost"}),
        ("說得好 //@小明:這家不錯", set()),
        ("已分享 @小明 @小華", {"giveaway_entry"}),
        ("@小明 @小華 @小美", {"giveaway_entry"}),
        ("拜託抽中我！", {"giveaway_entry"}),
        ("這首選我選我的高音真的很難唱，聽了三遍才學會轉音的地方，副歌倒是不難", set()),
        ("@小編 謝謝你的分享", set()),
        ("[自動回覆] 您好，稍後回覆您", {"bot"}),
        ("一般的心得文", set()),
    ],
)
def test_noise(text: str, noise: set[str]) -> None:
    assert set(read(text).noise) == noise


def test_noise_is_the_same_among_other_texts() -> None:
    texts = ["推", "+1 @姊妹 一起抽", "已完成分享", "已分享 @小明", "這杯+1 好喝"]
    among = reader_of(lexicon()).read_all(texts)["noise"].to_pylist()
    alone = [read(text).noise for text in texts]
    assert [{told["rule"]: told["score"] for told in row} for row in among] == alone
    assert [set(noise) for noise in alone] == [set(), *[{"giveaway_entry"}] * 3, set()]


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("週末去台中吃飯", {"tw-taichung"}),
        ("臺中跟新北市", {"tw-new-taipei", "tw-taichung"}),
        ("深圳和广州", {"cn-guangzhou", "cn-shenzhen"}),
        ("河南投資案", {"cn-henan"}),
        ("在中山路跟中正路口", set()),
        ("南京東路五段的店", set()),
        ("廣東省中山市", {"cn-guangdong", "cn-zhongshan"}),
        ("這個平台中獎率很低", set()),
        ("一台中古車", set()),
        ("家住新竹市，在竹北上班", {"tw-hsinchu-city", "tw-hsinchu-county"}),
        ("内蒙古鄂尔多斯", {"cn-inner-mongolia", "cn-ordos"}),
        ("去了延邊州和恩施", {"cn-enshi", "cn-yanbian"}),
        ("剛開封的手機", set()),
        ("香港、澳門", {"hong-kong", "macau"}),
        ("台北台北", {"tw-taipei"}),
        ("沒有地名", set()),
    ],
)
def test_regions(text: str, regions: set[str]) -> None:
    assert set(read(text).regions) == regions


@given(st.lists(st.sampled_from([*PRAISE, *BLAME, *MIXED, *PLAIN, *LATIN]), min_size=1, max_size=3))
def test_either_script_says_the_same(sayings: list[str]) -> None:
    """Brands, mood, intents and the rest do not depend on the script."""
    traditional = "。".join(sayings)
    simplified = converter("tw2s").convert(traditional)
    assert summary(traditional) == summary(simplified)


@given(st.lists(st.sampled_from(SIMPLIFIED), min_size=1, max_size=3))
def test_simplified_text_says_the_same_when_converted(sayings: list[str]) -> None:
    simplified = "。".join(sayings)
    for name in ("s2t", "s2tw", "s2hk"):
        assert summary(simplified) == summary(converter(name).convert(simplified))


def summary(text: str) -> tuple[object, ...]:
    reading = read(text)
    brands = [mention.brand_id for mention in reading.mentions]
    return (brands, reading.mood, names(reading), reading.topics, reading.noise, reading.regions)


@pytest.mark.parametrize("name", ["mood", "hints", "intents", "aspects", "noise", "words"])
def test_no_phrase_is_listed_twice(name: str) -> None:
    phrases = [row[0].lower() for row in read_table(name)]
    if name in ("mood", "hints", "words"):  # elsewhere one phrase may speak for several things
        assert len(phrases) == len(set(phrases)) > 100
    assert len(set(read_table(name))) == len(phrases)


def test_every_row_of_the_lists_is_well_formed() -> None:
    roles = {"feeling", "judgement", "negator", "degree", "contrast", "plain", "story"}
    for phrase, role, weight in read_table("mood"):
        assert phrase
        assert role in roles
        assert (float(weight) == 0) == (role in {"plain", "story"})
    assert all(phrase and float(weight) for phrase, weight in read_table("hints"))
    assert {intent for _, intent in read_table("intents")} <= {*Intent, "-"}
    assert {aspect for _, aspect in read_table("aspects")} <= {*Aspect, "-"}
    assert {signal for _, signal, _ in read_table("noise")} <= {*Noise, "-"}
    assert len({row[0] for row in read_table("regions")}) == len(read_table("regions"))


def test_regions_name_the_whole_of_taiwan_and_every_province() -> None:
    parents = [row[1] for row in read_table("regions")]
    known = {row[0] for row in read_table("regions")} | {"tw", "cn", ""}
    assert parents.count("tw") == 20  # 22 counties and cities; Hsinchu and Chiayi share a name
    assert parents.count("cn") == 31
    assert sum(parent.startswith("cn-") for parent in parents) >= 333 - 4  # cities, 4 are above
    assert set(parents) <= known
