using System.Text;
using System.Text.Json;
using Plinth.Http;
using Plinth.Identity;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Auth;

/// <summary>What <c>/auth</c> routes answer.</summary>
sealed class AuthReplies(Engine engine, Identities identities, IdentityOptions options, Cookies cookies)
{
    const int ListMax = 1000;

    /// <summary>The tokens of a session with its user; or, for browsers, the same as cookies that no script can read.</summary>
    public async ValueTask<Fault?> PairAsync(Exchange exchange, int status, Result<TokenPair> result, bool asCookie)
    {
        if (result.Failed(out Fault? fault, out TokenPair? pair)) return fault;
        // What the user may see of himself is asked as him.
        var resolved = identities.Resolve(pair.Access, exchange.Cancel);
        if (!resolved.IsOk) return resolved.Fault;
        Caller caller = Credentials.Caller(resolved.Value, exchange);
        using ByteOutput json = new();
        json.Write("{"u8);
        if (asCookie)
        {
            cookies.Set(exchange, pair, options.AccessLifetime, options.RefreshLifetime);
            json.Write("\"csrfToken\":"u8);
            JsonText.WriteString(json, cookies.Proof(pair.SessionId));
        }
        else
        {
            json.Write("\"accessToken\":"u8);
            JsonText.WriteString(json, pair.Access);
            json.Write(",\"tokenType\":\"Bearer\",\"refreshToken\":"u8);
            JsonText.WriteString(json, pair.Refresh);
        }
        json.Write(",\"expiresIn\":"u8);
        JsonText.WriteInt(json, (long)options.AccessLifetime.TotalSeconds);
        json.Write(",\"sessionId\":"u8);
        JsonText.WriteString(json, pair.SessionId.ToString());
        json.Write(",\"user\":"u8);
        ReadRequest request = new() { Model = PlatformRecords.User, Kind = ReadKind.Get, Key = [pair.User.Id.ToString()] };
        Result<ReadReply> read = await engine.ReadAsync(caller, request, exchange.Cancel);
        if (read.IsOk)
        {
            using (read.Value) json.Write(read.Value.Body.Written);
        }
        else
        {
            JsonText.WriteNull(json); // The schema denies users the sight of themselves.
        }
        json.Write((byte)'}');
        await SendAsync(exchange, status, json.ToArray(), CborShape.OfMember("user", ShapeOf(PlatformRecords.User)));
        return null;
    }

    /// <summary>A record as the caller may see it.</summary>
    public ValueTask<Fault?> RecordAsync(Exchange exchange, string model, string key) => ReadAsync(
        exchange, new ReadRequest { Model = model, Kind = ReadKind.Get, Key = [key] }, ShapeOf(model));

    /// <summary>Records as the caller may see them, the newest first.</summary>
    public ValueTask<Fault?> ListAsync(Exchange exchange, string model, string filter) => ReadAsync(exchange,
        new ReadRequest
        {
            Model = model, Kind = ReadKind.List, Filter = filter, Sort = [new SortKey("createdAt", Descending: true)],
            Limit = Math.Min(ListMax, engine.Current.Schema.Defaults.MaxPageSize),
        },
        CborShape.OfList(engine.Current.Schema, engine.Current.Schema.Model(model)));

    /// <summary>A key of a program: its text is in this answer and in no other.</summary>
    public async ValueTask<Fault?> TokenAsync(Exchange exchange, string text, Guid id)
    {
        ReadRequest request = new() { Model = PlatformRecords.ApiToken, Kind = ReadKind.Get, Key = [id.ToString()] };
        Result<ReadReply> read = await engine.ReadAsync(exchange.Caller, request, exchange.Cancel);
        if (!read.IsOk) return read.Fault;
        using ReadReply reply = read.Value;
        using ByteOutput json = new();
        json.Write("{\"token\":"u8);
        JsonText.WriteString(json, text);
        json.Write((byte)',');
        json.Write(reply.Body.Written[1..]);
        exchange.ResponseHeaders.Location = "/auth/tokens/" + id.ToString();
        await SendAsync(exchange, 201, json.ToArray(), ShapeOf(PlatformRecords.ApiToken));
        return null;
    }

    public static byte[] Write(Enrolment enrolment) => Encoding.UTF8.GetBytes(
        $"{{\"secret\":{Text(enrolment.Secret)},\"uri\":{Text(enrolment.Uri)},\"recoveryCodes\":["
        + string.Join(',', enrolment.RecoveryCodes.Select(Text)) + "]}");

    public ValueTask SendAsync(Exchange exchange, int status, byte[] json, CborShape? shape = null) => exchange.AnswersCbor
        ? exchange.SendAsync(status, Negotiation.Cbor, JsonToCbor.Transcode(json, shape ?? CborShape.Plain))
        : exchange.SendAsync(status, Negotiation.Json, json);

    async ValueTask<Fault?> ReadAsync(Exchange exchange, ReadRequest request, CborShape shape)
    {
        if (exchange.Caller.IsAnonymous) return Faults.Unauthorized.Says($"{exchange.Route.Template} needs an identity");
        Result<ReadReply> read = await engine.ReadAsync(exchange.Caller, request, exchange.Cancel);
        if (read.Failed(out Fault? fault, out ReadReply? reply)) return fault;
        using (reply)
        {
            exchange.SqlStatements += reply.Timings.Statements;
            await SendAsync(exchange, 200, reply.Body.ToArray(), shape);
            return null;
        }
    }

    CborShape ShapeOf(string model) => CborShape.OfRecord(engine.Current.Schema, engine.Current.Schema.Model(model));

    static string Text(string text) => "\"" + JsonEncodedText.Encode(text).ToString() + "\"";
}
