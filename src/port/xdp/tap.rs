//! One interface past the kernel, for one feed or for several: one program that tells their
//! datagrams apart, and for each feed a socket on each of the interface's queues.
//!
//! The kernel hangs one program on an interface, and lets several sockets have one queue if they
//! have their memory of frames and its fill ring in common (`XDP_SHARED_UMEM`; `xsk_bind`). So all
//! feeds of an interface are opened together; afterwards each goes to its own port, which may be
//! polled by another core. What was opened goes when the last of them does.
//!
//! On the cold side: called when ports begin (`receive::attach`), and when an interface was made
//! again (`renewal`).

use super::bpf::{Link, Redirect};
use super::host::Card;
use super::program::Filter;
use super::queue::{Asked, Frames, KEPT, Queue};
use super::receive::{XdpSettings, XdpWarning};
use super::socket::{DropWatch, Watched, XdpSocket};
use super::umem::Umem;
use super::{Mode, ModeChoice, XdpError};
use crate::port::interface::Interface;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Frames of a queue: at least what a burst of a few milliseconds needs, at most what a ring of the
/// kernel may be.
const FRAMES: std::ops::RangeInclusive<usize> = 64..=1 << 14;
/// Bytes of a frame, by which the configured buffer is divided.
const FRAME_BYTES: usize = 2_048;

/// What one feed wants of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Its datagrams.
    pub filters: Vec<Filter>,
    /// How they are received.
    pub settings: XdpSettings,
}

impl Share {
    /// Frames that may wait for it on one queue.
    fn entries(&self) -> u32 {
        let entries = (self.settings.buffer_bytes / FRAME_BYTES)
            .clamp(*FRAMES.start(), *FRAMES.end())
            .next_power_of_two();
        u32::try_from(entries).expect("it is clamped")
    }
}

/// A program on an interface, and its map of sockets.
#[derive(Debug)]
struct Hook {
    link: Link,
    _redirect: Redirect,
}

/// What one feed has of an interface; nothing before it was opened.
#[derive(Debug, Default)]
pub struct Tap {
    // Let go before the sockets of the queues are closed.
    hook: Option<Arc<Hook>>,
    queues: Vec<Queue>,
}

impl Tap {
    /// Where the program stands; `None` before it was opened.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.hook.as_ref().map(|hook| hook.link.mode())
    }

    /// By number.
    #[inline(always)]
    pub(super) fn queues(&self) -> &[Queue] {
        &self.queues
    }

    /// By number.
    #[inline(always)]
    pub(super) fn queues_mut(&mut self) -> &mut [Queue] {
        &mut self.queues
    }

    /// What the cold side keeps of it while a port has it; `None` before it was opened.
    pub(super) fn grip(&self) -> Option<Grip> {
        let (hook, first) = (self.hook.as_ref()?, self.queues.first()?);
        Some(Grip { hook: Arc::downgrade(hook), watch: first.socket().watch() })
    }

    /// Has its sockets counted, in this place among those of its port.
    pub(super) fn count_in(&self, watch: &DropWatch, at: usize) {
        watch.watch(at, self.queues.iter().map(Queue::socket));
    }
}

/// A tap that a port has, seen from the cold side. It keeps nothing open.
#[derive(Debug)]
pub struct Grip {
    hook: Weak<Hook>,
    watch: Watched,
}

impl Grip {
    /// Whether its interface was taken away: told once.
    pub fn is_cut_off(&self) -> bool {
        self.watch.is_cut_off()
    }

    /// Takes the program away, for all who have a tap on that interface: what comes from now on is
    /// the kernel's, and what came before is still in the rings.
    pub fn unhang(&self) {
        if let Some(hook) = self.hook.upgrade() {
            hook.link.detach();
        }
    }
}

/// A tap, and what works less well with it than it could.
pub type Opened = (Tap, Vec<XdpWarning>);

/// The mode that all want.
fn mode(interface: &Interface, shares: &[Share]) -> Result<ModeChoice, XdpError> {
    let wanted = shares.iter().map(|share| share.settings.mode);
    wanted.reduce(|one, other| if one == ModeChoice::Best { other } else { one }).map_or(
        Ok(ModeChoice::Best),
        |chosen| {
            let is_met = |share: &Share| {
                share.settings.mode == ModeChoice::Best || share.settings.mode == chosen
            };
            if shares.iter().all(is_met) {
                return Ok(chosen);
            }
            Err(XdpError::Modes { interface: interface.name.clone() })
        },
    )
}

/// Refuses what two of them want.
fn check(interface: &Interface, shares: &[Share]) -> Result<(), XdpError> {
    for (at, share) in shares.iter().enumerate() {
        let others = shares[at + 1..].iter().flat_map(|other| &other.filters);
        for other in others {
            // A filter without a sender takes those of one with.
            let is_same = |own: &&Filter| {
                let are_apart =
                    own.source.zip(other.source).is_some_and(|(own, other)| own != other);
                own.target == other.target && !are_apart
            };
            if let Some(same) = share.filters.iter().find(is_same) {
                let (interface, target) = (interface.name.clone(), same.target);
                return Err(XdpError::SameGroup { interface, target });
            }
        }
    }
    Ok(())
}

/// Hangs the program of all `shares` on an interface, and opens a socket for each on each queue;
/// in their order. Nothing is lost meanwhile: a frame for which there is no socket yet is passed
/// on. A queue that another socket has is asked for with `patience`.
///
/// What can be refused without the interface is asked for first: a driver may reset its card for a
/// program that comes and goes.
///
/// # Errors
/// See `XdpError`. What was opened is closed.
pub fn open(
    interface: &Interface,
    shares: &[Share],
    patience: Duration,
) -> Result<Vec<Opened>, XdpError> {
    let choice = mode(interface, shares)?;
    check(interface, shares)?;
    let card = Card::of(interface);
    let filters: Vec<_> = shares.iter().map(|share| &share.filters[..]).collect();
    let entries: Vec<_> = shares.iter().map(Share::entries).collect();
    let are_common = shares.len() > 1;
    let feeds = u32::try_from(shares.len()).expect("feeds are few");
    let kept = if are_common { KEPT * feeds } else { 0 };
    let of_queue = entries.iter().sum::<u32>() + kept;
    let frames = of_queue.checked_mul(card.queues).expect("cards have fewer queues");
    let umem = Arc::new(Umem::map(frames)?);
    let registered = XdpSocket::open()?;
    registered.register(&umem)?;
    let mut registered = Some(registered);
    let redirect = Redirect::load(&filters, card.queues)?;
    let link = redirect.attach(interface, choice)?;
    let mode = link.mode();
    let mut opened: Vec<Vec<Queue>> = shares.iter().map(|_| Vec::new()).collect();
    let mut warnings: Vec<Vec<XdpWarning>> = shares.iter().map(|_| Vec::new()).collect();
    for queue in 0..card.queues {
        let asked = Asked { interface, queue, mode, patience };
        for (at, share) in shares.iter().enumerate() {
            let mut made = if at == 0 {
                let own = queue * of_queue..(queue + 1) * of_queue;
                let frames = Frames { own, entries: entries[0], are_common };
                let socket = registered.take().map_or_else(XdpSocket::open, Ok)?;
                Queue::open(&umem, &frames, socket, opened[0].first(), asked)?
            } else {
                let first = opened[0].last().expect("it was opened just now");
                first.beside(entries[at], asked)?
            };
            let place = u32::try_from(at).expect("feeds are few") * card.queues + queue;
            redirect.set(place, made.socket())?;
            let warnings = &mut warnings[at];
            let (name, card) = (|| interface.name.clone(), || card.to_string());
            if queue == 0 && mode == Mode::Generic && choice == ModeChoice::Best {
                warnings.push(XdpWarning::Generic { interface: name(), card: card() });
            }
            let refused = |us: &u32| !made.busy_poll(*us);
            if let Some(us) = share.settings.busy_poll_us.filter(refused) {
                warnings.push(XdpWarning::BusyPoll { interface: name(), us });
            }
            if queue == 0 && mode == Mode::Native && !made.socket().is_zero_copy() {
                warnings.push(XdpWarning::Copied { interface: name(), card: card() });
            }
            opened[at].push(made);
        }
    }
    let hook = Arc::new(Hook { link, _redirect: redirect });
    let tap = |queues| Tap { hook: Some(Arc::clone(&hook)), queues };
    Ok(opened.into_iter().map(tap).zip(warnings).collect())
}
