//! Every layout struct against the exchange's XML: each field's place, size and kind, none missing,
//! in each version that has the message; exponents, null values and enums too.

use crate::venue::cme::sbe_schema::{Mapped, Schema, check, fields};
use xmc_hotpath::venue::cme::mdp3::layout::*;

/// The three versions at hand, oldest first; `None` when the shared data is missing.
fn schemas() -> Option<[Schema; 3]> {
    Some([
        Schema::load("mdp3_v6.xml")?,
        Schema::load("mdp3_v9.xml")?,
        Schema::load("mdp3_v13.xml")?,
    ])
}

/// Those of `schemas` that have the message at `path`, with the path.
fn having<'a>(
    schemas: &'a [Schema],
    paths: &'a [&'a str],
) -> impl Iterator<Item = (&'a Schema, &'a str)> {
    let found: Vec<_> = paths
        .iter()
        .flat_map(|path| schemas.iter().map(move |schema| (schema, *path)))
        .filter(|(schema, path)| schema.message(path.split('/').next().unwrap_or(path)).is_some())
        .collect();
    assert!(!found.is_empty(), "no schema has {paths:?}");
    found.into_iter()
}

/// One root block for all incremental messages.
#[test]
fn incremental_roots_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    for (schema, path) in having(
        &schemas,
        &[
            "MDIncrementalRefreshBook32",
            "MDIncrementalRefreshBook46",
            "MDIncrementalRefreshDailyStatistics33",
            "MDIncrementalRefreshDailyStatistics49",
            "MDIncrementalRefreshLimitsBanding34",
            "MDIncrementalRefreshLimitsBanding50",
            "MDIncrementalRefreshSessionStatistics35",
            "MDIncrementalRefreshSessionStatistics51",
            "MDIncrementalRefreshTrade36",
            "MDIncrementalRefreshTradeSummary42",
            "MDIncrementalRefreshTradeSummary48",
            "MDIncrementalRefreshVolume37",
            "MDIncrementalRefreshOrderBook43",
            "MDIncrementalRefreshOrderBook47",
        ],
    ) {
        check!(
            schema,
            path,
            IncrementalRoot { transact_ns: "TransactTime", match_event: "MatchEventIndicator" }
        );
    }
}

/// Templates 46 and 32.
#[test]
fn book_entries_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    for (schema, path) in having(
        &schemas,
        &["MDIncrementalRefreshBook46/NoMDEntries", "MDIncrementalRefreshBook32/NoMDEntries"],
    ) {
        let absent: &[&str] = if schema.version < 10 { &["TradeableSize"] } else { &[] };
        check!(schema, path, BookEntry {
            price: "MDEntryPx", size_lots: "MDEntrySize", security_id: "SecurityID",
            rpt_seq: "RptSeq", order_count: "NumberOfOrders", level: "MDPriceLevel",
            action: "MDUpdateAction", kind: "MDEntryType", tradeable_lots:
            "TradeableSize"
        } absent absent);
    }
}

/// Templates 46 and 32; the group is in 32 since version 7 only.
#[test]
fn book_orders_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    let (v6, newer) = schemas.split_first().expect("three versions");
    assert_eq!(v6.message("MDIncrementalRefreshBook32").expect("in 6").groups.len(), 1);
    for (schema, path) in having(
        newer,
        &[
            "MDIncrementalRefreshBook46/NoOrderIDEntries",
            "MDIncrementalRefreshBook32/NoOrderIDEntries",
        ],
    ) {
        check!(
            schema,
            path,
            BookOrderEntry {
                order_id: "OrderID",
                priority: "MDOrderPriority",
                display_lots: "MDDisplayQty",
                reference: "ReferenceID",
                action: "OrderUpdateAction"
            }
        );
    }
}

/// Templates 47 and 43.
#[test]
fn order_book_entries_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    for (schema, path) in having(
        &schemas,
        &[
            "MDIncrementalRefreshOrderBook47/NoMDEntries",
            "MDIncrementalRefreshOrderBook43/NoMDEntries",
        ],
    ) {
        check!(
            schema,
            path,
            OrderBookEntry {
                order_id: "OrderID",
                priority: "MDOrderPriority",
                price: "MDEntryPx",
                display_lots: "MDDisplayQty",
                security_id: "SecurityID",
                action: "MDUpdateAction",
                kind: "MDEntryType"
            }
        );
    }
}

/// Templates 48, 42 and 36.
#[test]
fn trade_entries_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    for (schema, path) in having(
        &schemas,
        &[
            "MDIncrementalRefreshTradeSummary48/NoMDEntries",
            "MDIncrementalRefreshTradeSummary42/NoMDEntries",
        ],
    ) {
        let absent: &[&str] = if schema.version < 7 { &["MDTradeEntryID"] } else { &[] };
        check!(schema, path, TradeEntry {
            price: "MDEntryPx", size_lots: "MDEntrySize", security_id: "SecurityID",
            rpt_seq: "RptSeq", order_count: "NumberOfOrders", aggressor:
            "AggressorSide", action: "MDUpdateAction", trade_id: "MDTradeEntryID"
        } absent absent);
    }
    for (schema, path) in having(
        &schemas,
        &[
            "MDIncrementalRefreshTradeSummary48/NoOrderIDEntries",
            "MDIncrementalRefreshTradeSummary42/NoOrderIDEntries",
        ],
    ) {
        check!(schema, path, TradeOrderEntry { order_id: "OrderID", last_lots: "LastQty" });
    }
    for (schema, path) in having(&schemas, &["MDIncrementalRefreshTrade36/NoMDEntries"]) {
        check!(
            schema,
            path,
            SingleTradeEntry {
                price: "MDEntryPx",
                size_lots: "MDEntrySize",
                security_id: "SecurityID",
                rpt_seq: "RptSeq",
                order_count: "NumberOfOrders",
                trade_id: "TradeID",
                aggressor: "AggressorSide",
                action: "MDUpdateAction"
            }
        );
    }
}

/// Templates 37, 51, 35, 49, 33, 50 and 34.
#[test]
fn volume_and_statistics_entries_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    for (schema, path) in having(&schemas, &["MDIncrementalRefreshVolume37/NoMDEntries"]) {
        check!(
            schema,
            path,
            VolumeEntry {
                size_lots: "MDEntrySize",
                security_id: "SecurityID",
                rpt_seq: "RptSeq",
                action: "MDUpdateAction"
            }
        );
    }
    for (schema, path) in having(
        &schemas,
        &[
            "MDIncrementalRefreshSessionStatistics51/NoMDEntries",
            "MDIncrementalRefreshSessionStatistics35/NoMDEntries",
        ],
    ) {
        let absent: &[&str] = if schema.version < 8 { &["MDEntrySize"] } else { &[] };
        check!(schema, path, SessionStatisticsEntry {
            price: "MDEntryPx", security_id: "SecurityID", rpt_seq: "RptSeq",
            open_close_settle: "OpenCloseSettlFlag", action: "MDUpdateAction", kind:
            "MDEntryType", size_lots: "MDEntrySize"
        } absent absent);
    }
    for (schema, path) in having(
        &schemas,
        &[
            "MDIncrementalRefreshDailyStatistics49/NoMDEntries",
            "MDIncrementalRefreshDailyStatistics33/NoMDEntries",
        ],
    ) {
        check!(
            schema,
            path,
            DailyStatisticsEntry {
                price: "MDEntryPx",
                size_lots: "MDEntrySize",
                security_id: "SecurityID",
                rpt_seq: "RptSeq",
                reference_date: "TradingReferenceDate",
                settle_bits: "SettlPriceType",
                action: "MDUpdateAction",
                kind: "MDEntryType"
            }
        );
    }
    for (schema, path) in having(
        &schemas,
        &[
            "MDIncrementalRefreshLimitsBanding50/NoMDEntries",
            "MDIncrementalRefreshLimitsBanding34/NoMDEntries",
        ],
    ) {
        check!(
            schema,
            path,
            LimitsEntry {
                high_limit: "HighLimitPrice",
                low_limit: "LowLimitPrice",
                max_variation: "MaxPriceVariation",
                security_id: "SecurityID",
                rpt_seq: "RptSeq"
            }
        );
    }
}

/// Templates 52, 38, 53 and 44.
#[test]
fn snapshots_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    for (schema, path) in having(&schemas, &["SnapshotFullRefresh52", "SnapshotFullRefresh38"]) {
        check!(
            schema,
            path,
            SnapshotRoot {
                last_seq_no: "LastMsgSeqNumProcessed",
                report_count: "TotNumReports",
                security_id: "SecurityID",
                rpt_seq: "RptSeq",
                transact_ns: "TransactTime",
                last_update_ns: "LastUpdateTime",
                trade_date: "TradeDate",
                trading_status: "MDSecurityTradingStatus",
                high_limit: "HighLimitPrice",
                low_limit: "LowLimitPrice",
                max_variation: "MaxPriceVariation"
            }
        );
    }
    for (schema, path) in having(
        &schemas,
        &["SnapshotFullRefresh52/NoMDEntries", "SnapshotFullRefresh38/NoMDEntries"],
    ) {
        check!(
            schema,
            path,
            SnapshotEntry {
                price: "MDEntryPx",
                size_lots: "MDEntrySize",
                order_count: "NumberOfOrders",
                level: "MDPriceLevel",
                reference_date: "TradingReferenceDate",
                open_close_settle: "OpenCloseSettlFlag",
                settle_bits: "SettlPriceType",
                kind: "MDEntryType"
            }
        );
    }
    for (schema, path) in
        having(&schemas, &["SnapshotFullRefreshOrderBook53", "SnapshotFullRefreshOrderBook44"])
    {
        check!(
            schema,
            path,
            OrderSnapshotRoot {
                last_seq_no: "LastMsgSeqNumProcessed",
                report_count: "TotNumReports",
                security_id: "SecurityID",
                chunk_count: "NoChunks",
                chunk: "CurrentChunk",
                transact_ns: "TransactTime"
            }
        );
    }
    for (schema, path) in having(
        &schemas,
        &[
            "SnapshotFullRefreshOrderBook53/NoMDEntries",
            "SnapshotFullRefreshOrderBook44/NoMDEntries",
        ],
    ) {
        check!(
            schema,
            path,
            OrderSnapshotEntry {
                order_id: "OrderID",
                priority: "MDOrderPriority",
                price: "MDEntryPx",
                display_lots: "MDDisplayQty",
                kind: "MDEntryType"
            }
        );
    }
}

/// Templates 15 and 16, of the TCP replay.
#[test]
fn the_session_of_the_replay_is_the_xmls() {
    let Some(schemas) = schemas() else { return };
    for (schema, path) in having(&schemas, &["AdminLogin15"]) {
        check!(schema, path, LogonRoot { heartbeat_s: "HeartBtInt" });
    }
    for (schema, path) in having(&schemas, &["AdminLogout16"]) {
        check!(schema, path, LogoutRoot { text: "Text" });
    }
}

/// Templates 4, 30 and 39.
#[test]
fn status_messages_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    for (schema, path) in having(&schemas, &["ChannelReset4"]) {
        check!(
            schema,
            path,
            ResetRoot { transact_ns: "TransactTime", match_event: "MatchEventIndicator" }
        );
    }
    for (schema, path) in having(&schemas, &["ChannelReset4/NoMDEntries"]) {
        check!(schema, path, ResetEntry { channel: "ApplID" });
    }
    for (schema, path) in having(&schemas, &["SecurityStatus30"]) {
        check!(
            schema,
            path,
            StatusRoot {
                transact_ns: "TransactTime",
                security_group: "SecurityGroup",
                asset: "Asset",
                security_id: "SecurityID",
                trade_date: "TradeDate",
                match_event: "MatchEventIndicator",
                trading_status: "SecurityTradingStatus",
                halt_reason: "HaltReason",
                trading_event: "SecurityTradingEvent"
            }
        );
    }
    for (schema, path) in having(&schemas, &["QuoteRequest39"]) {
        check!(
            schema,
            path,
            QuoteRequestRoot {
                transact_ns: "TransactTime",
                request_id: "QuoteReqID",
                match_event: "MatchEventIndicator"
            }
        );
    }
    for (schema, path) in having(&schemas, &["QuoteRequest39/NoRelatedSym"]) {
        check!(
            schema,
            path,
            QuoteRequestEntry {
                symbol: "Symbol",
                security_id: "SecurityID",
                order_lots: "OrderQty",
                quote_type: "QuoteType",
                side: "Side"
            }
        );
    }
}

fn head() -> Vec<Mapped> {
    fields!(
        0,
        DefinitionHead {
            match_event: "MatchEventIndicator",
            report_count: "TotNumReports",
            update_action: "SecurityUpdateAction",
            last_update_ns: "LastUpdateTime",
            trading_status: "MDSecurityTradingStatus",
            channel: "ApplID",
            market_segment: "MarketSegmentID",
            product_complex: "UnderlyingProduct",
            exchange: "SecurityExchange",
            security_group: "SecurityGroup",
            asset: "Asset",
            symbol: "Symbol",
            security_id: "SecurityID",
            security_type: "SecurityType",
            cfi_code: "CFICode"
        }
    )
}

/// What version 6 appended to a root block of `len` bytes, which grows by it.
fn dated(len: &mut usize) -> Vec<Mapped> {
    let fields = fields!(*len, DefinitionDate { reference_date: "TradingReferenceDate" });
    *len += size_of::<DefinitionDate>();
    fields
}

/// The root blocks of 54 and 27: head, terms and what version 10 appended.
#[test]
fn future_definitions_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    for (schema, path) in
        having(&schemas, &["MDInstrumentDefinitionFuture54", "MDInstrumentDefinitionFuture27"])
    {
        let mut mapped = head();
        mapped.extend(fields!(
            0,
            FutureDefinition {
                maturity: "MaturityMonthYear",
                currency: "Currency",
                settle_currency: "SettlCurrency",
                match_algorithm: "MatchAlgorithm",
                min_lots: "MinTradeVol",
                max_lots: "MaxTradeVol",
                tick: "MinPriceIncrement",
                display_factor: "DisplayFactor",
                main_fraction: "MainFraction",
                sub_fraction: "SubFraction",
                display_format: "PriceDisplayFormat",
                unit: "UnitOfMeasure",
                unit_qty: "UnitOfMeasureQty",
                reference_price: "TradingReferencePrice",
                settle_bits: "SettlPriceType",
                open_interest_lots: "OpenInterestQty",
                cleared_lots: "ClearedVolume",
                high_limit: "HighLimitPrice",
                low_limit: "LowLimitPrice",
                max_variation: "MaxPriceVariation",
                decay_qty: "DecayQuantity",
                decay_start_date: "DecayStartDate",
                original_size: "OriginalContractSize",
                multiplier: "ContractMultiplier",
                multiplier_unit: "ContractMultiplierUnit",
                flow_schedule: "FlowScheduleType",
                tick_value: "MinPriceIncrementAmount",
                user_defined: "UserDefinedInstrument"
            }
        ));
        let mut len = size_of::<FutureDefinition>();
        mapped.extend(dated(&mut len));
        let appended = fields!(len, DefinitionGuid { guid: "InstrumentGUID" });
        if schema.version >= 10 {
            mapped.extend(appended);
            len += size_of::<DefinitionGuid>();
        }
        schema.compare(path, len, &mapped, &[]);
    }
}

/// The root blocks of 55 and 41: head, terms and what version 10 appended.
#[test]
fn option_definitions_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    for (schema, path) in
        having(&schemas, &["MDInstrumentDefinitionOption55", "MDInstrumentDefinitionOption41"])
    {
        let mut mapped = head();
        mapped.extend(fields!(
            0,
            OptionDefinition {
                put_or_call: "PutOrCall",
                maturity: "MaturityMonthYear",
                currency: "Currency",
                strike: "StrikePrice",
                strike_currency: "StrikeCurrency",
                settle_currency: "SettlCurrency",
                cabinet_price: "MinCabPrice",
                match_algorithm: "MatchAlgorithm",
                min_lots: "MinTradeVol",
                max_lots: "MaxTradeVol",
                tick: "MinPriceIncrement",
                tick_value: "MinPriceIncrementAmount",
                display_factor: "DisplayFactor",
                tick_rule: "TickRule",
                main_fraction: "MainFraction",
                sub_fraction: "SubFraction",
                display_format: "PriceDisplayFormat",
                unit: "UnitOfMeasure",
                unit_qty: "UnitOfMeasureQty",
                reference_price: "TradingReferencePrice",
                settle_bits: "SettlPriceType",
                cleared_lots: "ClearedVolume",
                open_interest_lots: "OpenInterestQty",
                low_limit: "LowLimitPrice",
                high_limit: "HighLimitPrice",
                user_defined: "UserDefinedInstrument"
            }
        ));
        let mut len = size_of::<OptionDefinition>();
        mapped.extend(dated(&mut len));
        let appended = fields!(len, DefinitionGuid { guid: "InstrumentGUID" });
        if schema.version >= 10 {
            mapped.extend(appended);
            len += size_of::<DefinitionGuid>();
        }
        schema.compare(path, len, &mapped, &[]);
    }
}

/// The root blocks of 56 and 29: head, terms and what version 10 appended.
#[test]
fn spread_definitions_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    for (schema, path) in
        having(&schemas, &["MDInstrumentDefinitionSpread56", "MDInstrumentDefinitionSpread29"])
    {
        let mut mapped = head();
        mapped.extend(fields!(
            0,
            SpreadDefinition {
                maturity: "MaturityMonthYear",
                currency: "Currency",
                sub_type: "SecuritySubType",
                user_defined: "UserDefinedInstrument",
                match_algorithm: "MatchAlgorithm",
                min_lots: "MinTradeVol",
                max_lots: "MaxTradeVol",
                tick: "MinPriceIncrement",
                display_factor: "DisplayFactor",
                display_format: "PriceDisplayFormat",
                price_ratio: "PriceRatio",
                tick_rule: "TickRule",
                unit: "UnitOfMeasure",
                reference_price: "TradingReferencePrice",
                settle_bits: "SettlPriceType",
                open_interest_lots: "OpenInterestQty",
                cleared_lots: "ClearedVolume",
                high_limit: "HighLimitPrice",
                low_limit: "LowLimitPrice",
                max_variation: "MaxPriceVariation",
                main_fraction: "MainFraction",
                sub_fraction: "SubFraction"
            }
        ));
        let mut len = size_of::<SpreadDefinition>();
        mapped.extend(dated(&mut len));
        let appended = fields!(
            len,
            SpreadExtra {
                quote_method: "PriceQuoteMethod",
                risk_set: "RiskSet",
                market_set: "MarketSet",
                guid: "InstrumentGUID",
                full_name: "FinancialInstrumentFullName"
            }
        );
        if schema.version >= 10 {
            mapped.extend(appended);
            len += size_of::<SpreadExtra>();
        }
        schema.compare(path, len, &mapped, &[]);
    }
}

/// The groups of a definition, in the order in which they are decoded.
#[test]
fn definition_groups_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    let all = ["Future54", "Future27", "Option55", "Option41", "Spread56", "Spread29"];
    let names: Vec<String> = all.iter().map(|n| format!("MDInstrumentDefinition{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (schema, name) in having(&schemas, &names) {
        let groups: Vec<&str> =
            schema.message(name).unwrap().groups.iter().map(|g| g.name.as_str()).collect();
        let mut expected = vec!["NoEvents", "NoMDFeedTypes", "NoInstAttrib", "NoLotTypeRules"];
        if name.contains("Spread") {
            expected.push("NoLegs");
        } else if name.contains("Option") {
            expected.push("NoUnderlyings");
            if schema.version >= 7 {
                expected.push("NoRelatedInstruments");
            }
        }
        assert_eq!(groups, expected, "{schema} {name}");
        let path = |group: &str| format!("{name}/{group}");
        check!(schema, &path("NoEvents"), EventEntry { kind: "EventType", at_ns: "EventTime" });
        check!(
            schema,
            &path("NoMDFeedTypes"),
            FeedTypeEntry { feed_type: "MDFeedType", depth: "MarketDepth" }
        );
        check!(schema, &path("NoInstAttrib"), AttributeEntry { bits: "InstAttribValue" });
        check!(
            schema,
            &path("NoLotTypeRules"),
            LotTypeEntry { lot_type: "LotType", min_lot_e4: "MinLotSize" }
        );
        if groups.contains(&"NoLegs") {
            check!(
                schema,
                &path("NoLegs"),
                LegEntry {
                    security_id: "LegSecurityID",
                    side: "LegSide",
                    ratio: "LegRatioQty",
                    price: "LegPrice",
                    delta_e4: "LegOptionDelta",
                }
            );
        }
        if groups.contains(&"NoUnderlyings") {
            check!(
                schema,
                &path("NoUnderlyings"),
                UnderlyingEntry { security_id: "UnderlyingSecurityID", symbol: "UnderlyingSymbol" }
            );
        }
        if groups.contains(&"NoRelatedInstruments") {
            check!(
                schema,
                &path("NoRelatedInstruments"),
                RelatedEntry { security_id: "RelatedSecurityID", symbol: "RelatedSymbol" }
            );
        }
    }
}

/// Whether the decoder reads a template; the others are in its list of what it passes over.
fn is_decoded(template_id: u16) -> bool {
    !matches!(template_id, 57..=69)
}

/// The documented null of each primitive is the null of every nullable field that is decoded.
#[test]
fn null_values_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    let mut nullable = 0;
    for schema in &schemas {
        for message in schema.messages().iter().filter(|message| is_decoded(message.id)) {
            let blocks =
                std::iter::once(&message.root).chain(message.groups.iter().map(|g| &g.block));
            for field in blocks.flat_map(|block| &block.fields) {
                let Some(null) = field.null else { continue };
                let ours: i128 = match field.primitive.as_str() {
                    "int8" => I8_NULL.into(),
                    "uint8" => U8_NULL.into(),
                    "uint16" => U16_NULL.into(),
                    "int32" => I32_NULL.into(),
                    "uint32" => U32_NULL.into(),
                    "int64" => MANTISSA_NULL.into(),
                    "uint64" => U64_NULL.into(),
                    other => panic!("{schema} {}: nullable {other}", message.name),
                };
                assert_eq!(null, ours, "{schema} {} {}", message.name, field.name);
                nullable += 1;
            }
        }
    }
    assert!(nullable > 100, "only {nullable} nullable fields were seen");
}

/// The enums have exactly the values of version 13, the newest.
#[test]
fn enums_are_the_xmls() {
    let Some([_, _, v13]) = schemas() else { return };
    fn same(v13: &Schema, name: &str, ours: Vec<i64>) {
        let (mut ours, mut theirs) = (ours, v13.enum_values(name));
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs, "{name}");
    }
    macro_rules! same {
        ($($name:literal: $enum:ident),*) => {$(
            same(&v13, $name, $enum::ALL.iter().map(|value| i64::from(value.to_wire())).collect());
            for raw in 0..=u8::MAX {
                let back = $enum::from_wire(raw).map($enum::to_wire);
                assert_eq!(back, v13.enum_values($name).contains(&raw.into()).then_some(raw));
            }
        )*};
    }
    same!(
        "MDUpdateAction": Action, "MDEntryType": EntryKind, "AggressorSide": AggressorSide,
        "SecurityTradingStatus": TradingStatus, "HaltReason": HaltReason,
        "SecurityTradingEvent": TradingEvent, "SecurityUpdateAction": DefinitionAction
    );
}

/// The bits of the match event indicator, in every version.
#[test]
fn event_bits_are_the_xmls() {
    let Some(schemas) = schemas() else { return };
    let ours = [
        ("LastTradeMsg", MatchEvent::LAST_TRADE),
        ("LastVolumeMsg", MatchEvent::LAST_VOLUME),
        ("LastQuoteMsg", MatchEvent::LAST_QUOTE),
        ("LastStatsMsg", MatchEvent::LAST_STATISTICS),
        ("LastImpliedMsg", MatchEvent::LAST_IMPLIED),
        ("RecoveryMsg", MatchEvent::RECOVERY),
        ("Reserved", MatchEvent::RESERVED),
        ("EndOfEvent", MatchEvent::END_OF_EVENT),
    ];
    for schema in &schemas {
        let theirs = schema.set_bits("MatchEventIndicator");
        assert_eq!(theirs.len(), ours.len(), "{schema}");
        for ((name, bit), (our_name, our_bit)) in theirs.iter().zip(ours) {
            assert_eq!((name.as_str(), 1 << bit), (our_name, our_bit.0), "{schema}");
        }
        let null = schema.set_bits("SettlPriceType").iter().find(|(name, _)| name == "NullValue");
        assert_eq!(null.map(|(_, bit)| 1 << bit), Some(SETTLE_BITS_NULL), "{schema}");
    }
    let both = MatchEvent::LAST_QUOTE.and(MatchEvent::END_OF_EVENT);
    assert!(both.is_end_of_event() && both.has(MatchEvent::LAST_QUOTE));
    assert!(!MatchEvent::LAST_QUOTE.has(both), "all bits are asked for");
}

/// Every template that is decoded has its root block and each of its groups compared above.
#[test]
fn every_template_that_is_read_is_compared() {
    let Some(schemas) = schemas() else { return };
    let text = include_str!("layout.rs");
    let mut missing = std::collections::BTreeSet::new();
    let mut compared = std::collections::BTreeSet::new();
    for schema in &schemas {
        for message in schema.messages().iter().filter(|message| is_decoded(message.id)) {
            let root = (message.root.len > 0).then(|| message.name.clone());
            let groups =
                message.groups.iter().map(|group| format!("{}/{}", message.name, group.name));
            for path in root.into_iter().chain(groups) {
                // Groups of definitions are compared for all of them at once.
                let suffix = path.split_once('/').map(|(_, group)| format!("&path(\"{group}\")"));
                let is_there = text.contains(&format!("\"{path}\""))
                    || suffix.is_some_and(|suffix| {
                        message.name.contains("Definition") && text.contains(&suffix)
                    });
                if is_there {
                    compared.insert(path);
                } else {
                    missing.insert(path);
                }
            }
        }
    }
    println!("{} blocks compared: {compared:?}", compared.len());
    assert!(missing.is_empty(), "not compared: {missing:?}");
}
