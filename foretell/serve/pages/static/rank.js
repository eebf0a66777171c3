// Rate each output alone, then rank all: by number keys, lists, arrows or dragging. Equal numbers are ties.
import { at, clock, complain, draft, handIn, skipping } from "/static/label.js";
import { say } from "/static/words.js";

const kept = draft(), passed = clock(), task = Number(at("task").dataset.task);
const pages = [...document.querySelectorAll(".alone"), at("all")];
/** @type {any[]} */
const items = [...at("order").children];
const K = items.length;
/** One rating for each output, the ranks (0: none yet), the seconds of each page, and which page is shown. */
const said = kept.read() ?? {
  likert: items.map(() => 0), flags: items.map(() => []), ranks: items.map(() => 0), seconds: pages.map(() => 0), page: 0,
};
let ended = false;

const save = () => {
  said.seconds[said.page] += passed();
  if (!ended) kept.write(said);
};
const fields = (name) => /** @type {any[]} */ ([...document.getElementsByName(name)]);

/** Show a page: of one output, or of all. */
function show(page, focus = true) {
  save();
  said.page = page;
  pages.forEach((one, i) => { one.hidden = i !== page; });
  at("back").disabled = page === 0;
  at("next").hidden = page === K;
  at("save").hidden = page !== K;
  complain("");
  if (page === K) draw();
  if (focus) pages[page].querySelector("h2").focus();
  save();
}

/** Go on, if this output was rated. */
function next() {
  if (said.page < K && !said.likert[said.page]) return complain(say("Choose its overall quality, 1 to 7, first."));
  if (said.page < K) show(said.page + 1);
}

/** The places of the ranked outputs in groups of equal ranks, best first. */
function groups() {
  const found = [];
  for (let rank = 1; rank <= K; rank++) {
    const tied = items.map((_, i) => i).filter((i) => said.ranks[i] === rank);
    if (tied.length) found.push(tied);
  }
  return found;
}

/** Give ranks by groups: each is one more than the number of better outputs. */
function assign(list) {
  let rank = 1;
  for (const tied of list.filter((one) => one.length)) {
    for (const i of tied) said.ranks[i] = rank;
    rank += tied.length;
  }
}

/** Put an output before or after the group at which another stands. */
function put(i, other, before) {
  if (i === other) return;
  const list = groups().map((tied) => tied.filter((one) => one !== i));
  const where = list.findIndex((tied) => tied.includes(other));
  if (where < 0) list.push([i]);
  else list.splice(before ? where : where + 1, 0, [i]);
  assign(list);
  changed(i);
}

/** Move an output one step: out of its tie, past the next group, or into the ranking. */
function move(i, step) {
  const list = groups(), where = list.findIndex((tied) => tied.includes(i));
  if (where < 0) list.push([i]);
  else {
    const alone = list[where].length === 1;
    list[where] = list[where].filter((one) => one !== i);
    const to = step < 0 ? where - (alone ? 1 : 0) : where + (alone ? 2 : 1);
    list.splice(Math.max(0, Math.min(list.length, to)), 0, [i]);
  }
  assign(list);
  changed(i);
}

/** Give an output the rank of the one above it. */
function tie(i) {
  const above = items.indexOf(items[i].previousElementSibling);
  if (above < 0 || !said.ranks[above]) return;
  said.ranks[i] = said.ranks[above];
  changed(i);
}

/** Give an output a rank, and go on to one that has none. */
function rank(i, value, onward) {
  said.ranks[i] = value;
  changed(i);
  const open = [...at("order").children].find((one) => !said.ranks[items.indexOf(one)]);
  if (onward && open) open.focus();
}

/** Show what a change led to, and tell it. */
function changed(i) {
  const focused = /** @type {any} */ (document.activeElement);
  draw();
  (items.some((one) => one.contains(focused)) ? focused : items[i]).focus();
  const tied = items.filter((_, j) => j !== i && said.ranks[j] && said.ranks[j] === said.ranks[i]);
  const names = tied.map((one) => one.dataset.letter).join(", ");
  const left = said.ranks.filter((one) => !one).length;
  const told = { letter: items[i].dataset.letter, rank: said.ranks[i] || say("none"), names, n: left };
  at("status").textContent = [
    say("Output {letter}: rank {rank}", told),
    ...(names ? [say("tied with {names}", told)] : []),
    left ? say("{n} without a rank", told) : say("all are ranked"),
  ].join("; ");
  save();
}

/** The outputs in the order of their ranks, those without one last. */
function draw() {
  const order = items.map((_, i) => i).sort((a, b) => (said.ranks[a] || K + 1) - (said.ranks[b] || K + 1) || a - b);
  order.forEach((i, place) => {
    const above = order[place - 1], item = items[i];
    if (at("order").children[place] !== item) at("order").insertBefore(item, at("order").children[place]);
    item.querySelector("select").value = String(said.ranks[i]);
    item.querySelector(".rated").textContent = say("you rated it {n}", { n: said.likert[i] });
    item.classList.toggle("unranked", !said.ranks[i]);
    item.classList.toggle("tied", place > 0 && said.ranks[i] > 0 && said.ranks[i] === said.ranks[above]);
  });
}

/** Send all of it. */
function handOver() {
  const lacking = items.filter((_, i) => !said.ranks[i]).map((one) => one.dataset.letter);
  if (lacking.length) return complain(say("Give a rank to {names} first.", { names: lacking.join(", ") }));
  save();
  const ratings = items.map((_, i) => ({ likert: said.likert[i], flags: said.flags[i], seconds: said.seconds[i] }));
  handIn("/label/rank", { task, ratings, ranks: said.ranks, seconds: took() }, { clear }, at("save"));
}

/** How long all pages of this task took. */
function took() {
  save();
  return said.seconds.reduce((a, b) => a + b, 0);
}

/** Forget the draft, also when the page goes. */
function clear() {
  ended = true;
  kept.clear();
}

/** What a single key does on the page of one output; true if anything. */
function ofOne(key) {
  const flag = fields(`flag-${said.page}`)["abcdefghijk".indexOf(key)];
  const quality = fields(`likert-${said.page}`)[Number(key) - 1];
  if (flag && key.length === 1) flag.click();
  else if (quality) quality.click();
  else return false;
  return true;
}

/** What a key does on the page of all; true if anything. */
function ofAll(event) {
  const shown = [...at("order").children], place = shown.findIndex((one) => one.contains(document.activeElement));
  const i = items.indexOf(shown[place]), step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step && event.shiftKey && i >= 0) move(i, step);
  else if (step) /** @type {any} */ (shown[Math.max(0, Math.min(K - 1, place + step))]).focus();
  else if (i >= 0 && event.key === "t") tie(i);
  else if (i >= 0 && Number(event.key) >= 1 && Number(event.key) <= K) rank(i, Number(event.key), true);
  else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  const target = /** @type {any} */ (event.target);
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    if (said.page === K) at("save").click();
    return event.preventDefault();
  }
  if (!at("keys").checked || event.ctrlKey || event.metaKey || event.altKey || target.closest("select, .skip")) return;
  const button = target.closest("button, summary, a");
  let used = true;
  if (said.page === K && ofAll(event)) used = true;
  else if (said.page < K && ofOne(event.key)) used = true;
  else if (event.key === "n" || (event.key === "Enter" && !button)) next();
  else if (event.key === "p" && said.page > 0) show(said.page - 1);
  else used = false;
  if (used) event.preventDefault();
});

items.forEach((item, i) => {
  for (const one of fields(`likert-${i}`)) {
    one.checked = Number(one.value) === said.likert[i];
    one.addEventListener("change", () => {
      said.likert[i] = Number(one.value);
      save();
    });
  }
  for (const one of fields(`flag-${i}`)) {
    one.checked = said.flags[i].includes(one.value);
    one.addEventListener("change", () => {
      said.flags[i] = fields(`flag-${i}`).filter((each) => each.checked).map((each) => each.value);
      save();
    });
  }
  item.querySelector("select").addEventListener("change", (event) => rank(i, Number(event.target.value), false));
  for (const one of item.querySelectorAll("[data-move]")) {
    one.addEventListener("click", () => move(i, Number(one.dataset.move)));
  }
  const below = (event) => event.clientY > item.getBoundingClientRect().top + item.offsetHeight / 2;
  item.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/plain", String(i)));
  item.addEventListener("dragover", (event) => {
    event.preventDefault();
    item.classList.add("over");
    item.classList.toggle("below", below(event));
  });
  item.addEventListener("dragleave", () => item.classList.remove("over", "below"));
  item.addEventListener("drop", (event) => {
    event.preventDefault();
    item.classList.remove("over", "below");
    const from = Number(event.dataTransfer.getData("text/plain") || NaN);
    if (!Number.isInteger(from) || !items[from]) return;
    if (!said.ranks[i]) move(i, -1); // what it is put beside gets a rank too
    put(from, i, !below(event));
  });
});
at("next").addEventListener("click", next);
at("back").addEventListener("click", () => show(said.page - 1));
at("save").addEventListener("click", handOver);
try {
  at("keys").checked = localStorage.getItem("foretell keys") !== "off";
} catch { /* no storage: on */ }
at("keys").addEventListener("change", () => {
  try {
    localStorage.setItem("foretell keys", at("keys").checked ? "on" : "off");
  } catch { /* no storage */ }
});
addEventListener("pagehide", save);
const resumed = said.page > 0 || said.likert.some(Boolean);
show(Math.min(said.page, K), resumed);
if (resumed) at("status").textContent = say("You are where you left off.");
skipping({ clear }, took);
