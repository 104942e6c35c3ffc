using System.Collections.Immutable;
using System.Text;

namespace Plinth.Language;

/// <summary>Names, types, attributes and their arguments as the formatter spells them.</summary>
sealed class TokenPrinter(SchemaSyntax file)
{
    /// <summary>A line that was broken inside an attribute stays broken, one step further in.</summary>
    const string Continuation = "\n      ";

    public static string Name(NameSyntax name) => name.Text;

    /// <summary>At the head of a member one word is taken.</summary>
    public static string FieldName(NameSyntax name) => name.Text == "use" ? "`use`" : name.Text;

    public string Type(TypeSyntax? type)
    {
        if (type is null) return "";
        string parameters = type.Parameters.IsDefault ? "" : $"({string.Join(", ", type.Parameters.Select(Argument))})";
        return type.Name.Text + parameters + (type.IsList ? "[]" : "") + (type.IsOptional ? "?" : "");
    }

    /// <summary>A field of a projection: what records are counted by, or what is kept of them.</summary>
    public ImmutableArray<string> Projected(FieldSyntax field)
    {
        string name = field.Name.Text is "use" or "key" ? $"`{field.Name.Text}`" : field.Name.Text;
        string attributes = string.Join(' ', field.Attributes.Select(Attribute));
        string value = field.Value is { } expression ? "= " + Argument(expression) : "";
        return [field.IsKey ? "key " + name : name, Type(field.Type), $"{value} {attributes}".Trim()];
    }

    public string Attribute(AttributeSyntax attribute)
    {
        if (attribute.Arguments.IsEmpty) return attribute.Spelling;
        StringBuilder text = new(attribute.Spelling);
        text.Append('(');
        for (int i = 0; i < attribute.Arguments.Length; i++)
        {
            ArgumentSyntax argument = attribute.Arguments[i];
            bool startsLine = StartsLine(argument);
            if (i > 0) text.Append(startsLine ? "," : ", ");
            if (startsLine) text.Append(Continuation);
            text.Append(Argument(argument));
        }
        return text.Append(')').ToString();
    }

    /// <summary>One cell; a rule is two, so that the conditions of neighbours stand below one another.</summary>
    public ImmutableArray<string> ModelAttribute(AttributeSyntax attribute)
    {
        string whole = Attribute(attribute);
        bool isRule = attribute.Name.Text is "allow" or "deny" && attribute.Arguments.Length > 1
            && !whole.Contains('\n', StringComparison.Ordinal);
        if (!isRule) return [whole];
        string operations = $"{attribute.Spelling}({Argument(attribute.Arguments[0])},";
        return [operations, whole[(operations.Length + 1)..]];
    }

    bool StartsLine(ArgumentSyntax argument)
    {
        if (argument.Label is not { } label) return argument.Tokens.Count > 0 && argument.Tokens[0].StartsLine;
        int at = label.Span.Start - 1;
        while (at >= 0 && file.Source.Text[at] is ' ' or '\t' or '\r') at--;
        return at >= 0 && file.Source.Text[at] == '\n';
    }

    string Argument(ArgumentSyntax argument)
    {
        StringBuilder text = new();
        if (argument.Label is { } label) text.Append(label.Text).Append(": ");
        for (int i = 0; i < argument.Tokens.Count; i++)
        {
            Token token = argument.Tokens[i];
            if (i > 0) text.Append(token.StartsLine ? Continuation : Spacing.Between(file.Source, argument.Tokens, i));
            text.Append(file.TextOf(token));
        }
        return text.ToString();
    }

    /// <summary>Tokens of a union that was not on one line.</summary>
    public string Flat(TokenRange range)
    {
        StringBuilder text = new();
        for (int i = range.First; i < range.End; i++)
        {
            Token token = file.Tokens[i];
            if (i > range.First) text.Append(token.StartsLine ? "\n  " : " ");
            text.Append(file.TextOf(token).Trim('`'));
        }
        return text.ToString();
    }
}
