using Plinth.Log;
using Plinth.Projections;
using Plinth.Runtime;
using Plinth.Schema.Types;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Hosting;

/// <summary>How the projections stand: <c>/projections</c>, for operators.</summary>
sealed class ProjectionPage(Engine engine)
{
    /// <summary>Writes the document; the fault when the database does not say.</summary>
    public Fault? Write(ByteOutput body)
    {
        IReadOnlyList<ProjectionReport> reports;
        try
        {
            reports = engine.Projections.Report(engine.Current.Schema, CancellationToken.None);
        }
        catch (StoreException e) when (e.ToFault() is { } fault)
        {
            return fault;
        }
        Dictionary<string, FollowerStatus> followers = new(StringComparer.Ordinal);
        foreach (FollowerStatus follower in engine.Log.Followers) followers[follower.Name] = follower;
        body.Write("{\"head\":"u8);
        JsonText.WriteIntString(body, engine.Log.Head);
        body.Write(",\"projections\":["u8);
        for (int i = 0; i < reports.Count; i++)
        {
            if (i > 0) body.Write((byte)',');
            Write(body, reports[i], followers.GetValueOrDefault(ProjectionFollower.NameOf(reports[i].Projection)));
        }
        body.Write("]}"u8);
        return null;
    }

    static void Write(ByteOutput body, ProjectionReport report, FollowerStatus? follower)
    {
        body.Write("{\"name\":"u8);
        JsonText.WriteString(body, report.Projection.Name);
        body.Write(",\"from\":"u8);
        JsonText.WriteString(body, report.From);
        body.Write(report.Projection.Projection is { IsInline: true } ? ",\"inline\":true,\"state\":"u8 : ",\"inline\":false,\"state\":"u8);
        JsonText.WriteString(body, report.StateOf(follower));
        body.Write(",\"position\":"u8);
        JsonText.WriteIntString(body, report.State?.Position ?? 0);
        body.Write(",\"behind\":"u8);
        JsonText.WriteInt(body, report.Behind);
        body.Write(",\"builtAt\":"u8);
        if (report.State is { } state) JsonText.WriteString(body, DateTimeType.It.Format(Schema.Value.FromDateTime(state.BuiltAt)));
        else JsonText.WriteNull(body);
        if (follower?.Error is { } error)
        {
            body.Write(",\"error\":"u8);
            JsonText.WriteString(body, error);
        }
        body.Write((byte)'}');
    }
}
