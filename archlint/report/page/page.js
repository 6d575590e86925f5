"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);

  // -- sizes and formulas: a table of nodes, each made of earlier ones --------------------------
  const bits = (n) => (n < 1 ? 0 : Math.floor(Math.log2(n)) + 1);
  const operators = {
    number: (v, n) => n[1],
    truth: (v, n) => n[1],
    symbol: (v, n, sizes) => (n[1] in sizes ? sizes[n[1]] : NaN),
    unknown: (v, n) =>
      n.length > 2 ? Math.min(...n.slice(2).map((i) => v[i])) : Math.max(1, n[1] < 0 ? 1 : v[n[1]]),
    sum: (v, n) => {
      let total = n[1];
      for (let t = 2; t < n.length; t++) {
        let product = n[t][0];
        for (let f = 1; f < n[t].length; f++) product *= v[n[t][f]];
        total += product;
      }
      return total;
    },
    floordiv: (v, n) => Math.floor(v[n[1]] / v[n[2]]),
    min: (v, n) => Math.min(...n.slice(1).map((i) => v[i])),
    max: (v, n) => Math.max(...n.slice(1).map((i) => v[i])),
    isqrt: (v, n) => Math.floor(Math.sqrt(Math.max(v[n[1]], 0))),
    bit_length: (v, n) => bits(v[n[1]]),
    floor_pow2: (v, n) => 2 ** (bits(Math.max(v[n[1]], 1)) - 1),
    ge: (v, n) => v[n[1]] >= 0,
    eq: (v, n) => v[n[1]] === 0,
    ne: (v, n) => v[n[1]] !== 0,
    and: (v, n) => n.slice(1).every((i) => v[i]),
    or: (v, n) => n.slice(1).some((i) => v[i]),
  };
  function evaluate(sizes, count) {
    const values = [];
    for (let i = 0; i < count; i++) {
      const node = data.nodes[i];
      values.push(operators[node[0]](values, node, sizes));
    }
    return values;
  }
  const words = (sizes) => Object.entries(sizes).map(([n, v]) => `${n}=${v}`).join(" ");

  // -- the map ------------------------------------------------------------------------------------
  const map = data.map;
  const holder = byId("map");
  let point = { ...data.point };
  function zoneAt(sizes) {
    const values = evaluate(sizes, map.needed);
    return map.zones.findIndex((z) => values[z.where]);
  }
  function about(sizes) {
    const zone = map.zones[zoneAt(sizes)];
    return `${words(sizes)}: ${zone.label}${zone.why ? ` — ${zone.why}` : ""}`;
  }
  function rectangles(rows, index) {
    const open = new Map();
    let path = "";
    for (let y = 0; y <= rows.length; y++) {
      const runs = new Set();
      const row = y < rows.length ? rows[y] : [];
      for (let x = 0; x < row.length; ) {
        if (row[x] !== index) { x++; continue; }
        const start = x;
        while (x < row.length && row[x] === index) x++;
        runs.add(`${start} ${x}`);
      }
      for (const [run, top] of open) {
        if (runs.has(run)) continue;
        const [a, b] = run.split(" ").map(Number);
        path += `M${a} ${top}h${b - a}v${y - top}h${a - b}z`;
        open.delete(run);
      }
      for (const run of runs) if (!open.has(run)) open.set(run, y);
    }
    return path;
  }
  function draw() {
    const [across, down] = map.axes;
    const rows = [];
    for (let y = 1; y <= map.last[1]; y++) {
      const row = [];
      for (let x = 1; x <= map.last[0]; x++) {
        row.push(zoneAt({ ...point, [across]: x, ...(down ? { [down]: y } : {}) }));
      }
      rows.push(row);
    }
    const group = holder.querySelector("svg > g");
    for (const path of group.querySelectorAll("[data-zone]")) path.remove();
    map.zones.forEach((zone, index) => {
      const d = rectangles(rows, index);
      if (!d) return;
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("fill", zone.color);
      path.setAttribute("data-zone", index);
      path.setAttribute("d", d);
      group.prepend(path);
    });
  }
  function cellOf(event) {
    const group = holder.querySelector("svg > g");
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(group.getScreenCTM().inverse());
    const cell = [Math.floor(at.x) + 1, Math.floor(at.y) + 1];
    return cell.every((c, i) => c >= 1 && c <= map.last[i]) ? cell : null;
  }
  function sizesOf(cell) {
    const [across, down] = map.axes;
    return { ...point, [across]: cell[0], ...(down ? { [down]: cell[1] } : {}) };
  }
  if (map && holder) {
    let cursor = map.axes.map((a, i) => Math.min(point[a] || 1, map.last[i]));
    const say = (cell) => { byId("at-cursor").textContent = about(sizesOf(cell)); };
    holder.tabIndex = 0;
    holder.setAttribute("role", "application");
    holder.setAttribute("aria-label",
      `Map of accepted sizes. Arrow keys move, Enter chooses these sizes.`);
    holder.addEventListener("pointermove", (event) => {
      const cell = cellOf(event);
      if (cell) say(cell);
    });
    holder.addEventListener("click", (event) => {
      const cell = cellOf(event);
      if (cell) choose(sizesOf((cursor = cell)));
    });
    holder.addEventListener("focus", () => say(cursor));
    holder.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (event.key === "Enter") choose(sizesOf(cursor));
      if (!move) return;
      event.preventDefault();
      const by = event.shiftKey ? 8 : 1;
      cursor = cursor.map((c, i) => Math.min(Math.max(c + by * move[i], 1), map.last[i]));
      say(cursor);
    });
  }

  // -- the sizes that one types or slides -----------------------------------------------------------
  const form = byId("sizes");
  function choose(sizes) {
    const others = map ? map.names.filter((n) => !map.axes.includes(n)) : [];
    const redraw = others.some((n) => point[n] !== sizes[n]);
    point = sizes;
    for (const input of form.querySelectorAll("input")) {
      const value = point[input.dataset.size || input.dataset.slide];
      if (document.activeElement !== input || input.value !== String(value)) input.value = value;
    }
    if (redraw && holder) draw();
    update();
  }
  function update() {
    const values = evaluate(point, data.nodes.length);
    const onPath = data.branch === null || values[data.branch];
    let refusing = -1;
    let why = "";
    data.rows.forEach((row, index) => {
      if (refusing >= 0) return;
      const failed = row.claims.find(([claim]) => !values[claim]);
      if (failed) { refusing = index; why = `${row.name} needs ${failed[1]}`; }
    });
    const verdict = byId("verdict");
    if (map) {
      const zone = map.zones[zoneAt(point)];
      verdict.className = zone.kind;
      let text = about(point);
      if (!onPath) text += ". These sizes take another path than the one below.";
      else if (refusing >= 0 && zone.kind === "refused") text = `${words(point)}: refused: ${why}`;
      verdict.textContent = text;
    }
    for (const element of document.querySelectorAll("[data-nodes]")) {
      const joint = element.dataset.joint || " ";
      const nodes = element.dataset.nodes.split(" ").filter(Boolean).map(Number);
      element.textContent = nodes.map((i) => values[i]).join(joint);
    }
    for (const item of document.querySelectorAll("#layers .refuses, #layers .beyond")) {
      item.classList.remove("refuses", "beyond");
    }
    for (const item of document.querySelectorAll("#layers [data-row]")) {
      const index = Number(item.dataset.row);
      if (!onPath || refusing < 0 || index < refusing) continue;
      item.classList.add(index === refusing ? "refuses" : "beyond");
      if (index === refusing) {
        for (let up = item.closest("details"); up; up = up.parentElement.closest("details")) {
          up.classList.add("refuses");
        }
      }
    }
    for (const open of document.querySelectorAll("#layers details.refuses")) open.open = true;
  }
  if (form) {
    form.hidden = false;
    for (const slider of form.querySelectorAll("[data-slide]")) {
      const last = map ? Math.max(...map.last) : 512;
      slider.max = Math.max(last, 2 * Number(slider.value));
    }
    form.addEventListener("input", (event) => {
      const name = event.target.dataset.size || event.target.dataset.slide;
      const value = Math.floor(Number(event.target.value));
      if (name && value >= 1) choose({ ...point, [name]: value });
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    if (Object.keys(point).length) update();
  }

  // -- folding, filtering and printing ---------------------------------------------------------------
  const unfold = byId("unfold");
  if (unfold) {
    unfold.hidden = false;
    unfold.addEventListener("click", () => {
      const folded = [...document.querySelectorAll("#layers details")];
      const open = folded.some((d) => !d.open);
      for (const d of folded) d.open = open;
      unfold.textContent = open ? "Fold all" : "Unfold all";
    });
  }
  addEventListener("beforeprint", () => {
    for (const d of document.querySelectorAll("details")) d.open = true;
  });
  const filter = byId("filter");
  if (filter) {
    filter.hidden = false;
    const apply = () => {
      const text = filter.querySelector("[type=search]").value.toLowerCase();
      const wanted = new Set([...filter.querySelectorAll(":checked")].map((box) => box.value));
      let shown = 0;
      for (const verdict of document.querySelectorAll(".verdict")) {
        const fits = wanted.has(verdict.dataset.word) && verdict.textContent.toLowerCase().includes(text);
        verdict.hidden = !fits;
        shown += fits;
      }
      byId("count").textContent = `${shown} shown`;
    };
    filter.addEventListener("input", apply);
    filter.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }
})();
