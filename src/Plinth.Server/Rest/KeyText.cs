using System.Collections.Immutable;
using Plinth.Http;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>The key in a path: its parts, split on the raw text and decoded one by one, so that a part may hold a comma or a
/// slash.</summary>
static class KeyText
{
    public static Result<ImmutableArray<string>> Parse(Model model, string raw)
    {
        if (model.Key.Length == 1)
        {
            return PercentText.TryDecode(raw, plusIsSpace: false, out string whole) ? ImmutableArray.Create(whole) : Wrong(model.Key[0]);
        }
        string[] parts = raw.Split(',');
        if (parts.Length != model.Key.Length)
        {
            return Faults.MalformedParameter.Says(
                $"the key of {model.Name} has {model.Key.Length} parts ({string.Join(", ", model.Key)}), the path has {parts.Length}",
                hint: "join the parts by commas; a comma inside a part is %2C");
        }
        var key = ImmutableArray.CreateBuilder<string>(parts.Length);
        for (int i = 0; i < parts.Length; i++)
        {
            if (!PercentText.TryDecode(parts[i], plusIsSpace: false, out string part)) return Wrong(model.Key[i]);
            key.Add(part);
        }
        return key.MoveToImmutable();
    }

    static Fault Wrong(string field) => Faults.MalformedParameter.Says(
        $"{field}: the part of the path is not percent-encoded UTF-8 without U+0000",
        new FaultDetail(field, Faults.MalformedParameter.Code, "is not percent-encoded UTF-8"));
}
