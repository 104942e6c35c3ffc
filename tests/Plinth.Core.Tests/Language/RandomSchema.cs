using System.Text;

namespace Plinth.Language;

/// <summary>Schemas of every construct, in native text: most are read without errors, all are different.</summary>
sealed class RandomSchema(Random random)
{
    static readonly string[] s_scalars =
    [
        "String", "Text", "Boolean", "Int", "BigInt", "Float", "Decimal(8, 2)", "DateTime", "Date", "Time", "Duration", "Uuid", "Cuid",
            "NanoId",
        "Bytes", "Json", "Url", "Role", "Address", "Block",
    ];

    static readonly string[] s_words = ["alpha", "beta", "doc", "kind", "name", "owner_id", "createdOn", "x1", "note", "total", "type",
        "use"];

    readonly StringBuilder _text = new();

    public static string Text(Random random) => new RandomSchema(random).Write();

    bool Chance(int percent) => random.Next(100) < percent;

    string One(params string[] of) => of[random.Next(of.Length)];

    string Write()
    {
        if (Chance(60))
        {
            _text.Append("/// What it is: \"all\", 'of' it\n");
            _text.Append($"app shop {{ defaults {{ pageSize = {random.Next(1, 30)} }} }}\n");
        }
        if (Chance(80)) _text.Append("auth Person { id Uuid  role Role?  tags String[]  home Address?\n /// when\n since DateTime? }\n");
        else _text.Append("auth { id Uuid  role Role }\n");
        _text.Append("/// Roles\nenum Role { admin user other }\n");
        _text.Append("type Address { street String @length(1, 20) @trim\n");
        _text.Append(" zip String? @regex(\"^[0-9]{5}\\\"$\")\n tags Int[] @range(max: 5) }\n");
        _text.Append("type Line { text String  done Boolean @default(false) }\n");
        _text.Append("type Pic { url Url  alt String? @deprecated(\"no, 'use' text: it\") }\n");
        _text.Append("union Block = Line | Pic\nmixin Stamped { made DateTime @default(now())  changed DateTime @updatedAt }\n");
        int models = random.Next(1, 5);
        for (int i = 0; i < models; i++) Model(i, models);
        return _text.ToString();
    }

    void Model(int index, int models)
    {
        if (Chance(30)) _text.Append($"/// Model {index}: a # b\n/// second line\n");
        _text.Append($"model {(index == 0 ? "Person2" : $"Thing{index}")} {{\n");
        bool isComposite = Chance(15);
        if (isComposite) _text.Append("  left Int\n  right String\n  @@id([left, right])\n");
        else _text.Append(One("  id Uuid @id @default(uuid7())\n", "  id Int @id @default(autoincrement())\n",
            "  id String @id @default(cuid())\n",
            "  id String @id\n", "  id Cuid @id @default(cuid())\n", "  key NanoId @id @default(nanoid())\n",
                "  id Uuid @id @default(uuid4())\n"));
        if (Chance(40)) _text.Append("  use Stamped\n");
        string[] names = [.. s_words.OrderBy(_ => random.Next()).Take(random.Next(1, 8))];
        foreach (string name in names) Field(name);
        for (int i = 0; i < models; i++) if (Chance(35)) Relation(index, i);
        if (Chance(50)) _text.Append("  extra Int @default(1)\n  label String @default(\"auto\")\n");
        else _text.Append("  extra Int\n  label String\n");
        Attributes(index);
        _text.Append("}\n");
    }


    void Relation(int from, int to)
    {
        string target = to == 0 ? "Person2" : $"Thing{to}", name = $"r{from}{to}";
        bool isOptional = Chance(50);
        string arguments = One("", isOptional ? "(onDelete: setNull)" : "(onDelete: cascade)", "(onDelete: restrict)");
        string more = One("", "", " @unique", " @immutable", " @index", " @map(\"ref_x\")", " @renamedFrom(\"old\")",
            " @deprecated(\"later\")",
            " @allow(\"read\", auth != null)");
        _text.Append($"  {name} {target}{(isOptional ? "?" : "")} @relation{arguments}{more}\n");
    }

    void Field(string name)
    {
        string type = s_scalars[random.Next(s_scalars.Length)];
        bool isList = Chance(15), isOptional = !isList && Chance(40);
        if (Chance(15)) _text.Append("  /// about: {it} [x], \"q\" \\ done\n");
        _text.Append($"  `{name}` {type}{(isList ? "[]" : isOptional ? "?" : "")}");
        if (type == "String" && !isList)
        {
            foreach (string attribute in new[] { " @length(1, 80)", " @regex(\"^[a-z]+'\\\\d$\")", " @trim", " @lowercase", " @email",
                " @url",
                " @oneOf([\"a\", \"b c\", \"true\", \"1\", \"null\"])", " @check(size(label) > 0)", " @default(\"x: y # z\")",
                    " @iso4217" })
                if (Chance(18)) _text.Append(attribute);
        }
        if (type is "String" or "Text" && Chance(15)) _text.Append(One(" @html", " @html(full)", " @html(standard, deny: [link, bold])",
            " @html(minimal, allow: [code])", " @html(minimal, deny: [bold, italic])"));
        if (type is "Int" or "BigInt" && !isList && Chance(40)) _text.Append(One(" @range(0, 100)", " @range(max: 5)",
            " @oneOf([1, 2, -3])"));
        if (type == "Decimal(8, 2)" && !isList && Chance(40)) _text.Append(One(" @range(0.50, 99.9)", " @default(1.50)", " @default(-3)"));
        if (type == "Float" && !isList && Chance(30)) _text.Append(One(" @default(1.5)", " @default(1e20)"));
        if (type == "Role" && !isList && Chance(30)) _text.Append(" @default(user)");
        if (type == "Json" && !isList && Chance(40)) _text.Append(" @default({ \"a\": [1, true, null, \"x: \\\"y\\\"\"], \"b c\": {} })");
        if (type == "Boolean" && !isList && Chance(40)) _text.Append(" @default(true)");
        if (type == "DateTime" && !isList && Chance(40)) _text.Append(One(" @default(now())", " @default(\"2024-01-01T00:00:00Z\")"));
        if (type == "Uuid" && !isList && Chance(40)) _text.Append(One(" @default(uuid7())", " @default(uuid4())", " @default(auth.id)"));
        if (isList && type == "String" && Chance(50)) _text.Append(" @default([\"a\", \"true\"]) @length(max: 3)");
        foreach (string flag in new[] { " @pii", " @sensitive", " @immutable", " @deprecated(\"x\")", " @map(\"col_" + name + "\")",
            " @renamedFrom(\"was_" + name + "\")", " @allow(\"read\", auth.id != null)",
                " @deny(\"write\", extra > 3, message: \"no: 'never'\")" })
            if (Chance(8) && (isOptional || isList || flag != " @pii")) _text.Append(flag);
        bool isPlain = !isList && type is not ("Json" or "Address" or "Block");
        if (isPlain && Chance(12)) _text.Append(One(" @unique", " @unique(code: \"taken\")", " @index",
            " @index(name: \"ix_" + name + "\")"));
        _text.Append('\n');
    }

    void Attributes(int index)
    {
        foreach (string attribute in new[] { "@@unique([extra, label])", "@@index([extra, label(desc)])",
            "@@index([label], where: extra > 1)",
            "@@unique([label], where: extra == 3, name: \"uq_" + index + "\", code: \"dup\")", "@@fulltext([label])",
                "@@check(extra > 0 || label != \"\")",
            "@@check(extra < 10, name: \"few" + index + "\")", "@@softDelete", "@@paged", "@@map(\"tbl" + index + "\")",
                "@@route(\"way-" + index + "\")",
            "@@renamedFrom(\"Before" + index + "\")" })
            if (Chance(25)) _text.Append("  ").Append(attribute).Append('\n');
        foreach (string rule in new[] { "@@allow(\"read\", true)", "@@allow(\"create\", auth.role == \"admin\" || extra in [1, 2])",
            "@@allow(\"update\", extra > 0, after: label == before.label)", "@@deny(\"delete\", label == 'it\\'s', message: \"no # way\")",
            "@@allow(\"list, update\", auth != null)", "@@allow(\"all\", auth.role == \"admin\")",
                "@@allow(\"update\", after: extra >= before.extra)" })
            if (Chance(35)) _text.Append("  ").Append(rule).Append('\n');
    }
}
