//! Lines of text whose width is known, in terminal cells: a Chinese character takes two.
//!
//! Nothing is cut without a sign: a name that is too long ends in `~`, a number that does not fit
//! becomes `###` (never a wrong number), and of parts that do not fit in a line the missing ones
//! are told by a `+` at its end.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Cells that `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// A line being written.
#[derive(Clone, Debug, Default)]
pub struct Text {
    spans: Vec<Span<'static>>,
    width: usize,
}

impl Text {
    /// An empty line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cells written so far.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Adds text as it is.
    pub fn put(&mut self, text: impl Into<String>, style: Style) -> &mut Self {
        let text = text.into();
        self.width += width(&text);
        self.spans.push(Span::styled(text, style));
        self
    }

    /// Adds blanks.
    pub fn gap(&mut self, cells: usize) -> &mut Self {
        self.put(" ".repeat(cells), Style::default())
    }

    /// Adds a name in so many cells, from the left.
    pub fn left(&mut self, name: &str, cells: usize, style: Style) -> &mut Self {
        let name = shortened(name, cells);
        let rest = cells - width(&name);
        self.put(name, style).gap(rest)
    }

    /// Adds a name in so many cells, to the right.
    pub fn right(&mut self, name: &str, cells: usize, style: Style) -> &mut Self {
        let name = shortened(name, cells);
        let rest = cells - width(&name);
        self.gap(rest).put(name, style)
    }

    /// Adds a number in so many cells, to the right.
    pub fn number(&mut self, number: &str, cells: usize, style: Style) -> &mut Self {
        let taken = width(number);
        if taken > cells {
            return self.put("#".repeat(cells), style);
        }
        self.gap(cells - taken).put(number, style)
    }

    /// Adds all of another line.
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.width += other.width;
        self.spans.extend(other.spans);
        self
    }

    /// Fills up to `cells` with blanks.
    pub fn fill(&mut self, cells: usize) -> &mut Self {
        self.gap(cells.saturating_sub(self.width))
    }

    /// The text of the line, without blanks at its end.
    #[must_use]
    pub fn plain(&self) -> String {
        let text: String = self.spans.iter().map(|span| span.content.as_ref()).collect();
        text.trim_end().to_owned()
    }

    /// The line.
    #[must_use]
    pub fn line(self) -> Line<'static> {
        Line::from(self.spans)
    }
}

/// `name` in at most `cells`, with a `~` where something is left out.
fn shortened(name: &str, cells: usize) -> String {
    if width(name) <= cells {
        return name.to_owned();
    }
    let mut short = String::new();
    let mut taken = 0;
    for character in name.chars() {
        let next = width(character.encode_utf8(&mut [0; 4]));
        if taken + next + 1 > cells {
            break;
        }
        taken += next;
        short.push(character);
    }
    if cells > 0 {
        short.push('~');
    }
    short
}

/// A sentence in lines of at most `cells`, broken at blanks, and within what alone is too long; at
/// most so many lines, the last with a `~` if something is left out.
#[must_use]
pub fn folded(sentence: &str, cells: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in sentence.split(' ') {
        let line = lines.last_mut().expect("there is always one");
        let room = cells.saturating_sub(width(line) + usize::from(!line.is_empty()));
        if width(word) > room && !line.is_empty() && width(word) <= cells {
            lines.push(word.to_owned());
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for character in word.chars() {
            let line = lines.last_mut().expect("there is always one");
            let next = width(character.encode_utf8(&mut [0; 4]));
            match width(line) + next <= cells || line.is_empty() {
                true => line.push(character),
                false => lines.push(character.to_string()),
            }
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push_str("~~");
            *last = shortened(last, cells);
        }
    }
    lines
}

/// Blanks between parts.
const BETWEEN: usize = 2;

/// Parts side by side with two blanks between them, as many as fit whole into `cells`.
#[must_use]
pub fn flow(parts: Vec<Text>, cells: usize) -> Text {
    let mut text = Text::new();
    let count = parts.len();
    for (place, part) in parts.into_iter().enumerate() {
        let gap = if text.width() == 0 { 0 } else { BETWEEN };
        // Room for the sign is kept for as long as something may still be left out.
        let sign = if place + 1 == count { 0 } else { 2 };
        if text.width() + gap + part.width() + sign > cells {
            if text.width() + 2 <= cells {
                text.put(" +", Style::default());
            }
            return text;
        }
        text.gap(gap).append(part);
    }
    text
}

/// Cells that `flow` needs for all of them.
#[must_use]
pub fn flow_width(parts: &[Text]) -> usize {
    let widths = parts.iter().map(|part| part.width() + BETWEEN);
    widths.sum::<usize>().saturating_sub(BETWEEN)
}

/// The same in as many lines as are needed, at most so many.
#[must_use]
pub fn wrapped(parts: Vec<Text>, cells: usize, most: usize) -> Vec<Text> {
    let mut lines = Vec::new();
    let mut rest = parts;
    while lines.len() + 1 < most {
        let fits = |count: usize| flow_width(&rest[..count]) <= cells;
        let count = (1..=rest.len()).rev().find(|&count| fits(count)).unwrap_or(0);
        if count == 0 || count == rest.len() {
            break;
        }
        let next = rest.split_off(count);
        lines.push(flow(std::mem::replace(&mut rest, next), cells));
    }
    lines.push(flow(rest, cells));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &Text) -> String {
        text.spans.iter().map(|span| span.content.as_ref()).collect()
    }

    fn of(write: impl Fn(&mut Text)) -> (String, usize) {
        let mut text = Text::new();
        write(&mut text);
        (shown(&text), text.width())
    }

    #[test]
    fn names_are_cut_with_a_sign_and_numbers_never() {
        let style = Style::default();
        for (name, cells, expected) in [
            ("cu2601", 8, "cu2601  "),
            ("cu2601", 6, "cu2601"),
            ("cu2601", 5, "cu26~"),
            ("买价", 4, "买价"),
            ("买价", 3, "买~"),
            // Half a character is never shown.
            ("买价", 2, "~ "),
            ("买", 0, ""),
        ] {
            let expected = (expected.to_owned(), cells);
            assert_eq!(of(|text| _ = text.left(name, cells, style)), expected);
        }
        assert_eq!(of(|text| _ = text.number("78,210", 8, style)).0, "  78,210");
        assert_eq!(of(|text| _ = text.number("78,210", 5, style)).0, "#####");
    }

    #[test]
    fn a_sentence_is_folded_into_lines_that_fit() {
        for (sentence, cells, most, expected) in [
            ("one two three", 20, 3, &["one two three"][..]),
            ("one two three", 7, 3, &["one two", "three"]),
            ("one two three", 7, 1, &["one tw~"]),
            ("one sixteen", 5, 3, &["one s", "ixtee", "n"]),
            ("账户占用过高", 5, 9, &["账户", "占用", "过高"]),
            ("账户 占用过高", 8, 9, &["账户", "占用过高"]),
            ("", 5, 2, &[""]),
        ] {
            assert_eq!(folded(sentence, cells, most), expected, "{sentence:?} in {cells}");
        }
    }

    #[test]
    fn parts_that_do_not_fit_are_told() {
        let part = |word: &str| {
            let mut text = Text::new();
            text.put(word, Style::default());
            text
        };
        let parts = || vec![part("买入"), part("bb"), part("cc")];
        for (cells, expected) in
            [(12, "买入  bb  cc"), (11, "买入  bb +"), (10, "买入  bb +"), (9, "买入 +"), (3, " +")]
        {
            let text = flow(parts(), cells);
            assert_eq!(shown(&text), expected, "{cells}");
            assert!(text.width() <= cells);
        }
        let lines = |cells, most| -> Vec<String> {
            wrapped(parts(), cells, most).iter().map(shown).collect()
        };
        assert_eq!(lines(8, 2), ["买入  bb", "cc"]);
        assert_eq!(lines(4, 3), ["买入", "bb", "cc"]);
        assert_eq!(lines(4, 2), ["买入", "bb +"]);
        assert_eq!(lines(12, 2), ["买入  bb  cc"]);
    }
}
