using System.Collections.Immutable;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>
/// A read that is answered by putting whole records together: the database gives keys in their order, the record cache the bytes, and the
/// plan's rules are held against each record in memory. Possible where every level is answered whole, as the cache keeps it, under a rule
/// that the record alone decides.
/// </summary>
sealed class RecordProgram
{
    /// <summary>
    /// In 1/1024 of the records of an answer: so many may be missing. They are read one by one, which is dearer than reading whole rows.
    /// </summary>
    const int MissesMax = 128;

    /// <summary>
    /// Of the answers that find few records though the cache is full, one in so many goes on keeping what it reads: more records are in
    /// use than the cache holds, and most would push out others in vain.
    /// </summary>
    const int KeepsApart = 8;

    readonly SqlText? _keys;
    readonly Func<int?, SqlText>? _keysAndPosition;
    readonly ByLimit<SqlText>? _keysByLimit;
    SqlText? _keysForAny;
    int _misses = 1024;
    uint _cold;
    volatile bool _isAbandoned;

    RecordProgram(RecordLevel root, SqlText? keys, Func<int?, SqlText>? keysAndPosition = null)
    {
        (Root, _keys, HasTenants) = (root, keys, AnyTenants(root));
        SortedBy = [.. Sorts(root)];
        if (keysAndPosition is null || !IsRemote(root)) return;
        _keysAndPosition = keysAndPosition;
        _keysByLimit = new ByLimit<SqlText>(limit => keysAndPosition(limit));
    }

    public RecordLevel Root { get; }

    /// <summary>Bytes of the last answer: the next one is likely to take as many.</summary>
    public int AnswerBytes { get; set; } = 4096;

    /// <summary>It answers a list; else it answers one record by its key.</summary>
    public bool IsList => _keys is not null;

    /// <summary>Keys of a list before any rule, within the caller's tenant.</summary>
    public SqlText Keys => _keys ?? throw new InvalidOperationException("one record has no list of keys");

    /// <summary>It can be asked of a database that is a way off, which answers several keys at once.</summary>
    public bool CanBeRemote => _keysAndPosition is not null;

    /// <summary>
    /// Keys of the records that the caller may see, and after them the log's position in the statement's snapshot. The database looks at
    /// each record for its key in any case, and a key that is not sent is not looked up.
    /// </summary>
    public SqlText KeysFor(long limit) => _keysAndPosition is not { } write
        ? throw new InvalidOperationException("this list is not asked for from afar")
        : _keysByLimit?.Of(limit) ?? (_keysForAny ??= write(null));

    /// <summary>Where requests for the keys of a page wait for one another; null where each asks by itself.</summary>
    public ByLimit<ListsTogether>? KeysTogether { get; set; }

    /// <summary>Models and fields by which kept lists of children are sorted.</summary>
    public ImmutableArray<(string Model, string Field)> SortedBy { get; }

    static IEnumerable<(string Model, string Field)> Sorts(RecordLevel level) => level.Includes.SelectMany(static include =>
        (include.Order is null ? [] : include.Shape.Level.Sort.Select(term => (include.Level.Model.Name, term.Path.Field.Name)))
        .Concat(Sorts(include.Level)));

    static bool IsRemote(RecordLevel level) => level.LoadMany is not null
        && level.Includes.All(static include => (include.Keys is null || include.CanBeRemote) && IsRemote(include.Level));

    /// <summary>The fields that a list is sorted by.</summary>
    public FieldSet SortFields { get; private init; }

    /// <summary>The program of a plan; null where its answer is not made of whole records.</summary>
    public static RecordProgram? Of(ReadPlan plan, ReadSql sql, Dialect dialect)
    {
        ReadShape shape = plan.Shape;
        LevelShape root = shape.Root;
        // Its records change without events of their own, which is what the cache follows.
        if (root.Model.Projection is not null) return null;
        if (shape.Kind == ReadKind.Aggregate || (shape.Kind == ReadKind.Get && !root.Includes.IsEmpty)) return null;
        if (root.Trashed != TrashMode.Without || root.TrashNeeds is not null) return null;
        // Records that a rule hides do not count for an offset, so the database must know the rule.
        if (shape.Start == PageStart.Offset && plan.Rules[root.Need].Inside.Outcome != RuleOutcome.Always) return null;
        if (Level(plan, root, sql, dialect) is not { } level) return null;
        if (shape.Kind == ReadKind.Get) return new RecordProgram(level, null);
        // A place in the list is made of the record's own values.
        if (root.Sort.Any(term => !term.Path.IsOwn || !root.Fields.Contains(term.Path.Field))) return null;
        ReadColumns keys = ReadColumns.Keys(root);
        return new RecordProgram(level, sql.Root(keys, ruled: false), limit => sql.Root(keys.WithPosition(), ruled: true, limit))
        {
            SortFields = FieldSet.Of(root.Sort.Select(static term => term.Path.Field)),
        };
    }

    /// <summary>Some of its records are known within a tenant: who has none cannot ask for them by their keys.</summary>
    public bool HasTenants { get; }

    static bool AnyTenants(RecordLevel level) => level.Model.Tenant is not null || level.Includes.Any(static i => AnyTenants(i.Level));

    /// <summary>The records are likely to be at hand. A guess that costs time when it is wrong, and nothing else.</summary>
    public bool IsWarm => !_isAbandoned && Volatile.Read(ref _misses) <= MissesMax;

    /// <summary>The rule hid too many records once: the plan is the database's from now on.</summary>
    public void Abandon() => _isAbandoned = true;

    /// <summary>Whether an answer that is read from the database shall keep its records for the next one.</summary>
    public bool Keeps(RecordCache cache) => !_isAbandoned && (!cache.IsFull || Interlocked.Increment(ref _cold) % KeepsApart == 0);

    /// <summary>Learns how many records an answer found. Races between requests lose a lesson, which the next one repeats.</summary>
    public void Learn(int hits, int misses)
    {
        if (hits + misses == 0) return;
        int known = Volatile.Read(ref _misses);
        known += (misses * 1024 / (hits + misses) - known) / 4;
        Volatile.Write(ref _misses, known);
    }

    static RecordLevel? Level(ReadPlan plan, LevelShape level, ReadSql sql, Dialect dialect)
    {
        // The cache knows a record by its tenant: whoever finds one there has asked within their own.
        FoldedRules rules = plan.Rules[level.Need].Inside;
        if (!level.IsWhole || plan.IsMasked(level) || !IsDecidedByRecord(rules, level)) return null;
        ImmutableArray<RecordInclude>.Builder includes = ImmutableArray.CreateBuilder<RecordInclude>(level.Includes.Length);
        foreach (IncludeShape include in level.Includes)
        {
            if (Include(plan, level.Model, include, sql, dialect) is not { } made) return null;
            includes.Add(made);
        }
        IEnumerable<Field> asked = level.Fields.Where(f => rules.Predicate.OwnFields.Contains(f.Name, StringComparer.Ordinal))
            .Concat(level.Includes.SelectMany(static i => i.ParentFields));
        return new RecordLevel(level, rules, FieldSet.Of(asked), dialect, includes.ToImmutable())
        {
            LoadMany = sql.Records(level.Model, RecordLevel.ColumnsOf(level).WithPosition()),
        };
    }

    static RecordInclude? Include(ReadPlan plan, Model parent, IncludeShape include, ReadSql sql, Dialect dialect)
    {
        bool closed = plan.Rules[include.Level.Need].Outcome == RuleOutcome.Never;
        // A relation to one record is followed by its key; one that leads to it by other fields is the database's.
        bool byKey = include.Single && include.Level.Filter is null && include.TargetFields.SequenceEqual(include.Level.Model.KeyFields);
        if ((include.Single && !byKey && !closed) || include.Level.Search) return null;
        if (Level(plan, include.Level, sql, dialect) is not { } level) return null;
        if (include.Single || closed) return new RecordInclude(include, level, closed, null, null);
        ReadColumns columns = ReadColumns.Keys(include.Level);
        Func<int?, SqlText>? many = sql.KeysAreArrays(include) && dialect.HasLateral
            ? limit => sql.Include(include, columns.WithPosition(), keyRows: 1, limit, ruled: false)
            : null;
        return new RecordInclude(include, level, closed, sql.Children(include, columns), many) { Order = OrderOf(parent, include) };
    }

    /// <summary>
    /// Names what a kept list of it would hold; null where none is kept: where the request filters, where the order hangs on other
    /// records, and where one parent leads to the records of several tenants.
    /// </summary>
    static string? OrderOf(Model parent, IncludeShape include)
    {
        LevelShape level = include.Level;
        if (level.Filter is not null || level.Sort.Any(static term => !term.Path.IsOwn)) return null;
        if (parent.Tenant is null && level.Model.Tenant is not null) return null;
        if (!include.TargetFields.Zip(include.ParentFields).All(static pair => ChildPlaces.Knows(pair.First, pair.Second))) return null;
        return $"{include.Relation.Name}({string.Join(',', level.Sort.Select(static t => (t.Descending ? "-" : "") + t.Path.Field.Name))})";
    }

    static bool IsDecidedByRecord(FoldedRules rules, LevelShape level) => rules.Outcome != RuleOutcome.Depends
        || (rules.Predicate.CanEvaluateInMemory && rules.Predicate.OwnFields.All(
            name => level.Fields.Any(f => string.Equals(f.Name, name, StringComparison.Ordinal))));
}

/// <summary>Whole records of one model under one rule.</summary>
/// <param name="Fields">What rule and relations ask of a record's values.</param>
sealed record RecordLevel(LevelShape Shape, FoldedRules Rules, FieldSet Fields, Dialect Dialect, ImmutableArray<RecordInclude> Includes)
{
    ReadColumns Columns { get; } = ColumnsOf(Shape);

    /// <summary>Of a record selected whole.</summary>
    public static ReadColumns ColumnsOf(LevelShape shape) =>
        ReadColumns.Of(shape with { Includes = [] }, cursors: false, version: true, static _ => false);

    public Model Model => Shape.Model;

    public ImmutableArray<Field> Key { get; } = Shape.Model.KeyFields;

    /// <summary>Columns of the key where the record is selected whole.</summary>
    public ImmutableArray<int> KeyColumns { get; } = [.. Shape.Model.KeyFields.Select(k => Shape.Fields.IndexOf(k))];

    /// <summary>The rules are held against the values of each record, each time.</summary>
    public bool AsksValues => Rules.Outcome == RuleOutcome.Depends && !IsDecidedByRecordAlone;

    /// <summary>Whatever the caller's claims and the time are, a record is seen under these rules, or it is not.</summary>
    public bool IsDecidedByRecordAlone { get; } =
        Rules.Values == 0 && !Rules.Predicate.ReadsNow && !Rules.Predicate.ReadsCaller;

    /// <summary>Reads one record that is not at hand.</summary>
    public SqlText Load => field ??= ReadSql.Record(Dialect, Model, Columns);

    /// <summary>The same for many, whose keys are arrays; null where the database takes none.</summary>
    public SqlText? LoadMany { get; init; }

    public RowWriter Writer { get; } = new(Shape.Fields, []);

    /// <summary>Column of the version where the record is selected whole by <see cref="Load"/>.</summary>
    public int VersionColumn => Columns.Version;

    /// <summary>Column of the log's position where records are selected by <see cref="LoadMany"/>, but for the number before all.</summary>
    public int PositionColumn => Columns.WithPosition().Position;

    /// <summary>The key of the row that a statement stands on.</summary>
    /// <param name="tenant">Whose record it is.</param>
    /// <param name="row">Of a statement that selects keys.</param>
    /// <param name="first">Column of the first part.</param>
    public RecordKey KeyOf(in Value tenant, Statement row, int first)
    {
        if (Key.Length == 1)
        {
            Value part = row.ColumnValue(first, Key[0].StoredKind, Key[0].Scale);
            return RecordKey.Of(Model, tenant, new ReadOnlySpan<Value>(in part));
        }
        Value[] parts = new Value[Key.Length];
        for (int i = 0; i < parts.Length; i++) parts[i] = row.ColumnValue(first + i, Key[i].StoredKind, Key[i].Scale);
        return RecordKey.Of(Model, tenant, parts);
    }
}

/// <summary>One relation of whole records.</summary>
/// <param name="IsClosed">No rule lets the caller see any record of it: it is empty without a look.</param>
/// <param name="Keys">
/// The keys that one parent leads to, before any rule; null for a relation to one record, whose key the parent holds.
/// </param>
/// <param name="Many">Writes the same for many parents at once, for a limit or for any; null where the database cannot.</param>
sealed record RecordInclude(IncludeShape Shape, RecordLevel Level, bool IsClosed, SqlText? Keys, Func<int?, SqlText>? Many)
{
    readonly ByLimit<SqlText>? _byLimit = Many is null ? null : new ByLimit<SqlText>(limit => Many(limit));
    SqlText? _forAny;

    public bool CanBeRemote => Many is not null;

    /// <summary>
    /// The keys that many parents lead to, each after the number of its parent, and at the end the log's position in the snapshot.
    /// </summary>
    public SqlText ChildrenFor(long limit) => Many is not { } write
        ? throw new InvalidOperationException("this relation is not asked for from afar")
        : _byLimit?.Of(limit) ?? (_forAny ??= write(null));

    /// <summary><c>,"name":</c></summary>
    public byte[] Prefix { get; } = CellWriter.NamePrefix(Shape.Relation.Name);

    /// <summary>The relation and its order, by which a parent's <see cref="ChildList"/> is known; null where none is kept.</summary>
    public string? Order { get; init; }
}
