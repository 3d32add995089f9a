//! A simulated CME, sans-IO: the exchange of `sim::exchange` behind CME's own protocols.
//!
//! Time and bytes of clients go in; out come the packets of MDP 3.0 for each multicast group and
//! the bytes of iLink 3 for each connection. Everything follows from settings, seed and what
//! clients send: no clock, no sockets, no threads.
//!
//! What it deliberately does not do: single orders (MBO), implied books, options, orders before the
//! opening, user-defined spreads, mass quotes, a backup gateway.
//!
//! Called by its thin socket `shell` and the tests.

mod channel;
mod client;
mod contract;
mod day;
mod gateway;
mod lines;
mod orders;
mod recovery;
mod replay;
mod rules;
mod sent;
pub mod shell;
mod trouble;

pub use crate::venue::lines::{FeedFaults, Happening, LineFaults, LostPackets, Silence};
pub use channel::Interjection;
pub use client::SessionSettings;
pub use contract::{ChannelSettings, Contract};
pub use day::{Closing, DayAccount, Print};
pub use gateway::{ConnectionId, GatewayCounters};
pub use lines::{Datagram, Group};
pub use orders::Amendment;
pub use replay::{ReplayCounts, ReplayRules, ReplayTrouble};
pub use rules::{KnownParties, MessageLimit, OrderRules};
pub use trouble::{OrderFault, OrderFaults, OrderRate, OrderTrouble, Spot};

use crate::sim::exchange::{
    self, Booked, Event, Exchange, FillNo, ListingIndex, Phase, Shown, Sink,
};
use crate::venue::cme::ilink3::signature::SecretKey;
use crate::venue::lines::Plan;
use channel::Channel;
use gateway::{Demand, Gateway};
use lines::{HEAD_BYTES, Lines};
use orders::Orders;
use recovery::Loops;
use replay::Replay;
use std::collections::{BTreeMap, BTreeSet};
use xmc_hotpath::message::AccountId;
use xmc_hotpath::port::Line;
use xmc_hotpath::time::{MonoNs, Span};

/// What a venue is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its market, the crowd included.
    pub exchange: exchange::Settings,
    /// What its crowd does follows from this.
    pub seed: u64,
    /// How it tells the public; its contracts are those of the exchange, in the same order.
    pub channel: ChannelSettings,
    /// Who may trade: one account each, since a lost session's account is cleared of orders.
    pub sessions: Vec<SessionSettings>,
}

/// The venue.
#[derive(Debug)]
pub struct Venue {
    exchange: Exchange,
    channel: Channel,
    gateway: Gateway,
    orders: Orders,
    loops: Loops,
    lines: Lines,
    plan: Plan,
    replay: Replay,
    /// The last fill of each client's account that was handed out.
    booked: BTreeMap<AccountId, FillNo>,
}

impl Venue {
    /// A venue at its start, with the first packets of its feed on their way.
    ///
    /// # Panics
    /// If the settings contradict themselves.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let Settings { exchange, seed, channel, sessions } = settings;
        let (contracts, listings) = (channel.contracts.len(), exchange.listings.len());
        assert_eq!(contracts, listings, "each instrument of the exchange has a contract");
        let is_client = |session: &SessionSettings| session.account < exchange::CROWD_FROM;
        assert!(sessions.iter().all(is_client), "accounts of clients are below those of the crowd");
        let accounts: BTreeSet<_> = sessions.iter().map(|session| session.account).collect();
        assert_eq!(accounts.len(), sessions.len(), "each session has an account of its own");
        let (start, first_number) = (exchange.start, exchange.rules.first_number);
        let security_ids = channel.contracts.iter().map(|contract| contract.security_id).collect();
        let run = channel::utc(channel.utc_origin, start);
        let (faults, plan) = (channel.faults.clone(), Plan::new(&channel.faults, start));
        let mut venue = Self {
            exchange: Exchange::new(exchange, seed),
            gateway: Gateway::new(sessions, channel.utc_origin),
            orders: Orders::new(security_ids, first_number, run),
            replay: Replay::new(channel.channel, channel.utc_origin.0),
            channel: Channel::new(channel, first_number),
            loops: Loops::new(start),
            plan,
            lines: Lines::new(faults, 0, HEAD_BYTES),
            booked: BTreeMap::new(),
        };
        venue.reset_channel(start);
        venue.announce(start);
        venue
    }

    /// Fills from before a restart, the oldest first: positions are what they were.
    ///
    /// # Panics
    /// If a fill is of an instrument that is not listed.
    pub fn recover(&mut self, fills: &[Booked]) {
        self.exchange.recover(fills);
        for account in self.gateway.accounts() {
            self.booked.insert(account, self.exchange.accounts().last_fill(account));
        }
    }

    /// An account comes to hold lots that no order of its sessions has traded.
    ///
    /// # Panics
    /// If there is no such instrument.
    pub fn carry(
        &mut self,
        account: xmc_hotpath::message::AccountId,
        listing: crate::sim::exchange::ListingIndex,
        side: xmc_hotpath::message::Side,
        lots: u32,
    ) {
        self.exchange.carry(account, listing, side, lots);
    }

    /// The market behind it.
    #[must_use]
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// What its gateway counts.
    #[must_use]
    pub fn counters(&self) -> GatewayCounters {
        self.gateway.counters()
    }

    /// The number of the last packet of the incremental feed.
    #[must_use]
    pub fn last_seq_no(&self) -> u32 {
        self.channel.last_seq_no()
    }

    /// Between two loops of snapshots.
    #[must_use]
    pub fn snapshot_period(&self) -> Span {
        self.channel.settings.snapshots
    }

    /// When `poll` has something to do by itself.
    #[must_use]
    pub fn next_at(&self) -> MonoNs {
        let due = [
            self.exchange.next_at(),
            self.channel.heartbeat_at(),
            self.loops.next_at(),
            self.lines.next_at(),
            self.plan.next_at(),
            self.gateway.due_at(),
        ];
        due.into_iter().fold(MonoNs::NEVER, MonoNs::min)
    }

    /// Lets time pass.
    pub fn poll(&mut self, now: MonoNs) {
        while let Some((at, what)) = self.plan.take(now) {
            self.step(at);
            match what {
                Happening::Silence(silence) => self.set_silence(at, silence),
                Happening::Failover => self.reset_channel(at),
            }
        }
        self.step(now);
        self.cancel_lost(now);
        self.gateway.on_time(now);
        for id in self.gateway.ids() {
            self.answer(now, id);
        }
        if self.channel.heartbeat_at() <= now {
            self.channel.heartbeat(now);
        }
        self.forward(now);
        self.lines.release(now);
        self.loops.run(now, &self.channel, &self.exchange, &mut self.lines);
    }

    fn step(&mut self, now: MonoNs) {
        let Self { exchange, channel, gateway, orders, .. } = self;
        exchange.step(now, &mut Tell { channel, gateway, orders });
    }

    /// A client has connected.
    pub fn connect(&mut self, id: ConnectionId) {
        self.gateway.connect(id);
    }

    /// A client has sent bytes.
    pub fn receive(&mut self, now: MonoNs, id: ConnectionId, bytes: &[u8]) {
        self.step(now);
        self.gateway.receive(id, bytes);
        self.answer(now, id);
        self.forward(now);
    }

    /// A client's connection is gone: its orders are cancelled.
    pub fn disconnect(&mut self, now: MonoNs, id: ConnectionId) {
        self.step(now);
        self.gateway.disconnect(id);
        self.answer(now, id);
        self.forward(now);
    }

    /// Whether a connection is that of somebody who may trade.
    #[must_use]
    pub fn is_client(&self, id: ConnectionId) -> bool {
        self.gateway.is_client(id)
    }

    /// Ends all sessions, as at the end of a week: their orders are cancelled.
    pub fn part(&mut self, now: MonoNs) {
        self.step(now);
        self.gateway.end_all(now);
        for id in self.gateway.ids() {
            self.answer(now, id);
        }
        self.forward(now);
    }

    /// A week begins: all sessions are ended and forgotten, and numbers start again. Orders whose
    /// connection was lost, and are not cancelled yet, belong to the new week.
    pub fn begin_week(&mut self, now: MonoNs) {
        self.part(now);
        self.gateway.begin_week();
    }

    /// The connections of all clients are lost, as when a line breaks.
    pub fn cut_orders(&mut self, now: MonoNs) {
        for id in self.gateway.ids() {
            if self.gateway.is_client(id) {
                self.disconnect(now, id);
            }
        }
    }

    /// A session's key is another one from now on: the next logon has to have it.
    pub fn set_key(&mut self, session: &str, key: SecretKey) {
        self.gateway.set_key(session, key);
    }

    /// What goes wrong with order sessions from now on.
    pub fn set_order_faults(&mut self, now: MonoNs, faults: OrderFaults) {
        self.gateway.set_faults(faults, now);
    }

    /// What the order gateway allows from now on.
    pub fn set_order_rules(&mut self, rules: OrderRules) {
        self.gateway.rules = rules;
    }

    /// The last fill of a client is amended, as an operator wishes; whether there was one.
    pub fn amend_last_fill(&mut self, now: MonoNs, what: Amendment) -> bool {
        self.step(now);
        let Self { gateway, orders, .. } = self;
        orders.amend_last(now, gateway, what)
    }

    /// All orders of clients are cancelled, as an operator wishes, who says why: tag 378.
    pub fn cancel_unasked(&mut self, now: MonoNs, reason: u8) {
        self.step(now);
        self.orders.cancels_for(Some(reason));
        let accounts: Vec<_> = self.gateway.accounts().collect();
        for account in accounts {
            let Self { exchange, channel, gateway, orders, .. } = self;
            exchange.mass_cancel(now, account, &mut Tell { channel, gateway, orders });
        }
        self.orders.cancels_for(None);
        self.forward(now);
    }

    /// Cancels what clients with a lost connection have left.
    fn cancel_lost(&mut self, now: MonoNs) {
        for client in self.gateway.take_cancels(now) {
            let Self { exchange, channel, gateway, orders, .. } = self;
            let account = gateway.account(client);
            exchange.mass_cancel(now, account, &mut Tell { channel, gateway, orders });
        }
    }

    /// Bytes for a client.
    pub fn take_bytes(&mut self, id: ConnectionId) -> Vec<u8> {
        self.gateway.take_bytes(id)
    }

    /// Whether a connection is over and all that was said on it has been taken; then it is
    /// forgotten.
    pub fn is_closed(&mut self, id: ConnectionId) -> bool {
        self.gateway.close(id)
    }

    /// Fills of clients since the last call, in the order of their numbers: what a venue has to
    /// write down before anybody is told of them.
    pub fn take_booked(&mut self) -> Vec<Booked> {
        let mut all = Vec::new();
        for account in self.gateway.accounts() {
            let last = self.booked.entry(account).or_default();
            all.extend(self.exchange.accounts().fills(account, *last));
            *last = self.exchange.accounts().last_fill(account);
        }
        all.sort_unstable_by_key(|booked| booked.fill.fill_no);
        all
    }

    /// Does all that a connection demands.
    fn answer(&mut self, now: MonoNs, id: ConnectionId) {
        while let Some((client, demand)) = self.gateway.demand(now, id) {
            let Self { exchange, channel, gateway, orders, .. } = self;
            if let Demand::Gone = demand {
                let account = gateway.account(client);
                exchange.mass_cancel(now, account, &mut Tell { channel, gateway, orders });
                continue;
            }
            if let Demand::MassAction(ask) = demand {
                let asked = orders.mass_asked(gateway, client, &ask);
                let affected = asked.as_ref().map_or(&[][..], |asked| asked.as_slice());
                let named = affected.iter().map(|one| one.cancel());
                let requests: Vec<_> = named.collect();
                exchange.request(now, &requests, &mut Tell { channel, gateway, orders });
                let Self { gateway, orders, .. } = self;
                orders.mass_done(now, gateway, client, &ask, asked.as_deref());
                continue;
            }
            if let Some(request) = orders.translate(now, gateway, client, demand) {
                exchange.request(now, &[request], &mut Tell { channel, gateway, orders });
                self.orders.done();
            }
        }
    }

    /// Its crowd's interruptions do not begin any more; those under way end in their time.
    pub fn undisturb(&mut self) {
        self.exchange.undisturb();
    }

    /// One instrument, or all of them, is traded differently from now on, as an operator wishes.
    pub fn set_phase(&mut self, now: MonoNs, listing: Option<ListingIndex>, to: Phase) {
        let Self { exchange, channel, gateway, orders, .. } = self;
        exchange.set_phase(now, listing, to, &mut Tell { channel, gateway, orders });
        self.forward(now);
    }

    /// Voids all books and sends them again, as CME does when a component has failed over; one that
    /// was silent is not any more.
    pub fn reset_channel(&mut self, now: MonoNs) {
        self.channel.set_silence(now, Silence::Off);
        let empty = Shown::default();
        let listings: Vec<_> = self.exchange.listings().map(|(listing, _)| listing).collect();
        let books = listings
            .iter()
            .map(|listing| self.exchange.published(*listing).map_or(&empty, |(shown, _)| shown));
        self.channel.reset(now, books);
        self.forward(now);
    }

    /// Tells what holds at the start: settlements of the day before, and limits.
    fn announce(&mut self, now: MonoNs) {
        let days = self.exchange.listings().map(|(_, engine)| {
            let listing = engine.listing();
            let closing = Closing {
                settlement_e9: listing.reference_e9,
                is_final: true,
                open_interest_lots: None,
                cleared_lots: None,
                day: None,
            };
            (closing, (listing.lower_e9, listing.upper_e9))
        });
        let days: Vec<_> = days.collect();
        self.channel.announce(now, &days);
        self.forward(now);
    }

    /// An instrument's day, by the venue's own account; `None` if it is not listed.
    #[must_use]
    pub fn day(&self, listing: ListingIndex) -> Option<DayAccount> {
        self.channel.rows.get(usize::from(listing.0)).map(|row| row.day.account())
    }

    /// Takes back the trade of an instrument that `later` ones came after, as an operator wishes;
    /// which one it was, if it was any. The accounts of those who traded are not changed.
    pub fn bust(&mut self, now: MonoNs, listing: ListingIndex, later: usize) -> Option<Print> {
        self.step(now);
        let print = self.channel.bust(now, usize::from(listing.0), later);
        self.forward(now);
        print
    }

    /// Tells what is said once a day of an instrument, as an operator wishes.
    ///
    /// # Panics
    /// If it is not listed.
    pub fn close_day(&mut self, now: MonoNs, listing: ListingIndex, closing: Closing) {
        self.step(now);
        self.channel.close_day(now, usize::from(listing.0), closing);
        self.forward(now);
    }

    /// Takes orders of an instrument from the lower to the upper price alone from now on, and tells
    /// so. Orders that lie beyond stay.
    ///
    /// # Panics
    /// If it is not listed.
    pub fn set_limits(&mut self, now: MonoNs, listing: ListingIndex, limits_e9: (i64, i64)) {
        self.step(now);
        self.exchange.set_limits(listing, limits_e9);
        self.channel.set_limits(now, usize::from(listing.0), limits_e9);
        self.forward(now);
    }

    /// Sends a packet of somebody else's making on the incremental feed, a copy for each line:
    /// something that this venue never says, or no packet at all.
    pub fn interject(
        &mut self,
        now: MonoNs,
        fill: impl FnOnce(&mut Interjection<'_>) -> [Vec<u8>; 2],
    ) {
        self.forward(now);
        let copies = fill(&mut self.channel.interject(now));
        self.lines.send_each(Group::Incremental, copies);
    }

    /// What goes wrong on a line of the incremental feed from now on.
    pub fn set_faults(&mut self, line: Line, faults: LineFaults) {
        self.lines.set_faults(line, faults);
    }

    /// Packets of the incremental feed in a thousand that neither line delivers from now on.
    pub fn set_lost_together(&mut self, per_mille: u32) {
        self.lines.set_lost_together(per_mille);
    }

    /// Packets of the recovery groups in a thousand that do not arrive from now on.
    pub fn set_recovery_lost(&mut self, per_mille: u32) {
        self.lines.set_recovery_lost(per_mille);
    }

    /// Packets of the incremental feed that do not arrive, by their sequence numbers.
    pub fn lose(&mut self, packets: LostPackets) {
        self.lines.lose(packets);
    }

    /// The feed falls silent, or speaks again and tells all that has happened, late.
    pub fn set_silence(&mut self, now: MonoNs, silence: Silence) {
        self.step(now);
        self.channel.set_silence(now, silence);
        self.forward(now);
    }

    /// What the TCP replay answers from now on.
    pub fn set_replay_rules(&mut self, rules: ReplayRules) {
        self.replay.rules = rules;
    }

    /// What the TCP replay has done.
    #[must_use]
    pub fn replay_counts(&self) -> ReplayCounts {
        self.replay.counts
    }

    /// Somebody has connected to the TCP replay.
    pub fn replay_connect(&mut self, id: ConnectionId) {
        self.replay.connect(id);
    }

    /// Somebody has sent bytes to the TCP replay.
    pub fn replay_receive(&mut self, now: MonoNs, id: ConnectionId, bytes: &[u8]) {
        self.replay.receive(now, id, bytes);
    }

    /// A connection of the TCP replay is gone.
    pub fn replay_disconnect(&mut self, id: ConnectionId) {
        self.replay.disconnect(id);
    }

    /// Bytes of the TCP replay for a connection, and whether it is to be closed behind them.
    pub fn replay_take_bytes(&mut self, id: ConnectionId) -> (Vec<u8>, bool) {
        let bytes = self.replay.take_bytes(id);
        (bytes, self.replay.is_closed(id))
    }

    /// The next datagram that leaves.
    pub fn take_datagram(&mut self) -> Option<Datagram> {
        self.lines.take()
    }

    /// New packets go onto the lines.
    fn forward(&mut self, now: MonoNs) {
        for (number, packet) in self.channel.take_sent() {
            self.replay.keep(now, number, &packet);
            self.lines.send(now, Group::Incremental, Some(number.into()), &packet);
        }
    }
}

/// Everybody who listens to the exchange.
struct Tell<'a> {
    channel: &'a mut Channel,
    gateway: &'a mut Gateway,
    orders: &'a mut Orders,
}

impl Sink for Tell<'_> {
    fn take(&mut self, now: MonoNs, event: &Event) {
        self.channel.take(now, event);
        self.orders.take(now, event, self.gateway);
    }
}
