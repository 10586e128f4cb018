"""The lexicon: contradictions are told, equal content is one version."""

from __future__ import annotations

import pickle

import pytest

from enrichment import ENGINE_VERSION, Alias, Brand, LexiconError, Topic, build_lexicon
from tests.enrichment.sayings import lexicon


def test_the_version_depends_on_content_alone() -> None:
    a, b = Brand("a", (Alias("甲牌"),)), Brand("b", (Alias("乙牌"),))
    one, other = build_lexicon([a, b]), build_lexicon([b, a])
    assert one == other
    assert one.version == other.version == f"{ENGINE_VERSION}-{one.digest[:12]}"
    assert build_lexicon([a]).version != one.version
    assert build_lexicon([a, b], [Topic("t", ("價格",))]).version != one.version
    assert build_lexicon([a, Brand("b", (Alias("乙牌", deny=("丙",)),))]).version != one.version


def test_a_lexicon_can_be_sent_to_another_process() -> None:
    sent = pickle.loads(pickle.dumps(lexicon()))
    assert sent == lexicon()
    assert sent.version == lexicon().version
    assert hash(sent) == hash(lexicon())


@pytest.mark.parametrize(
    ("first", "second"), [("星巴克", "星巴克"), ("臺積電", "台积电"), ("LG", "ｌｇ")]
)
def test_an_alias_of_two_brands_is_refused_with_both_names(first: str, second: str) -> None:
    brands = [Brand("one", (Alias(first),)), Brand("two", (Alias(second),))]
    with pytest.raises(LexiconError, match=r"(?s)'two'.*'one'.*expected every alias to mean one"):
        build_lexicon(brands)


def test_one_alias_with_two_conditions_is_refused() -> None:
    brand = Brand("one", (Alias("蘋果", ("手機",)), Alias("苹果")))
    with pytest.raises(LexiconError, match="different product, require_context, deny or blockers"):
        build_lexicon([brand])


def test_both_scripts_of_one_alias_are_one_alias() -> None:
    build_lexicon([Brand("one", (Alias("蘋果"), Alias("苹果")))])


@pytest.mark.parametrize("blank", ["", "  ", "\t"])
def test_blank_phrases_are_refused(blank: str) -> None:
    with pytest.raises(LexiconError, match="found blanks"):
        build_lexicon([Brand("one", (Alias(blank),))])
    with pytest.raises(LexiconError, match="found blanks"):
        build_lexicon(topics=[Topic("t", (blank,))])
