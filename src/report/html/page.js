"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (sel, from) => Array.from((from || document).querySelectorAll(sel));
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;

  const theme = document.getElementById("theme");
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme:dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  for (const section of all("section[data-list]")) {
    const table = section.querySelector(".t");
    const rows = all(".r:not(.h)", table).map((row, at) => ({ row, at, text: null, keys: new Map() }));
    const search = section.querySelector("input");
    const select = section.querySelector("select");
    const chips = all("[data-chip]", section);
    const shown = section.querySelector(".n");
    const unit = shown.dataset.unit;
    const everything = shown.textContent;
    let waiting = false;

    const filter = () => {
      waiting = false;
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const on = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.chip);
      const artifact = select ? select.value : "";
      let count = 0;
      for (const item of rows) {
        // Read once, and only when somebody searches: a long list opens no slower for it.
        if (words.length && item.text === null) item.text = item.row.textContent.toLowerCase();
        const yes =
          (!on.length || on.includes(item.row.dataset.k)) &&
          (!artifact || item.row.dataset.a === artifact) &&
          words.every((word) => item.text.includes(word));
        if (item.row.hidden === yes) item.row.hidden = !yes;
        if (yes) count += 1;
      }
      shown.textContent = count === rows.length ? everything : `${count} of ${rows.length} ${unit}`;
    };
    const soon = () => {
      if (!waiting) {
        waiting = true;
        requestAnimationFrame(filter);
      }
    };
    search.addEventListener("input", soon);
    if (select) select.addEventListener("change", soon);
    for (const chip of chips) {
      chip.addEventListener("click", () => {
        chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") !== "true");
        soon();
      });
    }

    const heads = all(".h [role=columnheader]", table);
    const key = (item, column) => {
      if (!item.keys.has(column)) {
        const cell = item.row.children[column];
        item.keys.set(column, cell.dataset.o === undefined ? cell.textContent.trim() : cell.dataset.o);
      }
      return item.keys.get(column);
    };
    heads.forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort");
        // What is worst or most comes first where a column counts.
        const first = head.dataset.first || "ascending";
        const then = first === "ascending" ? "descending" : "ascending";
        const now = was === null ? first : was === first ? then : null;
        for (const other of heads) other.removeAttribute("aria-sort");
        if (now) head.setAttribute("aria-sort", now);
        const sign = now === "descending" ? -1 : 1;
        rows.sort((x, y) => (now ? sign * order(key(x, column), key(y, column)) : 0) || x.at - y.at);
        const sorted = document.createDocumentFragment();
        for (const item of rows) sorted.append(item.row);
        table.append(sorted);
      });
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      const search = document.querySelector("input[type=search]");
      if (search) {
        event.preventDefault();
        search.focus();
      }
    }
  });
})();
