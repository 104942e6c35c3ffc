using System.Security.Cryptography;
using System.Text;
using Plinth.Schema.Types;

namespace Plinth.Schema;

/// <summary>
/// What stands in a <c>@pii</c> field once its person is erased: null, an empty list, or, where neither may stand, a text that says so and
/// that is unique to the record.
/// </summary>
static class ErasedValue
{
    const string Mark = "erased:";
    const string Domain = "erased.invalid"; // RFC 2606: nobody can ever have it.

    /// <summary>Characters of the part that tells one record from another.</summary>
    const int PartMax = 36;

    /// <summary>Whether the field could not be erased, as the end of a sentence about it; null when it can.</summary>
    public static string? Obstacle(Field field, Model model) => Obstacle(field, model.Key is [var only] ? model.Field(only) : null);

    /// <param name="field">A field with <c>@pii</c>.</param>
    /// <param name="key">The model's key, when it is one field: the shorter it is, the shorter the mark.</param>
    public static string? Obstacle(Field field, Field? key)
    {
        if (field.IsNullable || field.IsList || field.Computed is not null) return null;
        if (field.Type.Name is not ("String" or "Text")) return $"is {field.Type.Name} and not optional";
        int longest = Text(field, new string('x', PartOf(key))).Length;
        foreach (Validator validator in field.Validators)
        {
            switch (validator)
            {
                case EmailValidator or UrlValidator:
                case LengthValidator { Min: null or <= 8, Max: null }:
                case LengthValidator { Min: null or <= 8, Max: { } max } when max >= longest:
                    continue;
                case LengthValidator { Max: { } max } when max < longest:
                    return $"is not optional and takes {max} characters, where the mark of an erased record needs {longest}";
                default:
                    return "is not optional and checked so that no mark of an erased record would pass";
            }
        }
        return null;
    }

    /// <summary>The value.</summary>
    /// <param name="field">A field with <c>@pii</c>.</param>
    /// <param name="recordId">The record as the log names it.</param>
    public static Value Of(Field field, string recordId) =>
        field.IsNullable ? Value.Null
        : field.IsList ? Value.FromJson("[]"u8.ToArray())
        : Value.From(Text(field, Part(recordId)));

    static string Text(Field field, string part) =>
        field.Validators.Any(static v => v is EmailValidator) ? $"erased-{part}@{Domain}"
        : field.Validators.Any(static v => v is UrlValidator) ? $"https://{Domain}/{part}"
        : Mark + part;

    /// <summary>The record's id where it is short and plain; else a digest of it.</summary>
    static string Part(string recordId) =>
        recordId.Length <= PartMax && recordId.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-')
            ? recordId
            : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(recordId)))[..32];

    static int PartOf(Field? key) => key?.Type is ScalarFieldType { Scalar: var type } ? type switch
    {
        IntType => 11,
        BigIntType => 20,
        _ => PartMax,
    } : PartMax;
}
