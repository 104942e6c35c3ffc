using System.Text.Json;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cli.Transfer;

/// <summary>Writes every record of a model, page by page, in the order of the key. Server-only fields stay where they are.</summary>
static class Exporting
{
    /// <param name="caller">The product itself, or on behalf of one tenant.</param>
    /// <param name="progress">Called with the records written so far.</param>
    /// <returns>The number of records written.</returns>
    public static async Task<Result<long>> RunAsync(
        Engine engine, Caller caller, Model model, RecordFormat format, TextWriter to, Action<long>? progress, CancellationToken cancel)
    {
        RecordWriter writer = new(model, format, to);
        int page = engine.Current.Schema.Defaults.MaxPageSize;
        long count = 0;
        string? after = null;
        writer.Begin();
        do
        {
            ReadRequest request = new() { Model = model.Name, Kind = ReadKind.List, Limit = page, After = after };
            var read = await engine.ReadAsync(caller, request, cancel);
            if (read.Failed(out Fault? fault, out ReadReply? reply)) return fault;
            using (reply)
            using (JsonDocument document = JsonDocument.Parse(reply.Body.WrittenMemory))
            {
                foreach (JsonElement record in document.RootElement.GetProperty("items").EnumerateArray())
                {
                    writer.Write(record);
                    count++;
                }
                after = document.RootElement.GetProperty("page").GetProperty("next").GetString();
            }
            progress?.Invoke(count);
        }
        while (after is not null);
        writer.End();
        return count;
    }
}
