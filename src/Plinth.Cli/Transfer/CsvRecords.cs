using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cli.Transfer;

/// <summary>Rows of CSV as JSON records: the header names fields; each cell is read by its field's type. An empty cell is null, a
/// quoted empty one an empty text.</summary>
sealed class CsvRecords
{
    readonly ImmutableArray<(Field Field, bool Kept)> _columns;

    /// <exception cref="InvalidDataException">The header names no field, or one twice.</exception>
    public CsvRecords(Model model, ImmutableArray<string> header, ImmutableHashSet<string> leftOut)
    {
        _columns = [.. header.Select(name => (model.Field(name) ?? throw Unknown(model, name), !leftOut.Contains(name)))];
        var twice = header.GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null) throw new InvalidDataException($"line 1: the column '{twice.Key}' occurs twice");
    }

    /// <exception cref="InvalidDataException">The row has another number of cells, or a cell is no value of its field's type.</exception>
    public byte[] Json(List<(string Text, bool Quoted)> row, int line)
    {
        if (row.Count != _columns.Length) throw new InvalidDataException(
            $"line {line}: {row.Count} cells where the header has {_columns.Length}");
        using ByteOutput output = new();
        output.Write((byte)'{');
        for (int i = 0; i < row.Count; i++)
        {
            var (field, kept) = _columns[i];
            var (text, quoted) = row[i];
            if (!kept || (text.Length == 0 && !quoted && !field.IsNullable)) continue;
            if (output.Length > 1) output.Write((byte)',');
            JsonText.WriteName(output, field.Name);
            if (text.Length == 0 && !quoted) JsonText.WriteNull(output);
            else if (!TryWrite(output, field, text)) throw new InvalidDataException($"line {line}: '{field.Name}' is no {field.Type.Name}");
        }
        output.Write((byte)'}');
        return output.ToArray();
    }

    static bool TryWrite(ByteOutput output, Field field, string text)
    {
        if (field.IsJsonStored)
        {
            try
            {
                using JsonDocument document = JsonDocument.Parse(text);
                output.Write(Encoding.UTF8.GetBytes(document.RootElement.GetRawText()));
                return true;
            }
            catch (JsonException)
            {
                return false;
            }
        }
        if (field.Type is not ScalarFieldType { Scalar: var scalar })
        {
            JsonText.WriteString(output, text);
            return true;
        }
        if (!scalar.TryParse(text, out Value value)) return false;
        scalar.WriteJson(output, value);
        return true;
    }

    static InvalidDataException Unknown(Model model, string name) =>
        new($"line 1: {model.Name} has no field '{name}'"
            + (Names.DidYouMean(name, model.Fields.Select(f => f.Name)) is { } hint ? $" ({hint})" : ""));
}
