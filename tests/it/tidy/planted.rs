//! Each rule finds what was planted for it, and nothing in what is right.

use super::source::Source;
use super::{probe, rules};

/// The rule finds `wrong` in a file called `path`, and nothing wrong in `right`.
#[track_caller]
fn tells_apart(rule: impl Fn(&Source) -> Vec<String>, path: &str, wrong: &str, right: &str) {
    let found = rule(&Source::planted(path, wrong));
    assert_eq!(found.len(), 1, "one finding in {wrong:?}: {found:?}");
    assert!(found[0].starts_with(&format!("{path}:")), "says where: {}", found[0]);
    let found = rule(&Source::planted(path, right));
    assert!(found.is_empty(), "nothing wrong in {right:?}: {found:?}");
}

#[test]
fn machine_paths() {
    for path in rules::MACHINE_PATHS {
        tells_apart(rules::machine_paths, "README.md", &format!("see {path}x"), "see src/x");
    }
}

#[test]
fn unfinished() {
    for word in rules::UNFINISHED {
        let text = format!("// {word}: later");
        tells_apart(rules::unfinished, "src/a.rs", &text, &format!("// {word}S are none"));
    }
    for code in rules::UNFINISHED_CODE {
        tells_apart(rules::unfinished, "src/a.rs", &format!("    {code}()"), "// ignore, debug");
    }
}

#[test]
fn columns() {
    let long = "x".repeat(101);
    tells_apart(rules::columns, "src/a.rs", &long, &long[1..]);
    tells_apart(rules::columns, "config/a.toml", &format!("a\n{long}"), &format!("//! |{long}|"));
    tells_apart(rules::columns, "scripts/a", &long, &format!("# https://{long}"));
    // A column is a character, not a byte.
    assert!(rules::columns(&Source::planted("src/a.rs", &"套".repeat(100))).is_empty());
    assert!(rules::columns(&Source::planted("README.md", &long)).is_empty());
}

#[test]
fn lines() {
    let long = "x\n".repeat(rules::MAX_LINES + 1);
    let rule = |source: &Source| rules::lines(source, &[("src/known.rs", "for a reason")]);
    tells_apart(rule, "src/a.rs", &long, &long[2..]);
    assert!(rule(&Source::planted("src/known.rs", &long)).is_empty());
    assert!(rule(&Source::planted("tests/it/a.rs", &long)).is_empty());
}

#[test]
fn unsafety() {
    let rule = |source: &Source| rules::unsafety(source, &[("src/known.rs", "for a reason")]);
    let right = "// unsafe in words\nlet a = \"unsafe\"; #[expect(unsafe_code, reason = \"\")]";
    tells_apart(rule, "src/a.rs", "let a = unsafe { b() };", right);
    tells_apart(rule, "src/known.rs", "fn none_any_more() {}", "unsafe { b() }");
}

#[test]
fn lints() {
    let right = "#[expect(dead_code, reason = \"why\")]\nfn a() { b.allow(c); disallow(d) }";
    for wrong in [
        "#[allow(dead_code)]",
        "#![allow(dead_code)]",
        "#[cfg_attr(loom, allow(dead_code))]",
        "#[expect(dead_code)]",
        "#[expect(\n    dead_code,\n)]",
    ] {
        tells_apart(rules::lints, "src/a.rs", wrong, right);
    }
}

#[test]
fn module_docs() {
    tells_apart(rules::module_docs, "src/a.rs", "use b;\n//! Late.", "//! What it is.\nuse b;");
}

#[test]
fn names() {
    for name in rules::EMPTY_NAMES {
        tells_apart(rules::names, "src/a.rs", &format!("pub mod {name};"), "pub mod book;");
        let path = format!("src/{name}/mod.rs");
        assert_eq!(rules::names(&Source::planted(&path, "")).len(), 1, "{path}");
        assert_eq!(rules::names(&Source::planted(&format!("src/{name}.rs"), "")).len(), 1);
    }
    let right = "struct Book; fn data() {} // mod data\nlet info = \"struct Info\";";
    tells_apart(rules::names, "src/a.rs", "struct OrderManager;", right);
}

#[test]
fn ascii() {
    let right = "/// 套保\nlet a = b; // 投机";
    tells_apart(rules::ascii, "hotpath/src/a.rs", "let a = \"套保\";", right);
    assert!(rules::ascii(&Source::planted("src/a.rs", "\"套保\"")).is_empty());
}

#[test]
fn comments() {
    let right = "//! | a |\n//! |----|\n// let it be; a sentence may end so;\nlet a = \"----\";";
    tells_apart(rules::comments, "src/a.rs", "// Quotes -----", right);
    tells_apart(rules::comments, "src/a.rs", "// let a = b();", right);
}

#[test]
fn layouts() {
    let path = "hotpath/src/venue/cme/mdp3/layout/book.rs";
    let wrong = "#[repr(C)]\npub struct Book {}\nconst _: () = assert!(size_of::<Other>() == 1);";
    tells_apart(rules::layouts, path, wrong, &wrong.replace("Other", "Book"));
}

#[test]
fn lock() {
    let line = |host: &str| format!("name = \"a\"\nsource = \"registry+https://{host}\"");
    let public = "github.com/rust-lang/crates.io-index";
    tells_apart(rules::lock, "Cargo.lock", &line("mirror.example/index"), &line(public));
}

#[test]
fn named_paths() {
    let rule = |source: &Source| rules::named_paths(source, |named| named == "src/there.rs");
    let right = "`src/there.rs`, src/gone.rs and `xmc gone src/gone.rs`";
    tells_apart(rule, "README.md", "`src/there.rs` and `src/gone.rs`", right);
}

#[test]
fn links() {
    let page = |path: &str| {
        (path == "docs/there.md").then(|| rules::headings("# One · 一\n```\n# two\n```\n### A b"))
    };
    let rule = |source: &Source| rules::links(source, page);
    let right =
        "[a](docs/there.md), [b](docs/there.md#one--一), [c](docs/there.md#a-b), ![d](d.png)";
    for wrong in ["[a](docs/gone.md)", "[a](docs/there.md#two)", "[a](#one--一)"] {
        tells_apart(rule, "README.md", wrong, right);
    }
    tells_apart(rule, "docs/a.md", "[a](docs/there.md)", "[a](there.md) [b](../docs/there.md)");
}

#[test]
fn scripts() {
    let script =
        |text: &str, is_executable| Source { is_executable, ..Source::planted("scripts/a", text) };
    assert!(rules::scripts(&script("#!/bin/sh\n", true)).is_empty());
    assert_eq!(rules::scripts(&script("#!/bin/sh\n", false)).len(), 1);
    assert_eq!(rules::scripts(&script("echo\n", true)).len(), 1);
}

#[test]
fn entry_points() {
    let room = "impl<C: Clock> Stage for QuoteStage<'_, C> {\n    fn poll() {}\n}\n\
                #[inline]\n#[must_use]\npub fn hot(\n) {}\npub fn cold() {}\n\
                #[inline]\npub const fn getter() {}\n#[inline]\nfn private() {}\npub fn cold2() {}";
    let missing = |probe: &str| {
        let tree = [
            Source::planted("hotpath/src/ring.rs", room),
            Source::planted("hotpath/probe/src/entry.rs", probe),
        ];
        probe::missing(&tree)
    };
    assert_eq!(missing("// stage: QuoteStage, ring::hot()").len(), 2, "comments hold nothing");
    assert_eq!(missing("fn a(stage: QuoteStage) { hotter::hot_() }").len(), 1);
    assert!(missing("fn a(stage: QuoteStage) { ring::hot() }").is_empty());
}
