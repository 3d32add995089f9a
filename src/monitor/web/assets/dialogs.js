// What is asked besides moments: commands that are written here and signed elsewhere, and receipts.
// The page has no key: what it writes does nothing until an operator has signed it.
"use strict";

const dialogs = (() => {
  let at = null; // Tools of the screen, once it has begun.
  let mark = "", standing = null, name = "", found = null, asking = false, giving = false;
  const h = (...told) => at.h(...told);
  const L = (which) => at.label(which);
  const node = (id) => at.node(id);

  /* Questions. */
  async function ask(path, how) {
    const answer = await fetch(path, { credentials: "same-origin", ...how });
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) return told;
    const word = told.code ? at.word("refusal", told.code) : L("Gone");
    const error = new Error(told.more ? `${word} (${told.more})` : word);
    // Of what was refused before the engine heard of it nothing was done.
    error.undone = answer.status < 500 || ["busy", "no_channel"].includes(told.code);
    throw error;
  }
  function problem(id, text) { node(id).hidden = !text; node(id).textContent = text ? `! ${text}` : ""; }
  function choices(id, rows, keep) {
    const before = keep === undefined ? node(id).value : keep;
    at.draw(node(id), rows.map(([value, text]) => h("option", "", text, { value })));
    if (rows.some(([value]) => value === before)) node(id).value = before;
    else if (rows.length) node(id).value = rows[0][0];
  }

  /* Commands. */
  const TWO_ABOUT = { acknowledge: ["all"], arm: ["all"], clear_halt: "spread=", remove: "spread=", clear_doubt: ["all", "spread="] };
  function scopes(verb) {
    const { status } = standing;
    if (verb === "limit") return [...new Set(status.limits.map((row) => row.scope))];
    const spreads = status.spreads.map((row) => `spread=${row.name}`);
    const unique = (of) => [...new Set(status.spreads.flatMap(of))];
    const all = ["all", ...spreads, ...unique((row) => [`strategy=${row.strategy}`]),
      ...unique((row) => [`account=${row.account}`]), ...unique((row) => row.gateways.map((one) => `gateway=${one}`))];
    const about = TWO_ABOUT[verb];
    if (!about) return all;
    const kinds = Array.isArray(about) ? about : [about];
    return all.filter((scope) => kinds.some((kind) => (kind.endsWith("=") ? scope.startsWith(kind) : scope === kind)));
  }
  const alertText = (one) => `${one.title[document.documentElement.lang === "en" ? "en" : "zh"]} ${Object.values(one.labels).join(" ")} ${one.fingerprint}`;
  function fill() {
    const can = Boolean(standing && standing.status);
    node("actions-body").hidden = !can;
    node("actions-note").textContent = L(standing && standing.accepts ? "NoRight" : "LookOnly");
    if (!can) return;
    const { operators } = standing.status;
    choices("operator", operators.map((row) => [row.name, row.name]));
    const row = operators.find((one) => one.name === node("operator").value);
    const verbs = row ? row.commands.filter((verb) => !["explain", "lift", "lift_unconfirmed"].includes(verb)) : [];
    choices("command", verbs.map((verb) => [verb, at.word("command", verb)]));
    const verb = node("command").value;
    choices("scope", scopes(verb).map((scope) => [scope, scope]));
    node("of-alert").hidden = verb !== "acknowledge";
    for (const id of ["of-limit", "of-figure"]) node(id).hidden = verb !== "limit";
    choices("alert", standing.alerts.filter((one) => !one.acknowledged).map((one) => [one.fingerprint, alertText(one)]));
    const limits = standing.status.limits.filter((one) => one.scope === node("scope").value);
    choices("limit", limits.map((one) => [one.field, `${one.field}: ${at.number.group(one.limit)} ${one.unit}`]));
  }
  async function stand() {
    try {
      standing = await ask("api/control");
      mark = standing.mark || "";
      problem("actions-problem", "");
    } catch (error) { problem("actions-problem", error.message); }
    node("right").dataset.word = standing && standing.accepts ? "SignedOnly" : "ReadOnly";
    node("right").textContent = L(node("right").dataset.word);
    fill();
  }
  async function prepare() {
    const verb = node("command").value;
    const asked = new URLSearchParams({
      command: verb, scope: node("scope").value, operator: node("operator").value, reason: node("reason").value.trim(),
    });
    if (verb === "acknowledge") asked.set("alert", node("alert").value);
    unwrite();
    if (verb === "limit") {
      const figure = node("figure").value.replace(/[\s,_]/g, "");
      if (!/^\d+$/.test(figure)) { problem("actions-problem", L("WholeFigure")); return; }
      asked.set("limit", node("limit").value);
      asked.set("to", figure);
    }
    try {
      const told = await ask(`api/prepare?${asked}`);
      name = told.file;
      node("text").value = told.text;
      node("needs").textContent = L(told.needs_two ? "TwoPeople" : "OnePerson");
      node("how").textContent = `xmc control sign ${name} --key KEY`;
      problem("actions-problem", "");
    } catch (error) { problem("actions-problem", error.message); }
    ready();
  }
  function unwrite() {
    node("text").value = "";
    node("needs").textContent = "";
    node("how").textContent = "";
    ready();
  }
  function ready() {
    const is = Boolean(node("text").value);
    node("copy").disabled = !is;
    node("download").disabled = !is;
    node("give").disabled = giving || !node("signed").value.trim();
  }
  async function copy() {
    node("text").select();
    try { await navigator.clipboard.writeText(node("text").value); } catch { document.execCommand("copy"); }
    node("copy").textContent = L("Copied");
    setTimeout(() => { node("copy").textContent = L("Copy"); }, 1500);
  }
  function download() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([node("text").value], { type: "text/plain" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  async function give() {
    // Who copies from a terminal leaves out the end of the last line, or brings another.
    const signed = `${node("signed").value.replaceAll("\r", "").trimEnd()}\n`;
    giving = true;
    ready();
    try {
      const told = await ask("api/command", {
        method: "POST", body: signed, headers: { "content-type": "text/plain; charset=utf-8", "x-xmc-mark": mark },
      });
      const outcome = { done: "Done", refused: "NotDone" }[told.outcome] || "TakenOnly";
      const changes = told.changes.map((one) => `${one.spread || L("Desk")}: ${one.from} \u2192 ${one.to}`);
      const denial = told.denial ? `${at.word("denial", told.denial)} (${told.why})` : told.why;
      at.draw(node("given"), [
        h("b", told.outcome === "done" ? "good" : "warn", `${told.outcome === "done" ? "\u2713" : "!"} ${L(outcome)}${told.input === null ? "" : ` ${at.number.group(told.input)}`}`),
        ...[denial, ...changes, told.state ? `${L("Desk")} ${at.word("safe", told.state)}` : null].filter(Boolean).map((text) => h("span", "", text)),
      ]);
      if (told.outcome === "done") { node("signed").value = ""; node("text").value = ""; }
    } catch (error) { at.draw(node("given"), [h("b", "warn", `! ${L(error.undone ? "NotDone" : "NotKnown")}`), h("span", "", error.message)]); }
    giving = false;
    ready();
    stand();
  }

  /* Receipts. */
  const FIELDS = ["order", "client_order", "product", "pair", "kind", "from", "to"];
  const KINDS = ["order", "order_event", "decision", "ending", "repair", "follow", "alert", "state", "command", "instruction"];
  function fillReceipts() {
    choices("ask-kind", [["", L("AnyKind")], ...KINDS.map((kind) => [kind, kind])]);
    showRows();
  }
  function names(moment) {
    if (!moment || node("names-pair").childNodes.length) return;
    const { rows } = moment.pairs;
    at.draw(node("names-pair"), rows.map((row) => h("option", "", "", { value: row.name })));
    const legs = [...new Set(rows.flatMap((row) => row.legs.map((leg) => leg.name)))];
    at.draw(node("names-product"), legs.map((leg) => h("option", "", "", { value: leg })));
  }
  async function search() {
    if (asking) return;
    asking = true;
    node("search-record").disabled = true;
    node("found").textContent = `${L("Searching")} ..`;
    const asked = new URLSearchParams();
    for (const field of FIELDS) asked.set(field, node(`ask-${field}`).value.trim());
    try {
      found = await ask(`api/receipts?${asked}`);
      problem("receipts-problem", "");
    } catch (error) { found = null; problem("receipts-problem", error.message); }
    asking = false;
    node("search-record").disabled = false;
    showRows();
  }
  function showRows() {
    const table = node("receipt-rows");
    table.hidden = !found || !found.receipts.length;
    const notes = [];
    if (found) {
      const shown = found.receipts.length;
      notes.push(shown === found.found ? `${at.number.group(shown)} ${L("FoundAll")}` : `${at.number.group(shown)} ${L("ShownOf")} ${at.number.group(found.found)} ${L("FoundAll")}`);
      notes.push(`${at.number.group(found.records)} ${L("RecordRows")}`);
      if (found.read_from) notes.push(`${L("ReadFrom")} ${found.read_from.replace("T", " ").slice(0, 19)}`);
    }
    at.draw(node("found"), [
      notes.join("; "),
      found && found.stopped_early ? h("b", "warn", ` ! ${L("StoppedEarly")} ${found.read_until || "-"}: ${L("Narrow")}`) : null,
      found && found.damage ? h("b", "warn", ` ! ${L("DamagedThere")}: ${found.damage}`) : null,
    ]);
    const head = ["Time", "Kind", "Pair", "Contract", "OrderId", "SideLots", "What"];
    at.draw(table, [
      h("thead", "", [h("tr", "", head.map((one) => h("th", "", L(one), { scope: "col" })))]),
      h("tbody", "", (found ? found.receipts : []).map((row) => {
        const price = row.lots === null ? "" : `${at.number.group(row.lots)} @ ${at.number.group(row.price)}`;
        return h("tr", "", [
          h("td", "", row.utc ? row.utc.replace("T", " ").slice(0, 26) : "-"), h("td", "", row.kind),
          h("td", "", row.pair || ""), h("td", "", row.product || ""),
          h("td", "", row.order ? [h("button", "link", row.order, { type: "button", "data-order": row.order, title: L("Story") })] : ""),
          h("td", row.side === "buy" ? "up" : row.side === "sell" ? "down" : "", `${row.side && price ? at.word("side", row.side) : ""} ${price}`),
          h("td", "wide", `${row.gate ? `[${at.word("gate", row.gate)}] ` : ""}${row.what}`),
        ]);
      })),
    ]);
  }
  async function story(order) {
    node("found").textContent = `${L("Searching")} ..`;
    const lang = document.documentElement.lang === "en" ? "en" : "zh";
    try {
      const told = await ask(`api/story?${new URLSearchParams({ order, lang })}`);
      node("story-page").textContent = told.page;
      node("story-title").textContent = `${L("StoryOf")} ${order}`;
      node("story").hidden = false;
      node("list").hidden = true;
      node("story-back").focus();
      problem("receipts-problem", "");
    } catch (error) { problem("receipts-problem", error.message); }
    showRows();
  }
  function list() { node("story").hidden = true; node("list").hidden = false; node("ask-order").focus(); }

  function open(which, moment) {
    names(moment);
    if (!node(which).open) node(which).showModal();
    if (which === "actions") stand();
    else fillReceipts();
  }

  return {
    begin(moment) {
      at = screen_;
      for (const which of ["actions", "receipts"]) {
        node(`open-${which}`).addEventListener("click", () => open(which, moment()));
        node(`shut-${which}`).addEventListener("click", () => node(which).close());
      }
      for (const id of ["operator", "command", "scope"]) node(id).addEventListener("change", () => { unwrite(); fill(); });
      for (const id of ["alert", "limit", "figure", "reason"]) node(id).addEventListener("input", unwrite);
      const presses = { prepare, copy, download, give, "search-record": search, "story-back": list };
      for (const [id, done] of Object.entries(presses)) node(id).addEventListener("click", done);
      node("signed").addEventListener("input", ready);
      node("file").addEventListener("change", async (event) => {
        const [file] = event.target.files;
        if (file) node("signed").value = await file.slice(0, 8192).text();
        ready();
      });
      for (const field of FIELDS) {
        node(`ask-${field}`).addEventListener("keydown", (event) => { if (event.key === "Enter") search(); });
      }
      node("receipt-rows").addEventListener("click", (event) => {
        const button = event.target.closest("button[data-order]");
        if (button) story(button.dataset.order);
      });
      stand();
      ready();
    },
    dressed() {
      if (!at) return;
      node("right").textContent = L(node("right").dataset.word);
      fill();
      fillReceipts();
    },
    isOpen: () => document.querySelector("dialog[open]") !== null,
    open,
  };
})();
