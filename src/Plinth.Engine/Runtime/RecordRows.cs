using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>The records of one level with what they include. Levels are gathered top down; the answer is put together by copying.</summary>
sealed class RecordRows(RecordLevel level, int capacity)
{
    readonly IncludedRecords?[] _included = new IncludedRecords?[level.Includes.Length];

    public RecordLevel Level => level;

    public List<CachedRecord> Records { get; } = new(capacity);

    public int Count => Records.Count;

    /// <summary>Takes over the records that a relation leads to.</summary>
    public void Attach(int include, IncludedRecords records) => _included[include] = records;

    /// <summary>Writes one record whole, with all that it includes.</summary>
    public void Write(ByteOutput output, int row)
    {
        CachedRecord record = Records[row];
        if (level.Includes.IsEmpty)
        {
            output.Write(record.Json);
            return;
        }
        output.Write(record.Open);
        for (int i = 0; i < _included.Length; i++)
        {
            RecordInclude include = level.Includes[i];
            output.Write(include.Prefix);
            if (include.Shape.Single) WriteOne(output, _included[i], row);
            else WriteMany(output, _included[i], row);
        }
        output.Write((byte)'}');
    }

    static void WriteOne(ByteOutput output, IncludedRecords? included, int parent)
    {
        if (included is null || included.Places[parent] < 0) JsonText.WriteNull(output);
        else included.Rows.Write(output, included.Places[parent]);
    }

    static void WriteMany(ByteOutput output, IncludedRecords? included, int parent)
    {
        output.Write((byte)'[');
        if (included is not null)
        {
            int first = included.Places[parent];
            for (int i = first; i < included.Places[parent + 1]; i++)
            {
                if (i > first) output.Write((byte)',');
                included.Rows.Write(output, i);
            }
        }
        output.Write((byte)']');
    }
}

/// <summary>Records that a relation leads to.</summary>
/// <param name="Rows">All of them.</param>
/// <param name="Places">
/// Of a relation to one record the place of each parent's, or -1; of one to many the place of each parent's first, and the end of the last.
/// </param>
sealed record IncludedRecords(RecordRows Rows, int[] Places);
