using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Plinth.Http;

/// <summary>Sends traces and metrics to an OTLP collector. Exists only when an endpoint is configured: else nothing listens, and spans
/// cost nothing.</summary>
sealed class Exporter : IDisposable
{
    readonly TracerProvider _traces;
    readonly MeterProvider _metrics;

    public Exporter(Uri endpoint, string protocol, string version)
    {
        ResourceBuilder resource = ResourceBuilder.CreateDefault().AddService("plinth", serviceVersion: version)
            .AddEnvironmentVariableDetector();
        bool http = protocol == "http/protobuf";
        _traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(Telemetry.Name)
            .AddOtlpExporter(o => Point(o, "v1/traces")).Build();
        _metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(Telemetry.Name).AddMeter("System.Runtime")
            .AddOtlpExporter(o => Point(o, "v1/metrics")).Build();

        void Point(OtlpExporterOptions options, string path)
        {
            options.Protocol = http ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
            // An endpoint given in code is taken as it is; the path that the protocol adds to a base address is ours to add.
            options.Endpoint = http ? new Uri(endpoint.AbsoluteUri.TrimEnd('/') + "/" + path) : endpoint;
        }
    }

    public void Dispose()
    {
        _traces.Dispose();
        _metrics.Dispose();
    }
}
