using System.Collections.Immutable;
using Plinth.Cases;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>A schema for tests of expressions, and reading them in one word.</summary>
static class Expressing
{
    public static readonly bool HasTimeZones = TimeZoneData.Ensure();

    public static readonly AppSchema Schema = Schemas.Load("""
        auth { id Uuid  role Role?  name String?  teams String[] }
        enum Role { admin manager sales }
        type Address { street String  city String?  zip Int }
        type Remark { text String }
        type Call { text String  minutes Int }
        union Block = Remark | Call
        model User { id Uuid @id  name String  role Role  secret String? @serverOnly  deals Deal[]  @@softDelete }
        model Company { id Int @id  name String  deals Deal[] }
        model Deal {
          id Int @id  title String  stage Role?  amount Decimal(10, 2)?  score Int?  weight Float?  open Boolean
          createdAt DateTime  day Date?  length Duration?  hidden String? @serverOnly
          tags String[]  address Address?  blocks Block[]  data Json?
          owner User  company Company?
        }
        """);

    public static Model Deal => Schema.Model("Deal");

    public static ExpressionScope Rule => ExpressionScope.Rule(Schema, Deal);

    public static (CheckedExpression? Expression, ImmutableArray<Diagnostic> Diagnostics) Read(
        string text, ExpressionScope? scope = null, CelType? expected = null, Limits? limits = null) =>
        CheckedExpression.Read(new SourceText("rule", text), new Span(0, text.Length), scope ?? Rule, expected, limits ?? Limits.Default);

    public static CheckedExpression Check(string text, ExpressionScope? scope = null)
    {
        var (expression, diagnostics) = Read(text, scope);
        Assert.True(expression is not null, string.Join('\n', diagnostics.Select(d => d.Message)));
        return expression;
    }

    /// <summary>code, then the text that it points at.</summary>
    public static string Refused(string text, ExpressionScope? scope = null, CelType? expected = null)
    {
        var (expression, diagnostics) = Read(text, scope, expected);
        Assert.Null(expression);
        return string.Join("; ", diagnostics.Select(d => $"{d.Code} {d.Source.Slice(d.Span)}"));
    }

    /// <summary>A row of Deal with these fields set and the others null (lists empty).</summary>
    public static Value[] Row(params ReadOnlySpan<(string Field, Value Value)> values)
    {
        Value[] row = [.. Deal.Fields.Select(f => f.IsList ? Value.FromJson("[]"u8.ToArray()) : Value.Null)];
        foreach (var (field, value) in values) row[Deal.Field(field)!.Ordinal] = value;
        return row;
    }

    public static Value Auth(params ReadOnlySpan<(string Claim, Value Value)> claims)
    {
        KeyValuePair<string, Value>[] entries = new KeyValuePair<string, Value>[claims.Length];
        for (int i = 0; i < claims.Length; i++) entries[i] = new(claims[i].Claim, claims[i].Value);
        return Value.FromMap(new ValueMap(entries));
    }

    public static Truth Decide(string text, Value[]? row = null, Value auth = default) =>
        CompiledExpression.Compile(Check(text)).Decide(new EvaluationContext { Row = row ?? Row(), Auth = auth });
}
