//! The gateway while clients log on: who it is, and which connection is whose.

use super::{ConnectionId, Gateway};
use crate::venue::cme::simulated::client::{self, Client, End, Logon};
use xmc_hotpath::time::MonoNs;
use xmc_hotpath::venue::cme::ilink3::layout::{Establish, NEWEST_VERSION, Negotiate};

impl Gateway {
    pub(super) fn negotiate(
        &mut self,
        now: MonoNs,
        id: ConnectionId,
        block: &Negotiate,
        version: u16,
    ) {
        let version = version.min(NEWEST_VERSION);
        let named = |client: &Client| {
            let settings = &client.settings;
            (&*settings.session, &*settings.firm)
                == (client::plain(&block.session), client::plain(&block.firm))
        };
        let Some(client) = self.clients.iter().position(named) else {
            self.counters.refused += 1;
            let refusal = client::unknown(block, version);
            return self.push(id, &refusal);
        };
        let utc_ns = self.utc_ns(now);
        let logon = self.clients[client].negotiate(block, version, utc_ns);
        self.logon(now, id, client, logon);
    }

    pub(super) fn establish(&mut self, now: MonoNs, id: ConnectionId, block: &Establish) {
        let named = |client: &Client| {
            let settings = &client.settings;
            (&*settings.session, &*settings.firm)
                == (client::plain(&block.session), client::plain(&block.firm))
        };
        let Some(client) = self.clients.iter().position(named) else {
            return self.broken(now, id, End::Unnegotiated);
        };
        let utc_ns = self.utc_ns(now);
        let logon = self.clients[client].establish(block, &self.rules, now, utc_ns);
        let is_up = matches!(logon, Logon::Done(_) | Logon::Gap(..));
        self.logon(now, id, client, logon);
        if is_up {
            self.counters.established += 1;
        }
    }

    fn logon(&mut self, now: MonoNs, id: ConnectionId, client: usize, logon: Logon) {
        match logon {
            Logon::Done(answer) => self.bind(now, id, client, &answer),
            Logon::Gap(answer, from, count) => {
                self.bind(now, id, client, &answer);
                self.not_applied(now, client, from, count);
            }
            Logon::Refused(answer) => {
                self.counters.refused += 1;
                self.push(id, &answer);
            }
            Logon::End(end) => self.broken(now, id, end),
        }
    }

    /// From now on the connection is the client's.
    fn bind(&mut self, now: MonoNs, id: ConnectionId, client: usize, answer: &[u8]) {
        for connection in self.connections.values_mut() {
            if connection.client == Some(client) && !connection.is_ending {
                connection.client = None;
            }
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.client = Some(client);
        }
        self.say(now, client, answer);
    }
}
