using System.Text;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// Reads events with what folding and undoing need of them: where they stand, what they are about, and what they say. Half the columns,
/// and texts that are the same over and over are one: of a million events it takes two thirds of the time. One thread.
/// </summary>
sealed class EventReader
{
    public const string Columns = "position, event_id, model, record_id, version, kind, data, schema_version, salt";

    const int NameChars = 256;

    readonly Dictionary<string, string> _texts;
    readonly Dictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> _known;

    public EventReader()
    {
        _texts = new Dictionary<string, string>(StringComparer.Ordinal);
        _known = _texts.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The event that a statement over <see cref="Columns"/> stands on.</summary>
    public LogEvent Read(Statement row) => new()
    {
        Position = row.ColumnInt64(0),
        EventId = new Guid(row.ColumnBytes(1), bigEndian: true),
        Model = Known(row.ColumnBytes(2)),
        RecordId = row.ColumnText(3),
        Version = row.ColumnInt64(4),
        Kind = EventLog.KindOf(row.ColumnBytes(5)),
        Data = row.IsNull(6) ? null : row.ColumnBytes(6).ToArray(),
        SchemaVersion = (int)row.ColumnInt64(7),
        Salt = row.IsNull(8) ? null : row.ColumnBytes(8).ToArray(),
        Digest = [],
    };

    string Known(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > NameChars) return Encoding.UTF8.GetString(utf8);
        Span<char> name = stackalloc char[NameChars];
        ReadOnlySpan<char> text = name[..Encoding.UTF8.GetChars(utf8, name)];
        if (_known.TryGetValue(text, out string? same)) return same;
        string made = text.ToString();
        _texts.Add(made, made);
        return made;
    }
}
