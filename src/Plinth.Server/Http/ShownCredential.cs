namespace Plinth.Http;

/// <summary>
/// A credential of a connection that stays open, with what whoever knows credentials found out about it: it is looked at again and again,
/// and need not be read anew each time.
/// </summary>
/// <param name="text">A token or a key.</param>
sealed class ShownCredential(string text)
{
    public string Text => text;

    /// <summary>As <see cref="Exchange.KnownCredential"/>.</summary>
    public object? Known { get; set; }
}
