using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>Reading schemas in tests, in one word.</summary>
static class Schemas
{
    public static SchemaReading Read(string text) => SchemaReader.Read([new SourceText("schema.plinth", text)]);

    /// <summary>The schema of a text that has no errors.</summary>
    public static AppSchema Load(string text)
    {
        SchemaReading reading = Read(text);
        Assert.True(reading.Schema is not null, string.Join("\n\n", reading.Diagnostics.Select(DiagnosticText.Render)));
        return reading.Schema;
    }

    /// <summary><c>line:column code</c> of each finding, in order.</summary>
    public static string[] Places(string text) => [.. Read(text).Diagnostics.Select(d =>
    {
        var (line, column) = d.Source.Position(d.Span.Start);
        return $"{line}:{column} {d.Code}";
    })];

    public const string Crm = """
        /// A customer relationship backend.
        app crm {
          tenancy  = none
          defaults { pageSize = 20  maxPageSize = 1000 }
        }

        auth {                                     // the shape of `auth` in expressions
          id Uuid   role Role   tenantId Uuid?   email String?
        }

        enum Role { admin manager sales support viewer }
        enum Stage { open won lost }

        mixin Timestamps { createdAt DateTime @default(now())   updatedAt DateTime @updatedAt }

        type Address { street String   city String   zip String @regex("^[0-9]{5}$") }   // embedded value, stored as JSON

        type Paragraph { text String }
        type CallLog   { at DateTime   summary String @length(max: 2000) }
        union Block = Paragraph | CallLog                                                 // tagged by `type`

        model User {
          id Uuid @id @default(uuid7())
          name String
          @@allow("read", true)
        }

        model Company { id Uuid @id @default(uuid7())  name String  contacts Contact[]  @@allow("all", auth != null) }

        model Deal {
          id Uuid @id @default(uuid7())
          stage Stage @default(open)
          contact Contact @relation(onDelete: cascade)
          @@allow("read", auth != null)
        }

        model Contact {
          use Timestamps
          id          Uuid     @id @default(uuid7())
          email       String   @email @trim @lowercase
          firstName   String   @length(1, 80)
          lastName    String   @length(1, 80)
          displayName String   @computed(firstName + " " + lastName)
          phone       String?  @pii
          score       Int      @default(0) @range(0, 100)
          tags        String[]
          notes       Block[]
          address     Address?
          company     Company? @relation(onDelete: setNull)      // adds `companyId Uuid?` unless it is written out
          owner       User     @relation @default(auth.id)
          deals       Deal[]                                     // the other side of Deal.contact
          revision    Int      @version
          secret      String?  @serverOnly

          @@unique([owner, email])
          @@index([companyId, score(desc)])
          @@fulltext([firstName, lastName, email])
          @@check(score >= 0)
          @@allow("read",   auth != null)
          @@allow("create", auth.role in ["admin", "manager", "sales"])
          @@allow("update", owner.id == auth.id, after: owner.id == before.owner.id)
          @@allow("update", auth.role in ["admin", "manager"])
          @@deny ("delete", deals.exists(d, d.stage == "won"))
          @@allow("delete", auth.role == "admin")
          @@softDelete
        }
        """;
}
