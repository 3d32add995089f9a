//! Families as text: Prometheus 0.0.4 and `OpenMetrics` 1.0.

use super::family::Family;
use super::name::Type;
use std::fmt::Write;

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Prometheus text of version 0.0.4.
    #[default]
    Text,
    /// `OpenMetrics` 1.0.
    Openmetrics,
}

impl Format {
    /// What a client wants that sends `accept`: `OpenMetrics` if it names it and does not want
    /// plain text more, else plain text.
    #[must_use]
    pub fn wanted(accept: &str) -> Self {
        let weight = |of: &str| {
            let parts = accept.split(',').filter(|part| {
                part.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(of))
            });
            let weights = parts.map(|part| {
                let q = part.split(';').find_map(|field| field.trim().strip_prefix("q="));
                q.map_or(1.0, |q| q.trim().parse::<f64>().unwrap_or(0.0))
            });
            weights.fold(0.0, f64::max)
        };
        let wanted = weight("application/openmetrics-text");
        if wanted > 0.0 && wanted >= weight("text/plain") { Self::Openmetrics } else { Self::Text }
    }

    /// What it is called in a head.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::Openmetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Families as text.
    #[must_use]
    pub fn write(self, families: &[Family]) -> String {
        let mut out = String::new();
        for family in families {
            // Writing to text cannot fail.
            let _ = self.family(family, &mut out);
        }
        if self == Self::Openmetrics {
            out.push_str("# EOF\n");
        }
        out
    }

    fn family(self, family: &Family, out: &mut String) -> std::fmt::Result {
        let name = match self {
            // There a counter's family has no suffix, and its series have.
            Self::Openmetrics if family.kind == Type::Counter => {
                family.name.strip_suffix("_total").unwrap_or(&family.name)
            }
            Self::Text | Self::Openmetrics => &family.name,
        };
        writeln!(out, "# HELP {name} {}", self.sentence(&family.about))?;
        writeln!(out, "# TYPE {name} {}", family.kind.word())?;
        if self == Self::Openmetrics && !family.unit.is_empty() {
            writeln!(out, "# UNIT {name} {}", family.unit)?;
        }
        for sample in &family.samples {
            write!(out, "{}{}", family.name, sample.suffix)?;
            for (place, (label, value)) in sample.labels.iter().enumerate() {
                let before = if place == 0 { '{' } else { ',' };
                write!(out, "{before}{label}=\"{}\"", quoted(value))?;
            }
            let after = if sample.labels.is_empty() { "" } else { "}" };
            writeln!(out, "{after} {}", sample.value)?;
        }
        Ok(())
    }

    fn sentence(self, about: &str) -> String {
        match self {
            Self::Text => about.replace('\\', "\\\\").replace('\n', "\\n"),
            Self::Openmetrics => quoted(about),
        }
    }
}

/// With what would end a text between quotes escaped.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn a_client_gets_what_it_wants_most() {
        for (accept, wanted) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/plain;version=0.0.4", Format::Text),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
                 version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::Openmetrics,
            ),
            ("text/plain, application/openmetrics-text; q=0.2", Format::Text),
            ("application/openmetrics-text; q=0", Format::Text),
        ] {
            assert_eq!(Format::wanted(accept), wanted, "{accept}");
        }
    }
}
