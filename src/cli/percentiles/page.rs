//! The curves as one picture on a page that needs nothing else.
//!
//! Across: how many of a sample's companions are slower, one of 10, of 100, and so on, each as wide
//! as the last, so that the tail is seen. Up: nanoseconds, each power of ten as high as the last.

use super::{Judged, Kept, SHARES, Shown, beside, percent};
use crate::audit::export::html::escaped;
use crate::percentiles::Curve;
use std::fmt::Write as _;

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;\
padding:0 1em;color:#1b1f24;background:#fff}h1{font-size:22px;margin:0 0 .5em}\
svg{width:100%;height:auto;display:block}text{font-size:12px;fill:#57606a}\
.grid{stroke:#eaeef2}.frame{stroke:#8c959f;fill:none}.curve{fill:none;stroke-width:2}\
.a{stroke:#57606a}.b{stroke:#0969da;stroke-dasharray:7 3}.budget{stroke:#cf222e;stroke-width:2}\
.missed,.met{paint-order:stroke;stroke:#fff;stroke-width:4px}\
.missed{fill:#cf222e}.met{fill:#116329}table{border-collapse:collapse;margin:1em 0;\
font-variant-numeric:tabular-nums}th,td{padding:.25em 1.2em .25em 0;text-align:right;\
border-bottom:1px solid #eaeef2}th{color:#57606a;font-weight:400}td:first-child,th:first-child\
{text-align:left}p{margin:.2em 0}.no{color:#a40e26;font-weight:600}.key{display:inline-block;\
width:2.2em;border-top:2px solid #57606a;vertical-align:middle;margin-right:.5em}\
.key.two{border-top:2px dashed #0969da}.key.line{border-top-color:#cf222e}\
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}.grid{stroke:#21262d}\
text,th{fill:#9198a1;color:#9198a1}.a{stroke:#d1d7e0}.key{border-top-color:#d1d7e0}\
.b{stroke:#4493f8}.missed,.met{stroke:#0d1117}\
th,td{border-color:#21262d}.no{color:#ff7b72}.met{fill:#3fb950}}";

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 34.0;

/// How the axes are cut.
struct Axes {
    /// Powers of ten of companions, to the right edge.
    nines: f64,
    /// Powers of ten of nanoseconds, below and above.
    least: f64,
    most: f64,
}

impl Axes {
    fn of(kept: &[Kept], judged: &[Judged]) -> Self {
        let values = || {
            let points = kept.iter().flat_map(|one| &one.curve.points).map(|point| point.value);
            points.chain(judged.iter().map(|line| line.allowed.most_ns))
        };
        let least = values().filter(|ns| *ns > 0.0).fold(f64::MAX, f64::min).max(1e-3);
        let most = values().fold(1.0, f64::max);
        let counts = kept.iter().map(|one| nines_of(&one.curve));
        let nines = counts.fold(2.0, f64::max).min(9.0);
        let (least, most) = (least.log10().floor(), most.log10().ceil());
        Self { nines, least, most: if most > least { most } else { least + 1.0 } }
    }

    fn x(&self, share: f64) -> f64 {
        let nines = if share >= 1.0 { self.nines } else { -(1.0 - share).log10() };
        LEFT + (WIDTH - LEFT - RIGHT) * nines.clamp(0.0, self.nines) / self.nines
    }

    fn y(&self, ns: f64) -> f64 {
        let height = (ns.max(1e-9).log10() - self.least) / (self.most - self.least);
        TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - height.clamp(0.0, 1.0))
    }
}

/// The power of ten of the number of samples: further right there is nothing.
fn nines_of(curve: &Curve) -> f64 {
    let last = curve.points.iter().rev().find(|point| point.share < 1.0);
    last.map_or(2.0, |point| -(1.0 - point.share).log10()) + 0.3
}

pub(super) fn page(kept: &[Kept], judged: &[Judged]) -> String {
    let mut page = String::new();
    // Nothing refuses bytes in memory.
    let _ = write(kept, judged, &mut page);
    page
}

fn write(kept: &[Kept], judged: &[Judged], out: &mut String) -> std::fmt::Result {
    writeln!(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")?;
    writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">"
    )?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">")?;
    writeln!(out, "<title>Percentiles</title><style>{STYLE}</style></head><body>")?;
    writeln!(out, "<h1>Percentiles of latency</h1>")?;
    for ((name, class), one) in [("A", "key"), ("B", "key two")].iter().zip(kept) {
        writeln!(
            out,
            "<p><span class=\"{class}\"></span>{name}: {}, {} samples</p>",
            escaped(&one.name),
            one.curve.count
        )?;
    }
    if !judged.is_empty() {
        writeln!(out, "<p><span class=\"key line\"></span>budget</p>")?;
    }
    picture(kept, judged, out)?;
    table(kept, judged, out)?;
    writeln!(out, "</body></html>")
}

fn picture(kept: &[Kept], judged: &[Judged], out: &mut String) -> std::fmt::Result {
    let axes = Axes::of(kept, judged);
    writeln!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"percentiles, the table \
         below has the figures\">"
    )?;
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let mut power = axes.least;
    while power <= axes.most {
        let y = axes.y(10f64.powf(power));
        writeln!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            decade(power)
        )?;
        power += 1.0;
    }
    for share in [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999_999] {
        let x = axes.x(share);
        if x > right - 24.0 {
            continue;
        }
        let name = if share > 0.0 { percent(share) } else { "least".to_owned() };
        writeln!(
            out,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
             <text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{name}</text>",
            bottom + 18.0
        )?;
    }
    writeln!(
        out,
        "<rect class=\"frame\" x=\"{LEFT}\" y=\"{TOP}\" width=\"{:.0}\" height=\"{:.0}\"/>",
        right - LEFT,
        bottom - TOP
    )?;
    for (class, one) in ["a", "b"].iter().zip(kept) {
        write!(out, "<polyline class=\"curve {class}\" points=\"")?;
        for point in &one.curve.points {
            write!(out, "{:.1},{:.1} ", axes.x(point.share), axes.y(point.value))?;
        }
        writeln!(out, "\"/>")?;
    }
    for line in judged {
        let (x, y) = (axes.x(line.allowed.share), axes.y(line.allowed.most_ns));
        let class = if line.is_met { "met" } else { "missed" };
        let (word, most) =
            (if line.is_met { "met" } else { "missed" }, Shown(line.allowed.most_ns));
        let (anchor, side) = if x > right - 150.0 { ("end", -8.0) } else { ("start", 8.0) };
        writeln!(
            out,
            "<line class=\"budget\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{} {most} \
             {word}</text>",
            x - 26.0,
            (x + 26.0).min(right),
            x + side,
            y - 6.0,
            percent(line.allowed.share)
        )?;
    }
    writeln!(out, "</svg>")
}

/// `1 µs`.
fn decade(power: f64) -> String {
    let (unit, name) = match power {
        power if power < 3.0 => (0.0, "ns"),
        power if power < 6.0 => (3.0, "µs"),
        power if power < 9.0 => (6.0, "ms"),
        _ => (9.0, "s"),
    };
    format!("{} {name}", 10f64.powf(power - unit))
}

fn table(kept: &[Kept], judged: &[Judged], out: &mut String) -> std::fmt::Result {
    write!(out, "<table><thead><tr><th>share</th><th>A</th>")?;
    if kept.len() > 1 {
        write!(out, "<th>B</th><th>B by A</th>")?;
    }
    writeln!(out, "</tr></thead><tbody>")?;
    for (share, name) in SHARES {
        let at: Vec<f64> = kept.iter().filter_map(|one| one.curve.at(share)).collect();
        write!(out, "<tr><td>{name}</td>")?;
        for value in &at {
            write!(out, "<td>{}</td>", Shown(*value))?;
        }
        if let [first, second] = at.as_slice()
            && *first > 0.0
        {
            write!(out, "<td>{}</td>", beside(*first, *second))?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table>")?;
    for line in judged {
        let (class, word) = if line.is_met { ("", "met") } else { ("no", "MISSED") };
        writeln!(
            out,
            "<p class=\"{class}\">{}: {} of {}, {word}</p>",
            percent(line.allowed.share),
            Shown(line.is_ns),
            Shown(line.allowed.most_ns)
        )?;
    }
    Ok(())
}
