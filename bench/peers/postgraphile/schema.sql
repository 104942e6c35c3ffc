-- What a PostGraphile user adds to the tables: a role for callers, its rights and row rules, what is checked, and the event of each write.
create role bench_web;
create schema private;
create function private.uuid7() returns uuid language sql volatile as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;
alter table posts
  alter id set default private.uuid7(), alter created_at set default now(), alter updated_at set default now(),
  alter views set default 0, alter likes set default 0, alter words set default 0, alter published set default false,
  add check (length(title) between 1 and 200), add check (length(body) <= 20000),
  add check (section in ('news', 'essay', 'review', 'howto')), add check (views between 0 and 2000000000),
  add check (likes between 0 and 2000000000), add check (words between 0 and 1000000);

create function private.stamp() returns trigger language plpgsql as $$
begin
  new.updated_at := clock_timestamp();
  new.version := old.version + 1;
  return new;
end $$;
create trigger stamp before update on posts for each row execute function private.stamp();

create function private.log() returns trigger language plpgsql security definer as $$
begin
  insert into events (event_id, model, record_id, version, kind, data, at) values (
    private.uuid7(), 'Post', new.id::text, new.version, case tg_op when 'INSERT' then 'created' else 'updated' end,
    case tg_op when 'INSERT' then to_jsonb(new) else jsonb_build_object('before', to_jsonb(old), 'after', to_jsonb(new)) end, new.updated_at);
  return null;
end $$;
create trigger log after insert or update on posts for each row execute function private.log();

-- A page by key set: what its own conditions (equality) cannot say, its guide puts into a function.
create function posts_page(section text, until timestamptz) returns setof posts language sql stable as $$
  select * from posts where posts.section = posts_page.section and posts.created_at < posts_page.until
  order by posts.created_at desc, posts.id desc
$$;

alter table posts enable row level security;
alter table comments enable row level security;
create policy read on posts for select using (published);
create policy make on posts for insert with check (views = 0 and likes = 0);
create policy change on posts for update using (published) with check (published);
create policy read on comments for select using (approved);
grant usage on schema public, private to bench_web;
grant select on authors, comments to bench_web;
grant select, insert, update on posts to bench_web;
grant execute on all functions in schema public, private to bench_web;
revoke all on events from bench_web;
comment on table events is '@behavior -*';
