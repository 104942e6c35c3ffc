using System.Collections.Immutable;
using Plinth.Identity;

namespace Plinth.Cli;

/// <summary>What a program of one's own brings to the product.</summary>
public sealed record PlinthExtensions
{
    /// <summary>Readers of credentials that the product did not give out, asked in this order.</summary>
    public ImmutableArray<TokenDecoder> TokenDecoders { get; init; } = [];
}

/// <summary>The program <c>plinth</c> inside another program: every command, with what that program brings.</summary>
public static class PlinthHost
{
    /// <summary>Runs one command of <c>plinth</c>; the server's are ended by a signal, or by <paramref name="cancel"/>.</summary>
    /// <param name="args">As on the command line: <c>serve</c>, <c>dev</c>, …</param>
    /// <param name="extensions">What this program brings.</param>
    /// <param name="cancel">Ends the command.</param>
    /// <returns>The exit code: 0 done, 1 the check found something, 2 wrong use, 3 failed.</returns>
    public static Task<int> RunAsync(string[] args, PlinthExtensions extensions, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(extensions);
        return PlinthProgram.RunAsync(Shell.OfProcess() with { Extensions = extensions }, args, cancel);
    }
}
