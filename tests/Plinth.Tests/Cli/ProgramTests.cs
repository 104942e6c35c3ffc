using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Plinth.Cli;

namespace Plinth.Tests.Cli;

/// <summary>The program as a person runs it, in process: arguments in, text and exit code out, real folders, a real port.</summary>
public sealed class ProgramTests : IDisposable
{
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("plinth-program-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("empty")]
    [InlineData("crm")]
    [InlineData("blog")]
    [InlineData("books")]
    public async Task A_template_makes_a_project_that_checks_and_seeds(string template)
    {
        Assert.Equal(ExitCode.Done, (await RunAsync("init", "app", "--template", template)).Code);
        Ran check = await RunAsync("check", "app");
        Assert.True(check.Code == ExitCode.Done, check.All);
        Ran seed = await RunAsync("db", "reset", "app", "--yes");
        Assert.True(seed.Code == ExitCode.Done, seed.All);
        Ran replay = await RunAsync("replay", "app", "--json");
        Assert.True(replay.Code == ExitCode.Done, replay.All);
        Ran verify = await RunAsync("audit", "verify", "app");
        Assert.Equal(ExitCode.Done, (await RunAsync("audit", "checkpoint", "app", "--out", Path.Combine(_folder.FullName, "signed"))).Code);
        Ran held = await RunAsync("audit", "verify", "app", "--checkpoint", Path.Combine(_folder.FullName, "signed"));
        Assert.True(held.Code == ExitCode.Done && held.Out.Contains("as the checkpoints say", StringComparison.Ordinal), held.All);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("replay", "app", "--model", "Nonsense")).Code);
        Assert.Equal(ExitCode.Done, (await RunAsync("replay", "app", "--from", "0", "--verify")).Code);
        Assert.True(verify.Code == ExitCode.Done, verify.All);
        Ran doctor = await RunAsync("doctor", "app", "--deep");
        Assert.True(doctor.Code == ExitCode.Done, doctor.All);
    }

    [Fact]
    public async Task Init_overwrites_nothing()
    {
        _folder.CreateSubdirectory("app");
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "app", "mine.txt"), "mine");
        Ran init = await RunAsync("init", "app");
        Assert.Equal(ExitCode.Failed, init.Code);
        Assert.Contains("not empty", init.Error, StringComparison.Ordinal);
        Assert.Single(Directory.GetFileSystemEntries(Path.Combine(_folder.FullName, "app")));
    }

    [Theory]
    [InlineData("", "plinth: needs a command: init, check, ")]
    [InlineData("chek", "plinth: no command 'chek' (did you mean 'check'?)")]
    [InlineData("db", "plinth: db needs a command: reset, ")]
    [InlineData("db restor x", "plinth: no command 'restor' of db (did you mean 'restore'?)")]
    [InlineData("dev --prot 3", "plinth: no option '--prot' of dev (did you mean '--port'?)")]
    [InlineData("check --jsn", "plinth: no option '--jsn' of check (did you mean '--json'?)")]
    [InlineData("init", "plinth: init needs <")]
    [InlineData("import", "plinth: import needs <model> and <file>")]
    [InlineData("dev --port moon", "plinth: ")]
    public async Task A_mistyped_command_line_is_told_what_was_likely_meant(string line, string told)
    {
        Ran ran = await RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(ExitCode.WrongUse, ran.Code);
        Assert.StartsWith(told, ran.Error, StringComparison.Ordinal);
        Assert.Equal(2, ran.Error.TrimEnd().Split('\n').Length);
        Assert.Contains("--help`", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_says_nothing_of_the_models_that_the_product_brings()
    {
        WriteSchema("auth { id Uuid }\nextend User { nick String? }\n");
        Ran check = await RunAsync("check", "app");
        Assert.Equal(ExitCode.Done, check.Code);
        Assert.Contains("0 errors, 0 warnings", check.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_use_is_2_and_names_what_is_wrong()
    {
        Ran unknown = await RunAsync("frobnicate");
        Assert.Equal(ExitCode.WrongUse, unknown.Code);
        Assert.Contains("frobnicate", unknown.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("dev", "nowhere")).Code);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("check")).Code);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("init", "x", "--template", "moon")).Code);
    }

    [Fact]
    public async Task Check_finds_every_mistake_and_answers_1()
    {
        WriteSchema("model Note {\n  id Uuid @id @default(uuid7())\n  title Strng\n  @@alow(\"read\", true)\n}\n");
        Ran check = await RunAsync("check", "app", "--json");
        Assert.Equal(ExitCode.Found, check.Code);
        using JsonDocument found = JsonDocument.Parse(check.Out);
        string[] lines = [.. found.RootElement.EnumerateArray().Select(
            f => $"{f.GetProperty("line").GetInt32()} {f.GetProperty("hint").GetString()}")];
        Assert.Contains(lines, l => l.StartsWith("3 ", StringComparison.Ordinal) && l.Contains("String", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("4 ", StringComparison.Ordinal) && l.Contains("allow", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_exported_can_be_imported_in_every_format()
    {
        WriteSchema("""
            model Thing {
              id Int @id
              name String @unique
              price Decimal(10, 2)
              at DateTime?
              tags String[]
              upper String @computed(name.upperAscii())
              changedAt DateTime @updatedAt
              @@allow("all", true)
            }
            """);
        File.WriteAllText(InApp("things.ndjson"),
            "{\"id\":1,\"name\":\"a,\\\"b\\\"\",\"price\":\"1.50\",\"at\":\"2026-01-01T00:00:00Z\",\"tags\":[\"x\",\"y\"]}\n\n"
            + "{\"id\":2,\"name\":\"\",\"price\":2,\"tags\":[]}\n");
        Ran imported = await RunAsync("import", "Thing", "app/things.ndjson", "app", "--json");
        Assert.True(imported.Code == ExitCode.Done, imported.All);
        Assert.Equal(2, JsonDocument.Parse(imported.Out).RootElement.GetProperty("created").GetInt32());
        string first = await ExportedAsync();
        foreach (string format in (string[])["json", "ndjson", "csv"])
        {
            Ran exported = await RunAsync("export", "things", $"app/out.{format}", "app");
            Assert.True(exported.Code == ExitCode.Done, exported.All);
            Directory.Delete(InApp(".plinth"), recursive: true);
            Ran back = await RunAsync("import", "Thing", $"app/out.{format}", "app");
            Assert.True(back.Code == ExitCode.Done, format + ": " + back.All);
            Assert.Equal(WithoutTimes(first), WithoutTimes(await ExportedAsync()));
        }

        async Task<string> ExportedAsync()
        {
            Ran run = await RunAsync("export", "Thing", "-", "app");
            Assert.True(run.Code == ExitCode.Done, run.All);
            return run.Out;
        }

        static string WithoutTimes(string lines) =>
            System.Text.RegularExpressions.Regex.Replace(lines, "\"changedAt\":\"[^\"]*\"", "");
    }

    [Fact]
    public async Task An_import_with_a_mistake_brings_nothing_in_and_names_the_record()
    {
        WriteSchema("model Thing {\n  id Int @id\n  name String @length(1, 3)\n  @@allow(\"all\", true)\n}\n");
        File.WriteAllText(InApp("things.csv"), "id,name\n1,ok\n2,too long\n3,\"\"\n");
        Ran imported = await RunAsync("import", "Thing", "app/things.csv", "app");
        Assert.Equal(ExitCode.Failed, imported.Code);
        Assert.Contains("[1].name", imported.Error, StringComparison.Ordinal);
        Assert.Contains("[2].name", imported.Error, StringComparison.Ordinal);
        Assert.Equal("", (await RunAsync("export", "Thing", "-", "app")).Out);
        File.WriteAllText(InApp("bad.csv"), "id,nmae\n1,x\n");
        Assert.Contains("did you mean 'name'?", (await RunAsync("import", "Thing", "app/bad.csv", "app")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backup_restores_what_was_there_and_a_damaged_one_is_refused()
    {
        WriteSchema("model Thing {\n  id Int @id\n  @@allow(\"all\", true)\n}\n");
        File.WriteAllText(InApp("one.ndjson"), "{\"id\":1}\n");
        File.WriteAllText(InApp("two.ndjson"), "{\"id\":2}\n");
        Assert.Equal(ExitCode.Done, (await RunAsync("import", "Thing", "app/one.ndjson", "app")).Code);
        Ran backup = await RunAsync("db", "backup", "app/copy.db", "app");
        Assert.True(backup.Code == ExitCode.Done, backup.All);
        Assert.Equal(ExitCode.Failed, (await RunAsync("db", "backup", "app/copy.db", "app")).Code);
        Assert.Equal(ExitCode.Done, (await RunAsync("import", "Thing", "app/two.ndjson", "app")).Code);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("db", "restore", "app/copy.db", "app")).Code);
        Ran restored = await RunAsync("db", "restore", "app/copy.db", "app", "--yes");
        Assert.True(restored.Code == ExitCode.Done, restored.All);
        Assert.Equal("{\"id\":1}\n", (await RunAsync("export", "Thing", "-", "app")).Out);
        File.WriteAllBytes(InApp("broken.db"), [.. File.ReadAllBytes(InApp("copy.db")).Take(5000)]);
        Ran refused = await RunAsync("db", "restore", "app/broken.db", "app", "--yes");
        Assert.Equal(ExitCode.Failed, refused.Code);
        Assert.Equal("{\"id\":1}\n", (await RunAsync("export", "Thing", "-", "app")).Out);
    }

    [Fact]
    public async Task A_reset_whose_seeds_are_refused_deletes_nothing()
    {
        WriteSchema("model Thing {\n  id Int @id\n  @@allow(\"all\", true)\n}\n");
        _folder.CreateSubdirectory("app/seeds");
        File.WriteAllText(InApp("seeds/Thing.ndjson"), "{\"id\":1}\n");
        Assert.Equal(ExitCode.Done, (await RunAsync("db", "reset", "app", "--yes")).Code);
        File.WriteAllText(InApp("seeds/Thing.ndjson"), "{\"id\":2}\n{\"id\":\"x\"}\n");
        Ran refused = await RunAsync("db", "reset", "app", "--yes");
        Assert.Equal(ExitCode.Failed, refused.Code);
        Assert.Contains("nothing was deleted", refused.Error, StringComparison.Ordinal);
        Assert.Equal("{\"id\":1}\n", (await RunAsync("export", "Thing", "-", "app")).Out);
        Assert.False(Directory.Exists(InApp(".plinth/replacing")));
    }

    [Fact]
    public async Task Keys_are_rotated_and_what_was_sealed_before_stays_legible()
    {
        WriteSchema("model Thing {\n  id Int @id\n  pin String @serverOnly @default(\"0000\")\n  @@allow(\"all\", true)\n}\n");
        Assert.Equal(ExitCode.Failed, (await RunAsync("keys", "list", "app")).Code);
        File.WriteAllText(InApp("one.ndjson"), "{\"id\":1}\n");
        File.WriteAllText(InApp("two.ndjson"), "{\"id\":2}\n");
        Assert.Equal(ExitCode.Done, (await RunAsync("import", "Thing", "app/one.ndjson", "app")).Code);
        Ran rotated = await RunAsync("keys", "rotate", "app", "--json");
        Assert.Equal("{\"key\":\"master-2\"}\n", rotated.Out);
        Assert.Equal(ExitCode.Done, (await RunAsync("import", "Thing", "app/two.ndjson", "app")).Code);
        Assert.Equal("master-1  opens what it sealed\nmaster-2  seals\n", (await RunAsync("keys", "list", "app")).Out);
        Ran doctor = await RunAsync("doctor", "app", "--deep");
        Assert.True(doctor.Code == ExitCode.Done, doctor.All);
        Assert.Contains("master-2 seals", doctor.Out, StringComparison.Ordinal);

        await using (await StartAsync("dev", "app", "--port", "0"))
            Assert.Contains("in use", (await RunAsync("keys", "rotate", "app")).Error, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(InApp(".plinth/master.key"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
            Ran open = await RunAsync("doctor", "app");
            Assert.Equal(ExitCode.Found, open.Code);
            Assert.Contains("chmod 600", open.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_only_looks_may_look_while_a_server_serves_and_changes_nothing()
    {
        WriteSchema("model Note {\n  id Int @id\n  @@allow(\"all\", true)\n}\n");
        Assert.Contains("no database", (await RunAsync("replay", "app")).Error, StringComparison.Ordinal);
        await using (Running dev = await StartAsync("dev", "app", "--port", "0"))
        {
            using HttpClient client = new() { BaseAddress = dev.Url };
            Assert.Equal("Created", await PostAsync(client, "/api/notes", "{\"id\":1}"));
            Assert.Equal("{\"id\":1}\n", (await RunAsync("export", "Note", "-", "app")).Out);
            foreach (string[] looks in (string[][])[["replay", "app"], ["audit", "verify", "app"], ["doctor", "app", "--deep"]])
            {
                Ran looked = await RunAsync(looks);
                Assert.True(looked.Code == ExitCode.Done, looked.All);
            }
        }
        WriteSchema("model Note {\n  id Int @id\n  more String?\n  @@allow(\"all\", true)\n}\n");
        Ran other = await RunAsync("doctor", "app");
        Assert.Equal(ExitCode.Found, other.Code);
        Assert.Contains("not made for this schema", other.Error, StringComparison.Ordinal);
        WriteSchema("model Note {\n  id Int @id\n  @@allow(\"all\", true)\n}\n");
        Assert.Equal(ExitCode.Done, (await RunAsync("doctor", "app")).Code);
    }

    [Fact]
    public async Task Dev_serves_follows_the_schema_and_keeps_the_old_one_when_the_new_is_wrong()
    {
        WriteSchema("model Note {\n  id Int @id\n  title String\n  @@allow(\"all\", true)\n}\n");
        await using Running dev = await StartAsync("dev", "app", "--port", "0");
        using HttpClient client = new() { BaseAddress = dev.Url };
        Assert.Equal("Created", await PostAsync(client, "/api/notes", "{\"id\":1,\"title\":\"a\"}"));

        WriteSchema("model Note {\n  id Int @id\n  title String\n  stars Int @default(3)\n  @@allow(\"all\", true)\n}\n");
        await dev.SaysAsync("schema 2 serves");
        Assert.Contains("\"stars\":3", await client.GetStringAsync("/api/notes/1"), StringComparison.Ordinal);

        WriteSchema("model Note {\n  id Int @id\n  title Strin\n  @@allow(\"all\", true)\n}\n");
        await dev.SaysAsync("keeps serving");
        Assert.Contains("unknown_type", dev.Said, StringComparison.Ordinal);
        Assert.Contains("\"stars\":3", await client.GetStringAsync("/api/notes/1"), StringComparison.Ordinal);

        // Dropping a field that holds data is refused, with the remedy.
        WriteSchema("model Note {\n  id Int @id\n  stars Int @default(3)\n  @@allow(\"all\", true)\n}\n");
        await dev.SaysAsync("title");
        Assert.Contains("\"title\":\"a\"", await client.GetStringAsync("/api/notes/1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dev_drops_no_request_while_the_schema_is_swapped()
    {
        WriteSchema("model Note {\n  id Int @id\n  @@allow(\"all\", true)\n}\n");
        await using Running dev = await StartAsync("dev", "app", "--port", "0");
        using HttpClient client = new() { BaseAddress = dev.Url };
        using CancellationTokenSource stop = new();
        Task<int> asking = Task.Run(async () =>
        {
            int answered = 0;
            while (!stop.IsCancellationRequested)
            {
                using HttpResponseMessage answer = await client.GetAsync("/api/notes");
                Assert.True(answer.IsSuccessStatusCode, answer.ToString());
                answered++;
            }
            return answered;
        });
        for (int i = 1; i <= 3; i++)
        {
            WriteSchema("model Note {\n  id Int @id\n" + string.Concat(Enumerable.Range(0, i).Select(n => $"  extra{n} String?\n"))
                + "  @@allow(\"all\", true)\n}\n");
            await dev.SaysAsync($"schema {i + 1} serves");
        }
        await stop.CancelAsync();
        Assert.True(await asking > 0);
    }

    [Fact]
    public async Task Dev_as_gives_every_request_an_identity_and_serve_has_no_such_flag()
    {
        WriteSchema(
            "auth { id Int  role Role }\nenum Role { admin reader }\n"
            + "model Note {\n  id Int @id\n  @@allow(\"all\", auth.role == \"admin\")\n}\n");
        await using (Running dev = await StartAsync("dev", "app", "--port", "0", "--as", "admin"))
        {
            using HttpClient client = new() { BaseAddress = dev.Url };
            Assert.Equal("Created", await PostAsync(client, "/api/notes", "{\"id\":1}"));
        }
        await using (Running dev = await StartAsync("dev", "app", "--port", "0"))
        {
            using HttpClient client = new() { BaseAddress = dev.Url };
            Assert.Equal("Unauthorized", await PostAsync(client, "/api/notes", "{\"id\":2}"));
        }
        Assert.Contains("no Role", (await RunAsync("dev", "app", "--as", "king")).Error, StringComparison.Ordinal);
        Assert.Contains("did you mean 'role'?", (await RunAsync("dev", "app", "--as", "{\"rol\":\"admin\"}")).Error,
            StringComparison.Ordinal);
        Assert.Equal(ExitCode.WrongUse, (await RunAsync("serve", "app", "--as", "admin")).Code);
    }

    [Fact]
    public async Task Serve_refuses_a_database_of_another_schema_until_it_is_told_to_migrate()
    {
        WriteSchema("model Note {\n  id Int @id\n  @@allow(\"all\", true)\n}\n");
        await using (await StartAsync("serve", "app", "--port", "0"))
        {
        }
        WriteSchema("model Note {\n  id Int @id\n  title String?\n  @@allow(\"all\", true)\n}\n");
        Ran refused = await RunAsync("serve", "app", "--port", "0");
        Assert.Equal(ExitCode.Failed, refused.Code);
        Assert.Contains("--migrate", refused.Error, StringComparison.Ordinal);
        await using Running served = await StartAsync("serve", "app", "--port", "0", "--migrate");
        using HttpClient client = new() { BaseAddress = served.Url };
        Assert.Equal("Created", await PostAsync(client, "/api/notes", "{\"id\":1,\"title\":\"x\"}"));
    }

    [Fact]
    public async Task Serve_fails_its_readiness_before_it_closes_its_port()
    {
        WriteSchema("model Note {\n  id Int @id\n  @@allow(\"all\", true)\n}\n");
        await using Running served = await StartAsync("serve", "app", "--port", "0", "--set", "server.drainDelaySeconds=8");
        using HttpClient client = new() { BaseAddress = served.Url };
        Assert.Equal("OK", (await client.GetAsync("/readyz")).StatusCode.ToString());
        await served.Stop.CancelAsync();
        // A port that closed first would end the wait with an exception.
        while ((await client.GetAsync("/readyz")).StatusCode != System.Net.HttpStatusCode.ServiceUnavailable) await Task.Delay(10);
        Assert.Equal("OK", (await client.GetAsync("/api/notes")).StatusCode.ToString());
    }

    [Fact]
    public async Task A_second_writer_on_the_same_data_is_refused_by_name_while_a_backup_is_taken()
    {
        WriteSchema("model Note {\n  id Int @id\n  @@allow(\"all\", true)\n}\n");
        await using Running dev = await StartAsync("dev", "app", "--port", "0");
        Ran second = await RunAsync("db", "seed", "app");
        Assert.Equal(ExitCode.Failed, second.Code);
        Assert.Contains("in use", second.Error, StringComparison.Ordinal);
        Ran backup = await RunAsync("db", "backup", "app/copy.db", "app");
        Assert.True(backup.Code == ExitCode.Done, backup.All);
    }

    [Fact]
    public async Task Fmt_lays_out_and_is_idempotent()
    {
        WriteSchema("model   Note{id Int @id // the key\n title String @@allow(\"all\",true)}");
        Assert.Equal(ExitCode.Found, (await RunAsync("fmt", "app", "--check")).Code);
        Assert.Equal(ExitCode.Done, (await RunAsync("fmt", "app")).Code);
        Assert.Contains("// the key", File.ReadAllText(InApp("schema.plinth")), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, (await RunAsync("fmt", "app", "--check")).Code);
        Ran printed = await RunAsync("schema", "print", "app");
        Assert.Equal("Note", JsonDocument.Parse(printed.Out).RootElement.GetProperty("models")[0].GetProperty("name").GetString());
    }

    [Fact]
    public async Task A_cstack_project_is_checked_served_followed_and_laid_out()
    {
        const string Boxes = "model Box {\n  id Int @id\n  note String? @server_only\n  @@soft_delete\n  @@allow(\"all\", true)\n}\n";
        WriteSchema("datasource db { provider = \"sqlite\"  url = env(\"DATABASE_URL\") }\n" + Boxes, "shop.cstack");
        Ran check = await RunAsync("check", "app");
        Assert.True(check.Code == ExitCode.Done, check.All);
        Assert.Contains(Path.Combine("app", "shop.cstack") + ":1:1: warning", check.Out, StringComparison.Ordinal);
        await using (Running dev = await StartAsync("dev", "app", "--port", "0"))
        {
            using HttpClient client = new() { BaseAddress = dev.Url };
            Assert.Equal("Created", await PostAsync(client, "/api/boxs", "{\"id\":5000000000}"));
            WriteSchema(Boxes.Replace("note", "size Int @default(3)\n  note", StringComparison.Ordinal), "shop.cstack");
            await dev.SaysAsync("schema 2 serves");
            Assert.Equal("{\"id\":\"5000000000\",\"size\":\"3\"}", await client.GetStringAsync("/api/boxs/5000000000"));
        }
        Assert.Equal(ExitCode.Found, (await RunAsync("fmt", "app", "--check")).Code);
        Assert.Equal(ExitCode.Done, (await RunAsync("fmt", "app")).Code);
        // It is native now: under the native name it is the same schema, so the data of before is served without a migration.
        File.Move(InApp("shop.cstack"), InApp("schema.plinth"));
        Assert.Contains("note String? @serverOnly", File.ReadAllText(InApp("schema.plinth")), StringComparison.Ordinal);
        await using Running served = await StartAsync("serve", "app", "--port", "0");
        using HttpClient again = new() { BaseAddress = served.Url };
        Assert.Contains("\"5000000000\"", await again.GetStringAsync("/api/boxs"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_files_of_the_folder_schema_are_one_schema_and_findings_name_the_file()
    {
        WriteSchema("model Note {\n  id Int @id\n  mood Mood\n  by User\n  @@allow(\"all\", true)\n}\n", "schema/b.plinth");
        WriteSchema("enum Mood { good bad }\n", "schema/z.plinth");
        WriteSchema("model User {\n  id Int @id\n  notes Note[]\n  @@allow(\"all\", true)\n}\n", "schema/a.plinth");
        Ran check = await RunAsync("check", "app");
        Assert.True(check.Code == ExitCode.Done, check.All);
        Assert.Contains("2 models, 0 errors", check.Out, StringComparison.Ordinal);
        await using Running dev = await StartAsync("dev", "app", "--port", "0");
        using HttpClient client = new() { BaseAddress = dev.Url };
        Assert.Equal("Created", await PostAsync(client, "/api/users", "{\"id\":1}"));
        Assert.Equal("Created", await PostAsync(client, "/api/notes", "{\"id\":1,\"mood\":\"good\",\"byId\":1}"));

        WriteSchema("enum Mood { good bad }\nenum Mood { ugly }\nmodel Tag { id Nope @id }\n", "schema/z.plinth");
        await dev.SaysAsync("keeps serving");
        Ran wrong = await RunAsync("check", "app");
        Assert.Equal(ExitCode.Found, wrong.Code);
        foreach (string place in (string[])["z.plinth:2:6: error", "z.plinth:3:16: error", "the first is at app/schema/z.plinth:1:6"])
            Assert.Contains(place, wrong.Out, StringComparison.Ordinal);
        WriteSchema("enum Mood { good bad ugly }\n", "schema/z.plinth");
        await dev.SaysAsync("schema 2 serves");
        Assert.Equal("Created", await PostAsync(client, "/api/notes", "{\"id\":2,\"mood\":\"ugly\",\"byId\":1}"));
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Completions_are_a_script_for_the_shell(string name)
    {
        Ran script = await RunAsync("completions", name);
        Assert.Equal(ExitCode.Done, script.Code);
        Assert.Contains("[suggest:", script.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Config_print_masks_secrets_and_shows_origins()
    {
        WriteSchema("model Note {\n  id Int @id\n  @@allow(\"all\", true)\n}\n");
        File.WriteAllText(InApp("plinth.yaml"), "ops:\n  token: a-secret-that-is-long\n");
        Ran config = await RunAsync("config", "print", "app", "--changed");
        Assert.Equal(ExitCode.Done, config.Code);
        Assert.DoesNotContain("a-secret", config.All, StringComparison.Ordinal);
        Assert.Contains("plinth.yaml:2:3", config.Out, StringComparison.Ordinal);
    }

    string InApp(string name) => Path.Combine(_folder.FullName, "app", name);

    void WriteSchema(string text, string file = "schema.plinth")
    {
        Directory.CreateDirectory(Path.GetDirectoryName(InApp(file))!);
        File.WriteAllText(InApp(file), text);
    }

    static async Task<string> PostAsync(HttpClient client, string path, string json)
    {
        using StringContent body = new(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using HttpResponseMessage answer = await client.PostAsync(path, body);
        return answer.StatusCode.ToString();
    }

    Task<Ran> RunAsync(params string[] args) => Ran.OfAsync(_folder.FullName, args);

    async Task<Running> StartAsync(params string[] args)
    {
        Running running = new();
        running.Start(PlinthProgram.RunAsync(Ran.ShellIn(_folder.FullName, running.Writer, running.Writer), args, running.Stop.Token));
        string ready = await running.SaysAsync("ready http");
        running.Url = new Uri(ready.Split(' ')[1]);
        return running;
    }

    /// <summary>A server started through the program; what it says can be waited for.</summary>
    sealed class Running : IAsyncDisposable
    {
        static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

        readonly StringBuilder _said = new();
        Task<int> _ran = Task.FromResult(0);
        int _seen;

        public Running() => Writer = new Listener(_said);

        public CancellationTokenSource Stop { get; } = new();

        public TextWriter Writer { get; }

        public Uri Url { get; set; } = new("http://127.0.0.1");

        public string Said
        {
            get
            {
                lock (_said) return _said.ToString();
            }
        }

        public void Start(Task<int> run) => _ran = run;

        /// <summary>The first line not yet waited past that holds the text.</summary>
        public async Task<string> SaysAsync(string text)
        {
            DateTime until = DateTime.UtcNow + s_patience;
            while (true)
            {
                string said = Said;
                int at = said.IndexOf(text, _seen, StringComparison.Ordinal);
                int end = at < 0 ? -1 : said.IndexOf('\n', at);
                if (end >= 0)
                {
                    _seen = end;
                    return said[at..end].Trim();
                }
                Assert.False(_ran.IsCompleted, $"the program ended:\n{said}");
                Assert.True(DateTime.UtcNow < until, $"'{text}' was not said:\n{said}");
                await Task.Delay(10);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Stop.CancelAsync();
            Assert.Equal(ExitCode.Done, await _ran);
            Stop.Dispose();
            await Writer.DisposeAsync();
        }

        sealed class Listener(StringBuilder said) : StringWriter
        {
            public override void Write(char value)
            {
                lock (said) said.Append(value);
            }

            public override void Write(string? value)
            {
                lock (said) said.Append(value);
            }

            public override void WriteLine(string? value) => Write(value + "\n");

            public override Task WriteLineAsync(string? value)
            {
                WriteLine(value);
                return Task.CompletedTask;
            }
        }
    }
}
