using System.Diagnostics;
using System.Globalization;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Plinth.Policy;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>
/// One request and its answer, over Kestrel's features without an HttpContext: kept per connection and used again, so that a request
/// allocates little more than the strings of its headers. Not thread-safe; lives until its request has ended.
/// </summary>
sealed class Exchange
{
    static readonly Caller s_nobody = Caller.Anonymous();
    static readonly StringValues s_reads = Methods.Allow(Method.Read | Method.Options);
    static readonly StringValues s_problem = "application/problem+json";

    IFeatureCollection _features = null!; // Set by Begin before anything reads it; the two below likewise.
    IHttpRequestFeature _request = null!;
    IHttpResponseFeature _response = null!;
    CancellationTokenSource _timeout = new();
    CancellationTokenRegistration _aborted;
    ByteOutput? _scratch;
    System.Net.IPAddress? _address;
    string _addressText = "";
    GuardedOutput? _output;

    public long StartedTicks { get; private set; }

    public string RequestId { get; private set; } = "";

    public string TraceId { get; private set; } = "";

    public Activity? Activity { get; private set; }

    public Method Method { get; private set; }

    public string MethodName => _request.Method;

    public Target Target { get; private set; }

    public Route Route { get; set; } = RouteTable.Unknown;

    /// <summary>The key as it stands in the path, not decoded; empty on routes without one.</summary>
    public string RawKey { get; set; } = "";

    public Caller Caller { get; set; } = s_nobody;

    /// <summary>
    /// What whoever knows credentials found out about the last one of this connection, so that the next need not start anew.
    /// </summary>
    public object? KnownCredential { get; set; }

    /// <summary>Of the client: behind a trusted proxy, the one that it names.</summary>
    public string Address { get; set; } = "";

    /// <summary>The answer is to be CBOR.</summary>
    public bool AnswersCbor { get; set; }

    /// <summary>The model that the log line names.</summary>
    public string? ModelName => Route.Owner?.Model.Name;

    /// <summary>Code of the fault that was answered, for the log.</summary>
    public string? FaultCode { get; private set; }

    /// <summary>What the rules said to a refusal, as JSON; null where that is not told.</summary>
    public byte[]? Explanation { get; set; }

    public int SqlStatements { get; set; }

    public long BytesOut { get; private set; }

    public bool IsWrite => Method is Method.Post or Method.Put or Method.Patch or Method.Delete;

    public IHeaderDictionary Headers => _request.Headers;

    public IHeaderDictionary ResponseHeaders => _response.Headers;

    public IHttpConnectionFeature? Connection => _features.Get<IHttpConnectionFeature>();

    public bool HasStarted => _response.HasStarted;

    public int Status => _response.StatusCode;

    /// <summary>Ends with the request's time limit, or when the client has gone.</summary>
    public CancellationToken Cancel => _timeout.Token;

    /// <summary>The client went away: nobody is left to answer to.</summary>
    public bool IsAborted => _features.Get<IHttpRequestLifetimeFeature>() is { RequestAborted.IsCancellationRequested: true };

    /// <summary>A body may follow: its length is not zero, or not known.</summary>
    public bool HasBody => (_features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false) && _request.Headers.ContentLength != 0;

    public PipeReader Body => _features.Get<IRequestBodyPipeFeature>()!.Reader; // Kestrel always has it.

    /// <summary>A buffer of the exchange itself, for small answers; cleared at each call.</summary>
    public ByteOutput Scratch
    {
        get
        {
            _scratch ??= new ByteOutput(2048);
            _scratch.Clear();
            return _scratch;
        }
    }

    public void Begin(IFeatureCollection features, TimeProvider time, int requestMs)
    {
        _features = features;
        // One exchange belongs to one connection, so its output is looked up once.
        _output ??= features.Get<GuardedOutput>();
        if (_output is not null) _output.IsInRequest = true;
        _request = features.GetRequiredFeature<IHttpRequestFeature>();
        _response = features.GetRequiredFeature<IHttpResponseFeature>();
        StartedTicks = time.GetTimestamp();
        (RequestId, TraceId, Activity) = RequestIds.Of(_request.Headers, time);
        Method = Methods.Parse(_request.Method);
        Target = Target.Of(_request.RawTarget);
        Route = RouteTable.Unknown;
        RawKey = "";
        Caller = s_nobody;
        Address = "";
        AnswersCbor = false;
        FaultCode = null;
        Explanation = null;
        SqlStatements = 0;
        BytesOut = 0;
        if (!_timeout.TryReset()) _timeout = new CancellationTokenSource();
        _timeout.CancelAfter(requestMs);
        CancellationToken aborted = features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
        _aborted = aborted.UnsafeRegister(static exchange => ((Exchange)exchange!)._timeout.Cancel(), this);
    }

    public void End()
    {
        if (_output is not null) _output.IsInRequest = false;
        _aborted.Dispose();
        _aborted = default;
        _timeout.CancelAfter(Timeout.Infinite);
        Activity?.Dispose();
        Activity = null;
        if (_scratch is { Length: > 64 << 10 })
        {
            _scratch.Dispose();
            _scratch = null;
        }
    }

    /// <summary>Sends an answer without a body.</summary>
    public void SendEmpty(int status)
    {
        _response.StatusCode = status;
        if (status is not (204 or 304)) _response.Headers.ContentLength = 0;
    }

    public async ValueTask SendAsync(int status, StringValues contentType, ReadOnlyMemory<byte> body)
    {
        _response.StatusCode = status;
        IHeaderDictionary headers = _response.Headers;
        headers.ContentType = contentType;
        headers.ContentLength = body.Length;
        if (Method == Method.Head) return;
        BytesOut = body.Length;
        var output = _features.GetRequiredFeature<IHttpResponseBodyFeature>();
        await output.Writer.WriteAsync(body, CancellationToken.None);
    }

    public ValueTask SendFaultAsync(Fault fault)
    {
        FaultCode = fault.Code;
        IHeaderDictionary headers = _response.Headers;
        headers.ETag = default;
        headers.Location = default;
        if (fault.RetryAfterSeconds > 0) headers.RetryAfter = fault.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        int status = Statuses.Of(fault.Kind);
        if (fault.Kind == Faults.ReadOnlyModel) headers.Allow = s_reads;
        // RFC 6750: an error is named only where a credential was presented; which check it failed is not told.
        bool isRefused = fault.Kind == Faults.Unauthorized && !Route.IgnoresIdentity && Headers.Authorization.Count > 0;
        if (status == 401) headers.WWWAuthenticate = isRefused ? "Bearer error=\"invalid_token\"" : "Bearer";
        ByteOutput body = Scratch;
        Problem.Write(body, fault, status, TraceId, RequestId, Explanation);
        return SendAsync(status, s_problem, body.WrittenMemory);
    }

    /// <summary>What turns the connection into one of another protocol; null where that cannot be.</summary>
    public IHttpUpgradeFeature? Upgrade => _features.Get<IHttpUpgradeFeature>();

    /// <summary>From now on it may take any time: it ends when the client goes, or when whoever answers ends it.</summary>
    public void EndTimeLimit() => _timeout.CancelAfter(Timeout.Infinite);

    /// <summary>Begins an answer whose end is not known; what is written leaves with each flush.</summary>
    public PipeWriter Open(int status, StringValues contentType)
    {
        _response.StatusCode = status;
        _response.Headers.ContentType = contentType;
        return _features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
    }

    /// <summary>The connection ends without an answer, or in the middle of one: the client cannot take it for a whole.</summary>
    public void Abort() => _features.Get<IHttpRequestLifetimeFeature>()?.Abort();

    /// <summary>Asks the client to take a new connection for its next request (of another node, while this one drains).</summary>
    public void CloseConnection() => _response.Headers.Connection = "close";

    /// <summary>The text of an address; connections keep theirs, so it is made once per connection.</summary>
    public string AddressText(System.Net.IPAddress address)
    {
        if (!address.Equals(_address)) (_address, _addressText) = (address, address.ToString());
        return _addressText;
    }
}
