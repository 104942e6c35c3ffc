namespace Plinth.Cli.Transfer;

enum RecordFormat
{
    Json,
    NdJson,
    Csv,
}

static class RecordFormats
{
    /// <summary>By name (<c>json</c>, <c>ndjson</c>, <c>csv</c>), or by the file's extension.</summary>
    public static RecordFormat? Of(string? name, string path) => (name ?? Path.GetExtension(path).TrimStart('.')).ToLowerInvariant() switch
    {
        "json" => RecordFormat.Json,
        "ndjson" or "jsonl" => RecordFormat.NdJson,
        "csv" => RecordFormat.Csv,
        _ => null,
    };
}
