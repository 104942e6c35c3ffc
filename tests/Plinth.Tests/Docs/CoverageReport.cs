using System.Globalization;
using System.Reflection.Metadata;
using System.Text.Json;
using Plinth.Cases;

namespace Plinth.Tests.Docs;

/// <summary>
/// What <c>./dev coverage</c> says: lines per assembly, and every branch of the critical list that nothing runs. A line or a branch counts
/// as run when one of the test projects runs it.
/// </summary>
/// <remarks>
/// A branch that leads only to <c>throw new InvalidOperationException(…)</c> is not counted: that is how the code says "no input comes
/// here", and a test that came there would have found a bug. They are numbered in the report, so that nobody hides behind them.
/// </remarks>
sealed class CoverageReport
{
    /// <summary>What decides, commits and logs: here every branch has a test.</summary>
    static readonly string[] s_critical =
    [
        "Plinth.Core/Plan/", "Plinth.Engine/Log/", .. new[]
        {
            "AnswerStore", "BulkCreate", "CommandUnit", "Conflicts", "Counters", "Creates", "Deletes", "Deletion", "FilteredWrites",
            "Preconditions", "References", "RuleCheck", "Updates", "Upserts", "WriteScope", "Writes",
        }.Select(name => $"Plinth.Engine/Runtime/{name}.cs"),
    ];

    const string OurBug = "throw new InvalidOperationException(";

    readonly Dictionary<(string File, int Line), long> _lines = [];
    readonly Dictionary<Branch, long> _branches = [];
    readonly Dictionary<string, List<SequencePoint[]>> _methods = new(StringComparer.Ordinal);

    /// <summary>One way out of one instruction.</summary>
    readonly record struct Branch(string Module, string File, string Method, int Line, int Offset, int End, int Path);

    /// <returns>0 when every branch of the critical list is run.</returns>
    public static async Task<int> RunAsync(string folder)
    {
        CoverageReport report = new();
        foreach (string file in Directory.GetFiles(folder, "coverage.json", SearchOption.AllDirectories))
        {
            using JsonDocument document = JsonDocument.Parse(await File.ReadAllBytesAsync(file));
            report.Add(document.RootElement);
        }
        report.WriteLines();
        return report.WriteBranches();
    }

    void Add(JsonElement modules)
    {
        foreach (JsonProperty module in modules.EnumerateObject())
        foreach (JsonProperty file in module.Value.EnumerateObject())
        {
            string name = Path.GetRelativePath(Path.Combine(Corpus.Root, "src"), file.Name).Replace('\\', '/');
            foreach (JsonProperty method in file.Value.EnumerateObject().SelectMany(type => type.Value.EnumerateObject()))
            {
                foreach (JsonProperty line in method.Value.GetProperty("Lines").EnumerateObject())
                {
                    var key = (name, int.Parse(line.Name, CultureInfo.InvariantCulture));
                    _lines[key] = _lines.GetValueOrDefault(key) + line.Value.GetInt64();
                }
                if (!s_critical.Any(c => name.StartsWith(c, StringComparison.Ordinal))) continue;
                foreach (JsonElement branch in method.Value.GetProperty("Branches").EnumerateArray())
                {
                    int Of(string member) => branch.GetProperty(member).GetInt32();
                    Branch key = new(module.Name, name, method.Name, Of("Line"), Of("Offset"), Of("EndOffset"), Of("Path"));
                    _branches[key] = _branches.GetValueOrDefault(key) + branch.GetProperty("Hits").GetInt64();
                }
            }
        }
    }

    void WriteLines()
    {
        foreach (var assembly in _lines.GroupBy(l => l.Key.File.Split('/')[0]).OrderBy(g => g.Key, StringComparer.Ordinal))
            WriteShare(assembly.Key, assembly.Count(l => l.Value > 0), assembly.Count());
        WriteShare("over all", _lines.Count(l => l.Value > 0), _lines.Count);
    }

    static void WriteShare(string name, int run, int all) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-14} {100.0 * run / all,5:0.0} % of {all} lines"));

    int WriteBranches()
    {
        int bugs = 0, missing = 0;
        List<string> files = [];
        foreach (var file in _branches.GroupBy(b => b.Key.File).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            string[] text = File.ReadAllLines(Path.Combine(Corpus.Root, "src", file.Key));
            Branch[] notRun = [.. file.Where(b => b.Value == 0).Select(b => b.Key)];
            Branch[] left = [.. notRun.GroupBy(b => (b.Line, IsBug: LeadsToBug(b, text)))
                .SelectMany(g => g.Key.IsBug ? g.Skip(1).Where(b => !IsBugAtTarget(b, text)) : g)];
            bugs += notRun.Length - left.Length;
            missing += left.Length;
            if (left.Length == 0) continue;
            files.Add($"  {file.Key}: {file.Count() - notRun.Length} of {file.Count()}");
            files.AddRange(left.GroupBy(b => b.Line).OrderBy(g => g.Key).Select(line =>
                $"    {line.Key,4} ({line.Count()}) {text[line.Key - 1].Trim()}"));
        }
        int all = _branches.Count;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"critical list  {all - bugs - missing} of {all - bugs} branches; {bugs} more lead only to a bug of ours"));
        foreach (string line in files) Console.WriteLine(line);
        return missing == 0 ? 0 : 1;
    }

    bool LeadsToBug(Branch branch, string[] text) => IsBugAtTarget(branch, text)
        || Statement(branch, branch.Offset, text).Contains(OurBug, StringComparison.Ordinal);

    bool IsBugAtTarget(Branch branch, string[] text)
    {
        string target = Statement(branch, branch.End, text).TrimStart();
        return target.StartsWith(OurBug, StringComparison.Ordinal) || target.StartsWith("default: " + OurBug, StringComparison.Ordinal)
            || target.StartsWith("_ => " + OurBug, StringComparison.Ordinal);
    }

    /// <summary>The text of the statement that an instruction belongs to.</summary>
    string Statement(Branch branch, int offset, string[] text)
    {
        foreach (SequencePoint[] points in MethodsOf(branch))
        {
            if (At(points, branch.Offset) is not { } own || own.StartLine != branch.Line || At(points, offset) is not { } found) continue;
            return string.Join(' ', text[(found.StartLine - 1)..found.EndLine].Select((line, i) =>
                i == 0 && found.StartColumn <= line.Length ? line[(found.StartColumn - 1)..] : line.Trim()));
        }
        return "";

        static SequencePoint? At(SequencePoint[] points, int offset)
        {
            SequencePoint? last = null;
            foreach (SequencePoint point in points)
            {
                if (point.Offset <= offset) last = point;
            }
            return last;
        }
    }

    IEnumerable<SequencePoint[]> MethodsOf(Branch branch)
    {
        string key = Path.GetFileNameWithoutExtension(branch.Module) + "|" + branch.File;
        if (_methods.TryGetValue(key, out var known)) return known;
        string pdb = Path.Combine(AppContext.BaseDirectory, Path.ChangeExtension(Path.GetFileName(branch.Module), ".pdb"));
        using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(pdb));
        MetadataReader reader = provider.GetMetadataReader();
        List<SequencePoint[]> methods = [];
        foreach (MethodDebugInformationHandle handle in reader.MethodDebugInformation)
        {
            MethodDebugInformation method = reader.GetMethodDebugInformation(handle);
            if (method.Document.IsNil) continue;
            string document = reader.GetString(reader.GetDocument(method.Document).Name).Replace('\\', '/');
            if (!document.EndsWith("/src/" + branch.File, StringComparison.Ordinal)) continue;
            methods.Add([.. method.GetSequencePoints().Where(p => !p.IsHidden)]);
        }
        return _methods[key] = methods;
    }
}
