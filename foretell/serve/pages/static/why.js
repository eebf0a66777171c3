// Which words made the last one likely: a line of tokens for each method, each layer's guess, what each head gives.
import { at, complain, post } from "/static/api.js";
import { say } from "/static/words.js";

/** Ask for the last line of the text, and show the answer. */
async function explain() {
  const sentence = at("text").value.trimEnd().split("\n").pop();
  complain("");
  at("explain").disabled = true;
  at("status").textContent = say("explaining");
  try {
    show(await post("/attribution", { model: at("model").value, sentence }));
    at("status").textContent = say("done");
  } catch (error) {
    at("status").textContent = "";
    complain(error.message);
  }
  at("explain").disabled = false;
}

/** Draw an answer of /attribution. */
function show(found) {
  const methods = [
    [say("integrated gradients"), found.integrated],
    [say("without the token"), found.left_out],
    [say("attention rollout"), found.rollout],
  ];
  const told = say("log P of {word}: {value} nats; of a context of mean tokens {other}.", {
    word: JSON.stringify(found.word), value: found.logprob.toFixed(2), other: found.baseline_logprob.toFixed(2),
  });
  at("reasons").replaceChildren(
    paragraph(told, "hint"),
    ...methods.flatMap(([name, values]) => [paragraph(name, ""), line(found.tokens, values)]),
    paragraph(say("layer by layer (logit lens)"), ""),
    table([say("layer"), say("guess"), say("probability"), say("of the right word"), say("rank")], found.lens.map((one) => [
      one.layer, JSON.stringify(one.token), percent(one.probability), percent(one.right), one.rank,
    ])),
    paragraph(say("heads of each layer: nats that each gives"), ""),
    table(["", ...found.heads[0].map((_, i) => i + 1)], found.heads.map((row, i) => [i + 1, ...row.map((x) => x.toFixed(3))])),
  );
  at("why").hidden = false;
}

/** The tokens, each on the colour of its value beside the strongest. */
function line(tokens, values) {
  const made = paragraph("", "tokens"), most = Math.max(...values.map(Math.abs)) || 1;
  tokens.forEach((token, i) => {
    const one = document.createElement("span"), level = Math.ceil((3 * Math.abs(values[i])) / most);
    one.textContent = token;
    one.title = values[i].toPrecision(3);
    if (level) one.className = `${values[i] > 0 ? "up" : "down"}${level}`;
    made.append(one);
  });
  return made;
}

function paragraph(text, name) {
  const made = document.createElement("p");
  made.textContent = text;
  made.className = name;
  return made;
}

function table(head, rows) {
  const made = document.createElement("table"), fill = (row, kind) => (cell) => {
    const one = document.createElement(kind);
    one.textContent = String(cell);
    row.append(one);
  };
  head.forEach(fill(made.createTHead().insertRow(), "th"));
  const body = made.createTBody();
  rows.forEach((row) => row.forEach(fill(body.insertRow(), "td")));
  return made;
}

const percent = (p) => `${(100 * p).toFixed(1)} %`;

at("explain").addEventListener("click", explain);
