//! What each message is made of: its root block, its groups, and whether data follows.

use std::sync::LazyLock;
use xmc_hotpath::venue::cme::ilink3::layout::{
    AddendumEvent, AddendumLeg, AffectedOrder, Block, BusinessReject, Cancel, CancelRejected,
    Establish, EstablishmentAck, EstablishmentReject, Field, FillEvent, FillPart, LegAddendumEvent,
    MassAction, MassActionReport, MassStatusRequest, Message, Negotiate, NegotiationReject,
    NegotiationResponse, NewOrder, NotApplied, OrderCancelled, OrderEliminated, OrderModified,
    OrderNew, OrderRejected, OrderStatus, PartyDetail, PartyDetailsAck, PartyDetailsRequest,
    PendingCancel, PendingReplace, Publication, Replace, ReplaceRejected, Retransmission,
    RetransmitReject, RetransmitRequest, Sequence, SpreadAddendum, SpreadFillEvent, SpreadFillLeg,
    SpreadLegAddendum, StatusRequest, Terminate, TradeAddendum, TradeOutright, TradeSpread,
    TradeSpreadLeg,
};

/// The fields of a block.
#[derive(Clone, Debug)]
pub struct Table {
    /// Where they lie, in the order of the wire.
    pub fields: Vec<Field>,
    /// The block with every field absent.
    pub blank: Vec<u8>,
}

impl Table {
    fn of<B: Block>() -> Self {
        Self { fields: B::FIELDS.to_vec(), blank: bytemuck::bytes_of(&B::BLANK).to_vec() }
    }

    /// With what version 9 appends to the block of version 8.
    fn and(mut self, added: &[Field]) -> Self {
        for field in added {
            assert_eq!(field.offset, self.blank.len(), "{} follows", field.name);
            self.blank.resize(field.offset + field.len, 0);
            self.fields.push(*field);
        }
        self
    }
}

/// A message.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its number.
    pub template_id: u16,
    /// The exchange's name.
    pub name: &'static str,
    /// Its root block.
    pub root: Table,
    /// Its groups, in the order of the wire, by the exchange's names.
    pub groups: Vec<(&'static str, Table)>,
    /// The data behind them, by the exchange's name.
    pub data: Option<&'static str>,
}

impl Spec {
    fn of<M: Message>(name: &'static str) -> Self {
        let root = Table::of::<M>();
        Self { template_id: M::TEMPLATE_ID, name, root, groups: Vec::new(), data: None }
    }

    fn group<B: Block>(mut self, name: &'static str) -> Self {
        self.groups.push((name, Table::of::<B>()));
        self
    }

    fn credentials(mut self) -> Self {
        self.data = Some("Credentials");
        self
    }

    fn since_9(mut self, added: &[Field]) -> Self {
        self.root = self.root.and(added);
        self
    }

    /// The message of that number.
    #[must_use]
    pub fn find(template_id: u16) -> Option<&'static Self> {
        SPECS.iter().find(|spec| spec.template_id == template_id)
    }

    /// The message of that name, with or without its number.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let bare = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        SPECS.iter().find(|spec| spec.name == name || bare(spec.name) == name)
    }
}

/// What version 9 appends to 548, 549 and 550: their layouts are those of version 8.
const fn exec_ref_id(offset: usize) -> Field {
    Field { name: "ExecRefID", tag: 19, offset, len: 40, kind: "[u8; 40]" }
}

const MD_TRADE_ENTRY_ID: Field =
    Field { name: "MDTradeEntryID", tag: 37_711, offset: 222, len: 4, kind: "U32Le" };

/// Every message that is laid out.
pub static SPECS: LazyLock<Vec<Spec>> = LazyLock::new(|| {
    vec![
        Spec::of::<Negotiate>("Negotiate500").credentials(),
        Spec::of::<NegotiationResponse>("NegotiationResponse501").credentials(),
        Spec::of::<NegotiationReject>("NegotiationReject502"),
        Spec::of::<Establish>("Establish503").credentials(),
        Spec::of::<EstablishmentAck>("EstablishmentAck504"),
        Spec::of::<EstablishmentReject>("EstablishmentReject505"),
        Spec::of::<Sequence>("Sequence506"),
        Spec::of::<Terminate>("Terminate507"),
        Spec::of::<RetransmitRequest>("RetransmitRequest508"),
        Spec::of::<Retransmission>("Retransmission509"),
        Spec::of::<RetransmitReject>("RetransmitReject510"),
        Spec::of::<NotApplied>("NotApplied513"),
        Spec::of::<NewOrder>("NewOrderSingle514"),
        Spec::of::<Replace>("OrderCancelReplaceRequest515"),
        Spec::of::<Cancel>("OrderCancelRequest516"),
        Spec::of::<PartyDetailsRequest>("PartyDetailsDefinitionRequest518")
            .group::<PartyDetail>("NoPartyDetails")
            .group::<Publication>("NoTrdRegPublications"),
        Spec::of::<PartyDetailsAck>("PartyDetailsDefinitionRequestAck519")
            .group::<PartyDetail>("NoPartyDetails")
            .group::<Publication>("NoTrdRegPublications"),
        Spec::of::<BusinessReject>("BusinessReject521"),
        Spec::of::<OrderNew>("ExecutionReportNew522"),
        Spec::of::<OrderRejected>("ExecutionReportReject523"),
        Spec::of::<OrderEliminated>("ExecutionReportElimination524"),
        Spec::of::<TradeOutright>("ExecutionReportTradeOutright525")
            .group::<FillPart>("NoFills")
            .group::<FillEvent>("NoOrderEvents"),
        Spec::of::<TradeSpread>("ExecutionReportTradeSpread526")
            .group::<FillPart>("NoFills")
            .group::<SpreadFillLeg>("NoLegs")
            .group::<SpreadFillEvent>("NoOrderEvents"),
        Spec::of::<TradeSpreadLeg>("ExecutionReportTradeSpreadLeg527")
            .group::<FillPart>("NoFills")
            .group::<FillEvent>("NoOrderEvents"),
        Spec::of::<MassAction>("OrderMassActionRequest529"),
        Spec::of::<MassStatusRequest>("OrderMassStatusRequest530"),
        Spec::of::<OrderModified>("ExecutionReportModify531"),
        Spec::of::<OrderStatus>("ExecutionReportStatus532"),
        Spec::of::<StatusRequest>("OrderStatusRequest533"),
        Spec::of::<OrderCancelled>("ExecutionReportCancel534"),
        Spec::of::<CancelRejected>("OrderCancelReject535"),
        Spec::of::<ReplaceRejected>("OrderCancelReplaceReject536"),
        Spec::of::<TradeAddendum>("ExecutionReportTradeAddendumOutright548")
            .since_9(&[MD_TRADE_ENTRY_ID, exec_ref_id(226)])
            .group::<FillPart>("NoFills")
            .group::<LegAddendumEvent>("NoOrderEvents"),
        Spec::of::<SpreadAddendum>("ExecutionReportTradeAddendumSpread549")
            .since_9(&[exec_ref_id(187)])
            .group::<FillPart>("NoFills")
            .group::<AddendumLeg>("NoLegs")
            .group::<AddendumEvent>("NoOrderEvents"),
        Spec::of::<SpreadLegAddendum>("ExecutionReportTradeAddendumSpreadLeg550")
            .since_9(&[exec_ref_id(196)])
            .group::<FillPart>("NoFills")
            .group::<LegAddendumEvent>("NoOrderEvents"),
        Spec::of::<MassActionReport>("OrderMassActionReport562")
            .group::<AffectedOrder>("NoAffectedOrders"),
        Spec::of::<PendingCancel>("ExecutionReportPendingCancel564"),
        Spec::of::<PendingReplace>("ExecutionReportPendingReplace565"),
    ]
});
