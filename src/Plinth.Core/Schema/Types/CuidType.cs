namespace Plinth.Schema.Types;

/// <summary>A collision-resistant id (cuid2): a lowercase letter, then lowercase letters and digits.</summary>
sealed class CuidType : TextType
{
    public static readonly CuidType It = new();

    public override string Name => "Cuid";

    public override string Expected => "a cuid: a lowercase letter, then 1 to 31 lowercase letters and digits";

    public override string JsonSchema => """{"type":"string","pattern":"^[a-z][a-z0-9]{1,31}$"}""";

    protected override bool Accepts(string text)
    {
        if (text.Length is < 2 or > 32 || !char.IsAsciiLetterLower(text[0])) return false;
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c)) return false;
        }
        return true;
    }
}
