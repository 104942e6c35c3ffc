using System.Text.Json;
using Plinth.Text;

namespace Plinth.Schema.Types;

/// <summary>
/// One scalar type of the language: its wire forms and its checks. The dialects' tables say how it is stored; a new type is one file
/// here, two rows there and one case file.
/// </summary>
abstract class ScalarType
{
    /// <summary>As written in the schema, with parameters (<c>Decimal(12, 2)</c>).</summary>
    public abstract string Name { get; }

    /// <summary>The kind that every non-null value of the type has.</summary>
    public abstract ValueKind Kind { get; }

    /// <summary>What an error message says is expected: "an integer from -2147483648 to 2147483647".</summary>
    public abstract string Expected { get; }

    /// <summary>Reads the token that the reader stands on (never null); false when it is no value of the type.</summary>
    public abstract bool TryRead(ref Utf8JsonReader json, out Value value);

    /// <summary>Reads the text form: URL keys, short filters, CSV.</summary>
    public abstract bool TryParse(ReadOnlySpan<char> text, out Value value);

    /// <summary>Writes the JSON form of a non-null value.</summary>
    public abstract void WriteJson(ByteOutput output, in Value value);

    /// <summary>The text form, which <see cref="TryParse"/> reads back.</summary>
    public abstract string Format(in Value value);

    /// <summary>The JSON Schema (2020-12) of the JSON form, as a JSON object without a trailing newline.</summary>
    public abstract string JsonSchema { get; }

    public override string ToString() => Name;
}
