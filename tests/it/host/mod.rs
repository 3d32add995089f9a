//! The checks of a host, against machines that are not here and against this one.

mod apply;
mod change;
mod check;
mod export;
mod jitter;

use cross_market_connect::host::kernel::Kernel;
use cross_market_connect::host::{self, Check, Profile, Survey, Tree, Verdict, Wanted};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A machine of `tests/fixtures/hosts`, as files in a directory of the test's own.
pub struct Machine {
    pub root: PathBuf,
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Machine {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("host_{}_{number}", std::process::id());
        let machine = Self { root: Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder) };
        let listing = Path::new("tests/fixtures/hosts").join(name).with_extension("txt");
        let listing = fs::read_to_string(listing).expect("a listing of a machine");
        for part in listing.split("\n== ").skip(1) {
            let (path, value) = part.split_once('\n').expect("a path and a value");
            machine.files(path, value);
        }
        machine
    }

    /// Writes a file, or one for each number of `{0-15}`; in the value `{}` is the number and
    /// `{+16}` one that is larger by so many.
    fn files(&self, path: &str, value: &str) {
        let Some((before, rest)) = path.split_once('{') else {
            return self.set(path, value);
        };
        let (numbers, after) = rest.split_once('}').expect("a range is closed");
        let (first, last) = numbers.split_once('-').expect("a range");
        let [first, last] = [first, last].map(|number| number.parse::<i32>().expect("a number"));
        for number in first..=last {
            let value = value.replace("{}", &number.to_string());
            let value = match value.split_once('{').map(|(head, rest)| (head, rest.split_once('}')))
            {
                Some((head, Some((by, tail)))) => {
                    let by: i32 = by.parse().expect("a number with its sign");
                    format!("{head}{}{tail}", number + by)
                }
                _ => value,
            };
            self.set(&format!("{before}{number}{after}"), &value);
        }
    }

    pub fn set(&self, path: &str, value: &str) {
        let place = self.root.join(path.trim_start_matches('/'));
        fs::create_dir_all(place.parent().expect("a folder")).expect("a folder for the test");
        fs::write(place, value).expect("a file for the test");
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path.trim_start_matches('/'))).expect("it is there");
    }

    pub fn tree(&self) -> Tree {
        Tree::new(&self.root)
    }

    pub fn wanted(&self, profile: Profile) -> Wanted {
        Wanted::of_machine(&self.tree(), profile)
    }

    /// All checks, for what anybody would want.
    pub fn checks(&self, profile: Profile) -> Vec<Check> {
        self.checks_for(&self.wanted(profile))
    }

    pub fn checks_for(&self, wanted: &Wanted) -> Vec<Check> {
        self.checks_with(wanted, &Kernel::elsewhere())
    }

    pub fn checks_with(&self, wanted: &Wanted, kernel: &Kernel) -> Vec<Check> {
        host::checks(&Survey::new(&self.tree(), kernel, wanted))
    }
}

/// The check of a number.
pub fn numbered(checks: &[Check], number: u8) -> &Check {
    checks.iter().find(|check| check.number == number).expect("every number is there")
}

/// Numbers of the checks with a verdict.
pub fn with(checks: &[Check], verdict: Verdict) -> Vec<u8> {
    checks.iter().filter(|check| check.verdict == verdict).map(|check| check.number).collect()
}
