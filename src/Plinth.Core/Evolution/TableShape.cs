using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Evolution;

/// <summary>
/// What a model demands of the database, without saying how it is spelt: the one place where columns, keys, indexes and references are
/// derived. Two models with equal shapes need no step between them.
/// </summary>
sealed class TableShape
{
    TableShape(Model model) => Model = model;

    public Model Model { get; }

    public string Name => Model.Table;

    /// <summary>One column per field, in ordinal order; the hidden ones are not in it.</summary>
    public required ImmutableArray<ColumnShape> Columns { get; init; }

    /// <summary>
    /// The key is one integer field, whose column then numbers the rows; otherwise the table has a hidden <see cref="RowColumn"/>.
    /// </summary>
    public required bool HasRowKey { get; init; }

    public required ImmutableArray<IndexShape> Indexes { get; init; }

    public required ImmutableArray<ReferenceShape> References { get; init; }

    public required ImmutableArray<CheckShape> Checks { get; init; }

    /// <summary>Fields whose terms the full-text table holds; empty when there is none.</summary>
    public required ImmutableArray<Field> FullText { get; init; }

    /// <summary>The hidden number of a row: the integer primary key where the model's own key is not one.</summary>
    public const string RowColumn = "_row";

    /// <summary>The hidden version of a row: 1 when created, one more with each change.</summary>
    public const string VersionColumn = "_version";

    /// <summary>The column that numbers the rows, hidden or the key's own.</summary>
    public static string RowColumnOf(Model model) => IsRowKey(model) ? model.KeyFields[0].Column : RowColumn;

    public static bool IsRowKey(Model model) =>
        model.Tenant is null && model.Key.Length == 1 && model.KeyFields[0] is { IsList: false,
            Type: ScalarFieldType { Scalar.Kind: ValueKind.Int } };

    public static TableShape Of(AppSchema schema, Model model) => new(model)
    {
        Columns = [.. model.Fields.Select(static field => new ColumnShape(field.Column, field))],
        HasRowKey = IsRowKey(model),
        Indexes = IndexesOf(schema, model),
        References = ReferencesOf(schema, model),
        Checks = [.. model.Checks.Select(static check => new CheckShape(check.Name, check.Condition))],
        FullText = FullTextOf(model),
    };

    /// <summary>The same table, to the last index: of one, rows of the other can be read.</summary>
    public bool IsSame(TableShape other) => string.Equals(Name, other.Name, StringComparison.Ordinal) && HasRowKey == other.HasRowKey
        && Columns.Select(static c => (c.Name, TypeText(c.Field.Type), c.Field.IsNullable))
            .SequenceEqual(other.Columns.Select(static c => (c.Name, TypeText(c.Field.Type), c.Field.IsNullable)))
        && Indexes.SequenceEqual(other.Indexes);

    static string TypeText(FieldType type) => type is EnumFieldType ? "String" : type.Name;

    public static ImmutableArray<Field> FullTextOf(Model model) => [.. model.FullText.Select(name => Named(model, name))];

    static ImmutableArray<IndexShape> IndexesOf(AppSchema schema, Model model)
    {
        List<IndexShape> indexes = [];
        if (!IsRowKey(model))
        {
            // Not partial: a record in the trash keeps its key.
            indexes.Add(new IndexShape(model.Table + "_key", IsUnique: true, Ascending(model.StoredKey), LiveOnly: false, null));
        }

        foreach (UniqueKey unique in model.Uniques)
        {
            indexes.Add(new IndexShape(unique.Name, IsUnique: true, Within(model, unique.Fields), model.IsSoftDelete, unique.Where));
        }

        foreach (ModelIndex index in model.Indexes)
        {
            ImmutableArray<IndexColumn> columns =
                [.. TenantColumn(model, index), .. index.Fields.Select(part =>
                    new IndexColumn(Named(model, part.Field).Column, part.Descending))];
            indexes.Add(new IndexShape(index.Name, IsUnique: false, WithKey(model, columns), LiveOnly: false, index.Where));
        }

        foreach (Relation relation in model.Relations)
        {
            if (relation.IsOwning) AddReferenceIndex(indexes, schema, model, relation);
        }

        return [.. indexes];
    }

    /// <summary>
    /// Deleting a parent and listing its children look for the reference: without an index each would read the whole table.
    /// </summary>
    static void AddReferenceIndex(List<IndexShape> indexes, AppSchema schema, Model model, Relation relation)
    {
        ImmutableArray<IndexColumn> columns = Ascending(model.Within([.. schema.Joins(relation).Select(static join => join.Own)]));
        bool isCovered = indexes.Any(index => index is { Where: null, LiveOnly: false }
            && index.Columns.Length >= columns.Length
            && index.Columns.Take(columns.Length).Select(static column => column.Name)
            .SequenceEqual(columns.Select(static column => column.Name)));
        bool isRowKey = IsRowKey(model) && columns.Length == 1
            && string.Equals(columns[0].Name, model.KeyFields[0].Column, StringComparison.Ordinal);
        if (isCovered || isRowKey) return;
        string name = $"{model.Table}_{string.Join('_', columns.Select(static column => column.Name))}_ref";
        indexes.Add(new IndexShape(name, IsUnique: false, WithKey(model, columns), LiveOnly: false, null));
    }

    /// <summary>
    /// Lists break ties by the key, in the direction of their last term. An index that ends so gives the records in the order of the list;
    /// without it the database would gather and sort all that tie (measured: a fifth of a list, a third of an include).
    /// </summary>
    static ImmutableArray<IndexColumn> WithKey(Model model, ImmutableArray<IndexColumn> columns)
    {
        bool descending = columns[^1].Descending;

        // The number of a row ends every index by itself, ascending.
        if (IsRowKey(model) && !descending) return columns;
        return
        [
            .. columns,
            .. Ascending(model.StoredKey)
                .Where(key => !columns.Any(column => string.Equals(column.Name, key.Name, StringComparison.Ordinal)))
                .Select(key => key with { Descending = descending }),
        ];
    }

    static ImmutableArray<ReferenceShape> ReferencesOf(AppSchema schema, Model model)
    {
        List<ReferenceShape> references = [];
        foreach (Relation relation in model.Relations)
        {
            if (!relation.IsOwning) continue;
            Model target = schema.TargetOf(relation);
            if (!IsWholeKey(target, relation.References)) continue;
            references.Add(new ReferenceShape(
                [.. schema.Joins(relation).Select(static join => join.Own.Column)],
                target.Table,
                [.. schema.Joins(relation).Select(static join => join.Other.Column)]));
        }

        return [.. references];
    }

    /// <summary>A database reference needs a key that covers every row; over partial ones only the engine's own check stands.</summary>
    static bool IsWholeKey(Model target, ImmutableArray<string> fields) =>
        target.Key.SequenceEqual(fields)
        || (!target.IsSoftDelete && target.Uniques.Any(unique => unique.Where is null && unique.Fields.SequenceEqual(fields)));

    /// <summary>The fields within the tenant, whose column comes first: each tenant's entries lie together.</summary>
    static ImmutableArray<IndexColumn> Within(Model model, ImmutableArray<string> fields) =>
        Ascending(model.Within([.. fields.Select(name => Named(model, name))]));

    static IEnumerable<IndexColumn> TenantColumn(Model model, ModelIndex index) =>
        model.Tenant is { } tenant && !index.Fields.Any(f => string.Equals(f.Field, tenant, StringComparison.Ordinal))
            ? Ascending([Named(model, tenant)])
            : [];

    static ImmutableArray<IndexColumn> Ascending(ImmutableArray<Field> fields) =>
        [.. fields.Select(static field => new IndexColumn(field.Column, Descending: false))];

    static Field Named(Model model, string name) => model.Field(name)
        ?? throw new InvalidOperationException($"{model.Name}: the binder admitted a field '{name}' that is not there");
}

sealed record ColumnShape(string Name, Field Field);

sealed record IndexColumn(string Name, bool Descending);

/// <param name="LiveOnly">Only rows that are not in the trash.</param>
/// <param name="Where">Only rows for which it is true.</param>
sealed record IndexShape(string Name, bool IsUnique, ImmutableArray<IndexColumn> Columns, bool LiveOnly, Condition? Where)
{
    public bool Equals(IndexShape? other) => other is not null
        && string.Equals(Name, other.Name, StringComparison.Ordinal) && IsUnique == other.IsUnique && LiveOnly == other.LiveOnly
        && Equals(Where, other.Where) && Columns.SequenceEqual(other.Columns);

    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
}

sealed record ReferenceShape(ImmutableArray<string> Columns, string Table, ImmutableArray<string> Referred)
{
    public bool Equals(ReferenceShape? other) => other is not null
        && string.Equals(Table, other.Table, StringComparison.Ordinal) && Columns.SequenceEqual(other.Columns)
        && Referred.SequenceEqual(other.Referred);

    public override int GetHashCode() => Table.GetHashCode(StringComparison.Ordinal);
}

sealed record CheckShape(string Name, Condition Condition);
