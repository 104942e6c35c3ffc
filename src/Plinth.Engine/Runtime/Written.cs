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

    /// <summary>By ordinal, the fields that the record does not show to the caller; null when it shows them all.</summary>
    public bool[]? Hidden { get; init; }

    /// <summary>What the record shows depends on more than its version: a hash of the body joins the ETag.</summary>
    public bool NeedsBodyHash { get; init; }

    /// <summary>Of a create of many, in their order; null where the caller may not read it.</summary>
    public ImmutableArray<ShownRow?> Records { get; init; }

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
        if (Record is { } record) RecordJson.Write(body, Model, record.Values, Hidden);
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
            if (Records[i] is { } row) RecordJson.Write(body, Model, row.Values, row.Hidden);
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

/// <summary>One of many records that were created.</summary>
/// <param name="Hidden">By ordinal, the fields that it does not show to the caller; null when it shows them all.</param>
sealed record ShownRow(Value[] Values, bool[]? Hidden);
