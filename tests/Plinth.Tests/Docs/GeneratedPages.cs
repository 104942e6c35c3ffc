using Plinth.Cases;
using Plinth.Cli.Settings;
using Plinth.Codegen;

namespace Plinth.Tests.Docs;

public sealed class GeneratedPages
{
    [Fact]
    public void The_configuration_reference_is_what_the_settings_say() =>
        Golden.FileHolds("docs/reference/configuration.md", SettingsReference.Markdown());

    [Fact]
    public void The_error_reference_is_what_the_faults_say() => Golden.FileHolds("docs/reference/errors.md", ErrorReference.Markdown());

    [Fact]
    public void The_functions_of_the_guide_to_expressions_are_those_of_the_table()
    {
        const string Guide = "docs/guides/expressions.md", Start = "'./dev accept' rewrites it -->\n", End = "<!-- /functions -->";
        string text = File.ReadAllText(Path.Combine(Corpus.Root, Guide));
        int start = text.IndexOf(Start, StringComparison.Ordinal) + Start.Length, end = text.IndexOf(End, StringComparison.Ordinal);
        Golden.FileHolds(Guide, text[..start] + FunctionsTable.Markdown() + text[end..]);
    }
}
