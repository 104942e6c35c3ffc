namespace Plinth.Schema.Types;

/// <summary>A URL-safe random id of the nanoid alphabet.</summary>
sealed class NanoIdType : TextType
{
    public static readonly NanoIdType It = new();

    public override string Name => "NanoId";

    public override string Expected => "a nanoid: 2 to 64 of A-Z a-z 0-9 _ -";

    public override string JsonSchema => """{"type":"string","pattern":"^[A-Za-z0-9_-]{2,64}$"}""";

    protected override bool Accepts(string text)
    {
        if (text.Length is < 2 or > 64) return false;
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-')) return false;
        }
        return true;
    }
}
