namespace Plinth.Sql.Dialects.Postgres;

/// <summary>
/// Functions of the database that expressions are lowered to, made when it is opened: where its own raise on what has no result here
/// (an overflow, a division of infinities), count from another end, or follow the locale. All are immutable and null for null.
/// </summary>
static class PostgresFunctions
{
    const string Like = "language sql immutable strict parallel safe";

    const string Guarded = "language plpgsql immutable strict parallel safe";

    /// <summary>The setting that a session or transaction of the engine bears, and its value.</summary>
    public const string Writer = "plinth.writer";

    public const string WriterIsEngine = "engine";

    /// <summary>
    /// The trigger of a table that refuses changes of whoever is not the engine, once per statement. It keeps mistakes away and no
    /// attacker: who may write to the table may also say that they are the engine.
    /// </summary>
    public const string Guard = "plinth_guard";

    /// <summary>Statements that make them, or make them anew.</summary>
    public const string Create = $$"""
        create or replace function plinth_within(v numeric, low numeric, high numeric) returns bigint {{Like}}
          as $$select case when v between low and high then v::bigint end$$;
        create or replace function plinth_greatest(a anycompatible, b anycompatible) returns anycompatible {{Like}}
          as $$select greatest(a, b)$$;
        create or replace function plinth_least(a anycompatible, b anycompatible) returns anycompatible {{Like}}
          as $$select least(a, b)$$;
        create or replace function plinth_lower(t text) returns text {{Like}} as $$select lower(t collate "C")$$;
        create or replace function plinth_upper(t text) returns text {{Like}} as $$select upper(t collate "C")$$;
        create or replace function plinth_length(t text) returns bigint {{Like}} as $$select length(t)::bigint$$;
        create or replace function plinth_length(b bytea) returns bigint {{Like}} as $$select length(b)::bigint$$;
        create or replace function plinth_substr(t text, at bigint) returns text {{Like}}
          as $$select substr(t, greatest(1, least(at, 2147483647))::int)$$;
        create or replace function plinth_substr(t text, at bigint, length bigint) returns text {{Like}}
          as $$select substr(t, greatest(1, least(at, 2147483647))::int, greatest(0, least(length, 1073741823))::int)$$;
        create or replace function plinth_micros(t timestamptz) returns bigint {{Like}}
          as $$select (extract(epoch from t) * 1000000)::bigint$$;
        create or replace function plinth_micros(t time) returns bigint {{Like}}
          as $$select (extract(epoch from t) * 1000000)::bigint$$;
        create or replace function plinth_instant(t text) returns bigint {{Like}}
          as $$select (extract(epoch from t::timestamptz) * 1000000)::bigint$$;
        create or replace function plinth_list(j json) returns json {{Like}}
          as $$select case when json_typeof(j) = 'array' then j end$$;
        create or replace function plinth_items(j json) returns bigint {{Like}}
          as $$select case when json_typeof(j) = 'array' then json_array_length(j)::bigint else 0 end$$;
        create or replace function plinth_number(t text) returns numeric {{Guarded}}
          as $$begin return t::numeric; exception when numeric_value_out_of_range then return null; end$$;
        create or replace function plinth_add(a double precision, b double precision) returns double precision {{Guarded}}
          as $$begin return a + b; exception when numeric_value_out_of_range then return null; end$$;
        create or replace function plinth_subtract(a double precision, b double precision) returns double precision {{Guarded}}
          as $$begin return a - b; exception when numeric_value_out_of_range then return null; end$$;
        create or replace function plinth_multiply(a double precision, b double precision) returns double precision {{Guarded}}
          as $$begin return a * b; exception when numeric_value_out_of_range then
            return case when ln(abs(a)) + ln(abs(b)) < 0 then 0 end; end$$;
        create or replace function plinth_divide(a double precision, b double precision) returns double precision {{Guarded}}
          as $$begin if b = 0 then return null; end if; return a / b; exception when numeric_value_out_of_range then
            return case when ln(abs(a)) - ln(abs(b)) < 0 then 0 end; end$$;
        create or replace function {{Guard}}() returns trigger language plpgsql as $$begin
          if current_setting('{{Writer}}', true) is distinct from '{{WriterIsEngine}}' then
            raise exception 'the table % is written by Plinth alone', tg_table_name using errcode = 'insufficient_privilege',
              hint = 'Write through its API, or let others in with database.guard = off: their changes never reach the log.';
          end if;
          return null;
          end$$;
        """;
}
