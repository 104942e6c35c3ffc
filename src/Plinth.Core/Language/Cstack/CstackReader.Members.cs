using Plinth.Text;

namespace Plinth.Language.Cstack;

/// <summary>Fields and attributes of <c>.cstack</c> records.</summary>
sealed partial class CstackReader
{
    void Record(RecordSyntax record)
    {
        Uses(record);
        bool isSoftDelete = record.Members.Any(m => m is ModelAttributeSyntax { Attribute.Name.Text: "soft_delete" or "softDelete" });
        List<string> checks = [];
        foreach (MemberSyntax member in record.Members)
        {
            if (member is ModelAttributeSyntax model)
            {
                ModelAttribute(record, model.Attribute);
            }
            else if (member is FieldSyntax field)
            {
                // There the mark of deletion is written out; here the attribute brings it.
                if (isSoftDelete && IsMarkOfDeletion(field)) RemoveMember(member);
                else Field(record, field, checks);
            }
            // Last: of two edits of one place the first counts, and a string as such says least.
            Strings(member.Tokens);
        }
        if (record.Kind != RecordKind.Model || record.Name is null) return;
        AddNames(record, record.Name);
        foreach (string check in checks) AddMember(record, check, record.Name.Span);
    }

    static bool IsMarkOfDeletion(FieldSyntax field) =>
        Names.SnakeCase(field.Name.Text) == "deleted_at" && field.Type is { Name.Text: "DateTime", IsOptional: true };

    /// <summary><c>@use(A, B)</c> → <c>use A use B</c>.</summary>
    void Uses(RecordSyntax record)
    {
        for (int i = record.Tokens.First; i + 2 < record.Tokens.End; i++)
        {
            if (Kind(i) != TokenKind.At || !Is(i + 1, "use") || Kind(i + 2) != TokenKind.OpenParen) continue;
            int close = i + 3;
            while (close < record.Tokens.End && Kind(close) is TokenKind.Name or TokenKind.QuotedName or TokenKind.Comma) close++;
            if (Kind(close) != TokenKind.CloseParen) continue;
            Span span = Span.Between(Token(i).Start, Token(close).End);
            bool isOwnMember = Token(i).StartsLine || Kind(i - 1) is TokenKind.OpenBrace or TokenKind.CloseParen;
            if (!isOwnMember) continue;
            // Each name keeps its place, so that an unknown mixin is shown where it is named.
            _edits.Replace(Span.Between(span.Start, Token(i + 2).End), "use ");
            string separator = Token(i).StartsLine ? "\n  use " : "  use ";
            for (int at = i + 3; at < close; at++) if (Kind(at) == TokenKind.Comma) _edits.Replace(Token(at).Span, separator);
            _edits.Remove(Token(close).Span);
        }
    }

    void Field(RecordSyntax record, FieldSyntax field, List<string> checks)
    {
        if (field.Type is { } type) Type(type);
        foreach (AttributeSyntax attribute in field.Attributes)
        {
            switch (attribute.Spelling)
            {
                case "@use": break;
                case "@allow" or "@deny": _rules.Rewrite(attribute); break;
                case "@rename": Rename(attribute, isModel: false, keepsSnake: field.Name.Text.Contains('_')); break;
                case "@relation": Relation(record, field, attribute); break;
                case "@computed" when attribute.Arguments.IsEmpty || attribute.Arguments[0].Label?.Text == "params":
                    Error(Codes.NotAvailable, attribute.Span, "@computed without an expression is not available in this version",
                        CstackAliases.Refused["@computed"]);
                    _edits.Remove(attribute.Span);
                    break;
                case "@default": Default(attribute); break;
                case "@db_enforce": Enforce(record, field, attribute, checks); break;
                default: Spelling(attribute); break;
            }
        }
    }

    void Type(TypeSyntax type)
    {
        string name = type.Name.Text;
        if (name == "Int")
        {
            _edits.Replace(type.Name.Span, CstackAliases.Find(CstackAliases.Types, name) ?? name);
        }
        else if (name == "Decimal" && type.Parameters.IsDefault)
        {
            string native = CstackAliases.Find(CstackAliases.Types, name) ?? name;
            _findings.Warning(_source, Codes.AssumedDigits, type.Name.Span,
                $"Decimal is read as {native}: a value with more digits is refused", "write the digits that it needs, as Decimal(12, 2)");
            _edits.Replace(type.Name.Span, native);
        }
        else if (name is "Geography" or "Geometry")
        {
            Error(Codes.NotAvailable, type.Span, $"the type {name} is not available in this version", CstackAliases.Refused[name]);
            _edits.Replace(Span.Between(type.Name.Span.Start, type.Parameters.IsDefault ? type.Name.Span.End : type.Span.End), "Json");
        }
    }

    void Spelling(AttributeSyntax attribute)
    {
        if (CstackAliases.Attribute(attribute.Spelling) is { } native)
            _edits.Replace(Span.Between(attribute.Span.Start, attribute.Name.Span.End), native);
    }

    void ModelAttribute(RecordSyntax record, AttributeSyntax attribute)
    {
        switch (attribute.Spelling)
        {
            case "@@allow" or "@@deny": _rules.Rewrite(attribute); break;
            case "@@rename": Rename(attribute, isModel: true, keepsSnake: false); break;
            case "@@unique" or "@@index": Index(record, attribute); break;
            default: Spelling(attribute); break;
        }
    }

    /// <summary><c>@rename(from = "old_title")</c>: the column's former name, whose field was called <c>oldTitle</c>.</summary>
    void Rename(AttributeSyntax attribute, bool isModel, bool keepsSnake)
    {
        if (attribute.Arguments is not [{ Tokens: { Count: > 0 } tokens }] || tokens[^1].Kind != TokenKind.String
            || (tokens.Count == 3 && !(_file.Is(tokens[0], "from") && tokens[1].Kind == TokenKind.Equal)))
        {
            Error(Codes.BadArgument, attribute.Span, $"{attribute.Spelling} names what it was",
                $"as in {attribute.Spelling}(from = \"old\")");
            _edits.Remove(attribute.Span);
            return;
        }
        string old = _file.TextOf(tokens[^1])[1..^1];
        string? was = isModel ? CstackAliases.ModelOf(old) : keepsSnake ? old : CstackAliases.Camel(old);
        if (was is null)
            Error(Codes.BadArgument, tokens[^1].Span, $"'{old}' is no table of a model",
                "write @@renamedFrom(\"Old\") with the model's name");
        _edits.Replace(attribute.Span, $"{CstackAliases.Attribute(attribute.Spelling)}(\"{was ?? old}\")");
    }

    void Default(AttributeSyntax attribute)
    {
        if (attribute.Arguments is not [{ Tokens: { Count: >= 3 } call }] || call[0].Kind != TokenKind.Name
            || call[1].Kind != TokenKind.OpenParen || call[2].Kind != TokenKind.CloseParen) return;
        Token name = call[0], close = call[2];
        if (_file.Is(name, "auth")) _edits.Remove(Span.Between(name.End, close.End));
        if (call.Count > 3) return;
        string function = _file.TextOf(name);
        if (function == "dbgenerated")
        {
            Error(Codes.NotAvailable, attribute.Span, "dbgenerated() is not available in this version",
                CstackAliases.Refused["dbgenerated()"]);
            _edits.Remove(attribute.Span);
        }
        else if (CstackAliases.Find(CstackAliases.Generators, function) is { } native)
        {
            _edits.Replace(name.Span, native);
        }
    }

    void Relation(RecordSyntax record, FieldSyntax field, AttributeSyntax attribute)
    {
        List<ArgumentSyntax> dropped = [];
        foreach (ArgumentSyntax argument in attribute.Arguments)
        {
            string label = argument.Label?.Text ?? "";
            // The key of a record never changes here, so nothing can follow it.
            bool isIdle = label == "onUpdate" && _relations.RefersToKey(field, attribute);
            bool isOtherSide = field.Type is { IsList: true } && label is "fields" or "references";
            if (isIdle || isOtherSide) dropped.Add(argument);
            else if (label is "onDelete" or "onUpdate") Action(argument);
        }
        string? pair = _relations.PairName(record, field, attribute);
        if (dropped.Count == 0 && pair is null) return;
        List<string> kept = [.. attribute.Arguments.Where(a => !dropped.Contains(a)).Select(Native)];
        if (pair is not null) kept.Insert(0, $"name: \"{pair}\"");
        Rewrite(attribute, kept);
    }

    /// <summary>The attribute with these arguments; without any it says nothing and goes.</summary>
    void Rewrite(AttributeSyntax attribute, List<string> arguments) =>
        _edits.Replace(attribute.Span, arguments.Count == 0 ? "" : $"{attribute.Spelling}({string.Join(", ", arguments)})");

    string Native(ArgumentSyntax argument)
    {
        string text = _source.Slice(argument.Span);
        string native = CstackAliases.Find(CstackAliases.Actions, text) ?? (CstackAliases.Refused.ContainsKey(text) ? "restrict" : text);
        return argument.Label is { } label ? $"{label.Text}: {native}" : native;
    }

    void Action(ArgumentSyntax argument)
    {
        string word = _source.Slice(argument.Span);
        if (CstackAliases.Find(CstackAliases.Actions, word) is { } native)
        {
            _edits.Replace(argument.Span, native);
        }
        else if (CstackAliases.Refused.TryGetValue(word, out string? way))
        {
            Error(Codes.NotAvailable, argument.Span, $"{word} is not available in this version", way);
            _edits.Replace(argument.Span, "restrict");
        }
    }

    /// <summary><c>where:</c> is SQL there, and an expression over the fields here. <c>btree</c> is what an index is anyway.</summary>
    void Index(RecordSyntax record, AttributeSyntax attribute)
    {
        List<string> kept = [];
        bool isSame = true;
        foreach (ArgumentSyntax argument in attribute.Arguments)
        {
            string? native = Native(argument);
            if (argument is { Label.Text: "using" } && _source.Slice(argument.Span) == "btree")
            {
                native = null;
            }
            else if (argument is { Label.Text: "where", Tokens: [{ Kind: TokenKind.String } sql] })
            {
                native = CstackPredicate.Native(Unquoted(sql), record) is { } expression ? "where: " + expression : null;
                if (native is null)
                {
                    Error(Codes.BadArgument, argument.Span, "this SQL has no counterpart that is known here",
                        "write an expression over the fields, without quotes: where: deletedAt == null");
                    // Without its condition it would say something else.
                    _edits.Remove(attribute.Span);
                    return;
                }
            }
            else
            {
                kept.Add(native);
                continue;
            }
            isSame = false;
            if (native is not null) kept.Add(native);
        }
        if (!isSame) Rewrite(attribute, kept);
    }

    string Unquoted(in Token token) =>
        _file.TextOf(token)[1..^1].Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);

    /// <summary>Validators as checks of the database, which hold whoever writes to it.</summary>
    void Enforce(RecordSyntax record, FieldSyntax field, AttributeSyntax attribute, List<string> checks)
    {
        _edits.Remove(attribute.Span);
        if (record.Kind != RecordKind.Model)
        {
            Error(Codes.MisplacedAttribute, attribute.Span, "@db_enforce stands on a field of a model", "write @@check(…) in the model");
            return;
        }
        int count = checks.Count;
        foreach (AttributeSyntax validator in field.Attributes)
        {
            string? condition = validator.Spelling switch
            {
                "@range" => Bounds(validator, field.Name.Text),
                "@length" => Bounds(validator, $"size({field.Name.Text})"),
                _ => null,
            };
            if (condition is null) continue;
            string table = CstackAliases.Collection(record.Name?.Text ?? "");
            string name = $"{table}_{Names.SnakeCase(field.Name.Text)}_{validator.Name.Text}_check";
            checks.Add($"@@check({condition}, name: \"{DatabaseNames.Fit(name)}\")");
        }
        if (checks.Count == count)
            Error(Codes.NoEffect, attribute.Span, $"@db_enforce has nothing to enforce on '{field.Name.Text}'",
                "it is for @range and @length; every write through the engine is validated without it");
    }

    string? Bounds(AttributeSyntax validator, string value)
    {
        List<string> parts = [];
        for (int i = 0; i < validator.Arguments.Length; i++)
        {
            ArgumentSyntax argument = validator.Arguments[i];
            string label = argument.Label?.Text ?? (i == 0 ? "min" : "max");
            parts.Add($"{value} {(label == "min" ? ">=" : "<=")} {_source.Slice(argument.Span)}");
        }
        return parts.Count == 0 ? null : string.Join(" && ", parts);
    }

    /// <summary>Table and route as they were: the plural of x, ch and sh is another one there.</summary>
    void AddNames(RecordSyntax record, NameSyntax name)
    {
        string written = CstackAliases.Collection(name.Text);
        if (string.Equals(written, Names.Collection(name.Text), StringComparison.Ordinal)) return;
        bool Has(string attribute) => record.Members.Any(m => m is ModelAttributeSyntax model && model.Attribute.Name.Text == attribute);
        if (!Has("map")) AddMember(record, $"@@map(\"{written}\")", name.Span);
        if (!Has("route")) AddMember(record, $"@@route(\"{written}\")", name.Span);
    }

    /// <summary>With its line, when it stands there alone: a comment behind it stays where it is.</summary>
    void RemoveMember(MemberSyntax member)
    {
        Token first = Token(member.Tokens.First), last = Token(member.Tokens.End - 1);
        // Looked for where a line begins only: a file may be one line of ten megabytes.
        int lineEnd = first.StartsLine ? _source.Text.AsSpan(last.End).IndexOf('\n') : -1;
        bool isAlone = lineEnd >= 0 && _source.Text.AsSpan(last.End, lineEnd).Trim().IsEmpty;
        int start = isAlone ? Math.Max(0, _source.Text.LastIndexOf('\n', first.Start)) : first.Start;
        _edits.Remove(Span.Between(start, last.End));
    }

    void AddMember(RecordSyntax record, string member, Span anchor)
    {
        Token close = Token(record.Tokens.End - 1);
        if (close.Kind != TokenKind.CloseBrace) return;
        _edits.Insert(close.Start, close.StartsLine ? $"  {member}\n" : $"  {member} ", anchor);
    }

    /// <summary>There a backslash escapes quotes and itself, and is a backslash before anything else.</summary>
    void Strings(TokenRange range)
    {
        for (int i = range.First; i < range.End; i++)
        {
            Token token = Token(i);
            if (token.Kind == TokenKind.String && CstackText.Native(_file.TextOf(token)) is { } native) _edits.Replace(token.Span, native);
        }
    }
}
