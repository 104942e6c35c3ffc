namespace Plinth.Schema.Types;

/// <summary>An absolute http or https URL: other schemes (javascript:, data:, file:) are how links become attacks.</summary>
sealed class UrlType : TextType
{
    public static readonly UrlType It = new();

    const int LengthMax = 2048;

    public override string Name => "Url";

    public override string Expected => "an absolute http or https URL of at most 2048 characters";

    public override string JsonSchema => """{"type":"string","format":"uri","maxLength":2048}""";

    protected override bool Accepts(string text) => IsUrl(text);

    public static bool IsUrl(string text) => text.Length <= LengthMax
        && text.AsSpan().IndexOfAnyInRange('\0', ' ') < 0
        && Uri.TryCreate(text, UriKind.Absolute, out Uri? uri)
        && (uri.Scheme is "http" or "https")
        && uri.Host.Length > 0;
}
