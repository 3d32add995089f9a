//! One HTML page that needs nothing else: tables, and plots as inline SVG. No script, no font and
//! no picture is fetched, so it may be kept, printed and opened on an isolated host.

use super::{Cell, Sheet};
use crate::audit::day::{Buckets, Part};
use crate::monitor::Lang;
use crate::monitor::number;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use xmc_hotpath::time::Span;

const STYLE: &str = "body{font:14px/1.5 system-ui,'Noto Sans CJK SC','Microsoft YaHei',sans-serif;\
max-width:1200px;margin:2em auto;padding:0 1em;color:#1b1f24}h1{font-size:22px;margin:0}\
h2{font-size:16px;margin:2em 0 .5em}p.sub{color:#57606a;margin:.2em 0 1.5em}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
th,td{padding:.25em .7em;border-bottom:1px solid #d0d7de;text-align:left;white-space:nowrap}\
th{background:#f6f8fa}td.n,th.n{text-align:right}div.wide{overflow-x:auto}\
div.plots{display:flex;flex-wrap:wrap;gap:1.5em}figure{margin:0}figcaption{color:#57606a}\
svg text{font-size:11px;fill:#57606a}@media print{body{max-width:none;margin:0}}";

/// What stands above the tables.
#[derive(Clone, Debug)]
pub struct Head {
    /// The title.
    pub title: String,
    /// What is below it: whose day, from which journal, up to which hash.
    pub lines: Vec<String>,
}

/// Writes the page.
///
/// # Errors
/// What the output says.
pub fn write(
    head: &Head,
    sheets: &[Sheet],
    hours: &BTreeMap<u32, Part>,
    lang: Lang,
    out: &mut impl Write,
) -> io::Result<()> {
    front(head, lang, out)?;
    // Without hours there is nothing to be drawn by the hour.
    if !hours.is_empty() {
        plots(hours, lang, out)?;
    }
    for sheet in sheets {
        table(sheet, lang, out)?;
    }
    end(out)
}

/// Writes what stands above plots and tables.
///
/// # Errors
/// What the output says.
pub fn front(head: &Head, lang: Lang, out: &mut impl Write) -> io::Result<()> {
    let code = if lang == Lang::Zh { "zh-CN" } else { "en" };
    let title = escaped(&head.title);
    writeln!(out, "<!doctype html>\n<html lang=\"{code}\"><head><meta charset=\"utf-8\">")?;
    writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">"
    )?;
    writeln!(out, "<title>{title}</title><style>{STYLE}</style></head><body>")?;
    writeln!(out, "<h1>{title}</h1>")?;
    for line in &head.lines {
        writeln!(out, "<p class=\"sub\">{}</p>", escaped(line))?;
    }
    Ok(())
}

/// Ends the page.
///
/// # Errors
/// What the output says.
pub fn end(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "</body></html>")
}

/// Writes a sheet under its title.
///
/// # Errors
/// What the output says.
pub fn table(sheet: &Sheet, lang: Lang, out: &mut impl Write) -> io::Result<()> {
    let in_lang = usize::from(lang == Lang::Zh);
    writeln!(out, "<h2 id=\"{}\">{}</h2>", sheet.name, escaped(sheet.title[in_lang]))?;
    if sheet.rows.is_empty() {
        return writeln!(out, "<p>-</p>");
    }
    writeln!(out, "<div class=\"wide\"><table><thead><tr>")?;
    for (place, column) in sheet.columns.iter().enumerate() {
        let class = if sheet.rows[0][place].is_number() { " class=\"n\"" } else { "" };
        write!(out, "<th{class}>{}</th>", escaped(column.title[in_lang]))?;
    }
    writeln!(out, "</tr></thead><tbody>")?;
    for row in &sheet.rows {
        write!(out, "<tr>")?;
        for cell in row {
            let class = if cell.is_number() { " class=\"n\"" } else { "" };
            write!(out, "<td{class}>{}</td>", escaped(&cell.shown()))?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></div>")
}

fn plots(hours: &BTreeMap<u32, Part>, lang: Lang, out: &mut impl Write) -> io::Result<()> {
    let say = |en, zh| if lang == Lang::Zh { zh } else { en };
    let by_hour = |of: &dyn Fn(&Part) -> u64| {
        let mut bars = vec![0; 24];
        for (hour, part) in hours {
            if let Some(bar) = bars.get_mut(*hour as usize) {
                *bar = of(part);
            }
        }
        bars
    };
    let mut whole = Part::default();
    hours.values().for_each(|part| whole.merge(part));
    writeln!(out, "<div class=\"plots\">")?;
    let fires = by_hour(&|part| part.sum_of_spreads(|row| row.fires));
    bars(say("fires by hour", "分时触发次数"), &fires, out)?;
    let orders = by_hour(&|part| part.sum(|row| row.orders + row.cancels));
    bars(say("orders and cancels by hour", "分时报撤笔数"), &orders, out)?;
    for (title, of) in [
        (say("packet to order", "行情到报单"), &whole.tick_to_order),
        (say("order to first fill", "报单到首笔成交"), &whole.order_to_fill),
    ] {
        percentiles(title, of, out)?;
    }
    writeln!(out, "</div>")
}

const WIDTH: u64 = 360;
const HEIGHT: u64 = 150;

/// Bars of the 24 hours.
fn bars(title: &str, values: &[u64], out: &mut impl Write) -> io::Result<()> {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let mut svg = String::new();
    for (value, hour) in values.iter().zip(0..) {
        let (x, height) = (
            hour * 15,
            u64::try_from(u128::from(*value) * u128::from(HEIGHT - 30) / u128::from(most))
                .unwrap_or(0),
        );
        let y = HEIGHT - 20 - height;
        let _ = write!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"{height}\" fill=\"#0969da\">\
             <title>{hour:02}: {value}</title></rect>"
        );
        if hour % 3 == 0 {
            let y = HEIGHT - 5;
            let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\">{hour:02}</text>");
        }
    }
    let _ = write!(svg, "<text x=\"0\" y=\"10\">{}</text>", number::count(most));
    figure(title, &svg, out)
}

/// The part of all spans that took at most so long, over a logarithmic scale of time.
fn percentiles(title: &str, of: &Buckets, out: &mut impl Write) -> io::Result<()> {
    let mut points = String::new();
    let (mut svg, mut seen) = (String::new(), 0_u64);
    // Powers of two from 64 ns to 17 s: a column of the plot for each eighth.
    let x_of = |ns: u64| -> u64 {
        let ns = ns.clamp(64, 1 << 34);
        let whole = u64::from(63 - ns.leading_zeros());
        let part = (ns >> (whole.saturating_sub(3))) & 7;
        ((whole - 6) * 8 + part) * WIDTH / 225
    };
    for (ns, count) in of.cells() {
        seen += count;
        let down = u128::from(seen) * u128::from(HEIGHT - 30) / u128::from(of.count.max(1));
        let y = HEIGHT - 20 - u64::try_from(down).unwrap_or(0);
        let _ = write!(points, "{},{y} ", x_of(ns));
    }
    for ns in [1_000, 100_000, 10_000_000, 1_000_000_000] {
        let (x, y) = (x_of(ns), HEIGHT - 5);
        let label = number::span(Span(ns)).replace(".00", "");
        let _ = write!(
            svg,
            "<line x1=\"{x}\" y1=\"10\" x2=\"{x}\" y2=\"{}\" stroke=\"#d0d7de\"/>\
             <text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{label}</text>",
            HEIGHT - 20
        );
    }
    let _ = write!(
        svg,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"#cf222e\" stroke-width=\"2\"/>\
         <text x=\"0\" y=\"10\">100%</text>"
    );
    let shown = |thousandths| of.quantile_ns(thousandths).map_or(Cell::None, Cell::Ns).shown();
    let title = format!("{title}: p50 {}, p99 {}", shown(500), shown(990));
    figure(&title, &svg, out)
}

fn figure(title: &str, svg: &str, out: &mut impl Write) -> io::Result<()> {
    figure_of(title, svg, [WIDTH, HEIGHT], out)
}

/// Writes a plot of a width and a height, with its title below.
///
/// # Errors
/// What the output says.
pub fn figure_of(
    title: &str,
    svg: &str,
    [width, height]: [u64; 2],
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(
        out,
        "<figure><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">{svg}</svg><figcaption>{}</figcaption>\
         </figure>",
        escaped(title)
    )
}

/// A text as the text of an element or of a quoted attribute.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
