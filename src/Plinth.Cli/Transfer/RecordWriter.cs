using System.Text.Json;
using Plinth.Schema;

namespace Plinth.Cli.Transfer;

/// <summary>Writes records, given as JSON pages of a list answer, in the format of a file.</summary>
sealed class RecordWriter(Model model, RecordFormat format, TextWriter to)
{
    readonly Field[] _fields = [.. model.Fields.Where(f => !f.IsServerOnly && !(f.IsImplied && f.Name == Model.DeletedAt))];
    bool _first = true;

    public void Begin()
    {
        if (format == RecordFormat.Json) to.Write('[');
        if (format != RecordFormat.Csv) return;
        for (int i = 0; i < _fields.Length; i++)
        {
            if (i > 0) to.Write(',');
            CsvText.WriteCell(to, _fields[i].Name);
        }
        to.Write("\r\n");
    }

    public void Write(JsonElement record)
    {
        switch (format)
        {
            case RecordFormat.NdJson:
                to.Write(record.GetRawText());
                to.Write('\n');
                break;
            case RecordFormat.Json:
                to.Write(_first ? "\n" : ",\n");
                to.Write(record.GetRawText());
                break;
            default:
                WriteRow(record);
                break;
        }
        _first = false;
    }

    public void End()
    {
        if (format == RecordFormat.Json) to.Write(_first ? "]\n" : "\n]\n");
        to.Flush();
    }

    void WriteRow(JsonElement record)
    {
        for (int i = 0; i < _fields.Length; i++)
        {
            if (i > 0) to.Write(',');
            if (!record.TryGetProperty(_fields[i].Name, out JsonElement cell) || cell.ValueKind == JsonValueKind.Null) continue;
            CsvText.WriteCell(to, cell.ValueKind == JsonValueKind.String && !_fields[i].IsJsonStored ? cell.GetString()
                : cell.GetRawText());
        }
        to.Write("\r\n");
    }
}
