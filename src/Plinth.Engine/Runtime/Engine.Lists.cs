using Plinth.Plan;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Lists: from records, when they are likely to be at hand; else from rows, which may be kept.</summary>
sealed partial class Engine
{
    /// <summary>How often a run may lack something before the database is asked for rows: more than once for each level.</summary>
    const int RunsMax = 24;

    async ValueTask<Result<ReadReply>> ListAsync(Asked asked, RecordProgram records, CancellationToken cancel)
    {
        bool isRemote = !Store.Database.IsInProcess;
        long position = asked.Cache.Position;
        // What the log does not tell within its time is not waited for.
        if (records.IsWarm && IsCacheTrue)
        {
            RecordRun.Request request = new(records, asked.Program.Count, asked.Read, asked.Caller, asked.Now, asked.Cache, position,
                Store.Database.IsShared, asked.Snapshot.Version, asked.Snapshot.Reads.Secret, Limits);
            Composition outcome = Composition.Written;
            // Before any snapshot is taken: changes of what lists are sorted by are taken note of from now on.
            if (isRemote) foreach ((string model, string field) in records.SortedBy) asked.Cache.Children.Sorts(model, field);
            long noted = Position;
            using Statement? keys = await KeysAsync(asked, request.KeysMax, cancel);
            Result<ReadReply> page = await RunAsync(
                asked,
                async (connection, body) =>
                {
                    (Fault? fault, outcome) = isRemote
                        ? await ComposeAsync(request, connection, keys, body, cancel) : Compose(request, connection, body);
                    return (fault, 0L);
                },
                records.AnswerBytes, cancel, keys is null ? null : noted);
            if (outcome == Composition.Written)
            {
                if (page.IsOk) records.AnswerBytes = page.Value.Body.Length;
                return page;
            }
            if (page.IsOk) page.Value.Dispose();
            if (outcome == Composition.Hopeless) records.Abandon();
        }
        if (!records.Keeps(asked.Cache)) return await RunAsync(asked, null, cancel);
        RecordKeeper keeper = new(records, asked.Cache, asked.Caller.Tenant, position, asked.Snapshot.Version)
        {
            PositionColumn = isRemote ? asked.Program.PositionColumn : -1,
        };
        return await RunAsync(asked, keeper, cancel);
    }

    /// <summary>A page that is asked for together with those that others wait for; null when it has to be asked for by itself.</summary>
    async ValueTask<Result<ReadReply>?> PageAsync(Asked asked, ListsTogether together, CancellationToken cancel)
    {
        long position = Position;
        ReadProgram program = asked.Program;
        ReadOnlyMemory<byte> secret = asked.Snapshot.Reads.Secret;
        ByteOutput body = new(program.AnswerBytes);
        try
        {
            ReadTogether answer = await together.AskAsync(_readsBy, asked.Read, body, cancel);
            using Statement? rows = answer.Rows;
            if (!answer.IsAnswered)
            {
                body.Dispose();
                if (answer.Busy is { } busy) return busy;
                return null;
            }
            if (answer.Page is { } page) new PageWriter(page, asked.Read, secret).Close(body, total: null);
            // Its rows are there when it is not written.
            else ReadRun.WritePage(program, asked.Read, secret, rows!, body);
            program.AnswerBytes = body.Length;
            return Reply(asked, body, version: 0, position, answer.Statements);
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>The same for the keys of a list.</summary>
    async ValueTask<Statement?> KeysAsync(Asked asked, long limit, CancellationToken cancel)
    {
        if (asked.Program.KeysFor(limit) is not { } together) return null;
        ReadTogether keys = await together.AskAsync(_readsBy, asked.Read, output: null, cancel);
        return keys.IsAnswered ? keys.Rows : null;
    }

    static (Fault? Fault, Composition Outcome) Compose(RecordRun.Request request, Connection connection, ByteOutput body)
    {
        using EmbeddedRecords source = new(request, connection);
        RecordRun run = new(request, source);
        return (run.Write(body), run.GaveUp ? Composition.Hopeless : Composition.Written);
    }

    /// <summary>
    /// From records, over a database that is a way off: the keys are one statement, and with everything at hand nothing follows. What is
    /// lacking is fetched; when that turns out to be of another moment, all of it is read once more, in a transaction.
    /// </summary>
    async ValueTask<(Fault? Fault, Composition Outcome)> ComposeAsync(
        RecordRun.Request request, Connection connection, Statement? keys, ByteOutput body, CancellationToken cancel)
    {
        // A count is of the moment of the keys as well.
        for (bool isWhole = request.Count is not null; ; isWhole = true)
        {
            if (isWhole) connection.BeginRead();
            RemoteRecords source = new(request, connection);
            if (keys is not null && !isWhole) source.Take(keys);
            else await source.OpenAsync(request.KeysMax, cancel);
            RecordRun.Request placed = request with { Position = source.Position ?? 0 };
            if (!await request.Cache.ReachAsync(placed.Position, cancel)) return (null, Composition.Late);
            bool isOne = true;
            for (int runs = 0; isOne && runs < RunsMax; runs++)
            {
                source.Rewind();
                RecordRun run = new(placed, source);
                Fault? fault = run.Write(body);
                if (!source.Lacks) return (fault, run.GaveUp ? Composition.Hopeless : Composition.Written);
                isOne = await source.FetchAsync(placed.ChildrenMax, cancel);
            }
            if (isWhole) return (null, Composition.Late);
        }
    }

    /// <summary>What became of putting an answer together.</summary>
    enum Composition
    {
        Written,

        /// <summary>The rule hides so many records that the database is better asked, from now on.</summary>
        Hopeless,

        /// <summary>The log has not come up to the moment of the keys in time.</summary>
        Late,
    }
}
