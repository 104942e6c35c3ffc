using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using Plinth.Text;

namespace Plinth.Cli.Settings;

/// <summary>Reads <c>plinth.yaml</c> and its overlays: sections of keys, through the event parser so that every value keeps its
/// place.</summary>
static class SettingsFile
{
    const int DepthMax = 8;

    public static void Read(string path, string shown, Dictionary<string, SettingValue> values, List<SettingProblem> problems)
    {
        using StreamReader reader = new(path);
        Parser parser = new(reader);
        try
        {
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _)) return;
            parser.Consume<DocumentStart>();
            if (parser.TryConsume<Scalar>(out Scalar? only))
            {
                if (only.Value.Length > 0) problems.Add(new(At(shown, only.Start), "the file must be a mapping of sections"));
                return;
            }
            parser.Consume<MappingStart>();
            ReadMapping(parser, "", shown, values, problems, 1);
        }
        catch (YamlException broken)
        {
            problems.Add(new(At(shown, broken.Start), "not well-formed YAML: " + broken.Message));
        }
        catch (Exception broken) when (broken is InvalidOperationException or ArgumentException or FormatException or OverflowException)
        {
            // On some texts the library breaks instead of saying what is wrong with them.
            problems.Add(new(At(shown, parser.Current?.Start ?? Mark.Empty), "not well-formed YAML"));
        }
    }

    static void ReadMapping(Parser parser, string prefix, string shown, Dictionary<string, SettingValue> values,
        List<SettingProblem> problems, int depth)
    {
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            Scalar key = parser.Consume<Scalar>();
            string name = prefix.Length == 0 ? key.Value : prefix + "." + key.Value;
            string origin = At(shown, key.Start);
            if (parser.TryConsume<MappingStart>(out _))
            {
                if (depth == DepthMax) throw new YamlException(key.Start, key.End, "nested too deeply");
                ReadMapping(parser, name, shown, values, problems, depth + 1);
            }
            else if (TryValue(parser, origin, problems) is { } text)
            {
                Add(name, new(text, origin), values, problems);
            }
        }
    }

    static void Add(string name, SettingValue value, Dictionary<string, SettingValue> values, List<SettingProblem> problems)
    {
        if (SettingKeys.Find(name) is null)
            problems.Add(new(value.Origin, $"unknown setting '{name}'", Names.DidYouMean(name, SettingKeys.All.Select(k => k.Name))));
        else if (values.TryGetValue(name, out SettingValue? earlier) && earlier.Origin.Split(':')[0] == value.Origin.Split(':')[0])
            problems.Add(new(value.Origin, $"'{name}' is set twice", $"first at {earlier.Origin}"));
        else
            values[name] = value;
    }

    static string? TryValue(Parser parser, string origin, List<SettingProblem> problems)
    {
        if (parser.TryConsume<Scalar>(out Scalar? scalar)) return scalar.Value;
        if (parser.TryConsume<SequenceStart>(out _))
        {
            List<string> items = [];
            while (!parser.TryConsume<SequenceEnd>(out _)) items.Add(parser.Consume<Scalar>().Value);
            return string.Join(',', items);
        }
        problems.Add(new(origin, "a setting is a text, a number, a switch or a list of them; anchors and aliases are not taken"));
        parser.SkipThisAndNestedEvents();
        return null;
    }

    static string At(string shown, Mark mark) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{shown}:{mark.Line}:{mark.Column}");
}
