using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>Reads what stands in <c>@default(…)</c> and <c>@oneOf([…])</c> against the type of the field.</summary>
sealed class DefaultReader(Declarations declarations, Findings findings)
{
    static readonly ImmutableArray<string> s_functions = ["now", "uuid7", "uuid4", "cuid", "nanoid", "autoincrement"];

    /// <summary>Claims of <c>auth</c>, once that block is bound.</summary>
    public DefaultValue? Read(BoundAttribute attribute, Field field)
    {
        ArgumentSyntax argument = attribute.Raw("value")
            ?? throw new InvalidOperationException("the argument reader admitted a default without a value");
        ArraySegment<Token> tokens = argument.Tokens;
        SourceText source = attribute.Source;
        if (tokens[0].IsName && tokens.Count == 3 && tokens[1].Kind == TokenKind.OpenParen && tokens[2].Kind == TokenKind.CloseParen)
            return Function(source, source.Slice(tokens[0].Span), argument.Span, field);
        if (tokens.Count >= 3 && source.Slice(tokens[0].Span) == "auth") return Claim(source, argument, field);
        if (tokens is [{ Kind: TokenKind.Name }] && source.Slice(tokens[0].Span) == "null")
        {
            findings.Error(source, Codes.NoEffect, argument.Span,
                field.IsNullable ? "null is the default of an optional field" : $"'{field.Name}' is required: its default cannot be null",
                    "remove @default(null)");
            return null;
        }
        if (field.IsList) return List(source, argument, field) is { } list ? new LiteralDefault(list) : null;
        return Literal(source, tokens, argument.Span, field) is { } value ? new LiteralDefault(value) : null;
    }

    /// <summary>The literals of a list; default when one is wrong.</summary>
    public ImmutableArray<Value> Values(BoundAttribute attribute, Field field)
    {
        ArgumentSyntax argument = attribute.Raw("values")
            ?? throw new InvalidOperationException("the argument reader admitted @oneOf without values");
        if (Items(attribute.Source, argument, field) is not { } values) return default;
        if (values.Length > 0) return values;
        findings.Error(attribute.Source, Codes.BadArgument, argument.Span, $"{attribute.Name} lists no value");
        return default;
    }

    DefaultValue? Function(SourceText source, string name, Span span, Field field)
    {
        string type = field.IsList ? field.Type.Name + "[]" : field.Type.Name;
        switch (name)
        {
            case "now" when type == "DateTime": return new NowDefault();
            case "uuid7" when type == "Uuid": return new GeneratedDefault(IdGenerator.Uuid7);
            case "uuid4" when type == "Uuid": return new GeneratedDefault(IdGenerator.Uuid4);
            case "cuid" when type is "Cuid" or "String": return new GeneratedDefault(IdGenerator.Cuid);
            case "nanoid" when type is "NanoId" or "String": return new GeneratedDefault(IdGenerator.NanoId);
            case "autoincrement" when type is "Int" or "BigInt": return new AutoincrementDefault();
        }
        string? makes = name switch
        {
            "now" => "DateTime",
            "uuid7" or "uuid4" => "Uuid",
            "cuid" => "Cuid or String",
            "nanoid" => "NanoId or String",
            "autoincrement" => "Int or BigInt",
            _ => null,
        };
        if (makes is null)
        {
            findings.Error(source, Codes.UnknownFunction, span, $"unknown function {name}()",
                findings.DidYouMean(name, s_functions) ?? $"defaults know {string.Join(", ", s_functions.Select(f => f + "()"))}");
        }
        else
        {
            findings.Error(source, Codes.TypeMismatch, span, $"{name}() makes {makes}, '{field.Name}' is {type}");
        }
        return null;
    }

    ClaimDefault? Claim(SourceText source, ArgumentSyntax argument, Field field)
    {
        // auth.x.y; the spelling auth().x is taken too.
        ArraySegment<Token> tokens = argument.Tokens[1..];
        if (tokens is [{ Kind: TokenKind.OpenParen }, { Kind: TokenKind.CloseParen }, ..]) tokens = tokens[2..];
        var path = ImmutableArray.CreateBuilder<string>();
        for (int i = 0; i < tokens.Count; i += 2)
        {
            if (tokens[i].Kind != TokenKind.Dot || i + 1 >= tokens.Count || !tokens[i + 1].IsName)
            {
                findings.Error(source, Codes.BadArgument, argument.Span, "a default from the identity is a path: auth.x");
                return null;
            }
            path.Add(source.Slice(tokens[i + 1].Span).Trim('`'));
        }
        if (path.Count == 0)
        {
            findings.Error(source, Codes.BadArgument, argument.Span, "a default from the identity is a path: auth.x");
            return null;
        }
        declarations.PendingClaims.Add(new PendingClaim(source, argument.Span, path.ToImmutable(), field));
        return new ClaimDefault(path.ToImmutable());
    }

    Value? List(SourceText source, ArgumentSyntax argument, Field field)
    {
        if (Items(source, argument, field) is not { } values) return null;
        using ByteOutput json = new(64);
        json.Write((byte)'[');
        for (int i = 0; i < values.Length; i++)
        {
            if (i > 0) json.Write((byte)',');
            if (field.Type is ScalarFieldType scalar) scalar.Scalar.WriteJson(json, values[i]);
            else JsonText.WriteString(json, values[i].String);
        }
        json.Write((byte)']');
        return Value.FromJson(json.ToArray());
    }

    ImmutableArray<Value>? Items(SourceText source, ArgumentSyntax argument, Field field)
    {
        ArraySegment<Token> tokens = argument.Tokens;
        if (tokens[0].Kind != TokenKind.OpenBracket || tokens[^1].Kind != TokenKind.CloseBracket)
        {
            findings.Error(source, Codes.BadArgument, argument.Span, "a list of values stands here", "as in [\"a\", \"b\"]");
            return null;
        }
        tokens = tokens[1..^1];
        var values = ImmutableArray.CreateBuilder<Value>();
        bool allGood = true;
        for (int from = 0; from < tokens.Count;)
        {
            int to = from;
            while (to < tokens.Count && tokens[to].Kind != TokenKind.Comma) to++;
            ArraySegment<Token> item = tokens[from..to];
            Span span = item.Count > 0 ? Span.Between(item[0].Start, item[^1].End) : argument.Span;
            if (Literal(source, item, span, field) is { } value) values.Add(value);
            else allGood = false;
            from = to + 1;
        }
        return allGood ? values.ToImmutable() : null;
    }

    Value? Literal(SourceText source, ArraySegment<Token> tokens, Span span, Field field)
    {
        switch (field.Type)
        {
            case EnumFieldType { Enum: var known }: return EnumValue(source, tokens, span, known);
            case ScalarFieldType { Scalar.Kind: ValueKind.Json }: return Json(source, tokens, span);
            case ScalarFieldType { Scalar: var scalar }: return Scalar(source, tokens, span, field, scalar);
            default:
                findings.Error(source, Codes.TypeMismatch, span, $"values of type {field.Type.Name} have no literals");
                return null;
        }
    }

    Value? EnumValue(SourceText source, ArraySegment<Token> tokens, Span span, EnumType known)
    {
        string? word = tokens switch
        {
            [{ Kind: TokenKind.Name or TokenKind.QuotedName } name] => source.Slice(name.Span).Trim('`'),
            [{ Kind: TokenKind.String } text] => Literals.Text(source, text, findings),
            _ => source.Slice(span),
        };
        if (word is null) return null;
        if (known.Values.Contains(word, StringComparer.Ordinal)) return Value.From(word);
        findings.Error(source, Codes.UnknownValue, span, $"'{word}' is no value of {known.Name}",
            findings.DidYouMean(word, known.Values) ?? $"its values are {string.Join(", ", known.Values.Take(12))}");
        return null;
    }

    Value? Json(SourceText source, ArraySegment<Token> tokens, Span span)
    {
        byte[] text = Encoding.UTF8.GetBytes(source.Slice(span));
        try
        {
            Utf8JsonReader reader = new(text);
            if (tokens.Count > 0 && reader.Read() && reader.TokenType != JsonTokenType.Null
                && ScalarTypes.Find("Json") is { } json && json.TryRead(ref reader, out Value value) && !reader.Read()) return value;
        }
        catch (JsonException)
        {
            // Said below: it is no JSON.
        }
        findings.Error(source, Codes.TypeMismatch, span, "a default of type Json is written as JSON", "as in @default({ \"a\": [1, 2] })");
        return null;
    }

    Value? Scalar(SourceText source, ArraySegment<Token> tokens, Span span, Field field, ScalarType scalar)
    {
        bool isNumeric = scalar.Kind is ValueKind.Int or ValueKind.Double or ValueKind.Decimal;
        bool isText = !isNumeric && scalar.Kind != ValueKind.Boolean;
        string? text = tokens switch
        {
            [{ Kind: TokenKind.String } quoted] when isText || scalar.Kind == ValueKind.Decimal || scalar.Name == "BigInt" =>
                Literals.Text(source, quoted, findings),
            [{ Kind: TokenKind.Number }] when isNumeric => source.Slice(span),
            [{ Kind: TokenKind.Operator } sign, { Kind: TokenKind.Number } number] when isNumeric && source.Text[sign.Start] == '-' =>
                "-" + source.Slice(number.Span),
            [{ Kind: TokenKind.Name }] when scalar.Kind == ValueKind.Boolean => source.Slice(span),
            _ => "",
        };
        if (text is null) return null;
        bool isMissing = text.Length == 0 && tokens is not [{ Kind: TokenKind.String }];
        if (!isMissing && scalar.TryParse(text, out Value value)) return value;
        findings.Error(source, Codes.TypeMismatch, span, $"{source.Slice(span)} is no value of '{field.Name}', which is {scalar.Name}",
            $"expected: {scalar.Expected}");
        return null;
    }
}

/// <summary>A claim that a default names: looked up when <c>auth</c> is bound, which needs the types that may still be to come.</summary>
sealed record PendingClaim(SourceText Source, Span Span, ImmutableArray<string> Path, Field Field);
