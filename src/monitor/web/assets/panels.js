// The panels: each makes of a moment what it shows. `screen.js` calls `paint` with every moment.
"use strict";

const panels = (() => {
  const MOST_POINTS = 4800, BETWEEN_POINTS_S = 0.25, CHART_MINUTES = [2, 10, 20], MOST_MARKS = 2000;
  let at = null; // Tools of the screen, once it has begun.
  let minutes = CHART_MINUTES[0]; // How much of the past the chart shows.
  const h = (...told) => at.h(...told);
  const L = (name) => at.label(name);

  /* Both markets. */
  const share = (part, whole) => (whole > 0 ? Math.min(100, (100 * part) / whole) : 0);
  const severity = (percent) => (percent >= 100 ? "bad" : percent >= 80 ? "warn" : "");
  function meter(text, part, whole, mayBeFull) {
    const percent = whole ? share(part, whole) : 0, cls = mayBeFull ? "" : severity(percent);
    return h("dd", "meter", [
      h("span", cls ? "warn" : "", text),
      whole ? h("i", cls, [], { share: percent }) : null,
    ]);
  }
  function depth(leg) {
    const most = Math.max(20, ...leg.bids.map((one) => one[1]), ...leg.asks.map((one) => one[1]));
    const row = (side, place) => {
      const level = leg[side === "ask" ? "asks" : "bids"][place];
      return h("div", `${side}${place === 0 ? " best" : ""}`, [
        h("small", "", place === 0 ? L(side === "ask" ? "Ask" : "Bid") : place + 1),
        h("span", "", level ? at.number.group(level[0]) : "-"),
        h("span", "lots", level ? at.number.group(level[1]) : ""),
      ], { share: level ? share(level[1], most) : 0 });
    };
    const places = [0, 1, 2, 3, 4];
    return h("div", "depth", [
      ...places.slice().reverse().map((place) => row("ask", place)), h("div", "gap", []),
      ...places.map((place) => row("bid", place)),
    ]);
  }
  const isGood = (leg) => leg.quality === "good" && ["live", "single_line"].includes(leg.channel);
  function standing(leg) {
    if (leg.quality !== "good") return h("span", "tag warn", `! ${at.word("quality", leg.quality)}`);
    const cls = leg.channel === "live" ? "tag" : "tag warn";
    return h("span", cls, at.word("channel", leg.channel));
  }
  function legPanel(pair, leg) {
    const exposed = pair.exposed && leg.unhedged_lots !== 0;
    const arrow = { buy: "\u25b2", sell: "\u25bc" }[leg.last_side] || "";
    const cls = { buy: "up", sell: "down" }[leg.last_side] || "";
    const hours = leg.open_for_ns === null ? null : leg.open_for_ns > 0
      ? [h("dt", "", L("OpenFor")), h("dd", "", at.number.span(leg.open_for_ns))]
      : [h("dt", "", L("Session")), h("dd", "warn", `! ${L("MarketShut")}`)];
    return h("section", `panel leg${exposed ? " exposed" : isGood(leg) ? "" : " bad"}`, [
      h("h3", "", [
        h("span", "", leg.name),
        h("small", "", `${L(leg.market === "domestic" ? "Domestic" : "Overseas")} ${leg.venue} ${at.number.signed(leg.ratio)}`, { title: `${L("Ratio")} ${leg.ratio} ${L("Lots")}` }),
        standing(leg),
      ]),
      h("div", "last", [
        h("b", cls, leg.last === null ? "-" : at.number.group(leg.last)), h("span", cls, arrow),
        h("span", "dim", [`${L("Last")}${leg.last_lots ? ` ${at.number.group(leg.last_lots)} ${L("Lots")}` : ""}`]),
      ]),
      depth(leg),
      h("dl", "facts", [
        h("dt", "", L("Age")), meter(leg.age_ns === null ? L("NoQuote") : at.number.span(leg.age_ns), leg.age_ns || 0, pair.max_age_ns),
        h("dt", "", L("Tradable")),
        h("dd", "", [`${L("Buy")} `, h("b", "", at.number.group(leg.buyable_lots)), `  ${L("Sell")} `, h("b", "", at.number.group(leg.sellable_lots))]),
        ...(leg.session ? [h("dt", "", L("Session")), h("dd", leg.session === "up" ? "" : "warn", at.word("session", leg.session))] : []),
        ...(hours || []),
        h("dt", "", L("Position")),
        h("dd", "", [exposed ? h("b", "orange", `! ${at.number.signed(leg.unhedged_lots)}  `) : null,
          h("b", at.number.direction(leg.lots), at.number.signed(leg.lots)), ` ${L("Lots")}`]),
        h("dt", "", L("Profit")),
        h("dd", at.number.direction(leg.made), `${at.number.signed(leg.made)} ${leg.currency}`, { title: `${L("Realised")} ${leg.realised}, ${L("Open")} ${leg.open}` }),
      ]),
    ]);
  }

  /* The spread between them. */
  const LEVELS = [
    ["open_short", "OpenShort", "\u2265"], ["close_long", "CloseLong", "\u2265"],
    ["close_short", "CloseShort", "\u2264"], ["open_long", "OpenLong", "\u2264"],
  ];
  function gauge(pair) {
    const set = LEVELS.filter(([key]) => pair.levels[key] !== null);
    const values = set.map(([key]) => Number(pair.levels[key]));
    const now = [pair.buy, pair.sell].filter((one) => one !== null).map(Number);
    if (!values.length && !now.length) return h("div", "gauge", []);
    // The scale is that of the levels, so that it stands still; what is beyond lies at its end.
    const scale = values.length > 1 ? values : values.concat(now);
    const low = Math.min(...scale), high = Math.max(...scale), room = (high - low || 1) * 0.3;
    const place = (value) => Math.max(0, Math.min(100, (100 * (value - low + room)) / (high - low + 2 * room)));
    const isMet = (key, sign) => {
      const value = sign === "\u2265" ? pair.sell : pair.buy;
      return value !== null && (sign === "\u2265" ? Number(value) >= Number(pair.levels[key]) : Number(value) <= Number(pair.levels[key]));
    };
    return h("div", "gauge", [
      ...set.map(([key, name, sign]) => h("div", `level ${key.startsWith("close") ? "close" : ""}${isMet(key, sign) ? " met" : ""}`, [
        h("span", "", L(name)), h("b", "", `${sign} ${at.number.group(pair.levels[key])}`),
      ], { at: place(Number(pair.levels[key])) })),
      pair.sell === null ? null : h("div", "now sells", [], { at: place(Number(pair.sell)), title: L("SellAt") }),
      pair.buy === null ? null : h("div", "now buys", [], { at: place(Number(pair.buy)), title: L("BuyAt") }),
    ]);
  }
  function exposure(pair) {
    const legs = pair.legs.filter((leg) => leg.unhedged_lots !== 0);
    const lots = legs.map((leg) => `${leg.name} ${at.number.signed(leg.unhedged_lots)} ${L("Lots")}`);
    return `${pair.name}: ${lots.join(", ")} (${at.number.span(pair.unhedged_ns)})`;
  }
  function decision(pair) {
    const last = pair.decision;
    if (!last) return [h("dt", "", L("Decisions")), h("dd", "dim", L("NoneYet"))];
    const passed = last.gate === "passed";
    const text = `${at.word("intent", last.intent)} ${last.units} @ ${at.number.group(last.value)}`;
    return [
      h("dt", "", passed ? L("Fired") : L("Refused")),
      h("dd", passed ? "strong" : "dim", passed ? text : `${at.word("gate", last.gate)}  ${text}`, { title: `${L("Skew")} ${at.number.span(last.skew_ns)}` }),
    ];
  }
  function middle(pair) {
    const units = Math.abs(pair.units);
    return h("section", `panel middle${pair.exposed ? " exposed" : ""}`, [
      h("h3", "", [h("span", "", pair.name), h("small", "", pair.unit)]),
      h("div", "values", [
        h("div", "sells", [h("small", "", L("SellAt")), h("b", "", at.number.group(pair.sell))]),
        h("div", "buys", [h("small", "", L("BuyAt")), h("b", "", at.number.group(pair.buy))]),
      ]),
      gauge(pair),
      h("dl", "facts", [
        h("dt", "", L("Position")),
        meter(`${at.number.signed(pair.units)}${pair.max_units ? ` / ${pair.max_units}` : ""} ${L("Units")}`, units, pair.max_units, true),
        h("dt", "", L("Tradable")),
        h("dd", "", [`${L("Buy")} `, h("b", "", at.number.group(pair.buyable_units)), `  ${L("Sell")} `, h("b", "", at.number.group(pair.sellable_units))]),
        h("dt", "", L("Skew")), meter(at.number.span(pair.skew_ns), pair.skew_ns || 0, pair.max_skew_ns),
        h("dt", "", L("Exposure")),
        pair.exposed ? h("dd", "orange", `! ${at.number.span(pair.unhedged_ns)}`) : h("dd", "", pair.in_flight ? L("InFlight") : L("Hedged")),
        ...decision(pair),
        h("dt", "", L("Fires")), h("dd", "", `${at.number.group(pair.fires)}, ${L("RoundTrips")} ${at.number.group(pair.round_trips)}`),
        h("dt", "", L("Profit")), h("dd", `strong ${at.number.direction(pair.total)}`, `${at.number.signed(pair.total)} ${pair.currency}`),
        ...(pair.fx === null ? [] : [h("dt", "", L("Fx")), h("dd", at.number.direction(pair.fx), at.number.signed(pair.fx))]),
      ]),
    ]);
  }
  function pricing(pair) {
    const legs = pair.legs.filter((leg) => leg.ratio === 0);
    return legs.map((leg) => h("section", "panel pricing", [
      h("b", "", leg.name), h("span", "dim", `${L("PricesOnly")}  ${leg.unit}`),
      h("span", "up", `${L("Bid")} ${leg.bids.length ? at.number.group(leg.bids[0][0]) : "-"}`),
      h("span", "down", `${L("Ask")} ${leg.asks.length ? at.number.group(leg.asks[0][0]) : "-"}`),
      h("span", "dim", `${L("Age")} ${leg.age_ns === null ? "-" : at.number.span(leg.age_ns)}`), standing(leg),
    ]));
  }
  function paintLadder(pair) {
    const traded = pair.legs.filter((leg) => leg.ratio !== 0).map((leg) => legPanel(pair, leg));
    const shown = [traded[0], middle(pair), ...traded.slice(1), ...pricing(pair)];
    at.node("ladder").style.setProperty("--cols", traded.length + 1);
    at.draw(at.node("ladder"), shown);
  }

  /* The chart. */
  const pasts = new Map();
  let plot = null, plotted = null, drawnAt = 0;
  function past(pair) {
    if (!pasts.has(pair.row)) {
      const empty = { points: [[], [], []], marks: [], pair };
      pasts.set(pair.row, empty);
      fetch(`api/history?pair=${pair.row}`).then((answer) => answer.json()).then((told) => {
        const first = empty.points[0][0] === undefined ? Infinity : empty.points[0][0];
        const before = told.past.points.filter((point) => point[0] < first);
        empty.points.forEach((column, place) => column.unshift(...before.map((point) => point[place])));
        const known = new Set(empty.marks.map((mark) => mark.number));
        empty.marks.unshift(...told.past.marks.filter((mark) => !known.has(mark.number)));
        drawnAt = 0;
      }).catch(() => { /* The chart begins now. */ });
    }
    return pasts.get(pair.row);
  }
  function remember(moment) {
    // The chosen pair may stand on no row of this page of the list.
    const shown = moment.pair && !moment.pairs.rows.some((row) => row.row === moment.pair.row) ? [moment.pair] : [];
    for (const row of [...moment.pairs.rows, ...shown]) {
      const known = pasts.get(row.row);
      if (!known) continue;
      const [times, buys, sells] = known.points, now = moment.running_ns / 1e9;
      if (times.length && now - times[times.length - 1] < BETWEEN_POINTS_S) continue;
      times.push(now); buys.push(row.buy === null ? null : Number(row.buy)); sells.push(row.sell === null ? null : Number(row.sell));
      if (times.length > MOST_POINTS) known.points.forEach((column) => column.shift());
    }
    for (const one of moment.happenings) {
      const known = one.what === "fired" && pasts.get(one.pair);
      if (known && !known.marks.some((mark) => mark.number === one.number)) {
        if (known.marks.length >= MOST_MARKS) known.marks.shift();
        known.marks.push({ number: one.number, at: one.at, value: one.drawn, intent: one.intent });
      }
    }
  }
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  function drawOver(u) {
    const { ctx } = u, ratio = devicePixelRatio || 1, pair = plotted.pair;
    ctx.save();
    ctx.beginPath();
    ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    ctx.clip();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    let above = -Infinity;
    for (const [key, name] of LEVELS.filter((one) => pair.levels[one[0]] !== null)) {
      const y = u.valToPos(Number(pair.levels[key]), "y", true), opens = key.startsWith("open");
      ctx.strokeStyle = opens ? colour("--warn") : colour("--faint");
      ctx.lineWidth = ratio;
      ctx.setLineDash(opens ? [6 * ratio, 4 * ratio] : [2 * ratio, 4 * ratio]);
      ctx.beginPath(); ctx.moveTo(u.bbox.left, y); ctx.lineTo(u.bbox.left + u.bbox.width, y); ctx.stroke();
      ctx.fillStyle = colour("--dim");
      if (Math.abs(y - above) > 14 * ratio) ctx.fillText(L(name), u.bbox.left + 5 * ratio, y - 3 * ratio);
      above = y;
    }
    ctx.setLineDash([]);
    ctx.globalAlpha = 0.75;
    for (const mark of plotted.marks) {
      const buys = ["open_long", "close_short"].includes(mark.intent), size = 3.6 * ratio, turn = buys ? 1 : -1;
      const x = u.valToPos(mark.at, "x", true), y = u.valToPos(mark.value, "y", true) + turn * 7 * ratio;
      ctx.fillStyle = colour(buys ? "--up" : "--down");
      ctx.beginPath(); ctx.moveTo(x, y - turn * size); ctx.lineTo(x - size, y + turn * size); ctx.lineTo(x + size, y + turn * size); ctx.fill();
    }
    ctx.restore();
  }
  const size = () => ({ width: at.node("plot").clientWidth - 8, height: Math.max(100, at.node("plot").clientHeight - 4) });
  function newPlot() {
    if (plot) plot.destroy();
    const axis = (more) => ({ stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), size: 4 }, font: "11px system-ui, sans-serif", ...more });
    const line = (name) => ({ stroke: colour(name), width: 1.6, points: { show: false }, spanGaps: false });
    plot = new uPlot({
      ...size(), legend: { show: false }, cursor: { y: false, drag: { x: false, y: false } }, padding: [8, 10, 0, 0],
      scales: { x: { time: false }, y: { range: (u, low, high) => {
        const set = Object.values(plotted.pair.levels).filter((one) => one !== null).map(Number);
        const least = Math.min(low === null ? Infinity : low, ...set), most = Math.max(high === null ? -Infinity : high, ...set);
        const room = (most - least || 1) * 0.08;
        return Number.isFinite(least) ? [least - room, most + room] : [0, 1];
      } } },
      axes: [
        axis({ size: 26, values: (u, ticks) => ticks.map((tick) => `${String(Math.floor(tick / 60)).padStart(2, "0")}:${String(Math.floor(tick % 60)).padStart(2, "0")}`) }),
        axis({ size: 58, space: 24, values: (u, ticks) => ticks.map((tick) => at.number.group(String(+tick.toFixed(6)))) }),
      ],
      series: [{}, line("--other"), line("--accent")],
      hooks: { draw: [drawOver] },
    }, [[], [], []], at.node("plot"));
  }
  function paintChart(pair) {
    const known = past(pair);
    known.pair = pair;
    const isOther = plotted !== known;
    plotted = known;
    if (!plot) newPlot();
    if (!isOther && performance.now() - drawnAt < 240) return;
    drawnAt = performance.now();
    const times = known.points[0], last = times[times.length - 1] || 0;
    let first = times.findIndex((time) => time >= last - minutes * 60);
    if (first < 0) first = 0;
    plot.setData(known.points.map((column) => column.slice(first)));
  }
  function longer() {
    minutes = CHART_MINUTES[(CHART_MINUTES.indexOf(minutes) + 1) % CHART_MINUTES.length];
    at.keep("xmc.minutes", minutes);
    drawnAt = 0;
    if (plotted) paintChart(plotted.pair);
    paintLegend();
  }
  function paintLegend() {
    at.draw(at.node("legend"), [
      h("span", "", [h("i", "", []), L("ChartSells")]), h("span", "", [h("i", "buys", []), L("ChartBuys")]),
      h("span", "", [h("span", "up", "\u25b2 "), L("Buy")]), h("span", "", [h("span", "down", "\u25bc "), L("Sell")]),
      h("button", "link", `${minutes} ${L("Minutes")}`, { type: "button", "aria-label": `${L("SpreadChart")}: ${minutes} ${L("Minutes")}`, on: longer }),
    ]);
  }

  /* What happened. */
  const refusalText = (refusal) => (refusal?.says ? L(refusal.says) : refusal
    ? `${refusal.name ? `${refusal.name} ` : ""}${refusal.seen} / ${refusal.limit}${refusal.unit ? ` ${L(refusal.unit)}` : ""}`.replace(/ us\b/g, " \u00b5s") : "");
  const traded = (one) => [
    h("span", one.side === "buy" ? "up" : "down", `${one.side === "buy" ? "\u25b2" : "\u25bc"} ${at.word("side", one.side)} ${at.word("effect", one.effect)} `),
    h("span", "strong", `${at.number.group(one.lots)} ${one.name}`), " @ ", at.number.group(one.price),
  ];
  const TELLS = {
    fired: (one) => [h("b", "", `${L("Fired")} ${at.word("intent", one.intent)}`), ` ${one.units} ${L("Units")} @ ${at.number.group(one.value)} `,
      h("em", "", `(${at.number.group(one.level)}) ${L("Skew")} ${at.number.span(one.skew_ns)}`)],
    held_back: (one) => [`${L("Refused")} ${at.word("intent", one.intent)} @ ${at.number.group(one.value)}: `, h("span", "strong", at.word("gate", one.gate)), ` ${refusalText(one.refusal)}`],
    ordered: (one) => [h("em", "", `${L("Ordered")} `), ...traded(one)],
    filled: (one) => [h("b", "", `${L("Filled")} `), ...traded(one)],
    missed: (one) => [h("span", one.kind === "cancelled" ? "" : "warn", `${L("Missed")} ${one.name}: ${at.word("order", one.kind)}`)],
    repaired: (one) => [h("b", "", `${L("Repaired")}: ${at.word("repair", one.way)}`), ` ${L("Attempt")} ${one.attempt} `,
      h("em", "", ["complete", "unwind"].map((way) => `${at.word("repair", way)} ${one[way].cost === null ? "-" : at.number.group(one[way].cost)}${one[way].obstacle ? ` (${at.word("obstacle", one[way].obstacle)})` : ""}`).join(", "))],
    ended: (one) => [h("b", "", L(one.is_aligned ? "Ended" : "Broken")), ` ${at.word("intent", one.intent)} ${one.done_units}/${one.units} ${L("Units")} `,
      h("em", "", `${L("Took")} ${at.number.span(one.took_ns)}`)],
  };
  const isOpenToOneSide = (one) => one.what === "repaired" || (one.what === "ended" && !one.is_aligned);
  function paintLog(moment, chosen) {
    const held = chosen.held ? moment.decisions.filter((one) => one.what === "held_back") : [];
    // What fired comes before the orders that left at that instant, as it is told after them.
    const rank = (one) => (one.what === "fired" ? 0 : 1);
    const all = moment.happenings.concat(held).sort((one, other) => other.at - one.at || rank(other) - rank(one) || other.number - one.number);
    const rows = all.filter((one) => !chosen.only || (moment.pair && one.pair === moment.pair.row));
    const told = rows.map((one) => h("div", `event ${isOpenToOneSide(one) ? "orange" : one.what}`, [
      h("time", "", at.number.clock(one.at)), h("div", "what", [h("em", "", `${one.pair_name} `), ...TELLS[one.what](one)]),
    ]));
    at.draw(at.node("log"), told.length ? told : [h("p", "none", L("NoneYet"))]);
  }

  /* The machine. */
  const body = (id) => at.node(id).lastElementChild;
  function paintGates(moment) {
    const limits = moment.limits.filter((row) => row.used > 0 || row.scope === "all");
    limits.sort((one, other) => other.used / other.limit - one.used / one.limit);
    const bars = limits.slice(0, 16).map((row) => h("div", "used", [
      h("span", "", `${row.scope.replace(/^\w+=/, "")} ${row.field.replace(/^max_/, "").replaceAll("_", " ")}`),
      h("span", "", `${at.number.group(row.used)} / ${at.number.group(row.limit)}`),
      h("i", severity(share(row.used, row.limit)), [], { share: share(row.used, row.limit) }),
    ]));
    const gates = moment.gates.slice(0, 4).map((row) => h("div", "held", [
      h("span", "", `${at.word("gate", row.gate)}`), h("span", "dim", refusalText(row.refusal)), h("b", "", at.number.group(row.count)),
    ]));
    at.draw(body("gates"), [
      gates.length ? h("p", "cap", L("HeldBackBy")) : null, ...gates,
      bars.length ? h("p", "cap", L("Limits")) : null, ...bars,
      gates.length + bars.length ? null : h("p", "none", L("NoneYet")),
    ]);
  }
  function paintCapital(told) {
    const panel = at.node("capital");
    if (panel.hidden === Boolean(told)) {
      panel.hidden = !told;
      panel.parentElement.classList.toggle("money", Boolean(told));
      if (plot) plot.setSize(size());
    }
    if (!told) return;
    // The track ends a little above the level at which everything stops.
    const end = 1.05 * told.levels[3], place = (used) => Math.min(100, (100 * used) / end);
    const percent = (used) => (used === null ? "> 100%" : `${used.toFixed(1)}%`);
    const accounts = told.accounts.map((row) => {
      const cls = { normal: "", warn: "warn" }[row.stage] ?? "bad";
      return h("div", `account ${cls}`, [
        h("header", "", [h("b", "", row.name), h("strong", cls, percent(row.used)),
          h("span", "dim", `${L("Margin")} ${at.number.group(row.margin)} / ${L("Equity")} ${at.number.group(row.equity)} ${row.currency}`),
          h("span", cls ? `tag ${cls}` : "tag", `${cls ? "! " : ""}${at.word("stage", row.stage)}`)]),
        h("div", "track", [
          ...told.levels.map((level) => h("s", "", [], { at: place(level), title: percent(level) })),
          row.worst === null ? null : h("u", "", [], { at: place(row.worst), title: `${L("Worst")} ${percent(row.worst)} ${row.shock || ""}` }),
        ], { share: row.used === null ? 100 : place(row.used) }),
        h("small", "dim", `${L("Worst")} ${percent(row.worst)} ${row.shock || ""}`),
      ]);
    });
    const isShort = told.accounts.some((row) => row.stage !== "normal");
    const asked = (isShort ? told.transfers : []).map((row) => h("div", "asked", [
      h("b", "warn", `! ${L(row.is_transfer ? "Transfer" : "TopUp")} ${at.number.group(row.amount)} ${row.currency}`),
      h("span", "", `${row.from} \u2192 ${row.to}`), h("span", "dim", `${L("Approver")} ${row.approver}`),
    ]));
    const doubts = told.doubts.map((word) => h("span", "tag bad", `! ${word.replaceAll("_", " ")}`));
    if (told.refused) doubts.push(h("span", "tag warn", `! ${L("BookRefused")}`));
    at.draw(at.node("called"), [told.is_sample ? h("span", "", L("Sample")) : null, ...doubts]);
    at.draw(body("capital"), [...accounts, ...asked]);
  }
  function paintLatency(told) {
    if (!told) { at.draw(body("latency"), [h("p", "none", L("NoneYet"))]); return; }
    // From 100 ns to 1 s, by powers of ten.
    const place = (ns) => Math.max(2, Math.min(100, (100 * (Math.log10(Math.max(ns, 1)) - 2)) / 7));
    const row = (name, ns, budget) => h("div", "q", [
      h("span", "dim", name),
      h("div", `track${budget && ns > budget ? " over" : ""}`, budget ? [h("s", "", [], { at: place(budget) })] : [], { share: place(ns) }),
      h("b", "right", at.number.span(ns)),
    ]);
    at.draw(body("latency"), [
      h("div", "quantiles", [
        row("p50", told.p50_ns, told.budget_p50_ns), row("p99", told.p99_ns), row("p99.9", told.p99_9_ns, told.budget_p99_9_ns), row("max", told.max_ns),
      ]),
      h("p", "note", `${at.number.group(told.count)} ${L("Fires")}. ${L("Budget")} p50 ${at.number.span(told.budget_p50_ns)}, p99.9 ${at.number.span(told.budget_p99_9_ns)}. ${L("BudgetNote")}`),
    ]);
  }
  function paintFeeds(moment) {
    const feeds = moment.feeds.map((feed) => {
      const firsts = feed.a.firsts + feed.b.firsts || 1, percent = (part) => `${((100 * part) / firsts).toFixed(1)}%`;
      const line = (name, row) => h("span", "", [`${name} ${L("First")} `, h("b", "", percent(row.firsts)), `  ${at.number.compact(row.packets)} `,
        row.missing ? h("span", "warn", `${L("Missing")} ${at.number.group(row.missing)}`) : null,
        ["up", "unwatched"].includes(row.interface) ? null : h("span", "warn", `! ${L("Interface")} ${at.word("interface", row.interface)}`)]);
      return h("div", "feed", [
        h("header", "", [h("b", "", feed.name), h("span", feed.gaps ? "warn" : "dim", `${L("Gaps")} ${at.number.group(feed.gaps)}`),
          feed.conflated ? h("span", "dim", `${L("Conflated")} ${at.number.group(feed.conflated)}`) : null,
          feed.differences || feed.divergent ? h("span", "warn", `! ${L("Audit")} ${feed.differences + feed.divergent}`) : null,
          h("span", feed.is_usable ? (feed.state === "live" ? "tag" : "tag warn") : "tag bad", at.word("channel", feed.state))]),
        h("div", "score", [h("i", "", [], { share: feed.a.firsts }), h("i", "b", [], { share: feed.b.firsts })], { title: L("LineScore") }),
        h("div", "lines", [line("A", feed.a), line("B", feed.b)], { title: L("Packets") }),
      ]);
    });
    const sessions = moment.gateways.map((row) => h("div", "feed", [
      h("header", "", [h("b", "", row.name), h("span", "dim", `${L("Sent")} ${at.number.group(row.sent)} ${L("Read")} ${at.number.group(row.read)}`),
        row.not_sent ? h("span", "warn", `! ${at.word("order", "not_sent")} ${at.number.group(row.not_sent)}`) : null,
        h("span", row.state === "up" ? "tag" : "tag bad", at.word("session", row.state))]),
    ]));
    at.draw(body("feeds"), [...feeds, h("p", "cap", L("Sessions")), ...sessions]);
  }
  const signedSpan = (ns) => `${ns < 0 ? "\u2212" : "+"}${at.number.span(Math.abs(ns))}`;
  function paintRecord(moment) {
    const told = moment.journal, rows = [];
    const row = (name, text, cls) => rows.push(h("dt", "", name), h("dd", cls || "", text));
    if (told) {
      row(L("Journal"), `${at.number.bytes(told.bytes)}, ${at.number.group(told.records)}`);
      if (told.behind_bytes !== null) row(L("Behind"), at.number.bytes(told.behind_bytes));
      if (told.unsynced_bytes !== null) row(L("Unsynced"), at.number.bytes(told.unsynced_bytes));
      if (told.durable_after_ns !== null) row(L("Durable"), at.number.span(told.durable_after_ns));
      if (told.disk_alone_ns !== null) row(L("DiskAlone"), at.number.span(told.disk_alone_ns));
      if (told.witnessed_records !== null) {
        row(L("Witnessed"), `${told.has_witness_trouble ? "! " : ""}${at.number.group(told.witnessed_records)}`, told.has_witness_trouble ? "warn" : "");
      }
    }
    for (const ring of moment.rings) {
      rows.push(h("dt", "", `${ring.name} ${L("InUse")}`), meter(`${ring.used_pct}%, ${L("Most")} ${ring.most_pct}%${ring.is_late ? `, ! ${L("RecordLate")}` : ""}`, ring.used_pct, 100));
    }
    for (const feed of moment.feeds.filter((one) => one.clock)) {
      rows.push(h("dt", "", `${feed.name} ${L("Offset")}`), h("dd", "", `${signedSpan(feed.clock.offset_ns)}, ${signedSpan(feed.clock.drift_ns_per_s)}/s`));
    }
    at.draw(body("record"), [h("dl", "facts", rows)]);
  }
  function paintAlerts(moment) {
    const rows = moment.alerts.map((one) => h("div", "alert", [
      h("time", "", at.number.clock(one.at)),
      h("div", "", [h("span", ["broken_spread", "repair_failed"].includes(one.kind) ? "orange" : "warn", `! ${at.word("alert", one.kind)} `),
        h("span", "dim", `${one.pair_name} ${one.stream || ""} ${one.value ? `(${at.number.group(one.value)})` : ""}`)]),
    ]));
    at.draw(body("alerts"), rows.length ? rows : [h("p", "none", `\u2713 ${L("NoAlerts")}`)]);
  }

  return {
    exposure,
    begin() {
      at = screen_;
      const before = Number(at.kept("xmc.minutes", ""));
      if (CHART_MINUTES.includes(before)) minutes = before;
      at.node("legend").addEventListener("click", (event) => { if (event.target.onpick) event.target.onpick(); });
    },
    dressed() { paintLegend(); if (plot) { newPlot(); drawnAt = 0; } },
    resized() { if (plot) plot.setSize(size()); },
    paint(moment, chosen) {
      if (moment.pair) { paintLadder(moment.pair); remember(moment); paintChart(moment.pair); }
      paintLog(moment, chosen);
      paintGates(moment);
      paintCapital(moment.capital);
      paintLatency(moment.latency);
      paintFeeds(moment);
      paintRecord(moment);
      paintAlerts(moment);
    },
  };
})();
