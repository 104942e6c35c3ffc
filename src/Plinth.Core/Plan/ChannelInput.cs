using System.Text.Json;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>What clients of a channel send, read against its declaration: as strict as the bodies of writes are.</summary>
static class ChannelInput
{
    static readonly FieldShape s_anything = Shape(new ScalarFieldType(JsonType.It));

    /// <summary>The values of the parameters, in the order of the channel's shape; the tenant is the caller's.</summary>
    public static Result<Value[]> Parameters(
        RecordShapes shapes, Channel channel, ReadOnlySpan<byte> json, Moment moment, Value tenant, Limits limits)
    {
        if (json.Length > Limits.ChannelParameterBytes)
            return Faults.LimitExceeded.Says($"the parameters of a channel have {Limits.ChannelParameterBytes} bytes at most");
        RecordShape shape = shapes.Channel(channel.Name);
        ValueReader reader = new(shapes, moment, new Problems());
        Result<Input> read = InputReader.Read(json.IsEmpty ? "{}"u8 : json, shape, InputMode.Create, reader, limits);
        if (read.Failed(out Fault? fault, out Input? input)) return fault;
        for (int i = 0; i < shape.Fields.Length; i++)
        {
            if (!shape.Fields[i].Field.IsServerOnly) continue;
            // Without a tenant the channels of no tenant are reached: the rules' own guard refuses.
            (input.Values[i], input.Given[i]) = (tenant, Given.Refused);
        }
        Deciding.Fill(shape, input, reader);
        return reader.Problems.ToFault() is { } wrong ? wrong : input.Values;
    }

    /// <summary>What is published or shown, in its canonical form.</summary>
    /// <param name="type">Name of the declared type or union; null: any JSON.</param>
    /// <param name="shapes">Of the schema.</param>
    /// <param name="json">As it was sent.</param>
    /// <param name="moment">The caller's.</param>
    /// <param name="limits">How deep it may nest.</param>
    public static Result<byte[]> Payload(RecordShapes shapes, string? type, ReadOnlySpan<byte> json, Moment moment, Limits limits)
    {
        FieldShape shape = type is null ? s_anything
            : Shape(shapes.Schema.FindType(type) is null ? new UnionFieldType(type) : new EmbeddedFieldType(type));
        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = limits.JsonDepth });
        ValueReader values = new(shapes, moment, new Problems());
        try
        {
            reader.Read();
            // Whatever is not read is among the problems.
            values.TryRead(ref reader, shape, out Value value);
            return values.Problems.ToFault() is { } fault ? fault : value.Json.ToArray();
        }
        catch (JsonException)
        {
            return Faults.MalformedBody.Says("it is not well-formed JSON");
        }
    }

    static FieldShape Shape(FieldType type) => new(new Field { Name = "value", Column = "", Type = type }, 0, isKey: false, null, []);
}
