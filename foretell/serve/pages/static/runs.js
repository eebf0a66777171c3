// The list of runs, asked for again every few seconds while the page is in sight.
import { say } from "/static/words.js";

const EVERY = 4000; // milliseconds
const table = /** @type {any} */ (document.getElementById("runs"));
const status = /** @type {any} */ (document.getElementById("status"));

async function again() {
  if (document.hidden) return;
  let told;
  try {
    const answer = await fetch("/api/runs");
    if (!answer.ok) throw new Error();
    told = await answer.json();
  } catch {
    status.textContent = say("the server cannot be reached; these are the last figures");
    return;
  }
  const rows = new Map([...table.querySelectorAll("tr[data-slug]")].map((row) => [row.dataset.slug, row]));
  if (told.runs.some((run) => !rows.has(run.slug))) return location.reload();
  status.textContent = "";
  for (const run of told.runs) {
    for (const cell of rows.get(run.slug).querySelectorAll("[data-of]")) {
      const text = cell.dataset.of === "state" ? say(run.state) : run[cell.dataset.of];
      if (cell.textContent !== text) cell.textContent = text;
    }
  }
}

if (table) setInterval(again, EVERY);
