"""Our own sentences, as people in communities write them; nobody said any of them."""

from __future__ import annotations

from functools import cache
from itertools import product

from enrichment import Alias, Brand, Lexicon, Topic, build_lexicon

PRAISE = (
    "潮鳴茶的烏龍鮮奶真的很好喝，已經回購三次了",
    "店員很親切，包裝也很用心，大推！",
    "用了半年沒有任何毛病，值得買",
    "雲霧手搖出餐快又便宜，讚讚",
    "這家的牛肉麵湯頭濃郁，好吃到哭",
    "後來客服馬上幫我處理，服務態度很好，謝謝",
    "本來怕踩雷，結果意外好看",
    "畫質清晰，手感流暢，物超所值",
)
BLAME = (
    "傻眼，等了四十分鐘還沒出貨，客服已讀不回",
    "包裝破損，裡面的杯子也裂了，要求退款",
    "又貴又難喝，雷店一間，不會再來",
    "說好的珍珠呢？偷工減料，盤子才買",
    "電池發燙還一直當機，後悔買了",
    "潮鳴茶漲價又縮水，真的很扯",
    "店員臉很臭，愛理不理的，再也不來",
    "噓，這個價格太盤了吧",
)
MIXED = (
    "好喝但是太貴了",
    "外觀漂亮，不過續航很差",
    "雖然慢了點，但味道不錯",
    "沒有想像中難吃，可是份量好少",
)
PLAIN = (
    "今天下午三點在台北車站開會",
    "請問雲霧手搖的中杯多少錢？",
    "有人知道這間店幾點關門嗎？",
    "想買一台筆電，預算三萬，求推薦",
    "高雄有推薦的早午餐嗎",
    "剛下單了，等收到再來寫心得",
    "轉發抽獎！留言+1 抽出三位送禮盒",
    "加LINE：abc12345 限時優惠全館免運",
    "推",
    "第一次發文，排版請見諒",
    "新竹跟苗栗最近都在下雨",
    "@小編 這個活動到什麼時候？",
    "他在後面曬頭髮，裡面還有麵條",
    "手機系統更新之後，螢幕變成綠色的",
)
SIMPLIFIED = (
    "潮鸣茶的乌龙鲜奶真的很好喝，已经回购三次了",
    "物流太慢了，客服态度还差，差评",
    "这个牌子质量不错，就是价格有点贵",
    "请问深圳哪家店有现货？",
    "刚入手，手感很好，推荐给大家[哈哈]",
    "包装破损，申请退款还不给退，垃圾",
)
LATIN = (
    "LG8080 跟 iPhone 15 哪個好？",
    "用 t.cn/abc 的短網址，看 https://example.com/lg?x=1",
    "Wi-Fi 6E、USB-C、3.5mm 都有，CP值高",
    "C++ 跟 Node.js 我都會一點點 XD",
    "下載速度 100Mbps，才 299元，ok啦",
)
ODD = (
    "超好吃！！！！！！！！！！！！！！",
    "哈哈哈哈哈哈哈哈哈哈哈哈哈笑死",
    "ＣＰ值超高，ｉＰｈｏｎｅ 也可以用",
    "星\u200b期\u200b天\u200b見",
    "👨‍👩‍👧‍👦 一家人都愛 ❤️",
    "𠮷野家和𡘙字，還有龘靐齉",
    "",
    " ",
    "。。。",
)
SAYINGS = (*PRAISE, *BLAME, *MIXED, *PLAIN, *SIMPLIFIED, *LATIN, *ODD)


@cache
def lexicon() -> Lexicon:
    """Two brands of our own, one ambiguous word, one in Latin letters, two topics."""
    return build_lexicon(
        brands=[
            Brand("chaoming", (Alias("潮鳴茶"), Alias("潮鳴"), Alias("鳴茶", deny=("共鳴茶會",)))),
            Brand("yunwu", (Alias("雲霧手搖"), Alias("Yunwu"))),
            Brand("orange", (Alias("橙果", require_context=("超市", "特價"), deny=("果汁",)),)),
            Brand("lg", (Alias("LG"),)),
        ],
        topics=[
            Topic("price", ("漲價", "太貴", "便宜", "價格")),
            Topic("service", ("店員", "客服", "態度")),
        ],
        words=["鮮奶茶館"],
    )


def corpus() -> list[str]:
    """Some thousand texts: every saying, and every two of them joined."""
    joins = ("，", " ", "\n")
    pairs = (
        f"{a}{joins[(i + j) % 3]}{b}" for (i, a), (j, b) in product(enumerate(SAYINGS), repeat=2)
    )
    return [*SAYINGS, *pairs]
