//! What can be wrong with a configuration: one rule per code, shown at the place.
//!
//! A code never changes its meaning and is never reused: operators search for it. Everything that
//! is wrong is reported at once, in the order of the files. Rendering follows rustc's shape.

use super::source::{Place, Sources};
use crate::cli::Exit;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use std::cell::RefCell;
use std::fmt;

macro_rules! rules {
    ($($(#[doc = $meaning:literal])+ $name:ident = $code:literal,)*) => {
        /// The rules a configuration must keep.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[doc = $meaning])+ $name,)*
        }

        impl Rule {
            /// Every rule, by code.
            pub const ALL: &[Rule] = &[$(Rule::$name,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Rule::$name => concat!("XMC-C", $code),)*
                }
            }

            /// What the rule says, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Rule::$name => concat!($($meaning),+).trim_ascii(),)*
                }
            }
        }
    };
}

rules! {
    /// A file can be read, is UTF-8 and not absurdly large.
    Unreadable = "001",
    /// A file is TOML.
    Syntax = "002",
    /// No file includes itself, directly or through others.
    IncludeCycle = "003",
    /// A file is included once.
    IncludedTwice = "004",
    /// A setting is written once; no file silently overrides another.
    SetTwice = "005",
    /// Every key and section is a known one.
    UnknownKey = "006",
    /// A required key is there.
    MissingKey = "007",
    /// A value has its key's type.
    WrongType = "008",
    /// Decimals are written as text, never as floats.
    Float = "009",
    /// A number is inside its bounds.
    OutOfBounds = "010",
    /// A word is one of those a key allows.
    UnknownWord = "011",
    /// A decimal follows the one spelling and fits its unit exactly.
    Decimal = "012",
    /// Ring sizes and depths are powers of two.
    PowerOfTwo = "013",
    /// A busy-polling executor owns its core.
    CoreTwice = "014",
    /// Busy-polling executors leave at least one online core to the rest of the machine.
    TooManySpinning = "015",
    /// A core is online and the process may run on it.
    CoreAbsent = "016",
    /// A stage is a known one.
    UnknownStage = "017",
    /// A stage runs on one executor.
    StageTwice = "018",
    /// The desk, every feed and every gateway are on an executor.
    StageUnplaced = "019",
    /// A real-time busy-polling executor is not on the only core left for everything else.
    FifoOnHousekeeping = "020",
    /// A link joins two stages that speak its kind.
    LinkEnds = "021",
    /// A link is written once.
    LinkTwice = "022",
    /// Every feed and every gateway is linked to the desk.
    LinkMissing = "023",
    /// Names are short, lower case and plain.
    Name = "024",
    /// A name is used once among its kind.
    NameTwice = "025",
    /// What is referred to is defined.
    UnknownReference = "026",
    /// A stream id is used once.
    StreamTwice = "027",
    /// Lines A and B are different IPv4 multicast groups or ports.
    Lines = "028",
    /// A security id is used once within a feed.
    SecurityTwice = "029",
    /// Prices lie on the instrument's tick grid.
    OffTick = "030",
    /// The lowest sane price is below the highest.
    PriceBounds = "031",
    /// A spread has two to four legs, each instrument once.
    Legs = "032",
    /// A traded leg has a ratio other than zero and a positive coefficient.
    Ratio = "033",
    /// A spread trades at least one leg in each direction.
    OneSided = "034",
    /// Coefficients weigh the traded legs as their lots and multipliers do.
    Unbalanced = "035",
    /// Triggers open below where they close, and never in both directions at one value.
    TriggerOrder = "036",
    /// A spread has a trigger.
    NoTrigger = "037",
    /// A clip is no larger than the most units.
    Clip = "038",
    /// Everything traded has its limits, a price collar among them.
    LimitMissing = "039",
    /// What a spread may send fits the limits, and limits fit each other.
    LimitTooSmall = "040",
    /// Live mode needs more than a file: it is refused.
    Live = "041",
    /// Only a paper engine may take a book to be empty at start.
    AssumeEmpty = "042",
    /// An instrument's feed and gateway belong to its venue.
    VenueMismatch = "043",
    /// A traded instrument has a gateway.
    NoGateway = "044",
    /// A limit is written once for what it bounds.
    LimitTwice = "045",
    /// A price collar is given once, in ticks or as a fraction.
    CollarOnce = "046",
    /// A message rate is within what the gateway may send.
    RateAboveGateway = "047",
    /// Quote skew is at most quote age.
    Skew = "048",
    /// A trigger is a value that the legs' sane prices can produce.
    TriggerOutOfReach = "049",
    /// A section that the engine cannot do without is there.
    MissingSection = "050",
    /// Session identities have the length and letters of their protocol.
    Identity = "051",
    /// A price collar is narrower than the range of sane prices.
    CollarTooWide = "052",
    /// There are at most as many of a section as the engine has room for.
    TooMany = "053",
    /// An executor has stages to poll.
    NoStages = "054",
    /// An instrument whose sane prices reach zero says that its prices may be negative.
    NegativePrices = "055",
    /// A limit is near enough to what the spreads can use to hold something back.
    LimitLoose = "056",
    /// Addresses and interfaces are of a kind that one host can have.
    Address = "057",
    /// It is said once where a secret lies: in a file or in the environment.
    SecretTwice = "058",
    /// No secret stands in a configuration.
    SecretInText = "059",
    /// At a simulated venue each session has an account of its own.
    AccountTwice = "060",
    /// A coefficient is written, or follows from terms that fit together.
    Terms = "062",
    /// AF_XDP takes the queues of an interface for feeds of one mode and different groups, or for
    /// the requests of one gateway.
    InterfaceTwice = "063",
    /// Levels after fees have fees that they are after.
    Fees = "064",
    /// Checkpoints have a witness, and witnesses a checkpoint to keep.
    Unwitnessed = "070",
    /// A witness is in one place, which is not the record's, and is known by its key.
    WitnessPlace = "071",
    /// What an order depends on is always recorded.
    AlwaysRecorded = "072",
    /// Operators are different people: no number and no key is that of two.
    OperatorTwice = "073",
    /// A control socket has operators, and operators have a control socket.
    Uncontrolled = "074",
    /// What needs two signatures can be signed by two.
    NoSecond = "075",
    /// An operator's key is a public key that bears the operator's name.
    OperatorKey = "076",
    /// A date of a calendar is a day, its first not after its last.
    CalendarDate = "080",
    /// A time of a calendar is hours and minutes, its first before its last, of a known time zone.
    CalendarTime = "081",
    /// The windows of a group do not meet.
    CalendarOverlap = "082",
    /// What goes wrong with a simulated venue on purpose is something that can happen.
    Faults = "090",
    /// Worth and margin of a lot in money are what price, multiplier and rate make of them.
    LotMargin = "100",
    /// Levels of utilisation rise from one to the next.
    LevelOrder = "101",
    /// Steps of a margin follow each other by date, and none is a multiple of the one before.
    MarginSteps = "102",
    /// Every currency has a rate to that of the view that is sane.
    CurrencyUnknown = "103",
    /// A route leads from one holder of money to another, and is open for a part of the day.
    Route = "104",
    /// A pair has one contract on each side of the border, and units that balance.
    PairSides = "105",
    /// A net account is charged at the price of now, and has no larger side.
    Holding = "106",
    /// Every instrument that is traded is held in one account.
    CapitalLegs = "107",
    /// A rule of alerts is a known one, changed once, and its limit is one that it can have.
    AlertRule = "110",
    /// Alerts go somewhere, and somebody is told at once.
    AlertSinks = "111",
    /// A session of the guard is of an iLink 3 gateway, of its firm, and not the engine's own.
    GuardSession = "120",
    /// A guard looks often enough for what it waits for.
    GuardLimits = "121",
    /// What is counted is of something that can be counted so, with a source and a date.
    ComplianceThreshold = "122",
    /// An account is counted in one group.
    ComplianceGroup = "123",
    /// A threshold or a fee of orders is of something that is traded, and a threshold of fees has a
    /// fee.
    ComplianceNothing = "124",
    /// A resync has statements that the desk is compared with.
    ResyncSources = "130",
    /// What was under way has settled before the next statement has to be there.
    ResyncPace = "131",
    /// One leg of a spread rests at most: it is traded, others follow it, and a miss is repaired.
    Rests = "160",
    /// A rule of the user is an expression that can be read.
    RuleSyntax = "210",
    /// A rule of the user names figures that there are at its point, and legs of its spread.
    RuleWord = "211",
    /// A rule of the user compares and adds what has one unit, and is true or false.
    RuleUnit = "212",
    /// A number of a rule fits the unit that it has there.
    RuleNumber = "213",
    /// A rule of the user has as many steps, numbers and bytes as the desk has room for.
    RuleSize = "214",
    /// What follows from a rule of the user can follow at its point.
    RuleAction = "215",
    /// A rule that is asked before hedging is of a spread that repairs its fires.
    RuleHedge = "216",
    /// How a venue answers in a backtest is said once for a gateway.
    BacktestVenue = "140",
    /// A rate of messages of a backtest's venue has a number and a window.
    BacktestRate = "141",
    /// What a lot is worth is what its price, its size and its units make of it.
    LotWorth = "150",
    /// No physical position is larger than the largest that its client deals in, or smaller than
    /// the smallest.
    PositionSize = "151",
    /// A position has the price basis that its kind can have, and what belongs to that.
    PriceBasis = "152",
    /// Quantities are of one kind, or the product says how one is converted into the other.
    UnitKind = "153",
    /// A delivery is of one month, or of days of which the first is not after the last.
    Delivery = "154",
    /// A hedge has contracts of its product, one ratio, and shares that follow each other by date.
    HedgePolicy = "155",
    /// What a client holds lies in an account of that client.
    OtherClient = "156",
    /// A quantity to be priced is whole lots, of which no more are fixed than there are.
    Fixings = "157",
    /// A lot is fixed inside the window and not after today.
    FixingDay = "158",
    /// The terms of a price lead from the currency of the future to that of the contract.
    PriceTerms = "159",
    /// What is held, wanted, allowed or priced is written once for what it is of.
    BalanceTwice = "170",
    /// A contract is held and wanted in an account on its side of the border.
    BalanceSide = "171",
    /// No more lots are closed than are held.
    BalanceClosing = "172",
    /// What a strategy wants of a product follows from a target or from needs, not from both.
    BalanceTarget = "173",
    /// An account stands behind one wall, and a wall around several owners says what allows it.
    BalanceWall = "174",
    /// An account has a capacity for what it holds and wants, no smaller than what it holds.
    BalanceCapacity = "175",
    /// A product that is wanted has one price policy, with what that needs.
    BalancePolicy = "176",
    /// A time names its offset from UTC, and what begins ends after that.
    BalanceTime = "177",
    /// Quotes are of known contracts, on the tick, the bid not above the ask, near the price.
    BalanceQuote = "178",
    /// A roll has one guard, whose slices fit each other and whose end lies inside the window.
    RollGuard = "180",
    /// A deadline is not after its contract's last day, and has lots if it is a step of a limit.
    RollDeadline = "181",
    /// A listed combination is of two months of one product and market, quoted bid below ask.
    Combination = "182",
    /// A risk factor is of a product's months or of a currency, and no two move the same.
    RiskFactor = "183",
    /// How factors move is said once: by prices, or with a source.
    RiskSource = "184",
    /// A limit of risk is written once for what it bounds.
    RiskLimit = "185",
    /// What may meet inside names accounts of spreads, each once.
    InternalAccounts = "190",
    /// What may meet inside names instruments, each once.
    InternalInstruments = "191",
    /// In every instrument named for it two repaired spreads of one account could meet.
    InternalPairs = "192",
    /// Gateways may not send more than was reported to their exchange.
    ComplianceFiled = "193",
    /// A counter is told of each order whether it opens or closes, and whether it hedges or
    /// speculates: it has no words for less.
    CounterWords = "194",
    /// What is governed has people: a control section, and an operator for each.
    Ungoverned = "220",
    /// The register of what is governed is a file of its own, none of the configuration's.
    GovernanceRegister = "221",
    /// Roles are of people under governance, each written once.
    GovernanceRoles = "222",
    /// What is governed is owned by somebody with the role owner.
    GovernanceOwner = "223",
    /// What anybody proposes two others can approve, with every role that it may ask for.
    GovernancePeople = "224",
}

/// One thing wrong, where, and what to do.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The rule that was broken.
    pub rule: Rule,
    /// What is wrong, with the offending value.
    pub message: String,
    /// Where; `None` when there is no text to show.
    pub place: Option<Place>,
    /// What stands under the place.
    pub label: String,
    /// Other places that take part, each with its label.
    pub related: Vec<(Place, String)>,
    /// What to do.
    pub help: Option<String>,
}

impl Problem {
    pub(crate) fn new(
        rule: Rule,
        message: impl Into<String>,
        place: Place,
        label: impl Into<String>,
    ) -> Self {
        let (message, label) = (message.into(), label.into());
        Self { rule, message, place: Some(place), label, related: Vec::new(), help: None }
    }

    pub(crate) fn nowhere(rule: Rule, message: String) -> Self {
        Self { rule, message, place: None, label: String::new(), related: Vec::new(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn also(mut self, place: &Place, label: impl Into<String>) -> Self {
        self.related.push((place.clone(), label.into()));
        self
    }

    fn render(&self, sources: &Sources, renderer: &Renderer) -> String {
        let mut group =
            Group::with_title(Level::ERROR.primary_title(&*self.message).id(self.rule.code()));
        let paths: Vec<_> =
            sources.files().iter().map(|file| file.path.display().to_string()).collect();
        let here = self.place.iter().map(|place| (place, &self.label, AnnotationKind::Primary));
        let there =
            self.related.iter().map(|(place, label)| (place, label, AnnotationKind::Context));
        let marks: Vec<_> = here.chain(there).collect();
        let mut files: Vec<_> = marks.iter().map(|(place, ..)| place.file).collect();
        files.dedup();
        for file in files {
            let mut snippet = Snippet::<Annotation<'_>>::source(&*sources.files()[file.0].text)
                .path(&*paths[file.0]);
            for (place, label, kind) in marks.iter().filter(|(place, ..)| place.file == file) {
                snippet = snippet.annotation(kind.span(place.span.clone()).label(label.as_str()));
            }
            group = group.element(snippet);
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(&**help));
        }
        renderer.render(&[group])
    }
}

/// A configuration that was refused: everything found wrong, and the texts to show it in.
#[derive(Debug)]
pub struct Invalid {
    /// The files.
    pub sources: Sources,
    /// What is wrong, in the order of the files; never empty.
    pub problems: Vec<Problem>,
}

impl Invalid {
    /// Everything wrong, as text for people: rustc's shape, in colour or plain.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.term_width(100);
        let mut text = String::new();
        for problem in &self.problems {
            text.push_str(&problem.render(&self.sources, &renderer));
            text.push_str("\n\n");
        }
        let count = self.problems.len();
        let errors = if count == 1 { "1 error".to_owned() } else { format!("{count} errors") };
        text.push_str(&format!("{errors}; nothing was started\n"));
        text
    }

    /// How a command ends on this: refused for safety when only that stands in the way, otherwise
    /// a configuration error.
    pub fn exit(&self) -> Exit {
        if self.problems.iter().all(|problem| problem.rule == Rule::Live) {
            Exit::Refused
        } else {
            Exit::Usage
        }
    }
}

impl fmt::Display for Invalid {
    /// One line per problem: `file:line:column: code: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            if let Some(place) = &problem.place {
                let (line, column) = self.sources.line_and_column(place);
                write!(f, "{}:{line}:{column}: ", self.sources.file(place).path.display())?;
            }
            write!(f, "{}: {}", problem.rule.code(), problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

/// Where readers and checks put what they find.
#[derive(Debug, Default)]
pub struct Report {
    problems: RefCell<Vec<Problem>>,
}

impl Report {
    pub(crate) fn add(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    /// Everything found, once, in the order of the files.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| {
            let place = problem.place.as_ref();
            (place.map(|place| (place.file, place.span.start)), problem.rule)
        });
        // Two legs can meet the same limit in the same way.
        problems.dedup_by(|one, other| {
            (one.rule, &one.place, &one.message) == (other.rule, &other.place, &other.message)
        });
        problems
    }
}
