using System.Collections.Immutable;
using System.Text.Json;
using Plinth.Runtime;
using Plinth.Schema;

namespace Plinth.Identity;

/// <summary>A stored record of one of the product's own models, its fields by name.</summary>
sealed class PlatformRow(Model model, StoredRow stored)
{
    /// <summary>What a write names, so that it happens to this state of the record or not at all.</summary>
    public long Version => stored.Version;

    public Guid Id => Of("id").Uuid;

    public Value Of(string field) => stored.Values[
        (model.Field(field) ?? throw new InvalidOperationException($"{model.Name} has no field {field}")).Ordinal];

    public Guid Uuid(string field) => Of(field).Uuid;

    public string? Text(string field) => Of(field) is { IsNull: false } value ? value.String : null;

    public byte[] Bytes(string field) => Of(field).Bytes;

    public long Number(string field) => Of(field).Int;

    public bool Is(string field) => Of(field).IsTrue;

    /// <summary>Microseconds since the epoch.</summary>
    public long? Time(string field) => Of(field) is { IsNull: false } value ? value.Ticks : null;

    /// <summary>A list of texts.</summary>
    public ImmutableArray<string> Texts(string field)
    {
        using JsonDocument list = JsonDocument.Parse(Of(field).Json);
        return [.. list.RootElement.EnumerateArray().Select(item => item.GetString() ?? "")];
    }
}
