using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Policy;

/// <summary>
/// What a key of a program may be used for, of what its user may do: <c>read</c> and <c>write</c> for every model,
/// <c>contacts:read</c>, <c>contacts:write</c> for the one of that route. Asked where rules are, so that no include, filter or batch
/// reaches past it. Changing a record needs to be able to read it, with keys as with rules.
/// </summary>
sealed class TokenScopes(ImmutableArray<string> words)
{
    public const string Read = "read", Write = "write";

    public ImmutableArray<string> Words { get; } = words;

    public bool Allows(Model model, Operation operation)
    {
        string verb = operation is Operation.List or Operation.Get ? Read : Write;
        foreach (string word in Words)
        {
            int colon = word.IndexOf(':', StringComparison.Ordinal);
            if (!word.AsSpan(colon + 1).SequenceEqual(verb)) continue;
            if (colon < 0 || word.AsSpan(0, colon).SequenceEqual(model.Route)) return true;
        }
        return false;
    }

    /// <summary>What is wrong with a scope; null when it names something of the schema.</summary>
    public static string? Refuse(string word, AppSchema schema)
    {
        int colon = word.IndexOf(':', StringComparison.Ordinal);
        if (word[(colon + 1)..] is not (Read or Write)) return "is read, write, or one of them behind a route, as in contacts:read";
        return colon < 0 || schema.FindRoute(word[..colon]) is not null ? null : $"there is no route '{word[..colon]}'";
    }
}
