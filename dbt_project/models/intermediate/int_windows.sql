-- One row per segment and channel it speaks of, with the stretch of time that was asked for.
--
-- A crawl's segment speaks of its own channel. A file may say in a column of which channels its rows
-- are: its window then holds for each of these.
with

ledger as (
    select * from {{ ref('stg_crawls') }}
),

brought as (
    select posts.segment_id, posts.channel_id
    from {{ ref('stg_posts') }} as posts
    inner join ledger on posts.segment_id = ledger.segment_id
    where ledger.route = 'import'
    union
    select reactions.segment_id, reactions.channel_id
    from {{ ref('stg_reactions') }} as reactions
    inner join ledger on reactions.segment_id = ledger.segment_id
    where ledger.route = 'import'
)

select
    coalesce(brought.channel_id, ledger.channel_id) as channel_id,
    ledger.segment_id,
    ledger.crawl_id,
    ledger.covered_start_at,
    ledger.covered_end_at,
    coalesce(ledger.covered_start_at, ledger.window_start_at) as start_at,
    coalesce(ledger.covered_end_at, ledger.window_end_at) as end_at,
    ledger.is_last,
    ledger.stop_reason,
    ledger.committed_at
from ledger
left join brought on ledger.segment_id = brought.segment_id
where coalesce(ledger.covered_start_at, ledger.window_start_at) is not null
