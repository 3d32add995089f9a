// The screen: takes moments as they come, keeps what the viewer has chosen, draws panels.
// Nothing here sends anything but questions; texts of the engine become text nodes and no markup.
"use strict";

const screen_ = (() => {
  const STALE_MS = 1000, LIST_KEYS = 9, MOST_DRIFT = 1e-4;
  const node = (id) => document.getElementById(id);
  const kept = (key, fallback) => { try { return localStorage.getItem(key) || fallback; } catch { return fallback; } };
  const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private mode */ } };

  const chosen = {
    lang: kept("xmc.lang", ""), theme: kept("xmc.theme", ""), colours: kept("xmc.colours", ""),
    pair: null, find: "", from: 0, only: false, held: false,
  };
  let words = null, moment = null, heardAt = 0, lagAt = 0, leastLag = Infinity, source = null, problem = "", waiting = false;

  /* Words. */
  // An empty word is one: where a market nets, nothing is said of it.
  const word = (kind, code) => {
    const known = words && words[chosen.lang][kind];
    return known && code in known ? known[code] : code;
  };
  const label = (name) => word("label", name);

  /* Elements: `h` describes one, `draw` makes the children of a node what was described. */
  const h = (tag, cls, children, extra) => ({ tag, cls: cls || "", children, extra: extra || {} });
  function apply(element, told) {
    if (element.className !== told.cls) element.className = told.cls;
    const { at, share, on, ...attributes } = told.extra;
    for (const [name, value] of [["--at", at], ["--share", share]]) {
      if (value !== undefined) element.style.setProperty(name, String(value));
    }
    if (on) element.onpick = on;
    for (const [name, value] of Object.entries(attributes)) {
      if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
    }
    if (Array.isArray(told.children)) draw(element, told.children);
    else {
      const text = told.children === undefined || told.children === null ? "" : String(told.children);
      if (element.children.length || element.textContent !== text) element.textContent = text;
    }
  }
  function draw(parent, list) {
    const told = list.filter((one) => one !== null && one !== undefined && one !== false);
    while (parent.childNodes.length > told.length) parent.lastChild.remove();
    told.forEach((one, place) => {
      let there = parent.childNodes[place];
      if (typeof one !== "object") {
        if (!there || there.nodeType !== 3) {
          const text = document.createTextNode(String(one));
          if (there) there.replaceWith(text); else parent.append(text);
        } else if (there.data !== String(one)) there.data = String(one);
        return;
      }
      if (!there || there.nodeType !== 1 || there.localName !== one.tag) {
        const made = document.createElement(one.tag);
        if (there) there.replaceWith(made); else parent.append(made);
        there = made;
      }
      apply(there, one);
    });
  }

  /* Numbers: decimal text of the engine with separators, signs and units. */
  const number = {
    group(text) {
      if (text === null || text === undefined) return "-";
      const [whole, part] = String(text).split(".");
      const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",").replace("-", "\u2212");
      return part === undefined ? grouped : `${grouped}.${part}`;
    },
    signed(text) {
      if (text === null || text === undefined) return "-";
      return (Number(text) > 0 ? "+" : "") + number.group(text);
    },
    direction: (value) => (Number(value) > 0 ? "up" : Number(value) < 0 ? "down" : ""),
    span(ns) {
      if (ns === null || ns === undefined) return "-";
      const units = [[1e9, "s"], [1e6, "ms"], [1e3, "\u00b5s"]];
      const found = units.find(([unit]) => ns >= unit);
      if (!found) return `${ns} ns`;
      const value = ns / found[0];
      const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
      return `${number.group(value.toFixed(digits))} ${found[1]}`;
    },
    clock(seconds) {
      const tenths = Math.floor(seconds * 10), two = (value) => String(value).padStart(2, "0");
      return `${two(Math.floor(tenths / 600))}:${two(Math.floor(tenths / 10) % 60)}.${tenths % 10}`;
    },
    compact: (count) => (count < 1e4 ? number.group(count) : count < 1e7 ? `${(count / 1e3).toFixed(1)}k` : `${(count / 1e6).toFixed(1)}M`),
    bytes(count) {
      const units = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]];
      const found = units.find(([unit]) => count >= unit);
      return found ? `${(count / found[0]).toFixed(1)} ${found[1]}` : `${count} B`;
    },
  };

  /* What the viewer has chosen. */
  function dress() {
    const root = document.documentElement;
    root.lang = chosen.lang === "zh" ? "zh-CN" : "en";
    root.dataset.theme = chosen.theme;
    root.dataset.colours = chosen.colours;
    document.querySelectorAll("[data-word]").forEach((one) => { one.textContent = label(one.dataset.word); });
    document.title = label("Product");
    node("language").textContent = chosen.lang === "zh" ? "English" : "\u4e2d\u6587";
    node("colours").textContent = label(chosen.colours === "cn" ? "RedUp" : "GreenUp");
    node("theme").textContent = label(chosen.theme === "dark" ? "Dark" : "Bright");
    node("find").placeholder = label("Find");
    node("find").setAttribute("aria-label", label("Find"));
    node("rows").setAttribute("aria-label", label("Pairs"));
    node("log").setAttribute("aria-label", label("Happenings"));
    for (const id of ["language", "colours", "theme"]) {
      node(id).title = label({ language: "Language", colours: "Colours", theme: "Theme" }[id]);
    }
    panels.dressed();
    dialogs.dressed();
  }
  const turn = {
    language() {
      chosen.lang = chosen.lang === "zh" ? "en" : "zh";
      keep("xmc.lang", chosen.lang);
      if (!kept("xmc.colours", "")) chosen.colours = chosen.lang === "zh" ? "cn" : "intl";
      refresh();
    },
    colours() { chosen.colours = chosen.colours === "cn" ? "intl" : "cn"; keep("xmc.colours", chosen.colours); refresh(); },
    theme() { chosen.theme = chosen.theme === "dark" ? "light" : "dark"; keep("xmc.theme", chosen.theme); refresh(); },
  };
  function refresh() { dress(); if (moment) paint(); }

  /* The header and the list. */
  function paintTop() {
    const states = { NORMAL: "", SINGLE_FEED: "warn", NO_NEW: "warn" };
    const safe = node("safe"), severity = states[moment.state];
    safe.className = severity === undefined ? "bad" : severity;
    safe.textContent = word("safe", moment.state);
    node("paper").hidden = !moment.is_paper;
    const totals = moment.totals;
    const figure = (name, value, cls) =>
      h("div", cls || "", [h("dt", "", label(name)), h("dd", value && value[0] === "!" ? "warn" : "", value.replace("!", ""))]);
    const bad = (count) => (count ? "!" : "") + number.group(count);
    draw(node("totals"), [
      figure("Running", number.clock(moment.running_ns / 1e9)),
      figure("Fires", number.group(totals.fires)),
      figure("RoundTrips", number.group(totals.round_trips)),
      figure("Orders", number.group(totals.orders), "wide extra"),
      figure("Live", number.group(moment.live_orders), "wide"),
      figure("Fills", number.group(totals.fills)),
      figure("Rejects", bad(totals.rejects)),
      figure("Broken", bad(totals.broken), "wide"),
      figure("Refused", number.group(totals.refusals), "wide extra"),
    ]);
    const exposed = moment.pairs.exposed, banner = node("exposed"), pair = moment.pair;
    banner.hidden = !exposed;
    if (exposed) {
      const shown = pair && pair.exposed ? panels.exposure(pair) : "";
      banner.textContent = `! ${label("Unhedged")}  ${exposed} ${label("Pairs")}  ${shown}`;
    }
  }
  const stateTag = (state) => (state === "enabled" ? "tag" : state === "halted" ? "tag bad" : "tag warn");
  function paintList() {
    const { pairs } = moment;
    node("count").textContent = pairs.found === pairs.total ? number.group(pairs.total)
      : `${number.group(pairs.found)} / ${number.group(pairs.total)}`;
    node("search").hidden = pairs.total <= LIST_KEYS && !chosen.find;
    node("previous").disabled = pairs.from === 0;
    node("next").disabled = pairs.from + pairs.rows.length >= pairs.found;
    const shown = moment.pair ? moment.pair.row : null;
    // One of them is reached by the tab key, from there the arrows lead on.
    const shownAway = !pairs.rows.some((row) => row.row === shown);
    const rows = pairs.rows.map((row, place) => h("div", `row${row.exposed ? " exposed" : ""}`, [
      h("div", "name", [
        place < LIST_KEYS ? h("kbd", "", place + 1) : null, h("span", "", row.name),
        row.state === "enabled" ? null : h("span", stateTag(row.state), word("pair", row.state)),
        row.exposed ? h("span", "tag orange", `! ${label("Unhedged")}`) : row.in_flight ? h("span", "tag", label("InFlight")) : null,
      ]),
      h("div", "total", [h("span", number.direction(row.total), number.signed(row.total)), " ", h("small", "", row.currency)]),
      h("div", "parts", [
        h("span", "", [`${label("Position")} `, h("b", number.direction(row.units), number.signed(row.units)), ` ${label("Units")}`]),
        h("span", "", [`${label("ChartSells")} `, h("b", "", number.group(row.sell))]),
        h("span", "", [`${label("ChartBuys")} `, h("b", "", number.group(row.buy))]),
      ]),
      h("div", "parts legs", row.legs.map((leg) => h("span", leg.unhedged_lots && row.exposed ? "orange" : "", [
        `${leg.name} `, h("span", number.direction(leg.made), number.signed(leg.made)), ` ${leg.currency}`,
        leg.unhedged_lots && row.exposed ? ` (${number.signed(leg.unhedged_lots)} ${label("Lots")})` : "",
      ]))),
    ], { role: "option", "aria-selected": String(row.row === shown), tabindex: row.row === shown || (shownAway && !place) ? "0" : "-1", on: () => choose(row.row) }));
    draw(node("rows"), rows.length ? rows : [h("p", "none", label(pairs.total ? "NothingFound" : "NoPair"))]);
  }

  /* Moments. */
  function paint() {
    waiting = false;
    paintTop();
    paintList();
    panels.paint(moment, chosen);
    watchAge();
  }
  function heard(event) {
    moment = JSON.parse(event.data);
    // What waited on the way here is not in its age: it shows beside the quickest one so far.
    // Two clocks run apart by some millionths: over hours that is no lag.
    const now = performance.now(), lag = now - moment.running_ns / 1e6;
    leastLag = Math.min(leastLag + (lagAt ? now - lagAt : 0) * MOST_DRIFT, lag);
    lagAt = now;
    heardAt = now - Math.max(moment.age_ms, lag - leastLag);
    problem = "";
    if (!waiting) { waiting = true; requestAnimationFrame(paint); }
    if (document.hidden) waiting = false;
  }
  function question(path) {
    const asked = new URLSearchParams();
    if (chosen.pair !== null) asked.set("pair", chosen.pair);
    if (chosen.find) asked.set("find", chosen.find);
    if (chosen.from) asked.set("from", chosen.from);
    return `${path}?${asked}`;
  }
  function listen() {
    if (source) source.close();
    leastLag = Infinity; lagAt = 0;
    source = new EventSource(question("api/stream"));
    source.addEventListener("moment", heard);
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return;
      // Refused: ask once why, and try again.
      fetch(question("api/view")).then((answer) => answer.json().then((told) => (answer.ok ? "" : told.code ? word("refusal", told.code) : told.why)))
        .then((why) => { problem = why || ""; }).catch(() => { problem = ""; });
      setTimeout(listen, 2000);
    };
  }
  function watchAge() {
    const age = heardAt ? performance.now() - heardAt : 0;
    const isStale = Boolean(heardAt) && age > STALE_MS;
    node("stale").hidden = !isStale && !problem;
    if (isStale || problem) {
      const why = problem || (source && source.readyState !== 1 ? label("Gone") : "");
      node("stale").textContent = `! ${label("StaleServer")}  ${label("StaleFor")} ${number.span(Math.round(age / 100) * 1e8)}  ${why}`;
    }
    node("alive").className = isStale ? "warn" : "";
    node("alive").lastElementChild.textContent = isStale ? number.span(Math.round(age / 100) * 1e8) : label("UpToDate");
    document.body.dataset.live = String(!isStale && Boolean(heardAt));
  }
  // The pair that is asked for: the next moment may still be of the one before.
  const wanted = () => (chosen.pair !== null ? chosen.pair : moment && moment.pair ? moment.pair.row : null);
  function choose(row) {
    if (wanted() === row) return;
    chosen.pair = row;
    listen();
  }
  function look(find, from) { chosen.find = find; chosen.from = from; listen(); }
  function step(by) {
    if (!moment || !moment.pairs.rows.length) return;
    const rows = moment.pairs.rows.map((row) => row.row);
    const at = rows.indexOf(wanted());
    choose(rows[Math.min(rows.length - 1, Math.max(0, at + by))]);
  }

  /* Hands. */
  function hands() {
    for (const id of ["language", "colours", "theme"]) node(id).addEventListener("click", turn[id]);
    node("rows").addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row && row.onpick) row.onpick();
    });
    for (const id of ["only", "held"]) {
      node(id).addEventListener("change", (event) => { chosen[id] = event.target.checked; if (moment) paint(); });
    }
    let typing = 0;
    node("find").addEventListener("input", (event) => {
      clearTimeout(typing);
      typing = setTimeout(() => look(event.target.value.trim(), 0), 200);
    });
    const page = (by) => moment && look(chosen.find, Math.max(0, moment.pairs.from + by * 100));
    node("previous").addEventListener("click", () => page(-1));
    node("next").addEventListener("click", () => page(1));
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || dialogs.isOpen()) return;
      if (event.target.id === "find") { if (event.key === "Escape") event.target.blur(); return; }
      const moves = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
      if (moves[event.key]) { step(moves[event.key]); event.preventDefault(); }
      else if (/^[1-9]$/.test(event.key)) {
        const row = moment && moment.pairs.rows[Number(event.key) - 1];
        if (row) choose(row.row);
      } else if (event.key === "t") turn.theme();
      else if (event.key === "l") turn.language();
      else if (event.key === "c") turn.colours();
      else if (event.key === "a") dialogs.open("actions", moment);
      else if (event.key === "r") dialogs.open("receipts", moment);
      else if (event.key === "/" && !node("search").hidden) { node("find").focus(); event.preventDefault(); }
    });
    document.addEventListener("visibilitychange", () => { if (!document.hidden && moment) paint(); });
    window.addEventListener("resize", () => panels.resized());
    setInterval(watchAge, 200);
  }

  async function begin() {
    // The token has become a cookie: it need not stand in the address, nor in the history.
    const asked = new URLSearchParams(location.search);
    if (/^\d{1,9}$/.test(asked.get("pair") || "")) chosen.pair = Number(asked.get("pair"));
    for (const key of ["lang", "theme", "colours"]) if (asked.has(key)) chosen[key] = asked.get(key);
    history.replaceState(null, "", location.pathname);
    words = await (await fetch("api/words")).json();
    if (!["zh", "en"].includes(chosen.lang)) chosen.lang = words.lang;
    if (!["cn", "intl"].includes(chosen.colours)) chosen.colours = chosen.lang === "zh" ? "cn" : "intl";
    if (!["dark", "light"].includes(chosen.theme)) {
      chosen.theme = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
    }
    panels.begin();
    dialogs.begin(() => moment);
    dress();
    hands();
    listen();
  }
  return { h, draw, number, word, label, node, keep, kept, begin };
})();

document.addEventListener("DOMContentLoaded", () => screen_.begin());
