//! What would make a machine fit: values of files, parameters of the kernel, commands.

use super::cores::{self, Cores};
use serde::Serialize;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Change {
    /// Write a file of `/proc` or `/sys`: it counts at once, until the next boot.
    Write {
        /// The file.
        path: String,
        /// Its value.
        value: String,
    },
    /// Run a command: it counts at once.
    Run {
        /// As a shell takes it.
        command: String,
    },
    /// Start the kernel with a parameter.
    Boot {
        /// As it stands on the command line of the kernel.
        parameter: String,
    },
    /// What no command does.
    Advice {
        /// A sentence without a full stop.
        text: String,
    },
}

impl Change {
    /// As a person would do it.
    #[must_use]
    pub fn command(&self) -> String {
        match self {
            Self::Write { path, value } => match sysctl_key(path) {
                Some(key) if value.contains(char::is_whitespace) => {
                    format!("sudo sysctl -w {key}=\"{value}\"")
                }
                Some(key) => format!("sudo sysctl -w {key}={value}"),
                None => format!("echo {value} | sudo tee {path}"),
            },
            Self::Run { command } => command.clone(),
            Self::Boot { parameter } => format!("at boot: {parameter}"),
            Self::Advice { text } => text.clone(),
        }
    }
}

/// What `sysctl` calls a file below `/proc/sys`. Where a part of the path has a point in it, as an
/// interface of a VLAN has, the parts are joined by slashes (`sysctl.d(5)`).
#[must_use]
pub fn sysctl_key(path: &str) -> Option<String> {
    let key = path.strip_prefix("/proc/sys/")?;
    Some(if key.contains('.') { key.to_owned() } else { key.replace('/', ".") })
}

/// What a file should say.
#[derive(Clone, Debug)]
pub enum Want<'w> {
    /// Just this.
    Is(&'w str),
    /// One of these; the first is written.
    OneOf(&'w [&'w str]),
    /// A number that is not smaller.
    AtLeast(i64),
    /// A number that is not larger.
    AtMost(i64),
    /// One of these words is in brackets, as in `always [madvise] never`; the first is written.
    Selected(&'w [&'w str]),
    /// A mask without these cores.
    MaskWithout(&'w Cores),
    /// A list without these cores.
    ListWithout(&'w Cores),
}

impl Want<'_> {
    /// The value to write, if `now` is not as wanted; `Err` if `now` is not understood.
    ///
    /// What is better than wanted is left as it is.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn better(&self, now: &str) -> Result<Option<String>, &'static str> {
        let first = |words: &[&str]| words.first().map(|word| (*word).to_owned());
        let number = || now.parse::<i64>().map_err(|_| "a number");
        let without = |set: Option<Cores>, taken: &Cores, write: fn(&Cores) -> String| {
            let set = set.ok_or("a set of cores")?;
            let left: Cores = set.difference(taken).copied().collect();
            // A mask of nothing is refused by the kernel, and rightly.
            Ok((left.len() < set.len() && !left.is_empty()).then(|| write(&left)))
        };
        match self {
            Self::Is(wanted) => Ok((now != *wanted).then(|| (*wanted).to_owned())),
            Self::OneOf(words) => Ok(if words.contains(&now) { None } else { first(words) }),
            Self::AtLeast(least) => Ok((number()? < *least).then(|| least.to_string())),
            Self::AtMost(most) => Ok((number()? > *most).then(|| most.to_string())),
            Self::Selected(words) => {
                let selected = in_brackets(now).ok_or("a word in brackets")?;
                Ok(if words.contains(&selected) { None } else { first(words) })
            }
            Self::MaskWithout(taken) => without(cores::of_mask(now), taken, cores::mask),
            Self::ListWithout(taken) => without(cores::of_list(now), taken, cores::list),
        }
    }

    /// As a sentence has it.
    #[must_use]
    pub fn said(&self) -> String {
        match self {
            Self::Is(wanted) => (*wanted).to_owned(),
            Self::OneOf(words) | Self::Selected(words) => words.join(" or "),
            Self::AtLeast(least) => format!("at least {least}"),
            Self::AtMost(most) => format!("at most {most}"),
            Self::MaskWithout(taken) | Self::ListWithout(taken) => {
                format!("without {}", cores::said(taken))
            }
        }
    }
}

/// The word in brackets, as in `always [madvise] never`.
fn in_brackets(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(word, _)| word)
}

/// What would have to be written for a file to say `now`.
#[must_use]
pub fn selected(now: &str) -> &str {
    in_brackets(now).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_better_than_wanted_stays() {
        let hot: Cores = [2, 3].into();
        for (want, now, better) in [
            (Want::Is("0"), "1", Some("0")),
            (Want::Is("0"), "0", None),
            (Want::OneOf(&["performance"]), "powersave", Some("performance")),
            (Want::AtLeast(50), "20", Some("50")),
            (Want::AtLeast(50), "100", None),
            (Want::AtMost(10), "60", Some("10")),
            (Want::AtMost(10), "0", None),
            (Want::Selected(&["never", "madvise"]), "[always] madvise never", Some("never")),
            (Want::Selected(&["never", "madvise"]), "always [madvise] never", None),
            (Want::MaskWithout(&hot), "f", Some("3")),
            (Want::MaskWithout(&hot), "3", None),
            (Want::MaskWithout(&hot), "c", None),
            (Want::ListWithout(&hot), "0-3", Some("0-1")),
        ] {
            assert_eq!(want.better(now), Ok(better.map(str::to_owned)), "{want:?} {now}");
        }
        assert!(Want::AtLeast(1).better("many").is_err());
    }

    #[test]
    fn commands_are_what_a_person_types() {
        let write = |path: &str, value: &str| {
            Change::Write { path: path.to_owned(), value: value.to_owned() }.command()
        };
        assert_eq!(write("/proc/sys/vm/swappiness", "10"), "sudo sysctl -w vm.swappiness=10");
        assert_eq!(
            write("/proc/sys/net/ipv4/conf/eth0.7/rp_filter", "2"),
            "sudo sysctl -w net/ipv4/conf/eth0.7/rp_filter=2"
        );
        assert_eq!(
            write("/sys/kernel/mm/ksm/run", "0"),
            "echo 0 | sudo tee /sys/kernel/mm/ksm/run"
        );
    }
}
