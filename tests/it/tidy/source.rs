//! The files of the project, and what of a Rust text is code, comment or literal.

use std::fs;
use std::path::Path;

/// What is not the project's own text.
const NOT_OURS: [&str; 2] = ["target", ".git"];

/// One text file of the project.
pub struct Source {
    /// From the project's root, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
    /// Whether it may be executed.
    pub is_executable: bool,
}

/// What a character of a Rust text belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Code,
    Comment,
    Literal,
}

impl Source {
    /// A file that exists only in a test.
    pub fn planted(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), is_executable: false }
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub fn is_script(&self) -> bool {
        self.path.starts_with("scripts/") || self.path.starts_with(".ci/")
    }

    /// The path without `.rs`, and without the `mod` of a folder's own file.
    pub fn module(&self) -> &str {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        stem.strip_suffix("/mod").unwrap_or(stem)
    }

    /// The text with every character that is not of `kept` parts blanked; lines stay in place.
    pub fn only(&self, kept: &[Part]) -> String {
        parts(&self.text)
            .into_iter()
            .map(|(c, part)| if c == '\n' || kept.contains(&part) { c } else { ' ' })
            .collect()
    }

    /// A finding in a line of this file, counted from 0.
    pub fn finding(&self, line: usize, what: &str) -> String {
        format!("{}:{}: {what}", self.path, line + 1)
    }
}

/// Every text file of the project, in the order of their paths.
pub fn tree() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    walk(root, root, &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.len() > 50, "the tree was not found: {} files", sources.len());
    sources
}

fn walk(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let entry = entry.expect("an entry of a folder can be read");
        if NOT_OURS.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let kind = entry.file_type().expect("an entry has a type");
        let path = entry.path();
        if kind.is_dir() {
            walk(root, &path, sources);
            continue;
        }
        // What is no text is not judged.
        if kind.is_file()
            && let Ok(text) = fs::read_to_string(&path)
        {
            let path = path.strip_prefix(root).expect("it was found below the root");
            let path = path.to_str().expect("paths of the project are UTF-8").replace('\\', "/");
            sources.push(Source { path, text, is_executable: is_executable(&entry) });
        }
    }
}

fn is_executable(entry: &fs::DirEntry) -> bool {
    use std::os::unix::fs::PermissionsExt;
    entry.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

/// Whether `c` can stand inside a name.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `text` holds `word` with no name going on before or after it.
pub fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word)
    })
}

/// Every character with what it belongs to. Knows nested comments, raw strings and lifetimes.
fn parts(text: &str) -> Vec<(char, Part)> {
    let chars: Vec<char> = text.chars().collect();
    let mut parts = Vec::with_capacity(chars.len());
    while let Some(rest) = chars.get(parts.len()..).filter(|rest| !rest.is_empty()) {
        let (len, part) = front(rest);
        parts.extend(rest[..len].iter().map(|&c| (c, part)));
    }
    parts
}

/// How long the first token of `rest` is, and what it is.
fn front(rest: &[char]) -> (usize, Part) {
    match rest {
        ['/', '/', ..] => (until(rest, |at| rest[at] == '\n'), Part::Comment),
        ['/', '*', ..] => (block_comment(rest), Part::Comment),
        ['"', ..] => (string(rest), Part::Literal),
        ['\'', '\\', _, tail @ ..] => (3 + until(tail, |at| tail[at] == '\'') + 1, Part::Literal),
        ['\'', _, '\'', ..] => (3, Part::Literal),
        [first, ..] if is_word(*first) => {
            let len = until(rest, |at| !is_word(rest[at]));
            let name: String = rest[..len].iter().collect();
            match (name.as_str(), raw_string(&rest[len..])) {
                ("r" | "br" | "cr", Some(tail)) => (len + tail, Part::Literal),
                _ => (len, Part::Code),
            }
        }
        _ => (1, Part::Code),
    }
}

fn until(rest: &[char], is_end: impl Fn(usize) -> bool) -> usize {
    (0..rest.len()).find(|&at| is_end(at)).unwrap_or(rest.len())
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of `#"..."#` at the front, if that is what stands there.
fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = until(rest, |at| rest[at] != '#');
    if rest.get(hashes) != Some(&'"') {
        return None;
    }
    let end = |at: &usize| {
        rest[*at] == '"'
            && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    Some((hashes + 1..rest.len()).find(end).map_or(rest.len(), |at| at + 1 + hashes))
}

#[test]
fn code_comments_and_literals_are_told_apart() {
    let text = concat!(
        "let a = \"x // \\\" y\"; // c \"d\"\n",
        "/* e /* f */ g */ 'h' '\\'' b'\\\\' &'life r#\"i\" j\"# r#type // k\n",
    );
    let source = Source::planted("a.rs", text);
    let words = |part| source.only(&[part]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(Part::Code), "let a = ; b &'life r#type");
    assert_eq!(words(Part::Comment), "// c \"d\" /* e /* f */ g */ // k");
    assert_eq!(words(Part::Literal), "\"x // \\\" y\" 'h' '\\'' '\\\\' r#\"i\" j\"#");
}

#[test]
fn words_end_where_names_end() {
    assert!(has_word("a unsafe {", "unsafe") && has_word("unsafe", "unsafe"));
    assert!(!has_word("unsafe_code not_unsafe", "unsafe"));
}
