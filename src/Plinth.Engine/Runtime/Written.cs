using System.Collections.Immutable;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>What a command came to in the writer's turn; the reply is made of it.</summary>
/// <param name="Outcome">What happened.</param>
/// <param name="Model">To whose records.</param>
sealed record Written(WriteOutcome Outcome, Model Model)
{
    /// <summary>The record after; null where there is no one record.</summary>
    public StoredRow? Record { get; init; }

    /// <summary>The caller may read the record as it is now.</summary>
    public bool IsReadable { get; init; }

    /// <summary>Of a create of many, in their order; null where the caller may not read it.</summary>
    public ImmutableArray<Value[]?> Records { get; init; }

    /// <summary>Of filtered writes.</summary>
    public int Matched { get; init; }

    public int Changed { get; init; }

    /// <summary>Of bulk creates, which answer a number.</summary>
    public long? Count { get; init; }

    /// <summary>The first part of the ETag; 0 where the answer has none.</summary>
    public long ShownVersion => IsReadable && Record is { } shown ? shown.Version : 0;

    /// <summary>The parts of the record's key, for Location.</summary>
    public ImmutableArray<string> Key => Record is { } keyed ? RecordJson.Key(Model, keyed.Values) : [];

    /// <summary>The answer's body; null when nothing may or should be shown.</summary>
    public ByteOutput? Body(bool minimal)
    {
        if (minimal && Outcome != WriteOutcome.Many) return null;
        if (Outcome is WriteOutcome.Deleted or WriteOutcome.Purged) return null;
        if (Outcome != WriteOutcome.Many && !IsReadable) return null;
        ByteOutput body = new();
        if (Record is { } record) RecordJson.Write(body, Model, record.Values);
        else if (Count is { } count) WriteNumbers(body, ("created", count));
        else if (Records.IsDefault) WriteNumbers(body, ("matched", Matched), ("changed", Changed));
        else if (minimal) WriteNumbers(body, ("created", Records.Length));
        else WriteRecords(body);
        return body;
    }

    void WriteRecords(ByteOutput body)
    {
        body.Write((byte)'[');
        for (int i = 0; i < Records.Length; i++)
        {
            if (i > 0) body.Write((byte)',');
            if (Records[i] is { } row) RecordJson.Write(body, Model, row);
            else JsonText.WriteNull(body);
        }
        body.Write((byte)']');
    }

    static void WriteNumbers(ByteOutput body, params ReadOnlySpan<(string Name, long Number)> members)
    {
        body.Write((byte)'{');
        for (int i = 0; i < members.Length; i++)
        {
            if (i > 0) body.Write((byte)',');
            JsonText.WriteName(body, members[i].Name);
            JsonText.WriteInt(body, members[i].Number);
        }
        body.Write((byte)'}');
    }
}
