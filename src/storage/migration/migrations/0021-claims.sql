-- Claims notifications in one statement, so that no lock waits for a client: a notifier that is cut off in a claim
-- delays no other one. Of `wanted`, in their order, it takes those that are still pending, first in their delivery
-- queue, due and within the permits; see src/storage/notifications/notification-take-store.ts.
create function take_notifications(
  wanted text[],
  taken_at timestamptz,
  taken_until timestamptz,
  per_host integer,
  per_host_and_project integer,
  always_responsive text[],                        -- hosts
  too_soon_after timestamptz                       -- an unresponsive host that was called after it gets no attempt
) returns table (id text, attempt integer, is_host_responsive boolean) language plpgsql as $$
#variable_conflict use_column
begin
  -- One claim at a time, so that the counts of permits are right. Each statement below sees what the last claim wrote.
  perform pg_advisory_xact_lock(80420002);
  return query
  with asked as materialized (
    select n.id, n.host, coalesce(n.project_id, '') as project, w.place
      from unnest(wanted) with ordinality as w (id, place) join notifications n on n.id = w.id
     where n.status = 'pending' and n.next_attempt_at <= taken_at
       and coalesce((select h.not_before from delivery_holds h where h.lane = n.lane), '-infinity') <= taken_at
       and not exists (
       select from notifications e
        where e.lane = n.lane and e.status in ('pending', 'in_flight')
          and (e.status = 'in_flight' or e.ordinal < n.ordinal))
  ), busy as materialized (
    select n.host, coalesce(n.project_id, '') as project, count(*) as claims
      from notifications n where n.status = 'in_flight' group by 1, 2
  ), hosts as materialized (
    select h.host, k.is_responsive, coalesce((select sum(b.claims) from busy b where b.host = h.host), 0) as claims,
           case when k.is_responsive then per_host when k.is_too_soon then 0 else 1 end as connections
      from (select distinct host from asked) h cross join lateral (
        select coalesce(bool_or(r.answered), false) or h.host = any(always_responsive) as is_responsive,
               coalesce(bool_or(r.outcome_at is not null and r.claimed_at > too_soon_after), false) as is_too_soon
          from receiver_hosts r where r.host = h.host
      ) k
  ), placed as (
    select a.id, h.is_responsive, h.connections,
           h.claims + row_number() over (partition by a.host order by a.place) as host_rank,
           coalesce(b.claims, 0) + row_number() over (partition by a.host, a.project order by a.place) as project_rank
      from asked a join hosts h on h.host = a.host
      left join busy b on b.host = a.host and b.project = a.project
  ), free as materialized (
    select n.id, p.is_responsive from placed p join notifications n on n.id = p.id
     where n.status = 'pending' and p.host_rank <= p.connections
       and p.project_rank <= least(per_host_and_project, p.connections)
       for update of n skip locked
  ), taken as (
    update notifications n set status = 'in_flight', attempt = n.attempt + 1, claim_until = taken_until
      from free where n.id = free.id
    returning n.id, n.attempt, n.host, free.is_responsive
  ), called as (
    insert into receiver_hosts (host, answered, claimed_at)
    select distinct host, false, taken_at from taken where not is_responsive order by host
    on conflict (host) do update set claimed_at = excluded.claimed_at
  )
  select taken.id, taken.attempt, taken.is_responsive from taken;
end
$$;

-- A search path of its own, so that it finds the tables in any session.
do $$
begin
  execute format('alter function %s set search_path = %I, pg_temp', 'take_notifications'::regproc, current_schema());
end
$$;
