// Every text of a question, an answer or a document is set as text, never as markup.
"use strict";
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const index = read("index");
const against = read("against");
const filters = document.getElementById("filters");
const list = document.getElementById("list");
let texts = null;

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const words = (name) => String(name).replaceAll("_", " ");
const arrow = (pair) => pair.replace("->", " → ");

// Long texts stand once in a list that is read with the first question that is opened.
function whole(value) {
  if (Array.isArray(value)) return value.map(whole);
  if (value === null || typeof value !== "object") return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === "$") return (texts ??= read("texts"))[value.$];
  return Object.fromEntries(keys.map((key) => [key, whole(value[key])]));
}

// --- one question --------------------------------------------------------------------------------------------------

function section(title, ...children) {
  const shown = children.flat().filter(Boolean);
  return shown.length ? make("section", "", make("h3", "", title), ...shown) : null;
}

// The answer with its markers set small and every match of a fact marked.
function answerText(answer) {
  const said = make("p", "said");
  const text = answer.text || "";
  const points = Array.from(text); // offsets count code points, as everywhere in the project
  const edges = new Set([0, points.length]);
  for (const [start, end] of answer.marks) edges.add(start).add(end);
  const sorted = [...edges].sort((left, right) => left - right);
  for (let place = 0; place + 1 < sorted.length; place += 1) {
    const [start, end] = [sorted[place], sorted[place + 1]];
    const inside = answer.marks.some((span) => span[0] <= start && end <= span[1]);
    const part = make(inside ? "mark" : "span", "");
    for (const piece of points.slice(start, end).join("").split(/(\[\d+\])/)) {
      part.append(/^\[\d+\]$/.test(piece) ? make("span", "marker", piece) : piece);
    }
    said.append(part);
  }
  return said;
}

function citation(one) {
  const place = [one.title, one.heading, one.page_label && `page ${one.page_label}`].filter(Boolean).join(" · ");
  const chips = make("span", "");
  if (one.gold) chips.append(make("span", "chip good", "gold document"), " ");
  if (one.evidence) chips.append(make("span", "chip good", "evidence"));
  return make("li", "",
    make("p", "quote", make("span", "marker", `[${one.number}] `), one.quote),
    make("p", "where quote", `${place} `, make("code", "", one.document), one.language ? ` (${one.language}) ` : " ", chips));
}

function answerPart(answer) {
  if (!answer) return section("Answer", make("p", "note", "There is no answer line: the question could not be asked."));
  const facts = {};
  for (const [key, value] of Object.entries(answer)) {
    if (!["text", "citations", "marks"].includes(key) && !isEmpty(value)) facts[words(key)] = value;
  }
  return [
    section("Answer", answer.text ? answerText(answer) : make("p", "note", "No text."), pairs(facts)),
    section("Citations", answer.citations.length ? make("ol", "plain", ...answer.citations.map(citation)) : null),
  ];
}

function labels(details) {
  const sign = (met) => (met ? "hit" : "miss");
  const facts = details.facts.map((one) => make("li", "",
    make("code", sign(one.answer), one.fact),
    make("div", "where", one.answer
      ? `in the answer${one.lead ? ", in the lead" : ", not in the lead"}${one.first ? ", in the first sentence" : ""}`
      : "nowhere in the answer or its quotes")));
  const evidence = details.evidence.map((one) => make("li", "",
    make("span", one.shown ? "hit" : "hit miss-soft", one.sentence),
    one.sets.length ? make("span", "where", ` (set ${one.sets.join(", ")})`) : null));
  const gold = details.gold.map((one) => make("li", "",
    make("code", one.cited ? "hit" : "hit miss-soft", one.document), one.cited ? make("span", "where", " cited") : null));
  const shown = evidence.length > 6 ? folded(`${evidence.length} sentences, ${
    details.evidence.filter((one) => one.shown).length} shown`, make("ul", "plain", ...evidence)) : null;
  const can = { true: "the documents hold the answer", false: "the documents hold no answer" }[details.answerable];
  return [
    section("Label", make("p", "quote", can ?? "no label: nobody can say")),
    section("Facts", facts.length ? make("ul", "plain", ...facts) : null),
    section("Evidence", evidence.length ? shown ?? make("ul", "plain", ...evidence) : null),
    section("Gold documents", gold.length ? make("ul", "plain", ...gold) : null),
    section("Notes", Object.keys(details.notes).length ? pairs(details.notes) : null),
  ];
}

function folded(title, ...children) {
  return make("details", "", make("summary", "", title), ...children);
}

function measures(details, row) {
  const chips = Object.entries(details.shares).map(([name, [hits, of]]) => {
    const failed = row.failed.includes(name);
    const verdict = row.scored.includes(name);
    const state = !verdict ? "" : failed ? "bad" : "good";
    return make("span", `chip ${state}`, verdict ? `${failed ? "✗" : "✓"} ${words(name)}` : `${words(name)} ${+hits.toFixed(2)}/${of}`);
  });
  for (const name of row.failed) if (!(name in details.shares)) chips.push(make("span", "chip bad", `✗ ${words(name)}`));
  const box = make("p", "chips", ...chips);
  box.style.justifyContent = "flex-start";
  return section("Measures", box);
}

function changes(row) {
  const lines = Object.entries(row.changed).map(([name, sides]) => {
    const chips = Object.entries(sides).map(([measure, side]) =>
      make("span", `chip ${side === "won" ? "good" : "bad"}`, `${side} ${words(measure)}`));
    const line = make("li", "", `${name}: `);
    for (const chip of chips) line.append(chip, " ");
    return line;
  });
  return section("Changed against", lines.length ? make("ul", "plain", ...lines) : null);
}

// --- why: whatever the assistant explains, in its order -------------------------------------------------------------

const TITLES = {
  query: "How the question was read", hits: "Retrieved", candidates: "Sentences considered",
  features: "What the decision saw", refused: "Refused", chosen: "Chosen",
};

function isEmpty(value) {
  return value === null || value === undefined || value === "" || (typeof value === "object" && !Object.keys(value).length);
}

function number(value) {
  return Number.isInteger(value) ? String(value) : String(+value.toPrecision(4));
}

function scalar(value) {
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return value === null || value === undefined ? "–" : String(value);
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function pairs(values) {
  if (!Object.keys(values).length) return null;
  const shown = make("dl", "");
  for (const [key, value] of Object.entries(values)) shown.append(make("dt", "", words(key)), make("dd", "", generic(value)));
  return shown;
}

function bars(values) {
  const shown = make("div", "bars");
  const most = Math.max(1, ...Object.values(values).map((value) => Math.abs(Number(value))));
  for (const [key, value] of Object.entries(values)) {
    const bar = make("span", `bar${value < 0 ? " below" : ""}`);
    bar.style.width = `${(100 * Math.abs(Number(value))) / most}%`;
    shown.append(make("span", "", words(key)), make("span", "", number(Number(value))), bar);
  }
  return shown;
}

function table(rows) {
  // What was chosen stands first, since colour alone is not seen by everybody.
  const named = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const keys = named.includes("chosen") ? ["chosen", ...named.filter((key) => key !== "chosen")] : named;
  const head = make("tr", "", ...keys.map((key) => make("th", "", words(key))));
  const body = rows.map((row) => make("tr", row.chosen ? "chosen" : "", ...keys.map((key) => cell(row[key], key))));
  const shown = make("div", "scroll", make("table", "", make("thead", "", head), make("tbody", "", ...body)));
  shown.tabIndex = 0;
  return shown;
}

function cell(value, key) {
  if (isObject(value)) {
    const parts = Object.entries(value).map(([name, one]) => `${words(name)} ${isObject(one) ? JSON.stringify(one) : scalar(one)}`);
    return make("td", "parts", parts.join(" · "));
  }
  if (typeof value === "number") return make("td", "number", number(value));
  if (key === "chosen") return make("td", value ? "hit" : "");
  if (key === "document") return make("td", "", make("code", "", scalar(value)));
  if (typeof value === "string" && value.length > 220) {
    return make("td", "text", make("details", "", make("summary", "", `${value.slice(0, 160).trimEnd()} …`), value));
  }
  return make("td", typeof value === "string" && value.length > 50 ? "text" : "", Array.isArray(value) ? value.map(scalar).join(", ") : scalar(value));
}

function generic(value) {
  if (Array.isArray(value)) {
    if (!value.length) return document.createTextNode("none");
    if (value.every(isObject)) return table(value);
    return document.createTextNode(value.map((one) => (typeof one === "object" ? JSON.stringify(one) : scalar(one))).join(", "));
  }
  if (isObject(value)) return pairs(value) ?? document.createTextNode("none");
  return document.createTextNode(scalar(value));
}

function meter(why) {
  if (typeof why.probability !== "number") return null;
  const bar = make("div", "meter", make("i", ""));
  bar.firstChild.style.width = `${100 * Math.min(1, Math.max(0, why.probability))}%`;
  let said = `probability ${number(why.probability)}`;
  if (typeof why.threshold === "number") {
    const edge = make("b", "");
    edge.style.left = `${100 * Math.min(1, Math.max(0, why.threshold))}%`;
    bar.append(edge);
    said += `, threshold ${number(why.threshold)}: ${why.probability >= why.threshold ? "above it" : "below it"}`;
  }
  return section("Probability that the documents answer", bar, make("p", "where quote", said));
}

function why(values) {
  if (!isObject(values)) return null;
  const shown = make("div", "why");
  const rest = {};
  shown.append(...[meter(values)].filter(Boolean));
  for (const [key, value] of Object.entries(values)) {
    if (key === "probability" || key === "threshold") continue;
    if (!isObject(value) && !(Array.isArray(value) && value.some(isObject))) {
      rest[key] = value;
      continue;
    }
    const numbers = isObject(value) && Object.values(value).length && Object.values(value).every((one) => typeof one === "number" || typeof one === "boolean");
    const content = numbers ? bars(value) : generic(value);
    const title = (TITLES[key] ?? words(key)) + (Array.isArray(value) ? ` (${value.length}${
      value.some((one) => one.chosen) ? `, ${value.filter((one) => one.chosen).length} chosen` : ""})` : "");
    shown.append(section(title, content));
  }
  const others = section("Decision", pairs(rest));
  if (others) shown.prepend(others);
  return shown;
}

function open(row, place) {
  const details = whole(read(`d${place}`));
  const turns = details.history.flatMap((turn) => [
    make("p", "turn", `Asked before: ${turn.question}`),
    turn.answer ? make("p", "turn", `Answered: ${turn.answer}`) : null,
  ]);
  const left = make("div", "", ...[section("Conversation", turns), ...[answerPart(details.answer)].flat()].filter(Boolean));
  const right = make("div", "", ...[...labels(details), measures(details, row), changes(row)].filter(Boolean));
  return make("div", "body", make("div", "columns", left, right), why(details.why));
}

// --- the list --------------------------------------------------------------------------------------------------------

function entry(row, place) {
  const chips = make("span", "chips", make("span", "chip", words(row.kind)), make("span", "chip", arrow(row.pair)),
    make("span", "chip", words(row.outcome)));
  for (const name of row.failed) chips.append(make("span", "chip bad", `✗ ${words(name)}`));
  if (!row.failed.length && row.scored.length) chips.append(make("span", "chip good", "✓"));
  const shown = make("details", "question", make("summary", "",
    make("span", "id", row.id), make("span", "asked", row.question), chips));
  shown.addEventListener("toggle", () => {
    if (shown.open && !shown.querySelector(".body")) shown.append(open(row, place));
  });
  row.entry = shown;
  row.search = `${row.id}\n${row.question}\n${row.search}`.toLocaleLowerCase();
  return shown;
}

function fill(name, values, label = words) {
  for (const value of [...new Set(values)].sort()) filters.elements[name].append(new Option(label(value), value));
}

function fillChanged() {
  against.forEach((one, place) => {
    const group = make("optgroup", "");
    group.label = `against ${one.name}`;
    for (const [side, title] of [["", "won or lost"], ["won", "won"], ["lost", "lost"]]) {
      group.append(new Option(`${title}, ${one.name}`, `${place}:${side}`));
    }
    filters.elements.changed.append(group);
  });
}

function hasChanged(row, wanted, measure) {
  const [place, side] = wanted.split(":");
  const sides = Object.entries(row.changed[against[Number(place)].name] ?? {});
  return sides.some(([name, found]) => (!side || found === side) && (!measure || name === measure));
}

function fits(row, wanted) {
  for (const key of ["kind", "language", "pair", "outcome"]) if (wanted[key] && row[key] !== wanted[key]) return false;
  if (wanted.failed === "-" ? row.failed.length : wanted.failed === "*" ? !row.failed.length
    : wanted.failed && !row.failed.includes(wanted.failed)) return false;
  if (wanted.changed && !hasChanged(row, wanted.changed, wanted.measure)) return false;
  return wanted.q.toLocaleLowerCase().split(/\s+/).every((word) => row.search.includes(word));
}

// What is filtered and open stands in the address, so that it can be sent to somebody.
function apply() {
  const wanted = Object.fromEntries(new FormData(filters));
  let shown = 0;
  for (const row of index) {
    row.entry.hidden = !fits(row, wanted);
    shown += !row.entry.hidden;
  }
  document.getElementById("count").textContent = shown === index.length ? `${shown} questions` : `${shown} of ${index.length} questions`;
  const kept = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
  history.replaceState(null, "", `#${kept}`);
}

function show(values) {
  filters.reset();
  for (const [key, value] of Object.entries(values)) if (filters.elements[key]) filters.elements[key].value = value;
  apply();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-failed], button[data-side]");
  if (!button) return;
  const { key, name, failed, against: place, side, measure } = button.dataset;
  show(side ? { changed: `${place}:${side}`, measure } : { failed, ...(key && { [key]: name }) });
  document.getElementById("questions").scrollIntoView();
  list.focus({ preventScroll: true });
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  if (event.key === "/") {
    event.preventDefault();
    filters.elements.q.focus();
  } else if (event.key === "j" || event.key === "k") {
    const entries = [...list.children].filter((one) => !one.hidden);
    const now = entries.findIndex((one) => one.contains(document.activeElement));
    const next = entries[now < 0 ? 0 : now + (event.key === "j" ? 1 : -1)];
    if (next) next.firstChild.focus();
  }
});

list.append(...index.map(entry));
fill("kind", index.map((row) => row.kind));
fill("language", index.map((row) => row.language));
fill("pair", index.map((row) => row.pair), arrow);
fill("outcome", index.map((row) => row.outcome));
fill("failed", index.flatMap((row) => row.failed));
fillChanged();
filters.addEventListener("input", apply);
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("reset", () => setTimeout(apply));
show(Object.fromEntries(new URLSearchParams(location.hash.slice(1))));
