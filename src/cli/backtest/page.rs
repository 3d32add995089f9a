//! The page of a backtest: plots as inline SVG above the tables, and nothing fetched.

use super::Played;
use super::sheets;
use crate::audit::export::html::{self, Head};
use crate::monitor::{Lang, number};
use crate::sim::backtest::ASSUMPTIONS;
use crate::sim::backtest::curve::Curve;
use std::fmt::Write as _;
use std::io::{self, Write};
use xmc_hotpath::message::SpreadIndex;

/// How large a plot is.
const SIZE: [u64; 2] = [375, 190];

/// Where the line is drawn: the rest is for words.
const TOP: i128 = 16;
const BOTTOM: i128 = 174;

/// Bars of the distribution of slippage.
const BARS: usize = 40;

/// Writes the page.
///
/// # Errors
/// What the output says.
pub fn write(played: &Played<'_>, lang: Lang, out: &mut impl Write) -> io::Result<()> {
    let in_lang = usize::from(lang == Lang::Zh);
    let title = ["Backtest", "回测"][in_lang];
    let mut lines = vec![format!("{title}: {}", played.source)];
    lines.extend(played.lines(lang));
    let head = Head { title: title.to_owned(), lines };
    html::front(&head, lang, out)?;
    for (pair, row) in played.outcome.pairs.iter().zip(0..) {
        let name = played.labels.spread(SpreadIndex(row));
        let currency = played.currency(&name);
        writeln!(out, "<h2>{}</h2><div class=\"plots\">", html::escaped(&name))?;
        equity(&pair.curve, &currency, played.outcome.split_ns, in_lang, out)?;
        residual(&pair.curve, played.outcome.split_ns, in_lang, out)?;
        slippage(&pair.whole().slips_e9, &currency, in_lang, out)?;
        writeln!(out, "</div>")?;
    }
    let mut tables = sheets::summary(played, in_lang);
    tables.push(sheets::repair_list(played));
    tables.push(sheets::fire_list(played));
    for table in &tables {
        html::table(table, lang, out)?;
    }
    writeln!(out, "<h2>{}</h2><ul>", ["What the model assumes", "模型假设"][in_lang])?;
    for line in ASSUMPTIONS {
        writeln!(out, "<li>{}</li>", html::escaped(line[in_lang]))?;
    }
    writeln!(out, "</ul>")?;
    html::end(out)
}

/// A value's place between the ends.
fn height(value: i128, least: i128, most: i128) -> i128 {
    let range = (most - least).max(1);
    BOTTOM - (value - least) * (BOTTOM - TOP) / range
}

/// The x of a moment.
fn across(curve: &Curve, at_ns: u64) -> u128 {
    let lasts = u128::from(curve.step_ns) * curve.points.len().max(1) as u128;
    u128::from(at_ns) * u128::from(SIZE[0]) / lasts
}

fn line(curve: &Curve, split_ns: Option<u64>, values: &[i128], colour: &str) -> String {
    let least = values.iter().copied().min().unwrap_or(0).min(0);
    let most = values.iter().copied().max().unwrap_or(0).max(0);
    let mut points = String::new();
    for (value, place) in values.iter().zip(1_u64..) {
        let x = across(curve, place.saturating_mul(curve.step_ns));
        let _ = write!(points, "{x},{} ", height(*value, least, most));
    }
    let zero = height(0, least, most);
    let mut svg = format!(
        "<line x1=\"0\" y1=\"{zero}\" x2=\"{}\" y2=\"{zero}\" stroke=\"#d0d7de\"/>",
        SIZE[0]
    );
    if let Some(split_ns) = split_ns {
        let x = across(curve, split_ns);
        let _ = write!(
            svg,
            "<line x1=\"{x}\" y1=\"{TOP}\" x2=\"{x}\" y2=\"{BOTTOM}\" stroke=\"#57606a\" \
             stroke-dasharray=\"4 3\"/>"
        );
    }
    let _ = write!(
        svg,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
    );
    svg
}

fn ends(svg: &mut String, least: &str, most: &str) {
    let bottom = SIZE[1] - 4;
    let _ = write!(
        svg,
        "<text x=\"0\" y=\"11\">{most}</text><text x=\"0\" y=\"{bottom}\">{least}</text>"
    );
}

fn equity(
    curve: &Curve,
    currency: &str,
    split_ns: Option<u64>,
    in_lang: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let values: Vec<_> = curve.points.iter().map(|point| point.equity_e9).collect();
    let mut svg = line(curve, split_ns, &values, "#0969da");
    let least = values.iter().copied().min().unwrap_or(0).min(0);
    let most = values.iter().copied().max().unwrap_or(0).max(0);
    ends(&mut svg, &number::e9(least, 2), &number::e9(most, 2));
    let title = ["equity after fees", "费后权益"][in_lang];
    html::figure_of(&format!("{title} {currency}"), &svg, SIZE, out)
}

fn residual(
    curve: &Curve,
    split_ns: Option<u64>,
    in_lang: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let values: Vec<_> = curve.points.iter().map(|point| i128::from(point.residual_lots)).collect();
    let mut svg = line(curve, split_ns, &values, "#cf222e");
    let most = values.iter().copied().max().unwrap_or(0);
    ends(&mut svg, "0", &most.to_string());
    let title = ["lots out of ratio, the most at once", "敞口手数（区间最大）"][in_lang];
    html::figure_of(title, &svg, SIZE, out)
}

fn slippage(
    slips_e9: &[i64],
    currency: &str,
    in_lang: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let least = i128::from(slips_e9.iter().copied().min().unwrap_or(0));
    let most = i128::from(slips_e9.iter().copied().max().unwrap_or(0));
    let range = (most - least).max(1);
    let mut bars = [0_u64; BARS];
    for slip in slips_e9 {
        let place = (i128::from(*slip) - least) * (BARS as i128 - 1) / range;
        if let Some(bar) = usize::try_from(place).ok().and_then(|place| bars.get_mut(place)) {
            *bar += 1;
        }
    }
    let tallest = bars.iter().copied().max().unwrap_or(0).max(1);
    let wide = SIZE[0] / BARS as u64;
    let mut svg = String::new();
    for (count, place) in bars.iter().zip(0_u64..) {
        let y = height(i128::from(*count), 0, i128::from(tallest));
        let _ = write!(
            svg,
            "<rect x=\"{}\" y=\"{y}\" width=\"{}\" height=\"{}\" fill=\"#8250df\"/>",
            place * wide,
            wide - 2,
            BOTTOM - y
        );
    }
    let (low, high) = (number::e9(least, 2), number::e9(most, 2));
    let _ = write!(
        svg,
        "<text x=\"0\" y=\"11\">{}</text><text x=\"0\" y=\"{y}\">{low}</text>\
         <text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{high}</text>",
        number::count(tallest),
        SIZE[0],
        y = SIZE[1] - 4
    );
    let title = ["slippage of a fire", "单次触发滑点分布"][in_lang];
    html::figure_of(&format!("{title} {currency}"), &svg, SIZE, out)
}
