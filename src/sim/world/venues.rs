//! The venues' side of a schedule: commands on their way, reports, breaks, and the truth.

use super::*;

impl World<'_> {
    /// Lets a venue do what is due and puts what it says on the line.
    pub(super) fn poll_venue(&mut self, gateway: usize) {
        while let Some(event) = self.venues[gateway].report(self.now) {
            self.on_the_line(gateway, event);
        }
        let bookings = self.venues[gateway].ledger().bookings();
        for booking in &bookings[self.seen[gateway]..] {
            self.untold.insert(booking.exec_id, *booking);
            if !booking.is_honest {
                self.tainted.insert(booking.order_id.0);
            }
        }
        self.seen[gateway] = bookings.len();
        let next = self.venues[gateway].next_at();
        if next < self.wakes[gateway] {
            self.wakes[gateway] = next;
            self.push(next.max(self.now), Happening::Venue(gateway));
        }
    }

    pub(super) fn on_the_line(&mut self, gateway: usize, event: OrderEvent) {
        let (is_lost, is_slow, is_doubled) = (
            self.strikes(Fault::LostReport),
            self.strikes(Fault::Overtaking),
            self.strikes(Fault::DuplicateReport),
        );
        let (slow, again) = (self.rng.u64(1_000..400_000), self.rng.u64(1..800_000));
        let line = &mut self.lines[gateway];
        let number = line.tell(self.now, event);
        if !line.is_connected() || line.is_mute || is_lost {
            return;
        }
        let generation = line.generation();
        let [at, _] = line.down.carry(self.now, &mut self.rng);
        let Some(mut at) = at else {
            return;
        };
        if is_slow {
            at = at.after(Span(slow));
        }
        self.push(at, Happening::Report { gateway, generation, number });
        if is_doubled {
            let at = at.after(Span(again));
            self.push(at, Happening::Report { gateway, generation, number });
        }
    }

    pub(super) fn report(
        &mut self,
        gateway: usize,
        generation: Generation,
        number: usize,
    ) -> Result<(), Violation> {
        if self.lines[gateway].generation() != generation {
            return Ok(());
        }
        let (event, change) = self.lines[gateway].hear(self.now, number);
        let is_known = self.checker.model.known(event.order_id).is_some();
        if let Some(booking) = self.untold.remove(&event.exec_id)
            && !is_known
        {
            self.orphans.push(booking);
        }
        let goes_up = change.is_some_and(|change| change.state == SessionState::Up);
        if let Some(update) = change.filter(|_| !goes_up) {
            let ns = self.rng.u64(10_000..200_000);
            self.push(self.after(ns), Happening::Resend { gateway, generation });
            self.tell(Event::Session(update))?;
        }
        self.tell(Event::Order(event))?;
        if let Some(update) = change.filter(|_| goes_up) {
            self.tell(Event::Session(update))?;
        }
        self.truth()
    }

    /// The venue sends again what the gateway misses.
    pub(super) fn resend(&mut self, gateway: usize, generation: Generation) {
        let line = &mut self.lines[gateway];
        if line.generation() != generation || !line.is_connected() {
            return;
        }
        for number in line.missing_before(self.now) {
            let [at, _] = self.lines[gateway].down.carry(self.now, &mut self.rng);
            if let Some(at) = at {
                self.push(at, Happening::Report { gateway, generation, number });
            }
        }
    }

    /// A heartbeat: shows what is missing; its absence shows that the venue is silent.
    pub(super) fn heartbeat(&mut self, gateway: usize) -> Result<(), Violation> {
        let heartbeat_ns = self.heartbeat_ns();
        self.push(self.after(heartbeat_ns), Happening::Heartbeat(gateway));
        let line = &mut self.lines[gateway];
        if !line.is_connected() {
            return Ok(());
        }
        if line.is_mute {
            return self.cut(gateway);
        }
        let generation = line.generation();
        let before = MonoNs(self.now.0.saturating_sub(heartbeat_ns / 2));
        if line.missing_before(before).is_empty() {
            return Ok(());
        }
        let change = line.gap();
        self.push(self.after(1_000), Happening::Resend { gateway, generation });
        change.map_or(Ok(()), |update| self.tell(Event::Session(update)))
    }

    pub(super) fn cut(&mut self, gateway: usize) -> Result<(), Violation> {
        if !self.lines[gateway].is_connected() {
            return Ok(());
        }
        let change = self.lines[gateway].cut();
        self.venues[gateway].disconnected(self.now);
        self.poll_venue(gateway);
        let ns = self.rng.u64(100_000..3_000_000);
        self.push(self.after(ns), Happening::Connect(gateway));
        change.map_or(Ok(()), |update| self.tell(Event::Session(update)))
    }

    pub(super) fn connect(&mut self, gateway: usize) -> Result<(), Violation> {
        let forgets = self.strikes(Fault::Amnesia);
        let change = self.lines[gateway].connect(!forgets);
        self.is_amnesic |= forgets;
        let generation = self.lines[gateway].generation();
        self.push(self.after(500), Happening::Resend { gateway, generation });
        change.map_or(Ok(()), |update| self.tell(Event::Session(update)))
    }

    /// S5: every booking is in the desk's position once, or has not been told yet, or came when
    /// the order was no longer known, which raised an alert. And while it is untold the desk still
    /// reckons with it.
    pub(super) fn truth(&self) -> Result<(), Violation> {
        let fail = |invariant, what| Err(Violation { invariant, at: self.now, what });
        for (row, instrument) in &self.checker.model.instruments {
            let booked: i64 = self.venues.iter().map(|venue| venue.ledger().position(*row)).sum();
            let open = self.untold.values().chain(&self.orphans);
            let open: i64 = open.filter(|one| one.instrument == *row).map(|one| one.signed()).sum();
            if booked != instrument.position - instrument.carried + open {
                let held = instrument.position;
                return fail("S5", format!("{booked} booked, {held} held, {open} not told"));
            }
        }
        let mut untold: BTreeMap<OrderId, u32> = BTreeMap::new();
        for booking in self.untold.values() {
            if !self.tainted.contains(&booking.order_id.0) {
                *untold.entry(booking.order_id).or_default() += booking.lots;
            }
        }
        for (id, lots) in untold {
            let open = self.checker.model.orders[&id.0].open();
            if lots > open {
                return fail("S2", format!("order {id:?}: {lots} lots untold, {open} reserved"));
            }
        }
        Ok(())
    }

    /// S1 at rest: what the venues booked is what the desk holds, or it knows that it may not.
    pub(super) fn compare(&self) -> Result<(), Violation> {
        self.truth()?;
        let model = &self.checker.model;
        let alert = |kind| model.alerts.get(&kind).copied().unwrap_or(0) > 0;
        let fail = |what: String| Err(Violation { invariant: "S1", at: self.now, what });
        let is_excused = self.is_amnesic && alert(AlertKind::SessionDown);
        if !self.untold.is_empty() && !is_excused {
            return fail(format!("{} bookings were never told", self.untold.len()));
        }
        if !self.orphans.is_empty() && !alert(AlertKind::UnknownOrder) {
            return fail(format!("{} bookings of unknown orders, no alert", self.orphans.len()));
        }
        Ok(())
    }
}
