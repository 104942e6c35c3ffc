using System.Globalization;
using System.Text.Json;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// Bodies of writes, read strictly against a model: nothing is dropped, nothing is guessed, and everything that is wrong is told at once.
/// What is not JSON at all is <c>malformed_body</c> with its place; what is JSON but not this model's is in the problems.
/// </summary>
static class InputReader
{
    internal const string Immutable = "cannot be changed after the record was created";

    /// <summary>Reads one record. Its problems are added to the reader's, for deciding adds more before they are told.</summary>
    public static Result<Input> Read(ReadOnlySpan<byte> utf8, RecordShape shape, InputMode mode, ValueReader reader, Limits limits)
    {
        Utf8JsonReader json = Over(utf8, limits);
        try
        {
            json.Read();
            if (json.TokenType != JsonTokenType.StartObject) return NotThe("an object", shape);
            Input input = ReadMembers(ref json, shape, mode, reader, tagged: false);
            if (json.Read()) throw new InvalidOperationException("a JSON reader gave a token after the document");
            return input;
        }
        catch (JsonException e)
        {
            return Malformed(e, utf8, limits);
        }
    }

    /// <summary>
    /// Reads an array of records to create. The place of each problem starts with the record's position: <c>[3].email</c>.
    /// </summary>
    /// <param name="decide">Called for each record, in order, at its place; completes it.</param>
    public static Result<Done> ReadMany(ReadOnlySpan<byte> utf8, RecordShape shape, ValueReader reader, Limits limits, Action<Input> decide)
    {
        Utf8JsonReader json = Over(utf8, limits);
        try
        {
            json.Read();
            if (json.TokenType != JsonTokenType.StartArray) return NotThe("an array of objects", shape);
            int count = 0;
            while (JsonNames.NextItem(ref json))
            {
                reader.Problems.Enter(count++);
                if (json.TokenType == JsonTokenType.StartObject)
                {
                    decide(ReadMembers(ref json, shape, InputMode.Create, reader, tagged: false));
                }
                else
                {
                    reader.Problems.Add("type", $"expected an object ({shape.Name})");
                    json.Skip();
                }
                reader.Problems.Leave();
            }
            json.Read(); // throws when something follows the array
            return Done.It;
        }
        catch (JsonException e)
        {
            return Malformed(e, utf8, limits);
        }
    }

    /// <summary>Reads the members of the object that the reader stands on, up to its end.</summary>
    /// <param name="tagged">The member <c>type</c> tells the variant of a union and is not a field.</param>
    internal static Input ReadMembers(ref Utf8JsonReader json, RecordShape shape, InputMode mode, ValueReader reader, bool tagged)
    {
        Input input = new(new Value[shape.Fields.Length], new Given[shape.Fields.Length]);
        HashSet<string>? unknown = null;
        bool sawTag = false;
        int next = 0;
        while (JsonNames.NextMember(ref json))
        {
            if (shape.Find(ref json, ref next) is { } field && (reader.AsServer || !field.Field.IsUnknown))
            {
                ReadMember(ref json, field, mode, reader, input);
                continue;
            }
            string name = JsonNames.Of(ref json);
            if (tagged && name is "type")
            {
                if (sawTag) reader.Problems.Add(name, "duplicate", "is given twice");
                sawTag = true;
            }
            else if ((unknown ??= new(StringComparer.Ordinal)).Add(name))
            {
                reader.Problems.UnknownField(name, Hint(name, shape, mode));
            }
            json.Read();
            json.Skip();
        }
        return input;
    }

    static void ReadMember(ref Utf8JsonReader json, FieldShape field, InputMode mode, ValueReader reader, Input input)
    {
        Problems problems = reader.Problems;
        problems.Enter(field.Name);
        json.Read();
        ref Given given = ref input.Given[field.Index];
        if (given != Given.Nothing)
        {
            problems.Add("duplicate", "is given twice");
            json.Skip();
        }
        else if (field.Field.IsUnwritable && !reader.AsServer)
        {
            problems.Refuse(FieldWrites.Refused(field.Field, reader.Moment.Auth.IsNull));
            json.Skip();
            given = Given.Refused;
        }
        else if (Refusal(field, mode, reader.AsServer) is var (code, message))
        {
            problems.Add(code, message);
            json.Skip();
            given = Given.Refused;
        }
        else if (json.TokenType == JsonTokenType.Null)
        {
            given = Given.Value;
        }
        else if (mode == InputMode.Patch && !reader.ReplacesValues && json.TokenType == JsonTokenType.StartObject && IsMerged(field.Field))
        {
            given = TryCopyPatch(ref json, problems, out input.Values[field.Index]) ? Given.Merge : Given.Refused;
        }
        else
        {
            given = reader.TryRead(ref json, field, out input.Values[field.Index]) ? Given.Value : Given.Refused;
        }
        problems.Leave();
    }

    static (string Code, string Message)? Refusal(FieldShape shape, InputMode mode, bool asServer)
    {
        Field field = shape.Field;
        if (field.IsVersion && mode != InputMode.Create) return null;
        bool isOurs = asServer && field is { Computed: null, IsVersion: false, IsUpdatedAt: false };
        if (!field.IsCreatable && !isOurs) return ("readonly", field.Computed is null ? "is set by the server" : "is computed");
        if (shape.IsFixed && mode == InputMode.Patch) return ("immutable", Immutable);
        return null;
    }

    static bool IsMerged(Field field) => !field.IsList && field.IsJsonStored;

    /// <summary>Copies the object that the reader stands on; what the canonical form cannot hold is refused here already.</summary>
    static bool TryCopyPatch(ref Utf8JsonReader json, Problems problems, out Value patch)
    {
        using ByteOutput output = new();
        Utf8JsonReader start = json;
        bool copied = JsonCopy.TryCopy(ref json, output);
        patch = copied ? Value.FromJson(output.ToArray()) : default;
        if (copied) return true;
        json = start;
        json.Skip();
        problems.Add("type", "expected " + JsonType.It.Expected);
        return false;
    }

    static string? Hint(string name, RecordShape shape, InputMode mode)
    {
        if (shape.Model?.Relation(name) is { IsOwning: true } relation)
        {
            return $"give its key instead: {string.Join(", ", relation.Fields)}";
        }
        return Names.DidYouMean(
            name, shape.Fields.Where(f => !f.Field.IsUnknown && Refusal(f, mode, asServer: false) is null).Select(f => f.Name));
    }

    static Utf8JsonReader Over(ReadOnlySpan<byte> utf8, Limits limits) => new(utf8, new JsonReaderOptions { MaxDepth = limits.JsonDepth });

    static Fault NotThe(string expected, RecordShape shape) =>
        Faults.MalformedBody.Says($"the body must be {expected} ({shape.Name})");

    static Fault Malformed(JsonException e, ReadOnlySpan<byte> utf8, Limits limits)
    {
        if (NestsBeyond(utf8, limits.JsonDepth))
        {
            return Faults.LimitExceeded.Says(
                string.Create(CultureInfo.InvariantCulture, $"the body is nested deeper than {limits.JsonDepth} levels"),
                "limits.jsonDepth sets the bound");
        }
        long line = e.LineNumber.GetValueOrDefault() + 1, at = e.BytePositionInLine.GetValueOrDefault() + 1;
        return Faults.MalformedBody.Says(
            string.Create(CultureInfo.InvariantCulture, $"the body is not well-formed JSON at line {line}, byte {at}"));
    }

    /// <summary>The reader's exception does not tell depth from form, so the way to it is walked again.</summary>
    static bool NestsBeyond(ReadOnlySpan<byte> utf8, int depth)
    {
        Utf8JsonReader json = new(utf8, new JsonReaderOptions { MaxDepth = int.MaxValue });
        bool nests = false;
        try
        {
            while (json.Read())
            {
                bool opens = json.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject;
                nests |= opens && json.CurrentDepth >= depth;
            }
        }
        catch (JsonException)
        {
            // Not JSON: what counts is whether it was too deep before that.
        }
        return nests;
    }
}
