// A board of deals that everyone who looks at it shares. One live query is the list; moving a card is an ordinary PATCH that names the
// version it was made on, and what the board shows is what the server tells, never what was wished. No library, no build.
const stages = ["lead", "qualified", "proposal", "won", "lost"];
const query = { model: "Deal", sort: "-amount", select: "title,amount,currency,stage,closesOn,revision" };
const by = id => document.getElementById(id);
const name = by("name"), cards = new Map(), columns = new Map(), members = new Map();
let list = [], position, socket, self, pause = 250;

name.value = new URLSearchParams(location.search).get("name") ?? localStorage.getItem("name") ?? "Someone";
name.onchange = () => { localStorage.setItem("name", name.value); tell(null); };

for (const stage of stages) {
  const column = by("column").content.cloneNode(true).firstElementChild;
  column.dataset.stage = stage;
  column.querySelector("span").textContent = stage;
  column.ondragover = event => { event.preventDefault(); column.classList.add("over"); };
  column.ondragleave = () => column.classList.remove("over");
  column.ondrop = event => {
    event.preventDefault();
    column.classList.remove("over");
    move(event.dataTransfer.getData("text/plain"), stage);
  };
  columns.set(stage, column);
  by("board").append(column);
}

// --- The list: snapshot, then changes. This is all it takes to hold what a fresh query would answer.

function apply({ type, kind, items, item, before }) {
  if (type === "snapshot") return list = items;
  const at = list.findIndex(deal => deal.id === item.id);
  if (kind === "update") return list[at] = item;
  if (at >= 0) list.splice(at, 1);
  if (kind === "leave") return;
  list.splice(before === null ? list.length : list.findIndex(deal => deal.id === before), 0, item);
}

function connect() {
  socket = new WebSocket(location.origin.replace("http", "ws") + "/realtime", ["plinth.v1+json"]);
  socket.onopen = () => {
    pause = 250;
    send({ type: "subscribe", id: "deals", query, ...(position && { resume: position }) });
    send({ type: "subscribe", id: "board", channel: "board", presence: { name: name.value } });
  };
  socket.onmessage = event => take(JSON.parse(event.data));
  socket.onclose = () => {
    by("state").textContent = "reconnecting …";
    members.clear();
    draw();
    // Later each time, so that a server that comes back is not run over.
    setTimeout(connect, pause = Math.min(pause * 2, 10_000));
  };
}

function take(frame) {
  if (frame.type === "error" && frame.id === "deals") return notice(frame.problem.message);
  if (frame.id === "board") takePresence(frame);
  if (frame.id === "deals") {
    apply(frame);
    position = frame.position;
    by("state").textContent = "live";
  }
  draw();
}

const send = frame => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame)); };

// --- Who looks: the channel of the board, where everyone's name and the card in their hands are presence.

function takePresence({ type, kind, member, members: all }) {
  if (type === "snapshot") {
    members.clear();
    self = member;
    for (const one of all) members.set(one.id, one.presence);
  } else if (type === "presence") {
    if (kind === "leave") members.delete(member.id);
    else members.set(member.id, member.presence);
  }
}

function tell(deal) {
  if (self) send({ type: "presence", id: "board", presence: { name: name.value, ...(deal && { deal }) } });
}

// --- Moving a card.

async function move(id, stage) {
  const deal = list.find(one => one.id === id);
  if (!deal || deal.stage === stage) return;
  cards.get(id).classList.add("moving");
  try {
    const answer = await fetch("/api/deals/" + id, {
      method: "PATCH",
      headers: { "Content-Type": "application/json", "If-Match": `"${deal.revision}"`, "Prefer": "return=minimal" },
      body: JSON.stringify({ stage }),
    });
    if (answer.status === 412) notice("Someone else has just changed this deal.");
    else if (!answer.ok) notice((await answer.json()).message);
  } catch {
    notice("The server cannot be reached.");
  }
  cards.get(id)?.classList.remove("moving");
}

function notice(text) {
  by("notice").textContent = text;
  by("notice").hidden = false;
  setTimeout(() => by("notice").hidden = true, 4000);
}

// --- Drawing: cards are kept and moved, so that what is focused or dragged stays so.

function draw() {
  const held = new Map([...members].filter(([id, it]) => it.deal && id !== self).map(([, it]) => [it.deal, it.name]));
  const ids = new Set(list.map(deal => deal.id));
  for (const [id, card] of cards) if (!ids.has(id)) { card.remove(); cards.delete(id); }
  for (const stage of stages) {
    const column = columns.get(stage), rows = column.querySelector("ol"), deals = list.filter(deal => deal.stage === stage);
    column.querySelector("small").textContent = deals.length;
    deals.forEach((deal, i) => {
      const card = cards.get(deal.id) ?? newCard(deal.id);
      card.querySelector("strong").textContent = deal.title;
      card.querySelector("span").textContent = `${deal.amount} ${deal.currency}`;
      card.querySelector("em").textContent = held.get(deal.id) ?? "";
      card.classList.toggle("seen", held.has(deal.id));
      if (rows.children[i] !== card) rows.insertBefore(card, rows.children[i] ?? null);
    });
  }
  by("viewers").replaceChildren(...[...members].map(([id, it]) => {
    const viewer = document.createElement("li");
    viewer.textContent = it.name;
    viewer.classList.toggle("self", id === self);
    return viewer;
  }));
}

function newCard(id) {
  const card = by("card").content.cloneNode(true).firstElementChild;
  card.dataset.id = id;
  card.ondragstart = event => { event.dataTransfer.setData("text/plain", id); tell(id); };
  card.ondragend = () => tell(null);
  card.onfocus = () => tell(id);
  card.onblur = () => tell(null);
  // Without a mouse: the arrow keys carry the focused card from stage to stage.
  card.onkeydown = event => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const stage = list.find(deal => deal.id === id)?.stage;
    if (step && stages[stages.indexOf(stage) + step]) move(id, stages[stages.indexOf(stage) + step]);
  };
  cards.set(id, card);
  return card;
}

connect();
