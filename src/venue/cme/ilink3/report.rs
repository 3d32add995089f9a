//! The exchange's half of iLink 3: the reports that a simulated venue sends.
//!
//! Blocks are made from the order or request they answer, so what CME echoes is echoed. Matching,
//! session state and sequence rules are not here: the simulated venue decides what happened and
//! when, this writes it down. Called by the simulated gateway and the latency run.

use super::{PRIMARY, frame_of, text};
use xmc_hotpath::venue::cme::ilink3::layout::{
    AffectedOrder, Block, BusinessReject, Cancel, CancelRejected, FillEvent, FillPart, MassAction,
    MassActionReport, Message, NULL_U8, NULL_U64, NewOrder, NotApplied, OrderCancelled,
    OrderEliminated, OrderModified, OrderNew, OrderRejected, OrderStatus, PartyDetailsAck,
    PartyDetailsRequest, Replace, ReplaceRejected, Sequence, TradeAddendum, TradeOutright,
};
use xmc_hotpath::venue::cme::sbe::GroupSize;
use xmc_hotpath::wire::{I64Le, U16Le, U32Le, U64Le};

/// One session as the exchange sees it: numbers its messages.
#[derive(Clone, Debug)]
pub struct ReportWriter {
    uuid: u64,
    version: u16,
    next_seq_no: u32,
}

/// One thing that the exchange did.
#[derive(Clone, Copy, Debug)]
pub struct Execution {
    /// Tag 17 `ExecID`.
    pub exec_id: [u8; 40],
    /// The exchange's name of the order.
    pub order_id: u64,
    /// When it was done, ns since 1970.
    pub transact_ns: u64,
    /// When the report is sent, ns since 1970.
    pub sent_ns: u64,
}

impl Execution {
    /// The `number`-th execution of a day, its name made of the number.
    pub fn numbered(number: u64, order_id: u64, transact_ns: u64, sent_ns: u64) -> Self {
        Self { exec_id: text(&format!("XMC{number:017}")), order_id, transact_ns, sent_ns }
    }
}

/// A fill, as the venue's ledger has it.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    /// Price of this fill, units of 1e-9.
    pub last_e9: i64,
    /// Quantity of this fill, contracts.
    pub last_lots: u32,
    /// Filled so far, this one included, contracts.
    pub cum_lots: u32,
    /// The order came in and matched a resting one.
    pub is_aggressor: bool,
    /// Names the trade in market data and on both sides.
    pub trade_id: u32,
}

/// Why a message was refused as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// Sequence number of the refused message.
    pub ref_seq_no: u32,
    /// Its FIX message type, one or two characters.
    pub ref_msg_type: &'a str,
    /// Tag 380 `BusinessRejectReason`.
    pub reason: u16,
    /// Explanation.
    pub text: &'a str,
    /// When the reject is sent, ns since 1970.
    pub sent_ns: u64,
}

/// How an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Tag 39: `0` new, `1` partially filled, `2` filled, `4` cancelled, `C` expired, `U`
    /// undefined.
    pub ord_status: u8,
    /// Filled so far, contracts.
    pub cum_lots: u32,
    /// Still open, contracts.
    pub leaves_lots: u32,
}

/// The question that a status answers: one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Tag 790 of 533.
    pub one: Option<U64Le>,
    /// Tag 584 of 530.
    pub many: Option<U64Le>,
    /// The last answer to a 530.
    pub is_last: bool,
}

/// A report of `$order`, which is the `NewOrder` as it stands by now, with what all reports echo.
macro_rules! report {
    ($block:ident, $writer:expr, $order:expr, $execution:expr, {
        $($field:ident: $value:expr),* $(,)?
    }) => {{
        let (order, execution): (&NewOrder, &Execution) = ($order, $execution);
        $block {
            seq_no: U32Le::new($writer.take_seq_no()),
            uuid: U64Le::new($writer.uuid),
            exec_id: execution.exec_id,
            sender_id: order.sender_id,
            cl_ord_id: order.cl_ord_id,
            party_details_id: order.party_details_id,
            order_id: U64Le::new(execution.order_id),
            price_e9: order.price_e9,
            stop_e9: order.stop_e9,
            transact_ns: U64Le::new(execution.transact_ns),
            sent_ns: U64Le::new(execution.sent_ns),
            request_id: order.request_id,
            location: order.location,
            security_id: order.security_id,
            qty_lots: order.qty_lots,
            expire_date: order.expire_date,
            ord_type: order.ord_type,
            side: order.side,
            tif: order.tif,
            manual: order.manual,
            exec_inst: order.exec_inst,
            execution_mode: order.execution_mode,
            liquidity_flag: order.liquidity_flag,
            managed_order: order.managed_order,
            short_sale_type: order.short_sale_type,
            discretion_e9: order.discretion_e9,
            $($field: $value,)*
            ..$block::BLANK
        }
    }};
}

/// The refusal of a request, with what CME echoes of it.
macro_rules! request_rejected {
    ($block:ident, $writer:expr, $request:expr, $execution:expr, $reason:expr, $text:expr) => {{
        let execution: &Execution = $execution;
        $block {
            seq_no: U32Le::new($writer.take_seq_no()),
            uuid: U64Le::new($writer.uuid),
            text: text($text),
            exec_id: execution.exec_id,
            sender_id: $request.sender_id,
            cl_ord_id: $request.cl_ord_id,
            party_details_id: $request.party_details_id,
            order_id: U64Le::new(execution.order_id),
            transact_ns: U64Le::new(execution.transact_ns),
            sent_ns: U64Le::new(execution.sent_ns),
            request_id: $request.request_id,
            location: $request.location,
            reject_reason: U16Le::new($reason),
            manual: $request.manual,
            liquidity_flag: $request.liquidity_flag,
            ..$block::BLANK
        }
    }};
}

impl ReportWriter {
    /// A session `uuid` that writes schema `version` and numbers its messages from `next_seq_no`.
    pub const fn new(uuid: u64, version: u16, next_seq_no: u32) -> Self {
        Self { uuid, version, next_seq_no }
    }

    /// The number that the next business message gets.
    pub const fn next_seq_no(&self) -> u32 {
        self.next_seq_no
    }

    fn take_seq_no(&mut self) -> u32 {
        let seq_no = self.next_seq_no;
        self.next_seq_no = seq_no.wrapping_add(1);
        seq_no
    }

    /// 522: `order` is in the book.
    pub fn accepted(&mut self, order: &NewOrder, execution: &Execution) -> OrderNew {
        report!(OrderNew, self, order, execution, {
            min_qty_lots: order.min_qty_lots,
            display_lots: order.display_lots,
            reservation_e9: order.reservation_e9,
        })
    }

    /// 523: `order` was refused.
    pub fn rejected(
        &mut self,
        order: &NewOrder,
        execution: &Execution,
        reason: u16,
        why: &str,
    ) -> OrderRejected {
        report!(OrderRejected, self, order, execution, {
            text: text(why),
            min_qty_lots: order.min_qty_lots,
            display_lots: order.display_lots,
            reservation_e9: order.reservation_e9,
            reject_reason: U16Le::new(reason),
        })
    }

    /// 524: what was left of `order` after `cum_lots` is gone, because it may not rest.
    pub fn eliminated(
        &mut self,
        order: &NewOrder,
        execution: &Execution,
        cum_lots: u32,
    ) -> OrderEliminated {
        report!(OrderEliminated, self, order, execution, {
            cum_lots: U32Le::new(cum_lots),
            min_qty_lots: order.min_qty_lots,
            display_lots: order.display_lots,
            reservation_e9: order.reservation_e9,
        })
    }

    /// 525: `order` traded.
    pub fn traded(
        &mut self,
        order: &NewOrder,
        execution: &Execution,
        fill: &Fill,
    ) -> TradeOutright {
        let leaves_lots = order.qty_lots.get().saturating_sub(fill.cum_lots);
        report!(TradeOutright, self, order, execution, {
            last_e9: I64Le::new(fill.last_e9),
            last_lots: U32Le::new(fill.last_lots),
            cum_lots: U32Le::new(fill.cum_lots),
            leaves_lots: U32Le::new(leaves_lots),
            sec_exec_id: U64Le::new(u64::from(fill.trade_id)),
            md_trade_id: U32Le::new(fill.trade_id),
            side_trade_id: U32Le::new(fill.trade_id),
            ord_status: if leaves_lots == 0 { 2 } else { 1 },
            aggressor: u8::from(fill.is_aggressor),
            reservation_e9: order.reservation_e9,
        })
    }

    /// 548: the fill of `order` that was reported as `original` is taken back.
    pub fn trade_cancelled(
        &mut self,
        order: &NewOrder,
        execution: &Execution,
        original: &TradeOutright,
    ) -> TradeAddendum {
        TradeAddendum {
            seq_no: U32Le::new(self.take_seq_no()),
            uuid: U64Le::new(self.uuid),
            exec_id: execution.exec_id,
            sender_id: order.sender_id,
            cl_ord_id: order.cl_ord_id,
            party_details_id: order.party_details_id,
            last_e9: original.last_e9,
            order_id: U64Le::new(execution.order_id),
            transact_ns: U64Le::new(execution.transact_ns),
            sent_ns: U64Le::new(execution.sent_ns),
            sec_exec_id: original.sec_exec_id,
            orig_sec_exec_id: original.sec_exec_id,
            location: order.location,
            security_id: order.security_id,
            last_lots: original.last_lots,
            side_trade_id: original.side_trade_id,
            orig_side_trade_id: original.side_trade_id,
            ord_status: TRADE_CANCELLED,
            exec_type: TRADE_CANCELLED,
            side: order.side,
            manual: order.manual,
            ..TradeAddendum::BLANK
        }
    }

    /// 548: the fill of `order` that was reported as `original` was at another price.
    pub fn trade_corrected(
        &mut self,
        order: &NewOrder,
        execution: &Execution,
        original: &TradeOutright,
        price_e9: i64,
    ) -> TradeAddendum {
        TradeAddendum {
            last_e9: I64Le::new(price_e9),
            ord_status: TRADE_CORRECTED,
            exec_type: TRADE_CORRECTED,
            ..self.trade_cancelled(order, execution, original)
        }
    }

    /// 531: `order` was changed; it is given as it stands after the change, with the names that
    /// the change gave it.
    pub fn modified(
        &mut self,
        order: &NewOrder,
        execution: &Execution,
        cum_lots: u32,
    ) -> OrderModified {
        report!(OrderModified, self, order, execution, {
            cum_lots: U32Le::new(cum_lots),
            leaves_lots: U32Le::new(order.qty_lots.get().saturating_sub(cum_lots)),
            min_qty_lots: order.min_qty_lots,
            display_lots: order.display_lots,
        })
    }

    /// 532: how `order` stands, in answer to `asked`.
    pub fn status(
        &mut self,
        order: &NewOrder,
        execution: &Execution,
        standing: &Standing,
        asked: &Asked,
    ) -> OrderStatus {
        let answers = |id: Option<U64Le>| id.unwrap_or(NULL_U64);
        report!(OrderStatus, self, order, execution, {
            status_id: answers(asked.one),
            mass_status_id: answers(asked.many),
            is_last: if asked.many.is_some() { u8::from(asked.is_last) } else { NULL_U8 },
            ord_status: standing.ord_status,
            cum_lots: U32Le::new(standing.cum_lots),
            leaves_lots: U32Le::new(standing.leaves_lots),
            min_qty_lots: order.min_qty_lots,
            display_lots: order.display_lots,
            reservation_e9: order.reservation_e9,
        })
    }

    /// 534: `order` was cancelled as asked, or unasked for the reason `restatement`.
    pub fn cancelled(
        &mut self,
        order: &NewOrder,
        execution: &Execution,
        cum_lots: u32,
        cause: CancelCause<'_>,
    ) -> OrderCancelled {
        let block = report!(OrderCancelled, self, order, execution, {
            cum_lots: U32Le::new(cum_lots),
            min_qty_lots: order.min_qty_lots,
            display_lots: order.display_lots,
            reservation_e9: order.reservation_e9,
        });
        match cause {
            CancelCause::Asked(cancel) => OrderCancelled {
                cl_ord_id: cancel.cl_ord_id,
                request_id: cancel.request_id,
                manual: cancel.manual,
                liquidity_flag: cancel.liquidity_flag,
                orig_order_user: cancel.orig_order_user,
                ..block
            },
            CancelCause::Exchange(restatement) => OrderCancelled { restatement, ..block },
        }
    }

    /// 535: `cancel` was refused.
    pub fn cancel_rejected(
        &mut self,
        cancel: &Cancel,
        execution: &Execution,
        reason: u16,
        why: &str,
    ) -> CancelRejected {
        request_rejected!(CancelRejected, self, cancel, execution, reason, why)
    }

    /// 536: `change` was refused.
    pub fn replace_rejected(
        &mut self,
        change: &Replace,
        execution: &Execution,
        reason: u16,
        why: &str,
    ) -> ReplaceRejected {
        request_rejected!(ReplaceRejected, self, change, execution, reason, why)
    }

    /// 521: a message was refused as a whole.
    pub fn business_reject(&mut self, refusal: &Refusal<'_>) -> BusinessReject {
        BusinessReject {
            seq_no: U32Le::new(self.take_seq_no()),
            uuid: U64Le::new(self.uuid),
            text: text(refusal.text),
            sent_ns: U64Le::new(refusal.sent_ns),
            ref_seq_no: U32Le::new(refusal.ref_seq_no),
            reason: U16Le::new(refusal.reason),
            ref_msg_type: text(refusal.ref_msg_type),
            ..BusinessReject::BLANK
        }
    }

    /// 562: what came of `ask`, in as many fragments as its orders need; `None`: it is refused.
    pub fn mass_action(
        &mut self,
        ask: &MassAction,
        report_id: u64,
        sent_ns: u64,
        affected: Option<&[AffectedOrder]>,
    ) -> Vec<Vec<u8>> {
        /// Orders of one fragment: a message stays within a packet. UNPROVEN: CME's own number.
        const FRAGMENT: usize = 32;
        let rows = affected.unwrap_or(&[]);
        let mut fragments: Vec<_> = rows.chunks(FRAGMENT).collect();
        if fragments.is_empty() {
            fragments.push(&[]);
        }
        let (last, all) = (fragments.len() - 1, rows.len());
        let fragment = |(place, rows): (usize, &[AffectedOrder])| {
            let block = MassActionReport {
                seq_no: U32Le::new(self.take_seq_no()),
                uuid: U64Le::new(self.uuid),
                sender_id: ask.sender_id,
                party_details_id: ask.party_details_id,
                transact_ns: U64Le::new(sent_ns),
                sent_ns: U64Le::new(sent_ns),
                request_id: ask.request_id,
                report_id: U64Le::new(report_id),
                security_group: ask.security_group,
                location: ask.location,
                security_id: ask.security_id,
                response: u8::from(affected.is_some()),
                manual: ask.manual,
                scope: ask.scope,
                affected_orders: U32Le::new(u32::try_from(all).unwrap_or(u32::MAX)),
                is_last: u8::from(place == last),
                reject_reason: if affected.is_some() { NULL_U8 } else { 0 },
                market_segment: ask.market_segment,
                cancel_scope: ask.cancel_scope,
                side: ask.side,
                ord_type: ask.ord_type,
                tif: ask.tif,
                liquidity_flag: ask.liquidity_flag,
                orig_order_user: ask.orig_order_user,
                ..MassActionReport::BLANK
            };
            let mut tail = Vec::new();
            push_group(&mut tail, rows);
            frame_of(self.version, &block, &tail)
        };
        fragments.into_iter().enumerate().map(fragment).collect()
    }

    /// 519: party details are registered as `request` has them.
    pub fn parties_registered(
        &mut self,
        request: &PartyDetailsRequest,
        sent_ns: u64,
    ) -> PartyDetailsAck {
        PartyDetailsAck {
            seq_no: U32Le::new(self.take_seq_no()),
            uuid: U64Le::new(self.uuid),
            memo: request.memo,
            average_group: request.average_group,
            party_details_id: request.party_details_id,
            sent_ns: U64Le::new(sent_ns),
            smp_id: request.smp_id,
            customer_capacity: request.customer_capacity,
            clearing_account: request.clearing_account,
            smp_instruction: request.smp_instruction,
            average_price: request.average_price,
            clearing_price: request.clearing_price,
            give_up: request.give_up,
            handling: request.handling,
            list_action: request.list_action,
            executor: request.executor,
            decision_maker: request.decision_maker,
            ..PartyDetailsAck::BLANK
        }
    }

    /// 513: `msg_count` messages of the client are missing from `from_seq_no` on.
    pub fn not_applied(&self, from_seq_no: u32, msg_count: u32) -> NotApplied {
        NotApplied {
            uuid: U64Le::new(self.uuid),
            from_seq_no: U32Le::new(from_seq_no),
            msg_count: U32Le::new(msg_count),
            ..NotApplied::BLANK
        }
    }

    /// 506: a heartbeat; with `has_lapsed` a demand for one.
    pub fn sequence(&self, has_lapsed: bool) -> Sequence {
        Sequence {
            uuid: U64Le::new(self.uuid),
            next_seq_no: U32Le::new(self.next_seq_no),
            fault_tolerance: PRIMARY,
            lapsed: u8::from(has_lapsed),
        }
    }

    /// The bytes of a message without groups.
    pub fn frame<M: Message>(&self, block: &M) -> Vec<u8> {
        frame_of(self.version, block, &[])
    }

    /// The bytes of 519 with the groups of its 518.
    pub fn parties_frame(&self, block: &PartyDetailsAck, groups: &[u8]) -> Vec<u8> {
        frame_of(self.version, block, groups)
    }

    /// The bytes of a fill with its groups.
    pub fn trade_frame(
        &self,
        block: &TradeOutright,
        parts: &[FillPart],
        events: &[FillEvent],
    ) -> Vec<u8> {
        let mut tail = Vec::new();
        push_group(&mut tail, parts);
        push_group(&mut tail, events);
        frame_of(self.version, block, &tail)
    }

    /// The bytes of a fill that is taken back, its groups empty.
    pub fn addendum_frame(&self, block: &TradeAddendum) -> Vec<u8> {
        let mut tail = Vec::new();
        push_group::<FillPart>(&mut tail, &[]);
        let events = GroupSize { block_len: U16Le::new(ADDENDUM_EVENT_LEN), count: 0 };
        tail.extend_from_slice(bytemuck::bytes_of(&events));
        frame_of(self.version, block, &tail)
    }
}

/// Who wanted an order gone.
#[derive(Clone, Copy, Debug)]
pub enum CancelCause<'a> {
    /// The client, by this request.
    Asked(&'a Cancel),
    /// The exchange; tag 378 `ExecRestatementReason` says why (100: cancel on disconnect).
    Exchange(u8),
}

/// Length of an entry of the group `NoOrderEvents` of 548, bytes.
const ADDENDUM_EVENT_LEN: u16 = 45;

/// Tags 39 and 150 of a fill that is taken back.
const TRADE_CANCELLED: u8 = b'H';
/// Tags 39 and 150 of a fill whose price was corrected.
const TRADE_CORRECTED: u8 = b'G';

/// Appends a repeating group of at most 255 entries.
fn push_group<B: Block>(frame: &mut Vec<u8>, entries: &[B]) {
    let size = GroupSize {
        block_len: U16Le::new(u16::try_from(size_of::<B>()).expect("an entry is short")),
        count: u8::try_from(entries.len()).expect("a group has at most 255 entries"),
    };
    frame.extend_from_slice(bytemuck::bytes_of(&size));
    frame.extend_from_slice(bytemuck::cast_slice(entries));
}

/// The order that stands after `change`: what a venue keeps in its book.
pub fn changed(order: &NewOrder, change: &Replace) -> NewOrder {
    NewOrder {
        price_e9: change.price_e9,
        qty_lots: change.qty_lots,
        cl_ord_id: change.cl_ord_id,
        party_details_id: change.party_details_id,
        sender_id: change.sender_id,
        request_id: change.request_id,
        sent_ns: change.sent_ns,
        stop_e9: change.stop_e9,
        location: change.location,
        min_qty_lots: change.min_qty_lots,
        display_lots: change.display_lots,
        expire_date: change.expire_date,
        ord_type: change.ord_type,
        tif: change.tif,
        manual: change.manual,
        exec_inst: change.exec_inst,
        execution_mode: change.execution_mode,
        liquidity_flag: change.liquidity_flag,
        managed_order: change.managed_order,
        short_sale_type: change.short_sale_type,
        discretion_e9: change.discretion_e9,
        ..*order
    }
}
