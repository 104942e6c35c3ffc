using System.Text.Json;

namespace Plinth.Live;

/// <summary>
/// What a client makes of the frames of one subscription: the list, by applying each as the reference says. A frame that does not fit what
/// is there is wrong, and says so.
/// </summary>
sealed class Materialised(params string[] key)
{
    readonly List<(string Key, string Json)> _items = [];

    /// <summary>Of the last frame: what a client resumes from.</summary>
    public string? Position { get; private set; }

    public string? Ended { get; private set; }

    public int Snapshots { get; private set; }

    public int Changes { get; private set; }

    public IReadOnlyList<string> Items => [.. _items.Select(static i => i.Json)];

    public void Apply(JsonElement frame)
    {
        switch (frame.GetProperty("type").GetString())
        {
            case "snapshot":
                Assert.True(Snapshots == 0 || frame.TryGetProperty("reset", out _), "a second snapshot that does not say reset");
                _items.Clear();
                foreach (JsonElement item in frame.GetProperty("items").EnumerateArray()) _items.Add((KeyOf(item), item.GetRawText()));
                Snapshots++;
                break;
            case "change":
                Change(frame);
                Changes++;
                break;
            case "error":
                Ended = frame.GetProperty("problem").GetProperty("code").GetString();
                return;
            default:
                Assert.Fail($"no frame of a subscription: {frame}");
                break;
        }
        Position = frame.GetProperty("position").GetString();
    }

    void Change(JsonElement frame)
    {
        JsonElement item = frame.GetProperty("item");
        string id = KeyOf(item), kind = frame.GetProperty("kind").GetString()!;
        int at = _items.FindIndex(i => i.Key == id);
        Assert.True((at >= 0) == kind is not "enter", $"{kind} of {id}, which is {(at >= 0 ? "there" : "not there")}");
        switch (kind)
        {
            case "update":
                _items[at] = (id, item.GetRawText());
                break;
            case "leave":
                Assert.Equal(key.Length, item.EnumerateObject().Count());
                _items.RemoveAt(at);
                break;
            default:
                if (at >= 0) _items.RemoveAt(at);
                JsonElement before = frame.GetProperty("before");
                int place = before.ValueKind == JsonValueKind.Null ? _items.Count : _items.FindIndex(
                    i => i.Key == (before.ValueKind == JsonValueKind.Object ? KeyOf(before) : before.GetRawText()));
                Assert.True(place >= 0, $"{kind} before {before}, which is not there");
                _items.Insert(place, (id, item.GetRawText()));
                break;
        }
    }

    string KeyOf(JsonElement item) => string.Join(',', key.Select(k => item.GetProperty(k).GetRawText()));
}
