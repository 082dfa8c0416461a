-- The commit fence: the last word on who may serve is the database's own.
--
-- Run it on the writer, in the database that holds the orders, as a superuser or the database's owner:
--   psql -v ON_ERROR_STOP=1 -f fence.sql
--   select understudy.fence('orders');        -- once for each table whose rows are orders
-- Running it again changes nothing. It reaches the standby by replication.
--
-- What it does. The sidecar of the region that holds the lease writes, with every renewal, the row
-- `understudy.serving (epoch, valid_until)`. A transaction that touched a fenced table is judged when it commits:
-- its epoch must be the row's, and the database's own clock must be before `valid_until`. Nobody has to be told
-- to stop: a writer that is cut off refuses commits by itself, also of a client that paused between its check and its
-- commit, and also while its postmaster hangs and its backends live on.
--
-- How a transaction says its epoch, in this order:
--   a column `epoch bigint` of the table, if there is one: of inserted rows, and of updates that change it. Stamp it when
--     the order is taken: `epoch bigint not null default understudy.current_epoch()`
--   the setting `understudy.epoch`: `set understudy.epoch = '7'`, or `set local` within the transaction
-- A table without that column needs the setting. With the column, an update that keeps it, and a delete, need neither:
-- they are judged by the clock alone, and by the setting if there is one.
--
-- What is refused, by SQLSTATE:
--   UF001  another epoch                            UF003  no epoch was given
--   UF002  the right to serve has run out           UF004  the server allows two-phase commit
--   40001  a snapshot from before the epoch rose: try the transaction again
-- Above READ COMMITTED the transaction's snapshot may show an old row. It is locked, so that a raised epoch is noticed;
-- its `valid_until` only errs on the side of refusing. Two-phase commit would judge at PREPARE and commit at leisure.
--
-- What it cannot stop: `set constraints ... immediate` (judged then, committed later: do not use it on fenced tables),
-- TRUNCATE, a superuser who drops the trigger, and a commit that needs longer than the lease's margin to become
-- durable after it was judged. The last one is the declared residual.

begin;

do $$
begin
    -- Two steps: the function cannot even be named before the first installation.
    if to_regprocedure('understudy.version()') is not null then
        if understudy.version() > 1 then
            raise exception 'a newer commit fence is installed: version %, and this is version 1', understudy.version()
                using hint = 'use the fence.sql that came with the newer engine';
        end if;
    end if;
end $$;

create schema if not exists understudy;
comment on schema understudy is 'The commit fence of the failover engine';

create or replace function understudy.version() returns integer
language sql immutable as 'select 1';

-- One row, for ever. The epoch is a key, so that raising it waits for whoever has locked the row as it was. The row
-- changes several times in a second: the free space keeps its versions on one page.
create table if not exists understudy.serving (
    only_row boolean primary key default true check (only_row),
    epoch bigint not null unique,
    valid_until timestamptz not null,
    written timestamptz not null default clock_timestamp()
) with (fillfactor = 10);
comment on table understudy.serving is 'Orders of this epoch commit until valid_until, on this server''s own clock';
insert into understudy.serving (epoch, valid_until) values (0, '-infinity') on conflict do nothing;

create table if not exists understudy.epochs (
    epoch bigint primary key,
    began timestamptz not null default clock_timestamp()
);
comment on table understudy.epochs is 'When each epoch was first written down here';

-- Where write probes write. One row for each prober.
create table if not exists understudy.probe (
    prober text primary key,
    written timestamptz not null default clock_timestamp()
) with (fillfactor = 10);

create table if not exists understudy.reconciliation (
    epoch bigint primary key,
    orders_lost bigint not null,
    residual_commits bigint not null,
    compared timestamptz not null default clock_timestamp()
);
comment on table understudy.reconciliation is 'What a failover to this epoch has lost: compared before the old writer was rebuilt';

-- Whether it was written. Within one epoch the row is only ever extended, and an older epoch never writes.
create or replace function understudy.write_serving(new_epoch bigint, new_valid_until timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update understudy.serving as s
    set epoch = new_epoch,
        valid_until = case when s.epoch = new_epoch then greatest(s.valid_until, new_valid_until) else new_valid_until end,
        written = clock_timestamp()
    where s.epoch <= new_epoch;
    if not found then
        return false;
    end if;
    insert into understudy.epochs (epoch) values (new_epoch) on conflict do nothing;
    return true;
end $$;

create or replace function understudy.write_probe(name text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into understudy.probe as p (prober) values (name)
    on conflict (prober) do update set written = clock_timestamp()
$$;

-- For `default understudy.current_epoch()`.
create or replace function understudy.current_epoch() returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as 'select epoch from understudy.serving';

-- The row as a snapshot shows it, unless the epoch has risen since: then serialization fails.
create or replace function understudy.locked_serving(out epoch bigint, out valid_until timestamptz)
language sql volatile security definer set search_path = pg_catalog, pg_temp as
'select s.epoch, s.valid_until from understudy.serving s for key share';

-- Runs once for each row of a fenced table, at the commit. Everything is named in full, and it changes no setting,
-- because this is what every order pays for.
create or replace function understudy.check_commit() returns trigger
language plpgsql as $$
declare
    serving_epoch bigint;
    serving_until timestamptz;
    carried bigint;
begin
    if pg_catalog.current_setting('max_prepared_transactions') <> '0' then
        raise exception 'this server allows two-phase commit, which would pass the commit fence unseen'
            using errcode = 'UF004', hint = 'set max_prepared_transactions = 0 and restart the server';
    end if;

    -- Statement by statement: a table without the column cannot even be asked for it.
    if tg_argv[0] = 'column' then
        if tg_op = 'INSERT' then
            carried := new.epoch;
        elsif tg_op = 'UPDATE' then
            carried := nullif(new.epoch, old.epoch);
        end if;
    end if;
    if carried is null then
        carried := nullif(pg_catalog.current_setting('understudy.epoch', true), '');
    end if;
    if carried is null and (tg_argv[0] <> 'column' or tg_op = 'INSERT') then
        raise exception 'this transaction does not say in which epoch it was begun'
            using errcode = 'UF003', hint = 'set understudy.epoch, or give the table a column `epoch`';
    end if;

    if pg_catalog.current_setting('transaction_isolation') in ('read committed', 'read uncommitted') then
        select s.epoch, s.valid_until into serving_epoch, serving_until from understudy.serving s;
    else
        select s.epoch, s.valid_until into serving_epoch, serving_until from understudy.locked_serving() s;
    end if;

    if carried <> serving_epoch then
        raise exception 'this is epoch %, and the transaction was begun in epoch %', serving_epoch, carried
            using errcode = 'UF001', hint = 'look up who serves now, and begin the order again';
    end if;
    if serving_until is null or pg_catalog.clock_timestamp() >= serving_until then
        raise exception 'this database may not serve any more: its right ran out at %', serving_until
            using errcode = 'UF002', hint = 'look up who serves now, and begin the order again';
    end if;
    return null;
end $$;

-- Puts a table behind the fence. Doing it again changes nothing.
create or replace function understudy.fence(fenced regclass) returns void
language plpgsql as $$
declare
    mode text := 'setting';
begin
    if current_setting('max_prepared_transactions') <> '0' then
        raise exception 'this server allows two-phase commit, which would pass the commit fence unseen'
            using errcode = 'UF004', hint = 'set max_prepared_transactions = 0 and restart the server';
    end if;
    if exists (select from pg_catalog.pg_attribute
               where attrelid = fenced and attname = 'epoch' and atttypid = 'bigint'::regtype and not attisdropped) then
        mode := 'column';
    end if;
    if exists (select from pg_catalog.pg_trigger
               where tgrelid = fenced and tgname = 'understudy_fence' and tgenabled = 'A'
                 and tgargs = convert_to(mode, 'UTF8') || '\x00'::bytea) then
        return;
    end if;
    execute format('drop trigger if exists understudy_fence on %s', fenced);
    execute format('create constraint trigger understudy_fence after insert or update or delete on %s '
                   'deferrable initially deferred for each row execute function understudy.check_commit(%L)', fenced, mode);
    -- Also for sessions that switch triggers off to load data.
    execute format('alter table %s enable always trigger understudy_fence', fenced);
end $$;

-- Takes a table out again.
create or replace function understudy.unfence(fenced regclass) returns void
language plpgsql as $$
begin
    execute format('drop trigger if exists understudy_fence on %s', fenced);
end $$;

-- The tables behind the fence, for whoever compares them afterwards.
create or replace view understudy.fenced as
select t.tgrelid::regclass as fenced,
       encode(t.tgargs, 'escape') like 'column%' as by_column
from pg_catalog.pg_trigger t
where t.tgname = 'understudy_fence' and t.tgparentid = 0;

-- Whoever may write orders may be judged; only the sidecar writes who serves.
grant usage on schema understudy to public;
grant select on understudy.serving, understudy.epochs, understudy.fenced to public;
revoke execute on function understudy.write_serving(bigint, timestamptz) from public;
revoke execute on function understudy.write_probe(text) from public;
revoke execute on function understudy.fence(regclass), understudy.unfence(regclass) from public;

commit;
