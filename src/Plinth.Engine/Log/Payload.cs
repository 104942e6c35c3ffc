using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// The form of an event's payload: <c>{"set":{…},"was":{…},"sealed":[{"key":"…","fields":[…],"box":"…"}]}</c>, UTF-8 JSON by API name.
/// Fields that are secret in the log stand in <c>sealed</c> only; a box holds <c>{"set":{…},"was":{…}}</c> of its fields, encrypted and
/// bound to the event's id. Names of sealed fields stay legible, so that a history can say what changed without saying to what.
/// Personal fields have a box of their own, with <c>"pii":true</c>: what opens it stands beside the payload, and can be taken away.
/// </summary>
static class Payload
{
    /// <summary>Writes the payload of a change of one record.</summary>
    /// <param name="fields">The fields concerned, in ordinal order.</param>
    /// <param name="set">The row after, or null when nothing is set.</param>
    /// <param name="was">The row before, or null when it does not matter.</param>
    /// <param name="eventId">What boxes are bound to.</param>
    /// <param name="keys">What seals them.</param>
    /// <param name="salt">What opens the personal values; null where there are none.</param>
    public static byte[] Write(
        IReadOnlyList<Field> fields, Value[]? set, Value[]? was, Guid eventId, LogKeys keys, out byte[]? salt)
    {
        salt = null;
        bool hasSecrets = false, isPersonal = false;
        foreach (Field field in fields)
        {
            isPersonal |= field.IsPii;
            hasSecrets |= field is { IsSecretInLog: true, IsPii: false };
        }

        using ByteOutput output = new();
        output.Write((byte)'{');
        WriteSides(output, fields, set, was, static field => !field.IsSecretInLog);
        if (hasSecrets || isPersonal)
        {
            if (set is not null || was is not null) output.Write((byte)',');
            output.Write("\"sealed\":["u8);
            if (hasSecrets)
            {
                byte[] box = keys.Seal(Plain(fields, set, was, s_isSecret), Bound(eventId));
                WriteBox(output, fields, s_isSecret, isPersonal: false, keys.CurrentId, box);
            }

            if (isPersonal)
            {
                if (hasSecrets) output.Write((byte)',');
                byte[] box = keys.SealErasable(Plain(fields, set, was, s_isPersonal), Bound(eventId), out salt);
                WriteBox(output, fields, s_isPersonal, isPersonal: true, keys.CurrentId, box);
            }

            output.Write((byte)']');
        }

        output.Write((byte)'}');
        return output.ToArray();
    }

    static readonly Func<Field, bool> s_isPersonal = static field => field.IsPii;
    static readonly Func<Field, bool> s_isSecret = static field => field is { IsSecretInLog: true, IsPii: false };

    static byte[] Bound(Guid eventId) => eventId.ToByteArray(bigEndian: true);

    /// <summary>Reads what a payload gives the fields of a model, sealed ones included.</summary>
    /// <param name="side">"set" or "was".</param>
    /// <param name="then">What names and values of the time of the event are now; null where they are of today.</param>
    /// <param name="row">Values by ordinal; those that the payload names are replaced.</param>
    /// <returns>False when the payload does not have the side at all.</returns>
    /// <exception cref="InvalidDataException">It names a field that the model does not have, or a value that is none of its
    /// type.</exception>
    public static bool Read(LogEvent of, ReadOnlySpan<byte> side, Model model, NamesThen? then, LogKeys keys, Value[] row)
    {
        Utf8JsonReader json = new(of.Data);
        bool has = false;
        json.Read();
        while (JsonNames.NextMember(ref json))
        {
            if (json.ValueTextEquals(side))
            {
                json.Read();
                has = true;
                ReadFields(ref json, of.Data, model, then, row);
            }
            else if (json.ValueTextEquals("sealed"u8))
            {
                json.Read();
                has |= ReadSealed(ref json, of, side, model, then, keys, row);
            }
            else
            {
                json.Read();
                json.Skip();
            }
        }

        return has;
    }

    public static byte[] Digest(ReadOnlySpan<byte> data) => SHA256.HashData(data);

    static void WriteSides(ByteOutput output, IReadOnlyList<Field> fields, Value[]? set, Value[]? was, Func<Field, bool> isMeant)
    {
        if (set is not null) WriteSide(output, "\"set\":"u8, fields, set, isMeant);
        if (set is not null && was is not null) output.Write((byte)',');
        if (was is not null) WriteSide(output, "\"was\":"u8, fields, was, isMeant);
    }

    static void WriteSide(ByteOutput output, ReadOnlySpan<byte> name, IReadOnlyList<Field> fields, Value[] row, Func<Field, bool> isMeant)
    {
        output.Write(name);
        output.Write((byte)'{');
        bool isFirst = true;
        foreach (Field field in fields)
        {
            if (!isMeant(field)) continue;
            if (!isFirst) output.Write((byte)',');
            isFirst = false;
            JsonText.WriteName(output, field.Name);
            WireJson.Write(output, field, row[field.Ordinal]);
        }

        output.Write((byte)'}');
    }

    static byte[] Plain(IReadOnlyList<Field> fields, Value[]? set, Value[]? was, Func<Field, bool> isMeant)
    {
        using ByteOutput plain = new();
        plain.Write((byte)'{');
        WriteSides(plain, fields, set, was, isMeant);
        plain.Write((byte)'}');
        return plain.ToArray();
    }

    static void WriteBox(
        ByteOutput output, IReadOnlyList<Field> fields, Func<Field, bool> isMeant, bool isPersonal, string keyId, byte[] box)
    {
        output.Write("{\"key\":"u8);
        JsonText.WriteString(output, keyId);
        if (isPersonal) output.Write(",\"pii\":true"u8);
        output.Write(",\"fields\":["u8);
        bool isFirst = true;
        foreach (Field field in fields)
        {
            if (!isMeant(field)) continue;
            if (!isFirst) output.Write((byte)',');
            isFirst = false;
            JsonText.WriteString(output, field.Name);
        }

        output.Write("],\"box\":\""u8);
        Span<byte> text = output.GetSpan(System.Buffers.Text.Base64.GetMaxEncodedToUtf8Length(box.Length));
        System.Buffers.Text.Base64.EncodeToUtf8(box, text, out _, out int written);
        output.Advance(written);
        output.Write("\"}"u8);
    }

    static void ReadFields(
        ref Utf8JsonReader json, ReadOnlySpan<byte> document, Model model, NamesThen? then, Value[] row)
    {
        int next = 0;
        while (JsonNames.NextMember(ref json))
        {
            Field? field = FieldOf(ref json, model, then?.NameNow, ref next, out bool isGone);
            json.Read();
            if (field is null && !isGone) throw new InvalidDataException($"an event names a field that {model.Name} does not have");
            if (field is null)
            {
                json.Skip();
                continue;
            }

            bool isRead = then?.Upcasts?.GetValueOrDefault(field.Name) is { } upcasts
                ? upcasts.TryRead(ref json, out row[field.Ordinal])
                : FieldJson.TryRead(ref json, document, field, out row[field.Ordinal]);
            if (!isRead)
            {
                throw new InvalidDataException($"an event gives {model.Name}.{field.Name} a value that is none of its type");
            }
        }
    }

    // Payloads follow the order of the fields, so the search starts where the last one ended.
    static Field? FieldOf(ref Utf8JsonReader json, Model model, Func<string, string?>? nameNow, ref int next, out bool isGone)
    {
        isGone = false;
        if (nameNow is not null)
        {
            string? now = nameNow(json.GetString()!); // A property name is never null.
            isGone = now is null;
            return now is null ? null : model.Field(now);
        }

        for (int tried = 0; tried < model.Fields.Length; tried++)
        {
            Field field = model.Fields[next];
            next = next + 1 == model.Fields.Length ? 0 : next + 1;
            if (json.ValueTextEquals(field.Name)) return field;
        }

        return null;
    }

    static bool ReadSealed(
        ref Utf8JsonReader json, LogEvent of, ReadOnlySpan<byte> side, Model model, NamesThen? then, LogKeys keys,
        Value[] row)
    {
        byte[] bound = Bound(of.EventId);
        bool has = false;
        while (JsonNames.NextItem(ref json))
        {
            string? keyId = null;
            byte[] box = [];
            bool isPersonal = false;
            while (JsonNames.NextMember(ref json))
            {
                bool isKey = json.ValueTextEquals("key"u8), isBox = json.ValueTextEquals("box"u8), isMark = json.ValueTextEquals("pii"u8);
                json.Read();
                if (isKey) keyId = json.GetString();
                else if (isBox) box = json.GetBytesFromBase64();
                else if (isMark) isPersonal = json.GetBoolean();
                else json.Skip();
            }

            // Without what opens it a sealed value is gone for good, which is what erasing means.
            byte[]? plain = isPersonal ? keys.OpenErasable(keyId ?? "", box, bound, of.Salt) : keys.Open(keyId ?? "", box, bound);
            if (plain is not null) has |= ReadBox(plain, side, model, then, row);
        }

        return has;
    }

    static bool ReadBox(byte[] plain, ReadOnlySpan<byte> side, Model model, NamesThen? then, Value[] row)
    {
        Utf8JsonReader inner = new(plain);
        bool has = false;
        inner.Read();
        while (JsonNames.NextMember(ref inner))
        {
            bool isSide = inner.ValueTextEquals(side);
            inner.Read();
            has |= isSide;
            if (isSide) ReadFields(ref inner, plain, model, then, row);
            else inner.Skip();
        }

        return has;
    }

    /// <summary>The names of the fields that a payload speaks of, sealed ones included.</summary>
    public static ImmutableArray<string> FieldNames(byte[] data)
    {
        using JsonDocument document = JsonDocument.Parse(data);
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (JsonProperty part in document.RootElement.EnumerateObject())
        {
            if (part.Name is "set" or "was")
            {
                foreach (JsonProperty field in part.Value.EnumerateObject()) names.Add(field.Name);
            }
            else if (part.Name is "sealed")
            {
                foreach (JsonElement box in part.Value.EnumerateArray())
                {
                    foreach (JsonElement field in box.GetProperty("fields").EnumerateArray()) names.Add(field.GetString()!);
                }
            }
        }

        return [.. names.Order(StringComparer.Ordinal)];
    }
}
