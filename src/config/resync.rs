//! `[resync]` and `[[resync.source]]`: what venues, brokers and clearing houses say is held, and
//! how the desk is compared with it.

use super::access::Refused;
use super::error::{Problem, Report, Rule};
use super::names::{Names, Registry};
use super::section::Section;
use super::value::{boolean, decimal_e9, endpoint, line, name, whole, word};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;

/// What follows for a position that differs from the venue's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VenueWins {
    /// Nothing: it is reported, and its pairs stay closed.
    Report,
    /// The desk is told the venue's; its pairs stay closed until somebody has explained it.
    #[default]
    Adopt,
    /// The desk is told the venue's; its pairs open when the next double read agrees.
    AdoptAndOpen,
}

impl VenueWins {
    const WORDS: &[(&'static str, Self)] =
        &[("report", Self::Report), ("adopt", Self::Adopt), ("adopt_and_open", Self::AdoptAndOpen)];

    /// Its word in files and reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        super::word_for(Self::WORDS, self)
    }
}

/// How the desk is compared with statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resync {
    /// Between two cycles of a source, s.
    pub every_s: u32,
    /// After so long all that was under way has been heard, ms.
    pub settle_ms: u32,
    /// Nothing is opened at a gateway before a statement agrees: at the start, after a reconnect,
    /// and when statements stop coming.
    pub is_required: bool,
    /// What follows for a position that differs.
    pub venue_wins: VenueWins,
    /// Where statements come from; at least one.
    pub sources: Vec<ResyncSource>,
}

/// Where statements come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResyncSource {
    /// Its name.
    pub name: String,
    /// The gateway whose account it is.
    pub gateway: usize,
    /// The account, as statements write it.
    pub account: String,
    /// The venue, as statements write it.
    pub venue: String,
    /// Where they are.
    pub place: StatementPlace,
    /// A statement that is waited for comes within so long, s.
    pub max_age_s: u32,
    /// Money may be off by so much, units of 1e-9.
    pub tolerance_e9: i64,
}

/// Where statements are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementPlace {
    /// A file that is replaced, or a directory of files.
    File(PathBuf),
    /// A stream of drop copies.
    Stream(SocketAddr),
}

impl StatementPlace {
    /// The word of its kind.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Stream(_) => "stream",
        }
    }
}

impl fmt::Display for StatementPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stream(address) => write!(f, "{address}"),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    File,
    Stream,
}

const FORMS: &[(&str, Form)] = &[("file", Form::File), ("stream", Form::Stream)];

/// Reads the sections, if there are any.
pub(super) fn resync(
    section: Option<Section<'_>>,
    names: &Registry,
    report: &Report,
) -> Result<Option<Resync>, Refused> {
    let Some(section) = section else { return Ok(None) };
    let sources = section.tables("source");
    Names::gather("resync.source", &sources, report);
    if sources.is_empty() && !section.is_broken() {
        let message = "there is a resync, and no statement that the desk is compared with";
        let place = section.place().clone();
        let problem = Problem::new(Rule::ResyncSources, message, place, "no [[resync.source]]");
        section.fail(problem.help("write [[resync.source]] with name, gateway, account and kind"));
    }
    let settle_ms = section.optional("settle_ms", whole(100..=60_000)).map_or(2_000, |ms| ms.value);
    let read = |part| source(part, names, settle_ms);
    let sources: Option<Vec<_>> = sources.into_iter().map(read).collect();
    let is_read = sources.is_some();
    let resync = Resync {
        every_s: section.optional("every_s", whole(1..=86_400)).map_or(30, |s| s.value),
        settle_ms,
        is_required: section.optional("required", boolean).is_none_or(|is| is.value),
        venue_wins: section
            .optional("venue_wins", word(VenueWins::WORDS))
            .map_or_else(VenueWins::default, |wins| wins.value),
        sources: sources.unwrap_or_default(),
    };
    section.finish(resync).filter(|_| is_read).map(Some).ok_or(Refused)
}

fn source(section: Section<'_>, names: &Registry, settle_ms: u32) -> Option<ResyncSource> {
    let called = section.required("name", name);
    let gateway = names.gateways.resolve(&section, "gateway");
    let account = section.required("account", line(64)).value;
    let of_gateway = names.gateways.iter().nth(gateway.value).unwrap_or_default().to_owned();
    let venue = section.optional("venue", line(64)).map_or(of_gateway, |venue| venue.value);
    let place = match section.required("kind", word(FORMS)).value {
        Form::File => StatementPlace::File(section.required("path", line(4_096)).value.into()),
        Form::Stream => {
            let address = section.required("address", endpoint).value;
            let nowhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
            StatementPlace::Stream(address.unwrap_or(nowhere).into())
        }
    };
    let max_age = section.optional("max_age_s", whole(1..=86_400_u32));
    if let Some(written) = &max_age
        && u64::from(written.value) * 1_000 <= u64::from(settle_ms)
    {
        let message = format!(
            "a statement may be {} s old, and the desk settles in {settle_ms} ms",
            written.value
        );
        let problem = Problem::new(Rule::ResyncPace, message, written.place.clone(), "too short");
        section.fail(problem.help("make max_age_s longer, or settle_ms shorter"));
    }
    let tolerance = section.optional("money_tolerance", decimal_e9("0", "1000000000"));
    let source = ResyncSource {
        name: called.value,
        gateway: gateway.value,
        account,
        venue,
        place,
        max_age_s: max_age.map_or(60, |age| age.value),
        tolerance_e9: tolerance.map_or(0, |tolerance| tolerance.value),
    };
    section.finish(source)
}
