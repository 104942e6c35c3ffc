using System.Collections.Immutable;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>A read plan made ready to run: the texts of its statements and the writers of its rows. Made once per plan.</summary>
sealed class ReadProgram
{
    readonly ReadSql _sql;
    readonly Dialect _dialect;
    readonly ByLimit<SqlText>? _byLimit, _keptByLimit;
    readonly ByLimit<ListsTogether>? _together;
    SqlText? _keptForAny;

    ReadProgram(AppSchema schema, ReadPlan plan, Dialect dialect)
    {
        (Plan, _dialect) = (plan, dialect);
        Pace = new ReadPace(isShort: plan.Shape.Kind == ReadKind.Get && plan.Shape.Root.Includes.IsEmpty && !plan.Shape.IsPast);
        _sql = new ReadSql(schema, plan, dialect) { LogPosition = LogTables.Position };
        ReadShape shape = plan.Shape;
        if (shape.Aggregate is { } aggregate)
        {
            Statement = _sql.Aggregate(aggregate);
            Root = LevelProgram.Empty;
            return;
        }
        // What is at hand is of the present.
        Records = shape.IsPast ? null : RecordProgram.Of(plan, _sql, dialect);
        bool countsNone = shape.Count == CountMode.None && plan.Slots.Offset < 0;
        if (dialect.PlansByLimit && countsNone && Records is { IsList: true, CanBeRemote: true } records)
            records.KeysTogether = TogetherOf(ReadColumns.Keys(shape.Root).WithPosition());
        Root = Level(shape.Root, cursors: shape.Kind == ReadKind.List, version: shape.Kind == ReadKind.Get, Records?.Root);
        Statement = _sql.Root(Root.Columns);
        bool byLimit = dialect.PlansByLimit && shape.Kind == ReadKind.List;
        _byLimit = byLimit ? new ByLimit<SqlText>(limit => _sql.Root(Root.Columns, limit: limit)) : null;
        _keptByLimit = byLimit ? new ByLimit<SqlText>(limit => _sql.Root(Root.Columns.WithPosition(), limit: limit)) : null;
        _together = byLimit && IsOfOneMoment(plan) ? TogetherOf(Root.Columns) : null;
        IncludeSlots = [.. SlotsOf(Root).Distinct()];
        ReadColumns placed = Root.Columns.WithPosition();
        bool isShort = shape.Kind == ReadKind.Get && !shape.IsPast && shape.Root.Includes.IsEmpty;
        if (isShort && _sql.RootOfItems(placed) is { } items)
        {
            Together = new RecordsTogether(this, items, placed.Position);
        }

        // An exact count is an estimate too, and the only one that this database gives.
        Count = shape.Count == CountMode.None ? null : _sql.Count();
        IsMasked = plan.IsMasked(shape.Root);
        Past = shape.IsPast ? new PastProgram(schema, plan, _sql, dialect) : null;
    }

    /// <summary>A page from its start on, which nothing has to be of the same moment as but what it includes.</summary>
    static bool IsOfOneMoment(ReadPlan plan) => plan.Slots.Offset < 0
        && plan.Shape is { Count: CountMode.None, IsPast: false, Start: PageStart.First or PageStart.After };

    ByLimit<ListsTogether> TogetherOf(ReadColumns columns) => new(limit => _sql.RootOfItems(columns, limit) is not { } items ? null
        : columns.Includes.IsEmpty ? new ListsTogether(Pace, items) : new PagesTogether(this, items));

    /// <summary>The slots of the values that included records are asked for with, at any level, besides their parents' keys.</summary>
    IEnumerable<int> SlotsOf(LevelProgram level)
    {
        foreach (IncludeProgram include in level.Includes)
        {
            if (!include.Shape.Single) yield return Plan.Slots.IncludeLimits + include.Shape.Number;
            foreach (SqlParameter parameter in include.Statement(parents: 1, limit: 0).Sql.Parameters)
            {
                if (parameter is SlotParameter { Slot: var slot } && slot < Plan.Slots.Count) yield return slot;
            }

            foreach (int slot in SlotsOf(include.Level)) yield return slot;
        }
    }

    /// <summary>The program of a plan, or the fault that its filter has no form in the database.</summary>
    public static Result<ReadProgram> Of(AppSchema schema, ReadPlan plan, Dialect dialect)
    {
        try
        {
            return new ReadProgram(schema, plan, dialect);
        }
        catch (LoweringException refusal)
        {
            return Faults.MalformedFilter.Says($"the database cannot decide this filter: {refusal.Message}");
        }
    }

    /// <summary>How it is answered from whole records that are at hand; null where it cannot be.</summary>
    public RecordProgram? Records { get; }

    /// <summary>How records are read as they were; null where they are asked for as they are.</summary>
    public PastProgram? Past { get; }

    /// <summary>What a record shows depends on more than its version: on who asks, and on records that rules look at.</summary>
    public bool IsMasked { get; }

    public ReadPlan Plan { get; }

    /// <summary>How long its reads take.</summary>
    public ReadPace Pace { get; }

    public LevelProgram Root { get; }

    /// <summary>What two requests must have in common for their included records to be one statement's.</summary>
    public ImmutableArray<int> IncludeSlots { get; } = [];

    /// <summary>Bytes of the last page: the next one is likely to take as many.</summary>
    public int AnswerBytes { get; set; } = 4096;

    public SqlText Statement { get; }

    /// <summary>Where requests for single records wait for one another and ask the database together; null where they do not.</summary>
    public ReadsTogether? Together { get; }

    /// <summary>Where requests for such a page wait for one another; null where each asks by itself, as slow ones do.</summary>
    public ListsTogether? ListsFor(Value[] values) =>
        Pace.Lane == ReadLane.Usual ? _together?.Of(values[Plan.Slots.Limit].Int) : null;

    /// <summary>The same for the keys of a list whose records are at hand.</summary>
    /// <param name="limit">How many keys.</param>
    public ListsTogether? KeysFor(long limit) => Pace.Lane == ReadLane.Usual ? Records?.KeysTogether?.Of(limit) : null;

    /// <summary>The statement for a request's values.</summary>
    public SqlText StatementFor(Value[] values) =>
        _byLimit is not null ? _byLimit.Of(values[Plan.Slots.Limit].Int) ?? Statement : Statement;

    /// <summary>The same with the log's position, for rows that are kept; and the column where it stands.</summary>
    public SqlText KeptStatementFor(Value[] values) => _keptByLimit?.Of(values[Plan.Slots.Limit].Int)
        ?? (_keptForAny ??= _sql.Root(Root.Columns.WithPosition()));

    public int PositionColumn => Root.Columns.WithPosition().Position;

    public SqlText? Count { get; }

    LevelProgram Level(LevelShape level, bool cursors, bool version, RecordLevel? records)
    {
        ReadColumns columns =
            ReadColumns.Of(level, cursors, version || records is not null, field => Plan.Mask(level.Model, field) is not null);
        ImmutableArray<IncludeProgram> includes = [.. level.Includes.Select((include, i) => Include(include, records?.Includes[i].Level))];
        return new LevelProgram(columns, new RowWriter(level.Fields, columns.Shown), includes) { Records = records };
    }

    IncludeProgram Include(IncludeShape include, RecordLevel? records)
    {
        LevelProgram level = Level(include.Level, cursors: false, version: false, records);
        bool closed = Plan.Rules[include.Level.Need].Outcome == RuleOutcome.Never;
        IncludeProgram program = new(
            include, level, closed, (rows, limit) => _sql.Include(include, level.Columns, rows, limit))
        {
            TakesArrays = _sql.KeysAreArrays(include),
            PlansByLimit = _dialect.PlansByLimit && !include.Single,
        };
        // Written once here, so that what cannot be written is known before anything runs.
        program.Statement(parents: 1, limit: 0);
        return program;
    }
}

/// <summary>One level: what its statement selects, what writes its rows, what hangs below it.</summary>
sealed record LevelProgram(ReadColumns Columns, RowWriter Writer, ImmutableArray<IncludeProgram> Includes)
{
    /// <summary>Of reads that answer no records.</summary>
    public static readonly LevelProgram Empty = new(ReadColumns.None, new RowWriter([], []), []);

    /// <summary>Its rows are records as the cache keeps them; null where they are not.</summary>
    public RecordLevel? Records { get; init; }
}

/// <summary>One included relation. Its text exists once for each power of two of parents.</summary>
sealed class IncludeProgram(IncludeShape shape, LevelProgram level, bool isClosed, Func<int, int?, SqlText> write)
{
    /// <summary>
    /// Parents of one statement; more take another one. A statement takes 32,766 parameters at most, a key may have several parts.
    /// </summary>
    public const int ParentsMax = 4096;

    readonly SqlText?[] _bySize = new SqlText?[13];
    readonly ByLimit<SqlText> _byLimit = new(limit => write(1, limit));

    /// <summary>The keys are arrays, so that one text takes any number of parents.</summary>
    public bool TakesArrays { get; init; }

    /// <summary>There is a text for each limit, while there are few.</summary>
    public bool PlansByLimit { get; init; }

    public IncludeShape Shape { get; } = shape;

    public LevelProgram Level { get; } = level;

    /// <summary>No rule lets the caller see any record of it: it is empty without a statement.</summary>
    public bool IsClosed { get; } = isClosed;

    /// <summary><c>,"name":</c></summary>
    public byte[] Prefix { get; } = CellWriter.NamePrefix(shape.Relation.Name);

    /// <summary>The statement for at least so many parents, and how many it takes.</summary>
    /// <param name="parents">How many there are.</param>
    /// <param name="limit">Most records of each; 0 where the statement has none.</param>
    public (SqlText Sql, int Rows) Statement(int parents, long limit)
    {
        if (TakesArrays)
        {
            SqlText any = _bySize[0] ??= write(1, null);
            return ((PlansByLimit && limit > 0 ? _byLimit.Of(limit) : null) ?? any, parents);
        }

        int log = System.Numerics.BitOperations.Log2((uint)Math.Max(1, parents - 1)) + (parents > 1 ? 1 : 0);
        return (_bySize[log] ??= write(1 << log, null), 1 << log);
    }
}
