-- The dates are taken from the names of partitions only. Once its catalogs were analysed, PostgreSQL took them from all
-- tables, and the function failed.

-- Makes the partitions of the days from yesterday to a week ahead, and drops those of more than `keep` days ago. Takes
-- back all rights by which others than the owner could change the trail, however they were granted.
-- It runs with the rights of its owner, so that the role of the service needs none on the partitions. That role can
-- drop no day of the last week: `keep` is at least 7, and the database's own clock counts.
create or replace function keep_audit_days(today date, keep integer) returns integer
language plpgsql security definer as $$
declare
  day date;
  name text;
  rights text;
  holder text;
  dropped integer := 0;
begin
  perform pg_advisory_xact_lock(80420005);
  for day in select generate_series(today - 1, today + 7, interval '1 day')::date loop
    name := 'audit_entries_' || to_char(day, 'YYYYMMDD');
    continue when to_regclass(name) is not null;
    execute format('create table %I partition of audit_entries for values from (%L) to (%L)',
      name, day || ' 00:00+00', day + 1 || ' 00:00+00');
  end loop;
  for name, rights, holder in
    select distinct c.oid::regclass::text, case c.relkind when 'p' then acl.privilege_type else 'all' end,
        case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
      from pg_class c, aclexplode(c.relacl) acl
     where acl.grantee <> c.relowner
       and (c.oid in (select inhrelid from pg_inherits where inhparent = 'audit_entries'::regclass)
         or c.oid = 'audit_entries'::regclass and acl.privilege_type not in ('SELECT', 'INSERT'))
  loop
    execute format('revoke %s on %s from %s cascade', rights, name, holder);
  end loop;
  for name in
    select c.oid::regclass from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'audit_entries'::regclass
       and case when c.relname ~ '^audit_entries_[0-9]{8}$' then to_date(right(c.relname, 8), 'YYYYMMDD') end
         < least(today, (clock_timestamp() at time zone 'UTC')::date) - greatest(keep, 7)
  loop
    execute format('drop table %s', name);
    dropped := dropped + 1;
  end loop;
  return dropped;
end
$$;

-- Only this schema is searched by the function, so that the role of the service cannot put a table of its own before.
do $$
begin
  execute format('alter function keep_audit_days(date, integer) set search_path = %I, pg_temp', current_schema());
end
$$;
