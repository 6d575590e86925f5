// Sizes and formulas: a table of nodes, each made of earlier ones (formula_data.py).
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const bits = (n) => (n < 1 ? 0 : Math.floor(Math.log2(n)) + 1);
const product = (v, [coefficient, ...factors]) => factors.reduce((p, i) => p * v[i], coefficient);
const operators = {
  number: (v, n) => n[1],
  truth: (v, n) => n[1],
  symbol: (v, n, sizes) => (n[1] in sizes ? sizes[n[1]] : NaN),
  unknown: (v, n) =>
    n.length > 2 ? Math.min(...n.slice(2).map((i) => v[i])) : Math.max(1, n[1] < 0 ? 1 : v[n[1]]),
  sum: (v, n) => {
    let total = n[1];
    for (let t = 2; t < n.length; t++) total += product(v, n[t]);
    return total;
  },
  floordiv: (v, n) => Math.floor(v[n[1]] / v[n[2]]),
  min: (v, n) => Math.min(...n.slice(1).map((i) => v[i])),
  max: (v, n) => Math.max(...n.slice(1).map((i) => v[i])),
  isqrt: (v, n) => Math.floor(Math.sqrt(Math.max(v[n[1]], 0))),
  bit_length: (v, n) => bits(v[n[1]]),
  floor_pow2: (v, n) => 2 ** (bits(Math.max(v[n[1]], 1)) - 1),
  floor_log: (v, n) => Math.floor(Math.log(Math.max(v[n[1]], 1))),
  floor_log10: (v, n) => String(Math.max(v[n[1]], 1)).length - 1,
  ge: (v, n) => v[n[1]] >= 0,
  eq: (v, n) => v[n[1]] === 0,
  ne: (v, n) => v[n[1]] !== 0,
  and: (v, n) => n.slice(1).every((i) => v[i]),
  or: (v, n) => n.slice(1).some((i) => v[i]),
  amount: (v, n) => n.slice(1).reduce((sum, [when, size]) => sum + (v[when] ? v[size] : 0), 0),
  cases: (v, n) => {
    const found = n.slice(1).find(([when]) => v[when]);
    return found ? v[found[1]] : NaN;
  },
};
function operands([name, ...rest]) {
  if (name === "number" || name === "truth" || name === "symbol") return [];
  if (name === "sum") return rest.slice(1).flatMap((term) => term.slice(1));
  return rest.flat().filter((i) => i >= 0);
}
// The nodes that some nodes are made of, and these themselves, in order.
function needed(roots) {
  const found = new Set();
  const open = [...roots];
  while (open.length) {
    const index = open.pop();
    if (found.has(index)) continue;
    found.add(index);
    open.push(...operands(data.nodes[index]));
  }
  return [...found].sort((a, b) => a - b);
}
function evaluateInto(values, indexes, sizes) {
  for (const i of indexes) {
    const node = data.nodes[i];
    values[i] = operators[node[0]](values, node, sizes);
  }
  return values;
}
const everyNode = data.nodes.map((_, i) => i);
const evaluate = (sizes, indexes = everyNode) => evaluateInto([], indexes, sizes);
const words = (sizes) => Object.entries(sizes).map(([n, v]) => `${n}=${v}`).join(" ");
function element(name, attributes = {}, parent = null, text = null) {
  const inSvg = parent && parent.namespaceURI.endsWith("svg") || name === "svg";
  const made = inSvg
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}
// A number and a slider for one size; `change` gets each new value.
function sizeInput(name, value, last, change, parent) {
  const label = element("label", {}, parent, `${name} `);
  const number = element("input", { type: "number", min: 1, step: 1, value, "data-size": name }, label);
  const range = { type: "range", min: 1, max: Math.max(last, 2 * value), value, "aria-label": name };
  const slider = element("input", { ...range, "data-slide": name }, label);
  for (const input of [number, slider]) {
    input.addEventListener("input", () => {
      const typed = Math.floor(Number(input.value));
      if (typed >= 1) change(typed, input);
    });
  }
  return (now) => {
    for (const input of [number, slider]) {
      if (input.value !== String(now)) input.value = now;
    }
  };
}
