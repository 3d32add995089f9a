//! The simulated counter: clients' bytes in, exchange requests out; exchange events in, replies
//! out.
//!
//! NOT A VENDOR'S COUNTER: it imitates what is public of one and makes up the rest. It checks what
//! a counter checks before an order reaches the exchange (logon, the socket, `ClientReqId`, the
//! fields), keeps the orders' states and repeats what it has told to whoever logs on again. It does
//! not check money or positions: that is the exchange's. All that was told stays for the whole run,
//! as a counter keeps its day: the newest in memory, the rest on the disk (`sim::shelf`).
//!
//! Sans-IO: called by the venue process with what its sockets and its exchange say, and by tests.

mod link;
mod recover;

use link::Link;
pub use recover::Told;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use xmc_hotpath::message::AccountId;
use xmc_hotpath::time::{MonoNs, Span};
use xmc_hotpath::venue::esunny::dstar::layout::{
    Generation, OrderDelete, OrderInsert, OrderState, ReqIdMode, UdpAuth, V2, V3,
};
use xmc_hotpath::venue::esunny::dstar::simulated_counter::{
    self, ContractRow, Frame, Framed, Kind, Logon, LogonReply, Question,
};
use xmc_hotpath::wire::{self, U32Le};

use super::ledger::{Account, Order, Reply};
use super::orders::is_live;
use super::reply::{self, Fill, Made, Numbered, Spoken};
use super::request::{self, Request, RequestError};
use super::wish::{self, CounterError};
use crate::sim::exchange::{self, Event, ListingIndex, Refusal, Sink, Ticket};

/// A client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

/// An account that may log on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    /// Its number, at most 21 characters.
    pub account_no: String,
    /// Its password, at most 21 characters. A simulation's: never a real one.
    pub password: String,
    /// Who it is at the exchange.
    pub account: AccountId,
}

/// A contract that can be traded through the counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractSettings {
    /// Its number, at most 16 characters.
    pub contract_no: String,
    /// What it is at the exchange.
    pub listing: ListingIndex,
}

/// What a counter is told at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who may log on; the place in the list is the `AccountIndex`.
    pub accounts: Vec<AccountSettings>,
    /// What can be traded; the place in the list is the `ContractIndex`.
    pub contracts: Vec<ContractSettings>,
    /// Where requests are taken, as told at logon.
    pub udp_port: u16,
    /// What `Offset` says to close today's position. UNPROVEN what a real counter has here.
    pub close_today: Option<u8>,
    /// Shortest time between two answers to the question for the last request.
    pub question_interval: Span,
    /// Makes the codes that requests must carry differ from run to run.
    pub seed: u32,
}

/// What the counter refused without a reply, or could not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams with something that is no request.
    pub bad_datagrams: u64,
    /// Requests that name no account, or come from a socket that is not its own.
    pub strangers: u64,
    /// Connections that ended because their bytes were no messages.
    pub bad_streams: u64,
    /// Questions that came too soon after the last one.
    pub early_questions: u64,
}

/// The counter.
#[derive(Debug)]
pub struct Counter {
    settings: Settings,
    accounts: Vec<Account>,
    links: BTreeMap<LinkId, Link>,
    next_link: u32,
    next_order_id: u64,
    next_serial: u64,
    /// What is to go to the exchange.
    wishes: Vec<exchange::Request>,
    /// What was told and not taken yet.
    fresh: Vec<Told>,
    /// Logons that are refused before one is looked at.
    refused_logons: u32,
    counts: Counts,
}

impl Counter {
    /// A counter that nobody is connected to.
    ///
    /// # Panics
    /// If it has more accounts than an `AccountIndex` can say.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        assert!(settings.accounts.len() < usize::from(u16::MAX), "an AccountIndex is 16 bits");
        let code = |place: u32| settings.seed.wrapping_mul(0x9E37_79B1) ^ place ^ 0xD57A_0000;
        let accounts = settings.accounts.iter().cloned().zip(1..);
        Self {
            accounts: accounts.map(|(one, place)| Account::new(one, code(place))).collect(),
            settings,
            links: BTreeMap::new(),
            next_link: 0,
            next_order_id: 1,
            next_serial: 1,
            wishes: Vec::new(),
            fresh: Vec::new(),
            refused_logons: 0,
            counts: Counts::default(),
        }
    }

    /// The next so many logons are refused, whoever asks, as by a counter that is not ready.
    pub fn refuse_logons(&mut self, count: u32) {
        self.refused_logons = count;
    }

    /// Accounts of that number have another password from now on.
    pub fn set_password(&mut self, account_no: &str, password: &str) {
        for account in self.accounts.iter_mut().map(|one| &mut one.settings) {
            if account.account_no == account_no {
                password.clone_into(&mut account.password);
            }
        }
    }

    /// What was refused without a reply.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// A client has connected.
    pub fn connect(&mut self) -> LinkId {
        let link = LinkId(self.next_link);
        self.next_link += 1;
        self.links.insert(link, Link::default());
        link
    }

    /// A client is gone. Its orders stay: nothing is known of cancelling them.
    pub fn disconnect(&mut self, link: LinkId) {
        self.links.remove(&link);
        for account in self.accounts.iter_mut().filter(|account| account.link == Some(link)) {
            account.link = None;
            account.socket = None;
        }
    }

    /// Whether an account is logged on over a connection.
    #[must_use]
    pub fn is_logged_on(&self, link: LinkId) -> bool {
        self.accounts.iter().any(|account| account.link == Some(link))
    }

    /// Whether a connection is to be ended.
    #[must_use]
    pub fn is_over(&self, link: LinkId) -> bool {
        self.links.get(&link).is_none_or(|link| link.is_over)
    }

    /// What is to be asked of the exchange since the last call.
    pub fn take_requests(&mut self) -> Vec<exchange::Request> {
        std::mem::take(&mut self.wishes)
    }

    /// Bytes of a client's stream have come, in pieces of any size.
    pub fn on_stream(&mut self, now: MonoNs, id: LinkId, bytes: &[u8]) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        link.inbox.extend_from_slice(bytes);
        let inbox = std::mem::take(&mut link.inbox);
        let mut rest = &inbox[..];
        loop {
            match simulated_counter::frame(rest) {
                Ok(Some((frame, after))) => {
                    self.on_frame(now, id, &frame);
                    rest = after;
                }
                Ok(None) => break,
                Err(_) => {
                    self.counts.bad_streams += 1;
                    self.end(id);
                    return;
                }
            }
        }
        if let Some(link) = self.links.get_mut(&id) {
            link.inbox = rest.to_vec();
        }
    }

    /// What its sender calls an order of that account, by the counter's number, which is all that
    /// the ledgers behind the counter know.
    #[must_use]
    pub fn reference(&self, account: AccountId, order_id: u64) -> Option<i64> {
        let account = &self.accounts[self.place(account)?];
        account.orders.get(order_id).map(|order| order.reference)
    }

    /// Ends a connection from this side.
    pub fn end(&mut self, id: LinkId) {
        if let Some(link) = self.links.get_mut(&id) {
            link.is_over = true;
        }
        for account in self.accounts.iter_mut().filter(|account| account.link == Some(id)) {
            account.link = None;
            account.socket = None;
        }
    }

    fn on_frame(&mut self, now: MonoNs, id: LinkId, frame: &Frame<'_>) {
        match Kind::from_wire(frame.kind) {
            Some(Kind::Logon) => match wire::take::<Logon>(frame.body) {
                Ok((logon, [])) => self.on_logon(id, logon),
                Ok(_) | Err(_) => self.end(id),
            },
            Some(Kind::Question) => match wire::take::<Question>(frame.body) {
                Ok((question, [])) => self.on_question(now, id, question),
                Ok(_) | Err(_) => self.end(id),
            },
            // Only the counter says the others; what is not known is passed over.
            _ => {}
        }
    }

    fn on_logon(&mut self, id: LinkId, logon: &Logon) {
        if self.refused_logons > 0 {
            self.refused_logons -= 1;
            return self.refuse_logon(id, CounterError::NotReady);
        }
        let place = self.accounts.iter().position(|account| {
            wire::text(&logon.account_no) == account.settings.account_no.as_bytes()
                && wire::text(&logon.password) == account.settings.password.as_bytes()
        });
        let Some(place) = place else {
            return self.refuse_logon(id, CounterError::Logon);
        };
        let account = &mut self.accounts[place];
        let is_spoken = matches!(logon.version, 2 | 3);
        if !is_spoken || account.version.is_some_and(|before| before != logon.version) {
            return self.refuse_logon(id, CounterError::Version);
        }
        account.version = Some(logon.version);
        account.socket = None;
        let before = account.link.replace(id);
        // Whoever has read more than was told has read it from another counter.
        let seen = usize::try_from(logon.replies_seen.get()).unwrap_or(usize::MAX);
        let seen = if seen > account.told.len() { 0 } else { seen };
        let contract_count = u16::try_from(self.settings.contracts.len()).unwrap_or(u16::MAX);
        let reply = LogonReply::granted(
            u16::try_from(place).expect("checked at the start"),
            account.udp_auth_code,
            account.max_client_req_id,
            contract_count,
            self.settings.udp_port,
            u32::try_from(seen).expect("no more than the client said"),
        );
        let mut out = bytemuck::bytes_of(&Framed::new(Kind::LogonReply, reply)).to_vec();
        for (contract, index) in self.settings.contracts.iter().zip(0..contract_count) {
            let row = ContractRow {
                contract_index: U32Le::new(index.into()),
                contract_no: reply::text(&contract.contract_no),
            };
            out.extend_from_slice(bytemuck::bytes_of(&Framed::new(Kind::Contract, row)));
        }
        // Whoever was logged on before is not any more.
        if let Some(before) = before.filter(|before| *before != id) {
            self.links.entry(before).and_modify(|link| link.is_over = true);
        }
        self.links.entry(id).and_modify(|link| {
            link.outbox.extend_from_slice(&out);
            (link.account, link.next_told) = (Some(place), Some(seen));
        });
    }

    fn refuse_logon(&mut self, id: LinkId, error: CounterError) {
        let reply = Framed::new(Kind::LogonReply, LogonReply::refused(error.code()));
        if let Some(link) = self.links.get_mut(&id) {
            link.outbox.extend_from_slice(bytemuck::bytes_of(&reply));
        }
    }

    /// The answer comes after the replies to all that was taken before the question.
    fn on_question(&mut self, now: MonoNs, id: LinkId, question: &Question) {
        let Some(link) = self.links.get_mut(&id) else {
            return;
        };
        let Some(place) = link.account else {
            self.counts.strangers += 1;
            return;
        };
        let account = &mut self.accounts[place];
        if usize::from(question.account_index.get()) != place {
            self.counts.strangers += 1;
            return;
        }
        let interval = self.settings.question_interval;
        if account.last_question.is_some_and(|last| now.since(last) < interval) {
            self.counts.early_questions += 1;
            return;
        }
        account.last_question = Some(now);
        link.say(&reply::last_request(account.max_client_req_id));
    }

    /// A datagram has come.
    pub fn on_datagram(&mut self, from: SocketAddr, datagram: &[u8]) {
        if request::is_v2(datagram) {
            self.read_datagram::<V2>(from, datagram);
        } else {
            self.read_datagram::<V3>(from, datagram);
        }
    }

    fn read_datagram<G: Spoken>(&mut self, from: SocketAddr, datagram: &[u8]) {
        request::read::<G>(datagram, |request| match request {
            Ok(Request::Auth(auth)) => self.on_auth::<G>(from, &auth),
            Ok(Request::Insert(insert)) => self.on_insert::<G>(from, &insert),
            Ok(Request::Delete(delete)) => self.on_delete::<G>(from, &delete),
            Err(
                RequestError::DatagramLen(_)
                | RequestError::Header(_)
                | RequestError::Truncated { .. }
                | RequestError::BodyLen { .. }
                | RequestError::BodyCount { .. }
                | RequestError::Code(_),
            ) => self.counts.bad_datagrams += 1,
        });
    }

    fn on_auth<G: Spoken>(&mut self, from: SocketAddr, auth: &UdpAuth) {
        let place = usize::from(auth.account_index.get());
        let Some(account) = self.accounts.get_mut(place) else {
            self.counts.strangers += 1;
            return;
        };
        let mode = ReqIdMode::from_wire(auth.req_id_mode);
        let is_ours = account.link.is_some() && account.version == Some(G::VERSION);
        let error = if !is_ours || auth.udp_auth_code.get() != account.udp_auth_code {
            CounterError::AuthCode.code()
        } else if mode.is_none() {
            CounterError::Mode.code()
        } else {
            0
        };
        if error == 0 {
            account.socket = mode.map(|mode| (from, mode));
        }
        let (code, mode) = (auth.udp_auth_code.get(), auth.req_id_mode);
        let reply = reply::udp_auth(auth.account_index.get(), code, mode, error);
        self.say(place, &reply);
    }

    /// The account that a request is for, and how its numbers are checked.
    fn known<G: Spoken>(
        &mut self,
        from: SocketAddr,
        account_index: u16,
        udp_auth_code: u32,
    ) -> Option<(usize, ReqIdMode)> {
        let place = usize::from(account_index);
        let account = self.accounts.get(place);
        let is_ours = |account: &&Account| {
            account.version == Some(G::VERSION) && account.udp_auth_code == udp_auth_code
        };
        let socket = account.filter(is_ours).and_then(|account| account.socket);
        match socket {
            Some((known, mode)) if known == from => Some((place, mode)),
            Some(_) | None => {
                self.counts.strangers += 1;
                None
            }
        }
    }

    fn on_insert<G: Spoken>(&mut self, from: SocketAddr, insert: &OrderInsert<G::Reference>) {
        let (index, code) = (insert.account_index.get(), insert.udp_auth_code.get());
        let Some((place, mode)) = self.known::<G>(from, index, code) else {
            return;
        };
        let number = insert.client_req_id.get();
        let account = &mut self.accounts[place];
        let mut order = Order {
            order_id: self.next_order_id,
            client_req_id: number,
            reference: insert.reference.number(),
            contract_no: String::from_utf8_lossy(wire::text(&insert.contract_no)).into_owned(),
            direct: insert.direct,
            offset: insert.offset,
            hedge: insert.hedge,
            price: insert.price,
            qty_lots: insert.qty_lots.get(),
            filled_lots: 0,
            state: OrderState::Received,
            order_no: None,
            system_no: String::new(),
        };
        let wish = if account.takes_number(mode, number) {
            wish::order::<G>(&self.settings, account.account(), order.order_id, insert)
        } else {
            Err(CounterError::ReqId)
        };
        let error = wish.err().map_or(0, CounterError::code);
        let max = account.max_client_req_id;
        let reply = reply::insert::<G>(&order, &account.settings.account_no, max, error);
        match wish {
            Ok(wish) => {
                self.next_order_id += 1;
                self.wishes.push(exchange::Request::Submit(wish));
                order.state = OrderState::Received;
                account.orders.insert(order);
            }
            Err(_) => order.state = OrderState::Failed,
        }
        self.tell(place, reply);
    }

    fn on_delete<G: Spoken>(
        &mut self,
        from: SocketAddr,
        delete: &OrderDelete<G::Reference, G::Key>,
    ) {
        let (index, code) = (delete.account_index.get(), delete.udp_auth_code.get());
        let Some((place, mode)) = self.known::<G>(from, index, code) else {
            return;
        };
        let account = &mut self.accounts[place];
        let number = delete.client_req_id.get();
        let is_numbered = account.takes_number(mode, number);
        let key = delete.key;
        let Some(order) = account.named(key.order_id(), delete.reference.number()) else {
            // There is no reply to a cancellation but the notice of its order, and none is there.
            self.counts.strangers += 1;
            return;
        };
        match order.order_no {
            Some(order_no) if is_numbered && is_live(order.state) => {
                let cancel = exchange::Cancel {
                    account: account.account(),
                    client_id: order.order_id,
                    order_no,
                };
                self.wishes.push(exchange::Request::Cancel(cancel));
            }
            Some(_) | None => {
                let error =
                    if is_numbered { CounterError::UnknownOrder } else { CounterError::ReqId };
                let notice = reply::notice::<G>(&order, error.code());
                self.tell(place, notice);
            }
        }
    }

    /// Says something to an account's client, if it is there.
    fn say(&mut self, place: usize, reply: &[u8]) {
        let link = self.accounts[place].link;
        if let Some(link) = link.and_then(|link| self.links.get_mut(&link)) {
            link.say(reply);
        }
    }

    /// Says something about an order, and remembers that it was said.
    fn tell(&mut self, place: usize, reply: Vec<u8>) {
        let account = &mut self.accounts[place];
        if let Some(link) = account.link.and_then(|link| self.links.get_mut(&link)) {
            link.tell(&reply);
        }
        let version = account.version.unwrap_or(V3::VERSION);
        self.fresh.push(Told { account: account.account(), version, reply: reply.clone() });
        account.told.push(Reply(reply));
    }

    /// Changes the order of a ticket and tells how it stands then.
    fn change(&mut self, ticket: &Ticket, fill: Option<Fill>, change: impl FnOnce(&mut Order)) {
        let Some(place) = self.place(ticket.account) else {
            return;
        };
        let account = &mut self.accounts[place];
        let Some(order) = account.orders.get_mut(ticket.client_id) else {
            return;
        };
        change(order);
        if order.order_no.is_none() {
            order.order_no = Some(ticket.order_no);
            order.system_no = format!("{:>12}", ticket.order_no.0);
        }
        let (account_no, order) = (&account.settings.account_no, &*order);
        let is_v2 = account.version == Some(2);
        let fill = fill.map(|fill| match is_v2 {
            true => reply::fill::<V2>(order, account_no, &fill),
            false => reply::fill::<V3>(order, account_no, &fill),
        });
        let notice = notice(is_v2, order, 0);
        if let Some(fill) = fill {
            self.tell(place, fill);
        }
        self.tell(place, notice);
    }

    fn place(&self, account: AccountId) -> Option<usize> {
        self.accounts.iter().position(|one| one.account() == account)
    }

    /// Tells that an order that was taken is refused after all.
    pub fn refuse(&mut self, order: &exchange::Order, error: CounterError) {
        let Some(place) = self.place(order.account) else {
            return;
        };
        let account = &mut self.accounts[place];
        let is_v2 = account.version == Some(2);
        if let Some(order) = account.orders.get_mut(order.client_id) {
            order.state = OrderState::Failed;
            let notice = notice(is_v2, order, error.code());
            self.tell(place, notice);
        }
    }

    fn on_cancel_rejected(&mut self, cancel: &exchange::Cancel, reason: Refusal) {
        let Some(place) = self.place(cancel.account) else {
            return;
        };
        let account = &self.accounts[place];
        if let Some(order) = account.orders.get(cancel.client_id) {
            let notice =
                notice(account.version == Some(2), &order, CounterError::of(reason).code());
            self.tell(place, notice);
        }
    }

    fn take_serial(&mut self) -> u64 {
        let serial = self.next_serial;
        self.next_serial += 1;
        serial
    }
}

impl Sink for Counter {
    fn take(&mut self, _now: MonoNs, event: &Event) {
        match event {
            Event::Accepted(accepted) => {
                self.change(&accepted.ticket, None, |order| order.state = OrderState::Queued);
            }
            Event::Filled(fill) => {
                let told = Fill {
                    serial: self.take_serial(),
                    lots: fill.lots,
                    price_e9: fill.price_e9,
                    fill_no: fill.fill_no.0,
                    trade_no: fill.trade_no.0,
                };
                self.change(&fill.ticket, Some(told), |order| {
                    order.filled_lots = fill.cum_lots;
                    let is_whole = fill.leaves_lots == 0;
                    order.state =
                        if is_whole { OrderState::Filled } else { OrderState::PartFilled };
                });
            }
            Event::Cancelled { ticket, .. } => self.change(ticket, None, |order| {
                let is_partial = order.filled_lots > 0;
                order.state =
                    if is_partial { OrderState::RemainderCancelled } else { OrderState::Cancelled };
            }),
            Event::Rejected { order, reason } => self.refuse(order, CounterError::of(*reason)),
            Event::CancelRejected { cancel, reason } => self.on_cancel_rejected(cancel, *reason),
            // Nothing can be changed through this counter, and the rest is the public's.
            _ => {}
        }
    }
}

fn notice(is_v2: bool, order: &Order, error: i32) -> Vec<u8> {
    if is_v2 { reply::notice::<V2>(order, error) } else { reply::notice::<V3>(order, error) }
}
