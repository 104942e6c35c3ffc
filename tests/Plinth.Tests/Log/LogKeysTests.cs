using System.Text;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>The master key may be replaced: what was sealed stays legible, and nothing on the way loses a key.</summary>
public sealed class LogKeysTests
{
    [Fact]
    public async Task After_a_rotation_the_new_key_seals_and_the_old_one_opens()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one", secret: "first secret");
        byte[] cursors = fixture.Store.Keys.Derive("cursors");
        Assert.Equal("master-2", Rotate(fixture));
        Assert.Equal("master-1 master-2", string.Join(' ', fixture.Store.Keys.Ids));
        await fixture.CreatedAsync(2, "two", secret: "second secret");
        Assert.Equal("master-3", Rotate(fixture));
        Assert.Equal(cursors, fixture.Store.Keys.Derive("cursors"));

        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        List<LogEvent> events = EventLog.Read(lease.Connection, 0, 10);
        Assert.Equal(["master-1", "master-2"], events.Select(e => Encoding.UTF8.GetString(e.Data!).Split("\"key\":\"")[1].Split('"')[0]));
        Assert.Equal(["first secret", "second secret"], events.Select(happened =>
        {
            Value[] row = new Value[LogFixture.Note.Fields.Length];
            Assert.True(Payload.Read(happened, "set"u8, LogFixture.Note, null, fixture.Store.Keys, row));
            return row[3].String;
        }));
        Assert.Null(EventLog.Verify(lease.Connection, CancellationToken.None).Wrong);

        static string Rotate(LogFixture fixture)
        {
            // The process that serves holds the keys that it began with.
            string id = LogKeys.Rotate(fixture.Folder);
            fixture.Reopen();
            return id;
        }
    }

    [Fact]
    public async Task Killed_at_any_step_of_a_rotation_no_key_is_lost()
    {
        using TempFolder home = new();
        byte[] box;
        using (LogKeys keys = LogKeys.Open(home.Path, mayCreate: true)) box = keys.Seal("kept"u8, "bound"u8);
        string file = LogKeys.FileOf(home.Path);
        byte[] before = await File.ReadAllBytesAsync(file);
        List<string> found = [];
        await Strace.KillAtEachStepAsync(
            [home.Path, file, file + ".partial"],
            under =>
            {
                File.WriteAllBytes(file, before);
                return StoreProcess.Start(under, "keys-rotate", home.Path);
            },
            _ =>
            {
                using LogKeys keys = LogKeys.Open(home.Path, mayCreate: false);
                Assert.Equal("kept", Encoding.UTF8.GetString(keys.Open("master-1", box, "bound"u8) ?? []));
                found.Add(keys.CurrentId);
            });
        Assert.True(found.Count > 4, string.Join(' ', found));
        Assert.Equal("master-1", found[0]);
        Assert.Equal("master-2", found[^1]);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("master-1")]
    [InlineData(" AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("master-1 AAAAAAAA")]
    [InlineData("master-1 no base64 at all, and longer than a key is")]
    public void A_damaged_key_file_is_refused_and_left_as_it_is(string content)
    {
        using TempFolder folder = new();
        File.WriteAllText(LogKeys.FileOf(folder.Path), content);
        Assert.Contains("damaged", Assert.Throws<StoreException>(() => LogKeys.Open(folder.Path, mayCreate: true)).Message,
            StringComparison.Ordinal);
        Assert.Throws<StoreException>(() => LogKeys.Rotate(folder.Path));
        Assert.Equal(content, File.ReadAllText(LogKeys.FileOf(folder.Path)));
    }

    [Fact]
    public void A_rotation_never_gives_an_id_twice()
    {
        using TempFolder folder = new();
        string key = Convert.ToBase64String(new byte[32]);
        File.WriteAllText(LogKeys.FileOf(folder.Path), $"master-2 {key}\n");
        Assert.Throws<StoreException>(() => LogKeys.Rotate(folder.Path));
    }

    [Fact]
    public void A_box_that_is_cut_short_does_not_open()
    {
        using TempFolder folder = new();
        using LogKeys keys = LogKeys.Open(folder.Path, mayCreate: true);
        Assert.Throws<System.Security.Cryptography.CryptographicException>(() => keys.Open("master-1", new byte[27], "bound"u8));
        Assert.Null(keys.Open("master-9", new byte[60], "bound"u8));
        byte[] box = keys.SealErasable("x"u8, "bound"u8, out byte[] salt);
        Assert.Throws<System.Security.Cryptography.CryptographicException>(
            () => keys.OpenErasable("master-1", box.AsSpan(0, 27), "bound"u8, salt));
        Assert.Null(keys.OpenErasable("master-9", box, "bound"u8, salt));
        Assert.Null(keys.OpenErasable("master-1", box, "bound"u8, null));
        Assert.Equal("x"u8, keys.OpenErasable("master-1", box, "bound"u8, salt) ?? []);
    }
}
