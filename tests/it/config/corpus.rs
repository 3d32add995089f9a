//! Wrong configurations, one mistake each: the rule's code, the line it is shown at, and the line
//! of the other place that takes part.
//!
//! Each must be the only complaint: a mistake must not cascade.

use super::{COUNTER_WORDS, edited, load};
use cross_market_connect::config::{Invalid, Place, Rule};
use std::collections::BTreeSet;

struct Case {
    edits: &'static [(&'static str, &'static str)],
    code: &'static str,
    /// Part of the line shown; empty when there is none to show.
    line: &'static str,
    /// Part of the first related line; empty when none takes part.
    other: &'static str,
}

const fn case(
    code: &'static str,
    edits: &'static [(&'static str, &'static str)],
    line: &'static str,
    other: &'static str,
) -> Case {
    Case { edits, code, line, other }
}

const SPREAD: &str = "[[spread]]\nname = \"calendar\"";

const MDP3: &str = "protocol = \"cme/mdp3\"";
const SMDP_WITHOUT_TOPIC: &str = "protocol = \"shfe/smdp\"\nmdqp = \"tcp://192.0.2.1:8000\"";
const SMDP_TOPIC_0: &str = "protocol = \"shfe/smdp\"\ntopic = 0\nmdqp = \"tcp://192.0.2.1:8000\"";
const SMDP_WITHOUT_TCP: &str = "protocol = \"shfe/smdp\"\ntopic = 1001\nmdqp = \"192.0.2.1:8000\"";
const SMDP_WITH_PASSWORD: &str = "protocol = \"shfe/smdp\"\ntopic = 1001\n\
     mdqp = \"tcp://192.0.2.1:8000\"\nmdqp_password = \"hunter2\"";

const ILINK3: &str = "protocol = \"cme/ilink3\"\naddress = \"192.0.2.1:9000\"\n\
     session = \"ABC\"\nfirm = \"007\"\nsender_id = \"me\"\nlocation = \"HK\"\n\
     access_key_id = \"K\"\nkey_file = \"key\"";
const PARTIES_WITHOUT_ID: &str = "rate_window_ms = 3_000\n[gateway.parties]\n\
     executing_firm = \"1\"\ncustomer_account = \"2\"\noperator = \"3\"\n\
     customer_type = 4\nclearing_account = \"firm\"";
const PARTIES_OF_NO_TYPE: &str = "rate_window_ms = 3_000\nparty_details_id = 7\n\
     [gateway.parties]\nexecuting_firm = \"1\"\ncustomer_account = \"2\"\noperator = \"3\"\n\
     customer_type = 5\nclearing_account = \"firm\"";
const WEEK_UPSIDE_DOWN: &str = "rate_window_ms = 3_000\n[gateway.week]\n\
     time_zone = \"America/Chicago\"\nends_on = \"sunday\"\nends_at = \"15:30\"\n\
     begins_on = \"friday\"\nbegins_at = \"17:00\"";
const GUARD_AT_PAPER: &str = "[guard]\n[[guard.session]]\ngateway = \"cme\"\n\
     session = \"XG1\"\nfirm = \"007\"\nsender_id = \"me\"\nlocation = \"HK\"\n\
     access_key_id = \"K\"\nkey_file = \"k\"\n[[spread]]\nname = \"calendar\"";
const GUARD_AS_ENGINE: &str = "[guard]\n[[guard.session]]\ngateway = \"cme\"\n\
     session = \"ABC\"\nfirm = \"007\"\nsender_id = \"me\"\nlocation = \"HK\"\n\
     access_key_id = \"K\"\nkey_file = \"k\"\n[[spread]]\nname = \"calendar\"";
const GUARD_OF_OTHERS: &str = "[guard]\n[[guard.session]]\ngateway = \"cme\"\n\
     session = \"XG1\"\nfirm = \"008\"\nsender_id = \"me\"\nlocation = \"HK\"\n\
     access_key_id = \"K\"\nkey_file = \"k\"\n[[spread]]\nname = \"calendar\"";
const GUARD_SELDOM: &str =
    "[guard]\nlook_ms = 100\nhot_core_ms = 200\n[[spread]]\nname = \"calendar\"";
const COUNTED_WHERE: &str = "[compliance]\n[[compliance.threshold]]\nwhat = \"position_lots\"\n\
     level = \"exchange\"\nlimit = \"5\"\nsource = \"s\"\nas_of = \"2026-11-01\"\n\
     [[spread]]\nname = \"calendar\"";
const COUNTED_WHEN: &str = "[compliance]\n[[compliance.threshold]]\nwhat = \"orders_per_day\"\n\
     level = \"contract\"\nlimit = \"5\"\nsource = \"s\"\nas_of = \"November\"\n\
     [[spread]]\nname = \"calendar\"";
const COUNTED_FREE: &str = "[compliance]\n[[compliance.threshold]]\n\
     what = \"order_fees_per_day\"\nlevel = \"contract\"\nlimit = \"5\"\nsource = \"s\"\n\
     as_of = \"2026-11-01\"\n[[spread]]\nname = \"calendar\"";
const COUNTED_FILED: &str = "[compliance]\n[[compliance.filed]]\nvenue = \"cbot\"\n\
     messages_per_second = 499\nsource = \"s\"\nas_of = \"2026-11-01\"\n\
     [[spread]]\nname = \"calendar\"";
const COUNTED_WHOSE: &str = "[compliance]\n[[compliance.group]]\nname = \"house\"\n\
     accounts = [\"elsewhere\"]\n[[spread]]\nname = \"calendar\"";
const COUNTED_NOBODY: &str = "[compliance]\n[[compliance.group]]\nname = \"house\"\n\
     accounts = []\n[[spread]]\nname = \"calendar\"";
const GUARD_HASTY: &str = "[guard]\nhot_core_ms = 49\n[[spread]]\nname = \"calendar\"";
const BACKTEST_TWICE: &str = "[backtest]\n[[backtest.venue]]\ngateway = \"cme\" # first\n\
     [[backtest.venue]]\ngateway = \"cme\" # again\n[[spread]]\nname = \"calendar\"";
const BACKTEST_HALF: &str = "[backtest]\n[[backtest.venue]]\ngateway = \"cme\"\n\
     max_messages = 5\n[[spread]]\nname = \"calendar\"";
const BACKTEST_SLOW: &str = "[backtest]\norder_us = 10_000_001\n[[spread]]\nname = \"calendar\"";
const BACKTEST_QUEUE: &str = "[backtest]\nqueue = \"first\"\n[[spread]]\nname = \"calendar\"";
const BACKTEST_UNKNOWN: &str = "[backtest]\n[[backtest.venue]]\ngateway = \"cme\"\n\
     ordr_us = 5\n[[spread]]\nname = \"calendar\"";
const BACKTEST_NOWHERE: &str =
    "[backtest]\n[[backtest.venue]]\ngateway = \"lme\"\n[[spread]]\nname = \"calendar\"";
const DSTAR: &str = "protocol = \"esunny/dstar\"\nrequest_address = \"192.0.2.1:9001\"\n\
     answer_address = \"192.0.2.1:9000\"\naccount_no = \"88001\"";
const DSTAR_ENDS: &str = "account_no = \"88001\"";
const TWO_SECRETS: &str =
    "account_no = \"88001\"\npassword_file = \"password\"\npassword_credential = \"PASSWORD\"";
const PLAIN_SECRET: &str = "account_no = \"88001\"\npassword = \"hunter2\"";
const NO_CREDENTIAL: &str = "account_no = \"88001\"\npassword_credential = \"hunter 2\"";
const NO_IDS: &str =
    "account_no = \"88001\"\npassword_credential = \"P\"\nrequest_ids = \"sequential\"";
const COUNTER: &str = "account_no = \"88001\"\npassword_credential = \"P\"";
const ONE_CLOSES: (&str, &str) = COUNTER_WORDS[0];
const OTHER_CLOSES: (&str, &str) = COUNTER_WORDS[1];
const SPECULATES: (&str, &str) = COUNTER_WORDS[2];
const LONG_CODE: &str =
    "account_no = \"88001\"\npassword_credential = \"P\"\nclose_today_code = \"JJ\"";

// Who signs the record and who keeps that.
const NO_WITNESS: &str = "[checkpoint]\nkey_credential = \"K\"\n\n[logic]";
const NO_CHECKPOINT: &str = "[[witness]]\nname = \"a\"\ndirectory = \"/elsewhere\"\n\n[logic]";
const PLAIN_KEY: &str = "[checkpoint]\nkey = \"hunter2\"\n\n[[witness]]\nname = \"a\"\n\
     directory = \"/elsewhere\"\n\n[logic]";
const TWO_KEYS: &str = "[checkpoint]\nkey_file = \"k\"\nkey_credential = \"K\"\n\n[[witness]]\n\
     name = \"a\"\ndirectory = \"/elsewhere\"\n\n[logic]";
const RARELY: &str = "[checkpoint]\nkey_credential = \"K\"\ninterval_ms = 60_001\n\n[[witness]]\n\
     name = \"a\"\ndirectory = \"/elsewhere\"\n\n[logic]";
const BESIDE: &str = "[checkpoint]\nkey_credential = \"K\"\n\n[[witness]]\nname = \"a\"\n\
     directory = \"target/x/../record/witness\"\n\n[logic]";
const AROUND: &str = "[checkpoint]\nkey_credential = \"K\"\n\n[[witness]]\nname = \"a\"\n\
     directory = \"./target\"\n\n[logic]";
const NOWHERE: &str =
    "[checkpoint]\nkey_credential = \"K\"\n\n[[witness]]\nname = \"a\"\n\n[logic]";
const TWO_PLACES: &str = "[checkpoint]\nkey_credential = \"K\"\n\n[[witness]]\nname = \"a\"\n\
     directory = \"/elsewhere\"\nurl = \"https://example.com\"\n\n[logic]";
const NO_URL: &str = "[checkpoint]\nkey_credential = \"K\"\n\n[[witness]]\nname = \"a\"\n\
     url = \"ftp://example.com\"\n\n[logic]";
const NO_KEY: &str = "[checkpoint]\nkey_credential = \"K\"\n\n[[witness]]\nname = \"a\"\n\
     url = \"https://example.com\"\n\n[logic]";
const LOG_KEY: &str = "[checkpoint]\nkey_credential = \"K\"\n\n[[witness]]\nname = \"a\"\n\
     url = \"https://example.com\"\n\
     key = \"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\"\n\n[logic]";

// Who may command a running engine.
const NO_OPERATOR: &str = "[control]\n\n[logic]";
const NO_SOCKET: &str = "[[operator]]\nname = \"alice\"\nid = 1\n\
     key = \"alice+eb652059+AayqaMCZhPZ6m3pHObPyuDOZBBmtj5HvmfjA9eHT0VQd\"\n\
     commands = [\"kill\"]\n\n[logic]";
const SAME_ID: &str = "[control]\n\n[[operator]]\nname = \"alice\"\nid = 1\n\
     key = \"alice+eb652059+AayqaMCZhPZ6m3pHObPyuDOZBBmtj5HvmfjA9eHT0VQd\"\n\
     commands = [\"kill\"]\n\n[[operator]]\nname = \"bob\"\nid = 1\n\
     key = \"bob+32bec23b+AVVpOc0GM7JiF7Z5SDtIRc2T9Y839v3Na8qyADe30X2k\"\n\
     commands = [\"kill\"]\n\n[logic]";
const ALONE: &str = "[control]\n\n[[operator]]\nname = \"alice\"\nid = 1\n\
     key = \"alice+eb652059+AayqaMCZhPZ6m3pHObPyuDOZBBmtj5HvmfjA9eHT0VQd\"\n\
     commands = [\"kill\", \"arm\"]\nsecond = true\n\n[logic]";
const OTHERS_KEY: &str = "[control]\n\n[[operator]]\nname = \"alice\"\nid = 1\n\
     key = \"bob+32bec23b+AVVpOc0GM7JiF7Z5SDtIRc2T9Y839v3Na8qyADe30X2k\"\n\
     commands = [\"kill\"]\n\n[logic]";
const NO_PUBLIC_KEY: &str = "[control]\n\n[[operator]]\nname = \"alice\"\nid = 1\nkey = \"alice\"\n\
     commands = [\"kill\"]\n\n[logic]";
const NO_VERB: &str = "[control]\n\n[[operator]]\nname = \"alice\"\nid = 1\n\
     key = \"alice+eb652059+AayqaMCZhPZ6m3pHObPyuDOZBBmtj5HvmfjA9eHT0VQd\"\n\
     commands = [\"kill\", \"sell\"]\n\n[logic]";
const NOTHING: &str = "[control]\n\n[[operator]]\nname = \"alice\"\nid = 1\n\
     key = \"alice+eb652059+AayqaMCZhPZ6m3pHObPyuDOZBBmtj5HvmfjA9eHT0VQd\"\n\
     commands = []\n\n[logic]";
const NO_SCOPE: &str = "[control]\n\n[[operator]]\nname = \"alice\"\nid = 1\n\
     key = \"alice+eb652059+AayqaMCZhPZ6m3pHObPyuDOZBBmtj5HvmfjA9eHT0VQd\"\n\
     commands = [\"kill\"]\nscopes = [\"calendar\"]\n\n[logic]";
const UNKNOWN_SCOPE: &str = "[control]\n\n[[operator]]\nname = \"alice\"\nid = 1\n\
     key = \"alice+eb652059+AayqaMCZhPZ6m3pHObPyuDOZBBmtj5HvmfjA9eHT0VQd\"\n\
     commands = [\"kill\"]\nscopes = [\"spread=calender\"]\n\n[logic]";
const UNKNOWN_KEY: &str = "[control]\nmode = \"open\"\n\n[[operator]]\nname = \"alice\"\nid = 1\n\
     key = \"alice+eb652059+AayqaMCZhPZ6m3pHObPyuDOZBBmtj5HvmfjA9eHT0VQd\"\n\
     commands = [\"kill\"]\n\n[logic]";
const NO_LEG: &str = "[capital]\nterms = \"t\"\nbook = \"b\"\n\
     [[capital.leg]]\ninstrument = \"s411873\"\naccount = \"a\"\ncontract = \"c\"\n\n[logic]";
const LEG_TWICE: &str = "[capital]\nterms = \"t\"\nbook = \"b\"\n\
     [[capital.leg]]\ninstrument = \"s411873\"\naccount = \"a\"\ncontract = \"c\"\n\
     [[capital.leg]]\ninstrument = \"s336491\"\naccount = \"a\"\ncontract = \"d\"\n\
     [[capital.leg]]\ninstrument = \"s411873\" \naccount = \"b\"\ncontract = \"c\"\n\n[logic]";
const NO_SOURCE: &str = "[resync]\nevery_s = 10\n[logic]";
const NEVER_SETTLED: &str = "[resync]\nsettle_ms = 5_000\n[[resync.source]]\nname = \"a\"\n\
     gateway = \"cme\"\naccount = \"1\"\nkind = \"file\"\npath = \"x\"\nmax_age_s = 5\n[logic]";
const NO_SUCH_GATEWAY: &str = "[resync]\n[[resync.source]]\nname = \"a\"\ngateway = \"cmf\"\n\
     account = \"1\"\nkind = \"file\"\npath = \"x\"\n[logic]";
const FILE_WITH_ADDRESS: &str = "[resync]\n[[resync.source]]\nname = \"a\"\ngateway = \"cme\"\n\
     account = \"1\"\nkind = \"file\"\npath = \"x\"\naddress = \"127.0.0.1:9000\"\n[logic]";
const STREAM_OF_NOWHERE: &str = "[resync]\n[[resync.source]]\nname = \"a\"\ngateway = \"cme\"\n\
     account = \"1\"\nkind = \"stream\"\naddress = \"127.0.0.1\"\n[logic]";
const MONEY_BELOW_ZERO: &str = "[resync]\n[[resync.source]]\nname = \"a\"\ngateway = \"cme\"\n\
     account = \"1\"\nkind = \"file\"\npath = \"x\"\nmoney_tolerance = \"-1\"\n[logic]";
const TWO_SOURCES: &str = "[resync]\n[[resync.source]]\nname = \"a\"\ngateway = \"cme\"\n\
     account = \"1\"\nkind = \"file\"\npath = \"x\"\n[[resync.source]]\nname = \"a\"\n\
     gateway = \"cme\"\naccount = \"1\"\nkind = \"file\"\npath = \"y\"\n[logic]";
const INTERNAL_WHOSE: &str = "[internal]\naccounts = [\"paper_2\"]\n\
     instruments = [\"s411873\"]\n[logic]";
const INTERNAL_TWICE: &str = "[internal]\naccounts = [\"paper_1\",\n\"paper_1\"]\n\
     instruments = [\"s411873\"]\n[logic]";
const INTERNAL_WHAT: &str = "[internal]\naccounts = [\"paper_1\"]\n\
     instruments = [\"s411874\"]\n[logic]";
const INTERNAL_ALONE: &str = "[internal]\naccounts = [\"paper_1\"]\n\
     instruments = [\"s411873\"]\n[logic]";
const INTERNAL_NOTHING: &str = "[internal]\naccounts = []\ninstruments = []\n[logic]";
const NO_SINK: &str = "[alert]\nlang = \"zh\"\n\n[logic]";
const LATER_ONLY: &str = "[alert]\n[[alert.sink]]\nname = \"a\"\nkind = \"log\"\nafter_s = 60\n\n\
     [logic]";
const NO_CODE: &str = "[alert]\n[[alert.sink]]\nname = \"a\"\nkind = \"log\"\n\
     [[alert.rule]]\ncode = \"XMC-A999\"\nseverity = \"off\"\n\n[logic]";
const CODE_TWICE: &str = "[alert]\n[[alert.sink]]\nname = \"a\"\nkind = \"log\"\n\
     [[alert.rule]]\ncode = \"XMC-A005\"\nseverity = \"off\"\n\
     [[alert.rule]]\ncode = \"XMC-A005\"\nseverity = \"page\" \n\n[logic]";
const LIMITLESS: &str = "[alert]\n[[alert.sink]]\nname = \"a\"\nkind = \"log\"\n\
     [[alert.rule]]\ncode = \"XMC-A053\"\nlimit = 5\n\n[logic]";
const LIMIT_BEYOND: &str = "[alert]\n[[alert.sink]]\nname = \"a\"\nkind = \"log\"\n\
     [[alert.rule]]\ncode = \"XMC-A071\"\nlimit = 101\n\n[logic]";
const NO_URL_OF_SINK: &str = "[alert]\n[[alert.sink]]\nname = \"a\"\nkind = \"wecom\"\n\n[logic]";
const PLAIN_URL: &str = "[alert]\n[[alert.sink]]\nname = \"a\"\nkind = \"wecom\"\n\
     url = \"https://hunter2\"\n\n[logic]";
const TWO_SINKS: &str = "[alert]\n[[alert.sink]]\nname = \"a\"\nkind = \"log\"\n\
     [[alert.sink]]\nkind = \"log\"\nname = \"a\"\n\n[logic]";
const CHAT_BEATS: &str = "[alert]\n[[alert.sink]]\nname = \"a\"\nkind = \"wecom\"\n\
     url_file = \"u\"\nheartbeat_s = 5\n\n[logic]";

const ZERO_ID: &str = "[control]\n\n[[operator]]\nname = \"alice\"\nid = 0\n\
     key = \"alice+eb652059+AayqaMCZhPZ6m3pHObPyuDOZBBmtj5HvmfjA9eHT0VQd\"\n\
     commands = [\"kill\"]\n\n[logic]";

// Details that are left out of the record.
const LEFT_OUT: &str = "record_leaves_out = [\"endings\", \"order\"]\ndesk_id = 1";
const NO_GATE: &str = "record_leaves_out = [\"endings\", \"cooldown\"]\ndesk_id = 1";
const PASSED: &str = "record_leaves_out = [\"passed\"]\ndesk_id = 1";

// Repairs.
const MANY_TRIES: &str = "max_units = 5\nrepair_tries = 10\nrepair_within_ms = 9";
const NEGATIVE_COST: &str =
    "max_units = 5\nrepair_tries = 1\nrepair_within_ms = 9\nrepair_max_cost = \"-1\"";
const HOLDS: &str = "max_units = 5\nrepair_tries = 1\nrepair_within_ms = 9\nrepair_then = \"hold\"";

// Breakers.
const NO_ACTION: &str = "[[spread.breaker]]\non = \"rejects\"\n\n[[spread.leg]]";
const NO_RATIO: &str = "[[spread.breaker]]\non = \"unfilled\"\nthen = \"halt\"\n\n[[spread.leg]]";
const OTHERS: &str = "[[spread.breaker]]\non = \"rejects\"\nworse_by = \"0.1\"\nthen = \"halt\"\n\n\
     [[spread.leg]]";
const HEDGES: &str = "[[spread.breaker]]\non = \"rejects\"\nthen = \"hedge\"\n\n[[spread.leg]]";
const TWICE: &str = "[[spread.breaker]]\non = \"latency\"\nthen = \"halt\"\n\n\
     [[spread.breaker]]\non = \"latency\"\nthen = \"alert\"\n\n[[spread.leg]]";

// Losses.
const NO_STRESS: &str = "max_units = 5\nmax_loss = \"500\"";
const NO_LOSS: &str = "max_units = 5\nmax_loss = \"-1\"\nmax_loss_stress = \"0.01\"";

const CASES: &[Case] = &[
    case("007", &[("max_units = 5", NO_STRESS)], "[[spread]]", ""),
    case("010", &[("max_units = 5", NO_LOSS)], "max_loss", ""),
    case("007", &[("[[spread.leg]]", NO_ACTION)], "[[spread.breaker]]", ""),
    case("007", &[("[[spread.leg]]", NO_RATIO)], "[[spread.breaker]]", ""),
    case("006", &[("[[spread.leg]]", OTHERS)], "worse_by", ""),
    case("011", &[("[[spread.leg]]", HEDGES)], "hedge", ""),
    case("025", &[("[[spread.leg]]", TWICE)], "latency", "latency"),
    case("011", &[("desk_id = 1", "audit_difference = \"halt\"\ndesk_id = 1")], "halt", ""),
    case("072", &[("desk_id = 1", LEFT_OUT)], "record_leaves_out", ""),
    case("072", &[("desk_id = 1", PASSED)], "record_leaves_out", ""),
    case("011", &[("desk_id = 1", NO_GATE)], "record_leaves_out", ""),
    case("074", &[("[logic]", NO_OPERATOR)], "[control]", ""),
    case("074", &[("[logic]", NO_SOCKET)], "[[operator]]", ""),
    case("073", &[("[logic]", SAME_ID)], "id = 1", "id = 1"),
    case("075", &[("[logic]", ALONE)], "commands", ""),
    case("076", &[("[logic]", OTHERS_KEY)], "bob+32bec23b", ""),
    case("076", &[("[logic]", NO_PUBLIC_KEY)], "key = ", ""),
    case("011", &[("[logic]", NO_VERB)], "sell", ""),
    case("010", &[("[logic]", NOTHING)], "[[operator]]", ""),
    case("011", &[("[logic]", NO_SCOPE)], "scopes", ""),
    case("026", &[("[logic]", UNKNOWN_SCOPE)], "calender", ""),
    case("006", &[("[logic]", UNKNOWN_KEY)], "mode = ", ""),
    case("010", &[("[logic]", ZERO_ID)], "id = 0", ""),
    // Whose money orders use.
    case("107", &[("[logic]", NO_LEG)], "[capital]", ""),
    case("107", &[("[logic]", LEG_TWICE)], "instrument = \"s411873\" ", "s411873"),
    // Who is told outside.
    case("111", &[("[logic]", NO_SINK)], "[alert]", ""),
    case("111", &[("[logic]", LATER_ONLY)], "[alert]", ""),
    case("110", &[("[logic]", NO_CODE)], "XMC-A999", ""),
    case("110", &[("[logic]", CODE_TWICE)], "XMC-A005", "XMC-A005"),
    case("110", &[("[logic]", LIMITLESS)], "limit = 5", ""),
    case("110", &[("[logic]", LIMIT_BEYOND)], "limit = 101", ""),
    case("007", &[("[logic]", NO_URL_OF_SINK)], "[[alert.sink]]", ""),
    case("059", &[("[logic]", PLAIN_URL)], "", ""),
    case("025", &[("[logic]", TWO_SINKS)], "name = \"a\"", "name = \"a\""),
    case("006", &[("[logic]", CHAT_BEATS)], "heartbeat_s", ""),
    // What the desk is compared with.
    case("130", &[("[logic]", NO_SOURCE)], "[resync]", ""),
    case("131", &[("[logic]", NEVER_SETTLED)], "max_age_s", ""),
    case("026", &[("[logic]", NO_SUCH_GATEWAY)], "gateway = \"cmf\"", ""),
    case("006", &[("[logic]", FILE_WITH_ADDRESS)], "address", ""),
    case("057", &[("[logic]", STREAM_OF_NOWHERE)], "address", ""),
    case("010", &[("[logic]", MONEY_BELOW_ZERO)], "money_tolerance", ""),
    case("025", &[("[logic]", TWO_SOURCES)], "name = \"a\"", "name = \"a\""),
    case("070", &[("[logic]", NO_WITNESS)], "[checkpoint]", ""),
    case("070", &[("[logic]", NO_CHECKPOINT)], "[[witness]]", ""),
    case("059", &[("[logic]", PLAIN_KEY)], "", ""),
    case("058", &[("[logic]", TWO_KEYS)], "key_credential", "key_file"),
    case("010", &[("[logic]", RARELY)], "60_001", ""),
    case("071", &[("[logic]", BESIDE)], "../record/witness", ""),
    case("071", &[("[logic]", AROUND)], "./target", ""),
    case("071", &[("[logic]", NOWHERE)], "[[witness]]", ""),
    case("071", &[("[logic]", TWO_PLACES)], "[[witness]]", ""),
    case("071", &[("[logic]", NO_URL)], "ftp://", ""),
    case("071", &[("[logic]", NO_KEY)], "https://example.com", ""),
    case("071", &[("[logic]", LOG_KEY)], "PeterNeumann", ""),
    // Files and syntax.
    case("001", &[("[engine]", "include = [\"absent.toml\"]\n[engine]")], "absent.toml", ""),
    case("002", &[("mode = \"paper\"", "mode = \"paper")], "mode = \"paper", ""),
    case("002", &[("mode = \"paper\"", "mode = \"paper\"\nmode = \"paper\"")], "mode", ""),
    case("006", &[("[logic]", "[logik]\n[logic]")], "[logik]", ""),
    case("006", &[("[logic]", "[logic]\nrepair_tries = 3")], "repair_tries", ""),
    case("006", &[("[logic]", "[logic]\nrepair_deadline_ms = 500")], "repair_deadline_ms", ""),
    case("006", &[("max_units = 5", "max_units = 5\nmax_unist = 6")], "max_unist", ""),
    case("007", &[("max_units = 5", "max_units = 5\nrepair_tries = 3")], "[[spread]]", ""),
    case("007", &[("max_units = 5", "max_units = 5\nrepair_within_ms = 9")], "[[spread]]", ""),
    case("010", &[("max_units = 5", MANY_TRIES)], "repair_tries", ""),
    case("010", &[("max_units = 5", NEGATIVE_COST)], "repair_max_cost", ""),
    case("011", &[("max_units = 5", HOLDS)], "repair_then", ""),
    case("010", &[("lot_step = 1", "lot_step = 1\nfee_fraction = \"0.2\"")], "fee_fraction", ""),
    case("006", &[("port = 14340", "port = 14340, prot = 1")], "prot = 1", ""),
    case("007", &[("security_id = 411873\n", "")], "[[instrument]]", ""),
    case("007", &[("line_b = {", "# {")], "[[feed]]", ""),
    case("007", &[("max_quote_age_ms = 5_000\n", "")], "[[spread]]", ""),
    case("008", &[("desk_id = 1", "desk_id = \"1\"")], "desk_id", ""),
    case("008", &[("tick_size = \"0.25\"", "tick_size = 1")], "tick_size", ""),
    case("008", &[("[[venue]]", "[venue]")], "[venue]", ""),
    case("008", &[("[engine]", "[[engine]]")], "[[engine]]", ""),
    case("008", &[("[engine]", "include = \"x.toml\"\n[engine]")], "include", ""),
    case("008", &[("coefficient = \"1\"", "coefficient = true")], "coefficient = true", ""),
    case("009", &[("tick_size = \"0.25\"", "tick_size = 0.25")], "tick_size = 0.25", ""),
    case("009", &[("buy_open = \"-1.75\"", "buy_open = nan")], "buy_open = nan", ""),
    case("010", &[("desk_id = 1", "desk_id = 256")], "desk_id = 256", ""),
    case("010", &[("desk_id = 1", "desk_id = 99999999999999999999")], "desk_id", ""),
    case(
        "010",
        &[("unit = \"US cents per bushel\"\nbuy", "unit = \" \"\nbuy")],
        "unit = \" \"",
        "",
    ),
    case("011", &[("idle = \"yield\"", "idle = \"yeild\"")], "yeild", ""),
    case("011", &[("idle = \"yield\"", "sched = \"fifo:99\"\nidle = \"yield\"")], "fifo:99", ""),
    case("012", &[("min_price = \"300\"", "min_price = \"3e2\"")], "3e2", ""),
    case("012", &[("buy_open = \"-1.75\"", "buy_open = \"-1.7500000001\"")], "-1.75", ""),
    case("012", &[("coefficient = \"1\"", "coefficient = \"0.0000000001\"")], "0.0000000001", ""),
    case(
        "013",
        &[("record_ring_bytes = 16_777_216", "record_ring_bytes = 16_000_000")],
        "16_000_000",
        "",
    ),
    case("013", &[("depth = 4096", "depth = 4095")], "4095", ""),
    // Topology.
    case(
        "014",
        &[("idle = \"yield\"", "idle = \"spin\""), ("idle = \"sleep\"", "idle = \"spin\"")],
        "core = 0",
        "core = 0",
    ),
    case(
        "014",
        &[("idle = \"yield\"", "idle = \"spin\""), ("idle = \"sleep\"", "idle = \"yield\"")],
        "core = 0",
        "core = 0",
    ),
    case("017", &[("\"desk\", ", "\"dsek\", \"desk\", ")], "dsek", ""),
    case("018", &[("\"monitor\"]", "\"monitor\", \"desk\"]")], "monitor", "gateway_cme"),
    case("019", &[("\"desk\", ", "")], "", ""),
    case("019", &[(", \"gateway_cme\"]", "]")], "name = \"cme\"", ""),
    case("021", &[("from = \"feed_cme\"", "from = \"gateway_cme\"")], "[[link]]", ""),
    case(
        "022",
        &[(
            "[[link]]",
            "[[link]]\nkind = \"quotes\"\nfrom = \"feed_cme\"\nto = \"desk\"\n\
        depth = 16\n[[link]]",
        )],
        "[[link]]",
        "[[link]]",
    ),
    case(
        "023",
        &[("[[link]]\nkind = \"events\"\nfrom = \"gateway_cme\"\nto = \"desk\"\ndepth = 1024", "")],
        "name = \"cme\"",
        "",
    ),
    // Names and references.
    case("024", &[(SPREAD, "[[spread]]\nname = \"Calendar!\"")], "Calendar!", ""),
    case("011", &[("currency = \"USD\"", "currency = \"usd\"")], "usd", ""),
    case(
        "025",
        &[("[[feed]]", "[[venue]]\nname = \"cbot\"\nmic = \"XCBT\"\n[[feed]]")],
        "cbot",
        "cbot",
    ),
    case(
        "026",
        &[("instrument = \"s336491\"\nratio", "instrument = \"s336941\"\nratio")],
        "s336941",
        "",
    ),
    case("026", &[("feed = \"cme\"", "feed = \"cne\"")], "cne", ""),
    case(
        "026",
        &[
            ("account = \"paper_1\"\nmax", "account = \"paper_2\"\nmax"),
            (
                "[[limit]]\nscope = \"global\"",
                "[[limit]]\nscope = \"account\"\naccount = \"paper_1\"\n\
        max_order_lots = 5\nmax_position_lots = 40\nmax_open_orders = 8\nrate_messages = 200\n\
        rate_window_ms = 3_000\n[[limit]]\nscope = \"global\"",
            ),
        ],
        "paper_2",
        "",
    ),
    case("027", &[("stream_id = 1_340", "stream_id = 340")], "stream_id = 340", "stream_id = 340"),
    case("028", &[("224.0.31.64", "10.0.31.64")], "10.0.31.64", ""),
    case("028", &[("224.0.31.64\", port = 14340", "224.0.32.64\", port = 15340")], "[[feed]]", ""),
    case("057", &[("port = 14340", "port = 14340, interface = \"eth 0\"")], "eth 0", ""),
    case("057", &[("port = 14340", "port = 14340, interface = \"224.0.0.1\"")], "224.0.0.1", ""),
    case("057", &[("port = 14340", "port = 14340, source = \"0.0.0.0\"")], "0.0.0.0", ""),
    case(
        "057",
        &[(
            "protocol = \"paper\"",
            "protocol = \"esunny/dstar\"\nrequest_address = \"192.0.2.1:0\"\n\
             answer_address = \"192.0.2.1:9000\"\naccount_no = \"7\"\npassword_credential = \"P\"",
        )],
        "192.0.2.1:0",
        "",
    ),
    case(
        "010",
        &[("join = \"assume_empty\"", "join = \"assume_empty\"\nreceive_buffer_bytes = 4_095")],
        "4_095",
        "",
    ),
    case(
        "010",
        &[("join = \"assume_empty\"", "join = \"assume_empty\"\nbusy_poll_us = 1_001")],
        "1_001",
        "",
    ),
    case(
        "006",
        &[("stream_id = 1_340", "stream_id = 1_340\naddress = \"192.0.2.1:9000\"")],
        "address",
        "",
    ),
    case("029", &[("security_id = 336491", "security_id = 411873")], "411873", "411873"),
    case(
        "043",
        &[
            ("[[feed]]", "[[venue]]\nname = \"comex\"\nmic = \"XCEC\"\n[[feed]]"),
            ("name = \"s411873\"\nvenue = \"cbot\"", "name = \"s411873\"\nvenue = \"comex\""),
            (
                "[[feed]]",
                "[[gateway]]\nname = \"cmx\"\nvenue = \"comex\"\nprotocol = \"paper\"\n\
        stream_id = 9\nrate_messages = 500\nrate_window_ms = 3_000\n[[feed]]",
            ),
            (
                "security_id = 411873\nfeed = \"cme\"\ngateway = \"cme\"",
                "security_id = 411873\nfeed = \"cme\"\ngateway = \"cmx\"",
            ),
            ("\"gateway_cme\"]", "\"gateway_cme\", \"gateway_cmx\"]"),
            (
                "[[link]]",
                "[[link]]\nkind = \"orders\"\nfrom = \"desk\"\nto = \"gateway_cmx\"\ndepth = 16\n\
        [[link]]\nkind = \"events\"\nfrom = \"gateway_cmx\"\nto = \"desk\"\ndepth = 16\n[[link]]",
            ),
        ],
        "s411873",
        "name = \"cme\"",
    ),
    case(
        "024",
        &[("mic = \"XCBT\"", "mic = \"XCBT\"\nplatform = \"The Globex\"")],
        "The Globex",
        "",
    ),
    case(
        "044",
        &[(
            "security_id = 411873\nfeed = \"cme\"\ngateway = \"cme\"",
            "security_id = 411873\nfeed = \"cme\"",
        )],
        "instrument = \"s411873\"",
        "name = \"s411873\"",
    ),
    // Prices and spreads.
    case("030", &[("min_price = \"300\"", "min_price = \"300.1\"")], "300.1", "tick_size"),
    case("031", &[("min_price = \"300\"", "min_price = \"600\"")], "max_price", "min_price"),
    case(
        "032",
        &[(
            "[[spread.leg]]\ninstrument = \"s336491\"\nratio = -1\ncoefficient = \"1\"\n\
        pay_up_ticks = 1",
            "",
        )],
        "[[spread]]",
        "",
    ),
    case(
        "032",
        &[("instrument = \"s336491\"\nratio", "instrument = \"s411873\"\nratio")],
        "s411873",
        "s411873",
    ),
    // A leg that rests.
    case("160", &[("ratio = -1", "ratio = -1\nrests = true")], "rests = true", ""),
    case("160", &[("ratio = -1", "ratio = -1\nslop_ticks = 1")], "[[spread.leg]]", ""),
    case(
        "160",
        &[("ratio = -1", "ratio = -1\nrests = false\nmax_moves = 1")],
        "[[spread.leg]]",
        "",
    ),
    case(
        "160",
        &[
            ("ratio = -1", "ratio = -1\nrests = true"),
            ("ratio = 1", "ratio = 1\nrests = true"),
            ("[[spread]]\n", "[[spread]]\nrepair_tries = 1\nrepair_within_ms = 100\n"),
        ],
        "rests = true",
        "rests = true",
    ),
    case("033", &[("ratio = 1", "ratio = 0")], "ratio = 0", ""),
    case("033", &[("coefficient = \"1\"", "coefficient = \"-1\"")], "\"-1\"", ""),
    case("033", &[("coefficient = \"1\"", "coefficient = \"0\"")], "\"0\"", ""),
    case("033", &[("lot_step = 1", "lot_step = 2")], "ratio = 1", "s411873"),
    case(
        "034",
        &[
            ("ratio = -1", "ratio = 1"),
            ("buy_open = \"-1.75\"", "buy_open = \"800\""),
            ("buy_close = \"-1.5\"", "buy_close = \"900\""),
            ("sell_open = \"-1.25\"\n", ""),
            ("sell_close = \"-1.75\"\n", ""),
        ],
        "[[spread]]",
        "",
    ),
    case(
        "035",
        &[
            ("multiplier = \"50\"", "multiplier = \"5\""),
            ("max_order_value = 150_000", "max_order_value = 15_000"),
        ],
        "coefficient",
        "coefficient",
    ),
    case("036", &[("buy_close = \"-1.5\"", "buy_close = \"-1.75\"")], "buy_close", "buy_open"),
    case("036", &[("sell_close = \"-1.75\"", "sell_close = \"-1\"")], "sell_open", "sell_close"),
    case("036", &[("hysteresis = \"0\"", "hysteresis = \"0.25\"")], "hysteresis", "buy_close"),
    case(
        "037",
        &[(
            "buy_open = \"-1.75\"\nbuy_close = \"-1.5\"\nsell_open = \"-1.25\"\n\
        sell_close = \"-1.75\"\n",
            "",
        )],
        "[[spread]]",
        "",
    ),
    case(
        "038",
        &[("clip_units = 1", "clip_units = 5"), ("max_units = 5", "max_units = 4")],
        "clip_units",
        "max_units",
    ),
    case(
        "048",
        &[("max_quote_skew_ms = 5_000", "max_quote_skew_ms = 5_001")],
        "max_quote_skew_ms",
        "max_quote_age_ms",
    ),
    case("049", &[("sell_open = \"-1.25\"", "sell_open = \"301\"")], "sell_open", ""),
    case(
        "049",
        &[(
            "buy_open = \"-1.75\"\nbuy_close = \"-1.5\"\nsell_open = \"-1.25\"\n\
        sell_close = \"-1.75\"\n",
            "measure = \"ratio\"\nbuy_open = \"0\"\n",
        )],
        "buy_open",
        "",
    ),
    case("064", &[("buy_open = ", "levels = \"after_fees\"\nbuy_open = ")], "levels", ""),
    // Limits.
    case("039", &[("collar_ticks = 20\n", "")], "[[limit]]", ""),
    case(
        "039",
        &[(
            "[[limit]]\nscope = \"global\"\nmax_order_lots = 5\nmax_position_lots = 40\n\
        max_open_orders = 8\nrate_messages = 200\nrate_window_ms = 3_000",
            "",
        )],
        "",
        "",
    ),
    case(
        "039",
        &[(
            "[[limit]]\nscope = \"account\"\naccount = \"paper_1\"\nmax_order_lots = 5\n\
        max_position_lots = 40\nmax_open_orders = 8\nrate_messages = 200\nrate_window_ms = 3_000",
            "",
        )],
        "account = \"paper_1\"",
        "",
    ),
    case(
        "040",
        &[
            ("clip_units = 1", "clip_units = 3"),
            (
                "max_order_lots = 5\nmax_position_lots = 40",
                "max_order_lots = 2\nmax_position_lots = 40",
            ),
        ],
        "clip_units",
        "max_order_lots",
    ),
    case(
        "040",
        &[
            ("max_position_lots = 20", "max_position_lots = 4"),
            ("max_order_lots = 5", "max_order_lots = 1"),
            ("max_order_value = 150_000", "max_order_value = 30_000"),
        ],
        "max_units",
        "max_position_lots",
    ),
    case(
        "040",
        &[("max_order_lots = 5", "max_order_lots = 21")],
        "max_order_lots",
        "max_position_lots",
    ),
    case(
        "040",
        &[("max_order_value = 150_000", "max_order_value = 15_000")],
        "max_order_value",
        "clip_units",
    ),
    case("040", &[("pay_up_ticks = 1", "pay_up_ticks = 20")], "pay_up_ticks", "collar_ticks"),
    case(
        "045",
        &[("instrument = \"s336491\"\nmax", "instrument = \"s411873\"\nmax")],
        "[[limit]]",
        "[[limit]]",
    ),
    case(
        "046",
        &[("collar_ticks = 20", "collar_ticks = 20\ncollar_fraction = \"0.01\"")],
        "collar_fraction",
        "collar_ticks",
    ),
    case(
        "047",
        &[(
            "collar_ticks = 20\nrate_messages = 100\nrate_window_ms = 3_000",
            "collar_ticks = 20\nrate_messages = 100\nrate_window_ms = 500",
        )],
        "[[limit]]",
        "name = \"cme\"",
    ),
    case("052", &[("collar_ticks = 20", "collar_ticks = 1_200")], "collar_ticks", "s411873"),
    case(
        "056",
        &[
            ("max_order_lots = 5", "max_order_lots = 11"),
            ("max_order_value = 150_000", "max_order_value = 330_000"),
        ],
        "max_order_lots = 11",
        "",
    ),
    case("056", &[("max_position_lots = 20", "max_position_lots = 51")], "max_position_lots", ""),
    case("056", &[("max_position_lots = 40", "max_position_lots = 101")], "max_position_lots", ""),
    case("056", &[("max_open_orders = 4", "max_open_orders = 11")], "max_open_orders = 11", ""),
    case("056", &[("max_order_value = 150_000", "max_order_value = 150_001")], "150_001", ""),
    // Safety and presence.
    case(
        "041",
        &[("mode = \"paper\"", "mode = \"live\""), ("\"assume_empty\"", "\"recover\"")],
        "mode = \"live\"",
        "",
    ),
    case(
        "050",
        &[(
            "[logic]\nack_timeout_ms = 100\n\
        fires_per_window = 20\nfire_window_ms = 1_000",
            "",
        )],
        "",
        "",
    ),
    case(
        "051",
        &[(
            "protocol = \"paper\"",
            "protocol = \"cme/ilink3\"\naddress = \"192.0.2.1:9000\"\nsession = \"ABCD\"\n\
        firm = \"007\"\nsender_id = \"me\"\nlocation = \"HK\"\naccess_key_id = \"K\"\n\
        key_file = \"key\"",
        )],
        "ABCD",
        "",
    ),
    case(
        "007",
        &[("protocol = \"paper\"", ILINK3), ("rate_window_ms = 3_000", PARTIES_WITHOUT_ID)],
        "parties",
        "",
    ),
    case(
        "010",
        &[("protocol = \"paper\"", ILINK3), ("rate_window_ms = 3_000", PARTIES_OF_NO_TYPE)],
        "customer_type = 5",
        "",
    ),
    case(
        "081",
        &[("protocol = \"paper\"", ILINK3), ("rate_window_ms = 3_000", WEEK_UPSIDE_DOWN)],
        "week",
        "",
    ),
    case(
        "028",
        &[(
            "join = \"assume_empty\"",
            concat!(
                "join = \"assume_empty\"\n",
                "snapshots_a = { group = \"224.0.31.64\", port = 14340 }"
            ),
        )],
        "[[feed]]",
        "",
    ),
    case(
        "028",
        &[(
            "join = \"assume_empty\"",
            concat!(
                "join = \"assume_empty\"\n",
                "definitions_b = { group = \"10.0.31.64\", port = 14340 }"
            ),
        )],
        "10.0.31.64",
        "",
    ),
    case(
        "006",
        &[("join = \"assume_empty\"", "join = \"assume_empty\"\ntopic = 1001")],
        "topic",
        "",
    ),
    case("007", &[(MDP3, SMDP_WITHOUT_TOPIC)], "[[feed]]", ""),
    case("010", &[(MDP3, SMDP_TOPIC_0)], "topic = 0", ""),
    case("057", &[(MDP3, SMDP_WITHOUT_TCP)], "192.0.2.1:8000", ""),
    case("059", &[(MDP3, SMDP_WITH_PASSWORD)], "", ""),
    case("051", &[("feed = \"cme\"", "symbol = \"ZC Z6\"\nfeed = \"cme\"")], "ZC Z6", ""),
    case("007", &[("protocol = \"paper\"", DSTAR)], "[[gateway]]", ""),
    case(
        "058",
        &[("protocol = \"paper\"", DSTAR), (DSTAR_ENDS, TWO_SECRETS)],
        "password_credential",
        "password_file",
    ),
    case("059", &[("protocol = \"paper\"", DSTAR), (DSTAR_ENDS, PLAIN_SECRET)], "", ""),
    case("059", &[("protocol = \"paper\"", DSTAR), (DSTAR_ENDS, NO_CREDENTIAL)], "", ""),
    case("011", &[("protocol = \"paper\"", DSTAR), (DSTAR_ENDS, NO_IDS)], "sequential", ""),
    case(
        "051",
        &[("protocol = \"paper\"", DSTAR), (DSTAR_ENDS, LONG_CODE)],
        "close_today_code",
        "",
    ),
    case("011", &[("mic = \"XCBT\"", "mic = \"CBT\"")], "CBT", ""),
    case("054", &[("\"recovery\", \"journal\", \"control\", \"monitor\"", "")], "[[executor]]", ""),
    case("055", &[("min_price = \"300\"", "min_price = \"-300\"")], "-300", ""),
    case("120", &[(SPREAD, GUARD_AT_PAPER)], "gateway = \"cme\"", ""),
    case(
        "120",
        &[("protocol = \"paper\"", ILINK3), (SPREAD, GUARD_AS_ENGINE)],
        "gateway = \"cme\"",
        "",
    ),
    case("120", &[("protocol = \"paper\"", ILINK3), (SPREAD, GUARD_OF_OTHERS)], "gateway", ""),
    case("122", &[(SPREAD, COUNTED_WHERE)], "level = \"exchange\"", ""),
    case("122", &[(SPREAD, COUNTED_WHEN)], "as_of = \"November\"", ""),
    case("123", &[(SPREAD, COUNTED_WHOSE)], "[compliance]", ""),
    case("123", &[(SPREAD, COUNTED_NOBODY)], "[compliance]", ""),
    case("190", &[("[logic]", INTERNAL_WHOSE)], "paper_2", ""),
    case("190", &[("[logic]", INTERNAL_TWICE)], "\"paper_1\"]", ""),
    case("191", &[("[logic]", INTERNAL_WHAT)], "s411874", ""),
    case("192", &[("[logic]", INTERNAL_ALONE)], "s411873", ""),
    case("192", &[("[logic]", INTERNAL_NOTHING)], "[internal]", ""),
    case("124", &[(SPREAD, COUNTED_FREE)], "[compliance]", ""),
    case("193", &[(SPREAD, COUNTED_FILED)], "messages_per_second = 499", ""),
    case(
        "194",
        &[("protocol = \"paper\"", DSTAR), (DSTAR_ENDS, COUNTER), ONE_CLOSES, SPECULATES],
        "name = \"s336491\"",
        "instrument = \"s336491\"",
    ),
    case(
        "194",
        &[("protocol = \"paper\"", DSTAR), (DSTAR_ENDS, COUNTER), ONE_CLOSES, OTHER_CLOSES],
        "name = \"calendar\"",
        "instrument = \"s411873\"",
    ),
    case("121", &[(SPREAD, GUARD_SELDOM)], "[guard]", ""),
    case("010", &[(SPREAD, GUARD_HASTY)], "hot_core_ms = 49", ""),
    case("140", &[(SPREAD, BACKTEST_TWICE)], "# again", "# first"),
    case("141", &[(SPREAD, BACKTEST_HALF)], "[[backtest.venue]]", ""),
    case("010", &[(SPREAD, BACKTEST_SLOW)], "order_us = 10_000_001", ""),
    case("011", &[(SPREAD, BACKTEST_QUEUE)], "queue = \"first\"", ""),
    case("006", &[(SPREAD, BACKTEST_UNKNOWN)], "ordr_us = 5", ""),
    case("026", &[(SPREAD, BACKTEST_NOWHERE)], "gateway = \"lme\"", ""),
];

#[test]
fn each_mistake_is_named_and_shown() {
    let mut failures = Vec::new();
    for (index, case) in CASES.iter().enumerate() {
        if let Err(failure) = judge(case) {
            failures.push(format!("case {index}, XMC-C{}: {failure}", case.code));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn judge(case: &Case) -> Result<(), String> {
    let invalid = match load(&edited(case.edits)) {
        Ok(_) => return Err("was accepted".to_owned()),
        Err(invalid) => invalid,
    };
    let [problem] = &invalid.problems[..] else {
        return Err(format!("is not alone:\n{invalid}"));
    };
    if problem.rule.code() != format!("XMC-C{}", case.code) {
        return Err(format!("got another code:\n{invalid}"));
    }
    let shown = problem.place.as_ref().map_or("", |place| line_of(&invalid, place));
    if !shown.contains(case.line) || shown.is_empty() != case.line.is_empty() {
        return Err(format!("shown at {shown:?}, not at {:?}", case.line));
    }
    let other = problem.related.first().map_or("", |(place, _)| line_of(&invalid, place));
    if !other.contains(case.other) || other.is_empty() != case.other.is_empty() {
        return Err(format!("also shown at {other:?}, not at {:?}", case.other));
    }
    let rendered = invalid.render(false);
    if rendered.contains("hunter2") || invalid.to_string().contains("hunter2") {
        return Err(format!("shows a secret:\n{rendered}"));
    }
    if !rendered.contains(problem.rule.code()) || !rendered.contains(shown) {
        return Err(format!("is rendered without its code or line:\n{rendered}"));
    }
    Ok(())
}

fn line_of<'i>(invalid: &'i Invalid, place: &Place) -> &'i str {
    let (line, _) = invalid.sources.line_and_column(place);
    invalid.sources.file(place).text.lines().nth(line - 1).unwrap_or("")
}

/// Every rule has a case here or in the test that this list names.
#[test]
fn every_rule_is_tested() {
    let elsewhere = [
        (Rule::IncludeCycle, "rendering"),
        (Rule::IncludedTwice, "rendering"),
        (Rule::SetTwice, "rendering"),
        (Rule::TooManySpinning, "topology"),
        (Rule::CoreAbsent, "topology"),
        (Rule::FifoOnHousekeeping, "topology"),
        (Rule::AssumeEmpty, "below"),
        (Rule::TooMany, "below"),
        (Rule::InterfaceTwice, "below"),
        (Rule::AccountTwice, "venue"),
        (Rule::Terms, "terms"),
        (Rule::RuleSyntax, "rules"),
        (Rule::RuleWord, "rules"),
        (Rule::RuleUnit, "rules"),
        (Rule::RuleNumber, "rules"),
        (Rule::RuleSize, "rules"),
        (Rule::RuleAction, "rules"),
        (Rule::RuleHedge, "rules"),
        (Rule::Ungoverned, "governance"),
        (Rule::GovernanceRegister, "governance"),
        (Rule::GovernanceRoles, "governance"),
        (Rule::GovernanceOwner, "governance"),
        (Rule::GovernancePeople, "governance"),
        (Rule::Faults, "venue"),
        (Rule::CalendarDate, "calendar"),
        (Rule::CalendarTime, "calendar"),
        (Rule::CalendarOverlap, "calendar"),
        (Rule::LotMargin, "capital"),
        (Rule::LevelOrder, "capital"),
        (Rule::MarginSteps, "capital"),
        (Rule::CurrencyUnknown, "capital"),
        (Rule::Route, "capital"),
        (Rule::PairSides, "capital"),
        (Rule::Holding, "capital"),
        (Rule::LotWorth, "hedge"),
        (Rule::PositionSize, "hedge"),
        (Rule::PriceBasis, "hedge"),
        (Rule::UnitKind, "hedge"),
        (Rule::Delivery, "hedge"),
        (Rule::HedgePolicy, "hedge"),
        (Rule::OtherClient, "hedge"),
        (Rule::Fixings, "hedge"),
        (Rule::FixingDay, "hedge"),
        (Rule::PriceTerms, "hedge"),
        (Rule::BalanceTwice, "balance"),
        (Rule::BalanceSide, "balance"),
        (Rule::BalanceClosing, "balance"),
        (Rule::BalanceTarget, "balance"),
        (Rule::BalanceWall, "balance"),
        (Rule::BalanceCapacity, "balance"),
        (Rule::BalancePolicy, "balance"),
        (Rule::BalanceTime, "balance"),
        (Rule::BalanceQuote, "balance"),
        (Rule::RollGuard, "hedge"),
        (Rule::RollDeadline, "hedge"),
        (Rule::Combination, "hedge"),
        (Rule::RiskFactor, "hedge"),
        (Rule::RiskSource, "hedge"),
        (Rule::RiskLimit, "hedge"),
    ];
    let tested: BTreeSet<_> = CASES
        .iter()
        .map(|case| format!("XMC-C{}", case.code))
        .chain(elsewhere.iter().map(|(rule, _)| rule.code().to_owned()))
        .collect();
    let rules: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.code().to_owned()).collect();
    assert_eq!(tested, rules);
    assert_eq!(rules.len(), Rule::ALL.len(), "no code is used twice");
}

#[test]
fn a_live_engine_takes_no_book_to_be_empty() {
    let invalid = load(&edited(&[("mode = \"paper\"", "mode = \"live\"")])).unwrap_err();
    let rules: Vec<_> = invalid.problems.iter().map(|problem| problem.rule).collect();
    assert_eq!(rules, [Rule::Live, Rule::AssumeEmpty]);
}

#[test]
fn one_desk_has_room_for_seven_gateways() {
    let mut text = edited(&[]);
    for index in 1..=7 {
        text.push_str(&format!(
            "\n[[gateway]]\nname = \"g{index}\"\nvenue = \"cbot\"\nprotocol = \"paper\"\n\
             stream_id = {index}\nrate_messages = 1\nrate_window_ms = 1\n"
        ));
    }
    let invalid = load(&text).unwrap_err();
    assert!(invalid.problems.iter().any(|problem| problem.rule == Rule::TooMany), "{invalid}");
}

/// One program tells their groups apart; it stands in one mode, and a frame goes to one feed.
#[test]
fn feeds_share_an_interface_past_the_kernel_unless_they_contradict_each_other() {
    let feed = |(number, port, interface, group): (u8, &str, &str, u8)| {
        let line = |line: u8| {
            let group = group + line;
            format!("{{ group = \"224.0.9.{group}\", port = 1, interface = \"{interface}\" }}")
        };
        format!(
            "\n[[feed]]\nname = \"f{number}\"\nvenue = \"cbot\"\n\
             protocol = \"cme/mdp3\"\nstream_id = {number}\nline_a = {}\nline_b = {}\n\
             port = {port}\nreorder_packets = 64\nreorder_ns = 1_000\n\
             stale_after_ms = 1_000\njoin = \"assume_empty\"\n",
            line(1),
            line(2),
        )
    };
    let found = |feeds: &[(u8, &str, &str, u8)]| {
        let more: String = feeds.iter().copied().map(feed).collect();
        let invalid = load(&(edited(&[]) + &more)).expect_err("they have no executor");
        let problems = invalid.problems.iter();
        let problems = problems.filter(|problem| problem.rule == Rule::InterfaceTwice);
        problems.map(|problem| format!("{problem:?}")).collect::<Vec<_>>()
    };
    const XDP: &str = "\"xdp\"";
    const NATIVE: &str = "\"xdp\"\nxdp_mode = \"native\"";
    const GENERIC: &str = "\"xdp\"\nxdp_mode = \"generic\"";
    let first = (101, NATIVE, "eth0", 0);
    for other in [(102, XDP, "eth0", 10), (102, NATIVE, "eth0", 10), (102, GENERIC, "eth1", 10)] {
        assert!(found(&[first, other]).is_empty(), "{other:?}");
    }
    assert!(found(&[first, (102, "\"socket\"", "eth0", 0)]).is_empty());
    let [modes] = &found(&[first, (102, XDP, "eth0", 10), (103, GENERIC, "eth0", 20)])[..] else {
        panic!("one of them");
    };
    assert!(modes.contains("f103") && modes.contains("xdp_mode"), "{modes}");
    // Line A of the second is line B of the first.
    let [groups] = &found(&[first, (102, NATIVE, "eth0", 1)])[..] else { panic!("one of them") };
    assert!(groups.contains("f102") && groups.contains("same group"), "{groups}");
}

#[test]
fn requests_of_two_gateways_share_an_interface_by_sockets_only() {
    let gateway = |number: u8, port: &str| {
        format!(
            "\n[[gateway]]\nname = \"g{number}\"\nvenue = \"cbot\"\n\
             protocol = \"esunny/dstar\"\nstream_id = {number}\nrate_messages = 1\n\
             rate_window_ms = 1\nrequest_address = \"192.0.2.{number}:1\"\n\
             answer_address = \"192.0.2.{number}:2\"\naccount_no = \"1\"\n\
             password_credential = \"ESUNNY\"\nrequest_port = {port}\n"
        )
    };
    let found = |second: &str| {
        let first = gateway(101, "\"xdp\"\nrequest_interface = \"eth0\"");
        let invalid = load(&(edited(&[]) + &first + &gateway(102, second)))
            .expect_err("the other stages have no executor");
        let problems = invalid.problems.iter();
        let twice = problems.filter(|problem| problem.rule == Rule::InterfaceTwice);
        twice.map(|problem| problem.message.clone()).collect::<Vec<_>>()
    };
    let [same] = &found("\"xdp\"\nrequest_interface = \"eth0\"")[..] else { panic!("it is taken") };
    assert!(same.contains("gateway \"g102\"") && same.contains("eth0"), "{same}");
    assert!(found("\"xdp\"\nrequest_interface = \"eth1\"").is_empty());
    assert!(found("\"socket\"").is_empty());
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let invalid = load(&edited(&[
        ("desk_id = 1", "desk_id = 0"),
        ("tick_size = \"0.25\"", "tick_size = 0.25"),
        ("max_units = 5", "max_unit = 5"),
        ("idle = \"yield\"", "idle = \"often\""),
    ]))
    .unwrap_err();
    let rules: Vec<_> = invalid.problems.iter().map(|problem| problem.rule).collect();
    let expected =
        [Rule::OutOfBounds, Rule::Float, Rule::MissingKey, Rule::UnknownKey, Rule::UnknownWord];
    assert_eq!(rules, expected, "{invalid}");
}
