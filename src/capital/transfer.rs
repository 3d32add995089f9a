//! A bank and its brokers that are SIMULATED: transfers with their states, from a seed.
//!
//! Nothing here talks to a bank. A transfer is requested, approved by a person whose name is given,
//! sent when its route takes it, and arrives; now and then one fails and the money stays where it
//! was, or is late. Time is whole minutes, given from outside. Called by `paths` and by tests.

use fastrand::Rng;

/// Where a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Somebody has to approve it.
    Requested,
    /// The route takes it when it opens.
    Approved,
    /// The money has left.
    Sent,
    /// The money has left, and is not there when it should be.
    Late,
    /// The money is there.
    Arrived,
    /// The money is back where it was.
    Failed,
}

impl Status {
    /// Whether nothing more happens to it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Arrived | Self::Failed)
    }
}

/// Why something cannot be done with a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// There is none of this number.
    #[error("there is no transfer {0}")]
    Unknown(usize),
    /// It is not waiting for that.
    #[error("transfer {id} is {status:?}, and only a requested one is approved")]
    NotRequested {
        /// Which.
        id: usize,
        /// Where it is.
        status: Status,
    },
}

/// One transfer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transfer<M> {
    /// From which holder, by number.
    pub from: usize,
    /// To which.
    pub to: usize,
    /// What leaves.
    pub amount: M,
    /// When the route takes it, in minutes.
    pub leaves: i64,
    /// When it should be there.
    pub due: i64,
    /// Where it is.
    pub status: Status,
    /// When it is there or fails: the simulation knows, nobody else does.
    ends: i64,
    fails: bool,
}

/// How often something goes wrong. Both are made up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Troubles {
    /// Transfers that fail, of one.
    pub fails: f64,
    /// Transfers that are late.
    pub late: f64,
    /// By how many minutes at most.
    pub late_minutes: i64,
}

impl Troubles {
    /// None.
    pub const NONE: Self = Self { fails: 0.0, late: 0.0, late_minutes: 0 };
}

/// The simulated bank.
#[derive(Clone, Debug)]
pub struct SimulatedBank<M> {
    rng: Rng,
    troubles: Troubles,
    transfers: Vec<Transfer<M>>,
    /// Transfers before this one are over.
    first_open: usize,
}

impl<M: Copy> SimulatedBank<M> {
    /// A bank whose troubles follow from a seed.
    #[must_use]
    pub fn new(seed: u64, troubles: Troubles) -> Self {
        Self { rng: Rng::with_seed(seed), troubles, transfers: Vec::new(), first_open: 0 }
    }

    /// Asks for a transfer that leaves and is due at these minutes; its number.
    pub fn request(&mut self, (from, to): (usize, usize), amount: M, times: (i64, i64)) -> usize {
        let (leaves, due) = times;
        let fails = self.rng.f64() < self.troubles.fails;
        let is_late = self.rng.f64() < self.troubles.late && self.troubles.late_minutes > 0;
        let late = if is_late { self.rng.i64(1..=self.troubles.late_minutes) } else { 0 };
        let (status, ends) = (Status::Requested, due.saturating_add(late));
        self.transfers.push(Transfer { from, to, amount, leaves, due, status, ends, fails });
        self.transfers.len() - 1
    }

    /// Somebody approves it.
    ///
    /// # Errors
    /// There is none, or it does not wait for that.
    pub fn approve(&mut self, id: usize) -> Result<(), TransferError> {
        let transfer = self.transfers.get_mut(id).ok_or(TransferError::Unknown(id))?;
        if transfer.status != Status::Requested {
            return Err(TransferError::NotRequested { id, status: transfer.status });
        }
        transfer.status = Status::Approved;
        Ok(())
    }

    /// Lets time come to `now`: tells every transfer that leaves, is late, arrives or fails.
    pub fn advance(&mut self, now: i64, mut tell: impl FnMut(usize, &Transfer<M>)) {
        for (id, transfer) in self.transfers.iter_mut().enumerate().skip(self.first_open) {
            if transfer.status == Status::Approved && now >= transfer.leaves {
                transfer.status = Status::Sent;
                tell(id, transfer);
            }
            if matches!(transfer.status, Status::Sent | Status::Late) && now >= transfer.ends {
                transfer.status = if transfer.fails { Status::Failed } else { Status::Arrived };
                tell(id, transfer);
            } else if transfer.status == Status::Sent && now > transfer.due {
                transfer.status = Status::Late;
                tell(id, transfer);
            }
        }
        let mut open = self.transfers.iter().skip(self.first_open);
        self.first_open += open
            .position(|transfer| !transfer.status.is_over())
            .unwrap_or(self.transfers.len() - self.first_open);
    }

    /// All transfers, by number.
    #[must_use]
    pub fn transfers(&self) -> &[Transfer<M>] {
        &self.transfers
    }

    /// Those that are under way.
    pub fn open(&self) -> impl Iterator<Item = &Transfer<M>> {
        self.transfers.iter().skip(self.first_open).filter(|transfer| !transfer.status.is_over())
    }
}
