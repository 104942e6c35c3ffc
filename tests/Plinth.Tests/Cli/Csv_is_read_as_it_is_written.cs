using Plinth.Cli.Transfer;

namespace Plinth.Tests.Cli;

public sealed class Csv_is_read_as_it_is_written
{
    [Fact]
    public void Random_cells_survive_the_round_trip()
    {
        const int Seed = 4711;
        Random random = new(Seed);
        const string Alphabet = "ab ,\"\r\n;é😀";
        for (int round = 0; round < 300; round++)
        {
            List<string?[]> rows = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => new string?[3])];
            foreach (string?[] row in rows)
            {
                for (int i = 0; i < row.Length; i++)
                    row[i] = random.Next(5) == 0 ? null
                        : string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
                // A row of nothing but nulls is an empty line, which readers skip.
                row[0] ??= "x";
            }
            StringWriter text = new();
            foreach (string?[] row in rows)
            {
                for (int i = 0; i < row.Length; i++)
                {
                    if (i > 0) text.Write(',');
                    CsvText.WriteCell(text, row[i]);
                }
                text.Write("\r\n");
            }
            CsvReader reader = new(new StringReader(text.ToString()));
            foreach (string?[] row in rows)
            {
                var read = reader.Read();
                Assert.NotNull(read);
                Assert.Equal(row, read.Select(c => c.Text.Length == 0 && !c.Quoted ? null : c.Text));
            }
            Assert.Null(reader.Read());
        }
    }

    [Theory]
    [InlineData("a,\"b", "line 1: a quoted cell is not closed")]
    [InlineData("a\nb\"c", "line 2: a quote inside a cell that is not quoted")]
    [InlineData("\"a\"b", "line 1: text after a closing quote")]
    public void What_is_not_csv_is_refused_with_its_line(string text, string message)
    {
        CsvReader reader = new(new StringReader(text));
        InvalidDataException refused = Assert.Throws<InvalidDataException>(() =>
        {
            while (reader.Read() is not null)
            {
            }
        });
        Assert.Equal(message, refused.Message);
    }

    [Fact]
    public void A_byte_order_mark_and_bare_line_feeds_are_taken()
    {
        CsvReader reader = new(new StringReader("\uFEFFid,name\n\n1,x"));
        Assert.Equal(["id", "name"], reader.Read()!.Select(c => c.Text));
        Assert.Equal(["1", "x"], reader.Read()!.Select(c => c.Text));
        Assert.Equal(3, reader.Line);
        Assert.Null(reader.Read());
    }
}
