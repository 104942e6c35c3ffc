using System.Text.Json;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// The pure middle of every write: defaults → normalisers → validators → computed fields → checks, over values in memory. What refuses
/// is added to the problems; rows come out complete, or problems exist.
/// </summary>
static class Deciding
{
    /// <summary>Path segments that a String key would collide with.</summary>
    static readonly string[] s_verbs = ["aggregate", "query"];

    /// <summary>
    /// A new record, complete: <see cref="Fill"/>, then <see cref="Derive"/>. Not for shapes whose fields the writer numbers.
    /// </summary>
    public static void Complete(RecordShape shape, Input input, ValueReader reader)
    {
        Fill(shape, input, reader);
        Derive(shape, input.Values, reader.Problems);
    }

    /// <summary>Gives every field of a new record its value, but those that are computed, or numbered by the writer.</summary>
    public static void Fill(RecordShape shape, Input input, ValueReader reader)
    {
        Problems problems = reader.Problems;
        foreach (FieldShape field in shape.Fields)
        {
            ref Value value = ref input.Values[field.Index];
            Given given = input.Given[field.Index];
            if (given == Given.Refused || field.Computed is not null) continue;
            if (given == Given.Nothing && !TryDefault(field, reader, out value)) continue;
            if (value.IsNull) RequireNullable(field, problems);
            else Check(field, ref value, problems);
        }
        if (shape.Model is not null) CheckKey(shape, input.Values, problems);
    }

    /// <summary>Computes what is computed from the record's other fields, then holds the record against its checks.</summary>
    public static void Derive(RecordShape shape, Value[] row, Problems problems)
    {
        // What cannot be computed because something else is wrong already is not another problem.
        bool sound = problems.None;
        foreach (FieldShape field in shape.Computed)
        {
            Value value = Stored(field.Field, field.Computed!(row));
            if (!value.IsNull) Check(field, ref value, problems);
            else if (sound && !field.Field.IsNullable) problems.Add(field.Name, "computed", "cannot be computed from the other fields");
            row[field.Index] = value;
        }
        foreach (FieldShape field in shape.Fields)
        {
            foreach (RowCheck check in field.RowChecks) Check(check, row, problems);
        }
        foreach (RowCheck check in shape.Checks) Check(check, row, problems);
    }

    /// <summary>The record after a merge patch; the same values (and no change) when the patch says nothing new.</summary>
    public static Value[] Patch(RecordShape shape, Value[] before, Input patch, ValueReader reader)
    {
        Value[] after = [.. before];
        foreach (FieldShape field in shape.Fields)
        {
            if (field.Field.IsVersion || !TryPatched(field, before, patch, reader, out Value value)) continue;
            if (value.IsNull) RequireNullable(field, reader.Problems);
            else Check(field, ref value, reader.Problems);
            after[field.Index] = value;
        }
        return Touch(shape, before, after, reader);
    }

    /// <summary>
    /// The record after a PUT: what is absent takes its default or null, but for the key, immutable fields, and what this caller does not
    /// write or could not have repeated, not having seen it.
    /// </summary>
    public static Value[] Replace(RecordShape shape, Value[] before, Input input, ValueReader reader)
    {
        Value[] after = [.. before];
        foreach (FieldShape field in shape.Fields)
        {
            Given given = input.Given[field.Index];
            bool isFixed = field.IsFixed;
            if (given == Given.Refused || !field.Field.IsCreatable) continue;
            if (given == Given.Nothing && (isFixed || field.Field.IsUnreadable)) continue;
            Value value = input.Values[field.Index];
            if (given == Given.Nothing && !TryDefault(field, reader, out value)) continue;
            if (value.IsNull) RequireNullable(field, reader.Problems);
            else Check(field, ref value, reader.Problems);
            if (isFixed && value != before[field.Index]) reader.Problems.Add(field.Name, "immutable", InputReader.Immutable);
            else after[field.Index] = value;
        }
        return Touch(shape, before, after, reader);
    }

    /// <summary>A change that the engine makes (a cascade clears a reference): the same follow-ups as a caller's.</summary>
    /// <param name="isWrite">It counts as a change even where no value differs.</param>
    public static Value[] Touch(RecordShape shape, Value[] before, Value[] after, ValueReader reader, bool isWrite = false)
    {
        if (!isWrite && before.AsSpan().SequenceEqual(after)) return after;
        foreach (FieldShape field in shape.Fields)
        {
            if (field.Field.IsVersion) after[field.Index] = Value.From(before[field.Index].Int + 1);
            if (field.Field.IsUpdatedAt) after[field.Index] = NowAs(field.Field, reader.Moment.Now);
        }
        Derive(shape, after, reader.Problems);
        return after;
    }

    static bool TryPatched(FieldShape field, Value[] before, Input patch, ValueReader reader, out Value value)
    {
        value = patch.Values[field.Index];
        switch (patch.Given[field.Index])
        {
            case Given.Value: return true;
            case Given.Merge: return TryMerge(field, before[field.Index], value, reader, out value);
            default: return false;
        }
    }

    static bool TryMerge(FieldShape field, in Value before, in Value patch, ValueReader reader, out Value value)
    {
        byte[] merged = JsonMerge.Apply(before.IsNull ? default : before.Json, patch.Json);
        Utf8JsonReader json = new(merged, new JsonReaderOptions { MaxDepth = int.MaxValue });
        json.Read();
        reader.Problems.Enter(field.Name);
        bool read = reader.TryRead(ref json, field, out value);
        reader.Problems.Leave();
        return read;
    }

    /// <summary>
    /// False when the field stays as it is: the writer numbers it, or the default cannot be had (which is then a problem).
    /// </summary>
    static bool TryDefault(FieldShape field, ValueReader reader, out Value value)
    {
        Field own = field.Field;
        value = default;
        if (own.IsVersion) value = Value.From(1);
        else if (own.IsUpdatedAt) value = NowAs(own, reader.Moment.Now);
        else
        {
            switch (own.Default)
            {
                case null: break;
                case LiteralDefault literal: value = Stored(own, literal.Value); break;
                case NowDefault: value = NowAs(own, reader.Moment.Now); break;
                case GeneratedDefault generated: value = reader.Moment.Ids.Next(generated.Generator, reader.Moment.Now); break;
                case AutoincrementDefault: return false;
                case ClaimDefault claim: return TryClaim(own, claim, reader, out value);
                default: throw new InvalidOperationException($"no default {own.Default}");
            }
        }
        if (value.IsNull && own.IsList) value = Value.FromJson("[]"u8.ToArray());
        return true;
    }

    static bool TryClaim(Field field, ClaimDefault claim, ValueReader reader, out Value value)
    {
        value = reader.Moment.Auth;
        foreach (string member in claim.Path)
        {
            if (value.Kind != ValueKind.Map || !value.Map.TryGet(member, out value)) value = default;
        }
        if (!value.IsNull || field.IsNullable) return true;
        string path = "auth." + string.Join('.', claim.Path);
        reader.Problems.Refuse(Faults.MissingClaim.Says(
            $"{field.Name} takes its value from {path}, which the identity does not carry",
            new FaultDetail(field.Name, "missing_claim", $"needs {path}")));
        return false;
    }

    static Value NowAs(Field field, long now) => field.Type is ScalarFieldType { Scalar.Kind: ValueKind.Date }
        ? Value.FromDate(now >= 0 ? now / MicrosecondsPerDay : (now + 1) / MicrosecondsPerDay - 1)
        : Value.FromDateTime(now);

    const long MicrosecondsPerDay = 86_400_000_000;

    static void RequireNullable(FieldShape field, Problems problems)
    {
        if (!field.Field.IsNullable && field.Field.Default is not AutoincrementDefault) problems.Add(field.Name, "required", "is required");
    }

    static void Check(FieldShape field, ref Value value, Problems problems)
    {
        if (field.Field.IsJsonStored) return; // checked where its items and members were read
        value = Normalising.Apply(field.Field, value);
        foreach (ValueCheck check in field.Checks)
        {
            if (check.Problem(value) is { } problem) problems.Add(field.Name, check.Code, problem);
        }
    }

    static void Check(RowCheck check, Value[] row, Problems problems)
    {
        if (!check.Holds(row).IsFalse) return;
        if (check.Place.Length == 0) problems.Add("check", check.Message);
        else problems.Add(check.Place, "check", check.Message);
    }

    static void CheckKey(RecordShape shape, Value[] row, Problems problems)
    {
        if (shape.Model is not { Key: [var name] } model || model.Field(name) is not { } field) return;
        if (row[field.Ordinal].Kind != ValueKind.String) return;
        string key = row[field.Ordinal].String;
        if (key.Length == 0) problems.Add(name, "length", "a key may not be empty");
        if (!s_verbs.Contains(key, StringComparer.Ordinal)) return;
        problems.Refuse(Faults.ReservedId.Says(
            $"'{key}' is a path of the collection and cannot be an id", new FaultDetail(name, "reserved_id", "is reserved")));
    }

    /// <summary>
    /// What an expression or a literal gives, in the form in which the field is stored. Null when the field cannot hold it.
    /// </summary>
    public static Value Stored(Field field, Value value)
    {
        if (value.IsNull || value.Kind == ValueKind.Json) return value;
        if (field.IsList) return WireJson.List(field.Type, value.List.AsSpan());
        if (field.Type is not ScalarFieldType { Scalar: var scalar }) return value;
        return (scalar, value.Kind) switch
        {
            (IntType, ValueKind.Int) => value.Int is >= int.MinValue and <= int.MaxValue ? value : Value.Null,
            (FloatType, ValueKind.Int) => Value.From((double)value.Int),
            (DecimalType to, ValueKind.Int) => Rescaled(value.Int, 0, to),
            (DecimalType to, ValueKind.Decimal) => Rescaled(value.DecimalUnits, value.DecimalScale, to),
            _ => value,
        };
    }

    static Value Rescaled(long units, int scale, DecimalType to)
    {
        Int128 wide = units;
        for (; scale < to.Scale; scale++) wide *= 10;
        for (; scale > to.Scale; scale--)
        {
            var (whole, rest) = Int128.DivRem(wide, 10);
            if (rest != 0) return Value.Null;
            wide = whole;
        }
        return Int128.Abs(wide) < DecimalType.PowerOfTen(to.Precision) ? Value.FromDecimal((long)wide, to.Scale) : Value.Null;
    }
}
