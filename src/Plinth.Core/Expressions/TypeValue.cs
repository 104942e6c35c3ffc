using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>A type as a value: what <c>type(x)</c> gives and the name of a type denotes.</summary>
sealed record TypeValue(string Name)
{
    public static Value Of(string name) => Value.FromOther(new TypeValue(name));

    public override string ToString() => Name;

    public static Value Of(in Value value) => value.Kind switch
    {
        ValueKind.Other => Of(value.Other switch
        {
            CelNull => "null_type",
            TypeValue => "type",
            OptionalValue => "optional_type",
            MixedMap => "map",
            _ => "dyn",
        }),
        ValueKind.Json => Of(JsonValues.Read(value.Json)),
        ValueKind.Null => value,
        _ => Of(value.Kind switch
        {
            ValueKind.Boolean => "bool",
            ValueKind.DateTime => Timestamp,
            ValueKind.Duration => Duration,
            _ => value.Kind.ToString().ToLowerInvariant(),
        }),
    };

    public const string Timestamp = "google.protobuf.Timestamp";
    public const string Duration = "google.protobuf.Duration";
}
