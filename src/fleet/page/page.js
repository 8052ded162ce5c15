"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const byId = (id) => document.getElementById(id);
  const theme = byId("theme");
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme:dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  const data = JSON.parse(byId("data").textContent);
  const texts = data.texts;
  const text = (at) => (at < 0 ? "" : texts[at]);
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;
  // The worst kind first; a hundred low ones do not outweigh one high.
  const worse = (x, y) => {
    for (let i = 0; i < x.length; i += 1) if (x[i] !== y[i]) return y[i] - x[i];
    return 0;
  };

  // Text from anywhere reaches the document here, as text.
  const element = (tag, className, content) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (content !== undefined) made.textContent = content;
    return made;
  };

  const unpack = (differences) => {
    let at = 0;
    return differences.map((difference) => (at += difference));
  };
  const functions = data.functions.map((f, at) => ({
    at, name: f[0], source: text(f[1]), runtime: text(f[2]), owner: text(f[3]), artifact: data.artifacts[f[4]],
    changed: f[5], open: f[6], flaws: f[7], stale: f[8] === 1, failed: text(f[9]), tags: f[10], words: null,
  }));
  for (const f of functions) {
    f.size = f.artifact ? f.artifact[0] : 0;
    f.gaps = f.artifact ? f.artifact[2].length : 0;
    f.blind = f.artifact ? f.artifact[2].some((gap) => gap[0] === 1) : false;
  }
  const components = data.components.map((c, at) => ({
    at, ecosystem: text(c[0]), name: c[1], version: c[2], functions: c[3], open: c[4], words: null,
  }));
  const flaws = data.flaws.map((f, at) => ({
    component: components[f[0]], rule: text(f[1]), advisory: f[2], aliases: f[3], fixed: f[4], message: f[5], exploited: f[6],
    kind: data.severities[at],
  }));
  const versioned = (c) => (c.version ? `${c.name} ${c.version}` : c.name);
  const wordsOfFunction = (f) => {
    if (f.words === null) {
      const found = f.flaws.map((at) => {
        const flaw = flaws[at];
        return `${flaw.advisory} ${flaw.aliases.join(" ")} ${flaw.component ? flaw.component.name : ""} ${flaw.rule}`;
      });
      f.words = [f.name, f.source, f.runtime, f.owner, f.tags.join(" "), f.failed, found.join(" ")].join("\n").toLowerCase();
    }
    return f.words;
  };
  const wordsOfComponent = (c) => (c.words === null ? (c.words = `${c.name}@${c.version} ${c.name} ${c.version} ${c.ecosystem}`.toLowerCase()) : c.words);

  const dots = (open) => {
    const cell = element("div", "dots");
    open.forEach((n, at) => {
      if (n && (at < 5 || open.every((m, i) => i === 5 || !m))) {
        const dot = element("b", data.kinds[at], String(n));
        dot.title = data.kinds[at];
        cell.append(dot);
      }
    });
    return cell;
  };

  // A list of which only the rows in sight are in the document.
  const table = (id, items, settings) => {
    const section = byId(id);
    const view = section.querySelector(".window");
    const all = section.querySelector(".all");
    const search = section.querySelector("input");
    const shown = section.querySelector(".n");
    const chips = Array.from(section.querySelectorAll("[data-chip]"));
    const heads = Array.from(section.querySelectorAll("[data-key]"));
    const narrow = matchMedia("(max-width:58rem)");
    const rows = new Map();
    let list = items;
    let extra = null;
    let sorting = null;
    let waiting = false;
    let printing = false;

    const height = () => (narrow.matches ? 74 : 38);
    const draw = () => {
      const each = height();
      const from = printing ? 0 : Math.max(0, Math.floor(view.scrollTop / each) - 6);
      const to = printing ? Math.min(list.length, 2000) : Math.min(list.length, Math.ceil((view.scrollTop + view.clientHeight) / each) + 6);
      for (const [at, row] of rows) {
        if (at < from || at >= to) {
          row.remove();
          rows.delete(at);
        }
      }
      for (let at = from; at < to; at += 1) {
        if (rows.has(at)) continue;
        const row = element("div", `r ${id}-row`);
        row.setAttribute("role", "row");
        row.setAttribute("aria-rowindex", String(at + 2));
        row.tabIndex = -1;
        row.style.top = `${at * each}px`;
        for (const cell of settings.cells(list[at])) {
          cell.setAttribute("role", "cell");
          row.append(cell);
        }
        row.addEventListener("click", () => settings.open(list[at]));
        row.addEventListener("keydown", (event) => {
          if (event.key === "Enter") settings.open(list[at]);
        });
        rows.set(at, row);
        all.append(row);
      }
    };
    const redraw = () => {
      for (const row of rows.values()) row.remove();
      rows.clear();
      all.style.height = `${list.length * height()}px`;
      view.scrollTop = 0;
      draw();
    };
    const filter = () => {
      waiting = false;
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const on = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.chip);
      list = items.filter((item) => {
        if (on.length && !on.some((chip) => settings.chip(item, chip))) return false;
        if (extra && !extra.test(item)) return false;
        if (!words.length) return true;
        const hay = settings.words(item);
        return words.every((word) => hay.includes(word));
      });
      if (sorting) {
        const sign = sorting.down ? -1 : 1;
        const compare = settings.keys[sorting.key];
        list.sort((x, y) => sign * compare(x, y) || x.at - y.at);
      }
      const counted = list.length === items.length ? items.length.toLocaleString("en") : `${list.length.toLocaleString("en")} of ${items.length.toLocaleString("en")}`;
      shown.textContent = extra ? `${counted} ${extra.said}` : counted;
      view.parentElement.setAttribute("aria-rowcount", String(list.length + 1));
      redraw();
    };
    const soon = () => {
      if (!waiting) {
        waiting = true;
        requestAnimationFrame(filter);
      }
    };
    search.addEventListener("input", soon);
    for (const chip of chips) {
      chip.addEventListener("click", () => {
        chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
        soon();
      });
    }
    for (const head of heads) {
      head.addEventListener("click", () => {
        const key = head.dataset.key;
        // Numbers begin at their greatest.
        const first = settings.most.includes(key);
        if (!sorting || sorting.key !== key) sorting = { key, down: false, first: true };
        else if (sorting.first) sorting = { key, down: true, first: false };
        else sorting = null;
        for (const other of heads) other.parentElement.removeAttribute("aria-sort");
        if (sorting) head.parentElement.setAttribute("aria-sort", sorting.down !== first ? "descending" : "ascending");
        soon();
      });
    }
    let drawing = false;
    view.addEventListener("scroll", () => {
      if (!drawing) {
        drawing = true;
        requestAnimationFrame(() => {
          drawing = false;
          draw();
        });
      }
    }, { passive: true });
    view.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || !list.length) return;
      event.preventDefault();
      const focused = Array.from(rows).find(([, row]) => row === document.activeElement);
      const to = Math.min(list.length - 1, Math.max(0, (focused ? focused[0] : -1) + step));
      const each = height();
      if (to * each < view.scrollTop) view.scrollTop = to * each;
      if ((to + 1) * each > view.scrollTop + view.clientHeight) view.scrollTop = (to + 1) * each - view.clientHeight;
      draw();
      rows.get(to).focus();
    });
    narrow.addEventListener("change", redraw);
    addEventListener("resize", () => requestAnimationFrame(draw));
    addEventListener("beforeprint", () => {
      printing = true;
      redraw();
    });
    addEventListener("afterprint", () => {
      printing = false;
      redraw();
    });
    filter();
    return {
      only: (test, said) => {
        extra = test ? { test, said } : null;
        search.value = "";
        for (const chip of chips) chip.setAttribute("aria-pressed", "false");
        filter();
        section.scrollIntoView();
      },
    };
  };

  const dialog = byId("detail");
  const detail = dialog.querySelector("div");
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  const show = (title, parts) => {
    detail.replaceChildren(element("h2", "", title), ...parts.filter(Boolean));
    dialog.showModal();
    dialog.scrollTop = 0;
  };
  const facts = (pairs) => {
    const list = element("dl");
    for (const [name, value] of pairs) if (value) list.append(element("dt", "", name), element("dd", "", value));
    return list;
  };
  const listing = (title, items, make, className) => {
    if (!items.length) return null;
    const part = element("div");
    const list = element("ul", className);
    for (const item of items.slice(0, 1000)) list.append(make(item));
    part.append(element("h3", "", `${title} (${items.length.toLocaleString("en")})`), list);
    return part;
  };
  const flawItem = (flaw) => {
    const item = element("li");
    const head = element("div");
    head.append(element("span", `s ${data.kinds[flaw.kind]}`, data.kinds[flaw.kind]), " ");
    head.append(element("span", "k", flaw.component ? versioned(flaw.component) : flaw.rule), " ");
    head.append(element("small", "m", [flaw.advisory, ...flaw.aliases].filter(Boolean).join(" ")));
    item.append(head, element("div", "", flaw.message));
    const more = [flaw.exploited ? `known to be exploited since ${flaw.exploited}` : "", flaw.fixed.length ? `fixed in ${flaw.fixed.join(", ")}` : ""];
    item.append(element("small", "", more.filter(Boolean).join("; ")));
    return item;
  };

  let functionTable = null;
  const openFunction = (f) => {
    const found = f.flaws.map((at) => flaws[at]).sort((x, y) => x.kind - y.kind);
    const ships = f.artifact ? unpack(f.artifact[1]).map((at) => components[at]).sort((x, y) => order(x.name, y.name)) : [];
    show(f.name, [
      facts([["source", f.source], ["runtime", f.runtime], ["owner", f.owner], ["changed", f.changed], ["tags", f.tags.join(", ")], ["not read", f.failed]]),
      listing("Findings", found, flawItem),
      listing("Gaps", f.artifact ? f.artifact[2] : [], (gap) => {
        const item = element("li");
        item.append(element("span", gap[0] ? "s blind" : "s partial", gap[0] ? "blind" : "partial"), " ", element("code", "", text(gap[1])), " ", text(gap[2]));
        return item;
      }),
      listing("Packages", ships, (c) => element("li", "m", versioned(c)), "names"),
    ]);
  };
  const openComponent = (c) => {
    if (!data.who) {
      show(versioned(c), [element("p", "", `${c.functions} functions. This page does not carry which: there are too many. Ask: plimsoll inventory find`)]);
      return;
    }
    const has = new Set();
    data.artifacts.forEach((artifact, at) => {
      if (unpack(artifact[1]).includes(c.at)) has.add(data.artifacts[at]);
    });
    functionTable.only((f) => has.has(f.artifact), `that ship ${versioned(c)} (Escape: all)`);
  };

  const by = (key) => (x, y) => order(String(x[key]), String(y[key]));
  const most = (key) => (x, y) => y[key] - x[key];
  functionTable = table("functions", functions, {
    words: wordsOfFunction,
    most: ["open", "size", "gaps"],
    keys: { name: by("name"), open: (x, y) => worse(x.open, y.open), size: most("size"), gaps: most("gaps"), runtime: by("runtime"), owner: by("owner"), changed: by("changed") },
    chip: (f, chip) => {
      const kind = data.kinds.indexOf(chip);
      if (kind >= 0) return f.open[kind] > 0;
      return { gap: f.gaps > 0, blind: f.blind, failed: f.failed !== "", stale: f.stale }[chip] === true;
    },
    cells: (f) => {
      const name = element("div", "k wide", f.name);
      name.title = f.name;
      if (f.failed) name.append(element("small", "flag", "not read"));
      if (f.stale) name.append(element("small", "", "stale"));
      const gaps = element("div", f.blind ? "num flag off" : "num off", f.gaps ? String(f.gaps) : "");
      return [name, dots(f.open), element("div", "num off", f.size ? String(f.size) : ""), gaps, element("div", "m off", f.runtime), element("div", "", f.owner), element("div", "num off", f.changed)];
    },
    open: openFunction,
  });
  table("components", components, {
    words: wordsOfComponent,
    most: ["functions", "open"],
    keys: { name: by("name"), version: by("version"), ecosystem: by("ecosystem"), functions: most("functions"), open: (x, y) => worse(x.open, y.open) },
    chip: (c, chip) => (chip === "flawed" ? c.open.some((n) => n > 0) : c.ecosystem === chip),
    cells: (c) => {
      const name = element("div", "k wide", c.name);
      name.title = c.name;
      return [name, element("div", "v", c.version), element("div", "off", c.ecosystem), element("div", "num", c.functions.toLocaleString("en")), dots(c.open)];
    },
    open: openComponent,
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !dialog.open) functionTable.only(null);
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      document.querySelector("input[type=search]").focus();
    }
  });

  // Served live: asks the server that it came from, and no other.
  if (root.dataset.state) {
    const news = byId("news");
    news.addEventListener("click", () => location.reload());
    setInterval(() => {
      fetch("state.json", { cache: "no-store" })
        .then((answer) => (answer.ok ? answer.json() : null))
        .then((state) => {
          if (state && state.state !== root.dataset.state) news.hidden = false;
        })
        .catch(() => {});
    }, 30000);
  }
})();
