using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.Extensions.Primitives;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>
/// The files of a project's folder <c>public</c>, each at its own path, for whoever asks: pages of the application beside its API. They are
/// read once and answered from memory, so no path of a request ever reaches the file system. A route of the API comes before a file.
/// </summary>
sealed class PublicFiles
{
    public static readonly Route Route = new(Endpoint.Public, "/{file}", Method.Read);

    // Neither what is hidden (.env, .git) nor what a link leads to is meant for everyone.
    static readonly EnumerationOptions s_all = new()
    {
        RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint,
    };

    readonly string? _folder;
    readonly long _bytesMax;
    readonly bool _follows;
    readonly Lock _gate = new();
    volatile Known _known;

    /// <param name="folder">Null, or one that does not exist: there are no files.</param>
    /// <param name="bytesMax">Of all files together.</param>
    /// <param name="follows">Changed files are read again with the next request, as who writes them expects.</param>
    /// <exception cref="InvalidDataException">They are larger than that.</exception>
    public PublicFiles(string? folder, long bytesMax, bool follows)
    {
        (_folder, _bytesMax, _follows) = (folder is not null && (follows || Directory.Exists(folder)) ? folder : null, bytesMax, follows);
        _known = Read(Mark());
    }

    sealed record Known(string Mark, FrozenDictionary<string, PublicFile> ByPath);

    sealed record PublicFile(byte[] Bytes, StringValues Type, string Tag);

    /// <summary>Whether a path, as it stands in a request, is one of a file.</summary>
    public bool Has(ReadOnlySpan<char> path) => _folder is not null && Find(path) is not null;

    public async ValueTask<Fault?> AnswerAsync(Exchange exchange)
    {
        // It was there a moment ago; who follows may have taken it away since.
        if (Find(exchange.Target.Path) is not { } file) return Faults.UnknownPath.Says("no route has this path");
        var headers = exchange.ResponseHeaders;
        headers.ETag = file.Tag;
        headers.CacheControl = "no-cache";
        headers.ContentSecurityPolicy = "object-src 'none'; base-uri 'self'; frame-ancestors 'self'";
        headers["Referrer-Policy"] = "same-origin";
        if (EntityTag.Matches(exchange.Headers.IfNoneMatch, file.Tag)) exchange.SendEmpty(304);
        else await exchange.SendAsync(200, file.Type, file.Bytes);
        return null;
    }

    PublicFile? Find(ReadOnlySpan<char> path)
    {
        if (!PercentText.TryDecode(path, plusIsSpace: false, out string text)) return null;
        if (text.EndsWith('/')) text += "index.html";
        return Current().ByPath.GetValueOrDefault(text);
    }

    Known Current()
    {
        if (!_follows) return _known;
        string mark = Mark();
        if (mark == _known.Mark) return _known;
        lock (_gate)
        {
            try
            {
                if (mark != _known.Mark) _known = Read(mark);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                // In the middle of being written, or too much: what was read before is served until it can be read.
            }
            return _known;
        }
    }

    /// <summary>Another text when a file has come, gone or changed.</summary>
    string Mark() => _folder is null || !Directory.Exists(_folder) ? "" : string.Join('\n', new DirectoryInfo(_folder)
        .EnumerateFiles("*", s_all).Select(static f => $"{f.FullName}|{f.Length}|{f.LastWriteTimeUtc.Ticks}")
        .Order(StringComparer.Ordinal));

    Known Read(string mark)
    {
        Dictionary<string, PublicFile> files = new(StringComparer.Ordinal);
        long bytes = 0;
        if (_folder is null || !Directory.Exists(_folder)) return new Known(mark, files.ToFrozenDictionary(StringComparer.Ordinal));
        foreach (FileInfo file in new DirectoryInfo(_folder).EnumerateFiles("*", s_all))
        {
            bytes += file.Length;
            if (bytes > _bytesMax)
                throw new InvalidDataException($"the files in {_folder} have more than {_bytesMax} bytes (limits.publicBytes)");
            byte[] content = File.ReadAllBytes(file.FullName);
            string tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 12))}\"";
            string path = "/" + Path.GetRelativePath(_folder, file.FullName).Replace(Path.DirectorySeparatorChar, '/');
            files[path] = new PublicFile(content, TypeOf(file.Extension), tag);
        }
        return new Known(mark, files.ToFrozenDictionary(StringComparer.Ordinal));
    }

    static string TypeOf(string extension) => extension.ToLowerInvariant() switch
    {
        ".html" or ".htm" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" or ".mjs" => "text/javascript; charset=utf-8",
        ".json" or ".map" => "application/json",
        ".txt" or ".md" => "text/plain; charset=utf-8",
        ".svg" => "image/svg+xml",
        ".png" => "image/png",
        ".jpg" or ".jpeg" => "image/jpeg",
        ".gif" => "image/gif",
        ".webp" => "image/webp",
        ".avif" => "image/avif",
        ".ico" => "image/x-icon",
        ".woff2" => "font/woff2",
        ".wasm" => "application/wasm",
        ".webmanifest" => "application/manifest+json",
        ".pdf" => "application/pdf",
        ".mp4" => "video/mp4",
        ".xml" => "application/xml",
        _ => "application/octet-stream",
    };
}
