using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Creates of many, where the database takes rows as a set: each record is held against the rules as if it came alone, and then a
/// thousand of them are one guarded insert. What that insert refuses is not there, and those records are inserted one by one, which tells
/// which of them are refused and why: the answer is the one that a database which takes row by row gives.
/// </summary>
/// <remarks>
/// It tells the log nothing. Whoever creates very many tells it when all rows are there, so that the head of the log, which
/// every other writer waits for, is taken last.
/// </remarks>
sealed class CreatesTogether
{
    /// <summary>Records of one statement: as many as events are appended by one.</summary>
    public const int RowsMax = 1000;

    /// <summary>Relations and keys that are remembered as readable.</summary>
    const int KnownMax = 50_000;

    readonly WriteScope _scope;
    readonly RecordShape _shape;
    readonly CallerRules _rules;
    readonly FieldWrites _fields;
    readonly RecordTable _table;
    readonly Relation[] _own;
    readonly HashSet<RecordKey> _known = [];

    // Numbers that were given, in the order of the records and their counted fields: a million of them are 8 MB.
    readonly List<long> _numbers = [];
    int _numbersTaken;

    CreatesTogether(WriteScope scope, RecordShape shape, CallerRules rules, FieldWrites fields, RecordTable table)
    {
        (_scope, _shape, _rules, _fields, _table) = (scope, shape, rules, fields, table);
        _own = [.. table.Statements.Parents.Where(r => string.Equals(r.Target, table.Model.Name, StringComparison.Ordinal))];
    }

    /// <summary>Null where records go one by one: in an embedded database, and under rules that ask for other records.</summary>
    public static CreatesTogether? Of(WriteScope scope, RecordShape shape, CallerRules rules, FieldWrites fields)
    {
        RecordTable table = scope.Table(shape.Name);
        bool isOwn = RuleCheck.IsOwn(rules.Folded) && new FieldCheck(scope, table, fields).IsOwn;
        return table.Statements.InsertMany is not null && isOwn ? new(scope, shape, rules, fields, table) : null;
    }

    /// <summary>Inserts decided records. Answers what is wrong with them, after what was wrong before.</summary>
    /// <param name="inputs">At most <see cref="RowsMax"/>.</param>
    /// <param name="from">The number of the first.</param>
    /// <param name="fault">What is wrong so far; null when nothing is.</param>
    /// <param name="stored">Takes what was inserted, in order; complete only where nothing is wrong.</param>
    public Fault? Insert(ReadOnlySpan<Input> inputs, long from, Fault? fault, List<StoredRow>? stored)
    {
        if (Number(inputs) is { } wrong) return InsertEach(inputs, from, fault, stored, wrong);
        for (int start = 0, end; start < inputs.Length && !Creates.IsToldEnough(fault); start = end)
        {
            end = EndOfPart(inputs, start);
            ReadOnlySpan<Input> part = inputs[start..end];
            if (!TryInsert(part, stored)) fault = InsertEach(part, from + start, fault, stored);
        }

        return fault;
    }

    /// <summary>
    /// Gives a record that is read again what it was inserted with: its numbers, and what was computed from them. For each, in order.
    /// </summary>
    public void Complete(Input input)
    {
        if (!WritePlanner.NeedsNumber(_shape, input)) return;
        foreach (FieldShape field in _shape.Counted)
        {
            ref Value value = ref input.Values[field.Index];
            if (value.IsNull) value = Value.From(_numbers[_numbersTaken++]);
        }

        Deciding.Derive(_shape, input.Values, new Problems());
    }

    bool TryInsert(ReadOnlySpan<Input> part, List<StoredRow>? stored)
    {
        RuleCheck check = new(_scope, _table, _rules);
        FieldCheck written = new(_scope, _table, _fields);
        foreach (Input input in part)
        {
            StoredRow proposed = new(0, 1, input.Values);
            if (!check.MayCreate(proposed) || written.Refused(input.Given, proposed) is not null) return false;
        }

        if (_known.Count > KnownMax) _known.Clear();
        if (!References.AreReadable(_scope, _table, part, _known)) return false;
        if (!_table.TryInsertAll(_scope.Transaction, part, out long[] identities)) return false;
        if (stored is null) return true;
        for (int i = 0; i < part.Length; i++) stored.Add(new StoredRow(identities[i], 1, part[i].Values));
        return true;
    }

    /// <param name="part">The records.</param>
    /// <param name="from">The number of the first.</param>
    /// <param name="fault">What is wrong so far.</param>
    /// <param name="stored">Takes what is inserted.</param>
    /// <param name="wrong">By record, what is known to be wrong with it; null where nothing is.</param>
    Fault? InsertEach(ReadOnlySpan<Input> part, long from, Fault? fault, List<StoredRow>? stored, Fault?[]? wrong = null)
    {
        for (int i = 0; i < part.Length && !Creates.IsToldEnough(fault); i++)
        {
            Result<StoredRow> inserted = wrong?[i] is { } known
                ? known
                : Creates.InsertUnlogged(_scope, _shape, _rules, _fields, part[i], SentInsert.None);
            if (inserted.IsOk) stored?.Add(inserted.Value);
            else fault = Creates.Also(fault, from + i, inserted.Fault);
        }

        return fault;
    }

    /// <summary>A record that refers to one before it in the same statement would not see it: there a new statement begins.</summary>
    int EndOfPart(ReadOnlySpan<Input> inputs, int start)
    {
        if (_own.Length == 0) return inputs.Length;
        HashSet<RecordKey> before = [];
        for (int i = start; i < inputs.Length; i++)
        {
            Value[] row = inputs[i].Values;
            foreach (Relation relation in _own)
            {
                if (before.Contains(KeyOf(relation, relation.Fields, row))) return i;
            }

            foreach (Relation relation in _own) before.Add(KeyOf(relation, relation.References, row));
        }

        return inputs.Length;
    }

    RecordKey KeyOf(Relation relation, IEnumerable<string> fields, Value[] row) =>
        RecordKey.OfStored(relation.Name, [.. fields.Select(name => row[_shape.Model!.Field(name)!.Ordinal])]); // The binder admitted them.

    /// <summary>Gives numbers, and computes what waited for them; by record, what is wrong with it then, or null when nothing is.</summary>
    Fault?[]? Number(ReadOnlySpan<Input> inputs)
    {
        if (_shape.Counted.IsEmpty) return null;
        List<(int Input, int Field)> numbered = [];
        for (int i = 0; i < inputs.Length; i++)
        {
            foreach (FieldShape field in _shape.Counted)
            {
                if (inputs[i].Values[field.Index].IsNull) numbered.Add((i, field.Index));
            }
        }

        foreach (FieldShape field in _shape.Counted) Number(field, inputs);
        Fault?[]? wrong = null;
        int last = -1;
        foreach (var (input, field) in numbered)
        {
            _numbers.Add(inputs[input].Values[field].Int);
            if (input == last) continue;
            last = input;
            Problems problems = new();
            Deciding.Derive(_shape, inputs[input].Values, problems);
            if (problems.ToFault() is { } fault) (wrong ??= new Fault?[inputs.Length])[input] = fault;
        }

        return wrong;
    }

    /// <summary>Records that follow one another and need a number of one counter take theirs at once.</summary>
    void Number(FieldShape field, ReadOnlySpan<Input> inputs)
    {
        Model model = _table.Model;
        for (int start = 0, end; start < inputs.Length; start = end)
        {
            string counter = Creates.CounterOf(model, field, inputs[start].Values);
            bool isGiven = !inputs[start].Values[field.Index].IsNull;
            long most = long.MinValue;
            for (end = start; end < inputs.Length; end++)
            {
                Value value = inputs[end].Values[field.Index];
                if (value.IsNull == isGiven) break;
                if (!string.Equals(counter, Creates.CounterOf(model, field, inputs[end].Values), StringComparison.Ordinal)) break;
                if (isGiven) most = Math.Max(most, value.Int);
            }

            if (isGiven)
            {
                Counters.Pass(_scope.Transaction, _shape.Name, counter, most);
                continue;
            }

            long first = Counters.Next(_scope.Transaction, _shape.Name, counter, end - start);
            for (int i = start; i < end; i++) inputs[i].Values[field.Index] = Value.From(first + i - start);
        }
    }
}
