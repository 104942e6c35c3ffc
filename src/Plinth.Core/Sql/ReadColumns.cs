using System.Collections.Immutable;
using Plinth.Plan;
using Plinth.Schema;

namespace Plinth.Sql;

/// <summary>
/// What the statement of one level selects and where: the fields answered first, in order, then what is needed besides them (values
/// that cursors and included relations go by), each once.
/// </summary>
sealed class ReadColumns
{
    ReadColumns(ImmutableArray<FieldPath> paths, ImmutableArray<int> sort, ImmutableArray<ImmutableArray<int>> includes, int version) =>
        (Paths, Sort, Includes, Version) = (paths, sort, includes, version);

    /// <summary>Of reads that answer no records.</summary>
    public static readonly ReadColumns None = new([], [], [], -1);

    /// <summary>
    /// For each field answered, the column that says whether the record shows it: 1 or 0; -1 where every record does. Empty where they
    /// all do. These columns come last.
    /// </summary>
    public ImmutableArray<int> Shown { get; private init; } = [];

    public ImmutableArray<FieldPath> Paths { get; }

    /// <summary>Columns of the sort terms, where cursors are given out.</summary>
    public ImmutableArray<int> Sort { get; }

    /// <summary>For each included relation the columns of the parent's fields that lead to it.</summary>
    public ImmutableArray<ImmutableArray<int>> Includes { get; }

    /// <summary>Column of the hidden version, after all others; -1 where nobody asks for it.</summary>
    public int Version { get; }

    /// <summary>
    /// Column of the log's position in the statement's own snapshot, the last one; -1 where nobody asks for it.
    /// </summary>
    public int Position { get; private init; } = -1;

    /// <summary>The same columns, and the log's position.</summary>
    public ReadColumns WithPosition() => new(Paths, Sort, Includes, Version)
    {
        Shown = Shown,
        Key = Key,
        Position = Paths.Length + (Version >= 0 ? 1 : 0) + Shown.Count(static column => column >= 0),
    };

    /// <summary>The key alone: for lists whose records are at hand already.</summary>
    public static ReadColumns Keys(LevelShape level) =>
        Of(level with { Fields = [.. level.Model.KeyFields], Includes = [] }, cursors: false, version: false, static _ => false);

    /// <summary>Columns of the stored key, tenant first, where records are told apart by it; empty elsewhere.</summary>
    public ImmutableArray<int> Key { get; private init; } = [];

    /// <param name="level">What is read.</param>
    /// <param name="cursors">Places in the list will be given out.</param>
    /// <param name="version">The record's hidden version is asked for.</param>
    /// <param name="isMasked">A record may not show this field.</param>
    /// <param name="key">The stored key is asked for.</param>
    public static ReadColumns Of(LevelShape level, bool cursors, bool version, Func<Field, bool> isMasked, bool key = false)
    {
        List<FieldPath> paths = [.. level.Fields.Select(static f => new FieldPath([], f))];
        int At(FieldPath path)
        {
            int found = path.IsOwn ? paths.FindIndex(p => p.IsOwn && p.Field.Ordinal == path.Field.Ordinal) : -1;
            if (found >= 0) return found;
            paths.Add(path);
            return paths.Count - 1;
        }

        ImmutableArray<int> sort = cursors ? [.. level.Sort.Select(t => At(t.Path))] : [];
        ImmutableArray<ImmutableArray<int>> includes =
            [.. level.Includes.Select(i => i.ParentFields.Select(f => At(new FieldPath([], f))).ToImmutableArray())];
        ImmutableArray<int> stored = key ? [.. level.Model.StoredKey.Select(f => At(new FieldPath([], f)))] : [];
        int next = paths.Count + (version ? 1 : 0);
        ImmutableArray<int> shown = level.Fields.Any(isMasked) ? [.. level.Fields.Select(f => isMasked(f) ? next++ : -1)] : [];
        return new ReadColumns([.. paths], sort, includes, version ? paths.Count : -1) { Shown = shown, Key = stored };
    }
}
