using Plinth.Text;

namespace Plinth.Language;

public class SchemaFormatterTests
{
    static string Format(string text) => SchemaFormatter.Format(new SourceText("schema.plinth", text));

    [Fact]
    public void It_writes_the_form_of_the_contract()
    {
        string text = """
            // head
            enum Role {admin,sales}
            /// A person.
            model   Contact{   // who
            use Timestamps
            id Uuid @id @default( uuid7() )
              /// as on the passport
              firstName String   @length(1,80), company Company? // adds companyId
              tags String [ ]   /* two */


              amount Decimal( 12 , 2 )
              @@index( [company,amount(desc)] )
              @@allow("read",auth != null)
              @@deny("delete",  deals.exists(d,d.stage == "won"))
              @@allow("update",
                owner.id == auth.id,
                after: owner.id == before.owner.id)
              // the end
            }
            union Block=A|B
            mixin Timestamps { at DateTime @updatedAt }
            """;
        Assert.Equal("""
            // head
            enum Role { admin sales }

            /// A person.
            model Contact {  // who
              use Timestamps
              id        Uuid   @id @default(uuid7())
              /// as on the passport
              firstName String @length(1, 80)
              company   Company?  // adds companyId
              tags      String[]  /* two */

              amount Decimal(12, 2)
              @@index([company, amount(desc)])
              @@allow("read",   auth != null)
              @@deny ("delete", deals.exists(d, d.stage == "won"))
              @@allow("update",
                  owner.id == auth.id,
                  after: owner.id == before.owner.id)
              // the end
            }

            union Block = A | B
            mixin Timestamps { at DateTime @updatedAt }

            """, Format(text));
    }
}
