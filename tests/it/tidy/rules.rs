//! The rules: each looks at one file and says what it finds.

use super::source::{Part, Source, has_word, is_word};
use std::collections::BTreeSet;

/// Files that a rule leaves alone, each with the reason.
pub type Excepted = &'static [(&'static str, &'static str)];

/// Columns that a line may have.
const MAX_COLUMNS: usize = 100;

/// Lines that a source file may have.
pub const MAX_LINES: usize = 600;

// Taken apart, so that this file does not break its own rules.
pub const MACHINE_PATHS: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/fa", "rm/"),
    concat!("/ho", "me/"),
    concat!("/tm", "p/bash_jobs"),
];
pub const UNFINISHED: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];
pub const UNFINISHED_CODE: [&str; 4] = [
    concat!("db", "g!"),
    concat!("to", "do!"),
    concat!("unimplem", "ented!"),
    concat!("#[ign", "ore"),
];

/// Names that say nothing about what a module or type is.
pub const EMPTY_NAMES: [&str; 10] =
    ["util", "utils", "helper", "helpers", "common", "manager", "handler", "data", "info", "misc"];

/// Folders of the project that pages point into.
const ROOTS: [&str; 8] =
    ["src/", "hotpath/", "tests/", "benches/", "config/", "perf/", "scripts/", ".ci/"];

/// The registry that everybody has.
const PUBLIC_REGISTRY: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";

/// Lines of `text` with the findings that `judge` has for each.
fn by_line(source: &Source, text: &str, judge: impl Fn(&str) -> Option<String>) -> Vec<String> {
    text.lines()
        .enumerate()
        .filter_map(|(number, line)| judge(line).map(|what| source.finding(number, &what)))
        .collect()
}

/// No path that exists on one machine only.
pub fn machine_paths(source: &Source) -> Vec<String> {
    by_line(source, &source.text, |line| {
        let path = MACHINE_PATHS.iter().find(|path| line.contains(**path))?;
        Some(format!("`{path}` is a path of one machine"))
    })
}

/// No marks for later, no code that stands in for code, no test that is switched off.
pub fn unfinished(source: &Source) -> Vec<String> {
    by_line(source, &source.text, |line| {
        let mark = UNFINISHED.iter().find(|word| has_word(line, word));
        let code = UNFINISHED_CODE.iter().find(|code| source.is_rust() && line.contains(**code));
        Some(format!("`{}`: finish it or leave it out", mark.or(code)?))
    })
}

/// Lines fit a screen; tables and addresses cannot be broken.
pub fn columns(source: &Source) -> Vec<String> {
    let is_ours = source.is_rust() || source.path.ends_with(".toml") || source.is_script();
    if !is_ours {
        return Vec::new();
    }
    by_line(source, &source.text, |line| {
        let columns = line.chars().count();
        let said = line.trim_start().trim_start_matches(['/', '!', '#', ' ']);
        let is_table = said.starts_with('|') || said.starts_with('│');
        (columns > MAX_COLUMNS && !is_table && !line.contains("://"))
            .then(|| format!("{columns} columns, at most {MAX_COLUMNS}"))
    })
}

/// A file that has grown too long holds more than one idea.
pub fn lines(source: &Source, excepted: Excepted) -> Vec<String> {
    let is_source = source.path.starts_with("src/") || source.path.starts_with("hotpath/src/");
    let count = source.text.lines().count();
    if !is_source || count <= MAX_LINES || is_in(excepted, source) {
        return Vec::new();
    }
    vec![source.finding(count, &format!("{count} lines, at most {MAX_LINES}: divide it by idea"))]
}

/// `unsafe` in code, where it is not listed; a listed file that has none any more.
pub fn unsafety(source: &Source, listed: Excepted) -> Vec<String> {
    if !source.is_rust() {
        return Vec::new();
    }
    let found = by_line(source, &source.only(&[Part::Code]), |line| {
        has_word(line, "unsafe").then(|| "`unsafe` in a file that is not listed for it".to_owned())
    });
    match (is_in(listed, source), found.is_empty()) {
        (true, true) => vec![source.finding(0, "listed for `unsafe`, but has none: strike it")],
        (true, false) => Vec::new(),
        (false, _) => found,
    }
}

/// A lint is switched off by `expect`, which complains when it is not needed, and with a reason.
pub fn lints(source: &Source) -> Vec<String> {
    if !source.is_rust() {
        return Vec::new();
    }
    let code = source.only(&[Part::Code]);
    let mut found = by_line(source, &code, |line| {
        let is_attribute = line.contains("#[") || line.contains("#![") || line.contains("_attr(");
        let is_allowed = is_attribute
            && line.match_indices("allow(").any(|(at, _)| !line[..at].ends_with(is_word));
        is_allowed.then(|| "`allow`: use `#[expect(.., reason = \"..\")]`".to_owned())
    });
    for (at, _) in code.match_indices("[expect(") {
        let inside = code[at..].split(")]").next().unwrap_or("");
        if !has_word(inside, "reason") {
            found.push(source.finding(code[..at].lines().count() - 1, "`expect` without a reason"));
        }
    }
    found
}

/// Every file of Rust starts by saying what it is.
pub fn module_docs(source: &Source) -> Vec<String> {
    if !source.is_rust() || source.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![source.finding(0, "starts without a `//!` that says what it is")]
}

/// No module and no type is called by a word that fits everything.
pub fn names(source: &Source) -> Vec<String> {
    if !source.is_rust() {
        return Vec::new();
    }
    let mut found: Vec<_> = source
        .module()
        .split('/')
        .filter(|name| EMPTY_NAMES.contains(name))
        .map(|name| source.finding(0, &format!("`{name}` says nothing about what is in it")))
        .collect();
    found.extend(by_line(source, &source.only(&[Part::Code]), |line| {
        let mut words = line.split(|c| !is_word(c)).filter(|word| !word.is_empty());
        let is_named = |word: &str| matches!(word, "mod" | "struct" | "enum" | "trait" | "type");
        words.find(|word| is_named(word))?;
        let name = words.next()?;
        let is_empty = EMPTY_NAMES.iter().any(|empty| {
            let (first, rest) = empty.split_at(1);
            name == *empty || name.ends_with(&(first.to_uppercase() + rest))
        });
        is_empty.then(|| format!("`{name}` says nothing about what it is"))
    }));
    found
}

/// Hot code and its texts are ASCII; only its comments may speak Chinese.
pub fn ascii(source: &Source) -> Vec<String> {
    if !source.is_rust() || !source.path.starts_with("hotpath/") {
        return Vec::new();
    }
    by_line(source, &source.only(&[Part::Code, Part::Literal]), |line| {
        let odd = line.chars().find(|c| !c.is_ascii())?;
        Some(format!("`{odd}` is not ASCII"))
    })
}

/// Comments are neither banners nor code that was put aside.
pub fn comments(source: &Source) -> Vec<String> {
    if !source.is_rust() {
        return Vec::new();
    }
    by_line(source, &source.only(&[Part::Comment]), |line| {
        let said = line.trim().trim_start_matches(['/', '!', ' ']);
        let is_table = said.starts_with(['|', '+']);
        if ["----", "====", "****", "////"].iter().any(|rule| line.contains(rule)) && !is_table {
            return Some("a banner: divide the file, or leave it out".to_owned());
        }
        let starts = ["let ", "use ", "pub ", "fn ", "return ", "assert", "self.", "match "];
        let is_plain = line.trim().starts_with("// ");
        let is_code = starts.iter().any(|start| said.starts_with(start))
            && said.ends_with([';', '{', '}'])
            && said.contains(['(', '=', ':', '.']);
        (is_plain && is_code).then(|| "code that was put aside: leave it out".to_owned())
    })
}

/// Every layout struct has its size asserted in its own file.
pub fn layouts(source: &Source) -> Vec<String> {
    let is_layout = source.path.starts_with("hotpath/src/venue/")
        && (source.module().ends_with("/layout") || source.path.contains("/layout/"));
    if !is_layout {
        return Vec::new();
    }
    let code = source.only(&[Part::Code]);
    let mut found = Vec::new();
    for (at, _) in code.match_indices("#[repr(C)]") {
        // A macro names its structs with a `$`.
        let is_end = |c| !is_word(c) && c != '$';
        let mut words = code[at..].split(is_end).skip_while(|word| *word != "struct");
        let Some(name) = words.nth(1) else {
            continue;
        };
        if !code.contains(&format!("size_of::<{name}>()")) {
            let line = code[..at].lines().count();
            found.push(source.finding(line, &format!("the size of `{name}` is not asserted")));
        }
    }
    found
}

/// The lock file names the public registry and nothing else: everybody can build this.
pub fn lock(source: &Source) -> Vec<String> {
    if source.path != "Cargo.lock" {
        return Vec::new();
    }
    by_line(source, &source.text, |line| {
        let origin = line.strip_prefix("source = ")?;
        (origin != PUBLIC_REGISTRY).then(|| format!("a dependency comes from {origin}"))
    })
}

/// Files that a page names are there: `is_there` says which are.
pub fn named_paths(source: &Source, is_there: impl Fn(&str) -> bool) -> Vec<String> {
    if !source.path.ends_with(".md") {
        return Vec::new();
    }
    by_line(source, &source.text, |line| {
        // Between backticks stands every other part.
        let named = line.split('`').skip(1).step_by(2);
        let missing = named
            .filter(|named| ROOTS.iter().any(|root| named.starts_with(root)))
            .find(|named| !is_there(named))?;
        Some(format!("`{missing}` is not there"))
    })
}

/// Links of a page to a page lead to one that is there, and to a heading of it. `headings` says
/// which a page has, as parts of addresses; `None` if there is no such page.
pub fn links(source: &Source, headings: impl Fn(&str) -> Option<BTreeSet<String>>) -> Vec<String> {
    if !source.path.ends_with(".md") {
        return Vec::new();
    }
    let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    by_line(source, &source.text, |line| {
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        targets.map(|(target, _)| target).find_map(|target| {
            let (page, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = match page.strip_prefix("../") {
                _ if page.is_empty() => source.path.clone(),
                Some(above) => above.to_owned(),
                None if folder.is_empty() => page.to_owned(),
                None => format!("{folder}/{page}"),
            };
            if target.contains("://") || !path.ends_with(".md") {
                return None;
            }
            let leads = headings(&path)
                .is_some_and(|headings| heading.is_empty() || headings.contains(heading));
            (!leads).then(|| format!("({target}) leads nowhere"))
        })
    })
}

/// The headings of a page as parts of addresses: small letters, no marks, `-` for a blank.
pub fn headings(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        let Some((_, title)) = line.split_once("# ").filter(|_| line.starts_with('#') && !is_code)
        else {
            continue;
        };
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
        found.insert(kept.collect::<String>().to_lowercase().replace(' ', "-"));
    }
    found
}

/// Scripts say what runs them, and can be run.
pub fn scripts(source: &Source) -> Vec<String> {
    if !source.is_script() || source.path.ends_with(".md") {
        return Vec::new();
    }
    let mut found = Vec::new();
    if !source.text.starts_with("#!/") {
        found.push(source.finding(0, "does not say what runs it"));
    }
    if !source.is_executable {
        found.push(source.finding(0, "is not executable"));
    }
    found
}

fn is_in(listed: Excepted, source: &Source) -> bool {
    listed.iter().any(|(path, _)| *path == source.path)
}
