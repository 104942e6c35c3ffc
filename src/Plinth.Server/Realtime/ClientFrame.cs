using System.Text.Json;
using Plinth.Http;
using Plinth.Text;

namespace Plinth.Realtime;

/// <summary>One frame that a client has sent, split into its members; what a query holds is not looked at.</summary>
/// <param name="Type">auth, subscribe, cancel, ping …</param>
/// <param name="Id">As JSON; empty when there is none.</param>
sealed record ClientFrame(string Type, byte[] Id)
{
    const int IdBytesMax = 200;

    public string? Token { get; private init; }

    public ReadOnlyMemory<byte> Query { get; private init; }

    public string? Resume { get; private init; }

    /// <summary>The name of a channel.</summary>
    public string? Channel { get; private init; }

    public ReadOnlyMemory<byte> Parameters { get; private init; }

    public ReadOnlyMemory<byte> Presence { get; private init; }

    public ReadOnlyMemory<byte> Message { get; private init; }

    public static Result<ClientFrame> Parse(ReadOnlyMemory<byte> json, Limits limits)
    {
        Utf8JsonReader reader = new(json.Span, new JsonReaderOptions { MaxDepth = limits.JsonDepth });
        try
        {
            return Parse(ref reader, json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Faults.MalformedBody.Says("the frame is not a JSON object");
        }
    }

    static Result<ClientFrame> Parse(ref Utf8JsonReader reader, ReadOnlyMemory<byte> json)
    {
        string? type = null;
        ClientFrame frame = new("", []);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return Faults.MalformedBody.Says("the frame is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!; // A property name is never null.
            reader.Read();
            int start = (int)reader.TokenStartIndex;
            JsonTokenType token = reader.TokenType;
            reader.Skip();
            ReadOnlyMemory<byte> raw = json[start..(int)reader.BytesConsumed];
            switch (name, token)
            {
                case ("type", JsonTokenType.String): type = reader.GetString(); break;
                case ("id", JsonTokenType.String or JsonTokenType.Number) when raw.Length <= IdBytesMax:
                    frame = frame with { Id = raw.ToArray() };
                    break;
                case ("token", JsonTokenType.String): frame = frame with { Token = reader.GetString() }; break;
                case ("query", JsonTokenType.StartObject): frame = frame with { Query = raw }; break;
                case ("channel", JsonTokenType.String): frame = frame with { Channel = reader.GetString() }; break;
                case ("parameters", JsonTokenType.StartObject): frame = frame with { Parameters = raw.ToArray() }; break;
                case ("presence", JsonTokenType.StartObject): frame = frame with { Presence = raw.ToArray() }; break;
                case ("message", _): frame = frame with { Message = raw }; break;
                case ("resume", JsonTokenType.String): frame = frame with { Resume = reader.GetString() }; break;
                case ("resume", JsonTokenType.Number): frame = frame with { Resume = System.Text.Encoding.UTF8.GetString(raw.Span) }; break;
                case ("resume", JsonTokenType.Null): break;
                default:
                    string shown = Shown.Name(name);
                    return Faults.MalformedBody.Says(
                        $"{shown}: is no member of a frame, or has the wrong form",
                        new FaultDetail(shown, Faults.MalformedBody.Code, "is no member of a frame, or has the wrong form"));
            }
        }
        if (type is null) return Faults.MalformedBody.Says("the frame has no type");
        return frame with { Type = type };
    }
}
