using System.Collections.Immutable;
using System.Threading.Channels;
using Plinth.Cli.Projects;

namespace Plinth.Cli.Hosting;

/// <summary>
/// Tells when the schema's files changed. Editors save in several steps (truncate, write, rename), so a change counts once the files
/// have been still for a moment, and only when their text differs from what was read last.
/// </summary>
sealed class SchemaWatch : IDisposable
{
    static readonly TimeSpan s_still = TimeSpan.FromMilliseconds(30);

    readonly Project _project;
    readonly List<FileSystemWatcher> _watchers = [];
    readonly Channel<bool> _signals = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    ImmutableArray<string> _last;

    public SchemaWatch(Project project)
    {
        _project = project;
        _last = Texts();
        Watch(project.Folder);
        string folder = Path.Combine(project.Folder, Project.SchemaFolder);
        if (Directory.Exists(folder)) Watch(folder);
    }

    /// <summary>Completes when the text of the schema is another than at the last call.</summary>
    public async Task ChangedAsync(CancellationToken cancel)
    {
        while (true)
        {
            await _signals.Reader.ReadAsync(cancel);
            do
            {
                await Task.Delay(s_still, cancel);
            }
            while (_signals.Reader.TryRead(out _));
            ImmutableArray<string> now = Texts();
            if (now.SequenceEqual(_last, StringComparer.Ordinal)) continue;
            _last = now;
            return;
        }
    }

    public void Dispose()
    {
        foreach (FileSystemWatcher watcher in _watchers) watcher.Dispose();
    }

    void Watch(string folder)
    {
        FileSystemWatcher watcher = new(folder)
        {
            NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.Size,
        };
        foreach (string extension in Project.Extensions) watcher.Filters.Add("*" + extension);
        watcher.Changed += Signal;
        watcher.Created += Signal;
        watcher.Deleted += Signal;
        watcher.Renamed += Signal;
        watcher.EnableRaisingEvents = true;
        _watchers.Add(watcher);
    }

    void Signal(object sender, FileSystemEventArgs change) => _signals.Writer.TryWrite(true);

    ImmutableArray<string> Texts()
    {
        try
        {
            return [.. _project.SchemaPaths().Select(File.ReadAllText)];
        }
        catch (IOException)
        {
            // The editor holds the file for the moment; its next event brings us back.
            return [];
        }
    }
}
