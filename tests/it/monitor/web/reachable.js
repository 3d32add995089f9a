(() => {
  const root = document.querySelector("dialog[open]") || document.body;
  const all = root.querySelectorAll("button, input, select, textarea, a[href], [tabindex='0']");
  const can = [...all].filter((one) => !one.disabled && one.checkVisibility() && one.tabIndex >= 0);
  can.forEach((one, place) => { one.dataset.place = place; });
  return can.map((one) => one.id || one.className || one.localName);
})()
