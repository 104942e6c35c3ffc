using System.Text;

namespace Plinth.Cli.Transfer;

/// <summary>
/// CSV as RFC 4180 has it: commas, optional quotes, doubled quotes inside, line ends inside quotes. A byte order mark is skipped;
/// LF alone is taken as a line end. One row is held at a time.
/// </summary>
sealed class CsvReader(TextReader text)
{
    const int CellMax = 16 << 20;

    readonly StringBuilder _cell = new();
    readonly char[] _buffer = new char[32 << 10];
    int _length;
    int _at;
    bool _first = true;

    /// <summary>The 1-based line on which the last row began.</summary>
    public int Line { get; private set; }

    int _line = 1;

    /// <summary>The next row, or null at the end. An empty line is skipped. A cell that was quoted is told apart from an empty
    /// one.</summary>
    /// <exception cref="InvalidDataException">A quote is not closed, or stands inside a cell, or a cell is longer than 16 MB.</exception>
    public List<(string Text, bool Quoted)>? Read()
    {
        if (_first && Peek() == '\uFEFF') Next();
        _first = false;
        while (Peek() is '\r' or '\n') NextLineEnd();
        if (Peek() < 0) return null;
        Line = _line;
        List<(string, bool)> row = [];
        while (true)
        {
            row.Add(ReadCell());
            int after = Peek();
            if (after == ',')
            {
                Next();
                continue;
            }
            if (after >= 0) NextLineEnd();
            return row;
        }
    }

    (string Text, bool Quoted) ReadCell()
    {
        _cell.Clear();
        if (Peek() != '"')
        {
            while (Peek() is >= 0 and not (',' or '\r' or '\n'))
            {
                int c = Next();
                if (c == '"') throw new InvalidDataException($"line {_line}: a quote inside a cell that is not quoted");
                Append((char)c);
            }
            return (_cell.ToString(), false);
        }
        Next();
        while (true)
        {
            int c = Next();
            if (c < 0) throw new InvalidDataException($"line {Line}: a quoted cell is not closed");
            if (c == '\n') _line++;
            if (c != '"') Append((char)c);
            else if (Peek() == '"') Append((char)Next());
            else break;
        }
        if (Peek() is >= 0 and not (',' or '\r' or '\n')) throw new InvalidDataException($"line {_line}: text after a closing quote");
        return (_cell.ToString(), true);
    }

    void Append(char c)
    {
        if (_cell.Length == CellMax) throw new InvalidDataException($"line {Line}: a cell is longer than {CellMax} characters");
        _cell.Append(c);
    }

    void NextLineEnd()
    {
        int c = Next();
        if (c == '\r' && Peek() == '\n') Next();
        _line++;
    }

    int Peek()
    {
        if (_at == _length)
        {
            _length = text.Read(_buffer, 0, _buffer.Length);
            _at = 0;
            if (_length <= 0)
            {
                _length = 0;
                return -1;
            }
        }
        return _buffer[_at];
    }

    int Next()
    {
        int c = Peek();
        if (c >= 0) _at++;
        return c;
    }
}
