using System.Text.Json;
using Plinth.Text;

namespace Plinth.Schema.Types;

/// <summary>A type whose values are text, kept as they are. Compared by code point on every database.</summary>
abstract class TextType : ScalarType
{
    public sealed override ValueKind Kind => ValueKind.String;

    /// <summary>What the type demands beyond being clean text.</summary>
    protected virtual bool Accepts(string text) => true;

    public sealed override bool TryRead(ref Utf8JsonReader json, out Value value)
    {
        value = default;
        if (!JsonStrings.TryRead(ref json, out string text) || !Accepts(text)) return false;
        value = Value.From(text);
        return true;
    }

    public sealed override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        value = default;
        if (!JsonStrings.IsClean(text)) return false;
        string copy = text.ToString();
        if (!Accepts(copy)) return false;
        value = Value.From(copy);
        return true;
    }

    public sealed override void WriteJson(ByteOutput output, in Value value) => JsonText.WriteString(output, value.String);

    public sealed override string Format(in Value value) => value.String;
}

/// <summary>Text of moderate length; <c>@length</c> bounds it.</summary>
sealed class StringType : TextType
{
    public static readonly StringType It = new();

    public override string Name => "String";

    public override string Expected => "a string without U+0000 and lone surrogates";

    public override string JsonSchema => """{"type":"string"}""";
}

/// <summary>Text of any length; shown as an area, not a line.</summary>
sealed class LongTextType : TextType
{
    public static readonly LongTextType It = new();

    public override string Name => "Text";

    public override string Expected => "a string without U+0000 and lone surrogates";

    public override string JsonSchema => """{"type":"string"}""";
}
