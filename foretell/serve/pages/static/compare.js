// Two models side by side: one prompt, the same settings and seed, both streams at once.
import { ask, at, job, keep, settings } from "/static/api.js";
import { say } from "/static/words.js";

const run = job(async (signal, count) => {
  const given = settings();
  if (!given) throw new Error(say("a setting cannot be as it is"));
  const seed = given.seed ?? Math.floor(Math.random() * 2 ** 31);
  at("seed").value = String(seed);
  const prompt = at("text").value, models = { a: given.model, b: at("other").value };
  remember({ ...models, prompt, seed, temperature: given.temperature, max_tokens: given.max_tokens });
  keep(prompt);
  let tokens = 0;
  const each = Object.entries(models).map(async ([side, model]) => {
    at(`name-${side}`).textContent = `${side.toUpperCase()}: ${model}`;
    at(`said-${side}`).textContent = at(`mean-${side}`).textContent = "";
    const told = [];
    await ask("/v1/completions", { ...given, model, seed, prompt, logprobs: 0 }, signal, (chunk) => {
      if (chunk.usage) {
        tokens += chunk.usage.completion_tokens;
        return count({ completion_tokens: tokens });
      }
      at(`said-${side}`).textContent += chunk.choices[0].text;
      told.push(...chunk.choices[0].logprobs.token_logprobs);
    });
    const mean = told.reduce((a, b) => a + b, 0) / told.length;
    at(`mean-${side}`).textContent = say("{n} tokens, {mean} nats each on average by its own measure", { n: told.length, mean: mean.toFixed(3) });
  });
  await Promise.all(each);
}, () => {});

/** Keep what was asked in the address. */
function remember(asked) {
  history.replaceState(null, "", `?${new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)]))}`);
}

/** Fill the form from the address. */
function recall() {
  const fields = { a: "model", b: "other", prompt: "text", seed: "seed", temperature: "temperature", max_tokens: "max_tokens" };
  for (const [name, value] of new URLSearchParams(location.search)) if (fields[name]) at(fields[name]).value = value;
}

at("submit").addEventListener("click", () => run());
recall();
