using System.Collections.Immutable;
using System.Text;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>A schema made by hand (so that these tests need no other room), and the road from a body to a decided record.</summary>
static class WriteSample
{
    public const long Now = 1_700_000_000_000_000;

    static readonly SourceText s_source = new("schema.plinth", "");

    static readonly EnumType s_stage = new("Stage", ["open", "won", "lost"]);

    public static AppSchema Schema { get; } = new(
        "app",
        new AppDefaults(),
        null,
        [s_stage],
        [
            new EmbeddedType("Address", [Member("street", StringType.It), Member("city", StringType.It, nullable: true)]),
            new EmbeddedType("Paragraph", [Member("text", StringType.It) with { Validators = [new LengthValidator(1, 10)] }]),
            new EmbeddedType("CallLog", [Member("at", DateTimeType.It)]),
        ],
        [new UnionType("Block", ["Paragraph", "CallLog"])],
        [Contact()]);

    public static RecordShapes Shapes { get; } = new(Schema, Compile);

    public static RecordShape Shape => Shapes.Model("Contact");

    public static ValueReader Reader(Value auth = default, int seed = 1, bool asServer = false)
    {
        Random random = new(seed);
        return new(Shapes, new Moment(Now, new IdSource(random.NextBytes), auth), new Problems()) { AsServer = asServer };
    }

    public static (Value[] Row, Fault? Fault) Create(string body, Value auth = default, bool asServer = false)
    {
        ValueReader reader = Reader(auth, asServer: asServer);
        var input = InputReader.Read(Encoding.UTF8.GetBytes(body), Shape, InputMode.Create, reader, Limits.Default);
        if (!input.IsOk) return ([], input.Fault);
        Deciding.Complete(Shape, input.Value, reader);
        return (input.Value.Values, reader.Problems.ToFault());
    }

    public static (Value[] Row, Fault? Fault) Patch(Value[] before, string body)
    {
        ValueReader reader = Reader();
        var input = InputReader.Read(Encoding.UTF8.GetBytes(body), Shape, InputMode.Patch, reader, Limits.Default);
        if (!input.IsOk) return ([], input.Fault);
        Value[] after = Deciding.Patch(Shape, before, input.Value, reader);
        return (after, reader.Problems.ToFault());
    }

    public static (Value[] Row, Fault? Fault) Replace(Value[] before, string body)
    {
        ValueReader reader = Reader();
        var input = InputReader.Read(Encoding.UTF8.GetBytes(body), Shape, InputMode.Replace, reader, Limits.Default);
        if (!input.IsOk) return ([], input.Fault);
        Value[] after = Deciding.Replace(Shape, before, input.Value, reader);
        return (after, reader.Problems.ToFault());
    }

    public static Value Of(this Value[] row, string field) => row[Shape.Model!.Field(field)!.Ordinal];

    public static string JsonOf(this Value[] row, string field) => Encoding.UTF8.GetString(row.Of(field).Json);

    static Model Contact()
    {
        ImmutableArray<Field> fields =
        [
            Scalar("id", UuidType.It) with { Default = new GeneratedDefault(IdGenerator.Uuid7), IsImmutable = true },
            Scalar("email", StringType.It) with
            {
                Validators = [new EmailValidator()],
                Normalisers = [Normaliser.Trim, Normaliser.Lowercase],
            },
            Scalar("firstName", StringType.It) with { Validators = [new LengthValidator(1, 5)] },
            Scalar("shout", StringType.It) with { Computed = Text("upper(firstName)") },
            Scalar("score", IntType.It) with { Default = new LiteralDefault(Value.From(7)), Validators = [new RangeValidator(0, 100)] },
            Scalar("price", new DecimalType(8, 2)) with { IsNullable = true, Validators = [new RangeValidator(0.01m, null)] },
            Scalar("big", BigIntType.It) with { IsNullable = true },
            Scalar("ratio", FloatType.It) with { IsNullable = true, Validators = [new RangeValidator(0, 0.1m)] },
            Scalar("tags", StringType.It) with { IsList = true, Validators = [new LengthValidator(0, 2)], Normalisers = [Normaliser.Trim] },
            Of("notes", new UnionFieldType("Block")) with { IsList = true },
            Of("address", new EmbeddedFieldType("Address")) with { IsNullable = true },
            Scalar("extra", JsonType.It) with { IsNullable = true },
            Of("stage", new EnumFieldType(s_stage)) with { Default = new LiteralDefault(Value.From("open")) },
            Scalar("ownerId", UuidType.It) with { IsNullable = true, Default = new ClaimDefault(["id"]) },
            Scalar("secret", StringType.It) with { IsNullable = true, IsServerOnly = true },
            Scalar("createdAt", DateTimeType.It) with { Default = new NowDefault(), IsReadonly = true },
            Scalar("updatedAt", DateTimeType.It) with { IsUpdatedAt = true },
            Scalar("revision", IntType.It) with { IsVersion = true },
            Scalar("currency", StringType.It) with { IsNullable = true, Validators = [new Iso4217Validator()] },
            Scalar("zip", StringType.It) with { IsNullable = true, Validators = [new RegexValidator("^[0-9]{5}$")] },
        ];
        return new()
        {
            Name = "Contact",
            Table = "contacts",
            Route = "contacts",
            Fields = [.. fields.Select((f, i) => f with { Ordinal = i })],
            Key = ["id"],
            Checks = [new ModelCheck("score_not_thirteen", Text("score != 13"))],
            Relations =
            [
                new Relation
                {
                    Name = "owner", Model = "Contact", Target = "Contact", IsOwning = true, IsToOne = true, Fields = ["ownerId"],
                    References = ["id"],
                },
            ],
            Source = s_source,
        };
    }

    static OwnExpression Compile(Condition condition, Model? model, EmbeddedType? type, Field? computed)
    {
        int Ordinal(string name) => model!.Field(name)!.Ordinal;
        return condition.Text switch
        {
            "upper(firstName)" => row => Known(row[Ordinal("firstName")], name => Value.From(name.String.ToUpperInvariant())),
            "score != 13" => row => Known(row[Ordinal("score")], score => Value.From(score.Int != 13)),
            _ => throw new InvalidOperationException(condition.Text),
        };
    }

    static Value Known(Value value, Func<Value, Value> result) => value.IsNull ? Value.Null : result(value);

    static Condition Text(string text) => new(text, s_source, new Span(0, 0));

    static Field Scalar(string name, ScalarType type) => Of(name, new ScalarFieldType(type));

    static Field Of(string name, FieldType type) => new() { Name = name, Column = Names.SnakeCase(name), Type = type };

    static Field Member(string name, ScalarType type, bool nullable = false) =>
        new() { Name = name, Column = "", Type = new ScalarFieldType(type), IsNullable = nullable };
}
