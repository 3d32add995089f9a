//! Clients apart: what one is told does not change with another's book, and names nobody else.

use super::{book_of, edited, sample};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A book in a folder of its own, with the prices that its policies name beside it.
fn folder(name: &str, book: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hedge_clients_{name}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    for file in ["hedge_demo_prices.csv", "hedge_demo_trades.csv"] {
        std::fs::write(folder.join(file), sample(file)).expect("written");
    }
    std::fs::write(folder.join("hedge.toml"), book).expect("written");
    let roll =
        edited(&sample("hedge_demo_roll.toml"), &[("[\"hedge_demo.toml\"]", "[\"hedge.toml\"]")]);
    std::fs::write(folder.join("roll.toml"), roll).expect("written");
    folder
}

fn xmc(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xmc"))
        .current_dir(folder)
        .args(["hedge"])
        .args(args)
        .output()
        .expect("xmc runs")
}

const EFFECT: [&str; 4] =
    ["--prices", "hedge_demo_prices.csv", "--trades", "hedge_demo_trades.csv"];

/// Everything that a client can be told: five reports, as text, JSON and HTML.
fn told(folder: &Path, client: &str) -> String {
    let mut all = String::new();
    for (report, file) in [
        ("show", "hedge.toml"),
        ("plan", "hedge.toml"),
        ("effect", "hedge.toml"),
        ("roll", "roll.toml"),
        ("risk", "roll.toml"),
    ] {
        let more: &[&str] = if report == "effect" { &EFFECT } else { &[] };
        for lang in ["en", "zh"] {
            for json in [&[][..], &["--json"][..]] {
                let args = [
                    &[report, file, "--client", client, "--lang", lang],
                    &["--html", "page.html"][..],
                    more,
                    json,
                ];
                let output = xmc(folder, &args.concat());
                assert!(output.status.code().is_some_and(|code| code < 2), "{output:?}");
                all.push_str(&String::from_utf8(output.stdout).expect("UTF-8"));
                all.push_str(&String::from_utf8(output.stderr).expect("UTF-8"));
                all.push_str(&std::fs::read_to_string(folder.join("page.html")).expect("a page"));
            }
        }
    }
    all
}

/// The sample with other figures of the importer.
fn other_importer() -> String {
    edited(
        &sample("hedge_demo.toml"),
        &[
            ("quantity = \"90000\"", "quantity = \"140000\""),
            ("title = \"sample oil importer\"", "title = \"somebody else\""),
            ("account = \"importer_abroad\"\ncontract = \"CLU6\"\nside = \"short\"\nlots = 20", {
                "account = \"importer_abroad\"\ncontract = \"CLU6\"\nside = \"long\"\nlots = 33"
            }),
            ("name = \"cargo at sea\"", "name = \"another cargo\""),
            ("max_unhedged = \"60000\"", "max_unhedged = \"4000\""),
            ("share = \"0.9\"", "share = \"0.1\""),
            ("approver = \"risk committee\"", "approver = \"nobody known\""),
        ],
    )
}

#[test]
fn nothing_of_one_client_is_in_what_another_is_told() {
    let (mine, other) =
        (folder("mine", &sample("hedge_demo.toml")), folder("other", &other_importer()));
    let whole = told(&mine, "fabricator");
    assert_eq!(whole, told(&other, "fabricator"));
    assert!(whole.contains("sample copper fabricator") && whole.contains("cathode in the yard"));
    for word in ["importer", "cargo", "refinery", "risk committee", "somebody else", "90,000"] {
        assert!(!whole.contains(word), "{word}");
    }
    let theirs = told(&other, "importer");
    assert_ne!(told(&mine, "importer"), theirs);
    for word in ["fabricator", "cathode", "scrap", "rod sold", "head of treasury"] {
        assert!(!theirs.contains(word), "{word}");
    }
}

#[test]
fn all_of_them_are_told_only_to_who_asks_for_all() {
    let folder = folder("all", &sample("hedge_demo.toml"));
    for report in ["show", "plan"] {
        let refused = xmc(&folder, &[report, "hedge.toml"]);
        assert_eq!(refused.status.code(), Some(3));
        let why = String::from_utf8(refused.stderr).expect("UTF-8");
        assert!(why.contains("--client NAME") && !why.contains("importer"), "{why}");
        assert!(refused.stdout.is_empty());
        let all = String::from_utf8(xmc(&folder, &[report, "hedge.toml", "--all"]).stdout);
        let all = all.expect("UTF-8");
        assert!(all.contains("fabricator") && all.contains("importer"));
    }
    // A name that is nearly one tells nothing of who there is.
    let slip = xmc(&folder, &["show", "hedge.toml", "--client", "importe"]);
    let why = String::from_utf8(slip.stderr).expect("UTF-8");
    assert!(slip.status.code() == Some(3) && why.trim().ends_with("\"importe\""), "{why}");
}

#[test]
fn a_book_of_one_client_holds_nothing_of_the_others() {
    let whole = book_of(&sample("hedge_demo.toml"));
    let (one, two) = (whole.of_client(0), whole.of_client(1));
    assert_eq!(one.positions.len() + two.positions.len(), whole.positions.len());
    assert_eq!(one.futures.len() + two.futures.len(), whole.futures.len());
    assert_eq!(one.options.len() + two.options.len(), whole.options.len());
    assert_eq!(one.policies.len() + two.policies.len(), whole.policies.len());
    assert!(!format!("{one:?}").contains("importer") && !format!("{two:?}").contains("fabricator"));
    assert!(whole.of_client(2).clients.is_empty());
}

/// A pricing contract of one party is not shown to who asks for another, or for none.
#[test]
fn pricing_contracts_are_told_to_their_parties() {
    let folder = folder("pricing", &sample("hedge_demo.toml"));
    std::fs::write(folder.join("pricing.toml"), sample("pricing_demo.toml")).expect("written");
    let text = |output: &Output| {
        String::from_utf8([&output.stdout[..], &output.stderr].concat()).expect("UTF-8")
    };
    for more in [&[][..], &["--contract", "sc_2026_015"], &["--contract", "cu_2026_071"]] {
        let refused = xmc(&folder, &[&["pricing", "pricing.toml"], more].concat());
        let why = text(&refused);
        assert!(refused.status.code() == Some(3) && refused.stdout.is_empty(), "{why}");
        assert!(why.contains("--party NAME") && !why.contains("sample"), "{why}");
    }
    for (party, own, others) in [
        ("sample oil importer", "sc_2026_015", ["cu_2026_071", "fabricator", "smelter"]),
        ("sample copper fabricator", "cu_2026_071", ["sc_2026_015", "importer", "refinery"]),
    ] {
        for json in [&[][..], &["--json"][..]] {
            let page = &["pricing", "pricing.toml", "--html", "page.html", "--party", party];
            let told = xmc(&folder, &[&page[..], json].concat());
            let html = std::fs::read_to_string(folder.join("page.html")).expect("a page");
            for page in [text(&told), html] {
                assert!(page.contains(own), "{page}");
                assert!(others.iter().all(|other| !page.contains(other)), "{page}");
            }
        }
        let strange =
            xmc(&folder, &["pricing", "pricing.toml", "--party", party, "--contract", "x"]);
        assert_eq!(strange.status.code(), Some(3));
    }
    let nobody = xmc(&folder, &["pricing", "pricing.toml", "--party", "sample"]);
    let why = text(&nobody);
    assert!(nobody.status.code() == Some(3) && why.trim().ends_with("\"sample\""), "{why}");
    let both = xmc(&folder, &["pricing", "pricing.toml", "--party", "x", "--all"]);
    assert_eq!(both.status.code(), Some(3), "{}", text(&both));
    // One pair of parties is no secret from itself.
    let one = sample("pricing_demo.toml");
    let one = &one[..one.rfind("[[contract]]").expect("two contracts")];
    std::fs::write(folder.join("one.toml"), one).expect("written");
    assert_eq!(xmc(&folder, &["pricing", "one.toml"]).status.code(), Some(0));
}
