//! Ports that not every host has: what each needs, and what of that is missing here.

use crate::config::{Configuration, Feed, Gateway, PortChoice, RequestPort};
use crate::port::interface::{self, InterfaceChoice};
use crate::port::xdp::host::{CAPABILITIES, Card, Host, KERNEL};
use std::sync::LazyLock;

/// What AF_XDP needs: a kernel, and capabilities.
pub static NEEDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let capabilities = CAPABILITIES.iter().map(|of| of.name.to_owned());
    std::iter::once(format!("Linux {KERNEL}")).chain(capabilities).collect()
});

/// One interface of a feed or gateway that does not go by ordinary sockets.
pub struct Need {
    /// The feed or gateway, as its stage is called.
    pub stage: String,
    /// Its port.
    pub port: String,
    /// The interface as it is written; empty if none is.
    pub interface: String,
    /// This host; `None` if it is not compared.
    pub here: Option<Here>,
}

/// What this host has.
pub struct Here {
    /// What the interface is, or why it cannot be used.
    pub card: Result<String, String>,
    host: Host,
}

impl Here {
    /// What stands in the way, and the way round it; empty if nothing does.
    pub fn obstacles(&self) -> Vec<String> {
        let mut all: Vec<_> = self.card.as_ref().err().cloned().into_iter().collect();
        all.extend(self.host.obstacles());
        if !all.is_empty() {
            all.push("the next best port is port = \"socket\"".to_owned());
        }
        all
    }
}

/// Every interface of every such feed and gateway, each once.
pub fn needs(configuration: &Configuration, is_here: bool) -> Vec<Need> {
    let feeds = configuration.feeds.iter().filter(|feed| feed.port.value != PortChoice::Socket);
    let of_gateway = |gateway: &Gateway| match &gateway.request_port {
        RequestPort::Socket => None,
        RequestPort::Xdp(interface) => {
            let stage = format!("gateway_{}", gateway.name.value);
            Some(need(stage, "xdp (requests)".to_owned(), Some(interface), is_here))
        }
    };
    feeds
        .flat_map(|feed| of_feed(feed, is_here))
        .chain(configuration.gateways.iter().filter_map(of_gateway))
        .collect()
}

fn of_feed(feed: &Feed, is_here: bool) -> Vec<Need> {
    let mut choices = vec![&feed.line_a.interface];
    if feed.line_b.interface != feed.line_a.interface {
        choices.push(&feed.line_b.interface);
    }
    let stage = format!("feed_{}", feed.name.value);
    let need = |choice: &Option<InterfaceChoice>| {
        need(stage.clone(), feed.port.value.to_string(), choice.as_ref(), is_here)
    };
    choices.into_iter().map(need).collect()
}

fn need(stage: String, port: String, choice: Option<&InterfaceChoice>, is_here: bool) -> Need {
    let card = || match choice {
        Some(choice) => interface::find(choice)
            .map(|found| Card::of(&found).to_string())
            .map_err(|error| error.to_string()),
        None => Err("the line names no interface".to_owned()),
    };
    Need {
        stage,
        port,
        interface: choice.map(ToString::to_string).unwrap_or_default(),
        here: is_here.then(|| Here { card: card(), host: Host::here() }),
    }
}
