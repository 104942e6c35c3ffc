using System.Diagnostics;
using System.Text;
using Plinth.Cli;

namespace Plinth.Examples.Nodes;

/// <summary>A real <c>plinth serve</c>: a process that can be killed.</summary>
sealed class ServedProcess : IDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    readonly Process _process;
    readonly StringBuilder _said = new();
    readonly TaskCompletionSource<int> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="project">The folder of the schema.</param>
    /// <param name="data">The node's own folder.</param>
    /// <param name="settings">As variables of the environment.</param>
    public ServedProcess(string project, string data, IEnumerable<(string Variable, string Value)> settings)
    {
        string program = Path.ChangeExtension(typeof(PlinthProgram).Assembly.Location, ".dll");
        ProcessStartInfo start = new("dotnet", [program, "serve", project, "--data", data, "--port", "0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["NO_COLOR"] = "1";
        foreach (var (variable, value) in settings) start.Environment[variable] = value;
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Hear(line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.Exited += (_, _) => _ready.TrySetException(new InvalidOperationException("plinth serve ended before it was ready"));
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The port, once it is served.</summary>
    public async Task<int> PortAsync()
    {
        try
        {
            return await _ready.Task.WaitAsync(s_patience);
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException)
        {
            throw new InvalidOperationException($"{e.Message}:\n{this}", e);
        }
    }

    /// <summary>Ends it at once, whatever it is doing (SIGKILL).</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited) Kill();
        _process.Dispose();
    }

    public override string ToString()
    {
        lock (_said) return _said.ToString();
    }

    void Hear(string? line)
    {
        if (line is null) return;
        lock (_said) _said.AppendLine(line);
        if (line.StartsWith("ready http://", StringComparison.Ordinal))
            _ready.TrySetResult(new Uri(line["ready ".Length..].Split(' ')[0]).Port);
    }
}
