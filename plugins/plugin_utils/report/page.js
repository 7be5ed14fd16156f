"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const STATES = data.states, PHASES = data.phases, GLYPHS = data.glyphs;
  const CELLS = 120, PAGE = 50, CARDS = 10, JUMPS = 12, ALL = 60, SLOW = 12;
  const ROW = ["replica", "node", "model", "version", "state", "message", "wanted", "ok"];

  // Every text from outside gets into the page as a text node, and nothing as markup.
  const make = (tag, about, ...inside) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(about || {})) {
      if (key === "on") Object.entries(value).forEach(([event, act]) => node.addEventListener(event, act));
      else if (key === "at") { node.style.left = value[0] + "%"; node.style.width = value[1] + "%"; }
      else if (value !== null && value !== undefined) node.setAttribute(key, value);
    }
    node.append(...inside.filter((item) => item !== null && item !== undefined && item !== ""));
    return node;
  };
  const size = (count) => {
    let value = count || 0, unit = 0;
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
    return (unit ? value.toFixed(1) : String(value)) + " " + units[unit];
  };
  const clock = (seconds) => {
    if (seconds === null || seconds === undefined) return "";
    if (seconds < 10) return seconds.toFixed(1) + " s";
    if (seconds < 120) return Math.round(seconds) + " s";
    const minutes = Math.round(seconds / 60);
    return minutes < 120 ? minutes + " min" : Math.floor(minutes / 60) + " h " + (minutes % 60) + " min";
  };
  const many = (count, what) => count + " " + what + (count === 1 ? "" : "s");

  const clusters = data.clusters.map((item) => {
    const [name, wave, state, phase, reason, started, ended, spans, bytes, release, replicas, failures, models] = item;
    const took = started === null || ended === null ? null : Math.max(0, ended - started);
    return { name, wave, state: STATES[state], rank: state, phase, reason, started, ended, took, spans, bytes,
      release, replicas, failures, models, search: name.toLowerCase() + "\n" + reason.toLowerCase() };
  });
  const waves = data.waves;
  const waveName = (number) => {
    const wave = waves.find((item) => item.number === number);
    return wave ? "wave " + wave.number + (wave.name ? ", " + wave.name : "") : "";
  };
  const badge = (state) => make("span", { class: "state " + state }, GLYPHS[state] + " " + state);
  const show = (id, ...nodes) => {
    const section = document.getElementById(id);
    section.hidden = false;
    section.querySelector("div").replaceChildren(...nodes);
  };

  // Shows the first items, and more of them with each click.
  const paged = (items, count, render) => {
    const list = make("div"), more = make("button", { class: "more", type: "button" });
    let shown = 0;
    const next = () => {
      list.append(...items.slice(shown, shown + count).map(render));
      shown = Math.min(items.length, shown + count);
      more.hidden = shown >= items.length;
      more.textContent = "Show more (" + (items.length - shown) + " left)";
    };
    more.addEventListener("click", next);
    next();
    return [list, more];
  };

  // Failures ---------------------------------------------------------------------------------------
  const problem = (item, hint) => {
    const where = [item.replica, item.model && item.model + (item.version ? " " + item.version : "")];
    const head = [item.code, ...where].filter(Boolean).join(", ");
    return make("div", {}, head ? make("p", { class: "soft" }, head) : null,
      item.message ? make("p", {}, item.message) : null,
      item.hint && item.hint !== hint ? make("p", {}, "What to do: " + item.hint) : null,
      item.log ? make("pre", { tabindex: "0" }, item.log) : null);
  };
  const told = (failure, known) => make("div", {},
    known.includes(failure.message) ? null : make("p", { class: "why" }, failure.message),
    failure.hint && !known.includes(failure.hint) ? make("p", {}, "What to do: " + failure.hint) : null,
    ...failure.problems.map((item) => problem(item, failure.hint)),
    make("p", { class: "soft" }, (failure.phase ? "In " + failure.phase + ", task: " : "Task: ") + failure.task));
  const jump = (item) => make("button", { type: "button", "data-name": item.name }, GLYPHS[item.state] + " " + item.name);
  const jumps = (list) => {
    const row = make("div", { class: "jumps" }, ...list.slice(0, JUMPS).map(jump)), left = list.length - JUMPS;
    if (left > 0) {
      const more = make("button", { type: "button", class: "more" }, "and " + left + " more");
      more.addEventListener("click", () => more.replaceWith(...list.slice(JUMPS).map(jump)));
      row.append(more);
    }
    return row;
  };
  // Failures of one kind with the same findings and the same way out are told once, those of no kind
  // if they differ in numbers and in the name of their cluster only.
  const alike = (item) => {
    const failure = item.failures[0];
    const words = failure && failure.kind ? [failure.kind, failure.hint, ...failure.problems.map((found) => found.code || "")] : [item.reason];
    return [item.phase, ...words].join("\n").split(item.name).join("").replace(/[0-9]+/g, "0");
  };
  const failureCard = (list) => {
    const first = list[0], failure = first.failures[0];
    const counts = STATES.map((state) => [state, list.filter((item) => item.state === state).length]);
    return make("article", { class: "card failure" },
      make("h3", {}, many(list.length, "cluster") + (first.phase ? " in " + first.phase + " " : " "),
        ...counts.filter(([, count]) => count).map(([state, count]) => make("span", { class: "state " + state }, GLYPHS[state] + " " + count + " " + state + " "))),
      make("p", { class: "why" }, first.reason || "No reason is known."),
      failure ? told(failure, first.reason) : null,
      list.length > 1 ? make("p", { class: "soft" }, "The words are those of " + first.name + "; the others have the same kind of failure.") : null,
      jumps(list));
  };
  const failed = clusters.filter((item) => ["stuck", "failed", "undone", "begun"].includes(item.state));
  if (failed.length) {
    const kinds = new Map();
    failed.forEach((item) => kinds.set(alike(item), [...(kinds.get(alike(item)) || []), item]));
    const sorted = [...kinds.values()].sort((a, b) => b.length - a.length);
    show("failures", ...paged(sorted, CARDS, failureCard));
  }

  // Fleet ------------------------------------------------------------------------------------------
  const counted = (list) => {
    const counts = new Map();
    list.forEach((item) => counts.set(item.state, (counts.get(item.state) || 0) + 1));
    return STATES.filter((state) => counts.has(state)).map((state) =>
      make("span", { class: "state " + state }, GLYPHS[state] + " " + counts.get(state) + " " + state));
  };
  const cell = (item) => make("button", {
    type: "button", class: item.state, "data-name": item.name, "aria-label": item.name + ": " + item.state,
    title: item.name + ": " + item.state + (item.phase ? " (" + item.phase + ")" : ""),
  }, GLYPHS[item.state]);
  const cells = (list) => {
    const grid = make("div", { class: "cells" });
    grid.append(...list.slice(0, CELLS).map(cell));
    const rest = list.length - CELLS;
    if (rest <= 0) return [grid];
    const all = make("button", { type: "button", class: "more" }, "Show " + rest + " more");
    all.addEventListener("click", () => { grid.append(...list.slice(CELLS).map(cell)); all.remove(); });
    return [grid, all];
  };
  const VERDICTS = { go_on: "\u2713 passed", stop: "\u25a0 stopped the rollout", "": "no verdict" };
  const waveCard = (title, wave, list) => {
    const facts = [many(list.length, "cluster")];
    if (wave) {
      facts.push(VERDICTS[wave.verdict] || wave.verdict);
      if (wave.max_failures !== null) facts.push(many(wave.max_failures, "failure") + " allowed in the wave");
      if (wave.spent !== null && wave.allowed !== null) facts.push("fleet: " + wave.spent + " of " + many(wave.allowed, "failure") + " spent");
      if (wave.soak) facts.push("soak " + clock(wave.soak));
    }
    return make("article", { class: "card" }, make("h3", {}, title), make("p", { class: "soft" }, facts.join(" \u00b7 ")),
      make("div", { class: "counts" }, ...counted(list)), ...cells(list));
  };
  const groups = waves.map((wave) => [waveName(wave.number), wave, clusters.filter((item) => item.wave === wave.number)]);
  const rest = clusters.filter((item) => !waves.some((wave) => wave.number === item.wave));
  if (rest.length) groups.push([waves.length ? "outside the waves" : "all clusters", null, rest]);
  if (clusters.length) {
    show("map", make("p", { class: "soft" }, "One square is one cluster, those that need somebody first. Press one to see more."),
      ...groups.map((group) => waveCard(...group)));
  }
  document.querySelector("main").addEventListener("click", (event) => {
    const name = event.target.getAttribute("data-name");
    if (name !== null) reveal(name);
  });

  // Timeline ---------------------------------------------------------------------------------------
  const scale = (from, to, begin, length) => [100 * (from - begin) / length, Math.max(0, 100 * (to - from) / length)];
  const segments = (item, begin, length) => item.spans.map(([phase, from, to, bad]) => {
    const end = to === null ? data.seconds : to, wide = scale(from, end, begin, length);
    const label = PHASES[phase] + " " + clock(end - from) + (bad ? ", failed" : "");
    return make("span", { class: PHASES[phase] + (bad ? " broken" : ""), at: wide, title: label },
      bad ? "\u2717" + (wide[1] > 8 ? " " + PHASES[phase].slice(0, 2) : "") : wide[1] > 4 ? PHASES[phase].slice(0, 2) : "");
  });
  const track = (...inside) => make("div", { class: "track" }, ...inside);
  const row = (kind, name, bar, time) => make("div", { class: "row " + kind }, make("span", { class: "name", title: name }, name), bar,
    make("span", { class: "time" }, time));
  const axis = (length) => make("div", { class: "row" }, make("span", { class: "gap" }), make("div", { class: "axis" },
    ...[0, 0.25, 0.5, 0.75, 1].map((share) => make("span", {}, clock(share * length)))), make("span", { class: "gap" }));
  const whole = Math.max(data.seconds, 0.001);
  const waveRow = (title, wave, list) => {
    const times = list.flatMap((item) => [item.started, item.ended]).concat(wave ? [wave.started, wave.ended] : []).filter((value) => value !== null);
    if (!times.length) return row("wave", title, track(), "not begun");
    const from = times.reduce((a, b) => Math.min(a, b)), open = list.some((item) => item.state === "begun");
    const to = open ? data.seconds : times.reduce((a, b) => Math.max(a, b));
    return row("wave", title, track(make("span", { class: "whole", at: scale(from, to, 0, whole), title: clock(to - from) })), clock(to - from));
  };
  const busy = clusters.filter((item) => item.spans.length);
  const began = (item) => item.spans[0][1];
  if (busy.length) {
    const used = PHASES.filter((_phase, number) => busy.some((item) => item.spans.some((span) => span[0] === number)));
    const legend = make("p", { class: "legend" }, ...used.map((phase) => make("span", {}, make("i", { class: phase }), phase.slice(0, 2) + " " + phase)),
      make("span", {}, "\u2717 failed"));
    if (busy.length <= ALL) {
      const rows = groups.flatMap(([title, wave, list]) => [waveRow(title, wave, list), ...list.filter((item) => item.spans.length)
        .sort((a, b) => began(a) - began(b)).map((item) => row("", item.name, track(...segments(item, 0, whole)), clock(item.took)))]);
      show("timeline", legend, axis(whole), ...rows);
    } else {
      const took = (item) => Math.max(...item.spans.map((span) => (span[2] === null ? data.seconds : span[2]))) - began(item);
      const slow = busy.slice().sort((a, b) => took(b) - took(a)).slice(0, SLOW), length = Math.max(took(slow[0]), 0.001);
      show("timeline", axis(whole), ...groups.map((group) => waveRow(...group)),
        make("h3", {}, "The " + SLOW + " slowest clusters, each from its own begin"), legend, axis(length),
        ...slow.map((item) => row("", item.name, track(...segments(item, began(item), length)), clock(took(item)))));
    }
  }

  // Bytes ------------------------------------------------------------------------------------------
  const KINDS = { total: "of the chosen models on all targets", planned: "to be sent, as planned", sent: "sent by the controller",
    reused: "were there already", linked: "linked or shared on the store", resumed: "left by an earlier run",
    from_peers: "fetched from other nodes", pulled: "pulled from an object store or web server" };
  const told_bytes = Object.entries(KINDS).filter(([kind]) => data.bytes[kind]);
  if (told_bytes.length) {
    const rows = told_bytes.map(([kind, words]) => make("tr", {}, make("td", {}, words), make("td", { class: "number" }, size(data.bytes[kind]))));
    const rate = data.copying > 0 && data.bytes.sent ? make("p", {}, size(data.bytes.sent / data.copying) + "/s sent while clusters were copying (" + clock(data.copying) + ").") : null;
    show("bytes", make("table", {}, make("tbody", {}, ...rows)), rate || make("span"));
  }

  // Clusters ---------------------------------------------------------------------------------------
  const replicaTable = (item) => {
    const head = ["replica", "node", "model", "version", "state"];
    const body = item.replicas.map((values) => {
      const found = Object.fromEntries(ROW.map((key, number) => [key, values[number]]));
      const words = (found.ok ? "\u2713 " : "\u2717 ") + found.state + (found.message ? ": " + found.message : "") + (found.wanted ? "" : " (not wanted)");
      return make("tr", {}, make("td", {}, found.replica), make("td", {}, found.node), make("td", {}, found.model),
        make("td", {}, found.version === null ? "" : String(found.version)), make("td", { class: "state " + (found.ok ? "done" : "failed") }, words));
    });
    return make("div", { class: "scroll", tabindex: "0" }, make("table", {},
      make("thead", {}, make("tr", {}, ...head.map((word) => make("th", { scope: "col" }, word)))), make("tbody", {}, ...body)));
  };
  const length = (item) => Math.max(0.001, ...item.spans.map((span) => (span[2] === null ? data.seconds : span[2]) - item.spans[0][1]));
  const inside = (item) => {
    const nodes = [];
    if (item.reason) nodes.push(make("p", {}, item.reason));
    if (item.spans.length) {
      nodes.push(make("h3", {}, "Phases"), track(...segments(item, item.spans[0][1], length(item))), make("p", {}, item.spans.map(([phase, from, to, bad]) =>
        PHASES[phase] + " " + clock((to === null ? data.seconds : to) - from) + (bad ? " (failed)" : "")).join(" \u00b7 ")));
    }
    const moved = Object.entries(KINDS).filter(([kind]) => item.bytes[kind]).map(([kind, words]) => size(item.bytes[kind]) + " " + words);
    if (moved.length) nodes.push(make("h3", {}, "Bytes"), make("p", {}, moved.join(" \u00b7 ")));
    if (item.release) {
      const words = ["release " + item.release.number, item.release.verdict, item.release.restores ? "restores " + item.release.restores : "", item.release.reason];
      nodes.push(make("h3", {}, "Release"), make("p", {}, words.filter(Boolean).join(", ")));
    }
    if (item.replicas.length) nodes.push(make("h3", {}, "Replicas"), replicaTable(item));
    const digests = Object.entries(item.models).flatMap(([model, versions]) => Object.entries(versions).map(([version, digest]) => model + " " + version + " " + digest));
    if (digests.length) nodes.push(make("h3", {}, "Models"), make("pre", { tabindex: "0" }, digests.join("\n")));
    if (item.failures.length) nodes.push(make("h3", {}, "Failures"), ...item.failures.map((failure) => told(failure, item.reason)));
    return make("div", { class: "inside" }, ...(nodes.length ? nodes : [make("p", { class: "soft" }, "Nothing was done on this cluster.")]));
  };
  const line = (item) => {
    const node = make("details", { class: "cluster" }, make("summary", {},
      make("span", { class: "name" }, item.name), make("span", { class: "wave" }, waveName(item.wave)), badge(item.state),
      make("span", { class: "why" }, item.reason || item.phase), make("span", { class: "number time" }, clock(item.took)),
      make("span", { class: "number sent" }, item.bytes.sent === undefined ? "" : size(item.bytes.sent))));
    node.addEventListener("toggle", () => { if (node.open && node.childElementCount === 1) node.append(inside(item)); });
    return node;
  };
  const search = make("input", { type: "search", placeholder: "Name or reason", "aria-label": "Search names and reasons" });
  const choice = (label, options) => make("select", { "aria-label": label }, ...options.map(([value, words]) => make("option", { value }, words)));
  const states = choice("State", [["", "all states"], ...STATES.filter((state) => clusters.some((item) => item.state === state)).map((state) => [state, GLYPHS[state] + " " + state])]);
  const chosen = choice("Wave", [["", "all waves"], ...waves.map((wave) => [String(wave.number), waveName(wave.number)])]);
  const order = choice("Order", [["state", "failures first"], ["name", "by name"], ["slow", "slowest first"], ["bytes", "most bytes first"]]);
  const compare = (a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
  const ORDERS = {
    state: (a, b) => a.rank - b.rank || compare(a, b), name: compare,
    slow: (a, b) => (b.took || 0) - (a.took || 0) || compare(a, b),
    bytes: (a, b) => (b.bytes.sent || 0) - (a.bytes.sent || 0) || compare(a, b),
  };
  const result = make("p", { class: "soft", role: "status" }), list = make("div");
  const filter = () => {
    const words = search.value.toLowerCase().trim();
    const found = clusters.filter((item) => (!words || item.search.includes(words)) && (!states.value || item.state === states.value) &&
      (!chosen.value || String(item.wave) === chosen.value)).sort(ORDERS[order.value]);
    result.textContent = found.length === clusters.length ? many(found.length, "cluster") : found.length + " of " + many(clusters.length, "cluster");
    list.replaceChildren(...paged(found, PAGE, line));
  };
  const reveal = (name) => {
    search.value = name; states.value = ""; chosen.value = "";
    filter();
    const found = [...list.querySelectorAll("details")].find((node) => node.querySelector(".name").textContent === name);
    if (found) { found.open = true; found.querySelector("summary").focus(); found.scrollIntoView({ block: "center" }); }
  };
  let pending = 0;
  search.addEventListener("input", () => { clearTimeout(pending); pending = setTimeout(filter, 120); });
  [states, chosen, order].forEach((node) => node.addEventListener("change", filter));
  filter();
  if (waves.length < 2) chosen.hidden = true;
  show("clusters", make("div", { class: "tools" }, search, states, chosen, order), result,
    make("div", { class: "head" }, ...["cluster", "wave", "state", "why, or last phase"].map((word) => make("span", {}, word)),
      ...["time", "sent"].map((word) => make("span", { class: "number" }, word))), list);
})();
