using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Plinth.Codegen;
using Plinth.Http;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Hosting;

/// <summary>
/// The product describing itself: <c>/openapi.json</c>, <c>/docs</c>, <c>/schema.json</c> and, in development, <c>/</c>. What a caller
/// could not do under any circumstances is not described to it. Documents are kept per schema and set of permitted operations, of which
/// there are few; beyond the bound they are made anew.
/// </summary>
sealed class Descriptions(ServerOptions options, Engine engine)
{
    readonly ConcurrentDictionary<(AppSchema Schema, string Allowed, Endpoint Endpoint), byte[]> _kept = new();
    readonly Lazy<HtmlPage> _docs = new(() => HtmlPage.Load("docs.html"));

    public int Kept => _kept.Count;

    public async ValueTask<Fault?> AnswerAsync(Exchange exchange)
    {
        Snapshot snapshot = engine.Current;
        switch (exchange.Route.Endpoint)
        {
            case Endpoint.Docs:
                await _docs.Value.SendAsync(exchange);
                return null;
            case Endpoint.Home when options.Mode == ServerMode.Dev:
                await Home(snapshot).SendAsync(exchange);
                return null;
            case Endpoint.Home:
                return Faults.UnknownPath.Says("no route has this path");
            default:
                await exchange.SendAsync(200, Negotiation.Json, Document(exchange.Route.Endpoint, exchange.Caller, snapshot));
                return null;
        }
    }

    byte[] Document(Endpoint endpoint, Caller caller, Snapshot snapshot)
    {
        var allowed = Allowed(caller, snapshot);
        AppSchema seen = snapshot.Policies.SeenBy(caller, engine.Now).Schema;
        ImmutableHashSet<string> channels = Joinable(caller, snapshot);
        string bits = string.Concat(snapshot.Schema.Models.Select(m => Convert.ToString(Bits(allowed[m.Name]), 16) + "."))
            + string.Join(',', channels.Order(StringComparer.Ordinal));
        var key = (seen, bits, endpoint);
        if (_kept.TryGetValue(key, out byte[]? kept)) return kept;
        byte[] made = endpoint == Endpoint.OpenApi
            ? OpenApi.Write(seen, new OpenApiOptions(snapshot.Version.ToString(CultureInfo.InvariantCulture), (m, o) =>
                allowed[m.Name].Contains(o)))
            : SchemaJson.Write(Visible(seen, m => !allowed[m.Name].IsEmpty, channels));
        if (_kept.Count >= options.Limits.Descriptions) _kept.Clear();
        _kept[key] = made;
        return made;
    }

    Dictionary<string, ImmutableHashSet<Operation>> Allowed(Caller caller, Snapshot snapshot)
    {
        long now = engine.Now;
        return snapshot.Schema.Models.ToDictionary(m => m.Name, m => Enum.GetValues<Operation>()
            .Where(o => snapshot.Policies.Of(m).For(o, caller, now).Outcome != RuleOutcome.Never).ToImmutableHashSet(),
                StringComparer.Ordinal);
    }

    ImmutableHashSet<string> Joinable(Caller caller, Snapshot snapshot)
    {
        long now = engine.Now;
        return [.. snapshot.Schema.Channels
            .Where(c => snapshot.Policies.Of(c).For(Channel.Join, caller, now).Outcome != RuleOutcome.Never)
            .Select(static c => c.Name)];
    }

    static int Bits(ImmutableHashSet<Operation> operations) => operations.Aggregate(0, (bits, o) => bits | (1 << (int)o));

    /// <summary>Without the models that the caller cannot reach, the fields that never leave, the rules, and what became of
    /// earlier values, which are the server's own.</summary>
    static AppSchema Visible(AppSchema schema, Func<Model, bool> isVisible, ImmutableHashSet<string> channels)
    {
        ImmutableArray<Model> models = [.. schema.Models.Where(isVisible)];
        HashSet<string> names = [.. models.Select(m => m.Name)];
        return new AppSchema(schema.Name, schema.Defaults, schema.Auth, schema.Enums, schema.Types, schema.Unions,
            [.. models.Select(m => Visible(m, names))])
        {
            Doc = schema.Doc,
            Version = schema.Version,
            Channels = [.. schema.Channels.Where(c => channels.Contains(c.Name)).Select(static c => c with { Rules = [] })],
        };
    }

    static Model Visible(Model model, HashSet<string> models)
    {
        HashSet<string> hidden = [.. model.Fields.Where(f => f.IsUnknown).Select(f => f.Name)];
        return model with
        {
            Fields = [.. model.Fields.Where(f => !f.IsUnknown).Select(f => f with { Rules = [], Upcasts = [] })],
            Relations = [.. model.Relations.Where(r => models.Contains(r.Target) && !r.Fields.Any(hidden.Contains))],
            Uniques = [.. model.Uniques.Where(u => !u.Fields.Any(hidden.Contains))],
            Indexes = [],
            FullText = [.. model.FullText.Where(f => !hidden.Contains(f))],
            Checks = [],
            Rules = [],
            // Of what it is made is the server's own, too: it names what the reader may not know of.
            Projection = null,
        };
    }

    static HtmlPage Home(Snapshot snapshot)
    {
        AppSchema schema = snapshot.Schema;
        StringBuilder models = new();
        foreach (Model model in schema.Models)
        {
            string route = Escape("/api/" + model.Route);
            models.Append($"<li><a href=\"{route}\"><code>{route}</code></a><span>{Escape(model.Doc ?? model.Name)}</span></li>\n");
        }
        return HtmlPage.Of(HtmlPage.Text("home.html")
            .Replace("<!--name-->", Escape(schema.Name), StringComparison.Ordinal)
            .Replace("<!--doc-->", Escape(schema.Doc ?? "The development server is running."), StringComparison.Ordinal)
            .Replace("<!--models-->", models.ToString(), StringComparison.Ordinal));
    }

    static string Escape(string text) => WebUtility.HtmlEncode(text);
}
