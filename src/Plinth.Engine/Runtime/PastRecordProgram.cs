using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// How one record is answered as it was, where the record by itself decides who sees what of it: its row and its events are read without
/// any rule, and the rules are held against both in memory. So whoever asks for what they may not see, and for what never was, has asked
/// the database the same.
/// </summary>
sealed class PastRecordProgram
{
    /// <summary>Columns of <see cref="Row"/> before the fields: the log's position, the end of what retention took, the version.</summary>
    public const int PositionColumn = 0, CutColumn = 1, VersionColumn = 2, FirstField = 3;

    readonly LevelShape _root;
    readonly (FoldedRules Folded, int FirstSlot) _rules;
    readonly ImmutableArray<(Field Field, (FoldedRules Folded, int FirstSlot)? Mask)> _fields;
    readonly int _trash;

    PastRecordProgram(ReadPlan plan, ReadSql sql, Dialect dialect, Model model)
    {
        _root = plan.Shape.Root;
        _rules = (plan.Rules[_root.Need], plan.Slots.Rules[_root.Need]);
        _fields = [.. _root.Fields.Select(f => (f, plan.Mask(_root.Model, f)))];
        _trash = model.IsSoftDelete ? model.Field(Model.DeletedAt)?.Ordinal ?? -1 : -1;
        Row = ReadSql.RowBeside(dialect, model, LogTables.Position, LogCut.At);
        Model = model;
        Whole = RecordProgram.Of(plan, sql, dialect)?.Root;
    }

    /// <summary>Null where somebody else has to decide: rules that look at other records, or at the trash's own.</summary>
    /// <param name="schema">The whole of it, whatever the caller sees.</param>
    /// <param name="plan">Of a record of the past.</param>
    /// <param name="sql">Writes its statements.</param>
    /// <param name="dialect">How they are spelt.</param>
    public static PastRecordProgram? Of(AppSchema schema, ReadPlan plan, ReadSql sql, Dialect dialect)
    {
        LevelShape root = plan.Shape.Root;
        bool isPlain = plan.Shape.Kind == ReadKind.Get && root.TrashNeeds is null && root.Filter is null && root.Includes.IsEmpty;
        if (!isPlain || !IsOwn(plan.Rules[root.Need])) return null;
        if (root.Fields.Any(f => plan.Mask(root.Model, f) is var (rules, _) && !IsOwn(rules))) return null;
        return new PastRecordProgram(plan, sql, dialect, schema.Model(root.Model.Name));
    }

    static bool IsOwn(FoldedRules rules) => rules.Outcome != RuleOutcome.Depends || rules.Predicate.CanEvaluateInMemory;

    /// <summary>The model, whole.</summary>
    public Model Model { get; }

    /// <summary>The record's row as it is, by its stored key, and beside it where the log stands in the same snapshot.</summary>
    public SqlText Row { get; }

    /// <summary>Every caller is answered the same bytes, those that the record cache keeps; null where that is not so.</summary>
    public RecordLevel? Whole { get; }

    /// <summary>The request's trash mode takes it.</summary>
    public bool IsLive(Value[] row) => _trash < 0 || _root.Trashed switch
    {
        TrashMode.With => true,
        TrashMode.Only => !row[_trash].IsNull,
        _ => row[_trash].IsNull,
    };

    /// <param name="row">The record's values, by ordinal.</param>
    /// <param name="caller">Who asks, when, and the values of the request's plan.</param>
    public bool Sees(Value[] row, in EvaluationContext caller) => Sees(_rules.Folded, _rules.FirstSlot, row, caller);

    static bool Sees(FoldedRules rules, int firstSlot, Value[] row, in EvaluationContext caller) =>
        rules.Outcome == RuleOutcome.Depends
            ? rules.InMemory.IsTrue(caller with { Row = row, FirstSlot = firstSlot })
            : rules.Outcome == RuleOutcome.Always;

    /// <summary>What the caller sees of it: fields with a rule of their own where it holds then, and now if it still is.</summary>
    public void Write(ByteOutput output, Value[] was, Value[]? now, in EvaluationContext caller)
    {
        bool isFirst = true;
        foreach (var (field, mask) in _fields)
        {
            bool isShown = mask is not var (rules, slot)
                || (Sees(rules, slot, was, caller) && (now is null || Sees(rules, slot, now, caller)));
            if (!isShown) continue;
            output.Write(isFirst ? (byte)'{' : (byte)',');
            isFirst = false;
            JsonText.WriteName(output, field.Name);
            WireJson.Write(output, field, was[field.Ordinal]);
        }
        output.Write((byte)'}');
    }

    /// <summary>A row of the table as the record cache keeps it. Only where all are answered the same.</summary>
    public CachedRecord Keep(Value[] row, long version, int schemaVersion)
    {
        using ByteOutput json = new();
        Write(json, row, null, default);
        return new CachedRecord(version, schemaVersion, json.ToArray());
    }

    /// <summary>The row that a statement over <see cref="Row"/> stands on; null when the record is not there.</summary>
    public Value[]? ReadRow(Statement row)
    {
        if (row.IsNull(VersionColumn)) return null;
        Value[] values = new Value[Model.Fields.Length];
        foreach (Field field in Model.Fields) values[field.Ordinal] = row.ColumnValue(FirstField + field.Ordinal, field);
        return values;
    }
}
