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
}
