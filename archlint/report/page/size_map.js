// The maps. One can point at each size, move by the keyboard, and choose the axes.
const SIDE = 384, MARGIN = 40, STRIP = 24, PAD = 14; // as in size_map_svg.py
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// For each size down, for each across, the index of the first root that holds.
function rowsOver(roots, sizes, [across, down], [columns, lines]) {
  const all = needed(roots);
  const levels = {};
  for (const i of all) {
    const node = data.nodes[i];
    if (node[0] === "symbol") levels[i] = node[1] === across ? 2 : node[1] === down ? 1 : 0;
    else levels[i] = Math.max(0, ...operands(node).map((o) => levels[o]));
  }
  const at = [0, 1, 2].map((level) => all.filter((i) => levels[i] === level));
  const used = new Set([...roots, ...at[2].flatMap((i) => operands(data.nodes[i]))]);
  const keys = [...used].filter((i) => levels[i] === 1);
  const point = { ...sizes };
  const values = evaluateInto([], at[0], point);
  const known = new Map();
  const rows = [];
  for (let y = 1; y <= lines; y++) {
    if (down) point[down] = y;
    evaluateInto(values, at[1], point);
    const key = keys.map((i) => values[i]).join();
    if (!known.has(key)) {
      const row = [];
      for (let x = 1; x <= columns; x++) {
        point[across] = x;
        evaluateInto(values, at[2], point);
        row.push(roots.findIndex((i) => values[i]));
      }
      known.set(key, row);
    }
    rows.push(known.get(key));
  }
  return rows;
}
function runsOf(row, index) {
  const runs = [];
  for (let x = 0; x < row.length; x++) {
    if (row[x] !== index) continue;
    const start = x;
    while (x < row.length && row[x] === index) x++;
    runs.push([start, x]);
  }
  return runs;
}
// As `cells` in size_map_svg.py.
function drawCells(rows, index, scale, bordered, parent) {
  const blocks = new Map();
  let count = 0, widest = 0;
  for (let y = 0; y < rows.length; ) {
    const top = y;
    const runs = runsOf(rows[top], index);
    const key = runs.join(" ");
    while (y < rows.length && (rows[y] === rows[top] || runsOf(rows[y], index).join(" ") === key)) y++;
    if (!runs.length) continue;
    count += runs.length * (y - top);
    widest = Math.max(widest, ...runs.map(([a, b]) => b - a));
    const id = `${y - top}:${key}`;
    if (!blocks.has(id)) blocks.set(id, { runs, height: y - top, tops: [] });
    blocks.get(id).tops.push(top);
  }
  const small = bordered && widest * scale < 6 && count <= 1500;
  const edge = small ? { "stroke-width": scale >= 3 ? 3 : 7, "vector-effect": "non-scaling-stroke" } : { stroke: "none" };
  let plain = "";
  for (const { runs, height, tops } of blocks.values()) {
    if (small || runs.length * tops.length < 8) {
      for (const top of tops) {
        for (const [a, b] of runs) plain += `M${a} ${top}h${b - a}v${height}h${a - b}z`;
      }
      continue;
    }
    const dashes = [0];
    let position = 0;
    for (const [a, b] of runs) { dashes.push(a - position, b - a); position = b; }
    dashes.push(rows[0].length - position + 1);
    const d = tops.map((top) => `M0 ${top + height / 2}h${rows[0].length}`).join("");
    element("path", { "stroke-width": height, "stroke-dasharray": dashes.join(" "), d }, parent);
  }
  if (plain) element("path", { ...edge, d: plain }, parent);
  return small;
}
function borderOf(rows) {
  const inside = (x, y) => y >= 0 && y < rows.length && x >= 0 && x < rows[0].length && rows[y][x] === 0;
  const lines = [];
  for (let y = 0; y <= rows.length; y++) {
    const row = rows[0].map((_, x) => (inside(x, y) !== inside(x, y - 1) ? 1 : 0));
    for (const [a, b] of runsOf(row, 1)) lines.push(`M${a} ${y}h${b - a}`);
  }
  for (let x = 0; x <= rows[0].length; x++) {
    const column = rows.map((_, y) => (inside(x, y) !== inside(x - 1, y) ? 1 : 0));
    for (const [a, b] of runsOf(column, 1)) lines.push(`M${x} ${a}v${b - a}`);
  }
  return lines;
}
function drawAxis(drawing, name, last, scale, isDown) {
  let step = 8;
  while (Math.floor(last / step) > 4) step *= 2;
  const at = isDown
    ? { x: 24, y: MARGIN - 14, "text-anchor": "end" }
    : { x: MARGIN + SIDE / 2, y: 12, "text-anchor": "middle" };
  element("text", at, drawing, name);
  for (let size = 1; size <= last; size = size === 1 ? step : size + step) {
    const p = (MARGIN + (size - 0.5) * scale).toFixed(1);
    const place = isDown ? { x: 33, y: Number(p) + 4, "text-anchor": "end" } : { x: p, y: 30, "text-anchor": "middle" };
    element("text", place, drawing, size);
    element("path", { d: isDown ? `M35 ${p}h4` : `M${p} 34v5`, stroke: "currentColor" }, drawing);
  }
}

// The map in `holder`. Without `choose` it has its own inputs for the sizes that are no axes.
function sizeMap(holder, map, sizes, choose) {
  const drawing = holder.querySelector("figure > svg");
  const status = holder.querySelector(".at-cursor");
  const roots = map.zones.map((zone) => zone.where);
  const order = needed(roots);
  let axes = map.axes, last = map.last, point = { ...sizes }, cursor = [1, 1];
  const zoneAt = (at) => {
    const values = evaluate(at, order);
    return map.zones[roots.findIndex((i) => values[i])];
  };
  const about = (at) => {
    const zone = zoneAt(at);
    return `${words(at)}: ${zone.label}${zone.why ? ` — ${zone.why}` : ""}`;
  };
  const sizesOf = ([x, y]) => ({ ...point, [axes[0]]: x, ...(axes[1] ? { [axes[1]]: y } : {}) });
  const cellOf = (event) => {
    const group = drawing.querySelector("g");
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(group.getScreenCTM().inverse());
    const cell = [Math.floor(at.x) + 1, Math.floor(at.y) + 1];
    return cell.every((c, i) => c >= 1 && c <= last[i]) ? cell : null;
  };
  const cellAt = (sizes) => [sizes[axes[0]], axes[1] ? sizes[axes[1]] : 1];
  const scale = () => SIDE / last[0];
  const tall = () => (axes[1] ? scale() : STRIP);
  function placed(cell) {
    return `translate(${MARGIN + (cell[0] - 0.5) * scale()} ${MARGIN + (cell[1] - 0.5) * tall()})`;
  }
  function mark() {
    for (const old of drawing.querySelectorAll("[data-chosen]")) old.remove();
    const cell = cellAt(point);
    if (!choose || !cell.every((c, i) => c <= last[i])) return;
    const ring = element("g", { "data-chosen": "", transform: placed(cell), fill: "none" }, drawing);
    element("circle", { r: 6, stroke: "#fff", "stroke-width": 4 }, ring);
    element("circle", { r: 6, stroke: "#000", "stroke-width": 2 }, ring);
  }
  function point_at(cell) {
    for (const old of drawing.querySelectorAll("[data-cursor]")) old.remove();
    const cross = element("g", { "data-cursor": "", transform: placed(cell), stroke: "currentColor" }, drawing);
    element("path", { d: "M-12 0h8M4 0h8M0-12v8M0 4v8", "stroke-width": 2 }, cross);
    status.textContent = about(sizesOf(cell));
  }
  function draw() {
    const rows = rowsOver(roots, point, axes, last);
    const present = new Set(rows.flat());
    const title = drawing.querySelector("title");
    title.textContent = `accepted sizes over ${axes.filter(Boolean).join(" and ")}`;
    drawing.replaceChildren(title);
    const height = axes[1] ? tall() * last[1] : STRIP;
    drawing.setAttribute("viewBox", `0 0 ${SIDE + MARGIN + PAD} ${Math.round(height) + MARGIN + PAD}`);
    const transform = `translate(${MARGIN} ${MARGIN}) scale(${scale()} ${tall()})`;
    const group = element("g", { transform }, drawing);
    const raised = [];
    map.zones.forEach((zone, index) => {
      if (!present.has(index)) return;
      const colors = { fill: zone.color, stroke: zone.color, "shape-rendering": "crispEdges" };
      const part = element("g", { "data-zone": index, ...colors }, group);
      if (drawCells(rows, index, scale(), zone.kind === "accepted", part)) raised.push(part);
    });
    group.append(...raised); // their borders cover the others
    if (map.contract !== null) drawContract(group);
    drawAxis(drawing, axes[0], last[0], scale(), false);
    if (axes[1]) drawAxis(drawing, axes[1], last[1], scale(), true);
    const others = map.names.filter((n) => !axes.includes(n));
    const marked = map.mark && cellAt(map.mark);
    if (marked && marked.every((c, i) => c <= last[i]) && others.every((n) => map.mark[n] === point[n])) {
      const cross = element("g", { transform: placed(marked), stroke: "currentColor", "stroke-width": 2 }, drawing);
      element("path", { d: "M-6-6l12 12M6-6l-12 12" }, cross);
    }
    holder.querySelectorAll("figcaption li[data-zone]").forEach((item) => {
      item.hidden = !present.has(Number(item.dataset.zone));
    });
    const note = holder.querySelector(".fixed");
    note.textContent = others.length ? `at ${others.map((n) => `${n}=${point[n]}`).join(", ")}` : "";
    mark();
  }
  function drawContract(group) {
    const rows = rowsOver([map.contract, roots[roots.length - 1]], point, axes, last);
    const lines = borderOf(rows);
    if (lines.length > 300) {
      const shade = { class: "contract", fill: "#000", stroke: "#000", opacity: 0.35, "shape-rendering": "crispEdges" };
      drawCells(rows, 0, scale(), false, element("g", shade, group));
      return;
    }
    const line = { fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-dasharray": "4 2" };
    element("path", { class: "contract", ...line, "vector-effect": "non-scaling-stroke", d: lines.join("") }, group);
  }

  const tools = element("form", { class: "tools", "aria-label": "Axes" });
  tools.addEventListener("submit", (event) => event.preventDefault());
  holder.querySelector("figcaption").append(tools);
  const own = element("div");
  function showOwnInputs() {
    own.replaceChildren();
    for (const name of map.names.filter((n) => !axes.includes(n))) {
      sizeInput(name, point[name], map.windows[name], (value) => {
        point = { ...point, [name]: value };
        draw();
      }, own);
    }
  }
  if (map.names.length > 2) {
    const selects = axes.map((axis, i) => {
      const label = element("label", {}, tools, i ? "down " : "across ");
      const select = element("select", { "data-axis": i }, label);
      for (const name of map.names) element("option", { value: name }, select, name);
      select.value = axis;
      return select;
    });
    selects.forEach((select, i) => select.addEventListener("change", () => {
      const chosen = axes.map((axis, k) => (k === i ? select.value : axis === select.value ? axes[i] : axis));
      axes = chosen;
      last = axes.map((axis) => map.windows[axis]);
      selects.forEach((s, k) => { s.value = axes[k]; });
      cursor = cellAt(point).map((c, k) => Math.min(c, last[k]));
      if (!choose) showOwnInputs();
      draw();
    }));
  }
  if (!choose) {
    tools.append(own);
    showOwnInputs();
  }
  drawing.setAttribute("tabindex", 0);
  drawing.setAttribute("role", "application");
  drawing.setAttribute("aria-label", `Map of accepted sizes. Arrow keys move${choose ? ", Enter chooses these sizes" : ""}.`);
  cursor = cellAt(point).map((c, k) => Math.min(c, last[k]));
  drawing.addEventListener("pointermove", (event) => {
    const cell = cellOf(event);
    if (cell) status.textContent = about(sizesOf(cell));
  });
  drawing.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (cell && choose) choose(sizesOf((cursor = cell)));
  });
  drawing.addEventListener("focus", () => point_at(cursor));
  drawing.addEventListener("blur", () => { for (const c of drawing.querySelectorAll("[data-cursor]")) c.remove(); });
  drawing.addEventListener("keydown", (event) => {
    const move = KEYS[event.key];
    if (event.key === "Enter" && choose) choose(sizesOf(cursor));
    if (!move) return;
    event.preventDefault();
    const by = event.shiftKey ? 8 : 1;
    cursor = cursor.map((c, i) => Math.min(Math.max(c + by * move[i], 1), last[i]));
    point_at(cursor);
  });
  if (choose && map.names.some((n) => !axes.includes(n) && map.point[n] !== point[n])) draw();
  else mark();
  return {
    zoneAt, about,
    show(sizes) {
      const redraw = map.names.some((n) => !axes.includes(n) && point[n] !== sizes[n]);
      point = { ...sizes };
      if (redraw) draw(); else mark();
    },
  };
}
