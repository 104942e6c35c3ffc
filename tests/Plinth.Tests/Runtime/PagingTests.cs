using System.Globalization;
using System.Text;
using System.Text.Json;
using Plinth.Plan;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>
/// Pages against an oracle: whatever the sort, the nulls and the page size, walking the pages is walking the sorted list.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class PagingTests
{
    const string Schema = """
        app paging { defaults { pageSize = 10  maxPageSize = 1000 } }
        model Owner { id Int @id   name String?   rows Row[]   @@allow("all", true) }
        model Row {
          id Uuid @id   a Int?   b String?   c Float?   d Decimal(6, 2)?   e DateTime?   f Int   u Int @unique   owner Owner? @relation
          @@index([a, b])
          @@allow("all", true)
        }
        """;

    sealed record Row(Guid Id, int? A, string? B, double? C, decimal? D, int? E, int F, int U, int? Owner);

    static readonly string?[] s_names = [null, "x", "ä", "\U0001F600", "\uFFFD"];

    [Fact]
    public async Task Walking_the_pages_either_way_is_walking_the_sorted_list()
    {
        int seed = Counts.Seed();
        Random random = new(seed);
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync(Schema);
        Row[] rows = [.. Enumerable.Range(0, 60).Select(i => new Row(
            new Guid(Enumerable.Range(0, 16).Select(_ => (byte)random.Next(256)).ToArray()),
            Sometimes(random, 3), random.Next(4) == 0 ? null : Text(random), Sometimes(random, 3) / 2.0, Sometimes(random, 5) / 4m,
            Sometimes(random, 4), random.Next(3), i, random.Next(5) switch { 0 => null, var n => n }))];
        await fixture.InsertAsync(
            "Owner", string.Concat(Enumerable.Range(1, 4).Select(i => JsonSerializer.Serialize(new { id = i, name = s_names[i - 1] }))));
        await fixture.InsertAsync("Row", string.Concat(rows.Select(Json)));

        int count = Counts.Of(60, 2000);
        for (int i = 0; i < count; i++)
        {
            Plan.SortKey[] sort = [.. s_fields.OrderBy(
                _ => random.Next()).Take(random.Next(4)).Select(f => new Plan.SortKey(f, random.Next(2) == 0))];
            int limit = 1 + random.Next(25);
            string what = $"seed {seed}, sort {string.Join(',', sort.Select(s => (s.Descending ? "-" : "") + s.Field))}, limit {limit}";
            Guid[] expected = [.. rows.Order(Comparer<Row>.Create((x, y) => Compare(sort, x, y))).Select(r => r.Id)];
            Assert.True(expected.SequenceEqual(Walk(fixture, sort, limit, forward: true)), what);
            Assert.True(expected.SequenceEqual(Walk(fixture, sort, limit, forward: false)), what + ", backward");
        }
        Counts.Report("paging against the oracle", count, seed, "equal");
    }

    static readonly string[] s_fields = ["id", "a", "b", "c", "d", "e", "f", "u", "owner.name"];

    static Guid[] Walk(ReadsFixture fixture, Plan.SortKey[] sort, int limit, bool forward)
    {
        List<Guid> walked = [];
        ReadRequest request = new() { Model = "Row", Kind = ReadKind.List, Sort = [.. sort], Limit = limit, Select = ["id"] };
        if (!forward) request = request with { Before = Last(fixture, request) };
        for (int pages = 0; ; pages++)
        {
            Assert.True(pages < 100, "the pages never end");
            using JsonDocument page = JsonDocument.Parse(fixture.Json(request));
            Guid[] items = [.. page.RootElement.GetProperty("items").EnumerateArray().Select(e => e.GetProperty("id").GetGuid())];
            Assert.True(items.Length > 0 && items.Length <= limit);
            if (forward) walked.AddRange(items);
            else walked.InsertRange(0, items);
            JsonElement info = page.RootElement.GetProperty("page");
            string? next = info.GetProperty("next").GetString(), previous = info.GetProperty("previous").GetString();
            if ((forward ? next : previous) is not { } cursor) break;
            request = request with { After = forward ? cursor : null, Before = forward ? null : cursor };
        }
        return forward ? [.. walked] : [.. walked, .. LastItem(fixture, request)];
    }

    /// <summary>The cursor of the last page of all: the one before which everything but the last row lies.</summary>
    static string Last(ReadsFixture fixture, ReadRequest request)
    {
        using JsonDocument page = JsonDocument.Parse(fixture.Json(request with { Offset = 59, Limit = 1 }));
        return page.RootElement.GetProperty("page").GetProperty("previous").GetString()!;
    }

    static Guid[] LastItem(ReadsFixture fixture, ReadRequest request)
    {
        using JsonDocument page = JsonDocument.Parse(fixture.Json(request with { Offset = 59, Before = null, After = null }));
        return [.. page.RootElement.GetProperty("items").EnumerateArray().Select(e => e.GetProperty("id").GetGuid())];
    }

    static int Compare(Plan.SortKey[] sort, Row x, Row y)
    {
        foreach (Plan.SortKey key in sort)
        {
            int order = key.Field switch
            {
                "id" => CompareIds(x.Id, y.Id),
                "a" => Nullable.Compare(x.A, y.A),
                "b" => CompareText(x.B, y.B),
                "c" => Nullable.Compare(x.C, y.C),
                "d" => Nullable.Compare(x.D, y.D),
                "e" => Nullable.Compare(x.E, y.E),
                "f" => x.F.CompareTo(y.F),
                "u" => x.U.CompareTo(y.U),
                "owner.name" => CompareText(Name(x.Owner), Name(y.Owner)),
                _ => throw new InvalidOperationException(key.Field),
            };
            if (order != 0) return key.Descending ? -order : order;
        }
        bool descending = sort.Length > 0 && sort[^1].Descending;
        return descending ? CompareIds(y.Id, x.Id) : CompareIds(x.Id, y.Id);
    }

    static string? Name(int? owner) => owner is { } id ? s_names[id - 1] : null;

    static int CompareIds(Guid x, Guid y) => x.ToByteArray(bigEndian: true).AsSpan().SequenceCompareTo(y.ToByteArray(bigEndian: true));

    // By code point, which is the order of the UTF-8 bytes and not that of UTF-16.
    static int CompareText(string? x, string? y) => (x, y) switch
    {
        (null, null) => 0,
        (null, _) => -1,
        (_, null) => 1,
        _ => Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y)),
    };

    static int? Sometimes(Random random, int max) => random.Next(4) == 0 ? null : random.Next(-max, max);

    static string Text(Random random) => s_names[1 + random.Next(s_names.Length - 1)] + (random.Next(2) == 0 ? "" : "y");

    static string Json(Row row) => JsonSerializer.Serialize(new
    {
        id = row.Id,
        a = row.A,
        b = row.B,
        c = row.C,
        d = row.D?.ToString("0.00", CultureInfo.InvariantCulture),
        e = row.E is { } days ? DateTime.UnixEpoch.AddDays(days).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture) : null,
        f = row.F,
        u = row.U,
        ownerId = row.Owner,
    });
}
