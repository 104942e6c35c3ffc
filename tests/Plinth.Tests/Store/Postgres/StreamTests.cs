using System.Globalization;
using Plinth.Runtime;

namespace Plinth.Store.Postgres;

/// <summary>All rows of a statement as one stream of the server's.</summary>
public class StreamTests
{
    const string Rows = """
        select i as number, case when i % 3 = 0 then null else repeat('x', (i * 10000)::int) end as text, i % 2 = 0 as even,
          i::float8 / 4 as quarter, i::int as small
          from generate_series(?1::bigint, 60) i order by i
        """;

    [Fact]
    public async Task Rows_of_any_length_are_what_the_server_has_from_the_first_to_the_last()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        Engine engine = await nodes.StartAsync();
        using Connection reader = engine.Store.Database.OpenReader();
        reader.BeginRead();
        using Statement stream = reader.PrepareStream(Rows);
        for (int first = 1; first <= 41; first += 20)
        {
            stream.BindInt64(1, first);
            for (int i = first; i <= 60; i++)
            {
                Assert.True(stream.Step());
                Assert.Equal((i, i % 2 == 0 ? 1L : 0L), (stream.ColumnInt64(0), stream.ColumnInt64(2)));
                Assert.Equal((i / 4.0, i), (stream.ColumnDouble(3), stream.ColumnInt64(4)));
                Assert.Equal(i % 3 == 0, stream.IsNull(1));
                Assert.Equal(i % 3 == 0 ? 0 : i * 10_000, stream.ColumnBytes(1).Length);
                Assert.False(stream.ColumnBytes(1).ContainsAnyExcept((byte)'x'));
                Assert.Equal(StoredKind.Integer, stream.ColumnType(0));
            }
            Assert.False(stream.Step());
            Assert.False(stream.Step());
            stream.Reset();
        }
        Assert.Equal(7, reader.ScalarInt64("select 7::bigint"));
        reader.Rollback();
    }

    [Fact]
    public async Task Who_leaves_a_stream_goes_on_in_another_transaction()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        Engine engine = await nodes.StartAsync();
        using Connection reader = engine.Store.Database.OpenReader();
        for (int i = 0; i < 3; i++)
        {
            reader.BeginRead();
            using (Statement stream = reader.PrepareStream("select i::bigint as number from generate_series(1, 10000000) i"))
            {
                for (int row = 1; row <= 1 + (i * 1000); row++)
                {
                    Assert.True(stream.Step());
                    Assert.Equal(row, stream.ColumnInt64(0));
                }
            }
            reader.Rollback();
            Assert.Equal(i, reader.ScalarInt64(string.Create(CultureInfo.InvariantCulture, $"select {i}::bigint")));
        }
    }

    [Fact]
    public async Task A_statement_that_fails_is_a_fault_of_the_store_and_values_other_than_numbers_are_refused()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        Engine engine = await nodes.StartAsync();
        using Connection reader = engine.Store.Database.OpenReader();
        reader.BeginRead();
        using (Statement wrong = reader.PrepareStream("select i::bigint / (i - 3) as part from generate_series(1, 10) i"))
        {
            Assert.Throws<StoreException>(() =>
            {
                while (wrong.Step())
                {
                }
            });
        }
        reader.Rollback();
        using Statement stream = reader.PrepareStream(Rows);
        Assert.Throws<InvalidOperationException>(() => stream.BindText(1, "x"));
        Assert.Throws<InvalidOperationException>(() => stream.Step());
    }
}
