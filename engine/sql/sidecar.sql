-- What the sidecar's database user may do, and no more. Run it after fence.sql, on the writer, as a superuser:
--   psql -v ON_ERROR_STOP=1 -f sidecar.sql
--   create role understudy login password '...' in role understudy_sidecar;
--   grant select on orders to understudy_sidecar;     -- so that it can count what a failover has lost
-- Running it again changes nothing.

begin;

do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'understudy_sidecar') then
        create role understudy_sidecar nologin;
    end if;
end $$;

grant execute on function understudy.write_serving(bigint, timestamptz), understudy.write_probe(text)
    to understudy_sidecar;
grant select, insert, update on understudy.reconciliation to understudy_sidecar;
-- Who follows whom, and how far behind.
grant pg_read_all_stats to understudy_sidecar;
-- Only a superuser may promote, unless it is granted.
grant execute on function pg_catalog.pg_promote(boolean, integer) to understudy_sidecar;

commit;
