"use strict";
// Search, filters and order. Everything is readable without this script; it adds what needs one.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const by = (id) => document.getElementById(id);
  const fold = (text) => text.normalize("NFKC").toLowerCase();

  for (const form of all(".toolbar")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  // Findings: a word in their text, their severity, their check, a source on either side.
  const findings = all(".finding").map((node) => ({ node, text: fold(node.textContent), ...node.dataset }));
  const fill = (select, values) => {
    for (const value of [...new Set(values)].sort()) {
      const option = document.createElement("option");
      option.value = option.textContent = value;
      select.append(option);
    }
  };
  const filters = by("filters");
  const filter = () => {
    const words = fold(by("search").value).split(/\s+/).filter(Boolean);
    const levels = new Set(all("input[type=checkbox]:checked", filters).map((box) => box.value));
    const check = by("by-check").value, source = by("by-source").value;
    let shown = 0;
    for (const each of findings) {
      const fits = levels.has(each.severity) && (!check || each.check === check)
        && (!source || each.source === source || each.other === source)
        && words.every((word) => each.text.includes(word));
      each.node.hidden = !fits;
      shown += fits;
    }
    by("count").textContent = shown === findings.length ? "" : `${shown} of ${findings.length} shown`;
  };
  if (filters) {
    fill(by("by-check"), findings.map((each) => each.check));
    fill(by("by-source"), findings.flatMap((each) => [each.source, each.other].filter(Boolean)));
    filters.addEventListener("input", filter);
  }

  // Sources: a word in their text, and another order.
  const list = by("sources-list");
  if (list) {
    const sources = all(".source", list).map((node) => ({ node, text: fold(node.textContent), ...node.dataset }));
    const search = by("search-sources"), sort = by("sort");
    search.addEventListener("input", () => {
      const words = fold(search.value).split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const each of sources) {
        const fits = words.every((word) => each.text.includes(word));
        each.node.hidden = !fits;
        shown += fits;
      }
      by("count-sources").textContent = shown === sources.length ? "" : `${shown} of ${sources.length} shown`;
    });
    sort.addEventListener("input", () => {
      const key = sort.value;
      const first = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
      sources.sort((a, b) => (key === "name" ? 0 : Number(b[key]) - Number(a[key])) || first(a, b));
      list.append(...sources.map((each) => each.node));
    });
  }

  // A link to a finding shows it, whatever was filtered.
  const arrive = () => {
    const node = location.hash.length > 1 && by(decodeURIComponent(location.hash.slice(1)));
    if (!node) return;
    if (node.hidden && filters) {
      filters.reset();
      filter();
    }
    const details = node.matches(".finding") && node.querySelector("details");
    if (details) details.open = true;
    node.scrollIntoView();
  };
  addEventListener("hashchange", arrive);
  arrive();

  // On paper everything is open: what is printed must not hide its limits.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
  });
})();
