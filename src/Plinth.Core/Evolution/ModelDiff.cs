using System.Collections.Immutable;
using System.Globalization;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Evolution;

/// <summary>The steps from one model to its successor.</summary>
sealed class ModelDiff(Sections sections, AppSchema current, AppSchema desired, Model before, Model after)
{
    readonly TableShape _old = TableShape.Of(current, before);
    readonly TableShape _new = TableShape.Of(desired, after);
    readonly List<string> _rebuild = [];
    readonly List<Field> _added = [];
    readonly List<RenamedField> _renamed = [];
    readonly List<string> _dropped = [];
    readonly List<BroughtColumn> _brought = [];

    /// <summary>Columns that keep their values, under their new names, by their old names.</summary>
    readonly Dictionary<string, string> _kept = new(StringComparer.Ordinal);

    public void Run()
    {
        if (!string.Equals(_old.Name, _new.Name, StringComparison.Ordinal))
            sections.Renames.Add(new RenameTable(_old.Name, _new.Name, after));
        DiffFields();
        DiffKey();
        DiffConstraints();
        AddTableSteps();
        DiffIndexes();
        DiffFullText();
        string? oldName = string.Equals(before.Name, after.Name, StringComparison.Ordinal) ? null : before.Name;
        if (oldName is not null || _renamed.Count > 0 || _dropped.Count > 0)
        {
            sections.Names.Add(new RecordNames(after, oldName, [.. _renamed], [.. _dropped]));
        }
        if (_brought.Count > 0)
        {
            sections.Names.Add(new RecordVersion(
                after, current.Version, desired.Version, [.. _brought.Select(static brought => brought.Now.Name)]));
        }
    }

    void DiffFields()
    {
        HashSet<string> used = new(StringComparer.Ordinal);
        foreach (Field field in after.Fields)
        {
            Field? predecessor = Predecessor(field);
            if (predecessor is null)
            {
                _added.Add(field);
                continue;
            }

            used.Add(predecessor.Name);
            DiffField(predecessor, field);
        }

        foreach (Field field in before.Fields)
        {
            if (!used.Contains(field.Name)) Drop(field);
        }
    }

    Field? Predecessor(Field field)
    {
        if (before.Field(field.Name) is { } same) return same;
        return field.RenamedFrom is { } old && after.Field(old) is null ? before.Field(old) : null;
    }

    void DiffField(Field was, Field now)
    {
        if (!string.Equals(was.Column, now.Column, StringComparison.Ordinal))
        {
            sections.Renames.Add(new RenameColumn(after, was.Column, now.Column));
        }

        if (!KeepsUpcasts(was, now)) return;
        if (now.Upcasts.Any(step => step.Version > current.Version))
        {
            Bring(was, now);
            return;
        }

        if (!Widens(was, now))
        {
            // With nothing in it, a column can become anything.
            Demand(was, was is { IsNullable: true, IsList: false } ? DataDemand.AllNull : DataDemand.Empty, [],
                $"{after.Name}.{now.Name} changes from {TypeText(was)} to {TypeText(now)}, and there are values that this could bend.",
                $"Add a new field of type {TypeText(now)}, copy the values over, and then remove the old one.");
            _rebuild.Add($"{now.Column} becomes {TypeText(now)}");
            _dropped.Add(was.Name);
            if (!now.IsNullable && !now.IsList) _added.Add(now);
            return;
        }

        _kept.Add(was.Column, now.Column);
        if (!string.Equals(was.Name, now.Name, StringComparison.Ordinal)) _renamed.Add(new RenamedField(was.Name, now.Name));
        if (RemovedWords(was, now) is { IsEmpty: false } words)
        {
            Demand(was, DataDemand.NoWords, words,
                $"{string.Join(", ", words)} is gone from the enum of {after.Name}.{now.Name}, but records hold it.",
                "Change those records first, or keep the word.");
        }

        if (was.IsNullable == now.IsNullable) return;
        _rebuild.Add(now.IsNullable ? $"{now.Column} becomes optional" : $"{now.Column} becomes required");
        if (!now.IsNullable)
        {
            Demand(was, DataDemand.NoNull, [],
                $"{after.Name}.{now.Name} becomes required, but records hold no value in it.",
                "Give those records a value first.");
        }
    }

    /// <summary>What was applied is part of what records and events mean: it stays.</summary>
    bool KeepsUpcasts(Field was, Field now)
    {
        if (was.Upcasts.SequenceEqual(now.Upcasts.Where(step => step.Version <= current.Version))) return true;
        sections.Refusals.Add(Faults.MigrationRefused.Says(string.Create(CultureInfo.InvariantCulture,
            $"The upcasts of {after.Name}.{now.Name} up to version {current.Version} are not those that were applied to the database."),
            "Leave those as they were, and write a further one: " + string.Create(CultureInfo.InvariantCulture,
                $"@upcast({current.Version + 1}, …) with app {{ version = {current.Version + 1} }}.")));
        return false;
    }

    /// <summary>Every value takes the steps of the versions since; what they make of it, the field must be able to hold.</summary>
    void Bring(Field was, Field now)
    {
        Upcast first = now.Upcasts.First(step => step.Version > current.Version);
        FieldType then = first.TypeOfThen(now);
        if (!Widens(was, now with { Type = then }))
        {
            sections.Refusals.Add(Faults.MigrationRefused.Says(
                $"The upcast of {after.Name}.{now.Name} takes {then.Name}, and its values are {TypeText(was)}.",
                was.IsList ? "An upcast is for single values." : $"Write from: {(was.Type is EnumFieldType ? "String" : TypeText(was))}."));
        }

        if (after.Fields.FirstOrDefault(field => field.Computed is { } from && Mentions(from.Text, now.Name)) is { } computed)
        {
            sections.Refusals.Add(Faults.MigrationRefused.Says(
                $"{after.Name}.{computed.Name} is computed from {now.Name}, and records hold what was computed of the values before.",
                $"Bring the values of {now.Name} by commands, or write {computed.Name} out as a field of its own."));
        }

        _kept.Add(was.Column, now.Column);
        if (!string.Equals(was.Name, now.Name, StringComparison.Ordinal)) _renamed.Add(new RenamedField(was.Name, now.Name));
        _brought.Add(new BroughtColumn(was with { Column = now.Column }, now, current.Version));
        _rebuild.Add(string.Create(CultureInfo.InvariantCulture, $"{now.Column} is brought to version {desired.Version}"));
    }

    static bool Mentions(string text, string name)
    {
        for (int at = text.IndexOf(name, StringComparison.Ordinal); at >= 0; at = text.IndexOf(name, at + 1, StringComparison.Ordinal))
        {
            int end = at + name.Length;
            bool isWord = (at == 0 || !IsOfName(text[at - 1])) && (end == text.Length || !IsOfName(text[end]));
            if (isWord) return true;
        }

        return false;

        static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';
    }

    void Drop(Field field)
    {
        Demand(field, field is { IsNullable: true, IsList: false } ? DataDemand.AllNull : DataDemand.Empty, [],
            field.IsImplied && string.Equals(field.Name, Model.DeletedAt, StringComparison.Ordinal)
                ? $"@@softDelete is gone from {after.Name}, but there are records in the trash."
                : $"The field {before.Name}.{field.Name} is gone from the schema, but records hold values in it.",
            field.IsImplied && string.Equals(field.Name, Model.DeletedAt, StringComparison.Ordinal)
                ? "Restore or purge them first."
                : $"Clear it in all records first, or keep it; if it was renamed, write @renamedFrom(\"{field.Name}\") on the new one.");
        _rebuild.Add($"{field.Column} goes");
        _dropped.Add(field.Name);
    }

    void DiffKey()
    {
        string[] was = [.. before.StoredKey.Select(field => _kept.GetValueOrDefault(field.Column, ""))];
        string[] now = [.. after.StoredKey.Select(static field => field.Column)];
        if (was.SequenceEqual(now) && _old.HasRowKey == _new.HasRowKey) return;
        sections.Demands.Add(new DataPrecondition(_old.Name, null, DataDemand.Empty, [], Faults.MigrationRefused.Says(
            $"The key of {after.Name} changes, and there are records that are known by the old one.",
            "Keep the key, and add a unique field beside it; or export the records, delete them, and import them again.")));
        _rebuild.Add("its key changes");
    }

    void DiffConstraints()
    {
        if (!_old.Checks.SequenceEqual(_new.Checks)) _rebuild.Add("its checks change");
        IEnumerable<ReferenceShape> old = _old.References.Select(Renamed);
        if (!old.ToHashSet().SetEquals(_new.References)) _rebuild.Add("its references change");
    }

    void AddTableSteps()
    {
        List<ColumnFill> fills = [];
        foreach (Field field in _added)
        {
            if (FillOf(field) is { } fill) fills.Add(fill);
            else if (!field.IsNullable) RefuseEmptyRequired(field);
        }

        // A column that may not be null cannot be added to rows that are there; a rebuild gives it its value in the copy.
        foreach (Field field in _added)
        {
            if (!field.IsNullable && _rebuild.Count == 0) _rebuild.Add($"{field.Column} is new and required");
        }

        if (_rebuild.Count > 0)
        {
            sections.Tables.Add(new RebuildTable(_new, [.. _kept.Values], [.. fills], [.. _rebuild])
            {
                Brought = [.. _brought],
            });
            return;
        }

        foreach (Field field in _added) sections.Tables.Add(new AddColumn(after, field));
        if (fills.Count > 0) sections.Fills.Add(new FillColumns(after, [.. fills]));
    }

    void RefuseEmptyRequired(Field field) => sections.Demands.Add(new DataPrecondition(_old.Name, null, DataDemand.Empty, [],
        Faults.MigrationRefused.Says(
            field.Default is ClaimDefault
                ? $"{after.Name}.{field.Name} is new and takes its default from the caller; existing records have no caller."
                : $"{after.Name}.{field.Name} is new and required, and existing records would have no value in it.",
            $"Make it optional ({TypeText(field)}?), or give it a @default that does not depend on the caller.")));

    /// <summary>What existing rows get in a new field; null when nothing can be given.</summary>
    static ColumnFill? FillOf(Field field)
    {
        if (field.Computed is { } expression) return new ComputedFill(field, expression);
        return field.Default switch
        {
            LiteralDefault { Value: var value } => new ConstantFill(field, value),
            NowDefault => new NowFill(field),
            GeneratedDefault { Generator: var generator } => new GeneratedFill(field, generator),
            _ when field.IsVersion => new ConstantFill(field, Value.From(1)),
            _ when field is { IsUpdatedAt: true, IsNullable: false } => new NowFill(field),
            _ when field.IsList => new ConstantFill(field, Value.FromJson("[]"u8.ToArray())),
            _ => null,
        };
    }

    void DiffIndexes()
    {
        // A rebuilt table loses its indexes with its old self.
        bool all = _rebuild.Count > 0;
        HashSet<IndexShape> old = [.. _old.Indexes.Select(Renamed)];
        foreach (IndexShape index in _old.Indexes)
        {
            if (!all && !_new.Indexes.Contains(Renamed(index))) sections.Drops.Add(new DropIndex(_new.Name, index.Name));
        }

        foreach (IndexShape index in _new.Indexes)
        {
            if (all || !old.Contains(index)) sections.Indexes.Add(new CreateIndex(after, index));
        }
    }

    void DiffFullText()
    {
        string[] old = [.. _old.FullText.Select(field => _kept.GetValueOrDefault(field.Column, ""))];
        bool isSame = _rebuild.Count == 0 && string.Equals(_old.Name, _new.Name, StringComparison.Ordinal)
            && old.SequenceEqual(_new.FullText.Select(static field => field.Column))
            && _old.FullText.Select(static field => field.Column).SequenceEqual(old);
        if (isSame) return;

        // It is named by its table and columns and holds nothing that the rows do not, so making it anew is always right.
        if (!_old.FullText.IsEmpty) sections.Drops.Add(new DropFullText(_old.Name));
        if (!_new.FullText.IsEmpty) sections.FullText.Add(new CreateFullText(after));
    }

    IndexShape Renamed(IndexShape index) =>
        index with { Columns = [.. index.Columns.Select(column => column with { Name = _kept.GetValueOrDefault(column.Name, "") })] };

    ReferenceShape Renamed(ReferenceShape reference)
    {
        // The referred table may have been renamed in the same change; the database then follows by itself.
        Model? target = current.Models.FirstOrDefault(model => string.Equals(model.Table, reference.Table, StringComparison.Ordinal));
        Model? successor = target is null ? null : desired.FindModel(target.Name)
            ?? desired.Models.FirstOrDefault(model => string.Equals(model.RenamedFrom, target.Name, StringComparison.Ordinal));
        return reference with
        {
            Columns = [.. reference.Columns.Select(column => _kept.GetValueOrDefault(column, ""))],
            Table = successor?.Table ?? reference.Table,
            Referred = [.. reference.Referred.Select(column => RenamedColumn(target, successor, column))],
        };
    }

    static string RenamedColumn(Model? target, Model? successor, string column)
    {
        Field? was = target?.Fields.FirstOrDefault(field => string.Equals(field.Column, column, StringComparison.Ordinal));
        if (was is null || successor is null) return column;
        Field? now = successor.Field(was.Name)
            ?? successor.Fields.FirstOrDefault(field => string.Equals(field.RenamedFrom, was.Name, StringComparison.Ordinal));
        return now?.Column ?? column;
    }

    void Demand(Field field, DataDemand demand, ImmutableArray<string> words, string message, string hint) =>
        sections.Demands.Add(new DataPrecondition(
            _old.Name, demand == DataDemand.Empty ? null : field.Column, demand, words, Faults.MigrationRefused.Says(message, hint)));

    /// <summary>Every value of the old type is, as it is stored, a value of the new one.</summary>
    static bool Widens(Field was, Field now)
    {
        if (was.IsList != now.IsList) return false;
        return (was.Type, now.Type) switch
        {
            (EnumFieldType, EnumFieldType) => true,
            (EnumFieldType, ScalarFieldType { Scalar: StringType or LongTextType }) => !was.IsList,
            (ScalarFieldType { Scalar: TextType }, ScalarFieldType { Scalar: StringType or LongTextType }) => true,
            (ScalarFieldType { Scalar: IntType }, ScalarFieldType { Scalar: BigIntType }) => !was.IsList,
            (ScalarFieldType { Scalar: DecimalType old }, ScalarFieldType { Scalar: DecimalType wide }) =>
                old.Scale == wide.Scale && old.Precision <= wide.Precision,
            (ScalarFieldType { Scalar: var old }, ScalarFieldType { Scalar: var same }) =>
                string.Equals(old.Name, same.Name, StringComparison.Ordinal),
            (EmbeddedFieldType { TypeName: var old }, EmbeddedFieldType { TypeName: var same }) =>
                string.Equals(old, same, StringComparison.Ordinal),
            (UnionFieldType { UnionName: var old }, UnionFieldType { UnionName: var same }) =>
                string.Equals(old, same, StringComparison.Ordinal),
            _ => false,
        };
    }

    static ImmutableArray<string> RemovedWords(Field was, Field now) => (was.Type, now.Type) switch
    {
        (EnumFieldType { Enum.Values: var old }, EnumFieldType { Enum.Values: var kept }) when !was.IsList => [.. old.Except(kept)],
        _ => [],
    };

    static string TypeText(Field field) => field.Type.Name + (field.IsList ? "[]" : "");
}
