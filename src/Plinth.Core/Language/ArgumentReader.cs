using System.Collections.Immutable;
using System.Globalization;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// Reads the arguments of an attribute by its row in the table. What is wrong is reported, all of it, and then there is no attribute.
/// </summary>
sealed class ArgumentReader(AttributeSpec spec, AttributeSyntax syntax, Findings findings)
{
    static readonly Dictionary<string, (object Value, Span Span)> s_none = [];
    static readonly string[] s_operations = ["list", "get", "read", "create", "update", "delete", "restore", "purge", "all"];

    readonly Dictionary<string, (object Value, Span Span)> _values = new(StringComparer.Ordinal);

    // Most attributes of a schema say nothing but their name, and a schema has thousands.
    public static BoundAttribute? Read(AttributeSpec spec, AttributeSyntax syntax, Findings findings) =>
        spec.Arguments.IsEmpty && syntax.Arguments.IsEmpty
            ? new BoundAttribute(spec, syntax, s_none) : new ArgumentReader(spec, syntax, findings).Read();

    BoundAttribute? Read()
    {
        int errors = findings.Errors, position = 0;
        List<AttributeArgument> given = new(syntax.Arguments.Length);
        foreach (ArgumentSyntax argument in syntax.Arguments)
        {
            AttributeArgument? known = argument.Label is { } label ? ByLabel(label) : NextByPosition(ref position) ?? TooMany(argument);
            if (known is null) continue;
            bool isTwice = given.Contains(known);
            given.Add(known);
            if (isTwice)
            {
                Error(Codes.TooManyArguments, (argument.Label?.Span ?? argument.Span).Join(argument.Span),
                    $"'{known.Name}' is given twice");
            }
            else if (!known.IsAvailable)
            {
                Error(Codes.NotAvailable, argument.Label?.Span ?? argument.Span,
                    $"'{known.Name}:' of {spec.Name} is not available in this version");
            }
            else if (Value(known, argument) is { } value)
            {
                _values[known.Name] = (value, argument.Span);
            }
        }
        foreach (AttributeArgument missing in spec.Arguments)
        {
            if (missing.IsRequired && !given.Contains(missing))
                Error(Codes.MissingArgument, syntax.Span, $"{spec.Name} needs '{missing.Name}': {missing.Doc}");
        }
        return findings.Errors == errors ? new BoundAttribute(spec, syntax, _values) : null;
    }

    AttributeArgument? NextByPosition(ref int position)
    {
        while (position < spec.Arguments.Length)
        {
            if (spec.Arguments[position++] is { IsNamed: false } argument) return argument;
        }
        return null;
    }

    AttributeArgument? ByLabel(NameSyntax label)
    {
        foreach (AttributeArgument argument in spec.Arguments)
        {
            if (string.Equals(argument.Name, label.Text, StringComparison.Ordinal)) return argument;
        }
        var names = spec.Arguments.Select(a => a.Name);
        Error(Codes.UnknownArgument, label.Span, $"{spec.Name} has no argument '{label.Text}'",
            findings.DidYouMean(label.Text, names) ?? (spec.Arguments.IsEmpty ? null : $"it takes {string.Join(", ", names)}"));
        return null;
    }

    AttributeArgument? TooMany(ArgumentSyntax argument)
    {
        Error(Codes.TooManyArguments, argument.Span, spec.Arguments.IsEmpty ? $"{spec.Name} takes no arguments"
            : $"too many arguments for {spec.Name}",
            spec.Arguments.Any(a => a.IsNamed)
                ? $"by name it takes {string.Join(", ", spec.Arguments.Where(a => a.IsNamed).Select(a => a.Name + ":"))}" : null);
        return null;
    }

    object? Value(AttributeArgument known, ArgumentSyntax argument)
    {
        if (argument.Tokens.Count == 0)
        {
            Error(Codes.BadArgument, argument.Span, $"'{known.Name}' has no value");
            return null;
        }
        return known.Kind switch
        {
            ArgumentKind.Expression => new Condition(Spacing.Flat(syntax.Source, argument.Tokens), syntax.Source, argument.Span),
            ArgumentKind.Text => Text(known, argument),
            ArgumentKind.Count => Number(known, argument) is { } n ? Count(known, argument, n) : null,
            ArgumentKind.Number => Number(known, argument),
            ArgumentKind.Word => Word(known, argument),
            ArgumentKind.Words => ReadNames(known, argument),
            ArgumentKind.Fields => FieldNames(argument, isSorted: false),
            ArgumentKind.SortedFields => FieldNames(argument, isSorted: true),
            ArgumentKind.Operations or ArgumentKind.ChannelOperations => ReadOperations(argument, known.Kind),
            ArgumentKind.Accesses => ReadAccesses(argument),
            ArgumentKind.Default or ArgumentKind.Literals => argument,
            ArgumentKind.Type => ScalarOf(known, argument),
            _ => throw new InvalidOperationException($"no reader for arguments of kind {known.Kind}"),
        };
    }

    string? Text(AttributeArgument known, ArgumentSyntax argument)
    {
        if (argument.Tokens is [{ Kind: TokenKind.String } token]) return Literals.Text(syntax.Source, token, findings);
        Error(Codes.BadArgument, argument.Span, $"'{known.Name}' of {spec.Name} is a string",
            $"write \"{syntax.Source.Slice(argument.Span).Trim('"', '\'')}\"");
        return null;
    }

    object? Count(AttributeArgument known, ArgumentSyntax argument, object number)
    {
        if ((decimal)number is >= 0 and <= int.MaxValue && decimal.IsInteger((decimal)number)) return number;
        Error(Codes.BadArgument, argument.Span, $"'{known.Name}' of {spec.Name} is a whole number that is not negative");
        return null;
    }

    object? Number(AttributeArgument known, ArgumentSyntax argument)
    {
        bool isNegative = argument.Tokens is [{ Kind: TokenKind.Operator } sign, _] && syntax.Source.Text[sign.Start] == '-';
        if (argument.Tokens is [{ Kind: TokenKind.Number }] || (isNegative && argument.Tokens[1].Kind == TokenKind.Number))
        {
            Token token = argument.Tokens[^1];
            if (decimal.TryParse(syntax.Source.Text.AsSpan(token.Start, token.Length),
                NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out decimal number))
                return isNegative ? -number : number;
        }
        Error(Codes.BadArgument, argument.Span, $"'{known.Name}' of {spec.Name} is a number");
        return null;
    }

    string? Word(AttributeArgument known, ArgumentSyntax argument)
    {
        string word = syntax.Source.Slice(argument.Span);
        if (argument.Tokens.Count == 1 && known.Words.Contains(word, StringComparer.Ordinal)) return word;
        Error(Codes.UnknownValue, argument.Span, $"'{known.Name}' of {spec.Name} is one of {string.Join(", ", known.Words)}",
            findings.DidYouMean(word, known.Words));
        return null;
    }

    ScalarType? ScalarOf(AttributeArgument known, ArgumentSyntax argument)
    {
        string text = Spacing.Flat(syntax.Source, argument.Tokens);
        if (ScalarTypes.Parse(text) is { Kind: not (ValueKind.Json or ValueKind.Bytes) } type) return type;
        Error(Codes.UnknownType, argument.Span, $"'{known.Name}' of {spec.Name} is the type of a single value, not '{text}'",
            findings.DidYouMean(text, ScalarTypes.Names) ?? "such as String, Int or Decimal(12, 2)");
        return null;
    }

    object? ReadNames(AttributeArgument known, ArgumentSyntax argument)
    {
        ArraySegment<Token> tokens = argument.Tokens;
        if (tokens[0].Kind == TokenKind.OpenBracket && tokens[^1].Kind == TokenKind.CloseBracket) tokens = tokens[1..^1];
        var words = ImmutableArray.CreateBuilder<string>();
        int errors = findings.Errors;
        for (int i = 0; i < tokens.Count; i += 2)
        {
            string word = syntax.Source.Slice(tokens[i].Span);
            if (i + 1 < tokens.Count && tokens[i + 1].Kind != TokenKind.Comma)
                Error(Codes.BadArgument, argument.Span, $"'{known.Name}' of {spec.Name} is a list of words", "as in [a, b]");
            else if (!known.Words.Contains(word, StringComparer.Ordinal))
                Error(Codes.UnknownValue, tokens[i].Span, $"'{word}' is none of {string.Join(", ", known.Words)}",
                    findings.DidYouMean(word, known.Words));
            words.Add(word);
        }
        if (words.Count == 0) Error(Codes.BadArgument, argument.Span, $"'{known.Name}' of {spec.Name} names nothing");
        return findings.Errors == errors ? words.ToImmutable() : null;
    }

    object? FieldNames(ArgumentSyntax argument, bool isSorted)
    {
        ArraySegment<Token> tokens = argument.Tokens;
        if (tokens[0].Kind == TokenKind.OpenBracket && tokens[^1].Kind == TokenKind.CloseBracket) tokens = tokens[1..^1];
        var fields = ImmutableArray.CreateBuilder<FieldName>();
        for (int i = 0; i < tokens.Count; i++)
        {
            Token token = tokens[i];
            if (!token.IsName) return NotFields(argument, isSorted);
            bool isDescending = false;
            if (isSorted && i + 3 < tokens.Count && tokens[i + 1].Kind == TokenKind.OpenParen && tokens[i + 3].Kind == TokenKind.CloseParen)
            {
                string order = syntax.Source.Slice(tokens[i + 2].Span);
                if (order is not ("asc" or "desc"))
                {
                    Error(Codes.UnknownValue, tokens[i + 2].Span, $"'{order}' is no order", "asc or desc");
                    return null;
                }
                isDescending = order == "desc";
                i += 3;
            }
            fields.Add(new FieldName(syntax.Source.Slice(token.Span).Trim('`'), isDescending, token.Span));
            if (i + 1 < tokens.Count && tokens[++i].Kind != TokenKind.Comma) return NotFields(argument, isSorted);
        }
        if (fields.Count > 0) return fields.ToImmutable();
        Error(Codes.BadArgument, argument.Span, $"{spec.Name} names no field");
        return null;
    }

    object? NotFields(ArgumentSyntax argument, bool isSorted)
    {
        Error(Codes.BadArgument, argument.Span, $"{spec.Name} takes names of fields here",
            isSorted ? "as in [a, b(desc)]" : "as in [a, b]");
        return null;
    }

    object? ReadOperations(ArgumentSyntax argument, ArgumentKind kind)
    {
        SortedSet<Operation> operations = [];
        Action<SortedSet<Operation>, string, Span> add = kind == ArgumentKind.Operations ? AddOperation : AddChannelOperation;
        return ReadWords(argument, "operations", (word, span) => add(operations, word, span))
            ? operations.ToImmutableArray() : (object?)null;
    }

    object? ReadAccesses(ArgumentSyntax argument)
    {
        SortedSet<FieldAccess> accesses = [];
        return ReadWords(argument, "accesses", (word, span) => AddAccess(accesses, word, span))
            ? accesses.ToImmutableArray() : (object?)null;
    }

    /// <summary>Words separated by commas, in one string or in a list of strings. False when something was reported.</summary>
    bool ReadWords(ArgumentSyntax argument, string noun, Action<string, Span> add)
    {
        ArraySegment<Token> tokens = argument.Tokens;
        if (tokens[0].Kind == TokenKind.OpenBracket && tokens[^1].Kind == TokenKind.CloseBracket) tokens = tokens[1..^1];
        int errors = findings.Errors;
        for (int i = 0; i < tokens.Count; i += 2)
        {
            if (tokens[i].Kind != TokenKind.String || (i + 1 < tokens.Count && tokens[i + 1].Kind != TokenKind.Comma))
            {
                Error(Codes.BadArgument, argument.Span, $"{spec.Name} begins with the {noun}, in a string",
                    $"as in {spec.Name}(\"{(ReferenceEquals(spec, Attributes.Find(spec.Name)) ? "read" : "join")}\", …)");
                return false;
            }
            if (Literals.Text(syntax.Source, tokens[i], findings) is not { } text) return false;
            foreach (string part in text.Split(',')) add(part.Trim(), tokens[i].Span);
        }
        return findings.Errors == errors;
    }

    void AddChannelOperation(SortedSet<Operation> operations, string word, Span span)
    {
        if (word is "join" or "all") operations.Add(Channel.Join);
        if (word is "publish" or "all") operations.Add(Channel.Publish);
        if (word is not ("join" or "publish" or "all"))
            Error(Codes.UnknownOperation, span, $"a channel is joined or published to, not '{word}'",
                findings.DidYouMean(word, ["join", "publish", "all"]) ?? "operations are join, publish, all");
    }

    void AddAccess(SortedSet<FieldAccess> accesses, string word, Span span)
    {
        string[] known = ["read", "write"];
        if (word == "read") accesses.Add(FieldAccess.Read);
        else if (word == "write") accesses.Add(FieldAccess.Write);
        else Error(Codes.UnknownOperation, span, $"a field is read or written, not '{word}'",
            findings.DidYouMean(word, known) ?? "operations of records stand in @@allow and @@deny");
    }

    void AddOperation(SortedSet<Operation> operations, string word, Span span)
    {
        ReadOnlySpan<Operation> meant = word switch
        {
            "list" => [Operation.List],
            "get" => [Operation.Get],
            "read" => [Operation.List, Operation.Get],
            "create" => [Operation.Create],
            "update" => [Operation.Update],
            "delete" => [Operation.Delete],
            "restore" => [Operation.Restore],
            "purge" => [Operation.Purge],
            // Purge is never meant by the way: it is named, or it is not allowed.
            "all" => [Operation.List, Operation.Get, Operation.Create, Operation.Update, Operation.Delete, Operation.Restore],
            _ => [],
        };
        if (meant.IsEmpty)
            Error(Codes.UnknownOperation, span, $"unknown operation '{word}'",
                findings.DidYouMean(word, s_operations) ?? $"operations are {string.Join(", ", s_operations)}");
        foreach (Operation operation in meant) operations.Add(operation);
    }

    void Error(string code, Span span, string message, string? hint = null) => findings.Error(syntax.Source, code, span, message, hint);
}
