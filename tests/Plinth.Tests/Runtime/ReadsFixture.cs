using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Plinth.Language;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// An engine over an embedded database of its own, and the smallest honest way to put rows into it: row and event in one unit.
/// </summary>
sealed class ReadsFixture : IAsyncDisposable
{
    readonly TempFolder _folder = new();

    ReadsFixture(Engine engine, AppSchema schema) => (Engine, Schema) = (engine, schema);

    public Engine Engine { get; private set; }

    public AppSchema Schema { get; }

    public static AppSchema Load(string schema)
    {
        SchemaReading reading = SchemaReader.Read([new SourceText("schema.plinth", schema)]);
        Assert.True(reading.Schema is not null, string.Join('\n', reading.Diagnostics.Select(DiagnosticText.Render)));
        return reading.Schema;
    }

    public static async Task<ReadsFixture> OpenAsync(string schema, Limits? limits = null)
    {
        AppSchema loaded = Load(schema);
        ReadsFixture fixture = new(null!, loaded); // Set in the next line.
        Result<Engine> opened = await Engine.OpenAsync(
            new EngineOptions
            {
                Store = new StoreOptions { Folder = fixture._folder.Path, Durability = Durability.Off },
                OpenDatabase = TestDatabase.Open,
                Limits = limits ?? Limits.Default,
                Migrate = true,
            },
            loaded,
            CancellationToken.None);
        Assert.True(opened.IsOk, opened.Fault?.Message + opened.Fault?.Hint);
        fixture.Engine = opened.Value;
        return fixture;
    }

    /// <summary>Inserts records given as JSON objects, one after the other; fields that are not named are null, or an empty list.</summary>
    public Task InsertAsync(string model, string records) =>
        InsertAsync(Schema.Model(model), Rows(Schema.Model(model), Encoding.UTF8.GetBytes(records)));

    public async Task InsertAsync(Model of, IReadOnlyList<Value[]> rows)
    {
        Ddl ddl = new(Engine.Store.Database.Dialect, Schema);
        Result<Done> result = await Engine.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            using Statement insert = tx.Prepare(ddl.InsertRow(of.Table, [.. of.Fields.Select(f => f.Column)]));
            foreach (Value[] row in rows)
            {
                for (int i = 0; i < row.Length; i++) insert.Bind(i + 1, row[i]);
                insert.Run();
                tx.Append(Engine.Store.Events.Created(of, row, 1, new EventOrigin("test", null, 1)));
            }
            return Done.It;
        }), CancellationToken.None);
        Assert.True(result.IsOk, result.Fault?.Message);
    }

    /// <summary>Sets one field of one record by its key, with its event.</summary>
    public Task SetAsync(string model, Value key, string field, Value value) => SetAllAsync([(model, key, field, value)]);

    /// <summary>Sets fields of records in one transaction, each with its event.</summary>
    public async Task SetAllAsync(IReadOnlyList<(string Model, Value Key, string Field, Value Value)> changes)
    {
        Result<Done> result = await Engine.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            foreach (var (model, key, field, value) in changes) Set(tx, Schema.Model(model), key, field, value);
            return Done.It;
        }), CancellationToken.None);
        Assert.True(result.IsOk, result.Fault?.Message);
    }

    void Set(WriteTransaction tx, Model of, Value key, string field, Value value)
    {
        Field changed = of.Field(field)!;
        Value[] before = new Value[of.Fields.Length];
        using (Statement select = tx.Prepare(
            $"select {string.Join(", ", of.Fields.Select(static f => $"\"{f.Column}\""))} from \"{of.Table}\" "
            + $"where \"{of.KeyFields[0].Column}\" = ?1"))
        {
            select.Bind(1, key);
            Assert.True(select.Step(), $"{of.Name} {key} is there");
            foreach (Field each in of.Fields) before[each.Ordinal] = select.ColumnValue(each.Ordinal, each);
        }
        Value[] after = [.. before];
        after[changed.Ordinal] = value;
        using Statement update = tx.Prepare(
            $"update \"{of.Table}\" set \"{changed.Column}\" = ?1, \"_version\" = \"_version\" + 1 "
            + $"where \"{of.KeyFields[0].Column}\" = ?2");
        update.Bind(1, value);
        update.Bind(2, key);
        update.Run();
        tx.Append(Engine.Store.Events.Updated(of, before, after, 2, new EventOrigin("test", null, 1)));
    }

    public ReadReply Read(ReadRequest request, Caller? caller = null)
    {
        Result<ReadReply> reply = Run(request, caller);
        Assert.True(reply.IsOk, reply.Fault?.Message);
        return reply.Value;
    }

    public string Json(ReadRequest request, Caller? caller = null)
    {
        using ReadReply reply = Read(request, caller);
        return Encoding.UTF8.GetString(reply.Body.Written);
    }

    public Fault Fault(ReadRequest request, Caller? caller = null) =>
        Run(request, caller).Fault ?? throw new InvalidOperationException("it was answered");

    /// <summary>Names or numbers of one field over the items of a list.</summary>
    public string[] Items(ReadRequest request, string field, Caller? caller = null)
    {
        using JsonDocument document = JsonDocument.Parse(Json(request, caller));
        return [.. document.RootElement.GetProperty("items").EnumerateArray().Select(i => i.GetProperty(field).ToString())];
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        _folder.Dispose();
    }

    Result<ReadReply> Run(ReadRequest request, Caller? caller)
    {
        Task<Result<ReadReply>> read = Engine.ReadAsync(caller ?? Caller.System, request, CancellationToken.None).AsTask();
        Assert.True(TestDatabase.IsPostgres || read.IsCompleted, "reads of an embedded database run inline");
        return read.GetAwaiter().GetResult();
    }

    static ImmutableArray<Value[]> Rows(Model model, byte[] records)
    {
        ImmutableArray<Value[]>.Builder rows = ImmutableArray.CreateBuilder<Value[]>();
        Utf8JsonReader reader = new(records, new JsonReaderOptions { AllowMultipleValues = true });
        while (reader.Read())
        {
            Value[] row = [.. model.Fields.Select(f => f.IsList ? Value.FromJson("[]"u8.ToArray()) : Value.Null)];
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                Field field = model.Field(reader.GetString()!) ?? throw new InvalidOperationException($"no field {reader.GetString()}");
                reader.Read();
                Assert.True(FieldJson.TryRead(ref reader, records, field, out row[field.Ordinal]), $"a value of {field.Name}");
            }
            rows.Add(row);
        }
        return rows.ToImmutable();
    }
}
