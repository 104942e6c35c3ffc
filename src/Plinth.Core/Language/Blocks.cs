using System.Collections.Frozen;

namespace Plinth.Language;

/// <summary>
/// The keywords that begin a block: those of this version, and those that later versions bring and this one refuses by name.
/// </summary>
static class Blocks
{
    public static readonly FrozenSet<string> Known =
        FrozenSet.ToFrozenSet(
            ["app", "auth", "enum", "mixin", "type", "union", "model", "extend", "channel", "projection"], StringComparer.Ordinal);

    public static readonly FrozenSet<string> NotAvailable = FrozenSet.ToFrozenSet(
        [
            "view", "procedure", "mutation", "query", "action", "queue", "schedule", "workflow", "bucket", "function",
            "datasource", "transport", "mcp", "extension",
        ],
        StringComparer.Ordinal);

    static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> s_keywords =
        Known.Concat(NotAvailable).ToFrozenSet(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    public static bool IsKeyword(ReadOnlySpan<char> word) => s_keywords.Contains(word);
}
