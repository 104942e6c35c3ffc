using Plinth.Text;

namespace Plinth.Schema;

/// <summary>
/// JSON for people and diffs: tall containers give each entry a line, the others stand on the line they are on. Written strictly
/// forward; a member's name is followed by its value.
/// </summary>
sealed class JsonLayout(ByteOutput output)
{
    readonly Stack<(bool IsTall, bool IsEmpty)> _open = new();
    bool _isNamed;

    public void Open(char bracket, bool isTall)
    {
        Separate();
        output.Write((byte)bracket);
        _open.Push((isTall, true));
    }

    public void Close(char bracket)
    {
        var (isTall, isEmpty) = _open.Pop();
        if (isTall && !isEmpty) NewLine();
        output.Write((byte)bracket);
    }

    public void Name(string name)
    {
        Separate();
        JsonText.WriteString(output, name);
        output.Write(": "u8);
        _isNamed = true;
    }

    public void Text(string value)
    {
        Separate();
        JsonText.WriteString(output, value);
    }

    /// <summary>A value that is JSON already.</summary>
    public void Raw(ReadOnlySpan<byte> json)
    {
        Separate();
        output.Write(json);
    }

    public void WriteString(string name, string value)
    {
        Name(name);
        Text(value);
    }

    public void WriteNumber(string name, long value)
    {
        Name(name);
        Separate();
        JsonText.WriteInt(output, value);
    }

    public void WriteBoolean(string name, bool value)
    {
        Name(name);
        Raw(value ? "true"u8 : "false"u8);
    }

    /// <summary>What stands between this entry and the one before it.</summary>
    void Separate()
    {
        if (_isNamed || _open.Count == 0)
        {
            _isNamed = false;
            return;
        }
        var (isTall, isEmpty) = _open.Pop();
        _open.Push((isTall, false));
        if (!isEmpty) output.Write((byte)',');
        if (isTall) NewLine();
        else if (!isEmpty) output.Write((byte)' ');
    }

    void NewLine()
    {
        output.Write((byte)'\n');
        foreach (var _ in _open) output.Write("  "u8);
    }
}
