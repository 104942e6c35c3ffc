using System.Collections.Immutable;
using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

public class CursorTests
{
    static readonly byte[] s_secret = Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef");
    static readonly byte[] s_binding = Encoding.ASCII.GetBytes("a list");

    static string Write(params Value[] values)
    {
        using ByteOutput output = new();
        Cursor.Write(s_secret, s_binding, values, output);
        return Encoding.ASCII.GetString(output.Written);
    }

    [Fact]
    public void Every_kind_that_is_sorted_by_comes_back_as_it_was()
    {
        Value[] values =
        [
            Value.Null, Value.True, Value.False, Value.From(long.MinValue), Value.From(-0.5), Value.FromDecimal(-1299, 2),
            Value.From("grüße \"\0"),
            Value.FromBytes([0, 255]), Value.FromDateTime(1), Value.FromDate(-1), Value.FromTime(5), Value.FromDuration(-9),
            Value.From(Guid.Parse("01930e5c-7a00-7000-8000-000000000001")), Value.From(""),
        ];
        Result<ImmutableArray<Value>> read = Cursor.Read(s_secret, s_binding, Write(values), values.Length);
        Assert.Equal(values, read.Value.ToArray());
    }

    [Fact]
    public void A_changed_character_anywhere_is_refused()
    {
        string text = Write(Value.From(42L), Value.From("abc"));
        for (int i = 0; i < text.Length; i++)
        {
            string changed = text[..i] + (text[i] == 'A' ? 'B' : 'A') + text[(i + 1)..];
            Assert.Equal(Faults.MalformedCursor, Cursor.Read(s_secret, s_binding, changed, 2).Fault?.Kind);
        }
    }

    [Fact]
    public void A_cursor_of_another_list_or_another_installation_is_refused()
    {
        string text = Write(Value.From(42L));
        Assert.True(Cursor.Read(s_secret, s_binding, text, 1).IsOk);
        Assert.False(Cursor.Read(s_secret, "another list"u8, text, 1).IsOk);
        Assert.False(Cursor.Read("another secret, of another place"u8, s_binding, text, 1).IsOk);
    }

    [Theory]
    [InlineData("")]
    [InlineData("!")]
    [InlineData("AA")]
    [InlineData("Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy")]
    public void Noise_is_refused(string text) =>
        Assert.Equal(Faults.MalformedCursor, Cursor.Read(s_secret, s_binding, text, 1).Fault?.Kind);

    [Fact]
    public void Noise_of_any_length_never_throws()
    {
        int seed = Counts.Seed();
        Random random = new(seed);
        for (int i = 0; i < Counts.Of(2_000, 100_000); i++)
        {
            string text = new([.. Enumerable.Range(0, random.Next(80)).Select(_ => (char)random.Next(33, 127))]);
            Assert.True(!Cursor.Read(s_secret, s_binding, text, 3).IsOk, $"seed {seed}: {text}");
        }
    }

    [Fact]
    public void A_text_longer_than_any_cursor_is_not_even_decoded() =>
        Assert.Equal(Faults.MalformedCursor, Cursor.Read(s_secret, s_binding, new string('A', 30_000), 1).Fault?.Kind);
}
