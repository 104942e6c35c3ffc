using Plinth.Examples.Nodes;
using Plinth.Projections;
using Plinth.Runtime;
using Plinth.Sinks;

namespace Plinth.Store.Postgres;

/// <summary>Three real nodes with projections and a sink on one database, one of which is killed while clients write to all.</summary>
public sealed class ProjectionsOnSeveralNodesTests
{
    [Fact]
    public async Task With_a_node_killed_projections_are_exact_and_each_follower_is_led_by_one_of_the_others()
    {
        int seed = Counts.Seed(), each = Counts.Of(test: 30, soak: 2_000), killed = (int)((uint)seed % 3);
        await using PostgresNodes database = new(PostgresCluster.Shared, Followers_outlive_their_process.Schema);
        // Makes the tables and the key.
        Engine first = await database.StartAsync();
        await first.Projections.DisposeAsync();
        using TempFolder folder = new();
        string project = Directory.CreateDirectory(folder.File("project")).FullName;
        await File.WriteAllTextAsync(Path.Combine(project, "schema.plinth"), Followers_outlive_their_process.Schema);
        await using HttpReceiver receiver = new();
        List<ServedProcess> nodes = [.. Enumerable.Range(0, 3).Select(n => Serve(project, folder.File($"node-{n}"), receiver, database))];
        try
        {
            int[] ports = await Task.WhenAll(nodes.Select(static node => node.PortAsync()));
            await Followers_outlive_their_process.WriteAsync(ports, seed, static () => false, each);
            await Followers_outlive_their_process.CaughtUpAsync(ports);
            Task writing = Followers_outlive_their_process.WriteAsync(ports, seed + 1, static () => false, each);
            nodes[killed].Kill();
            await writing;
            int[] others = [.. ports.Where((_, n) => n != killed)];
            await Followers_outlive_their_process.WriteAsync(others, seed + 2, static () => false, each);
            await Followers_outlive_their_process.CaughtUpAsync(others);
            Followers_outlive_their_process.RequireExact(first, $"seed {seed}");
            long head = database.Scalar("select position from plinth_log_head");
            Followers_outlive_their_process.RequireAllInOrder([.. receiver.Positions], head, $"seed {seed}");
        }
        finally
        {
            foreach (ServedProcess node in nodes) node.Dispose();
        }
    }

    static ServedProcess Serve(string project, string data, HttpReceiver receiver, PostgresNodes database)
    {
        database.CopyKey(Directory.CreateDirectory(data).FullName);
        return new ServedProcess(project, data,
        [
            ("PLINTH_DATABASE__URL", database.Url), ("PLINTH_SINKS__URL", receiver.Url.ToString()),
            ("PLINTH_OPS__TOKEN", Followers_outlive_their_process.Operator),
        ]);
    }
}
