using System.Globalization;
using System.Text;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;
using Calendar = Plinth.Schema.Types.Calendar;

namespace Plinth.Expressions;

/// <summary>A schema that has every kind of field, and random rows of it: edges often, nulls in a third of what may be null.</summary>
sealed class RandomRows
{
    public const string SchemaText = """
        auth { id Int  name String?  roles Kind[] }
        enum Kind { low mid high }
        type Place { street String  city String?  zip Int  far BigInt?  rate Float  price Decimal(6, 2)?  seen DateTime?  on Date?
          ref Uuid?
          open Boolean?  codes Int[] }
        type Remark { text String  weight Int }
        type Visit { at DateTime  weight Int  who String? }
        union Entry = Remark | Visit
        model Owner {
          id Int @id  name String?  level Int?  active Boolean?  rows Row[]  @@softDelete
        }
        model Row {
          id Int @id
          a Int?  b Int  big BigInt?  huge BigInt?  f Float?  g Float  d Decimal(8, 2)?  e Decimal(12, 4)?  w Decimal(18, 0)?
          s String?  t String  p Boolean?  q Boolean  at DateTime?  until DateTime?  span Duration?  lap Duration?  day Date?  clock Time?
          u Uuid?  v Uuid?  kind Kind?  tags String[]  nums Int[]  bigs BigInt[]  prices Decimal(6, 2)[]  refs Uuid[]  kinds Kind[]
          place Place?  entries Entry[]  data Json?
          owner Owner?  parent Row? @relation(name: "tree")  children Row[] @relation(name: "tree")
        }
        """;

    static readonly string[] s_texts =
        ["", "a", "A", "ab", "Ab", "abc", "b", "bc", " x ", "%", "_", "é", "\uFB01", "\U0001F600", "a\U0001F600b", "Zoë", "low", "mid",
            "\u00A0y"];

    readonly Random _random;
    readonly List<Value[]> _owners = [];
    readonly List<Value[]> _rows = [];

    public RandomRows(Random random, int owners, int rows)
    {
        _random = random;
        for (int i = 0; i < owners; i++) _owners.Add(Make(Schema.Model("Owner"), i + 1, owners, rows));
        for (int i = 0; i < rows; i++) _rows.Add(Make(Schema.Model("Row"), i + 1, owners, rows));
    }

    public static AppSchema Schema { get; } = SchemaReader.Read([new SourceText("schema.plinth", SchemaText)]) is { Schema: { } schema }
        ? schema
        : throw new InvalidOperationException(
            SchemaReader.Read([new SourceText("schema.plinth", SchemaText)]).Diagnostics[0].ToString());

    public IReadOnlyList<Value[]> Of(string model) => model == "Owner" ? _owners : _rows;

    public IReadOnlyList<Value[]> Related(Relation relation, Value[] row)
    {
        Model from = Schema.Model(relation.Model), to = Schema.Model(relation.Target);
        int mine = from.Field(relation.Fields[0])!.Ordinal, theirs = to.Field(relation.References[0])!.Ordinal;
        if (row[mine].IsNull) return [];
        int? deleted = to.IsSoftDelete ? to.Field(Model.DeletedAt)!.Ordinal : null;
        return [.. Of(to.Name).Where(r => r[theirs] == row[mine] && (deleted is null || r[deleted.Value].IsNull))];
    }

    Value[] Make(Model model, int id, int owners, int rows) => [.. model.Fields.Select(field => field.Name switch
    {
        "id" => Value.From((long)id),
        "ownerId" => Maybe(Value.From((long)_random.Next(1, owners + 1))),
        "parentId" => Maybe(Value.From((long)_random.Next(1, rows + 1))),
        _ when field.IsNullable && _random.Next(3) == 0 => Value.Null,
        _ => Stored(field),
    })];

    Value Maybe(Value value) => _random.Next(3) == 0 ? Value.Null : value;

    Value Stored(Field field)
    {
        if (!field.IsJsonStored) return Of(field.Type);
        StringBuilder json = new();
        Json(json, field, isOpen: field.Type is ScalarFieldType { Scalar.Kind: ValueKind.Json });
        return Value.FromJson(Encoding.UTF8.GetBytes(json.ToString()));
    }

    Value Of(FieldType type) => type switch
    {
        EnumFieldType e => Value.From(Pick([.. e.Enum.Values])),
        ScalarFieldType { Scalar: var scalar } => scalar switch
        {
            IntType => Value.From((long)Pick([0, 1, -1, 2, 3, 7, 10, 100, int.MaxValue, int.MinValue, _random.Next(-20, 20)])),
            BigIntType => Value.From(Pick([0L, 1, -1, 5, long.MaxValue, long.MinValue, 3_000_000_000, _random.NextInt64()])),
            FloatType => Value.From(Pick([0d, 1, -1, 0.5, 2, 1e308, -1e308, 1e-300, 3.25, _random.Next(-50, 50) / 4d])),
            DecimalType d => Value.FromDecimal(Pick([0L, 1, -1, 100, 1250, DecimalType.PowerOfTen(d.Precision) - 1,
                _random.Next(-9999, 9999)]), d.Scale),
            BooleanType => Value.From(_random.Next(2) == 0),
            DateTimeType => Value.FromDateTime(Instant()),
            DateType => Value.FromDate(Pick([0L, -1, 19782, Calendar.DayMin, Calendar.DayMax, _random.Next(-30000, 30000)])),
            TimeType => Value.FromTime(Pick([0L, 1, 86_399_999_999, _random.NextInt64(86_400_000_000)])),
            DurationType => Value.FromDuration(Pick([0L, 1, -1, 1_500_000, -86_400_000_000, long.MaxValue,
                _random.NextInt64(-9_000_000_000, 9_000_000_000)])),
            UuidType => Value.From(Uuid()),
            _ => Value.From(Pick(s_texts)),
        },
        _ => throw new InvalidOperationException(type.Name),
    };

    long Instant() => Pick([0L, 1, -1, -1_000_001, 1_709_210_096_123_456, DateTimeType.Min, DateTimeType.Max,
        _random.NextInt64(-2_000_000_000_000_000, 4_000_000_000_000_000)]);

    /// <summary>One of few, so that equality has a chance.</summary>
    Guid Uuid() => new((uint)_random.Next(3), 0, 0, 0x80, 1, 2, 3, 4, 5, 6, 7);

    void Json(StringBuilder to, Field field, bool isOpen)
    {
        if (isOpen)
        {
            Open(to, 0);
            return;
        }
        if (!field.IsList)
        {
            Item(to, field.Type);
            return;
        }
        to.Append('[');
        int items = _random.Next(4);
        for (int i = 0; i < items; i++)
        {
            if (i > 0) to.Append(',');
            Item(to, field.Type);
        }
        to.Append(']');
    }

    void Item(StringBuilder to, FieldType type)
    {
        switch (type)
        {
            case EmbeddedFieldType embedded: Members(to, Schema.Type(embedded.TypeName), null); break;
            case UnionFieldType union:
                string variant = Pick([.. Schema.Union(union.UnionName).Variants]);
                Members(to, Schema.Type(variant), variant);
                break;
            case ScalarFieldType { Scalar: var scalar }:
                using (ByteOutput output = new())
                {
                    scalar.WriteJson(output, Of(type));
                    to.Append(Encoding.UTF8.GetString(output.Written));
                }
                break;
            default: to.Append('"').Append(Of(type).String).Append('"'); break;
        }
    }

    void Members(StringBuilder to, EmbeddedType type, string? tag)
    {
        to.Append('{');
        if (tag is not null) to.Append("\"type\":\"").Append(tag).Append('"');
        foreach (Field field in type.Fields)
        {
            // Absent and null are both ways of having nothing.
            bool isNothing = field.IsNullable && _random.Next(3) == 0;
            if (isNothing && _random.Next(2) == 0) continue;
            if (to[^1] != '{') to.Append(',');
            to.Append('"').Append(field.Name).Append("\":");
            if (isNothing) to.Append("null");
            else Json(to, field, isOpen: false);
        }
        to.Append('}');
    }

    void Open(StringBuilder to, int depth)
    {
        switch (_random.Next(depth > 2 ? 5 : 8))
        {
            case 0: to.Append(_random.Next(-3, 4).ToString(CultureInfo.InvariantCulture)); break;
            case 1: to.Append(Pick(["0.5", "1.0", "2.25", "-1.5"])); break;
            case 2: to.Append(Pick(["\"\"", "\"a\"", "\"1\"", "\"true\""])); break;
            case 3: to.Append(Pick(["true", "false"])); break;
            case 4: to.Append(depth == 0 ? "\"a\"" : "null"); break;
            case 5:
                to.Append('[');
                Open(to, depth + 1);
                to.Append(',');
                Open(to, depth + 1);
                to.Append(']');
                break;
            default:
                to.Append("{\"k\":");
                Open(to, depth + 1);
                to.Append(",\"m\":");
                Open(to, depth + 1);
                to.Append('}');
                break;
        }
    }

    T Pick<T>(ReadOnlySpan<T> of) => of[_random.Next(of.Length)];
}
