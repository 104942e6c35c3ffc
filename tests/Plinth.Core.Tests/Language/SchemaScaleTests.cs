using System.Runtime.InteropServices;
using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// Large schemas: read in time that grows as they do, or refused with the name of the limit. Growth is judged by bytes allocated, which
/// are the same on every machine, and by the time of this thread alone, over a factor at which a square could not hide.
/// </summary>
public partial class SchemaScaleTests
{
    [Fact]
    public void Reading_densely_interlinked_models_costs_in_proportion_to_the_text()
    {
        foreach (Func<int, string> make in (Func<int, string>[])[Ring, Mesh, Hubs, Mixed])
        {
            (string small, string large) = (make(120), make(960));
            double growth = (double)large.Length / small.Length;
            (long Bytes, TimeSpan Time) first = Best(small), second = Best(large);
            Assert.True(second.Bytes < first.Bytes * growth * 1.5,
                $"{make.Method.Name}: {first.Bytes} bytes, then {second.Bytes} for {growth:0.0} times the text");
            Assert.True(second.Time < first.Time * growth * 4 + TimeSpan.FromMilliseconds(100),
                $"{make.Method.Name}: {first.Time}, then {second.Time} for {growth:0.0} times the text");
        }
    }

    [Fact]
    public void As_many_models_as_the_limit_says_are_read_and_one_more_is_refused_by_its_name()
    {
        int most = Limits.Default.SchemaBlocks;
        Assert.Equal(most, Schemas.Load(Ring(most)).Models.Length);
        SchemaReading reading = Schemas.Read(Ring(10_000));
        Assert.Contains("limits.schemaBlocks", Assert.Single(reading.Diagnostics).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ten_megabytes_are_read_and_more_are_refused_by_the_limit()
    {
        StringBuilder text = new(Ring(400));
        while (text.Length < Limits.Default.SchemaBytes - 200) text.Append("/// what stands here is said in generated pages too\n");
        text.Append("enum Last { a }\n");
        Assert.NotNull(Schemas.Load(text.ToString()).FindEnum("Last"));
        text.Append(' ', Limits.Default.SchemaBytes);
        Assert.Contains("limits.schemaBytes", Assert.Single(Schemas.Read(text.ToString()).Diagnostics).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(50, null)]
    [InlineData(99, "limits.expressionDepth")]
    [InlineData(100, "limits.expressionDepth")]
    [InlineData(101, "limits.schemaDepth")]
    [InlineData(100_000, "limits.schemaDepth")]
    public void Nesting_is_read_or_refused_by_a_limit(int depth, string? limit)
    {
        string condition = new string('(', depth) + "id == 1" + new string(')', depth);
        SchemaReading reading = Schemas.Read($"model A {{ id Int @id  @@allow(\"read\", {condition}) }}");
        if (limit is null) Assert.Empty(reading.Diagnostics);
        else Assert.Contains(reading.Diagnostics, d => $"{d.Message} {d.Hint}".Contains(limit, StringComparison.Ordinal));
    }

    [Fact]
    public void A_chain_of_a_hundred_types_is_read()
    {
        string types = string.Concat(Enumerable.Range(0, 100).Select(i => $"type T{i} {{ next T{i + 1}? }}\n"));
        AppSchema schema = Schemas.Load($"{types}type T100 {{ a Int }}\nmodel A {{ id Int @id  t T0  @@allow(\"read\", t.next == null) }}");
        Assert.Equal(101, schema.Types.Length);
    }

    [Theory]
    [InlineData("schema.plinth")]
    [InlineData("schema.cstack")]
    public void Line_ends_tabs_and_a_byte_order_mark_change_nothing(string path)
    {
        byte[] plain = Json(Schemas.Crm);
        Assert.Equal(plain, Json(Schemas.Crm.Replace("\n", "\r\n", StringComparison.Ordinal)));
        Assert.Equal(plain, Json("\uFEFF" + Schemas.Crm));
        Assert.Equal(plain, Json(Schemas.Crm.Replace("  ", "\t", StringComparison.Ordinal)));

        byte[] Json(string text)
        {
            SchemaReading reading = SchemaReader.Read([new SourceText(path, text)]);
            Assert.Empty(reading.Diagnostics.Select(DiagnosticText.Render));
            return SchemaJson.Write(reading.Schema!);
        }
    }

    [Theory]
    [InlineData("@@allow(\"read\", name == \"\u0430dmin\")", "U+0430 (looks like 'a')", "\\u0430")]
    [InlineData("@@allow(\"read\", name == \"admin\u200B\")", "U+200B (invisible)", "\\u200b")]
    [InlineData("@@allow(\"re\u00ADad\", true)", "U+00AD (invisible)", "\\u00ad")]
    [InlineData("@@allow(\"read\", name == \"a\u001B[2Jb\")", "U+001B (invisible)", "\\u001b")]
    [InlineData("@@allow(\"read\", name == \"\uFF41dmin\")", "U+FF41 (looks like 'a')", "\\uff41")]
    [InlineData("@@allow(\"read\", name == \"a\U000E0041\")", "U+E0041 (invisible)", "\\U000e0041")]
    public void Text_of_an_attribute_is_what_it_seems(string attribute, string named, string escape)
    {
        foreach (string path in (string[])["schema.plinth", "schema.cstack"])
        {
            string text = $"model A {{ id Int @id  name String  {attribute}  @@allow(\"list\", true) }}";
            SchemaReading reading = SchemaReader.Read([new SourceText(path, text)]);
            Diagnostic finding = reading.Diagnostics.First(d => d.Code == Codes.UnexpectedCharacter);
            Assert.Equal($"{named} cannot stand in the text of an attribute", finding.Message);
            Assert.EndsWith(escape, finding.Hint, StringComparison.Ordinal);
            Assert.Equal(text.AsSpan().IndexOfAnyExceptInRange(' ', '~'), finding.Span.Start);
        }
    }

    [Theory]
    [InlineData("name String @deprecated(\"\u0443\u0441\u0442\u0430\u0440\u0435\u043B\u043E since 2.0\")")]
    [InlineData("name String @regex(\"^[a-z\u0430-\u044F]+$\")")]
    [InlineData("name String @default(\"caf\u00E9 \U0001F600\")")]
    public void Text_of_other_scripts_is_text(string member) =>
        Schemas.Load($"model A {{ id Int @id  {member}  @@allow(\"read\", true) }}");

    static (long Bytes, TimeSpan Time) Best(string text)
    {
        (long bytes, TimeSpan time) = (long.MaxValue, TimeSpan.MaxValue);
        for (int i = 0; i < 3; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            TimeSpan started = ThreadTime();
            SchemaReading reading = Schemas.Read(text);
            TimeSpan took = ThreadTime() - started;
            bytes = Math.Min(bytes, GC.GetAllocatedBytesForCurrentThread() - before);
            if (took < time) time = took;
            Assert.Empty(reading.Diagnostics.Select(DiagnosticText.Render));
        }
        return (bytes, time);
    }

    /// <summary>What this thread has worked: a busy machine does not count.</summary>
    static TimeSpan ThreadTime()
    {
        const int Linux = 3, Mac = 16;
        Assert.Equal(0, ClockGetTime(OperatingSystem.IsMacOS() ? Mac : Linux, out Elapsed elapsed));
        return TimeSpan.FromSeconds(elapsed.Seconds) + TimeSpan.FromMicroseconds(elapsed.Nanoseconds / 1000);
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out Elapsed elapsed);

    readonly struct Elapsed
    {
        public readonly long Seconds;
        public readonly long Nanoseconds;
    }

    /// <summary>Each model refers to the next.</summary>
    static string Ring(int models) => string.Concat(Enumerable.Range(0, models).Select(i =>
        $"model R{i} {{ id Int @id  next R{(i + 1) % models}? @relation  prevs R{(i + models - 1) % models}[]  "
        + "@@allow(\"read\", next.id > 3) }\n"));

    /// <summary>Each model refers to the twelve behind it, and they know it.</summary>
    static string Mesh(int models) => string.Concat(Enumerable.Range(0, models).Select(i =>
        $"model M{i} {{ id Int @id  "
        + Each(12, j => $"to{j} M{(i + j + 1) % models}? @relation  from{j} M{(i + models - j - 1) % models}[]  ")
        + $"{Each(4, j => $"@@allow(\"read\", to{j}.id == {j} || from{j}.exists(f, f.id == {j}))\n")}}}\n"));

    /// <summary>A few models that everything refers to, under names.</summary>
    static string Hubs(int models)
    {
        int hubs = Math.Max(1, models / 60);
        StringBuilder text = new();
        for (int h = 0; h < hubs; h++)
        {
            text.Append($"model H{h} {{ id Int @id  ");
            for (int i = h; i < models; i += hubs) text.Append($"a{i} L{i}[] @relation(\"a\")  b{i} L{i}[] @relation(\"b\")  ");
            text.Append("@@allow(\"read\", true) }\n");
        }
        for (int i = 0; i < models; i++)
            text.Append($"model L{i} {{ id Int @id  a H{i % hubs} @relation(\"a\")  b H{i % hubs} @relation(\"b\")  ")
                .Append("@@allow(\"read\", a.id == 1) }\n");
        return text.ToString();
    }

    /// <summary>Mixins, types, enums, uniques, indexes, checks.</summary>
    static string Mixed(int models) => string.Concat(Enumerable.Range(0, models).Select(i => $$"""
        mixin X{{i}} { at{{i}} DateTime @default(now())  {{(i == 0 ? "" : i % 8 == 0 ? "" : $"use X{i - 1}")}} }
        type T{{i}} { a Int  b String?  c T{{(i + 1) % models}}? }
        enum E{{i}} { red green blue }
        model C{{i}} {
          use X{{i}}
          id Int @id
          color E{{i}} @default(red) @index
          value T{{i}}?
          name String @length(1, 80) @trim
          peer C{{(i * 7) % models}}? @relation
          upper String @computed(name.upperAscii())
          @@unique([color, name])
          @@index([name, color(desc)])
          @@check(size(name) > 0 && color != "green")
          @@allow("read", color in ["red", "blue"] && peer.name == "x")
          @@renamedFrom("Old{{i}}")
        }

        """));

    static string Each(int count, Func<int, string> text) => string.Concat(Enumerable.Range(0, count).Select(text));
}
