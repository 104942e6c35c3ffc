using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using Plinth.Http;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;
using SortKey = Plinth.Plan.SortKey;

namespace Plinth.Rest;

/// <summary>
/// The parameters of reads, from a query string or a body, as one <see cref="ReadRequest"/>. Strict: what is not known is named and
/// refused, nothing is dropped and nothing may be said twice. Names of fields are resolved by the planner; here a name is only told
/// apart from a parameter.
/// </summary>
static class ReadParameters
{
    public static readonly ImmutableArray<string> Operators = [
        "eq", "ne", "lt", "lte", "gt", "gte", "in", "nin", "like", "starts", "ends", "null"];

    static readonly FrozenSet<string> s_list = FrozenSet.Create(
        StringComparer.Ordinal, "filter", "sort", "limit", "after", "before", "offset",
        "select", "include", "count", "search", "trashed", "asOf");

    static readonly FrozenSet<string> s_one = FrozenSet.Create(StringComparer.Ordinal, "select", "include", "trashed", "asOf");

    static readonly FrozenSet<string> s_aggregate = FrozenSet.Create(
        StringComparer.Ordinal, "filter", "search", "trashed", "groupBy", "count",
        "sum", "avg", "min", "max");

    public static Result<ReadRequest> List(Model model, List<Parameter> parameters, Limits limits)
    {
        ReadRequest request = new() { Model = model.Name, Kind = ReadKind.List };
        if (parameters.Count == 0) return request;
        Reader reader = new(model, parameters, s_list, limits, takesFields: true);
        if (reader.Check() is { } wrong) return wrong;
        request = request with
        {
            Filter = reader.Filter(),
            ShortFilters = reader.ShortFilters(),
            Sort = reader.Sort(),
            Limit = reader.Number("limit"),
            Offset = reader.Number("offset"),
            After = reader.Text("after"),
            Before = reader.Text("before"),
            Select = reader.Names("select"),
            Include = reader.Include(),
            Count = reader.Word("count", CountMode.None, ("exact", CountMode.Exact), ("estimated", CountMode.Estimated)),
            Search = reader.Text("search"),
            Trashed = reader.Trashed(),
            AsOf = reader.Text("asOf"),
        };
        if (reader.Fault is null && request.After is not null && request.Before is not null)
            reader.Refuse("before", "cannot be combined with after");
        if (reader.Fault is null && request.Offset is not null && (request.After ?? request.Before) is not null)
            reader.Refuse("offset", "cannot be combined with a cursor");
        return reader.Fault is { } fault ? fault : request;
    }

    public static Result<ReadRequest> One(Model model, List<Parameter> parameters, ImmutableArray<string> key, Limits limits)
    {
        ReadRequest request = new() { Model = model.Name, Kind = ReadKind.Get, Key = key };
        if (parameters.Count == 0) return request;
        Reader reader = new(model, parameters, s_one, limits, takesFields: false);
        if (reader.Check() is { } wrong) return wrong;
        request = request with
        {
            Select = reader.Names("select"),
            Include = reader.Include(),
            Trashed = reader.Trashed(),
            AsOf = reader.Text("asOf"),
        };
        return reader.Fault is { } fault ? fault : request;
    }

    public static Result<ReadRequest> Aggregate(Model model, List<Parameter> parameters, Limits limits)
    {
        Reader reader = new(model, parameters, s_aggregate, limits, takesFields: true);
        if (reader.Check() is { } wrong) return wrong;
        var terms = ImmutableArray.CreateBuilder<AggregateTerm>();
        foreach (string function in (ReadOnlySpan<string>)["sum", "avg", "min", "max"])
        {
            foreach (string field in reader.Names(function)) terms.Add(new AggregateTerm(function, field));
        }
        bool counts = reader.Word("count", false, ("", true), ("true", true), ("false", false));
        ReadRequest request = new()
        {
            Model = model.Name,
            Kind = ReadKind.Aggregate,
            Filter = reader.Filter(),
            ShortFilters = reader.ShortFilters(),
            Search = reader.Text("search"),
            Trashed = reader.Trashed(),
            Aggregate = new AggregateRequest(reader.Names("groupBy"), counts || terms.Count == 0, terms.ToImmutable()),
        };
        return reader.Fault is { } fault ? fault : request;
    }

    /// <summary>The filter and the short filters of a filtered write; other parameters are those the route names.</summary>
    public static Result<(string? Filter, ImmutableArray<ShortFilter> Short)> FilterOnly(
        Model model, List<Parameter> parameters, Limits limits)
    {
        Reader reader = new(model, parameters, FrozenSet.Create(StringComparer.Ordinal, "filter"), limits, takesFields: true);
        if (reader.Check() is { } wrong) return wrong;
        var filters = (reader.Filter(), reader.ShortFilters());
        return reader.Fault is { } fault ? fault : filters;
    }

    /// <summary>Refuses every parameter that is not one of <paramref name="known"/>, and what is said twice.</summary>
    public static Fault? Only(Model model, List<Parameter> parameters, Limits limits, params ReadOnlySpan<string> known) =>
        parameters.Count == 0 ? null : new Reader(
            model, parameters, FrozenSet.Create(StringComparer.Ordinal, known), limits, takesFields: false).Check();

    /// <summary>One request's parameters. The first refusal is kept, and is the one that is answered.</summary>
    sealed class Reader(Model model, List<Parameter> parameters, FrozenSet<string> known, Limits limits, bool takesFields)
    {
        public Fault? Fault { get; private set; }

        public Fault? Check()
        {
            HashSet<string> seen = new(StringComparer.Ordinal);
            foreach (Parameter parameter in parameters)
            {
                if (!seen.Add(parameter.Name))
                {
                    Refuse(parameter.Name, "is given twice", takesFields && !known.Contains(parameter.Name)
                        ? "for one of several values write field[in]=a,b" : null);
                    return Fault;
                }
                if (!known.Contains(parameter.Name) && !(takesFields && IsField(parameter.Name))) return Fault ?? Unknown(parameter.Name);
            }
            return null;
        }

        public string? Text(string name)
        {
            foreach (Parameter parameter in parameters)
            {
                if (!string.Equals(parameter.Name, name, StringComparison.Ordinal)) continue;
                if (parameter.Text.Length == 0) Refuse(name, "is empty");
                return parameter.Text;
            }
            return null;
        }

        public string? Filter()
        {
            if (!Has("filter")) return null;
            string filter = Text("filter") ?? "";
            if (System.Text.Encoding.UTF8.GetByteCount(filter) > limits.FilterBytes)
            {
                Fault ??= Faults.LimitExceeded.Says(
                    $"filter: more than {limits.FilterBytes} bytes", hint: "limits.filterBytes is the setting");
            }
            return filter;
        }

        public int? Number(string name)
        {
            if (!Has(name)) return null;
            if (int.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return number;
            Refuse(name, "is not a whole number");
            return null;
        }

        public T Word<T>(string name, T absent, params ReadOnlySpan<(string Word, T Value)> words)
        {
            string? text = Raw(name);
            if (text is null) return absent;
            List<string> choices = [];
            foreach (var (word, value) in words)
            {
                if (string.Equals(word, text, StringComparison.Ordinal)) return value;
                if (word.Length > 0) choices.Add(word);
            }
            Refuse(name, "is not one of " + string.Join(", ", choices));
            return absent;
        }

        public TrashMode Trashed() => Word("trashed", TrashMode.Without, ("only", TrashMode.Only), ("with", TrashMode.With));

        public ImmutableArray<string> Names(string name)
        {
            string? text = Has(name) ? Text(name) : null;
            if (string.IsNullOrEmpty(text)) return [];
            ImmutableArray<string> names = [.. text.Split(',')];
            if (names.Length > 256 || names.Any(n => n.Length is 0 or > 200)) Refuse(name, "is not a list of names joined by commas");
            else if (names.Distinct(StringComparer.Ordinal).Count() != names.Length) Refuse(name, "names something twice");
            return names;
        }

        public ImmutableArray<SortKey> Sort()
        {
            ImmutableArray<string> names = Names("sort");
            if (names.Length > limits.SortKeys)
            {
                Fault ??= Faults.LimitExceeded.Says($"sort: more than {limits.SortKeys} keys", hint: "limits.sortKeys is the setting");
                return [];
            }
            return [.. names.Select(SortKeyOf)];
        }

        public ImmutableArray<IncludeRequest> Include()
        {
            if (!Has("include")) return [];
            Result<ImmutableArray<IncludeRequest>> includes = IncludeGrammar.Parse(Text("include"), limits);
            if (includes.IsOk) return includes.Value;
            Fault ??= includes.Fault;
            return [];
        }

        public ImmutableArray<ShortFilter> ShortFilters()
        {
            var filters = ImmutableArray.CreateBuilder<ShortFilter>();
            foreach (Parameter parameter in parameters)
            {
                if (known.Contains(parameter.Name)) continue;
                var (field, op) = Split(parameter.Name);
                filters.Add(new ShortFilter(field, op ?? "eq", parameter.Text));
            }
            return filters.ToImmutable();
        }

        public void Refuse(string name, string why, string? hint = null) =>
            Fault ??= Faults.MalformedParameter.Says(
                $"{Shown.Name(name)}: {why}", new FaultDetail(Shown.Name(name), Faults.MalformedParameter.Code, why))
                with { Hint = hint };

        bool Has(string name) => Raw(name) is not null;

        string? Raw(string name)
        {
            foreach (Parameter parameter in parameters)
            {
                if (string.Equals(parameter.Name, name, StringComparison.Ordinal)) return parameter.Text;
            }
            return null;
        }

        static SortKey SortKeyOf(string text)
        {
            bool descending = text.StartsWith('-');
            string path = descending ? text[1..] : text;
            int colon = path.IndexOf(':', StringComparison.Ordinal);
            return colon < 0 ? new SortKey(path, descending) : new SortKey(path[..colon], descending, path[(colon + 1)..]);
        }

        /// <summary>Whether the name is a short filter's; a wrong operator is refused here, by name.</summary>
        bool IsField(string name)
        {
            var (field, op) = Split(name);
            int dot = field.IndexOf('.', StringComparison.Ordinal);
            string first = dot < 0 ? field : field[..dot];
            if (model.Field(first) is not { Leaves: true } && model.Relation(first) is null) return false;
            if (op is null || Operators.Contains(op)) return true;
            Refuse(name, $"there is no operator '{Shown.Name(op)}'", "operators are " + string.Join(", ", Operators));
            return false;
        }

        static (string Field, string? Operator) Split(string name)
        {
            int open = name.IndexOf('[', StringComparison.Ordinal);
            return open > 0 && name.EndsWith(']') ? (name[..open], name[(open + 1)..^1]) : (name, null);
        }

        Fault Unknown(string name)
        {
            string sent = Split(name).Field;
            IEnumerable<string> candidates = takesFields
                ? known.Concat(model.Fields.Where(f => f.Leaves).Select(f => f.Name)).Concat(model.Relations.Select(r => r.Name))
                : known;
            string? hint = Plinth.Text.Names.DidYouMean(sent, candidates)
                ?? (known.Count == 0 ? "the route takes no parameters"
                    : "parameters are " + string.Join(", ", known.Order(StringComparer.Ordinal)));
            return Faults.UnknownParameter.Says($"unknown parameter '{Shown.Name(name)}'",
                new FaultDetail(Shown.Name(name), Faults.UnknownParameter.Code, "is not a parameter of this route, nor a field of "
                    + model.Name)) with { Hint = hint };
        }
    }
}
