using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Plinth.Http;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>
/// <c>POST /api/batch</c>: <c>{ "atomic": true, "operations": [ { "method", "path", "body", "headers" } ] }</c>. Every operation is read
/// before the first is carried out. Atomic (the default): one transaction, and the first refusal is the answer of the whole, with the
/// operation named; else each stands for itself and has its own status in <c>results</c>. <c>Prefer: explain</c> is taken of the batch, for
/// all of its operations, and of each.
/// </summary>
sealed class RestBatch(Engine engine, Limits limits, Answers answers, Explains explains, Func<RouteTable> routes)
{
    sealed record Operation(ModelRoutes Routes, Command Command, Explains.Refused Shape, bool PrefersExplained);

    public async ValueTask<Fault?> AnswerAsync(Exchange exchange)
    {
        if (!exchange.Target.Query.IsEmpty) return Faults.UnknownParameter.Says("the route takes no parameters");
        var body = await RestBodies.ReadAsync(exchange, limits, exchange.Cancel);
        if (!body.IsOk) return body.Fault;
        var idempotency = RequestHeaders.Idempotency(exchange, body.Value.Span);
        if (!idempotency.IsOk) return idempotency.Fault;
        Snapshot snapshot = engine.Current;
        var parsed = Parse(exchange, body.Value, idempotency.Value);
        if (!parsed.IsOk) return parsed.Fault;
        var (atomic, operations) = parsed.Value;
        var result = await engine.BatchAsync(exchange.Caller, [.. operations.Select(o => o.Command)], atomic, exchange.Cancel);
        if (!result.IsOk)
        {
            if (operations.Count > 0 && await ExplainedAsync(exchange, operations, result.Fault) is { } explained)
                Explains.Add(exchange, explained);
            return OfOperations(result.Fault);
        }
        ImmutableArray<Result<WriteReply>> replies = result.Value;
        try
        {
            if (atomic && Refusal(replies) is { } refusal) return refusal;
            await SendAsync(exchange, operations, replies, snapshot);
            return null;
        }
        finally
        {
            foreach (Result<WriteReply> reply in replies)
            {
                if (reply.IsOk) reply.Value.Dispose();
            }
        }
    }

    Result<(bool Atomic, List<Operation> Operations)> Parse(Exchange exchange, ReadOnlyMemory<byte> body, IdempotencyKey? idempotency)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                body, new JsonDocumentOptions { MaxDepth = limits.JsonDepth + 3, AllowDuplicateProperties = false });
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return Wrong("the body", "is not an object with operations");
            bool atomic = true;
            JsonElement list = default;
            foreach (JsonProperty member in root.EnumerateObject())
            {
                if (member.NameEquals("operations")) list = member.Value;
                else if (!member.NameEquals("atomic")) return Wrong(Shown.Name(member.Name), "is not known; operations and atomic are");
                else if (member.Value.ValueKind is JsonValueKind.True or JsonValueKind.False) atomic = member.Value.GetBoolean();
                else return Wrong("atomic", "is neither true nor false");
            }
            if (list.ValueKind != JsonValueKind.Array) return Wrong("operations", "is not an array");
            if (list.GetArrayLength() > limits.BatchOperations)
                return Faults.LimitExceeded.Says(
                    $"operations: more than {limits.BatchOperations}", hint: "limits.batchOperations is the setting");
            List<Operation> operations = [];
            foreach (JsonElement item in list.EnumerateArray())
            {
                Result<Operation> operation = One(exchange, item, operations.Count, idempotency);
                if (!operation.IsOk) return Named(operation.Fault, operations.Count);
                operations.Add(operation.Value);
            }
            return (atomic, operations);
        }
        catch (JsonException e)
        {
            return Faults.MalformedBody.Says(
                string.Create(CultureInfo.InvariantCulture,
                $"the body is not JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}"));
        }
        catch (InvalidOperationException)
        {
            return Faults.MalformedBody.Says("a string of the body is not valid Unicode");
        }
    }

    Result<Operation> One(Exchange exchange, JsonElement item, int index, IdempotencyKey? idempotency)
    {
        if (item.ValueKind != JsonValueKind.Object) return Wrong("", "is not an object");
        string? methodName = null, path = null;
        JsonElement body = default, headers = default;
        foreach (JsonProperty member in item.EnumerateObject())
        {
            switch (member.Name)
            {
                case "method" when member.Value.ValueKind == JsonValueKind.String: methodName = member.Value.GetString(); break;
                case "path" when member.Value.ValueKind == JsonValueKind.String: path = member.Value.GetString(); break;
                case "body": body = member.Value; break;
                case "headers" when member.Value.ValueKind == JsonValueKind.Object: headers = member.Value; break;
                case "method" or "path" or "headers": return Wrong(member.Name, "has the wrong type");
                default: return Wrong(Shown.Name(member.Name), "is not known; method, path, body and headers are");
            }
        }
        if (methodName is null || path is null) return Wrong(methodName is null ? "method" : "path", "is missing");
        Target target = Target.Of(path);
        RouteMatch match = routes().Match(target.Path);
        Method method = Methods.Parse(methodName);
        Endpoint endpoint = match.Route.Endpoint;
        bool writes = endpoint is Endpoint.Collection or Endpoint.Item or Endpoint.Restore
            && method is Method.Post or Method.Put or Method.Patch or Method.Delete;
        if (match.Route.Owner is not { } owner)
            return Faults.UnknownPath.Says("path: no model has this route", hint: routes().Nearest(target.Path));
        if (!writes || (match.Route.Methods & method) == 0)
            return Faults.MethodNotAllowed.Says("method: a batch takes POST, PUT, PATCH and DELETE where their routes do");

        Result<Command> command = RestCommands.Of(
            endpoint, method, engine.SeenBy(exchange.Caller, owner.Model), match.RawKey.ToString(), target.Query, limits);
        if (!command.IsOk) return command.Fault;
        bool takesBody = RestCommands.TakesBody(endpoint, method);
        if (takesBody != (body.ValueKind != JsonValueKind.Undefined))
            return Wrong("body", takesBody ? "is missing" : "is not taken by this operation");
        if (takesBody) command = RestCommands.WithBody(command.Value, System.Text.Encoding.UTF8.GetBytes(body.GetRawText()));
        command = WithHeaders(command.Value, headers);
        if (!command.IsOk) return command.Fault;
        command = command.Value with
        {
            Idempotency = idempotency is null ? null
                : idempotency with { Key = string.Create(CultureInfo.InvariantCulture, $"{idempotency.Key}/{index}") },
        };
        Explains.Refused shape = new(
            owner.Model, endpoint, method, match.RawKey.ToString(), Purges: command.Value.Kind == CommandKind.Purge);
        return new Operation(owner, command.Value, shape, PrefersExplained(headers));
    }

    static bool PrefersExplained(JsonElement headers) => headers.ValueKind == JsonValueKind.Object && headers.EnumerateObject().Any(
        static header => header.Name.Equals("Prefer", StringComparison.OrdinalIgnoreCase)
            && RequestHeaders.Prefers(header.Value.GetString(), "explain"));

    static Result<Command> WithHeaders(Command command, JsonElement headers)
    {
        string? ifMatch = null;
        bool minimal = false;
        if (headers.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty header in headers.EnumerateObject())
            {
                if (header.Value.ValueKind != JsonValueKind.String) return Wrong("headers." + Shown.Name(header.Name), "is not a string");
                if (header.Name.Equals("If-Match", StringComparison.OrdinalIgnoreCase)) ifMatch = header.Value.GetString();
                else if (header.Name.Equals("Prefer", StringComparison.OrdinalIgnoreCase)) minimal = RequestHeaders.PrefersMinimal(
                    header.Value.GetString());
                else return Wrong("headers." + Shown.Name(header.Name), "is not taken; If-Match and Prefer are");
            }
        }
        return RestCommands.WithPreconditions(command, ifMatch, minimal);
    }

    static Fault? Refusal(ImmutableArray<Result<WriteReply>> replies)
    {
        for (int i = 0; i < replies.Length; i++)
        {
            if (replies[i].Fault is { } fault) return Named(fault, i);
        }
        return null;
    }

    /// <summary>
    /// What the rules said to the operation that was refused, by the place that the engine has put before the fault's fields.
    /// </summary>
    async ValueTask<byte[]?> ExplainedAsync(Exchange exchange, List<Operation> operations, Fault fault)
    {
        if (operations is [var only]) return await ExplainedAsync(exchange, only, fault);
        if (fault.Details is not [{ Field: ['[', ..] place }, ..]) return null;
        int end = place.IndexOf(']', StringComparison.Ordinal);
        if (!int.TryParse(place.AsSpan(1, end - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int index)) return null;
        string before = place[..(end + 1)];
        return await ExplainedAsync(exchange, operations[index], fault with
        {
            Details = [.. fault.Details.Select(d => d with { Field = d.Field[before.Length..].TrimStart('.') })],
        });
    }

    async ValueTask<byte[]?> ExplainedAsync(Exchange exchange, Operation operation, Fault fault) =>
        explains.IsAsked(exchange) || (operation.PrefersExplained && explains.May(exchange))
            ? await explains.OfAsync(exchange, operation.Shape, fault) : null;

    /// <summary>The engine names the place in the batch as <c>[1].text</c>; here the array has a name.</summary>
    static Fault OfOperations(Fault fault) => fault with
    {
        Details = [.. fault.Details.Select(d => d.Field.StartsWith('[') ? d with { Field = "operations" + d.Field } : d)],
    };

    static Fault Named(Fault fault, int index)
    {
        string place = string.Create(CultureInfo.InvariantCulture, $"operations[{index}]");
        return fault with
        {
            Message = $"{place}: {fault.Message}",
            Details = [.. fault.Details.Select(d => d with { Field = d.Field.Length == 0 ? place : $"{place}.{d.Field}" })],
        };
    }

    async ValueTask SendAsync(Exchange exchange, List<Operation> operations, ImmutableArray<Result<WriteReply>> replies, Snapshot snapshot)
    {
        ByteOutput output = exchange.Scratch;
        var shapes = new CborShape[replies.Length];
        long position = 0;
        int statements = 0;
        output.Write("{\"results\":["u8);
        for (int i = 0; i < replies.Length; i++)
        {
            if (i > 0) output.Write((byte)',');
            shapes[i] = exchange.AnswersCbor ? CborShape.OfMember("body", CborShape.OfRecord(snapshot.Schema, operations[i].Routes.Model))
                : CborShape.Plain;
            if (replies[i].Failed(out Fault? fault, out WriteReply? reply))
            {
                byte[]? explained = await ExplainedAsync(exchange, operations[i], fault);
                if (explained is not null) exchange.ResponseHeaders["Preference-Applied"] = "explain";
                WriteRefusal(output, fault, exchange, explained);
                continue;
            }
            position = Math.Max(position, reply.Position);
            statements += reply.Timings.Statements;
            WriteReply(output, operations[i], reply, exchange, snapshot);
        }
        output.Write("]}"u8);
        answers.Annotate(exchange, position, new Timings(0, 0, 0, 0, statements));
        await answers.SendAsync(exchange, 200, output.WrittenMemory, CborShape.OfMember("results", CborShape.OfItems(shapes)));
    }

    static void WriteReply(ByteOutput output, Operation operation, WriteReply reply, Exchange exchange, Snapshot snapshot)
    {
        output.Write("{\"status\":"u8);
        JsonText.WriteInt(output, RestWrites.StatusOf(reply, operation.Command.Kind));
        if (RestWrites.LocationOf(reply, operation.Routes) is { } location)
        {
            output.Write(",\"location\":"u8);
            JsonText.WriteString(output, location);
        }
        if (RestWrites.HasTag(reply))
        {
            output.Write(",\"etag\":"u8);
            JsonText.WriteString(output, RestWrites.TagOf(reply, snapshot, exchange));
        }
        if (reply.Body is { Length: > 0 } body)
        {
            output.Write(",\"body\":"u8);
            output.Write(body.Written);
        }
        output.Write((byte)'}');
    }

    static void WriteRefusal(ByteOutput output, Fault fault, Exchange exchange, byte[]? explained)
    {
        int status = Statuses.Of(fault.Kind);
        output.Write("{\"status\":"u8);
        JsonText.WriteInt(output, status);
        output.Write(",\"problem\":"u8);
        Problem.Write(output, fault, status, exchange.TraceId, exchange.RequestId, explained);
        output.Write((byte)'}');
    }

    static Fault Wrong(string member, string why) =>
        Faults.MalformedBody.Says(member.Length == 0 ? why : $"{member}: {why}", new FaultDetail(member, Faults.MalformedBody.Code, why));
}
