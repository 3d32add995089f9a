//! How things look: language, borders, colours. Colour never says anything alone: beside each
//! stands a sign or a word.

use super::super::words::{Lang, Worded};
use ratatui::style::{Color, Modifier, Style};

/// Which colour means up, and bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Direction {
    /// Red up, green down: China.
    RedUp,
    /// Green up, red down: elsewhere.
    GreenUp,
}

impl Direction {
    /// What people who read that language expect.
    #[must_use]
    pub const fn of(lang: Lang) -> Self {
        match lang {
            Lang::Zh => Self::RedUp,
            Lang::En => Self::GreenUp,
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::RedUp => Self::GreenUp,
            Self::GreenUp => Self::RedUp,
        }
    }
}

const RED: Color = Color::Indexed(203);
const GREEN: Color = Color::Indexed(78);
const GREY: Color = Color::Indexed(245);
const YELLOW: Color = Color::Indexed(220);
const BLUE: Color = Color::Indexed(75);
/// Unhedged exposure, wherever it is shown, whatever the settings: nothing else has this colour.
const ORANGE: Color = Color::Indexed(208);

/// How a screen looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The language.
    pub lang: Lang,
    /// Borders of `-` and `|` only.
    pub is_ascii: bool,
    /// Which colour means up.
    pub direction: Direction,
    /// Whether there are colours at all.
    pub has_colour: bool,
}

/// Whether the locale's characters are those of UTF-8: `LC_ALL`, else `LC_CTYPE`, else `LANG`.
fn has_unicode() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    is_unicode(&locale.unwrap_or_default())
}

/// Whether a locale's name, as `de_CH.UTF-8` or `C.utf8`, says so.
fn is_unicode(locale: &str) -> bool {
    let name = locale.to_ascii_lowercase();
    name.contains("utf-8") || name.contains("utf8")
}

impl Look {
    /// What the environment asks for, in a language.
    ///
    /// Terminals in Chinese locales draw lines two cells wide, so these have no drawn lines; nor
    /// have those whose locale is not UTF-8.
    #[must_use]
    pub fn of_environment(lang: Lang) -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        Self {
            lang,
            is_ascii: Lang::of_environment() == Lang::Zh || !has_unicode(),
            direction: Direction::of(lang),
            has_colour: !is_set("NO_COLOR"),
        }
    }

    /// The word in the language.
    pub fn word(&self, worded: impl Worded) -> &'static str {
        worded.word_in(self.lang)
    }

    /// What a rule is made of.
    pub fn rule(&self) -> &'static str {
        if self.is_plain_border() { "-" } else { "─" }
    }

    /// What stands between two parts side by side, in two cells.
    pub fn bar(&self) -> &'static str {
        if self.is_plain_border() { "| " } else { "│ " }
    }

    /// The same where both parts begin with a rule.
    pub fn crossing(&self) -> &'static str {
        if self.is_plain_border() { "+-" } else { "┬─" }
    }

    fn is_plain_border(&self) -> bool {
        self.is_ascii || self.lang == Lang::Zh
    }

    fn colour(&self, colour: Color) -> Style {
        if self.has_colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// Bought, up, a gain.
    pub fn up(&self) -> Style {
        self.colour(if self.direction == Direction::RedUp { RED } else { GREEN })
    }

    /// Sold, down, a loss.
    pub fn down(&self) -> Style {
        self.colour(if self.direction == Direction::RedUp { GREEN } else { RED })
    }

    /// Gain, loss or neither.
    pub fn signed(&self, value: i128) -> Style {
        match value {
            ..0 => self.down(),
            0 => Style::new(),
            1.. => self.up(),
        }
    }

    /// What figures mean.
    pub fn label(&self) -> Style {
        self.colour(GREY)
    }

    /// Titles.
    pub fn title(&self) -> Style {
        self.colour(BLUE).add_modifier(Modifier::BOLD)
    }

    /// What matters most.
    pub fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What somebody should look at.
    pub fn warning(&self) -> Style {
        self.colour(YELLOW).add_modifier(Modifier::BOLD)
    }

    /// Unhedged exposure.
    pub fn unhedged(&self) -> Style {
        self.colour(ORANGE).add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    /// The bar at the top, and the chosen pair.
    pub fn reversed(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_drawn_where_the_locale_has_them() {
        for locale in ["en_US.UTF-8", "C.utf8", "de_CH.utf8@euro", "zh_CN.UTF-8"] {
            assert!(is_unicode(locale), "{locale}");
        }
        for locale in ["", "C", "POSIX", "en_US", "en_US.ISO-8859-1", "zh_CN.GB18030"] {
            assert!(!is_unicode(locale), "{locale}");
        }
    }
}
