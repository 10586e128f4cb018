"""The report's words: Traditional Chinese first, English second, the same keys in both."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("zh-Hant", "en")
PAGES: Final = {"zh-Hant": "index.html", "en": "en.html"}

_ZH: Final = {
    "title": "社群活躍報告",
    "brand": "聽潮",
    "other_language": "English",
    "other_label": "Read this page in English",
    "as_of": "資料截至",
    "version": "版本",
    "definitions_version": "定義版本",
    "gate": "品質關卡",
    "gate_passed": "{count} 條規則全數通過",
    "accepted": "經人工確認的列數下降：{marts}",
    "partial": "本月尚未結束，數字只到 {day}",
    "lead": "粉絲多，不等於粉絲好。",
    "lead_gap": "粉絲最多的是「{fans}」，但每一百位粉絲裡最多人真正參與的，是「{active}」。",
    "lead_unseen": (
        "粉絲最多的是「{fans}」，但看不出其中多少人真正參與；看得出的頻道裡，"
        "活躍率最高的是「{active}」。"
    ),
    "lead_same": "粉絲最多的「{fans}」，這個月的活躍率也最高。",
    "most_fans": "粉絲最多",
    "most_active": "活躍率最高",
    "best_conversion": "轉換率最高（下界）",
    "by_fans": "第 {rank} 名（按粉絲數）",
    "slope": "從粉絲數排名，到活躍率排名",
    "slope_why": "左邊照粉絲數排，右邊照活躍率排。線往上，代表這個頻道的粉絲比看起來更有價值。",
    "left": "按粉絲數",
    "right": "按活躍率",
    "climbed": "上升 {count} 名",
    "fell": "下降 {count} 名",
    "level": "名次相同",
    "left_out": "未列入排名",
    "scorecard": "頻道成績單",
    "scorecard_why": "一列一個頻道，依活躍率排序。",
    "channel": "頻道",
    "own": "自有",
    "fan_count": "粉絲數",
    "active_fan_count": "活躍粉絲",
    "engaged_fan_count": "實質互動",
    "activity_rate": "活躍率",
    "trend": "近 {count} 週活躍率",
    "buyer_count": "購買粉絲",
    "conversion_rate": "轉換率",
    "coverage_rate": "涵蓋率",
    "ranks": "名次",
    "ranks_by": "粉絲／活躍／轉換",
    "conversion": "轉換率是一段區間",
    "conversion_why": (
        "不是每位活躍粉絲都認得出是哪位會員。左端只算認得出且有下單的人，"
        "右端假設認不出的人全都買了；真相在兩端之間。"
    ),
    "coverage": "聽了多少：涵蓋日曆",
    "coverage_why": "一格一天。顏色越深，那天聽得越完整；斜線是不知道，不是零。",
    "legend_none": "沒聽到",
    "legend_full": "全天",
    "legend_unknown": "未知",
    "voice": "品牌聲量",
    "voice_why": (
        "所有聽得到的頻道裡，人們用自己的話提到各品牌的次數。"
        "官方帳號說的、雜訊、引用他人的話都不算，另列在旁邊。"
    ),
    "brand_name": "品牌",
    "mention_count": "提及次數",
    "noise_mention_count": "雜訊提及",
    "quoted_mention_count": "引用提及",
    "share_rate": "聲量占比",
    "net_sentiment_rate": "淨好感度",
    "left_out_noise": "雜訊已排除 {count} 則",
    "left_out_noise_why": (
        "這些貼文還在，只是不算進上面的聲量與好感度；參加抽獎的人仍算活躍粉絲，但不算實質互動。"
        "哪些算雜訊、門檻多少，寫在設定檔的 noise。"
    ),
    "reason": "原因",
    "post_count": "則數",
    "marks": "對抽獎貼文的反應",
    "left_out_mentions": "提到品牌",
    "no_noise_of_acts": "不算雜訊，只是不算聲量",
    "list_posts": "逐篇清單：各小組的 desks.duckdb 裡的 left_out_posts。任何一列也能展開，例如",
    "definitions": "每個數字怎麼算",
    "definitions_why": "表頭的底線都會帶到這裡。",
    "valid_from": "自 {day} 起適用",
    "reading": "怎麼讀這一頁",
    "suppressed_mark": "<{k}",
    "not_shown": "不顯示",
    "suppressed_means": (
        "這一格、或能推算出這一格的同列數字，背後少於 {k} 人，為了不指向個人而不顯示。"
    ),
    "unknown": "未知",
    "unknown_means": "沒有觀測到，或平台不顯示；未知不是 0。每一格都寫著原因。",
    "no_fan_count": "沒有觀測到粉絲數",
    "no_identity": "平台看不出是誰",
    "no_active_fans": "這段期間沒有活躍粉絲",
    "no_members": "沒有會員資料可以對照這裡的帳號",
    "no_shop": "還沒有訂單資料",
    "no_ledger": "沒有收集紀錄",
    "no_mentions": "這段期間沒有人提到任何品牌",
    "no_opinion": "沒有正面或負面的提及",
    "nothing": "還沒有任何一個月的資料可以顯示。",
    "day_range": "{first} 至 {last}",
    "day_cell": "{day}：{value}",
    "no_rank": "無名次",
    "footer": "由聽潮產生。數字只含彙總，不含任何人的帳號或文字。",
}
_EN: Final = {
    "title": "Community activity report",
    "brand": "Tingchao",
    "other_language": "繁體中文",
    "other_label": "以繁體中文閱讀本頁",
    "as_of": "As of",
    "version": "Version",
    "definitions_version": "Definitions",
    "gate": "Quality gate",
    "gate_passed": "all {count} rules passed",
    "accepted": "Loss of rows accepted by a person: {marts}",
    "partial": "The month is not over; numbers run to {day}",
    "lead": "Many fans are not good fans.",
    "lead_gap": (
        "{fans} has the most fans, but out of every hundred fans the most take part at {active}."
    ),
    "lead_unseen": (
        "{fans} has the most fans, but nobody can tell how many take part; where it can be told, "
        "{active} has the highest activity rate."
    ),
    "lead_same": "{fans} has the most fans, and this month the highest activity rate too.",
    "most_fans": "Most fans",
    "most_active": "Highest activity rate",
    "best_conversion": "Highest conversion (lower bound)",
    "by_fans": "No. {rank} by fans",
    "slope": "From rank by fans to rank by activity",
    "slope_why": (
        "Left: ordered by fans. Right: ordered by activity rate. A rising line is a channel whose "
        "fans are worth more than their number."
    ),
    "left": "By fans",
    "right": "By activity rate",
    "climbed": "up {count}",
    "fell": "down {count}",
    "level": "unchanged",
    "left_out": "Not ranked",
    "scorecard": "Channel scorecard",
    "scorecard_why": "One row per channel, by activity rate.",
    "channel": "Channel",
    "own": "own",
    "fan_count": "Fans",
    "active_fan_count": "Active fans",
    "engaged_fan_count": "Engaged",
    "activity_rate": "Activity rate",
    "trend": "Activity, last {count} weeks",
    "buyer_count": "Buying fans",
    "conversion_rate": "Conversion",
    "coverage_rate": "Coverage",
    "ranks": "Ranks",
    "ranks_by": "fans / activity / conversion",
    "conversion": "Conversion is an interval",
    "conversion_why": (
        "Not every active fan can be told to be a member. The left end counts only those who can "
        "and who bought; the right end supposes that all the others bought. The truth is between."
    ),
    "coverage": "How much we heard: coverage calendar",
    "coverage_why": (
        "One cell per day, the darker the more of the day was heard; hatching is unknown, not zero."
    ),
    "legend_none": "nothing",
    "legend_full": "whole day",
    "legend_unknown": "unknown",
    "voice": "Share of voice",
    "voice_why": (
        "How often people named each brand in words of their own, on all channels heard. Official "
        "accounts, noise and quotations do not count and stand beside it."
    ),
    "brand_name": "Brand",
    "mention_count": "Mentions",
    "noise_mention_count": "In noise",
    "quoted_mention_count": "In quotations",
    "share_rate": "Share of voice",
    "net_sentiment_rate": "Net sentiment",
    "left_out_noise": "{count} posts left out as noise",
    "left_out_noise_why": (
        "They are still there, but in no share of voice and no mood; who enters a giveaway is an "
        "active fan and not an engaged one. What counts as noise is configured under noise."
    ),
    "reason": "Reason",
    "post_count": "Posts",
    "marks": "Marks on giveaways",
    "left_out_mentions": "Mentions",
    "no_noise_of_acts": "no noise, only no voice",
    "list_posts": "Post by post: left_out_posts in the desks' file. Any row can be opened, too:",
    "definitions": "How every number is made",
    "definitions_why": "Every underlined heading leads here.",
    "valid_from": "holds from {day}",
    "reading": "How to read this page",
    "suppressed_mark": "<{k}",
    "not_shown": "not shown",
    "suppressed_means": (
        "Fewer than {k} people stand behind this cell, or behind one of its row that it could be "
        "worked out from, so it is not shown."
    ),
    "unknown": "unknown",
    "unknown_means": (
        "Not observed, or not shown by the platform; unknown is not 0. Each cell says why."
    ),
    "no_fan_count": "no fan count was observed",
    "no_identity": "the platform does not show who",
    "no_active_fans": "nobody was active",
    "no_members": "no member record names anybody here",
    "no_shop": "no orders are known yet",
    "no_ledger": "no record of listening",
    "no_mentions": "no brand was mentioned",
    "no_opinion": "nothing positive or negative",
    "nothing": "There is no month to show yet.",
    "day_range": "{first} to {last}",
    "day_cell": "{day}: {value}",
    "no_rank": "no rank",
    "footer": "Made by Tingchao. Aggregates only: nobody's account or words are in here.",
}
WORDS: Final = {"zh-Hant": _ZH, "en": _EN}
REASONS: Final = {
    "zh-Hant": {
        "advertising": "廣告",
        "giveaway": "抽獎與參加抽獎",
        "bot": "機器人",
        "repost": "沒有自己話的轉貼",
        "copy": "重複文案",
        "repeated_characters": "洗字",
        "jammer_text": "亂碼干擾",
        "quoted": "引用他人的話",
    },
    "en": {
        "advertising": "Advertising",
        "giveaway": "Giveaways and entries",
        "bot": "Bots",
        "repost": "Reposts without own words",
        "copy": "Copies",
        "repeated_characters": "Repeated characters",
        "jammer_text": "Jammed text",
        "quoted": "Words of others",
    },
}
"""Why something is left out, as the marts call it."""
