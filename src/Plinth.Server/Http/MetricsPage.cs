using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>
/// <c>/metrics</c>: the product's own meter and the runtime's, kept by a <see cref="MeterListener"/> and written as Prometheus text.
/// Labels are bounded by what they are made of (templates, methods, statuses), and once more by a count: measurements beyond it go to
/// one series without labels.
/// </summary>
sealed class MetricsPage : IDisposable
{
    const int SeriesMax = 5000;

    static readonly double[] s_bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    readonly ConcurrentDictionary<SeriesKey, Series> _series = new();
    readonly MeterListener _listener = new();

    /// <param name="server">Of whose meters it tells, beside those of the process.</param>
    public MetricsPage(ServerOptions server)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            bool isOurs = instrument.Meter.Name == Telemetry.Name
                && (instrument.Meter.Scope is null || ReferenceEquals(instrument.Meter.Scope, server));
            if (isOurs || instrument.Meter.Name == "System.Runtime") listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Measure(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Measure(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Measure(instrument, value, tags));
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    public void Write(ByteOutput output)
    {
        _listener.RecordObservableInstruments();
        foreach (var family in _series.GroupBy(s => s.Key.Instrument).OrderBy(f => f.Key.Name, StringComparer.Ordinal))
        {
            string name = NameOf(family.Key);
            Line(output, $"# HELP {name} {(family.Key.Description ?? family.Key.Name).ReplaceLineEndings(" ")}");
            Line(output, $"# TYPE {name} {TypeOf(family.Key)}");
            foreach (var (key, series) in family.OrderBy(s => s.Key.Labels, StringComparer.Ordinal)) series.Write(output, name, key.Labels);
        }
    }

    void Measure(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        SeriesKey key = SeriesKey.Of(instrument, tags);
        if (!_series.TryGetValue(key, out Series? series))
        {
            if (_series.Count >= SeriesMax) key = SeriesKey.Of(instrument, []);
            series = _series.GetOrAdd(key with { Labels = LabelsOf(key.Tags) }, static k => new Series(IsHistogram(k.Instrument)));
        }
        series.Add(value, isAbsolute: instrument.IsObservable);
    }

    static bool IsHistogram(Instrument instrument) => instrument.GetType().GetGenericTypeDefinition() == typeof(Histogram<>);

    static string TypeOf(Instrument instrument)
    {
        Type type = instrument.GetType().GetGenericTypeDefinition();
        return type == typeof(Histogram<>) ? "histogram"
            : type == typeof(Counter<>) || type == typeof(ObservableCounter<>) ? "counter" : "gauge";
    }

    static string NameOf(Instrument instrument)
    {
        string name = string.Concat(instrument.Name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        if (instrument.Unit == "s") name += "_seconds";
        else if (instrument.Unit == "By") name += "_bytes";
        return TypeOf(instrument) == "counter" ? name + "_total" : name;
    }

    static string LabelsOf(KeyValuePair<string, object?>[] tags) => string.Join(',', tags.Select(t =>
    {
        string value = Convert.ToString(t.Value, CultureInfo.InvariantCulture) ?? "";
        value = value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .ReplaceLineEndings("\\n");
        return $"{string.Concat(t.Key.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'))}=\"{value}\"";
    }));

    static void Line(ByteOutput output, FormattableString text)
    {
        output.Write(Encoding.UTF8.GetBytes(FormattableString.Invariant(text)));
        output.Write((byte)'\n');
    }

    /// <summary>An instrument with its tags; equal when both are. The labels are the tags' text, made once per series.</summary>
    readonly record struct SeriesKey(Instrument Instrument, KeyValuePair<string, object?>[] Tags, int Hash)
    {
        public string Labels { get; init; } = "";

        public static SeriesKey Of(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            HashCode hash = default;
            hash.Add(instrument);
            foreach (var (name, value) in tags)
            {
                hash.Add(name.Length);
                hash.Add(value);
            }
            return new SeriesKey(instrument, tags.ToArray(), hash.ToHashCode());
        }

        public bool Equals(SeriesKey other)
        {
            if (Hash != other.Hash || !ReferenceEquals(Instrument, other.Instrument) || Tags.Length != other.Tags.Length) return false;
            for (int i = 0; i < Tags.Length; i++)
            {
                if (Tags[i].Key != other.Tags[i].Key || !Equals(Tags[i].Value, other.Tags[i].Value)) return false;
            }
            return true;
        }

        public override int GetHashCode() => Hash;
    }

    sealed class Series(bool isHistogram)
    {
        readonly long[] _buckets = isHistogram ? new long[s_bounds.Length + 1] : [];
        readonly Lock _lock = new();
        double _sum;
        long _count;

        public void Add(double value, bool isAbsolute)
        {
            lock (_lock)
            {
                _sum = isAbsolute ? value : _sum + value;
                _count++;
                if (!isHistogram) return;
                int bucket = 0;
                while (bucket < s_bounds.Length && value > s_bounds[bucket]) bucket++;
                _buckets[bucket]++;
            }
        }

        public void Write(ByteOutput output, string name, string labels)
        {
            lock (_lock)
            {
                string braces = labels.Length == 0 ? "" : "{" + labels + "}";
                if (!isHistogram)
                {
                    Line(output, $"{name}{braces} {_sum:R}");
                    return;
                }
                string comma = labels.Length == 0 ? "" : labels + ",";
                long below = 0;
                for (int i = 0; i <= s_bounds.Length; i++)
                {
                    below += _buckets[i];
                    string bound = i < s_bounds.Length ? s_bounds[i].ToString("R", CultureInfo.InvariantCulture) : "+Inf";
                    Line(output, $"{name}_bucket{{{comma}le=\"{bound}\"}} {below}");
                }
                Line(output, $"{name}_sum{braces} {_sum:R}");
                Line(output, $"{name}_count{braces} {_count}");
            }
        }
    }
}
