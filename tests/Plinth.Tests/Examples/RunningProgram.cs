using System.Text;
using Plinth.Cli;
using Plinth.Tests.Cli;

namespace Plinth.Examples;

/// <summary>The program in a folder, run in this process: to its end, or as a server until disposed.</summary>
sealed class RunningProgram : IAsyncDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    readonly CancellationTokenSource _stop = new();
    readonly LineWriter _output = new();
    readonly Task<int> _ended;

    RunningProgram(string folder, Func<Shell, Shell> with, string[] args) =>
        _ended = Task.Run(() => PlinthProgram.RunAsync(with(Ran.ShellIn(folder, _output, _output)), args, _stop.Token));

    /// <summary>The address that the program's <c>ready</c> line names.</summary>
    public Uri Address { get; private set; } = new("http://unset.invalid");

    /// <summary>Runs a command that ends, and fails with its output when that is not a success.</summary>
    public static async Task RunAsync(string folder, params string[] args)
    {
        Ran ran = await Ran.OfAsync(folder, args);
        Assert.True(ran.Code == 0, $"plinth {string.Join(' ', args)}: {ran.All}");
    }

    /// <summary>Starts a server on a free port and returns when it is ready.</summary>
    public static Task<RunningProgram> StartAsync(string folder, params string[] args) => StartAsync(folder, static shell => shell, args);

    /// <param name="folder">The folder it is run in.</param>
    /// <param name="with">What surrounds it, made from what surrounds it in every test.</param>
    /// <param name="args">As they are typed after the program's name.</param>
    public static async Task<RunningProgram> StartAsync(string folder, Func<Shell, Shell> with, params string[] args)
    {
        RunningProgram program = new(folder, with, [.. args, "--port", "0"]);
        Task<string> ready = program._output.LineAsync("ready ");
        Task first = await Task.WhenAny(ready, program._ended, Task.Delay(s_patience));
        if (first != ready)
            throw new InvalidOperationException($"plinth {string.Join(' ', args)} did not become ready:\n{program._output}");
        string line = await ready;
        program.Address = new Uri(line[line.IndexOf("http://", StringComparison.Ordinal)..].Split(' ')[0]);
        return program;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _ended.WaitAsync(s_patience);
        _stop.Dispose();
        await _output.DisposeAsync();
    }

    /// <summary>Keeps what is written, and tells who waits for a line that it has come.</summary>
    sealed class LineWriter : TextWriter
    {
        readonly StringBuilder _text = new();
        readonly List<(string Start, TaskCompletionSource<string> Found)> _awaited = [];
        int _line;

        public override Encoding Encoding => Encoding.UTF8;

        public Task<string> LineAsync(string start)
        {
            TaskCompletionSource<string> found = new(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_text)
            {
                foreach (string line in _text.ToString().Split('\n')[..^1])
                {
                    if (line.StartsWith(start, StringComparison.Ordinal)) found.TrySetResult(line.TrimEnd());
                }
                _awaited.Add((start, found));
            }
            return found.Task;
        }

        public override void Write(char value)
        {
            lock (_text)
            {
                _text.Append(value);
                if (value != '\n') return;
                string line = _text.ToString(_line, _text.Length - _line).TrimEnd();
                _line = _text.Length;
                foreach (var (start, found) in _awaited)
                {
                    if (line.StartsWith(start, StringComparison.Ordinal)) found.TrySetResult(line);
                }
            }
        }

        public override string ToString()
        {
            lock (_text) return _text.ToString();
        }
    }
}
