using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>A record as it stands in its table, trashed or not.</summary>
/// <param name="Row">The hidden identity.</param>
/// <param name="Version">Counts its writes.</param>
/// <param name="Values">By ordinal; nobody changes them in place.</param>
sealed record StoredRow(long Row, long Version, Value[] Values)
{
    public bool IsTrashed(Model model) => model.IsSoftDelete && !DeletedAt(model).IsNull;

    public Value DeletedAt(Model model) => Values[Mark(model).Ordinal];

    /// <summary>The implied field that marks a deletion.</summary>
    public static Field Mark(Model model) =>
        model.Field(Model.DeletedAt) ?? throw new InvalidOperationException($"{model.Name} is not soft-deleted");
}
