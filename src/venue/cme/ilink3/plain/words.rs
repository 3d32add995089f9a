//! The words of iLink 3's codes, as the exchange's XML has them.
//!
//! Most fields have the same words in every message; those that have not are listed by template.

/// Codes of a field and their words.
pub type Words = &'static [(u16, &'static str)];

/// The bits of `ExecInst`, from the lowest.
pub const EXEC_INST: [&str; 8] =
    ["aON", "oB", "nH", "reserved1", "reserved2", "reserved3", "reserved4", "reserved5"];

/// The words of a field of a message; `None` if it holds no code.
#[must_use]
pub fn words(template_id: u16, field: &str) -> Option<Words> {
    Some(match (field, template_id) {
        ("OrdStatus", 548..=550) => EXEC_TYP_TRD_CXL,
        ("OrdStatus", 532) => ORDER_STATUS,
        ("OrdType", 514 | 515) => ORDER_TYPE_REQ,
        ("OrdType", 529 | 562) => MASS_ACTION_ORD_TYP,
        ("OrderEventType", 548..=550) => TRADE_ADDENDUM,
        ("Side", 529 | 562) => SIDE_NULL,
        ("TimeInForce", 529 | 562) => MASS_CANCEL_TIF,
        ("TimeInForce", 530) => MASS_STATUS_TIF,
        (
            "AggressorIndicator" | "LastFragment" | "LastRptRequested" | "LiquidityFlag"
            | "ManagedOrder" | "PossRetransFlag",
            _,
        ) => BOOLEAN_FLAG,
        ("AvgPxIndicator", _) => AVG_PX_IND,
        ("ClearingAccountType", _) => CLEARING_ACCT_TYPE,
        ("ClearingTradePriceType", _) => SLEDS,
        ("CmtaGiveupCD", _) => CMTA_GIVE_UP_CD,
        ("CustOrderCapacity", _) => CUST_ORDER_CAPACITY,
        ("CustOrderHandlingInst", _) => CUST_ORD_HANDL_INST,
        ("ExecRestatementReason", _) => EXEC_REASON,
        ("ExecType", _) => EXEC_TYP_TRD_CXL,
        ("ExecutionMode", _) => EXEC_MODE,
        ("FaultToleranceIndicator", _) => FTI,
        ("KeepAliveIntervalLapsed", _) => KEEP_ALIVE_LAPSED,
        ("LegSide" | "Side", _) => SIDE_REQ,
        ("ListUpdateAction", _) => LIST_UPD_ACT,
        ("ManualOrderIndicator", _) => MANUAL_ORD_IND_REQ,
        ("MassActionResponse", _) => MASS_ACTION_RESPONSE,
        ("MassActionScope", _) => MASS_ACTION_SCOPE,
        ("MassCancelRequestType" | "OrdStatusReqType", _) => MASS_CXL_REQ_TYP,
        ("MassStatusReqType", _) => MASS_STATUS_REQ_TYP,
        ("OFMOverride", _) => OFM_OVERRIDE_REQ,
        ("OrdStatus", _) => ORD_STATUS_TRD,
        ("OrdType", _) => ORDER_TYPE,
        ("OrderEventType", _) => ORDER_EVENT_TYPE,
        ("PartyDetailRole", _) => PARTY_DETAIL_ROLE,
        ("SelfMatchPreventionInstruction", _) => SMPI,
        ("ShortSaleType", _) => SHORT_SALE_TYPE,
        ("SplitMsg", _) => SPLIT_MSG,
        ("TimeInForce", _) => TIME_IN_FORCE,
        _ => return None,
    })
}

const BOOLEAN_FLAG: Words = &[(0, "False"), (1, "True")];
const AVG_PX_IND: Words = &[
    (0, "NoAveragePricing"),
    (1, "TradeispartofanAveragePriceGroupIdentifiedbytheAvgPxGrpID"),
    (3, "TradeispartofaNotionalValueAveragePriceGroup"),
];
const CLEARING_ACCT_TYPE: Words = &[(0, "Customer"), (1, "Firm")];
const SLEDS: Words =
    &[(0, "TradeClearingatExecutionPrice"), (1, "TradeClearingatAlternateClearingPrice")];
const CMTA_GIVE_UP_CD: Words = &[(71, "GiveUp"), (83, "SGXoffset")];
const CUST_ORDER_CAPACITY: Words = &[
    (1, "Membertradingfortheirownaccount"),
    (2, "Memberfirmtradingforitsproprietaryaccount"),
    (3, "Membertradingforanothermemberornonmember"),
    (4, "Allother"),
];
const CUST_ORD_HANDL_INST: Words = &[
    (67, "FCMprovidedscreen"),
    (68, "Otherprovidedscreen"),
    (71, "FCMAPIorFIX"),
    (72, "AlgoEngine"),
    (87, "DeskElectronic"),
    (89, "ClientElectronic"),
];
const EXEC_REASON: Words = &[
    (8, "MarketExchangeOption"),
    (9, "CancelledNotBest"),
    (100, "CancelOnDisconnect"),
    (103, "SelfMatchPreventionOldestOrderCancelled"),
    (104, "CancelOnGlobexCreditControlsViolation"),
    (105, "CancelFromFirmsoft"),
    (106, "CancelFromRiskManagementAPI"),
    (107, "SelfMatchPreventionNewestOrderCancelled"),
    (108, "Cancelduetovolquotedoptionorderrestedqtylessthanminordersize"),
    (109, "CancelRFCOrder"),
    (110, "CancelUponContractExpiration"),
    (111, "SystemCancel"),
];
const EXEC_TYP_TRD_CXL: Words = &[(71, "TradeCorrection"), (72, "TradeCancel")];
const EXEC_MODE: Words = &[(65, "Aggressive"), (80, "Passive")];
const FTI: Words = &[(0, "Backup"), (1, "Primary")];
const KEEP_ALIVE_LAPSED: Words = &[(0, "NotLapsed"), (1, "Lapsed")];
const SIDE_REQ: Words = &[(1, "Buy"), (2, "Sell"), (7, "Undisclosed")];
const LIST_UPD_ACT: Words = &[(65, "Add"), (68, "Delete")];
const MANUAL_ORD_IND_REQ: Words = &[(0, "Automated"), (1, "Manual")];
const MASS_ACTION_RESPONSE: Words = &[(0, "Rejected"), (1, "Accepted")];
const MASS_ACTION_SCOPE: Words = &[
    (1, "Instrument"),
    (7, "All"),
    (9, "MarketSegmentID"),
    (10, "InstrumentGroup"),
    (100, "QuoteSetID"),
];
const MASS_CXL_REQ_TYP: Words = &[(100, "SenderSubID"), (101, "Account")];
const MASS_STATUS_REQ_TYP: Words =
    &[(1, "Instrument"), (3, "InstrumentGroup"), (7, "AllOrders"), (100, "MarketSegment")];
const OFM_OVERRIDE_REQ: Words = &[(0, "Disabled"), (1, "Enabled")];
const ORDER_STATUS: Words = &[
    (48, "New"),
    (49, "PartiallyFilled"),
    (50, "Filled"),
    (52, "Cancelled"),
    (53, "Replaced"),
    (54, "PendingCancel"),
    (56, "Rejected"),
    (67, "Expired"),
    (69, "PendingReplace"),
    (85, "Undefined"),
];
const ORD_STATUS_TRD: Words = &[(1, "PartiallyFilled"), (2, "Filled")];
const ORDER_TYPE_REQ: Words = &[
    (49, "MarketwithProtection"),
    (50, "Limit"),
    (51, "StopwithProtection"),
    (52, "StopLimit"),
    (75, "MarketWithLeftoverAsLimit"),
];
const MASS_ACTION_ORD_TYP: Words = &[(50, "Limit"), (52, "StopLimit")];
const ORDER_TYPE: Words = &[
    (49, "MarketWithProtection"),
    (50, "Limit"),
    (52, "StopLimit"),
    (75, "MarketWithLeftoverAsLimit"),
];
const TRADE_ADDENDUM: Words =
    &[(4, "PartiallyFilled"), (5, "Filled"), (100, "TradeCancel"), (101, "TradeCorrection")];
const ORDER_EVENT_TYPE: Words = &[(4, "PartiallyFilled"), (5, "Filled")];
const PARTY_DETAIL_ROLE: Words = &[
    (1, "ExecutingFirm"),
    (24, "CustomerAccount"),
    (96, "TakeUpFirm"),
    (118, "Operator"),
    (1000, "TakeUpAccount"),
];
const SMPI: Words = &[(78, "CancelNewest"), (79, "CancelOldest")];
const SHORT_SALE_TYPE: Words = &[
    (0, "LongSell"),
    (1, "ShortSaleWithNoExemptionSESH"),
    (2, "ShortSaleWithExemptionSSEX"),
    (3, "UndisclosedSellInformationNotAvailableUNDI"),
];
const SIDE_NULL: Words = &[(1, "Buy"), (2, "Sell")];
const SPLIT_MSG: Words =
    &[(0, "SplitMessageDelayed"), (1, "OutofOrderMessageDelayed"), (2, "CompleteMessageDelayed")];
const MASS_CANCEL_TIF: Words = &[(0, "Day"), (1, "GoodTillCancel"), (6, "GoodTillDate")];
const MASS_STATUS_TIF: Words = &[(0, "Day"), (1, "GTC"), (6, "GTD"), (99, "GFS")];
const TIME_IN_FORCE: Words = &[
    (0, "Day"),
    (1, "GoodTillCancel"),
    (3, "FillAndKill"),
    (4, "FillOrKill"),
    (6, "GoodTillDate"),
    (99, "GoodForSession"),
];
