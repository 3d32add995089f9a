//! One value of the configuration: its type, its bounds, and the complaint when it has neither.
//!
//! A reader here is a function from a TOML value to a typed one; `section` calls it and adds the
//! place. None of them knows which key it reads.

use super::decimal::{self, DecimalError};
use super::error::Rule;
use super::rational::Rational;
use super::spelling::nearest;
use crate::port::interface::InterfaceChoice;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::RangeInclusive;
use toml::de::DeValue;

/// What a reader says of a value it refuses; the place and the key are added by the section.
pub(crate) struct Complaint {
    pub rule: Rule,
    /// Continues "`key` ..".
    pub message: String,
    pub label: String,
    pub help: Option<String>,
}

impl Complaint {
    pub(crate) fn new(rule: Rule, message: String, label: impl Into<String>) -> Self {
        Self { rule, message, label: label.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The type of a value, as people call it.
pub(crate) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a floating-point number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

pub(crate) fn wrong_type(value: &DeValue<'_>, wanted: &str) -> Complaint {
    let found = kind_of(value);
    Complaint::new(Rule::WrongType, format!("must be {wanted}, not {found}"), found)
}

fn out_of_bounds(shown: &str, lowest: &str, highest: &str) -> Complaint {
    let message = format!("is {shown}, and must be from {lowest} to {highest}");
    Complaint::new(Rule::OutOfBounds, message, format!("not in {lowest} ..= {highest}"))
}

/// A whole number within bounds.
pub(crate) fn whole<T>(bounds: RangeInclusive<T>) -> impl Fn(&DeValue<'_>) -> Result<T, Complaint>
where
    T: TryFrom<i64> + Copy + PartialOrd + std::fmt::Display,
{
    move |value| {
        let Some(integer) = value.as_integer() else {
            return Err(wrong_type(value, "a whole number"));
        };
        let (lowest, highest) = (bounds.start().to_string(), bounds.end().to_string());
        i64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .and_then(|wide| T::try_from(wide).ok())
            .filter(|narrow| bounds.contains(narrow))
            .ok_or_else(|| out_of_bounds(&integer.to_string(), &lowest, &highest))
    }
}

/// A power of two within bounds.
pub(crate) fn power_of_two(
    bounds: RangeInclusive<u64>,
) -> impl Fn(&DeValue<'_>) -> Result<u64, Complaint> {
    move |value| {
        let number = whole(bounds.clone())(value)?;
        if number.is_power_of_two() {
            return Ok(number);
        }
        let above = number.next_power_of_two();
        let message = format!("is {number}, which is not a power of two");
        Err(Complaint::new(Rule::PowerOfTwo, message, "not a power of two")
            .help(format!("the nearest are {} and {above}", above / 2)))
    }
}

/// Decimal text in units of 1e-9, within bounds given as text.
pub(crate) fn decimal_e9(
    lowest: &'static str,
    highest: &'static str,
) -> impl Fn(&DeValue<'_>) -> Result<i64, Complaint> {
    bounded(decimal::parse_e9, lowest, highest)
}

/// Decimal text as a Q32 coefficient, within bounds given as text.
pub(crate) fn decimal_q32(
    lowest: &'static str,
    highest: &'static str,
) -> impl Fn(&DeValue<'_>) -> Result<Coefficient, Complaint> {
    move |value| {
        let q32 = bounded(decimal::parse_q32, lowest, highest)(value)?;
        let text = value.as_str().unwrap_or_default();
        let exact = Rational::parse(text).unwrap_or_default();
        Ok(Coefficient { q32, text: text.to_owned(), exact })
    }
}

/// A number in Q32, and as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coefficient {
    /// The number times 2^32, rounded to the nearest.
    pub q32: i64,
    /// As the file has it; to 12 digits after the point where it follows from terms.
    pub text: String,
    /// The number before any rounding.
    pub exact: Rational,
}

/// Decimal text as it was written and as a fraction, within bounds given as text.
pub(crate) fn exact(
    lowest: &'static str,
    highest: &'static str,
) -> impl Fn(&DeValue<'_>) -> Result<Exact, Complaint> {
    move |value| {
        let text = decimal_text(value)?;
        let complain = |error: DecimalError| {
            let shown = format!("is {text:?}: {error}");
            Complaint::new(Rule::Decimal, shown, "not a decimal that can be held exactly")
        };
        let number = Rational::parse(text).map_err(complain)?;
        let (least, most) = (Rational::parse(lowest), Rational::parse(highest));
        if number.is_below(least.map_err(complain)?) || most.map_err(complain)?.is_below(number) {
            return Err(out_of_bounds(text, lowest, highest));
        }
        Ok(Exact { text: text.to_owned(), exact: number })
    }
}

/// A decimal that is not rounded, and as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exact {
    /// As the file has it.
    pub text: String,
    /// The number.
    pub exact: Rational,
}

fn bounded(
    parse: fn(&str) -> Result<i64, DecimalError>,
    lowest: &'static str,
    highest: &'static str,
) -> impl Fn(&DeValue<'_>) -> Result<i64, Complaint> {
    move |value| {
        let text = decimal_text(value)?;
        let complain = |error: DecimalError| {
            let shown = format!("is {text:?}: {error}");
            Complaint::new(Rule::Decimal, shown, "not a decimal that can be held exactly")
        };
        let number = parse(text).map_err(complain)?;
        let bounds = parse(lowest).map_err(complain)?..=parse(highest).map_err(complain)?;
        if bounds.contains(&number) {
            Ok(number)
        } else {
            Err(out_of_bounds(text, lowest, highest))
        }
    }
}

fn decimal_text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Complaint> {
    match value {
        DeValue::String(text) => Ok(text),
        DeValue::Float(float) => Err(Complaint::new(
            Rule::Float,
            format!("is the floating-point number {float}, which cannot be held exactly"),
            "a float",
        )
        .help(format!("write it as text: \"{float}\""))),
        DeValue::Integer(integer) => Err(wrong_type(value, "a decimal written as text")
            .help(format!("write it as text: \"{integer}\""))),
        _ => Err(wrong_type(value, "a decimal written as text")),
    }
}

/// `true` or `false`.
pub(crate) fn boolean(value: &DeValue<'_>) -> Result<bool, Complaint> {
    value.as_bool().ok_or_else(|| wrong_type(value, "true or false"))
}

/// Any text.
pub(crate) fn text_of<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Complaint> {
    value.as_str().ok_or_else(|| wrong_type(value, "text"))
}

/// Free text for people: one line, not blank, at most `most` characters.
pub(crate) fn line(most: usize) -> impl Fn(&DeValue<'_>) -> Result<String, Complaint> {
    move |value| {
        let text = text_of(value)?;
        let length = text.chars().count();
        if text.trim().is_empty() || length > most || text.chars().any(char::is_control) {
            let message = format!("must be one line of 1 to {most} characters, and has {length}");
            return Err(Complaint::new(
                Rule::OutOfBounds,
                message,
                "blank, too long, or not a line",
            ));
        }
        Ok(text.to_owned())
    }
}

/// A name that other places refer to.
pub(crate) fn name(value: &DeValue<'_>) -> Result<String, Complaint> {
    let text = value.as_str().ok_or_else(|| wrong_type(value, "a name in text"))?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if starts && text.len() <= 32 && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(Complaint::new(Rule::Name, format!("is {text:?}, which is no name"), "not a name")
        .help("a name is 1 to 32 of a-z, 0-9 and _, and starts with a letter"))
}

/// One of a few words, each standing for a value.
pub(crate) fn word<T: Copy>(
    words: &[(&'static str, T)],
) -> impl Fn(&DeValue<'_>) -> Result<T, Complaint> {
    move |value| {
        let text = text_of(value)?;
        if let Some((_, meant)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*meant);
        }
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        Err(unknown_word(text, &known))
    }
}

/// An identity that goes onto a wire: printable ASCII without blanks, of a certain length.
pub(crate) fn identity(
    length: RangeInclusive<usize>,
) -> impl Fn(&DeValue<'_>) -> Result<String, Complaint> {
    move |value| {
        let text = text_of(value)?;
        if length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(text.to_owned());
        }
        let (least, most) = (length.start(), length.end());
        let message = format!("is {text:?}, and must be {least} to {most} letters or digits");
        Err(Complaint::new(Rule::Identity, message, "does not fit its field on the wire"))
    }
}

/// One of a few words, kept as it is.
pub(crate) fn one_of(
    words: &'static [&'static str],
) -> impl Fn(&DeValue<'_>) -> Result<String, Complaint> {
    move |value| {
        let text = text_of(value)?;
        if words.contains(&text) {
            return Ok(text.to_owned());
        }
        Err(unknown_word(text, words))
    }
}

fn unknown_word(text: &str, words: &[&str]) -> Complaint {
    let list: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let message = format!("is {text:?}, and must be one of {}", list.join(", "));
    let complaint = Complaint::new(Rule::UnknownWord, message, "not one of the words");
    match nearest(text, words.iter().copied()) {
        Some(near) => complaint.help(format!("did you mean \"{near}\"?")),
        None => complaint,
    }
}

/// An IPv4 multicast group.
pub(crate) fn multicast(value: &DeValue<'_>) -> Result<Option<Ipv4Addr>, Complaint> {
    let text = value.as_str().ok_or_else(|| wrong_type(value, "an IPv4 address in text"))?;
    match text.parse::<Ipv4Addr>() {
        Ok(group) if group.is_multicast() => Ok(Some(group)),
        Ok(_) => Err(Complaint::new(
            Rule::Lines,
            format!("is {text}, which is not a multicast group"),
            "not in 224.0.0.0/4",
        )),
        Err(_) => Err(Complaint::new(
            Rule::Lines,
            format!("is {text:?}, which is not an IPv4 address"),
            "not an IPv4 address",
        )),
    }
}

/// Whether one host can have this address.
fn is_of_a_host(address: Ipv4Addr) -> bool {
    !address.is_multicast() && !address.is_broadcast() && !address.is_unspecified()
}

fn not_an_address(text: &str, wanted: &str) -> Complaint {
    Complaint::new(Rule::Address, format!("is {text:?}, and must be {wanted}"), "not an address")
}

/// The IPv4 address of one host that sends.
pub(crate) fn sender(value: &DeValue<'_>) -> Result<Option<Ipv4Addr>, Complaint> {
    let text = text_of(value)?;
    let address = text.parse().ok().filter(|address| is_of_a_host(*address));
    address.map(Some).ok_or_else(|| not_an_address(text, "the IPv4 address of one host"))
}

/// Where one host listens: an IPv4 address and a port.
pub(crate) fn endpoint(value: &DeValue<'_>) -> Result<Option<SocketAddrV4>, Complaint> {
    let text = text_of(value)?;
    let parsed = text.parse::<SocketAddrV4>().ok();
    let address = parsed.filter(|address| is_of_a_host(*address.ip()) && address.port() != 0);
    address.map(Some).ok_or_else(|| {
        not_an_address(text, "the IPv4 address and the port of one host")
            .help("write it as \"192.0.2.1:9000\"")
    })
}

/// Where one host listens for TCP connections: `tcp://192.0.2.1:9000`.
pub(crate) fn tcp_endpoint(value: &DeValue<'_>) -> Result<Option<SocketAddrV4>, Complaint> {
    let text = text_of(value)?;
    let parsed = text.strip_prefix("tcp://").and_then(|rest| rest.parse::<SocketAddrV4>().ok());
    let address = parsed.filter(|address| is_of_a_host(*address.ip()) && address.port() != 0);
    address.map(Some).ok_or_else(|| {
        not_an_address(text, "tcp:// and the IPv4 address and port of one host")
            .help("write it as \"tcp://192.0.2.1:9000\"")
    })
}

/// A network interface, by name or by address.
pub(crate) fn interface(value: &DeValue<'_>) -> Result<Option<InterfaceChoice>, Complaint> {
    let text = text_of(value)?;
    let choice = text.parse().ok().filter(|choice| match choice {
        InterfaceChoice::Address(address) => is_of_a_host(*address),
        InterfaceChoice::Name(_) => true,
    });
    choice.map(Some).ok_or_else(|| {
        not_an_address(text, "the name or the IPv4 address of a network interface")
            .help("`ip address` shows those of this host")
    })
}
