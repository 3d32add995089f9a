(() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const parts = (text) => text.match(/[\d.]+/g).slice(0, 3).map((part) => part / 255);
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const light = (text) => parts(text).map(linear).reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  let ground = one.parentElement;
  while (ground && /, 0\)$|transparent/.test(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
  const both = [light(style.outlineColor), light(getComputedStyle(ground || document.body).backgroundColor)].sort((a, b) => b - a);
  return { place: one.dataset.place === undefined ? null : Number(one.dataset.place),
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    contrast: (both[0] + 0.05) / (both[1] + 0.05) };
})()
