using System.Diagnostics;
using System.Text.Json;
using Plinth.Rest;

namespace Plinth.Realtime;

/// <summary>The clients that people use: npm's <c>ws</c> and <c>eventsource</c>, in a process of their own.</summary>
public sealed class RealClientsTests
{
    const string Script = """
        import WebSocket from "ws";
        import { EventSource } from "eventsource";
        const [url, query] = process.argv.slice(2);
        const list = { socket: [], events: [] };
        function apply(list, { type, items, kind, item, before }) {
          if (type === "snapshot") return list.splice(0, list.length, ...items);
          if (type !== "change") return;
          const at = list.findIndex(i => i.id === item.id);
          if (kind === "update") return list.splice(at, 1, item);
          if (at >= 0) list.splice(at, 1);
          if (kind === "leave") return;
          list.splice(before === null ? list.length : list.findIndex(i => i.id === before), 0, item);
        }
        const tell = () => console.log(JSON.stringify(list));
        const socket = new WebSocket(url.replace("http", "ws") + "realtime", ["plinth.v1+json"]);
        socket.on("open", () => socket.send(JSON.stringify({ type: "subscribe", id: "s", query: JSON.parse(query) })));
        socket.on("message", data => { apply(list.socket, JSON.parse(data)); tell(); });
        socket.on("error", e => { console.log("socket: " + e.message); process.exit(1); });
        const events = new EventSource(url + "realtime?query=" + encodeURIComponent(query));
        for (const type of ["snapshot", "change"])
          events.addEventListener(type, e => { apply(list.events, JSON.parse(e.data)); tell(); });
        process.stdin.on("end", () => { events.close(); socket.close(); }).resume();
        """;

    const string ChannelScript = """
        import WebSocket from "ws";
        import { EventSource } from "eventsource";
        const [url] = process.argv.slice(2);
        const heard = [];
        const listening = new EventSource(url + "realtime?channel=talk&parameters=" + encodeURIComponent('{"room":1}'));
        const ready = new Promise(resolve => listening.addEventListener("snapshot", resolve));
        const done = new Promise(resolve => listening.addEventListener("message", e => {
          heard.push(JSON.parse(e.data).message);
          if (heard.length === 3) resolve();
        }));
        await ready;
        const socket = new WebSocket(url.replace("http", "ws") + "realtime", ["plinth.v1+json"]);
        socket.on("message", data => {
          const frame = JSON.parse(data);
          if (frame.type === "error") throw new Error(data);
          if (frame.type !== "snapshot") return;
          if (frame.members.length !== 2) throw new Error(data);
          for (const n of [1, 2, 3]) socket.send(JSON.stringify({ type: "publish", id: 1, message: { n } }));
        });
        socket.on("open", () => socket.send(JSON.stringify(
          { type: "subscribe", id: 1, channel: "talk", parameters: { room: 1 }, presence: { name: "node" } })));
        await done;
        console.log(JSON.stringify(heard));
        process.exit(0);
        """;

    const string Page = """
        import { chromium } from "playwright-core";
        const [executable, url] = process.argv.slice(2);
        const browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox", "--disable-gpu"] });
        const page = await browser.newPage();
        page.setDefaultTimeout(60_000);
        await page.goto(url + "livez");
        await page.evaluate(() => {
          window.texts = [];
          window.heard = [];
          const list = new EventSource("/realtime?query=" + encodeURIComponent('{"model":"Note","select":"text","sort":"id"}'));
          list.addEventListener("snapshot", e => texts = JSON.parse(e.data).items.map(i => i.text));
          list.addEventListener("change", e => texts.push(JSON.parse(e.data).item.text));
          const channel = new EventSource("/realtime?channel=talk&parameters=" + encodeURIComponent('{"room":2}'));
          channel.addEventListener("snapshot", () => heard.push("in"));
          channel.addEventListener("message", e => heard.push(JSON.parse(e.data).message));
        });
        await page.waitForFunction(() => texts.join() === "a" && heard.join() === "in");
        await page.request.post(url + "api/notes", { data: { id: 2, text: "b" } });
        await page.evaluate(() => {
          const socket = new WebSocket(location.origin.replace("http", "ws") + "/realtime", ["plinth.v1+json"]);
          socket.onopen = () => socket.send(JSON.stringify({ type: "subscribe", id: 1, channel: "talk", parameters: { room: 2 } }));
          socket.onmessage = e => { if (JSON.parse(e.data).type === "snapshot")
            socket.send(JSON.stringify({ type: "publish", id: 1, message: "out" })); };
        });
        await page.waitForFunction(() => texts.join() === "a,b" && heard.join() === "in,out");
        await browser.close();
        console.log("done");
        """;

    const string Talk = """
        model Note { id Int @id  text String  @@allow("all", true) }
        channel talk(room: Int) { presence @@allow("all", true) }
        """;

    [Fact]
    public async Task Node_with_ws_and_eventsource_is_in_a_channel()
    {
        string folder = await NpmPackages.InstallAsync("realtime", "ws@8.18.0", "eventsource@3.0.2");
        string script = Path.Combine(folder, "channel.mjs");
        await File.WriteAllTextAsync(script, ChannelScript);
        await using RunningServer server = await RunningServer.OpenAsync(Talk);
        HttpClient client = await server.ClientAsync();
        ProcessStartInfo start = new("node", [script, client.BaseAddress!.ToString()])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder,
        };
        using Process node = Process.Start(start) ?? throw new InvalidOperationException("node did not start");
        try
        {
            Task<string> output = node.StandardOutput.ReadToEndAsync(), errors = node.StandardError.ReadToEndAsync();
            await node.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Equal("""[{"n":1},{"n":2},{"n":3}]""", (await output + await errors).Trim());
        }
        finally
        {
            if (!node.HasExited) node.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task A_browser_follows_a_list_and_a_channel_by_EventSource_and_speaks_by_WebSocket()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Talk);
        HttpClient client = await server.ClientAsync();
        await client.SendAsync("POST", "/api/notes", """{"id":1,"text":"a"}""");
        await Browser.RunAsync("events", Page, client.BaseAddress!.ToString());
    }

    [Fact]
    public async Task Node_with_ws_and_eventsource_has_the_list_of_a_fresh_query()
    {
        string folder = await NpmPackages.InstallAsync("realtime", "ws@8.18.0", "eventsource@3.0.2");
        string script = Path.Combine(folder, "client.mjs");
        await File.WriteAllTextAsync(script, Script);
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """[{"text":"a","score":3},{"text":"b","score":5},{"text":"c","score":9}]""");
        ProcessStartInfo start = new("node", [script, editor.BaseAddress!.ToString(),
            """{"model":"Note","filter":"score > 2","sort":["-score"],"select":["text","score"]}"""])
        {
            RedirectStandardOutput = true, RedirectStandardInput = true, WorkingDirectory = folder,
        };
        using Process node = Process.Start(start) ?? throw new InvalidOperationException("node did not start");
        try
        {
            await IsToldAsync("""[{"id":3,"text":"c","score":9},{"id":2,"text":"b","score":5},{"id":1,"text":"a","score":3}]""");
            await editor.SendAsync("PATCH", "/api/notes/1", """{"score":7}""");
            await editor.SendAsync("PATCH", "/api/notes/2", """{"text":"bb"}""");
            await editor.SendAsync("DELETE", "/api/notes/3");
            await editor.SendAsync("POST", "/api/notes", """{"text":"d","score":6}""");
            await IsToldAsync("""[{"id":1,"text":"a","score":7},{"id":4,"text":"d","score":6},{"id":2,"text":"bb","score":5}]""");
        }
        finally
        {
            node.Kill(entireProcessTree: true);
            await node.WaitForExitAsync();
        }

        async Task IsToldAsync(string expected)
        {
            string? line = "";
            while (line is not null)
            {
                line = await node.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
                if (line is null || !line.StartsWith('{')) continue;
                using JsonDocument lists = JsonDocument.Parse(line);
                bool socket = lists.RootElement.GetProperty("socket").GetRawText() == expected;
                if (socket && lists.RootElement.GetProperty("events").GetRawText() == expected) return;
            }
            Assert.Fail($"node ended before both its clients had {expected}");
        }
    }
}
