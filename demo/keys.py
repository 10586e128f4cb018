"""The keys and tokens that the town's sites ask for, by the variable in which they are looked for.

They open nothing but the town. Whoever runs the spiders against it puts them into the environment.
"""

from __future__ import annotations

KEYS = {
    "TINGCHAO_YOUTUBE_KEY": "town-youtube-key-5521",
    "TINGCHAO_WEIBO_TOKEN": "town-weibo-token-7134",
    "TINGCHAO_FACEBOOK_TOKEN": "town-facebook-token-9041",
    "TINGCHAO_INSTAGRAM_TOKEN": "town-instagram-token-3377",
    "TINGCHAO_THREADS_TOKEN": "town-threads-token-6408",
    "TINGCHAO_LINE_TOKEN": "town-line-token-1850",
    "TINGCHAO_WECHAT_APP_ID": "wx0town0wuyu00001",
    "TINGCHAO_WECHAT_SECRET": "town-wechat-secret-4462",
    "TINGCHAO_SHOPIFY_TOKEN": "town-shopify-token-3317",
    "TINGCHAO_WOOCOMMERCE_KEY": "ck_town-woo-4410:cs_town-woo-9062",
    "TINGCHAO_MASTODON_TOKEN": "town-mastodon-token-2286",
}
