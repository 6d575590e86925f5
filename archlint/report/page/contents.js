// Folding, filtering and printing.
if (form && Object.keys(point).length) update();
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
  drawEdges();
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
