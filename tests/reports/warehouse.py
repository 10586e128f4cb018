"""A small work database with every mart and its evidence, made with SQL of its own.

Nothing here comes from the dbt project: six channels, ten weeks, people drawn by a hash, and the
marts counted from them in the plainest way. Channel `mute-page` shows no authors, `new-blog` tells
no fan count, `tiny-group` has too few people to be shown.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

THROUGH = "2026-10-31"
VERSION = "2026.1"
TEXTS = "1-lexicon"

CHANNELS = """
    ('ptt-drink', 'ptt', 'PTT 飲料板', NULL, 48210, 260, true),
    ('brand-page', 'page', '潮鳴茶粉絲團', 'chaoming', 91877, 150, true),
    ('tea-blog', 'feed', '潮鳴茶部落格', 'chaoming', 640, 62, true),
    ('mute-page', 'page', '雲霧手搖粉絲團', 'yunwu', 120450, 80, false),
    ('new-blog', 'feed', '新開的部落格', 'yunwu', NULL, 24, true),
    ('tiny-group', 'forum', '巷口小社團', 'chaoming', 58, 3, true)
"""

EVIDENCE = f"""
create table people_of (channel_id varchar, source varchar, channel_name varchar, brand_id varchar,
    fan_count bigint, people bigint, is_identity_visible boolean);
insert into people_of values {CHANNELS};

create table int_acts as
select
    channel_id,
    source,
    'post:' || channel_id || ':' || n as act_key,
    channel_id || '.' || n as post_id,
    case when is_identity_visible then
        'k1.' || rpad(translate(md5(channel_id || (hash(n, channel_id) % people)), '0189', 'wxyz'),
            26, 'a')[:26] end as author_key,
    date '2026-08-20' + cast(hash(n, 'day', channel_id) % 73 as integer) as act_date,
    case hash(n, 'kind') % 5 when 0 then 'post' when 1 then 'reaction' else 'comment' end
        as act_kind,
    n % 17 = 0 as is_official,
    is_identity_visible and not is_official as is_eligible,
    md5(channel_id || (n // 50)) as segment_id
from people_of, range(people * 6) as numbers (n);

create table int_posts as
select
    source,
    channel_id,
    post_id,
    'comment' as kind,
    null::varchar as parent_id,
    channel_id || '.root' || (hash(post_id) % 40) as root_id,
    md5(post_id) as text_hash,
    'https://example.org/' || post_id as url,
    segment_id,
    author_key,
    act_date + interval '12 hours' as published_at,
    false as is_deleted,
    act_date as post_date
from int_acts where act_kind <> 'reaction';

create table int_noise as
select channel_id, post_id,
    case hash(post_id || 'n') % 3 when 0 then 'giveaway' when 1 then 'copy' else 'repost' end
        as reason,
    reason as rule
from int_posts where hash(post_id || 'n') % 7 < 3 and hash(post_id) % 5 = 0;

create table int_mentions as
select
    case when hash(post_id) % 3 = 0 then 'yunwu' else 'chaoming' end as brand_id,
    channel_id,
    post_id,
    act_date as mention_date,
    0::bigint as span_start,
    3::bigint as span_end,
    '潮鳴茶' as alias,
    hash(post_id || 'q') % 9 = 0 as is_quoted,
    author_key,
    ['positive', 'neutral', 'negative', 'positive'][1 + (hash(post_id || 's') % 4)::integer]
        as sentiment,
    segment_id
from int_acts where act_kind <> 'reaction' and not is_official and hash(post_id || 'm') % 4 = 1;

create view weighed_mentions as
select m.*, coalesce(n.reason, case when m.is_quoted then 'quoted' end) as reason
from int_mentions m left join int_noise n using (channel_id, post_id);

create view weighed_acts as
select a.*, case when not is_official and act_kind <> 'reaction' and n.reason <> 'repost'
    then n.reason end as reason
from int_acts a left join int_noise n using (channel_id, post_id);

create table int_orders_attributed as
select
    'shop' as source,
    'order-' || n as order_id,
    'chaoming' as brand_id,
    ['ptt-drink', 'brand-page', 'tea-blog', '(unattributed)']
        [1 + (hash(n, 'c') % 4)::integer] as channel_id,
    'last_touch' as attribution_model,
    date '2026-09-01' + cast(hash(n) % 61 as integer) as order_date,
    'k1.' || translate(md5('buyer' || (n % 60)), '0189', 'wxyz')[:26] as buyer_key,
    'TWD' as currency,
    cast(90 + (hash(n, 'a') % 400)::integer as decimal(18, 2)) as amount,
    cast(case when n % 11 = 0 then 30 else 0 end as decimal(18, 2)) as refund_amount,
    md5('orders') as segment_id
from range(400) as numbers (n);
"""

COVERAGE = f"""
create table coverage as
select
    channel_id,
    d::date as coverage_date,
    source,
    case when channel_id = 'tea-blog' and d::date between '2026-09-14' and '2026-09-18' then 0
         when channel_id = 'brand-page' and hash(d) % 9 = 0 then 43200
         when channel_id = 'mute-page' and d::date < '2026-09-20' then NULL
         else 86400 end::bigint as covered_seconds,
    86400::bigint as day_seconds,
    covered_seconds / day_seconds as coverage_rate,
    'reached_watermark' as last_stop_reason,
    1::bigint as crawl_count,
    (select count(*) from int_acts a
        where a.channel_id = p.channel_id and a.act_date = d::date
        and a.act_kind <> 'reaction') as landed_post_count,
    0::bigint as undated_post_count,
    '{VERSION}' as definition_version
from people_of p, range(date '2026-08-20', date '2026-11-01', interval 1 day) days (d);

create table periods as
select distinct kind as period_type, date_trunc(kind, d)::date as period_start_date,
    case kind when 'day' then date_trunc(kind, d)::date
        when 'week' then date_trunc(kind, d)::date + 6
        else last_day(d) end as period_end_date,
    period_start_date >= '2026-08-20' and period_end_date <= '{THROUGH}' as is_complete_period
from range(date '2026-08-20', date '2026-11-01', interval 1 day) days (d),
    (values ('day'), ('week'), ('month')) kinds (kind);
"""

FAN_ACTIVITY = f"""
create table channel_activity as
select
    p.channel_id, t.period_type, t.period_start_date, any_value(p.source) as source,
    any_value(p.brand_id) as brand_id,
    t.period_end_date,
    t.is_complete_period,
    any_value(p.fan_count) as fan_count,
    case when any_value(p.is_identity_visible) then
        count(distinct a.author_key) filter (a.is_eligible) end as active_fan_count,
    active_fan_count / nullif(any_value(p.fan_count), 0) as activity_rate,
    case when any_value(p.is_identity_visible) then
        count(distinct a.author_key) filter (a.is_eligible and a.reason is null) end
        as engaged_fan_count,
    count(*) filter (a.act_kind = 'post') as post_count,
    count(*) filter (a.act_kind = 'comment') as comment_count,
    count(*) filter (a.act_kind = 'reaction') as reaction_count,
    count(a.act_key) as act_count,
    count(*) filter (a.is_official) as official_act_count,
    count(a.reason) as noise_act_count,
    (select avg(coverage_rate) from coverage c where c.channel_id = p.channel_id
        and c.coverage_date between t.period_start_date and t.period_end_date) as coverage_rate,
    '{VERSION}' as definition_version
from people_of p cross join periods t
left join weighed_acts a on a.channel_id = p.channel_id
    and a.act_date between t.period_start_date and t.period_end_date
group by p.channel_id, t.period_type, t.period_start_date, t.period_end_date, t.is_complete_period;

create table noise_acts as
select channel_id, act_date, reason, count(*) as act_count,
    count(*) filter (act_kind <> 'reaction') as post_count,
    1.0::double as coverage_rate,
    '{VERSION}' as definition_version
from weighed_acts where reason is not null group by channel_id, act_date, reason;

create table fan_lifecycle as
select
    channel_id, period_start_date, period_type, period_end_date, is_complete_period,
    active_fan_count,
    active_fan_count - active_fan_count // 2 - active_fan_count // 3 as new_fan_count,
    active_fan_count // 2 as retained_fan_count,
    active_fan_count // 3 as returning_fan_count,
    active_fan_count // 4 as dormant_fan_count,
    active_fan_count // 5 as lost_fan_count,
    coverage_rate,
    definition_version
from channel_activity where period_type = 'month';
"""

CONVERSION = f"""
create table conversions as
select
    brand_id, channel_id, attribution_model, currency, order_date as conversion_date,
    count(*) as order_count,
    count(distinct buyer_key) as buyer_count,
    sum(amount)::decimal(18, 2) as gross_amount,
    sum(refund_amount)::decimal(18, 2) as refund_amount,
    sum(amount - refund_amount)::decimal(18, 2) as net_amount,
    1.0::double as coverage_rate,
    '{VERSION}' as definition_version
from int_orders_attributed
group by brand_id, channel_id, attribution_model, currency, order_date;

create table channel_conversion as
select
    channel_id, period_start_date, period_type, period_end_date, is_complete_period,
    active_fan_count,
    active_fan_count * 3 // 4 as identified_fan_count,
    active_fan_count // case channel_id when 'tea-blog' then 4 else 12 end as buyer_count,
    identified_fan_count / nullif(active_fan_count, 0) as identified_rate,
    buyer_count / nullif(active_fan_count, 0) as conversion_rate,
    (buyer_count + active_fan_count - identified_fan_count) / nullif(active_fan_count, 0)
        as conversion_rate_hi,
    act_count as visit_count,
    act_count // 2 as visitor_count,
    act_count // 20 as order_count,
    coverage_rate,
    definition_version
from channel_activity where period_type = 'month';
"""

MENTION = f"""
create table mentions as
select
    brand_id, channel_id, mention_date,
    count(*) filter (reason is null) as mention_count,
    count(*) filter (reason <> 'quoted') as noise_mention_count,
    count(*) filter (reason = 'quoted') as quoted_mention_count,
    count(distinct post_id) filter (reason is null) as post_count,
    count(distinct post_id) - post_count as left_out_post_count,
    case when count(author_key) > 0
        then count(distinct author_key) filter (reason is null) end as author_count,
    1.0::double as coverage_rate,
    '{VERSION}' as definition_version
from weighed_mentions group by brand_id, channel_id, mention_date;

create table left_out_mentions as
select brand_id, channel_id, mention_date, reason, count(*) as mention_count,
    count(distinct post_id) as post_count,
    1.0::double as coverage_rate,
    '{VERSION}' as definition_version
from weighed_mentions where reason is not null
group by brand_id, channel_id, mention_date, reason;

create table share_of_voice as
select
    b.brand_id, t.period_type, t.period_start_date, t.period_end_date,
    t.is_complete_period,
    count(m.brand_id) filter (m.brand_id = b.brand_id and m.reason is null) as mention_count,
    count(m.brand_id) filter (m.brand_id = b.brand_id and m.reason <> 'quoted')
        as noise_mention_count,
    count(m.brand_id) filter (m.brand_id = b.brand_id and m.reason = 'quoted')
        as quoted_mention_count,
    count(m.brand_id) filter (m.reason is null) as total_mention_count,
    mention_count / nullif(total_mention_count, 0) as share_rate,
    rank() over (partition by t.period_type, t.period_start_date order by mention_count desc)
        as rank,
    0.97::double as coverage_rate,
    '{VERSION}' as definition_version
from (values ('chaoming'), ('yunwu')) b (brand_id) cross join periods t
left join weighed_mentions m on m.mention_date between t.period_start_date and t.period_end_date
group by b.brand_id, t.period_type, t.period_start_date, t.period_end_date, t.is_complete_period;

create table sentiment_daily as
select
    brand_id, channel_id, mention_date as sentiment_date,
    count(distinct post_id) filter (reason is null) as post_count,
    count(distinct post_id) - post_count as left_out_post_count,
    count(distinct post_id) filter (reason is null and sentiment = 'positive') as positive_count,
    count(distinct post_id) filter (reason is null and sentiment = 'neutral') as neutral_count,
    count(distinct post_id) filter (reason is null and sentiment = 'negative') as negative_count,
    0::bigint as unknown_count,
    (positive_count - negative_count) / nullif(positive_count + negative_count, 0)
        as net_sentiment_rate,
    1.0::double as coverage_rate,
    '{VERSION}' as definition_version
from weighed_mentions group by brand_id, channel_id, mention_date;
"""

FRONT = f"""
create table channel_scorecard as
select
    a.channel_id, a.period_start_date, a.period_type, a.period_end_date, a.is_complete_period,
    p.channel_name, a.source, a.brand_id, a.fan_count, a.active_fan_count, a.activity_rate,
    c.identified_fan_count, c.buyer_count, c.conversion_rate, c.conversion_rate_hi,
    case when a.fan_count is not null then rank() over (partition by a.period_start_date
        order by a.fan_count desc nulls last) end as fan_rank,
    case when a.activity_rate is not null then rank() over (partition by a.period_start_date
        order by a.activity_rate desc nulls last) end as activity_rank,
    case when c.conversion_rate is not null then rank() over (partition by a.period_start_date
        order by c.conversion_rate desc nulls last) end as conversion_rank,
    a.coverage_rate,
    a.definition_version
from channel_activity a
join people_of p using (channel_id)
join channel_conversion c using (channel_id, period_start_date)
where a.period_type = 'month';

create table metric_definitions as
select
    mart || '.' || column_name as metric_id, date '2026-01-01' as valid_from_date, mart,
    column_name, name_zh, name_en, formula_zh, formula_en, 'people' as unit,
    '{VERSION}' as definition_version
from (values
    ('channel_scorecard', 'fan_count', '粉絲數', 'Fans', '期末平台顯示的粉絲數',
        'What the channel says of itself at the end of the period'),
    ('channel_scorecard', 'active_fan_count', '活躍粉絲', 'Active fans',
        '期間內至少行動一次的不重複粉絲', 'Distinct people who acted at least once in the period'),
    ('channel_scorecard', 'activity_rate', '活躍率', 'Activity rate', '活躍粉絲 ÷ 粉絲數',
        'Active fans ÷ fans'),
    ('channel_scorecard', 'conversion_rate', '轉換率', 'Conversion rate', '買家 ÷ 活躍粉絲',
        'Buyers ÷ active fans'),
    ('channel_scorecard', 'buyer_count', '買家', 'Buyers', '可辨識且同月下單的活躍粉絲',
        'Identified active fans who ordered in the same month'),
    ('channel_scorecard', 'conversion_rate_hi', '轉換率（上限）', 'Conversion rate, upper end',
        '認不出的活躍粉絲全都買了的時候', 'If every fan whom nothing identifies had bought'),
    ('channel_scorecard', 'coverage_rate', '涵蓋率', 'Coverage', '期間內每天真正聽到的比例的平均',
        'Mean share of each day that we really listened to'),
    ('share_of_voice', 'mention_count', '提及次數', 'Mentions', '期間內品牌被提到的次數',
        'How often the brand was mentioned in the period'),
    ('sentiment_daily', 'net_sentiment_rate', '淨好感', 'Net sentiment',
        '（正面 − 負面）÷（正面 ＋ 負面）', '(positive − negative) ÷ (positive + negative)'),
    ('share_of_voice', 'share_rate', '聲量占有率', 'Share of voice', '品牌提及數 ÷ 所有品牌提及數',
        'Mentions of the brand ÷ mentions of all brands')
) d (mart, column_name, name_zh, name_en, formula_zh, formula_en);

create table source_capabilities as
select
    source, kpi_id, kpi_name_zh, kpi_name_en, status, status = 'COMPUTABLE' as is_computable,
    missing_capability, reason_zh, reason_en, '{VERSION}' as definition_version
from (values
    ('ptt', 'mentions', '提及數', 'mentions', 'COMPUTABLE', NULL, NULL, NULL),
    ('ptt', 'fan_count', '粉絲數', 'fans', 'NOT_COMPUTABLE', 'fan_count', '不公布粉絲數',
        'it does not say how many follow')
) d (source, kpi_id, kpi_name_zh, kpi_name_en, status, missing_capability, reason_zh, reason_en);
"""

STATE = """
create table built as
select ?::timestamptz as as_of, ?::date as through_date, 'c0ffee' as configuration_digest,
    'c0dec0dec0de' as code_digest, ?::varchar as text_version, 'duckdb' as engine;
"""
NOTHING_MORE = """
create table built_segments (id varchar);
create table built_batches (id varchar);
"""

BUILD = (EVIDENCE, COVERAGE, FAN_ACTIVITY, CONVERSION, MENTION, FRONT, NOTHING_MORE)


AS_OF = datetime(2026, 10, 31, 16, tzinfo=UTC)


def build_warehouse(path: Path, *edits: str, as_of: datetime = AS_OF) -> Path:
    """Write a work database at `path`; `edits` are statements run on the finished marts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_plain())
    with duckdb.connect(str(path)) as connection:
        for statement in edits:
            connection.execute(statement)
        connection.execute(STATE, [as_of, THROUGH, TEXTS])
        connection.execute("checkpoint")
    return path


@cache
def _plain() -> bytes:
    """The database without edits, made once."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "work.duckdb"
        with duckdb.connect(str(path)) as connection:
            for script in BUILD:
                connection.execute(script)
            connection.execute("drop table people_of; drop table periods")
        return path.read_bytes()
