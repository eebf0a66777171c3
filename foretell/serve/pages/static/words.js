// What scripts say, in the language of the page: the server gives the catalogue of that language, which is empty for English.
import known from "/static/catalogue.js";

/** A text in the language of the page, with values for its {names}; what has no translation as it is. */
export function say(text, values = {}) {
  return (known[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
