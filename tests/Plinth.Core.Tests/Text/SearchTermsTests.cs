namespace Plinth.Text;

public sealed class SearchTermsTests
{
    // The examples of UAX #29 and what their segments leave when punctuation goes.
    [Theory]
    [InlineData("The quick (\"brown\") fox can't jump 32.3 feet, right?", "the|quick|brown|fox|can't|jump|32.3|feet|right")]
    [InlineData("", "")]
    [InlineData(" \t\r\n...!?", "")]
    [InlineData("STRASSE Straße", "strasse|straße")]
    [InlineData("\u039F\u0394\u039F\u03A3 \u03BF\u03B4\u03BF\u03C2 \u03BF\u03B4\u03BF\u03C3",
        "\u03BF\u03B4\u03BF\u03C3|\u03BF\u03B4\u03BF\u03C3|\u03BF\u03B4\u03BF\u03C3")]
    [InlineData("e-mail foo_bar a.b 3a4", "e|mail|foo_bar|a.b|3a4")]
    [InlineData("1,234.56 1, 2 .5 5.", "1,234.56|1|2|5|5")]
    [InlineData("cafe\u0301 na\u00EFve", "cafe\u0301|na\u00EFve")]
    [InlineData("\u6F22\u5B57\u3072\u3089", "\u6F22|\u5B57|\u3072|\u3089")]
    [InlineData("\u30AB\u30BF\u30AB\u30CA\u8A9E", "\u30AB\u30BF\u30AB\u30CA|\u8A9E")]
    [InlineData("\u0E2A\u0E27\u0E31", "\u0E2A|\u0E27\u0E31")]
    [InlineData("a\U0001F600b \U00010400", "a|b|\U00010428")]
    [InlineData("\u2019tis l\u2019\u00E9t\u00E9 'x'", "tis|l\u2019\u00E9t\u00E9|x")]
    [InlineData("a\u200Db a\u00ADb", "a\u200Db|a\u00ADb")]
    public void Words_are_those_of_the_annex_folded_and_without_punctuation(string text, string terms) =>
        Assert.Equal(terms, string.Join('|', SearchTerms.Of(text)));

    [Fact]
    public void A_term_is_encoded_in_ascii_and_its_prefixes_stay_prefixes()
    {
        string[] terms = ["abc", "caf\u00E9", "foo_bar", "can't", "\u6F22", "\U0001F600x"];
        foreach (string term in terms)
        {
            string encoded = SearchTerms.EncodeTerm(term);
            Assert.Matches("^[a-z0-9_]+$", encoded);
            foreach (int length in Enumerable.Range(1, term.Length).Where(n => n == term.Length || !char.IsLowSurrogate(term[n])))
            {
                Assert.StartsWith(SearchTerms.EncodeTerm(term[..length]), encoded, StringComparison.Ordinal);
            }
        }

        Assert.Equal("caf_c3_a9", SearchTerms.EncodeTerm("caf\u00E9"));
        Assert.Equal("the caf_c3_a9 foo_5fbar", SearchTerms.Encode("The CAF\u00C9: foo_bar!"));
    }

    [Fact]
    public void Different_terms_have_different_codes()
    {
        Assert.NotEqual(SearchTerms.EncodeTerm("a_62"), SearchTerms.EncodeTerm("ab"));
        Assert.NotEqual(SearchTerms.EncodeTerm("_"), SearchTerms.EncodeTerm("5f"));
    }

    [Fact]
    public void A_text_without_spaces_makes_no_huge_term() =>
        Assert.InRange(SearchTerms.Encode(new string('x', 1_000_000)).Length, 1, 128);

    [Fact]
    public void Any_text_ends_and_every_term_is_found_again_by_its_own_text()
    {
        int seed = Counts.Seed();
        Random random = new(seed);
        string letters = "aB \u00E9\u0301'._,:3\u6F22\u30AB\u200D\u00AD\uD83D\uDE00-\u0E31";
        for (int round = 0; round < Counts.Of(2_000, 100_000); round++)
        {
            string text = new([.. Enumerable.Range(0, random.Next(12)).Select(_ => letters[random.Next(letters.Length)])]);
            foreach (string term in SearchTerms.Of(text))
            {
                Assert.True(SearchTerms.Of(term).Contains(term), $"seed {seed}: '{term}' of '{text}' is not a term of itself");
            }
        }
    }
}
