using System.Text.RegularExpressions;
using Plinth.Expressions;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>
/// <c>buckets:</c> and what <c>file:</c> says of a field. Nothing serves files yet: the file is judged as a whole, so that it is sound
/// on the day they come, a warning says what does not run, and a field of type <c>file</c> holds the file's id. The native notation has no
/// words for it, so a conversion is refused rather than losing it.
/// </summary>
sealed partial class YamlBuckets(YamlFile file)
{
    static readonly string[] s_keys = ["backend", "max_file_size", "max_total_size", "allowed_types", "compression", "rules"];
    static readonly string[] s_operations = ["create", "read", "update", "delete", "download"];

    readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>The names, which fields refer to wherever the section stands.</summary>
    public void Add(YamlMapping section)
    {
        foreach (var (key, _) in section.Entries) _names.Add(key.Text);
    }

    public void Read(YamlEntry section)
    {
        foreach (YamlEntry bucket in file.Entries(section, "buckets")) Bucket(bucket);
    }

    void Bucket(YamlEntry bucket)
    {
        if (file.Name(bucket.Name, bucket.Key.Span, bucket.Path, mayHyphen: true) is null) return;
        bool hasBackend = false;
        foreach (YamlEntry part in file.Entries(bucket, "settings and rules"))
        {
            switch (part.Name)
            {
                case "backend": hasBackend = file.Text(part) is not null; break;
                case "max_file_size" or "max_total_size": Size(part); break;
                case "allowed_types": Types(part); break;
                case "compression": file.Switch(part); break;
                case "rules": Rules(part); break;
                default: file.Unknown(part, s_keys); break;
            }
        }
        if (!hasBackend)
            file.Error(Codes.MissingArgument, bucket.Key.Span, bucket.Path, "a bucket needs the backend that holds its files",
                "add backend:");
        file.Warning(Codes.KeptForLater, bucket.Key.Span, bucket.Path,
            "files are not served in this version: nothing can be uploaded, and fields of this bucket hold the file's id",
            "nothing is to be done: the section is checked, and waits");
    }

    /// <summary>Bytes, or a number with its unit.</summary>
    void Size(YamlEntry part)
    {
        if (file.Text(part) is { } text && !SizeForm().IsMatch(text))
            file.Error(Codes.BadArgument, YamlFile.Place(part), part.Path, $"'{YamlFile.Shown(text)}' is no size", "as in 1048576 or 10mb");
    }

    void Types(YamlEntry part)
    {
        foreach (YamlEntry item in YamlFile.Items(part))
        {
            if (file.Text(item) is { } text && !TypeForm().IsMatch(text))
                file.Error(Codes.BadArgument, YamlFile.Place(item), item.Path, $"'{YamlFile.Shown(text)}' is no type of files",
                    "as in image/png or image/*");
        }
    }

    void Rules(YamlEntry section)
    {
        foreach (YamlEntry rule in file.Entries(section, "rules"))
        {
            if (!s_operations.Contains(rule.Name, StringComparer.Ordinal)) file.Unknown(rule, s_operations, "operation");
            else if (file.Text(rule) is { } text)
                foreach (Diagnostic found in CelParser.Parse(new SourceText("", text), new Span(0, text.Length), file.Limits).Diagnostics)
                    file.Error(found.Code, YamlFile.Place(rule), rule.Path, found.Message, found.Hint);
        }
    }

    /// <summary>What <c>file:</c> says of a field.</summary>
    public void Field(YamlEntry section)
    {
        bool hasBucket = false;
        foreach (YamlEntry part in file.Entries(section, "bucket, sizes and types"))
        {
            switch (part.Name)
            {
                case "bucket" when file.Text(part) is { } name:
                    hasBucket = true;
                    if (!_names.Contains(name))
                        file.Error(Codes.UnknownName, YamlFile.Place(part), part.Path, $"no bucket is called '{YamlFile.Shown(name)}'",
                            file.Findings.DidYouMean(name, _names) ?? "declare it below buckets:");
                    break;
                case "bucket": hasBucket = true; break;
                case "max_size": Size(part); break;
                case "allowed_types": Types(part); break;
                case "on_delete": file.Word(part, "restrict", "cascade", "set null"); break;
                default: file.Unknown(part, ["bucket", "max_size", "allowed_types", "on_delete"]); break;
            }
        }
        if (!hasBucket) Missing(section);
    }

    public void Missing(YamlEntry field) =>
        file.Error(Codes.MissingArgument, field.Key.Span, field.Path, "a file needs the bucket that it is in", "add file: { bucket: … }");

    [GeneratedRegex(@"^[0-9]{1,15}\s*([kmgt]i?b?|b)?\z", RegexOptions.IgnoreCase)]
    private static partial Regex SizeForm();

    [GeneratedRegex(@"^[A-Za-z0-9!#$&^_.+-]+/(\*|[A-Za-z0-9!#$&^_.+-]+)\z")]
    private static partial Regex TypeForm();
}
