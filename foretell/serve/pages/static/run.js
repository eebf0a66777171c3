// One run, drawn again whenever it has written something: the attributes of lines and axes are set, and texts as text.
import { say } from "/static/words.js";

const EVERY = 2500; // milliseconds
/** @param {string} id */
const at = (id) => /** @type {any} */ (document.getElementById(id));
const { slug } = at("run").dataset;
let { version, state } = at("run").dataset;

async function again() {
  if (document.hidden) return;
  let told;
  try {
    const answer = await fetch(`/api/runs/${slug}?have=${encodeURIComponent(version)}`);
    if (!answer.ok) throw new Error();
    told = await answer.json();
  } catch {
    at("status").textContent = say("the server cannot be reached; these are the last figures");
    return;
  }
  at("status").textContent = "";
  if (told.version === version) return;
  const drawn = [...document.querySelectorAll("[data-chart]")].map((one) => /** @type {any} */ (one).dataset.chart);
  if (told.state !== state || told.charts.length !== drawn.length) return location.reload();
  ({ version, state } = told);
  figures(told.figures);
  for (const chart of told.charts) draw(chart);
}

/** The numbers above the charts. */
function figures(told) {
  const rows = Object.entries(told).map(([name, value]) => {
    const row = document.createElement("div"), term = document.createElement("dt"), said = document.createElement("dd");
    term.textContent = say(name);
    said.textContent = name === "state" ? say(value) : value;
    row.append(term, said);
    return row;
  });
  at("figures").replaceChildren(...rows);
}

/** One chart. */
function draw(chart) {
  const figure = document.querySelector(`[data-chart="${CSS.escape(chart.name)}"]`);
  if (!figure) return;
  for (const [name, d] of Object.entries(chart.lines)) {
    figure.querySelector(`[data-line="${CSS.escape(name)}"]`)?.setAttribute("d", d);
  }
  for (const axis of ["x", "y"]) {
    figure.querySelectorAll(`g.${axis}`).forEach((group, i) => {
      const [place, word] = chart[axis][i];
      group.setAttribute("transform", axis === "x" ? `translate(${place} 0)` : `translate(0 ${place})`);
      group.setAttribute("visibility", word ? "visible" : "hidden");
      /** @type {any} */ (group.querySelector("text")).textContent = word;
    });
  }
  /** @type {any} */ (figure.querySelector("svg")).setAttribute("aria-label", chart.said);
  /** @type {any} */ (figure.querySelector(".said-last")).textContent = chart.said;
}

if (state === "running") setInterval(again, EVERY);
