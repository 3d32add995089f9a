// What a person who does not see well, or has no mouse, needs of the page: names of controls,
// contrast of all text that is seen, headers of tables, a language, no order of their own. Ours,
// because nothing of a package registry is brought into this project; the rules are WCAG 2.2's
// 1.3.1, 1.4.3 (its 4.5 to 1 for large text too), 2.4.3, 3.1.1 and 4.1.2. What is drawn on a canvas
// is not seen here. Comes to a list of findings; `measured` counts the texts that were looked at.
(() => {
  "use strict";
  const findings = [], LEAST = 4.5;
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    && [...element.getClientRects()].some((box) => box.width > 0 && box.height > 0);
  const called = (element) => {
    const id = element.id ? `#${element.id}` : "", cls = [...element.classList].map((one) => `.${one}`).join("");
    return `${element.localName}${id}${cls}`;
  };
  const open = document.querySelector("dialog[open]");
  const root = open || document.body;

  /* Names. */
  const CONTROLS = "button, input, select, textarea, a[href], summary, [role=option], [role=button], [tabindex], [role=listbox], [role=log], [role=region], dialog[open]";
  const text = (element) => (element ? element.textContent.trim() : "");
  function nameOf(element) {
    const by = (element.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
    const own = ["BUTTON", "A", "SUMMARY"].includes(element.tagName) || ["option", "button"].includes(element.getAttribute("role"));
    return by.map((id) => text(document.getElementById(id))).join(" ").trim()
      || (element.getAttribute("aria-label") || "").trim()
      || [...(element.labels || [])].map((label) => text(label.querySelector("span") || label)).join(" ").trim()
      || (own ? text(element) : "");
  }
  for (const element of document.querySelectorAll(CONTROLS)) {
    if (!root.contains(element) || !shown(element)) continue;
    if (!nameOf(element)) findings.push(`${called(element)} has no name`);
  }

  /* Contrast. */
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.canvas.width = canvas.canvas.height = 1;
  const known = new Map();
  // Whatever way a colour is written in, as four numbers of 0 to 1.
  function colour(written) {
    if (!known.has(written)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = written;
      canvas.fillRect(0, 0, 1, 1);
      known.set(written, [...canvas.getImageData(0, 0, 1, 1).data].map((part) => part / 255));
    }
    return known.get(written);
  }
  const over = (top, below, opacity) => {
    const share = top[3] * opacity;
    return [0, 1, 2].map((part) => top[part] * share + below[part] * (1 - share)).concat(1);
  };
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  function behind(element) {
    const chain = [];
    for (let one = element; one; one = one.parentElement) chain.unshift(one);
    let ground = [1, 1, 1, 1];
    for (const one of chain) {
      ground = over(colour(getComputedStyle(one).backgroundColor), ground, 1);
      // Bars that are drawn behind figures.
      const before = getComputedStyle(one, "::before");
      if (before.content !== "none" && before.position === "absolute" && parseFloat(before.width) > 8) {
        ground = over(colour(before.backgroundColor), ground, Number(before.opacity));
      }
    }
    return ground;
  }
  const opacity = (element) => {
    let all = 1;
    for (let one = element; one; one = one.parentElement) all *= Number(getComputedStyle(one).opacity);
    return all;
  };
  let measured = 0;
  const worst = new Map();
  function measure(element, sample, style) {
    const ground = behind(element), front = over(colour(style.color), ground, opacity(element));
    const found = contrast(front, ground);
    measured += 1;
    const place = called(element) + (element.parentElement ? ` in ${called(element.parentElement)}` : "");
    if (found < LEAST && !(worst.get(place) < found)) {
      worst.set(place, found);
      findings.push(`${place}: ${found.toFixed(2)} to 1 for "${sample.slice(0, 30)}"`);
    }
  }
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const sample = walker.currentNode.data.trim(), element = walker.currentNode.parentElement;
    if (!sample || !element || ["SCRIPT", "STYLE", "OPTION"].includes(element.tagName) || !shown(element)) continue;
    // What cannot be used need not be read (1.4.3).
    if (element.closest(":disabled")) continue;
    measure(element, sample, getComputedStyle(element));
  }
  for (const element of root.querySelectorAll("input, select, textarea")) {
    if (!shown(element) || element.disabled) continue;
    measure(element, element.value || called(element), getComputedStyle(element));
    if (element.placeholder) measure(element, element.placeholder, getComputedStyle(element, "::placeholder"));
  }

  /* Tables, order, language. */
  for (const table of root.querySelectorAll("table")) {
    if (!shown(table)) continue;
    const heads = [...table.querySelectorAll("th")];
    const columns = Math.max(...[...table.rows].map((row) => row.cells.length));
    if (!heads.length || heads.some((head) => !head.scope || !text(head)) || heads.length < columns) {
      findings.push(`${called(table)} has columns without a header`);
    }
  }
  for (const list of root.querySelectorAll("[role=listbox]")) {
    const options = [...list.querySelectorAll("[role=option]")];
    if (options.length && options.filter((one) => one.tabIndex === 0).length !== 1) {
      findings.push(`${called(list)} is not reached by the tab key at one of its options`);
    }
  }
  for (const element of document.querySelectorAll("[tabindex]")) {
    if (element.tabIndex > 0) findings.push(`${called(element)} makes an order of its own`);
  }
  if (!/^(en|zh-CN)$/.test(document.documentElement.lang)) findings.push(`the page is in "${document.documentElement.lang}"`);
  if (!document.title.trim()) findings.push("the page has no title");
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids)) {
    if (ids.indexOf(id) !== ids.lastIndexOf(id)) findings.push(`#${id} is there twice`);
  }
  return { findings, measured };
})();
