namespace Plinth.Http;

/// <summary>What a caller sent, as a message may repeat it: short, and on one line.</summary>
static class Shown
{
    const int LengthMax = 60;

    public static string Name(string sent)
    {
        string shown = sent.Length <= LengthMax ? sent
            : string.Concat(sent.AsSpan(0, char.IsHighSurrogate(sent[LengthMax - 1]) ? LengthMax - 1 : LengthMax), "…");
        return shown.Any(char.IsControl) ? string.Concat(shown.Select(c => char.IsControl(c) ? '\ufffd' : c)) : shown;
    }
}
