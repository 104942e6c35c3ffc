using Plinth.Cases;
using Plinth.Realtime;
using Plinth.Store;

namespace Plinth.Examples;

/// <summary>The page <c>board.html</c> of the example crm, in two browsers at once. <c>./dev accept share_the_board</c> renews the picture
/// of the guide.</summary>
public sealed class The_board_of_the_crm
{
    const string Manager = """{"id": "0197a000-0009-7000-8000-000000000001", "role": "manager", "branch": "north"}""";

    const string Script = """
        import { chromium } from "playwright-core";
        const [executable, url, picture] = process.argv.slice(2);
        const browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox", "--disable-gpu"] });
        const broken = [];
        async function open(name) {
          const context = await browser.newContext({ viewport: { width: 1120, height: 520 }, colorScheme: "light" });
          const page = await context.newPage();
          page.setDefaultTimeout(60_000);
          page.on("pageerror", e => broken.push(name + ": " + e.message));
          await page.goto(url + "board.html?name=" + name);
          await page.waitForFunction(() => document.getElementById("state").textContent === "live");
          return page;
        }
        const column = stage => `section[data-stage=${stage}]`;
        const first = (page, stage) => page.locator(`${column(stage)} li`).first().getAttribute("data-id");
        const isIn = (page, id, stage) => page.waitForSelector(`${column(stage)} li[data-id="${id}"]`);
        const viewers = (page, ...names) => page.waitForFunction(expected =>
          [...document.querySelectorAll("#viewers li")].map(v => v.textContent).sort().join() === expected, names.sort().join());

        const ann = await open("Ann"), bob = await open("Bob");
        const count = page => page.locator("#board li").count();
        const all = (await (await ann.request.get(url + "api/deals/aggregate?count")).json()).groups[0].count;
        if (await count(ann) !== all || await count(bob) !== all) throw new Error(`${await count(ann)} of ${all} deals`);
        await viewers(ann, "Ann", "Bob");
        await viewers(bob, "Ann", "Bob");

        // By mouse in one, seen in the other.
        const dragged = await first(ann, "lead");
        await ann.dragAndDrop(`li[data-id="${dragged}"]`, column("proposal"));
        await isIn(bob, dragged, "proposal");
        await isIn(ann, dragged, "proposal");

        // By keyboard in the other, with its name on the card while it is there.
        const carried = await first(bob, "qualified");
        await bob.focus(`li[data-id="${carried}"]`);
        await ann.waitForFunction(id => document.querySelector(`li[data-id="${id}"] em`).textContent === "Bob", carried);
        await ann.screenshot({ path: picture });
        await bob.keyboard.press("ArrowRight");
        await isIn(ann, carried, "proposal");

        // Between the look and the move somebody else was faster: told, and shown what is.
        const contested = await first(ann, "lead");
        await ann.route("**/api/deals/" + contested, async route => {
          const now = await bob.request.get(url + "api/deals/" + contested);
          await bob.request.patch(url + "api/deals/" + contested, { headers: { "If-Match": now.headers().etag }, data: { stage: "lost" } });
          await route.continue();
        }, { times: 1 });
        await ann.focus(`li[data-id="${contested}"]`);
        await ann.keyboard.press("ArrowRight");
        await ann.waitForFunction(() => document.getElementById("notice").textContent.includes("Someone else"));
        await isIn(ann, contested, "lost");
        await isIn(bob, contested, "lost");

        await bob.context().close();
        await viewers(ann, "Ann");
        await browser.close();
        if (broken.length > 0) throw new Error(broken.join("\n"));
        console.log("done");
        """;

    [Fact]
    public async Task Two_browsers_share_the_board()
    {
        Auth.NativeLibraries.Provide();
        using TempFolder folder = README_lines_answer_as_they_say.Copy("crm");
        await RunningProgram.RunAsync(folder.Path, "db", "seed");
        await using RunningProgram server = await RunningProgram.StartAsync(folder.Path, "dev", "--as", Manager);
        string guide = Path.Combine(Corpus.Root, "docs/guides/images/board.png");
        bool renews = Environment.GetEnvironmentVariable("PLINTH_ACCEPT") == "1";
        Assert.True(renews || new FileInfo(guide).Length < 200 << 10, "the picture of the guide is missing, or large");
        await Browser.RunAsync("board", Script, server.Address.ToString(), renews ? guide : folder.File("board.png"));
    }
}
