using System.Globalization;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>
/// Random commands against a naive memory of what they mean: every answer and every table must agree, and the log replayed must give the
/// tables again. The seed is in the message of every failure, and reruns it.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class RandomHistoryTests
{
    const string Schema = """
        model Company {
          id Int @id  name String @unique  contacts Contact[]
          @@softDelete  @@fulltext([name])  @@allow(["all", "purge"], true)
        }
        model Contact {
          id Int @id  name String @unique  score Int @range(0, 9)  twice Int @computed(score * 2)  secret String? @sensitive
          company Company? @relation(onDelete: cascade)
          boss Contact? @relation(name: "boss", onDelete: setNull)  reports Contact[] @relation(name: "boss")
          notes Note[]  deals Deal[]
          @@softDelete  @@allow(["all", "purge"], true)
        }
        model Note { id Int @id  name String  contact Contact? @relation(onDelete: cascade)  lines Line[]  @@allow("all", true) }
        model Line { id Int @id  name String  note Note? @relation(onDelete: cascade)  next Line? @relation(name: "next", onDelete: cascade)
          earlier Line[] @relation(name: "next")  @@allow("all", true) }
        model Deal { id Int @id  name String @unique  contact Contact? @relation(onDelete: restrict)  @@allow("all", true) }
        """;

    const int Ids = 14, CommandsPerRun = 300;

    [Fact]
    public async Task Every_answer_every_table_and_the_replayed_log_agree()
    {
        int seed = Counts.Seed(), runs = Counts.Of(test: 6, soak: 300), accepted = 0;
        await Counts.InRunsAsync(seed, runs, async run => Interlocked.Add(ref accepted, await RunAsync(run)));
        string outcome = $"{accepted} of {runs * CommandsPerRun} commands accepted";
        Counts.Report("histories of commands against a naive memory", runs, seed, outcome);
        Assert.True(accepted > runs * CommandsPerRun / 4 && accepted < runs * CommandsPerRun * 8 / 10, $"seed {seed}: {outcome}");
    }

    static async Task<int> RunAsync(int seed)
    {
        using WriteFixture fixture = new(Schema);
        Random random = new(seed);
        Oracle oracle = new(fixture.Schema);
        int accepted = 0;
        for (int i = 0; i < CommandsPerRun; i++)
        {
            (CommandKind kind, string model, long id, Dictionary<string, object?> body) = Draw(random);
            string told = string.Create(CultureInfo.InvariantCulture, $"seed {seed}, command {i}: {kind} {model} {id} {Text(body)}");
            var result = await fixture.Send(
                kind, model, Text(body), kind == CommandKind.Create ? null : id.ToString(CultureInfo.InvariantCulture));
            string expected = oracle.Run(kind, model, id, body);
            string actual = result.IsOk ? "ok" : result.Fault.Code;
            Assert.True(expected == actual, $"{told}: expected {expected}, got {actual} {result.Fault?.Message}");
            if (result.IsOk) accepted++;
            if (i % 25 == 24 || i == CommandsPerRun - 1) await Compare(fixture, oracle, told);
        }
        Replayed(fixture, seed);
        return accepted;
    }

    static (CommandKind Kind, string Model, long Id, Dictionary<string, object?> Body) Draw(Random random)
    {
        string model = random.Next(10) switch { < 2 => "Company", < 6 => "Contact", < 7 => "Note", < 9 => "Line", _ => "Deal" };
        bool soft = model is "Company" or "Contact";
        CommandKind kind = random.Next(20) switch
        {
            < 10 => CommandKind.Create,
            < 14 => CommandKind.Update,
            < 17 => CommandKind.Delete,
            < 19 => soft ? CommandKind.Restore : CommandKind.Update,
            _ => soft ? CommandKind.Purge : CommandKind.Delete,
        };
        long id = random.Next(1, Ids + 1);
        Dictionary<string, object?> body = [];
        if (kind is CommandKind.Create or CommandKind.Update)
        {
            if (kind == CommandKind.Create) body["id"] = id;
            if (kind == CommandKind.Create || random.Next(2) == 0) body["name"] = "n" + random.Next(40);
            if (model == "Contact" && (kind == CommandKind.Create || random.Next(2) == 0)) body["score"] = (long)random.Next(0, 11);
            if (model == "Contact" && random.Next(3) == 0) body["secret"] = random.Next(2) == 0 ? null : "s" + random.Next(100);
            foreach (string reference in Oracle.ReferencesOf(model))
            {
                if (random.Next(4) == 0) body[reference] = random.Next(3) == 0 ? null : (long)random.Next(1, Ids + 1);
            }
        }
        return (kind, model, id, body);
    }

    static string Text(Dictionary<string, object?> body) => "{" + string.Join(',', body.Select(member => member.Value switch
    {
        null => $"\"{member.Key}\":null",
        long number => string.Create(CultureInfo.InvariantCulture, $"\"{member.Key}\":{number}"),
        _ => $"\"{member.Key}\":\"{member.Value}\"",
    })) + "}";

    static async Task Compare(WriteFixture fixture, Oracle oracle, string told)
    {
        foreach (Model model in fixture.Schema.Models)
        {
            List<StoredRow> stored = await fixture.Stored(model.Name);
            IEnumerable<string> actual = stored.OrderBy(row => row.Values[0].Int).Select(row => string.Join(
                ' ',
                [.. model.Fields.Where(f => f.Name != Model.DeletedAt).Select(f => $"{f.Name}={row.Values[f.Ordinal]}"),
                    row.IsTrashed(model) ? "trashed" : ""]));
            Assert.True(oracle.Rows(model.Name).SequenceEqual(actual),
                $"{told}: {model.Name} differs\n{string.Join('\n', oracle.Rows(model.Name))}\n--\n{string.Join('\n', actual)}");
        }
    }

    static void Replayed(WriteFixture fixture, int seed)
    {
        using Connection reader = fixture.Store.Database.OpenReader();
        ReplayReport report = new Replay(
            fixture.Schema, fixture.Store.Keys, new Ddl(fixture.Store.Database.Dialect, fixture.Schema)).Run(
                reader, null, CancellationToken.None);
        Assert.True(report.Differences.Count == 0, $"seed {seed}: {string.Join('\n', report.Differences)}");
        Assert.Equal(fixture.Store.Log.Head, report.Position);
        LogVerification verified = EventLog.Verify(reader, CancellationToken.None);
        Assert.True(verified.Wrong is null, $"seed {seed}: {verified.Wrong}");
        Assert.Equal(fixture.Scalar("select count(*) from companies"), fixture.Scalar("select count(*) from companies_fts"));
    }

    /// <summary>What the commands mean, written for clarity alone.</summary>
    sealed class Oracle(AppSchema schema)
    {
        readonly Dictionary<string, SortedDictionary<long, Record>> _tables =
            schema.Models.ToDictionary(m => m.Name, _ => new SortedDictionary<long, Record>());

        int _deletions;

        sealed class Record
        {
            public Dictionary<string, object?> Fields { get; init; } = [];

            /// <summary>The deletion that took it; 0 while it lives.</summary>
            public int Trashed { get; set; }
        }

        sealed record Reference(string Child, string Field, string Parent, ReferentialAction OnDelete);

        static readonly Reference[] s_references =
        [
            new("Contact", "companyId", "Company", ReferentialAction.Cascade),
            new("Contact", "bossId", "Contact", ReferentialAction.SetNull),
            new("Note", "contactId", "Contact", ReferentialAction.Cascade),
            new("Line", "noteId", "Note", ReferentialAction.Cascade),
            new("Line", "nextId", "Line", ReferentialAction.Cascade),
            new("Deal", "contactId", "Contact", ReferentialAction.Restrict),
        ];

        static bool IsSoft(string model) => model is "Company" or "Contact";

        static bool IsUnique(string model) => model is "Company" or "Contact" or "Deal";

        public static IEnumerable<string> ReferencesOf(string model) => s_references.Where(r => r.Child == model).Select(r => r.Field);

        public IEnumerable<string> Rows(string model) => _tables[model].Values.Select(record => string.Join(
            ' ',
            [.. schema.Model(model).Fields.Where(f => f.Name != Model.DeletedAt).Select(f => $"{f.Name}={Shown(record, f.Name)}"),
                record.Trashed > 0 ? "trashed" : ""]));

        public string Run(CommandKind kind, string model, long id, Dictionary<string, object?> body) => kind switch
        {
            CommandKind.Create => Create(model, id, body),
            CommandKind.Update => Update(model, id, body),
            CommandKind.Delete => Live(model, id) is null ? "not_found" : Delete(model, id, soft: IsSoft(model)),
            CommandKind.Purge => _tables[model].ContainsKey(id) ? Delete(model, id, soft: false) : "not_found",
            CommandKind.Restore => Restore(model, id),
            _ => throw new InvalidOperationException(),
        };

        string Create(string model, long id, Dictionary<string, object?> body)
        {
            if (body.TryGetValue("score", out object? score) && (long)score! > 9) return "validation_failed";
            Record record = new() { Fields = new(body) };
            if (!ReferencesLive(model, id, record, s_references.Where(r => r.Child == model))) return "unknown_reference";
            if (_tables[model].ContainsKey(id) || IsTaken(model, id, record)) return "conflict";
            _tables[model][id] = record;
            return "ok";
        }

        string Update(string model, long id, Dictionary<string, object?> body)
        {
            if (Live(model, id) is not { } record) return "not_found";
            if (body.TryGetValue("score", out object? score) && (long)score! > 9) return "validation_failed";
            Record after = new() { Fields = new(record.Fields) };
            foreach (var (name, value) in body) after.Fields[name] = value;
            var changed = s_references.Where(r => r.Child == model && !Equals(Of(record, r.Field), Of(after, r.Field)));
            if (!ReferencesLive(model, id, after, changed)) return "unknown_reference";
            if (IsTaken(model, id, after)) return "conflict";
            _tables[model][id] = after;
            return "ok";
        }

        string Delete(string model, long id, bool soft)
        {
            HashSet<(string, long)> going = [];
            void Take(string m, long key)
            {
                if (!going.Add((m, key))) return;
                foreach (Reference r in s_references.Where(r => r.Parent == m && r.OnDelete == ReferentialAction.Cascade))
                {
                    if (soft && !IsSoft(r.Child)) continue;
                    foreach (long child in Referring(r, key, soft)) Take(r.Child, child);
                }
            }

            Take(model, id);
            List<(Reference, long)> cleared = [];
            foreach (var (m, key) in going)
            {
                foreach (Reference r in s_references.Where(r => r.Parent == m && r.OnDelete != ReferentialAction.Cascade))
                {
                    foreach (long child in Referring(r, key, soft).Where(child => !going.Contains((r.Child, child))))
                    {
                        if (r.OnDelete == ReferentialAction.Restrict) return "restricted_by_reference";
                        cleared.Add((r, child));
                    }
                }
            }
            foreach (var (r, child) in cleared) _tables[r.Child][child].Fields[r.Field] = null;
            _deletions++;
            foreach (var (m, key) in going)
            {
                if (soft) _tables[m][key].Trashed = _deletions;
                else _tables[m].Remove(key);
            }
            return "ok";
        }

        string Restore(string model, long id)
        {
            if (!_tables[model].TryGetValue(id, out Record? root) || root.Trashed == 0) return "not_found";
            int deletion = root.Trashed;
            List<(string Model, long Id)> restored = [];
            Queue<(string Model, long Id)> waiting = new([(model, id)]);
            string outcome = "ok";
            while (outcome == "ok" && waiting.TryDequeue(out var next))
            {
                Record record = _tables[next.Model][next.Id];
                if (record.Trashed != deletion) continue;
                var references = s_references.Where(r => r.Child == next.Model);
                if (!ReferencesLive(next.Model, next.Id, record, references)) outcome = "unknown_reference";
                else if (IsTaken(next.Model, next.Id, record)) outcome = "conflict";
                if (outcome != "ok") break;
                record.Trashed = 0;
                restored.Add(next);
                foreach (Reference r in s_references.Where(
                    r => r.Parent == next.Model && r.OnDelete == ReferentialAction.Cascade && IsSoft(r.Child)))
                {
                    foreach (long child in Referring(r, next.Id, live: false)) waiting.Enqueue((r.Child, child));
                }
            }
            if (outcome != "ok") restored.ForEach(r => _tables[r.Model][r.Id].Trashed = deletion);
            return outcome;
        }

        List<long> Referring(Reference r, long parent, bool live) =>
            [.. _tables[r.Child].Where(c => Equals(Of(c.Value, r.Field), parent) && !(live && c.Value.Trashed > 0)).Select(c => c.Key)];

        bool ReferencesLive(string model, long id, Record record, IEnumerable<Reference> references) => references.All(r =>
            Of(record, r.Field) is not long parent || (r.Parent == model && parent == id) || Live(r.Parent, parent) is not null);

        bool IsTaken(string model, long id, Record record) => IsUnique(model)
            && _tables[model].Any(o => o.Key != id && o.Value.Trashed == 0 && Equals(Of(o.Value, "name"), Of(record, "name")));

        Record? Live(string model, long id) => _tables[model].TryGetValue(id, out Record? record) && record.Trashed == 0 ? record : null;

        static object? Of(Record record, string field) => record.Fields.GetValueOrDefault(field);

        static string Shown(Record record, string field) => field == "twice"
            ? ((long)Of(record, "score")! * 2).ToString(CultureInfo.InvariantCulture)
            : Of(record, field) is { } value ? Convert.ToString(value, CultureInfo.InvariantCulture)! : "null";
    }
}
