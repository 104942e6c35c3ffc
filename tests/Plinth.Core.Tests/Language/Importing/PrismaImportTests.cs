using System.Diagnostics;
using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language.Importing;

public class PrismaImportTests
{
    const string Blog = """
        // comment
        datasource db { provider = "postgresql" }
        generator client {
          provider = "prisma-client-js"
        }

        /// Who writes
        model User {
          id        String   @id @default(uuid())
          email     String   @unique @db.VarChar(200)
          role      Role     @default(USER)
          profile   Profile?
          posts     Post[]   @relation("written")
          liked     Post[]   @relation("likes")
          manager   User?    @relation("team", fields: [managerId], references: [id])
          managerId String?
          team      User[]   @relation("team")
          tags      String[] @default(["a", "b"])
          balance   Decimal  @default(0) @db.Decimal(12, 2)
          createdAt DateTime @default(now())
          updatedAt DateTime @updatedAt
          limit     Int?
          @@map("users")
        }

        model Profile {
          id     Int    @id @default(autoincrement())
          user   User   @relation(fields: [userId], references: [id], onDelete: Cascade)
          userId String @unique
          meta   Json   @default("{\"a\": 1}")
          geo    Unsupported("point")?
        }

        model Post {
          id       BigInt @id @default(autoincrement())
          title    String
          author   User?  @relation("written", fields: [authorId], references: [id])
          authorId String?
          likedBy  User[] @relation("likes")
          data     Bytes?
          @@index([authorId, title(sort: Desc)], map: "ix_author")
          @@unique([title, authorId])
        }

        enum Role {
          USER
          ADMIN @map("admin")
        }

        view Totals {
          id Int @unique
        }
        """;

    static Imported Import(string text) => PrismaImport.Import(new SourceText("schema.prisma", text), Limits.Default);

    /// <summary>Databases that name indexes per table have the same name often; in one of ours a name is one index.</summary>
    [Fact]
    public void Names_of_indexes_that_several_tables_have_are_made_anew()
    {
        Imported imported = Import("""
            model Customer {
              id     Int    @id
              mobile String @unique(map: "mobile")
              email  String
              @@index([email], map: "email")
            }
            model Lead {
              id     Int    @id
              mobile String
              email  String @unique(map: "email")
              @@index([email, mobile], map: "both")
              @@index([mobile], map: "mobile")
            }
            """);
        Assert.True(imported.Text is not null, string.Join('\n', imported.Diagnostics.Select(DiagnosticText.Render)));
        AppSchema schema = Schemas.Load(imported.Text);
        Assert.Equal("mobile", Assert.Single(schema.Model("Customer").Uniques).Name);
        Assert.Equal(["leads_email_unique", "both", "leads_mobile_index"],
            schema.Model("Lead").Uniques.Select(u => u.Name).Concat(schema.Model("Lead").Indexes.Select(i => i.Name)));
        string[] made = [.. imported.Notes.Where(n => n.Message.Contains("in one database", StringComparison.Ordinal)).Select(n => n.Path)];
        Assert.Equal(2, made.Length);
    }

    [Fact]
    public void A_prisma_schema_becomes_one_that_checks_and_what_it_loses_is_listed()
    {
        Imported imported = Import(Blog);
        Assert.True(imported.Text is not null, string.Join('\n', imported.Diagnostics.Select(DiagnosticText.Render)));
        AppSchema schema = Schemas.Load(imported.Text);
        Model user = schema.Model("User"), post = schema.Model("Post");
        Assert.Equal(("users", "Uuid", "Who writes"), (user.Table, user.Field("id")!.Type.Name, user.Doc));
        // A key that refers to a UUID is one.
        Assert.Equal("Uuid", post.Field("authorId")!.Type.Name);
        Assert.Equal(ReferentialAction.SetNull, post.Relation("author")!.OnDelete);
        Assert.Equal("Post", user.Relation("posts")!.Target);
        Assert.Equal(("manager", "team"), (user.Relation("team")!.Inverse, user.Relation("manager")!.Inverse));
        Assert.Equal("likes", user.Relation("liked")!.Target);
        Assert.Equal(["postId", "userId"], schema.Model("likes").Key.Order());
        Assert.Equal("Decimal(12, 2)", user.Field("balance")!.Type.Name);
        Assert.Equal("limit", user.Field("limitValue")!.Column);
        Assert.Equal(ReferentialAction.Cascade, schema.Model("Profile").Relation("user")!.OnDelete);
        Assert.False(schema.Model("Profile").Relation("user")!.IsOptional);
        Assert.All(schema.Models, m => Assert.Empty(m.Rules));
        string notes = string.Join('\n', imported.Notes.Select(n => $"{n.Path}: {n.Message}"));
        foreach (string expected in (string[])["User.limit: called", "User.liked: a list on both sides",
            "Profile.geo: left out: Unsupported",
            "Totals: left out: a view", "Role.ADMIN: @map", ": Prisma has no access rules"])
            Assert.Contains(expected, notes, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "empty_block 1")]
    [InlineData("hello", "unexpected_token 1")]
    [InlineData("model A {\n  id Int @id\n", "unclosed 1")]
    [InlineData("model A {\n  id\n}\n", "unexpected_token 2")]
    [InlineData("model A {\n  id Int @default(\"x\n}\n", "unclosed 2")]
    [InlineData("model A {\n  id Int @id(\n", "unclosed 1")]
    [InlineData("model A {\n  ! Int\n  b ! c\n}\n", "unexpected_token 2")]
    public void What_is_broken_is_said_with_its_place(string text, string expected)
    {
        Imported imported = Import(text);
        Assert.Null(imported.Text);
        Diagnostic first = imported.Diagnostics[0];
        Assert.Equal(expected, $"{first.Code} {first.Source.Position(first.Span.Start).Line}");
    }

    [Fact]
    public void Noise_is_answered()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 300, soak: 30_000), read = 0;
        Random random = new(seed);
        string[] soup = ["model", "enum", "{", "}", "(", ")", "[", "]", "@", "@@", "@id", "@relation(", "fields: [id]",
            "\"", "\n", "\u202E", "`", "?", "//",
            "///", ".", ",", "String", "Int", "User", "@default(uuid())", "@db.VarChar(9)", "@@id([id, id])", "\\", "\0", "-1"];
        for (int i = 0; i < count; i++)
        {
            StringBuilder text = new(Blog);
            int accidents = random.Next(1, 8);
            for (int j = 0; j < accidents; j++)
            {
                int at = random.Next(text.Length), length = Math.Min(random.Next(1, 12), text.Length - at);
                if (random.Next(2) == 0) text.Remove(at, length);
                else text.Insert(at, soup[random.Next(soup.Length)]);
            }
            Imported imported = Import(text.ToString());
            Assert.True(imported.Text is null != imported.Diagnostics.IsEmpty, $"seed {seed}:\n{text}");
            if (imported.Text is not { } native) continue;
            read++;
            Assert.True(Schemas.Read(native).Schema is not null, $"seed {seed}:\n{text}\n→\n{native}");
        }
        Assert.InRange(read, 1, count - 1);
        Counts.Report("Prisma import: accidents", count, seed, $"{read} imported");
    }

    [Fact]
    public void Large_and_deep_files_are_answered()
    {
        foreach (string noise in (string[])[new string('(', 1 << 20), "model A { x Int @a" + new string('[', 1 << 20),
            string.Concat(Enumerable.Repeat("model A {\n x Int\n}\n", 20_000)), new string('x', (10 << 20) + 1)])
        {
            Stopwatch watch = Stopwatch.StartNew();
            _ = Import(noise);
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed} for '{noise[..10]}…'");
        }
        Assert.Contains(Import("model A {\n x Int @a(" + new string('[', 1000)).Diagnostics,
            d => d.Message.Contains("limits.schemaDepth", StringComparison.Ordinal));
    }
}
