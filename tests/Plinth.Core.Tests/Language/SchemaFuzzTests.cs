using System.Diagnostics;
using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>Whatever the text: an answer, findings with places inside it, and no waiting.</summary>
public class SchemaFuzzTests
{
    static readonly string[] s_soup =
    [
        "model", "enum", "type", "union", "mixin", "auth", "app", "view", "use", "A", "B", "id", "name", "String", "Int", "Uuid",
            "Decimal(4, 2)", "{", "}",
        "(", ")", "[", "]", "[]", "?", "=", "|", ",", ":", ".", "@", "@@", "@id", "@unique", "@default(", "@relation(fields: [",
            "@@allow(\"read\",",
        "\"a\"", "\"", "'", "\"\"\"", "`", "`x`", "//", "/*", "*/", "///", "\n", "\r\n", "\t", "1", "-1", "0x", "1e9", "==", "&&", "!",
            "\uFEFF", "\u200B",
        "\u202E", "\u0430", "\uD83D\uDE00", "\uD800", "\0", "after:", "true", "null", "\\",
    ];

    [Fact]
    public void Token_soup_is_answered()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 400, soak: 50_000);
        Random random = new(seed);
        for (int i = 0; i < count; i++)
        {
            StringBuilder text = new();
            int length = random.Next(1, 120);
            for (int j = 0; j < length; j++) text.Append(s_soup[random.Next(s_soup.Length)]).Append(random.Next(3) == 0 ? "" : " ");
            Judge(text.ToString(), seed);
        }
        Counts.Report("schema: token soup", count, seed, "answered");
    }

    [Fact]
    public void A_valid_schema_with_accidents_is_answered()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 400, soak: 50_000), broken = 0;
        Random random = new(seed);
        for (int i = 0; i < count; i++)
        {
            StringBuilder text = new(Schemas.Crm);
            int accidents = random.Next(1, 4);
            for (int j = 0; j < accidents; j++) Mutate(text, random);
            if (Judge(text.ToString(), seed).Schema is null) broken++;
        }
        Assert.True(broken > count / 3 && broken < count,
            $"{broken} of {count} were broken: the accidents are not what they should be (seed {seed})");
        Counts.Report("schema: accidents", count, seed, $"{broken} refused");
    }

    [Fact]
    public void A_megabyte_of_noise_is_answered_in_linear_time()
    {
        int seed = Counts.Seed();
        Random random = new(seed);
        byte[] bytes = new byte[1 << 20];
        random.NextBytes(bytes);
        foreach (string noise in (string[])[Encoding.Latin1.GetString(bytes), Encoding.UTF8.GetString(bytes), new string('{', 1 << 20),
            new string('(', 1 << 20), string.Concat(Enumerable.Repeat("model A { x @a(", 70_000)),
                string.Concat(Enumerable.Repeat("\"\n", 1 << 19)),
            string.Concat(Enumerable.Range(0, 4900).Select(i =>
                $"model M{i} {{ {string.Concat(Enumerable.Range(0, 20).Select(j => $"f{j} N{i} "))}}}\n")),
            $"enum E {{ {string.Concat(Enumerable.Range(0, 100_000).Select(i => $"v{i} "))}}} }}",
            $"model A {{ id Int @id {string.Concat(Enumerable.Range(0, 70_000).Select(i => $"a{i} A? b{i} A[] "))}}}"])
        {
            // Linear: about 0.1 s of work each. What is not linear would take hours; on a busy machine a second means nothing.
            Stopwatch watch = Stopwatch.StartNew();
            SchemaReading reading = Schemas.Read(noise);
            Assert.Null(reading.Schema);
            Assert.InRange(reading.Diagnostics.Length, 1, Limits.Default.SchemaFindings + 1);
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed} for '{noise[..20]}…' (seed {seed})");
        }
    }

    [Fact]
    public void Formatting_keeps_what_a_schema_says_and_says_it_once()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 200, soak: 20_000), valid = 0;
        Random random = new(seed);
        for (int i = 0; i < count; i++)
        {
            string text = Shaken(Schemas.Crm, random);
            SourceText source = new("schema.plinth", text);
            SchemaReading reading = SchemaReader.Read([source]);
            if (reading.Schema is not { } schema) continue;
            valid++;
            string once = SchemaFormatter.Format(source);
            AppSchema again = Schemas.Load(once);
            Assert.True(Same(schema, again), $"formatting changed the schema (seed {seed}):\n{text}\n→\n{once}");
            string twice = SchemaFormatter.Format(new SourceText("schema.plinth", once));
            Assert.True(once == twice, $"formatting twice is not formatting once (seed {seed}):\n{text}\n→\n{once}\n→\n{twice}");
            Assert.True(Count(text, "//") == Count(once, "//"), $"a comment is lost (seed {seed}):\n{text}\n→\n{once}");
        }
        Assert.True(valid > count / 2, $"only {valid} of {count} were valid (seed {seed})");
    }

    /// <summary>Conditions keep their text as written, so white space in them is not compared.</summary>
    static bool Same(AppSchema a, AppSchema b) => Squeeze(a) == Squeeze(b);

    static string Squeeze(AppSchema schema) =>
        string.Concat(Encoding.UTF8.GetString(SchemaJson.Write(schema)).Replace("\\n", "", StringComparison.Ordinal).Where(c =>
            !char.IsWhiteSpace(c)));

    static int Count(string text, string part) => (text.Length - text.Replace(part, "", StringComparison.Ordinal).Length) / part.Length;

    /// <summary>The same tokens with other white space and comments between them.</summary>
    static string Shaken(string text, Random random)
    {
        Findings findings = new(10);
        SourceText source = new("", text);
        var (tokens, _) = Lexer.Read(source, findings);
        StringBuilder shaken = new();
        for (int i = 0; i + 1 < tokens.Length; i++)
        {
            bool isApart = tokens[i].End < tokens[i + 1].Start;
            shaken.Append(source.Slice(tokens[i].Span));
            shaken.Append((isApart, random.Next(12)) switch
            {
                (_, 0) => "\n",
                (_, 1) => "\n\n\n",
                (true, 2) => " // note\n",
                (true, 3) => " /* note */ ",
                (true, 4) => "\n   /// doc\n",
                (true, 5) => "\r\n\t",
                (true, _) => " ",
                _ => "",
            });
        }
        return shaken.ToString();
    }

    internal static void Mutate(StringBuilder text, Random random)
    {
        int at = random.Next(text.Length), length = random.Next(1, 12);
        switch (random.Next(4))
        {
            case 0: text.Remove(at, Math.Min(length, text.Length - at)); break;
            case 1: text.Insert(at, s_soup[random.Next(s_soup.Length)]); break;
            case 2: text[at] = (char)random.Next(32, 127); break;
            default: text.Insert(at, text.ToString(at, Math.Min(length, text.Length - at))); break;
        }
    }

    static SchemaReading Judge(string text, int seed)
    {
        SourceText source = new("schema.plinth", text);
        try
        {
            SchemaReading reading = SchemaReader.Read([source]);
            Assert.Equal(reading.Schema is null, reading.Diagnostics.Any(d => d.Severity == Severity.Error));
            foreach (Diagnostic diagnostic in reading.Diagnostics)
            {
                Assert.True(diagnostic.Span.Start >= 0 && diagnostic.Span.End <= text.Length,
                    $"{diagnostic.Code} points outside of the text (seed {seed})");
                Assert.StartsWith("schema.plinth:", DiagnosticText.Render(diagnostic), StringComparison.Ordinal);
            }
            _ = SchemaFormatter.Format(source);
            if (reading.Schema is { } schema)
            {
                byte[] json = SchemaJson.Write(schema);
                Assert.Equal(json, SchemaJson.Write(SchemaJson.Read(json)));
            }
            return reading;
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException($"seed {seed}, text:\n{text}", e);
        }
    }
}
