namespace Plinth.Log;

public sealed class FormerNamesTests
{
    [Theory]
    [InlineData(0, 10, "Paper 0-10")]
    [InlineData(3, 8, "Paper 3-8")]
    [InlineData(10, 30, "Note 10-30")]
    [InlineData(12, 20, "Note 12-20")]
    [InlineData(4, 20, "Paper 4-10, Note 10-20")]
    [InlineData(40, 40, "")]
    public void Events_stand_under_the_names_that_the_model_had_between_two_positions(long after, long upTo, string expected)
    {
        FormerNames names = new([new("Paper", 0, 10), new("Note", 10, 30)], new NameHistory([]));
        Assert.Equal(expected, string.Join(", ", names.Scopes(null, null, after, upTo).Select(s => $"{s.Model} {s.After}-{s.UpTo}")));
    }
}
