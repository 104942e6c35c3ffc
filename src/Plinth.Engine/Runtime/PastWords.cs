using Plinth.Evolution;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// A search held against records of the past, whose words no index has: all terms occur, the last as a beginning. Where records may hide
/// some of the fields, it is answered for each set of those.
/// </summary>
sealed class PastWords
{
    readonly string[] _terms;
    readonly Field[] _always;
    readonly Field[] _masked;

    public PastWords(PastProgram program, string search)
    {
        _terms = SearchTerms.Encode(search).Split(' ');
        _masked = [.. program.MaskedWords];
        _always = [.. TableShape.FullTextOf(program.Model).Where(f => !_masked.Any(m => m.Ordinal == f.Ordinal))];
    }

    /// <param name="record">The record's values.</param>
    /// <param name="found">For each set of masked fields: 1 where the search finds the record by them and those always shown.</param>
    public void Write(Value[] record, Span<Value> found)
    {
        for (int set = 0; set < found.Length; set++)
        {
            HashSet<string> words = new(StringComparer.Ordinal);
            foreach (Field field in _always) Add(words, record[field.Ordinal]);
            for (int i = 0; i < _masked.Length; i++)
            {
                if ((set >> i & 1) == 1) Add(words, record[_masked[i].Ordinal]);
            }
            found[set] = Value.From(Finds(words) ? 1L : 0L);
        }
    }

    static void Add(HashSet<string> words, in Value text)
    {
        foreach (string word in FullTextTerms.Of(text).Split(' ', StringSplitOptions.RemoveEmptyEntries)) words.Add(word);
    }

    bool Finds(HashSet<string> words)
    {
        foreach (string term in _terms.AsSpan(0, _terms.Length - 1))
        {
            if (!words.Contains(term)) return false;
        }
        string last = _terms[^1];
        return words.Any(word => word.StartsWith(last, StringComparison.Ordinal));
    }
}
