using Plinth.Auth;
using Plinth.Cli;
using Plinth.Store;

namespace Plinth.Tests.Cli;

/// <summary><c>plinth projections</c> as an operator runs them.</summary>
public sealed class ProjectionCommandTests : IDisposable
{
    readonly TempFolder _folder = new();

    public ProjectionCommandTests()
    {
        NativeLibraries.Provide();
        File.WriteAllText(_folder.File("schema.plinth"), """
            model Deal { id Int @id  stage String  score Int  @@allow("all", true) }
            projection ByStage from Deal { key stage  n Int = count()  most Int = max(score)  @@allow("read", true) }
            projection Scores from Deal { key score  n Int = count()  @@allow("read", true) }
            """);
        File.WriteAllText(_folder.File("deals.ndjson"), """
            {"id":1,"stage":"a","score":1}
            {"id":2,"stage":"a","score":5}
            {"id":3,"stage":"b","score":5}
            """);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Projections_are_listed_built_and_compared_with_a_fresh_count()
    {
        (int code, string said) = await RunAsync("import", "Deal", "deals.ndjson");
        Assert.True(code == ExitCode.Done, said);
        (code, said) = await RunAsync("projections", "rebuild");
        Assert.True(code == ExitCode.Done, said);
        Assert.Contains("ByStage: 3 records in ", said, StringComparison.Ordinal);
        Assert.Contains("Scores: 3 records in ", said, StringComparison.Ordinal);
        (code, said) = await RunAsync("projections", "list");
        Assert.True(code == ExitCode.Done, said);
        Assert.Matches("ByStage +from Deal +up to date, built 20[0-9]{2}-", said);
        (code, said) = await RunAsync("projections", "list", "--json");
        Assert.Contains("""{"name":"ByStage","from":"Deal","position":"3","behind":0,"builtAt":"20""", said, StringComparison.Ordinal);
        (code, said) = await RunAsync("projections", "verify");
        Assert.True(code == ExitCode.Done, said);
        Assert.Contains("ByStage: 2 rows of 3 records: as a fresh count gives", said, StringComparison.Ordinal);
        Assert.Contains("Scores: 2 rows of 3 records: as a fresh count gives", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_changed_behind_the_engine_is_found_and_put_right()
    {
        Assert.Equal(ExitCode.Done, (await RunAsync("import", "Deal", "deals.ndjson")).Code);
        Assert.Equal(ExitCode.Done, (await RunAsync("projections", "rebuild")).Code);
        using (Database database = Plinth.Store.Sqlite.SqliteDatabase.Open(
            new StoreOptions { Folder = _folder.File(".plinth") }, TimeProvider.System))
        {
            database.Writer.Execute("update by_stages set n = 7 where stage = 'a'; delete from by_stages where stage = 'b'; "
                + "insert into by_stages (stage, n, most, _records) values ('c', 1, 1, 1)");
        }
        (int code, string said) = await RunAsync("projections", "verify");
        Assert.Equal(ExitCode.Found, code);
        Assert.Contains("ByStage a: n is not what the records give.", said, StringComparison.Ordinal);
        Assert.Contains("ByStage b: the row is missing.", said, StringComparison.Ordinal);
        Assert.Contains("ByStage c: there is a row, and no record for it.", said, StringComparison.Ordinal);
        (code, said) = await RunAsync("projections", "verify", "--projection", "ByStage", "--json");
        Assert.Equal(ExitCode.Found, code);
        Assert.Contains("""{"name":"ByStage","records":3,"rows":2,"differences":["ByStage a""", said, StringComparison.Ordinal);
        Assert.DoesNotContain("Scores", said, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, (await RunAsync("projections", "rebuild", "--projection", "ByStage")).Code);
        Assert.Equal(ExitCode.Done, (await RunAsync("projections", "verify")).Code);
    }

    [Fact]
    public async Task A_projection_that_is_not_there_is_named()
    {
        Assert.Equal(ExitCode.Done, (await RunAsync("import", "Deal", "deals.ndjson")).Code);
        (int code, string said) = await RunAsync("projections", "verify", "--projection", "ByStag");
        Assert.Equal(ExitCode.WrongUse, code);
        Assert.Contains("there is no projection 'ByStag' (did you mean 'ByStage'?)", said, StringComparison.Ordinal);
    }

    Task<Ran> RunAsync(params string[] args) => Ran.OfAsync(_folder.Path, args);
}
