using System.Runtime.InteropServices;
using System.Text.Json;
using Plinth.Log;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Events as surfaces answer them. What is secret in the log is named as redacted, and not shown.</summary>
static class EventJson
{
    /// <summary>What happened, when, by whom: an object whose end is left open.</summary>
    public static void Open(ByteOutput body, LogEvent happened)
    {
        body.Write("{\"position\":"u8);
        JsonText.WriteIntString(body, happened.Position);
        body.Write(",\"kind\":"u8);
        JsonText.WriteString(body, happened.Kind);
        body.Write(",\"at\":"u8);
        DateTimeType.WriteJson(body, happened.At);
        body.Write(",\"actor\":"u8);
        if (happened.Actor is { } actor) JsonText.WriteString(body, actor);
        else JsonText.WriteNull(body);
        body.Write(",\"version\":"u8);
        JsonText.WriteInt(body, happened.Version);
    }

    /// <param name="body">Where to.</param>
    /// <param name="model">Whose record it is.</param>
    /// <param name="happened">The event, which has its payload still.</param>
    /// <param name="then">What names and values of then are now.</param>
    /// <param name="isShown">Whether the caller is shown a field.</param>
    public static void WriteChange(ByteOutput body, Model model, LogEvent happened, NamesThen then, Func<string, bool> isShown)
    {
        using JsonDocument payload = JsonDocument.Parse(happened.Data);
        List<string> redacted = [];
        bool isErased = false;
        foreach (JsonProperty side in payload.RootElement.EnumerateObject())
        {
            switch (side.Name)
            {
                case "set":
                    WriteSide(body, ",\"after\":{"u8, model, side.Value, NameNow, then);
                    break;
                case "was":
                    WriteSide(body, ",\"before\":{"u8, model, side.Value, NameNow, then);
                    break;
                case "sealed":
                    isErased = happened.Salt is null && side.Value.EnumerateArray().Any(static s => s.TryGetProperty("pii", out _));
                    redacted.AddRange(side.Value.EnumerateArray().SelectMany(s => s.GetProperty("fields").EnumerateArray())
                        .Select(f => NameNow(f.GetString() ?? "")).OfType<string>());
                    break;
            }
        }
        if (isErased) body.Write(",\"erased\":true"u8);
        if (redacted.Count == 0) return;
        body.Write(",\"redacted\":["u8);
        for (int i = 0; i < redacted.Count; i++)
        {
            if (i > 0) body.Write((byte)',');
            JsonText.WriteString(body, redacted[i]);
        }
        body.Write((byte)']');

        string? NameNow(string name) =>
            (then.NameNow is null ? name : then.NameNow(name)) is { } now && isShown(now) ? now : null;
    }

    /// <summary>A field that has become secret, or is gone, since the event happened is not shown either.</summary>
    static void WriteSide(
        ByteOutput body, ReadOnlySpan<byte> side, Model model, JsonElement fields, Func<string, string?> nameNow, NamesThen then)
    {
        body.Write(side);
        bool first = true;
        foreach (JsonProperty field in fields.EnumerateObject())
        {
            if (nameNow(field.Name) is not { } name || model.Field(name) is not { IsSecretInLog: false }) continue;
            if (!first) body.Write((byte)',');
            first = false;
            JsonText.WriteName(body, name);
            ReadOnlySpan<byte> value = JsonMarshal.GetRawUtf8Value(field.Value);
            if (then.Upcasts?.GetValueOrDefault(name) is { } upcasts) upcasts.Write(body, value);
            else body.Write(value);
        }
        body.Write((byte)'}');
    }
}
