using Plinth.Plan;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>Relations over keys other than the id: what refers follows, is cleared, or forbids.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class KeyChangeTests
{
    const string Schema = """
        model Country {
          id Int @id
          code String @unique
          cities City[] @relation(name: "cities")
          rivers River[] @relation(name: "rivers")
          peaks Peak[] @relation(name: "peaks")
          @@allow("all", true)
        }
        model City { id Int @id  code String?
          country Country? @relation(name: "cities", fields: [code], references: [code], onUpdate: cascade)  @@allow("all", true) }
        model River { id Int @id  code String?
          country Country? @relation(name: "rivers", fields: [code], references: [code], onUpdate: setNull)  @@allow("all", true) }
        model Peak { id Int @id  code String?  country Country? @relation(name: "peaks", fields: [code], references: [code])
          @@allow("all", true) }
        """;

    [Fact]
    public async Task What_refers_to_a_changed_key_follows_is_cleared_or_forbids()
    {
        using WriteFixture fixture = new(Schema);
        await fixture.Do(CommandKind.Create, "Country", """{"id":1,"code":"aa"}""");
        await fixture.Do(CommandKind.Create, "City", """{"id":1,"code":"aa"}""");
        await fixture.Do(CommandKind.Create, "River", """{"id":1,"code":"aa"}""");
        await fixture.Do(CommandKind.Update, "Country", """{"code":"bb"}""", "1");
        Assert.Equal(["""{"id":1,"code":"bb"}"""], await fixture.Rows("City"));
        Assert.Equal(["""{"id":1,"code":null}"""], await fixture.Rows("River"));
        await fixture.Do(CommandKind.Create, "Peak", """{"id":1,"code":"bb"}""");
        int events = fixture.Events().Count;
        Assert.StartsWith(
            "restricted_by_reference", await fixture.Refused(CommandKind.Update, "Country", """{"code":"cc"}""", "1"),
                StringComparison.Ordinal);
        Assert.Equal(events, fixture.Events().Count);
        Assert.Equal(["""{"id":1,"code":"bb"}"""], await fixture.Rows("City"));
    }

    [Fact]
    public async Task A_filtered_change_of_a_key_changes_those_that_followed_it_too()
    {
        using WriteFixture fixture = new("""
            model Node {
              id Int @id
              area String
              code String
              above String?
              parent Node? @relation(fields: [area, above], references: [area, code], onUpdate: cascade)
              @@unique([area, code])
              @@allow("all", true)
            }
            """);
        await fixture.Do(CommandKind.Create, "Node", """{"id":1,"area":"a","code":"root"}""");
        await fixture.Do(CommandKind.Create, "Node", """{"id":2,"area":"a","code":"leaf","above":"root"}""");
        Command move = WriteFixture.Command(CommandKind.UpdateMany, "Node", """{"area":"b","code":null}""") with { Filter = "true" };
        Assert.StartsWith("validation_failed", WriteFixture.Told(await fixture.Send(move)), StringComparison.Ordinal);
        string moved = WriteFixture.Body(await fixture.Send(move with { Body = """{"area":"b"}"""u8.ToArray() }));
        Assert.StartsWith("""{"matched":2,""", moved, StringComparison.Ordinal);
        Assert.Equal(
            ["""{"id":1,"area":"b","code":"root","above":null}""", """{"id":2,"area":"b","code":"leaf","above":"root"}"""],
            await fixture.Rows("Node"));
        Assert.Empty(fixture.Engine.Replay(null, CancellationToken.None).Differences);
    }
}
