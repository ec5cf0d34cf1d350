"use strict";
// Sorting of tables, and the list of utterances by a measure. Everything it shows lies in this file.
const data = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const shown = (value, metric) => (value === null || value === undefined ? "–" : value.toFixed(data.metrics[metric].digits).replace("-", "−"));
const valueOf = (utterance, system, metric) => utterance.takes[system]?.values[metric] ?? null;
const PAGE = 10;
let count = PAGE;

// -- tables: a button in a head sorts by its column, what has no value stays at the end

function sortBy(table, column, ascending) {
  const head = table.tHead.rows[0].cells[column];
  for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const key = (row) => row.cells[column].dataset.value;
  const rows = [...body.rows].map((row) => ({ row, key: key(row) }));
  const none = rows.filter((one) => one.key === undefined || one.key === "");
  const some = rows.filter((one) => !none.includes(one));
  const numbers = some.every((one) => Number.isFinite(Number(one.key)));
  some.sort((a, b) => (numbers ? Number(a.key) - Number(b.key) : a.key.localeCompare(b.key)));
  if (!ascending) some.reverse();
  body.append(...[...some, ...none].map((one) => one.row));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("th button[data-sort]");
  if (!button) return;
  const cell = button.closest("th");
  const before = cell.getAttribute("aria-sort");
  const first = button.dataset.sort === "ascending"; // the best on top at the first click
  sortBy(cell.closest("table"), cell.cellIndex, before ? before !== "ascending" : first);
});

// -- one utterance

function player(utterance, index, take, kept, longest) {
  const system = data.systems[index];
  const box = make("section", { class: "take", style: `--c: var(--${system.colour})`, "data-system": system.name });
  box.append(make("h4", {}, make("span", { class: "swatch" }), system.name));
  const media = kept?.[index];
  if (media) {
    const audio = make("audio", { controls: "", preload: "metadata", src: media.sound });
    audio.setAttribute("aria-label", `${utterance.id}, ${system.name}`);
    const now = make("span", { class: "now" });
    const picture = make("div", { class: "picture", title: "click to play from there" });
    const image = make("img", { src: media.picture, alt: `Mel spectrogram of ${utterance.id}, ${system.name}` });
    image.style.width = `${(100 * media.seconds) / longest}%`; // one scale of time for all systems
    picture.append(image, now);
    const place = () => { now.style.left = `${(100 * audio.currentTime) / longest}%`; now.style.opacity = audio.currentTime ? 0.9 : 0; };
    const follow = () => { place(); if (!audio.paused) requestAnimationFrame(follow); };
    audio.addEventListener("play", () => {
      for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
      follow();
    });
    audio.addEventListener("seeked", place);
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      audio.currentTime = Math.min(media.seconds, (longest * (event.clientX - box.left)) / box.width);
      audio.play();
    });
    box.append(picture, audio);
  }
  const list = make("dl");
  for (const [metric, value] of Object.entries(take.values)) {
    if (value === null) continue;
    const chosen = metric === find("measure").value;
    list.append(make("div", chosen ? { class: "chosen" } : {}, make("dt", {}, data.metrics[metric].title), make("dd", {}, shown(value, metric))));
  }
  box.append(list);
  if (take.heard) {
    const words = take.heard.flatMap(([word, wrong], i) => [i ? " " : "", wrong ? make("mark", {}, word) : word]);
    box.append(make("p", { class: "heard" }, make("span", { class: "soft" }, "heard: "), ...(words.length ? words : ["nothing"])));
  }
  for (const [name, detail] of take.details) box.append(make("p", {}, make("span", { class: "soft" }, `${name}: `), detail));
  for (const [metric, reason] of take.left_out) {
    box.append(make("p", { class: "soft" }, `${data.metrics[metric]?.title ?? metric}: left out (${reason})`));
  }
  return box;
}

function article(utterance) {
  const measure = find("measure").value, system = Number(find("system").value);
  const stored = find(`media-${utterance.index}`);
  const kept = stored ? JSON.parse(stored.textContent) : null;
  const longest = Math.max(...Object.values(kept ?? {}).map((media) => media.seconds));
  const box = make("article", { class: "utterance", tabindex: "-1", "data-id": utterance.id });
  const score = `${data.metrics[measure].title} ${shown(valueOf(utterance, system, measure), measure)}`;
  box.append(make("header", {}, make("h3", {}, utterance.id), make("span", { class: "score" }, score)));
  if (utterance.text) box.append(make("p", { class: "text" }, utterance.text));
  if (!kept && data.media) box.append(make("p", { class: "soft" }, "Its sounds and pictures are not kept in this file."));
  const takes = make("div", { class: "takes" });
  for (const [index, take] of Object.entries(utterance.takes)) takes.append(player(utterance, Number(index), take, kept, longest));
  box.append(takes);
  return box;
}

// -- the list

function ordered() {
  const measure = find("measure").value, system = Number(find("system").value);
  const sign = find("order").value === "worst" ? -1 : 1;
  const query = find("query").value.trim().toLowerCase();
  const heard = (one) => Object.values(one.takes).map((take) => (take.heard ?? []).map(([word]) => word).join(" ")).join(" ");
  const rows = data.utterances.filter((one) => `${one.id} ${one.text} ${query ? heard(one) : ""}`.toLowerCase().includes(query));
  const value = (one) => valueOf(one, system, measure);
  const better = data.metrics[measure].higher_is_better; // null: the nearer to 1 the better
  const badness = (one) => (better === null ? Math.abs(value(one) - 1) : better ? -value(one) : value(one));
  const some = rows.filter((one) => value(one) !== null).sort((a, b) => sign * (badness(a) - badness(b)));
  return [...some, ...rows.filter((one) => value(one) === null)];
}

function list() {
  const rows = ordered();
  find("list").replaceChildren(...rows.slice(0, count).map(article));
  find("more").hidden = count >= rows.length;
  find("status").textContent = `${Math.min(count, rows.length)} of ${rows.length} utterances`;
}

function table() {
  const system = Number(find("system").value);
  const measures = Object.keys(data.metrics).filter((name) => data.utterances.some((one) => valueOf(one, system, name) !== null));
  const head = make("tr", {}, make("th", {}, make("button", { "data-sort": "ascending" }, "utterance")));
  for (const name of measures) {
    const { title, higher_is_better } = data.metrics[name];
    const worst = higher_is_better ? "ascending" : "descending"; // on top at the first click
    head.append(make("th", {}, make("button", { "data-sort": worst }, title)));
  }
  const body = make("tbody");
  for (const one of data.utterances.filter((one) => one.takes[system])) {
    const open = make("button", { "data-open": one.index }, one.id);
    const row = make("tr", {}, make("th", { "data-value": one.id }, open));
    for (const name of measures) {
      const value = valueOf(one, system, name);
      row.append(make("td", { "data-value": value ?? "" }, shown(value, name)));
    }
    body.append(row);
  }
  find("scores").replaceChildren(make("table", {}, make("thead", {}, head), body));
}

find("scores").addEventListener("click", (event) => {
  const open = event.target.closest("[data-open]");
  if (!open) return;
  find("query").value = data.utterances[Number(open.dataset.open)].id;
  list();
  find("list").firstElementChild?.focus();
  find("utterances").scrollIntoView();
});
for (const id of ["measure", "system", "order", "query"]) {
  find(id).addEventListener("input", () => { count = PAGE; list(); if (id === "system") table(); });
}
find("more").addEventListener("click", () => {
  const next = count;
  count += PAGE;
  list();
  find("list").children[next]?.focus();
});
list();
table();
