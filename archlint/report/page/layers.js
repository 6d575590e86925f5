// The sizes that one types or slides, the numbers of all formulas, and the layers that refuse.
const form = byId("sizes");
const layers = byId("layers");
const rowItems = new Map([...document.querySelectorAll("#layers [data-row]")].map((li) => [Number(li.dataset.row), li]));
const readers = []; // called with the values of all nodes after each change
let point = { ...data.point };
let lit = { rows: new Set(), edges: new Set() };
const inputs = {};

function choose(sizes) {
  point = { ...sizes };
  for (const [name, show] of Object.entries(inputs)) show(point[name]);
  firstMap?.show(point);
  update();
}
const firstMap = form && data.maps.length && document.querySelector("[data-map='0']")
  ? sizeMap(document.querySelector("[data-map='0']"), data.maps[0], point, choose)
  : null;

// The row that refuses these sizes, the claim that fails there, and the way back to the input.
function refusal(values) {
  for (const [index, row] of data.rows.entries()) {
    const failed = row.claims.find(([claim]) => !values[claim]);
    if (failed) return { index, why: `${row.name} needs ${failed[1]}`, call: failed[2] };
  }
  return null;
}
function pathTo(call) {
  const rows = new Set(), edges = new Set();
  const rowOf = (c) => (c < 0 ? -1 - c : data.row_of[c]);
  for (let at = call, steps = 0; steps <= data.main.length; steps++) {
    rows.add(rowOf(at));
    if (at < 0 || data.main[at] === null) break;
    const next = data.main[at];
    if (next >= at) break;
    if (rowOf(next) !== rowOf(at)) edges.add(`${rowOf(next)} ${rowOf(at)}`);
    at = next;
  }
  return { rows, edges };
}
function update() {
  const values = evaluate(point);
  const onPath = data.branch === null || values[data.branch];
  const refused = onPath ? refusal(values) : null;
  const verdict = byId("verdict");
  if (firstMap) {
    const zone = firstMap.zoneAt(point);
    verdict.className = zone.kind;
    let text = firstMap.about(point);
    if (!onPath) text += ". These sizes take another path than the one below.";
    else if (refused && zone.kind === "refused") text = `${words(point)}: refused: ${refused.why}`;
    verdict.textContent = text;
  }
  for (const cell of document.querySelectorAll("[data-nodes]")) {
    const nodes = cell.dataset.nodes.split(" ").filter(Boolean).map(Number);
    const shown = nodes.map((i) => (cell.dataset.grouped !== undefined ? grouped(values[i]) : values[i]));
    cell.textContent = shown.join(cell.dataset.joint || " ");
  }
  for (const li of document.querySelectorAll("#layers .refuses, #layers .beyond, #layers .lit")) {
    li.classList.remove("refuses", "beyond", "lit");
  }
  lit = refused && data.main ? pathTo(refused.call) : { rows: new Set(), edges: new Set() };
  for (const [index, li] of rowItems) {
    if (lit.rows.has(index)) {
      li.classList.add("lit");
      for (let up = li.parentElement.closest("#layers li"); up; up = up.parentElement.closest("#layers li")) {
        up.classList.add("lit");
      }
    }
    if (!refused || index < refused.index) continue;
    li.classList.add(index === refused.index ? "refuses" : "beyond");
    if (index === refused.index) {
      for (let up = li.closest("details"); up; up = up.parentElement.closest("details")) {
        up.classList.add("refuses");
        up.open = true;
      }
    }
  }
  for (const folded of document.querySelectorAll("#layers li:has(> details)")) {
    const first = Number(folded.querySelector("[data-row]").dataset.row);
    if (refused && first > refused.index) folded.classList.add("beyond");
  }
  for (const read of readers) read(values, refused);
  drawEdges();
}
const grouped = (n) => (Number.isFinite(n) ? Math.round(n).toLocaleString("en-US") : "–");

// The edges: a line from each layer to the layers that read it. A layer that others than the next
// one read has a lane of its own on the left, with a branch to each reader.
function drawEdges() {
  const svg = byId("edges");
  if (!svg) return;
  svg.replaceChildren();
  const origin = layers.getBoundingClientRect();
  const places = new Map(); // of a row that one sees, or of the folded module that contains it
  const order = [];
  for (const [index, li] of rowItems) {
    let shown = li;
    for (let up = li.parentElement.closest("details"); up; up = up.parentElement.closest("details")) {
      if (!up.open) shown = up;
    }
    const box = shown.querySelector(".row").getBoundingClientRect();
    const last = order[order.length - 1];
    if (!last || last.shown !== shown) order.push({ shown, y: Math.round(box.top - origin.top + 11), rows: [], lit: false });
    places.set(index, order.length - 1);
    order[order.length - 1].rows.push(index);
    if (lit.rows.has(index)) order[order.length - 1].lit = true;
  }
  const edges = new Map(); // from -> to -> lit
  for (const [from, to] of data.edges) {
    const [a, b] = [places.get(from), places.get(to)];
    if (a === undefined || b === undefined || a >= b) continue;
    if (!edges.has(a)) edges.set(a, new Map());
    edges.get(a).set(b, edges.get(a).get(b) || lit.edges.has(`${from} ${to}`));
  }
  const buses = [...edges].map(([from, to]) => ({ from, to: [...to.keys()].filter((t) => t > from + 1) }))
    .filter((bus) => bus.to.length)
    .map((bus) => ({ ...bus, end: Math.max(...bus.to) }))
    .sort((a, b) => a.end - a.from - (b.end - b.from) || a.from - b.from);
  const lanes = [];
  for (const bus of buses) {
    bus.lane = lanes.findIndex((taken) => taken.every((o) => o.end <= bus.from || bus.end <= o.from));
    if (bus.lane < 0) bus.lane = lanes.push([]) - 1;
    lanes[bus.lane].push(bus);
  }
  const narrow = layers.clientWidth < 600;
  const step = Math.min(narrow ? 7 : 12, (narrow ? 60 : 180) / Math.max(lanes.length, 1));
  const x = Math.round(12 + step * lanes.length);
  layers.style.paddingLeft = `${x + 14}px`;
  svg.setAttribute("width", x + 10);
  svg.setAttribute("height", layers.scrollHeight);
  const group = [false, true].map((hot) => element("g", { class: hot ? "hot" : "edge" }, svg));
  for (const [from, to] of edges) {
    if (!to.has(from + 1)) continue;
    const d = `M${x} ${order[from].y}V${order[from + 1].y}`;
    element("path", { d, "data-ends": `${from} ${from + 1}` }, group[Number(to.get(from + 1))]);
  }
  for (const bus of buses) {
    const lane = x - step * (bus.lane + 1);
    const bend = Math.min(step * 0.8, 7);
    for (const to of bus.to) {
      const [top, bottom] = [order[bus.from].y, order[to].y];
      const d = `M${x} ${top}H${lane + bend}Q${lane} ${top} ${lane} ${top + bend}V${bottom - bend}Q${lane} ${bottom} ${lane + bend} ${bottom}H${x - 5}m-4-3l4 3l-4 3`;
      element("path", { d, "data-ends": `${bus.from} ${to}` }, group[Number(edges.get(bus.from).get(to))]);
    }
  }
  for (const [i, place] of order.entries()) {
    const folded = place.shown.localName === "details";
    const shape = folded ? { x: x - 4.5, y: place.y - 4.5, width: 9, height: 9, rx: 2 } : { cx: x, cy: place.y, r: 4 };
    const refuses = place.rows.some((r) => rowItems.get(r).classList.contains("refuses"));
    element(folded ? "rect" : "circle", { ...shape, class: refuses ? "bad" : place.lit ? "hot" : "node", "data-node": i }, svg);
  }
  order.forEach((place, i) => { place.shown.dataset.place = i; });
}
if (form) {
  form.hidden = false;
  if (firstMap) document.querySelector("[data-map='0'] figcaption").append(form);
  for (const name of Object.keys(point)) {
    const last = firstMap ? data.maps[0].windows[name] : 512;
    inputs[name] = sizeInput(name, point[name], last, (value) => choose({ ...point, [name]: value }), byId("inputs"));
  }
  form.addEventListener("submit", (event) => event.preventDefault());
}
if (layers && data.edges) {
  layers.prepend(element("svg", { id: "edges", "aria-hidden": "true" }));
  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; drawEdges(); });
  };
  layers.addEventListener("toggle", later, true);
  new ResizeObserver(later).observe(layers);
  const near = (event) => {
    const place = event.target.closest?.("[data-place]")?.dataset.place;
    for (const path of byId("edges").querySelectorAll("[data-ends]")) {
      path.classList.toggle("near", place !== undefined && path.dataset.ends.split(" ").includes(place));
    }
  };
  layers.addEventListener("pointerover", near);
  layers.addEventListener("focusin", near);
}
for (const [i, map] of data.maps.entries()) {
  const holder = document.querySelector(`[data-map='${i}']`);
  if (holder && !(i === 0 && firstMap)) sizeMap(holder, map, map.point, null);
}
