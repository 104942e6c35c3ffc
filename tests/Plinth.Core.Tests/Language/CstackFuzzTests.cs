using System.Text;
using Plinth.Cases;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// Whatever a <c>.cstack</c> file holds: it is answered, findings lie in the text that was written, and fmt changes no meaning.
/// </summary>
public class CstackFuzzTests
{
    [Fact]
    public void A_cstack_file_with_accidents_is_answered_in_its_own_places_and_formatting_keeps_what_it_says()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 400, soak: 50_000), sound = 0, broken = 0;
        Random random = new(seed);
        // Those that are sound before the accidents.
        string[] texts = [.. Corpus.Paths("language/cstack").Select(Corpus.Read).Where(c => c.Find("fmt") is not null)
            .Select(c => c.All("schema").First().Content)];
        for (int i = 0; i < count; i++)
        {
            StringBuilder text = new(texts[random.Next(texts.Length)]);
            int accidents = random.Next(0, 4);
            for (int j = 0; j < accidents; j++) SchemaFuzzTests.Mutate(text, random);
            if (Judge(text.ToString(), seed)) sound++;
            else broken++;
        }
        Assert.True(sound > count / 8 && broken > count / 8, $"{sound} sound and {broken} broken of {count} (seed {seed})");
        Counts.Report("schema: cstack accidents", count, seed, $"{broken} refused");
    }

    [Fact]
    public void Long_paths_and_long_lines_are_answered()
    {
        string path = string.Concat(Enumerable.Repeat("a.some.", 100_000)) + "b";
        string line = string.Concat(Enumerable.Repeat("model A { id Int @id deletedAt DateTime? @@soft_delete } ", 20_000));
        foreach (string text in (string[])[$"model A {{ id Int @id @@allow(\"read\", {path} == 1) }}", line,
            $"model A {{ id Int @id @@unique([id], where: \"{new string('(', 8000)}\") }}", new string('/', 1 << 20) + "\nmodel",
            string.Concat(Enumerable.Repeat("/// a\n\n", 100_000)) + "model", string.Concat(Enumerable.Repeat("@use(A, ", 100_000))])
        {
            Assert.False(Judge(text, seed: 0));
        }
    }

    static bool Judge(string text, int seed)
    {
        SourceText source = new("schema.cstack", text);
        try
        {
            SchemaReading reading = SchemaReader.Read([source]);
            foreach (Diagnostic diagnostic in reading.Diagnostics)
            {
                Assert.Same(source, diagnostic.Source);
                Assert.True(diagnostic.Span.Start >= 0 && diagnostic.Span.End <= text.Length,
                    $"{diagnostic.Code} points outside of the text (seed {seed})");
            }
            string formatted = SchemaFormatter.Format(source);
            if (reading.Schema is not { } schema) return false;
            Assert.Equal(Json(schema), Json(Schemas.Load(formatted)));
            return true;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}, text:\n{(text.Length > 4000 ? text[..4000] : text)}", e);
        }
    }

    static string Json(AppSchema schema) => Encoding.UTF8.GetString(SchemaJson.Write(schema));
}
