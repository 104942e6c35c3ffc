using System.Text.Json;

namespace Plinth.RealtimeLoad;

/// <summary>The list that a client has made of its frames.</summary>
static class Materialised
{
    public static string Of(List<byte[]> frames)
    {
        List<(string Key, string Json)> items = [];
        foreach (byte[] frame in frames)
        {
            using JsonDocument document = JsonDocument.Parse(frame);
            JsonElement root = document.RootElement;
            if (root.GetProperty("type").GetString() == "snapshot")
            {
                items = [.. root.GetProperty("items").EnumerateArray().Select(static i => (Key(i), i.GetRawText()))];
                continue;
            }
            JsonElement item = root.GetProperty("item");
            string key = Key(item), kind = root.GetProperty("kind").GetString()!; // A change has one.
            int at = items.FindIndex(i => i.Key == key);
            if (kind == "update")
            {
                items[at] = (key, item.GetRawText());
                continue;
            }
            if (at >= 0) items.RemoveAt(at);
            if (kind == "leave") continue;
            JsonElement before = root.GetProperty("before");
            int place = before.ValueKind == JsonValueKind.Null ? items.Count : items.FindIndex(i => i.Key == before.GetRawText());
            items.Insert(place, (key, item.GetRawText()));
        }
        return string.Join('\n', items.Select(static i => i.Json));
    }

    public static string OfList(string answer)
    {
        using JsonDocument document = JsonDocument.Parse(answer);
        return string.Join('\n', document.RootElement.GetProperty("items").EnumerateArray().Select(static i => i.GetRawText()));
    }

    static string Key(JsonElement item) => item.GetProperty("id").GetRawText();
}
