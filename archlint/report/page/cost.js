// What the model costs over one size: two curves, and the numbers at the chosen sizes.
if (data.cost) {
  const figure = byId("curves");
  const names = Object.keys(data.point);
  const together = names.includes("H") && names.includes("W");
  const label = element("label", {}, null, "over ");
  const select = element("select", { id: "over" }, label);
  for (const name of [...(together ? ["H = W"] : []), ...names]) element("option", { value: name }, select, name);
  const readout = element("p", { role: "status", "aria-live": "polite", class: "at-cursor" });
  const charts = element("div", { class: "charts" });
  figure.append(label, charts, readout);
  const [WIDE, HIGH, LEFT] = [360, 150, 56];
  const kinds = [["FLOPs", data.cost.flops, ""], ["bytes of activations, at least", data.cost.activations, "B"]];
  const short = (n, unit) => {
    if (!Number.isFinite(n)) return "–";
    const power = Math.min(Math.floor(Math.log10(Math.max(Math.abs(n), 1)) / 3), 5);
    const letter = ["", "k", "M", "G", "T", "P"][power];
    return `${(n / 1000 ** power).toPrecision(3)}${letter || unit ? " " : ""}${letter}${unit}`;
  };
  const axes = () => (select.value === "H = W" ? ["H", "W"] : [select.value]);
  const at = (value) => ({ ...point, ...Object.fromEntries(axes().map((a) => [a, value])) });
  const accepted = (sizes) => !firstMap || firstMap.zoneAt(sizes).kind === "accepted";
  let last = 1;
  function draw() {
    charts.replaceChildren();
    last = Math.max(64, ...axes().map((a) => 2 * point[a]));
    const all = [];
    for (let s = 1; s <= last; s++) if (accepted(at(s))) all.push(s);
    const step = Math.ceil(all.length / 200);
    const sizes = all.filter((_, i) => i % step === 0);
    for (const [title, node, unit] of kinds) {
      const indexes = needed([node]);
      const values = sizes.map((s) => evaluate(at(s), indexes)[node]);
      const most = Math.max(1, ...values);
      const about = `${title} over ${select.value}: ${short(values[0], unit)} to ${short(values[values.length - 1], unit)}`;
      const svg = element("svg", { viewBox: `0 0 ${LEFT + WIDE + 12} ${HIGH + 46}`, role: "img", "aria-label": about, class: "chart" });
      charts.append(svg);
      const x = (s) => LEFT + ((s - 1) / Math.max(last - 1, 1)) * WIDE;
      const y = (v) => 22 + HIGH * (1 - v / most);
      element("text", { x: LEFT, y: 12 }, svg, title);
      for (const part of [0, 0.5, 1]) {
        element("text", { x: LEFT - 6, y: y(part * most) + 4, "text-anchor": "end" }, svg, short(part * most, unit));
        element("path", { d: `M${LEFT} ${y(part * most)}h${WIDE}`, class: "rule" }, svg);
        const s = Math.round(1 + part * (last - 1));
        element("text", { x: x(s), y: HIGH + 40, "text-anchor": "middle" }, svg, s);
      }
      let d = "";
      const dots = [];
      const follows = (i) => sizes[i] - sizes[i - 1] <= step;
      values.forEach((v, i) => {
        d += `${follows(i) ? "L" : "M"}${x(sizes[i]).toFixed(1)} ${y(v).toFixed(1)}`;
        if (!follows(i) && !follows(i + 1)) dots.push([x(sizes[i]), y(v)]);
      });
      element("path", { d, class: "curve" }, svg);
      for (const [cx, cy] of dots) element("circle", { cx, cy, r: 2.5, class: "dot" }, svg);
      const here = evaluate(point, indexes)[node];
      const chosen = axes().every((a) => point[a] === point[axes()[0]]) && accepted(point);
      if (chosen) element("circle", { cx: x(point[axes()[0]]), cy: y(here), r: 5, class: "here" }, svg);
      svg.addEventListener("pointermove", (event) => {
        const px = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()).x;
        say(Math.round(1 + ((px - LEFT) / WIDE) * (last - 1)));
      });
    }
  }
  function say(value) {
    if (value < 1 || value > last) return;
    const sizes = at(value);
    const texts = kinds.map(([title, node, unit]) => `${short(evaluate(sizes, needed([node]))[node], unit)} ${title.split(" ")[0] === "FLOPs" ? "FLOPs" : "of activations"}`);
    readout.textContent = `${words(sizes)}: ${accepted(sizes) ? texts.join(", ") : "not accepted"}`;
  }
  select.addEventListener("change", draw);
  readers.push((values) => {
    for (const meter of document.querySelectorAll("meter[data-share]")) {
      const share = values[meter.dataset.share] / values[data.cost.flops];
      meter.value = Number.isFinite(share) ? share : 0;
      meter.nextSibling.textContent = Number.isFinite(share) ? ` ${(100 * share).toFixed(1)} %` : " –";
    }
    draw();
  });
}
