using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// Plans commands. A request fails in this order: what cannot be read, what is not in the schema, what the caller may never do, what the
/// data refuses; so the body is read before the rules are asked, and decided after. Thread-safe.
/// </summary>
sealed class WritePlanner(RecordShapes shapes, Policies policies, ReadPlanner reads, Limits limits)
{
    // A model of a view lives as long as the view, and belongs to one.
    readonly ConditionalWeakTable<Model, RecordShape> _seen = [];

    public Result<WritePlan> Plan(Caller caller, Command command, Moment moment)
    {
        SchemaView view = policies.SeenBy(caller, moment.Now);
        AppSchema schema = view.Schema;
        if (schema.FindModel(command.Model) is not { } model)
        {
            return Faults.UnknownModel.Says(
                $"there is no model '{command.Model}'", Names.DidYouMean(command.Model, schema.Models.Select(m => m.Name)));
        }
        if (KeptByEngine(model) is { } kept) return kept;
        RecordShape shape = ShapeOf(view, model);
        if (NotDeclared(command.Kind, model) is { } fault) return fault;
        if (command.AsServer && !caller.IsSystem) throw new InvalidOperationException("only the system writes as the server");
        ValueReader reader = new(shapes, moment, new Problems())
        {
            AsServer = command.AsServer,
            ReplacesValues = command.ReplacesValues,
        };
        ImmutableArray<Field> keyFields = model.KeyFields;
        if (command.On is { } on)
        {
            if (UniqueFields(model, on).Failed(out fault, out ImmutableArray<Field> unique)) return fault;
            keyFields = unique;
        }
        if (Key(command, model, keyFields).Failed(out fault, out Value[]? key)) return fault;
        if (Body(command, shape, reader).Failed(out fault, out Bodies? bodies)) return fault;

        RowRules rules = policies.Of(model);
        CallerRules own = rules.For(OperationOf(command.Kind), caller, moment.Now);
        CallerRules update = command.Kind == CommandKind.Upsert ? rules.For(Operation.Update, caller, moment.Now) : default;
        if (own.Refusal(caller, What(command.Kind, model)) is { } refusal
            && (command.Kind != CommandKind.Upsert || update.Refusal(caller, What(CommandKind.Update, model)) is not null)) return refusal;
        if (reader.Problems.ToFault() is { } unacceptable) return unacceptable;
        Value tenant = model.Tenant is null ? Value.Null : caller.Tenant;
        bool isLookedUp = HasKey(command.Kind) || command.Kind is CommandKind.UpdateMany or CommandKind.DeleteMany;
        if (model.Tenant is not null && tenant.IsNull && isLookedUp) return KeyValues.NeedsTenant(model);
        if (Target(caller, command, model, moment.Now).Failed(out fault, out Targeted? target)) return fault;
        return new WritePlan
        {
            Command = command,
            Shape = shape,
            Caller = caller,
            Moment = moment,
            Read = rules.For(Operation.Get, caller, moment.Now),
            Rules = own,
            Update = update,
            Fields = FieldWrites.Of(policies, model, caller, moment.Now),
            Tenant = tenant,
            KeyFields = keyFields,
            KeyValues = key,
            Input = bodies.Single,
            Inputs = bodies.Many,
            BodyVersion = VersionOf(model, bodies.Single),
            Target = target.Read,
        };
    }

    /// <summary>The model's shape as the caller sees it.</summary>
    public RecordShape ShapeOf(SchemaView view, Model model)
    {
        RecordShape whole = shapes.Model(model.Name);
        if (view.IsWhole || !model.Fields.Any(static f => f.IsUnreadable || f.IsUnwritable)) return whole;
        return _seen.GetValue(model, seen => whole.SeenAs(seen));
    }

    sealed record Bodies(Input? Single, ImmutableArray<Input> Many);

    sealed record Targeted(PlannedRead? Read);

    /// <summary>The records that a filtered write concerns are those that a list with this filter would hold.</summary>
    Result<Targeted> Target(Caller caller, Command command, Model model, long now)
    {
        if (command.Kind is not (CommandKind.UpdateMany or CommandKind.DeleteMany)) return new Targeted(null);
        if (string.IsNullOrWhiteSpace(command.Filter) && command.ShortFilters.IsEmpty)
        {
            return Faults.FilterRequired.Says("changing many records needs a filter that is not empty",
                "filter=true concerns every record that you may read");
        }
        ReadRequest request = new()
        {
            Model = model.Name,
            Kind = ReadKind.List,
            Filter = command.Filter,
            ShortFilters = command.ShortFilters,
            Select = model.Key,
            Limit = 1,
        };
        if (reads.Plan(caller, request, now).Failed(out Fault? fault, out PlannedRead? read)) return fault;
        // One more than may be changed tells that there are too many. The bound of a page is for answers, which this is not.
        read.Values[read.Plan.Slots.Limit] = Value.From(limits.WriteRows + 1L);
        return new Targeted(read);
    }

    Result<Bodies> Body(Command command, RecordShape shape, ValueReader reader)
    {
        ReadOnlySpan<byte> body = command.Body.Span;
        switch (command.Kind)
        {
            case CommandKind.Create: return Single(body, shape, InputMode.Create, reader);
            case CommandKind.Update: return Single(body, shape, InputMode.Patch, reader);
            case CommandKind.UpdateMany: return Every(body, shape, reader);
            case CommandKind.Upsert: return Single(body, shape, InputMode.Replace, reader);
            case CommandKind.CreateMany: return Many(body, shape, reader);
            default: return new Bodies(null, []);
        }
    }

    Result<Bodies> Single(ReadOnlySpan<byte> body, RecordShape shape, InputMode mode, ValueReader reader)
    {
        if (InputReader.Read(body, shape, mode, reader, limits).Failed(out Fault? fault, out Input? input)) return fault;
        if (mode == InputMode.Create) DecideNew(shape, input, reader);
        return new Bodies(input, []);
    }

    /// <summary>One patch for many records: it cannot presume the version of each.</summary>
    Result<Bodies> Every(ReadOnlySpan<byte> body, RecordShape shape, ValueReader reader)
    {
        if (Single(body, shape, InputMode.Patch, reader).Failed(out Fault? fault, out Bodies? patch)) return fault;
        // Both are there: the shape is a model's, and a patch has a body.
        if (shape.Model!.VersionField is { } version && patch.Single!.Given[version.Ordinal] == Given.Value)
        {
            reader.Problems.Add(version.Name, "readonly", "is the version of one record, and the patch is for many");
        }
        return patch;
    }

    Result<Bodies> Many(ReadOnlySpan<byte> body, RecordShape shape, ValueReader reader)
    {
        ImmutableArray<Input>.Builder inputs = ImmutableArray.CreateBuilder<Input>();
        var read = InputReader.ReadMany(body, shape, reader, limits, input =>
        {
            DecideNew(shape, input, reader);
            inputs.Add(input);
        });
        if (!read.IsOk) return read.Fault;
        if (inputs.Count > limits.BulkRows)
        {
            return Faults.TooManyRows.Says(string.Create(CultureInfo.InvariantCulture,
                $"{inputs.Count} records in one request, {limits.BulkRows} are allowed (limits.bulkRows)"));
        }
        return new Bodies(null, inputs.ToImmutable());
    }

    /// <summary>
    /// Everything that needs no stored record. Where the writer numbers a field, what follows from it waits for the number.
    /// </summary>
    public static void DecideNew(RecordShape shape, Input input, ValueReader reader)
    {
        Deciding.Fill(shape, input, reader);
        if (!NeedsNumber(shape, input)) Deciding.Derive(shape, input.Values, reader.Problems);
    }

    public static bool NeedsNumber(RecordShape shape, Input input)
    {
        foreach (FieldShape field in shape.Counted)
        {
            if (input.Values[field.Index].IsNull) return true;
        }
        return false;
    }

    static Result<Value[]> Key(Command command, Model model, ImmutableArray<Field> fields)
    {
        if (!HasKey(command.Kind)) return (Value[])[];
        Value[] values = new Value[fields.Length];
        if (command.On is null) return KeyValues.Bind(model, command.Key, values) is { } fault ? fault : values;
        if (command.Key.Length != fields.Length) return KeyValues.NotFound(model);
        for (int i = 0; i < fields.Length; i++)
        {
            if (fields[i].Type is not ScalarFieldType { Scalar: var scalar }) values[i] = Value.From(command.Key[i]);
            else if (!scalar.TryParse(command.Key[i], out values[i]))
            {
                return Faults.ValidationFailed.Says($"{fields[i].Name}: expected {scalar.Expected}",
                    new FaultDetail(fields[i].Name, "type", "expected " + scalar.Expected));
            }
            values[i] = Normalising.Apply(fields[i], values[i]);
        }
        return values;
    }

    static Result<ImmutableArray<Field>> UniqueFields(Model model, string on)
    {
        foreach (UniqueKey unique in model.Uniques)
        {
            bool isNamed = string.Equals(unique.Name, on, StringComparison.Ordinal)
                || string.Equals(string.Join(',', unique.Fields), on, StringComparison.Ordinal);
            if (isNamed && unique.Where is null) return unique.Fields.Select(model.Field).OfType<Field>().ToImmutableArray();
        }
        return Faults.MalformedParameter.Says($"on: {model.Name} has no unique key '{on}'",
            Names.DidYouMean(on, model.Uniques.Select(u => string.Join(',', u.Fields))));
    }

    /// <summary>Said to everyone, whoever asks: it is no rule that could let anyone in.</summary>
    public static Fault? KeptByEngine(Model model) => model.Projection is { From: var from }
        ? Faults.ReadOnlyModel.Says($"{model.Name} is a projection: the engine keeps it", $"change the records of {from}")
        : null;

    static Fault? NotDeclared(CommandKind kind, Model model) => kind is (CommandKind.Restore or CommandKind.Purge) && !model.IsSoftDelete
        ? Faults.UnknownParameter.Says($"{model.Name} has no trash: it is not declared @@softDelete")
        : null;

    static long? VersionOf(Model model, Input? input) =>
        input is not null && model.VersionField is { } field && input.Given[field.Ordinal] == Given.Value
            && !input.Values[field.Ordinal].IsNull
            ? input.Values[field.Ordinal].Int
            : null;

    static bool HasKey(CommandKind kind) =>
        kind is CommandKind.Update or CommandKind.Upsert or CommandKind.Delete or CommandKind.Restore or CommandKind.Purge;

    static Operation OperationOf(CommandKind kind) => kind switch
    {
        CommandKind.Create or CommandKind.CreateMany or CommandKind.Upsert => Operation.Create,
        CommandKind.Update or CommandKind.UpdateMany => Operation.Update,
        CommandKind.Delete or CommandKind.DeleteMany => Operation.Delete,
        CommandKind.Restore => Operation.Restore,
        CommandKind.Purge => Operation.Purge,
        _ => throw new InvalidOperationException($"no operation for {kind}"),
    };

    static string What(CommandKind kind, Model model) => kind switch
    {
        CommandKind.Create or CommandKind.CreateMany => $"to create {model.Name} records",
        CommandKind.Update or CommandKind.UpdateMany => $"to change {model.Name} records",
        CommandKind.Delete or CommandKind.DeleteMany => $"to delete {model.Name} records",
        CommandKind.Upsert => $"to put {model.Name} records",
        CommandKind.Restore => $"to restore {model.Name} records",
        CommandKind.Purge => $"to purge {model.Name} records",
        _ => throw new InvalidOperationException($"no words for {kind}"),
    };
}
