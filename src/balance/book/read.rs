//! The file of a book: TOML becomes one checked value, or every reason why not.

use super::whole;
use super::wish::{self, instant_and_day};
use super::{
    Account, Basis, Book, Capacity, Client, Fair, Group, Inventory, PRICES, Policy, PriceKind,
    Traded,
};
use crate::config::capital::{Border, origin};
use crate::config::error::{Report, Rule};
use crate::config::names::Names;
use crate::config::section::{Document, Section, Shape};
use crate::config::value::{boolean, exact, line, name, one_of, whole as number, word};
use crate::config::{
    CURRENCIES, Invalid, Place, Rational, Sources, checked, every, missing_section,
};
use crate::hedge::book::contract::{self, BORDERS};
use crate::hedge::book::fail;
use crate::hedge::book::read::{
    Known as Market, is_one_rate, is_one_size, product, rate, refer, refers,
};

const SHAPE: Shape = Shape {
    single: &["balance"],
    repeated: &[
        "client",
        "account",
        "wall",
        "strategy",
        "product",
        "contract",
        "fx",
        "inventory",
        "need",
        "target",
        "capacity",
        "policy",
        "basis",
    ],
};

/// Where rows were written, for what is wrong between them.
pub(super) struct Places {
    pub inventories: Vec<Place>,
    pub needs: Vec<Place>,
    pub targets: Vec<Place>,
    pub capacities: Vec<Place>,
    pub policies: Vec<Place>,
    pub bases: Vec<Place>,
}

/// What sections refer to, as far as it could be read.
pub(super) struct Known<'k> {
    /// Products, contracts and rates, as an exposure book knows them.
    pub market: Market<'k>,
    pub client_names: Names,
    pub account_names: Names,
    pub strategy_names: Names,
    pub clients: Option<Vec<Client>>,
    pub accounts: Option<Vec<Account>>,
}

impl Known<'_> {
    pub(super) fn account(&self, place: usize) -> Option<&Account> {
        self.accounts.as_ref()?.get(place)
    }

    /// The product of a contract, and its side of the border.
    pub(super) fn of_contract(&self, place: usize) -> Option<(usize, Border)> {
        self.market.contract(place).map(|of| (of.product, of.border))
    }
}

pub(super) fn check(sources: Sources, report: Report) -> Result<Book, Invalid> {
    let (book, sources) = checked(sources, report, SHAPE, book)?;
    Ok(Book { sources, ..book })
}

fn book(mut document: Document<'_>, report: &Report) -> Option<Book> {
    let Some(head) = document.take_single("balance") else {
        missing_section(report, "[balance]");
        return None;
    };
    let [clients, accounts, walls, strategies, products, contracts, fx] =
        ["client", "account", "wall", "strategy", "product", "contract", "fx"]
            .map(|kind| document.take_repeated(kind));
    let [inventories, needs, targets, capacities, policies, bases] =
        ["inventory", "need", "target", "capacity", "policy", "basis"]
            .map(|kind| document.take_repeated(kind));
    for (kind, sections) in [
        ("client", &clients),
        ("account", &accounts),
        ("strategy", &strategies),
        ("product", &products),
        ("contract", &contracts),
    ] {
        if sections.is_empty() {
            missing_section(report, &format!("[[{kind}]]"));
        }
    }
    Names::gather("need", &needs, report);
    Names::gather("wall", &walls, report);
    let (now, day) = head.required("now", instant_and_day).value.unwrap_or_default();
    let currency = head.required("currency", one_of(CURRENCIES)).value;
    let is_sample = head.required("sample", boolean).value;
    let quotes = head.required("quotes", line(200)).value;
    let max_age_s = head.required("max_age_s", number(1..=86_400)).value;
    let currencies = fx.iter().filter_map(|row| Some(row.peek("currency")?.0.to_owned())).collect();
    let rates = every(fx, |section| rate(section, &currency));
    let known_rates = rates.clone().unwrap_or_default();
    is_one_rate(&head, &known_rates);
    let places_of = |sections: &[Section<'_>]| -> Vec<Place> {
        sections.iter().map(|section| section.place().clone()).collect()
    };
    let places = Places {
        inventories: places_of(&inventories),
        needs: places_of(&needs),
        targets: places_of(&targets),
        capacities: places_of(&capacities),
        policies: places_of(&policies),
        bases: places_of(&bases),
    };
    let market = Market {
        date: day,
        currency: &currency,
        client_names: Names::gather("client", &[], report),
        product_names: Names::gather("product", &products, report),
        contract_names: Names::gather("contract", &contracts, report),
        fx_names: Names::gather("fx_contract", &[], report),
        currencies,
        products: None,
        contracts: None,
        clients: None,
        rates: known_rates,
    };
    let mut known = Known {
        market,
        client_names: Names::gather("client", &clients, report),
        account_names: Names::gather("account", &accounts, report),
        strategy_names: Names::gather("strategy", &strategies, report),
        clients: None,
        accounts: None,
    };
    known.market.products = every(products, product);
    let traded = every(contracts, |section| traded(section, &known.market));
    known.market.contracts =
        traded.as_ref().map(|rows| rows.iter().map(|row| row.of.clone()).collect());
    is_one_size(&head, &known.market);
    known.clients = every(clients, client);
    known.accounts = every(accounts, |section| account(section, &known));
    let groups = groups(walls, &mut known);
    let strategies = every(strategies, |section| {
        let name = section.required("name", name).value;
        section.finish(name)
    });
    let inventories = every(inventories, |section| inventory(section, &known));
    let needs = every(needs, |section| wish::need(section, &known));
    let targets = every(targets, |section| wish::target(section, &known));
    let capacities = every(capacities, |section| capacity(section, &known));
    let policies = every(policies, |section| policy(section, &known));
    let bases = every(bases, |section| basis(section, &known));
    let read = Book {
        now,
        day,
        is_sample,
        currency: currency.clone(),
        quotes,
        max_age_s,
        products: known.market.products?,
        contracts: traded?,
        rates: rates?,
        clients: known.clients?,
        accounts: known.accounts?,
        groups: groups?,
        strategies: strategies?,
        inventories: inventories?,
        needs: needs?,
        targets: targets?,
        capacities: capacities?,
        policies: policies?,
        bases: bases?,
        sources: Sources::default(),
    };
    whole::check(&head, &read, &places);
    head.finish(read)
}

fn traded(section: Section<'_>, market: &Market<'_>) -> Option<Traded> {
    let of = contract::contract(&section, market);
    let tick = section.required("tick", exact("0.000001", "10000"));
    let margin = section.required("margin_per_lot", exact("0.01", "10000000"));
    let traded = Traded {
        venue: section.required("venue", name).value,
        tick: tick.value.exact,
        margin_per_lot: margin.value.exact,
        of,
    };
    if !section.is_broken() {
        if !is_on(traded.of.price, traded.tick) {
            let message = format!("the price of {} is not on its tick", section.title());
            fail(&section, Rule::BalanceQuote, &tick.place, message);
        }
        let worth = traded.of.lot_value().unwrap_or_default().magnitude();
        if worth.is_below(traded.margin_per_lot) {
            let message = format!("the margin of {} is more than a lot is worth", section.title());
            fail(&section, Rule::OutOfBounds, &margin.place, message);
        }
    }
    section.finish(traded)
}

/// Whether a price is a whole number of ticks.
pub(in crate::balance) fn is_on(price: Rational, tick: Rational) -> bool {
    price.over(tick).is_some_and(|ticks| ticks.parts().1 == 1)
}

fn client(section: Section<'_>) -> Option<Client> {
    let name = section.required("name", name).value;
    let owner = section.optional("owner", line(80)).map(|owner| owner.value);
    let client = Client {
        title: section.required("title", line(80)).value,
        owner: owner.unwrap_or_else(|| name.clone()),
        name,
    };
    section.finish(client)
}

fn account(section: Section<'_>, known: &Known<'_>) -> Option<Account> {
    let account = Account {
        name: section.required("name", name).value,
        client: refer(&section, &known.client_names, "client").value,
        border: section.required("border", word(BORDERS)).value,
        group: 0,
    };
    section.finish(account)
}

/// Walls first, each around its accounts; those that are behind none net with their owner's.
fn groups(walls: Vec<Section<'_>>, known: &mut Known<'_>) -> Option<Vec<Group>> {
    let mut wall_of: Vec<Option<usize>> = vec![None; known.accounts.as_ref()?.len()];
    let mut groups = Vec::new();
    let owner_of = |account: usize| {
        let client = known.account(account)?.client;
        Some(known.clients.as_ref()?.get(client)?.owner.as_str())
    };
    let mut is_right = true;
    for section in walls {
        let accounts = refers(&section, &known.account_names, "accounts");
        for account in &accounts {
            if wall_of.get(account.value).is_some_and(Option::is_some) {
                let message = format!("an account of {} is behind another wall", section.title());
                fail(&section, Rule::BalanceWall, &account.place, message);
            }
            if let Some(wall) = wall_of.get_mut(account.value) {
                *wall = Some(groups.len());
            }
        }
        if accounts.is_empty() && !section.is_broken() {
            let message = format!("{} is around nobody", section.title());
            fail(&section, Rule::BalanceWall, section.place(), message);
        }
        let mut owners: Vec<_> = accounts.iter().filter_map(|row| owner_of(row.value)).collect();
        owners.sort_unstable();
        owners.dedup();
        let allowed_by = section.optional("across_owners", line(300));
        if (owners.len() > 1) != allowed_by.is_some() && !section.is_broken() {
            let place = allowed_by.as_ref().map_or(section.place(), |row| &row.place).clone();
            let message = format!(
                "{} has accounts of {} owners: write `across_owners`, what allows that, where \
                 they are several, and only there",
                section.title(),
                owners.len()
            );
            fail(&section, Rule::BalanceWall, &place, message);
        }
        let written = section.required("name", name);
        let is_owner = |client: &Client| client.owner == written.value;
        if known.clients.iter().flatten().any(is_owner) && !section.is_broken() {
            let message = format!("{} is called as an owner is", section.title());
            fail(&section, Rule::BalanceWall, &written.place, message);
        }
        let group = Group {
            name: written.value,
            is_wall: true,
            allowed_by: allowed_by.map(|row| row.value),
        };
        match section.finish(group) {
            Some(group) => groups.push(group),
            None => is_right = false,
        }
    }
    let clients = known.clients.as_ref()?;
    for (account, wall) in known.accounts.as_mut()?.iter_mut().zip(wall_of) {
        let owner = &clients.get(account.client)?.owner;
        account.group = wall.unwrap_or_else(|| {
            let is_owner = |group: &Group| !group.is_wall && group.name == *owner;
            groups.iter().position(is_owner).unwrap_or_else(|| {
                groups.push(Group { name: owner.clone(), ..Group::default() });
                groups.len() - 1
            })
        });
    }
    is_right.then_some(groups)
}

const SIDES: &[(&str, i64)] = &[("long", 1), ("short", -1)];

fn inventory(section: Section<'_>, known: &Known<'_>) -> Option<Inventory> {
    let (strategy, account, contract) = wish::whose(&section, known);
    let side = section.required("side", word(SIDES)).value;
    let lots = section.required("lots", number(1_i64..=1_000_000)).value;
    section.finish(Inventory { strategy, account, contract: contract.value, lots: side * lots })
}

fn capacity(section: Section<'_>, known: &Known<'_>) -> Option<Capacity> {
    let capacity = Capacity {
        account: refer(&section, &known.account_names, "account").value,
        product: refer(&section, &known.market.product_names, "product").value,
        max_lots: section.required("max_lots", number(1_i64..=1_000_000)).value,
    };
    section.finish(capacity)
}

fn policy(section: Section<'_>, known: &Known<'_>) -> Option<Policy> {
    let price = section.required("price", word(PRICES));
    let product = refer(&section, &known.market.product_names, "product").value;
    let mut policy = Policy {
        product,
        price: price.value,
        fair: Vec::new(),
        max_cost: section.required("max_cost", exact("0", "1000000000")).value.exact,
        max_lots: section.required("max_lots", number(0_i64..=1_000_000)).value,
        approver: section.required("approver", line(80)).value,
    };
    for part in section.tables("fair") {
        match fair(part, known, product) {
            Some(fair) => policy.fair.push(fair),
            None => section.spoil(),
        }
    }
    if (policy.price == PriceKind::FairBasis) == policy.fair.is_empty() && !section.is_broken() {
        let message = format!(
            "{} has {} fair bases: `price = \"fair_basis\"` has [[policy.fair]], others have none",
            section.title(),
            policy.fair.len()
        );
        fail(&section, Rule::BalancePolicy, &price.place, message);
    }
    section.finish(policy)
}

fn fair(part: Section<'_>, known: &Known<'_>, product: usize) -> Option<Fair> {
    let contract = refer(&part, &known.market.contract_names, "contract");
    let anchor = refer(&part, &known.market.contract_names, "anchor");
    let basis = part.required("basis", exact("-1000000", "1000000"));
    let is_of = |place: usize| known.of_contract(place).is_none_or(|of| of.0 == product);
    if !part.is_broken() {
        if contract.value == anchor.value || !is_of(contract.value) || !is_of(anchor.value) {
            let message = format!("{} needs two contracts of the policy's product", part.title());
            fail(&part, Rule::BalancePolicy, &anchor.place, message);
        }
        let price = known.market.contract(contract.value).map(|of| of.price.magnitude());
        let half = price.and_then(|price| price.over(Rational::whole(2)));
        if half.is_some_and(|half| half.is_below(basis.value.exact.magnitude())) {
            let message = format!("{} is too large a part of the price", basis.value.text);
            fail(&part, Rule::BalancePolicy, &basis.place, message);
        }
    }
    part.finish(Fair { contract: contract.value, anchor: anchor.value, basis: basis.value.exact })
}

fn basis(section: Section<'_>, known: &Known<'_>) -> Option<Basis> {
    let between = refers(&section, &known.market.contract_names, "between");
    let moves = section.required("expected_move", exact("0", "1000000"));
    let mut basis =
        Basis { between: [0; 2], expected_move: moves.value.exact, origin: origin(&section) };
    match between.as_slice() {
        [one, other] => {
            basis.between = [one.value, other.value];
            let of = basis.between.map(|place| Some(known.of_contract(place)?.0));
            if of[0] != of[1] && !section.is_broken() {
                let message = format!("{} is between two products", section.title());
                fail(&section, Rule::BalancePolicy, &other.place, message);
            }
        }
        _ if !section.is_broken() => {
            let message = format!("`between` of {} names two contracts", section.title());
            fail(&section, Rule::BalancePolicy, section.place(), message);
        }
        _ => {}
    }
    section.finish(basis)
}
