//! Versions of the desk's logic, and what each decides otherwise.

/// Version of the desk's logic. Byte equality of a replay is promised within one version.
pub const LOGIC_VERSION: u16 = 19;

/// What each version decides otherwise than the one before it, for whoever compares across them.
pub const LOGIC_CHANGES: [(u16, &str); 15] = [
    (
        2,
        "a leg may be several child orders (close today's, close yesterday's, open); lots of today \
         and yesterday are held and can be told",
    ),
    (
        3,
        "orders of earlier runs of which nobody can tell go on under their ids and are settled by \
         what is told of them; news of orders of earlier runs that were over raises no alert",
    ),
    (4, "refusals by gate and the ends of fires that ended in ratio may be left out, by input"),
    (5, "nothing is sent outside the hours of a leg, and nothing opened near their end, if told"),
    (
        6,
        "orders priced off a packet whose copies differ are told; nothing is opened with a leg \
         whose book the venue's snapshot contradicts or that has stopped moving, or while a clock \
         is wrong, and less while a channel has one line only, if told so",
    ),
    (
        7,
        "an order of which nobody can tell is asked for once, and all live orders when a session \
         is up again, where the venue answers",
    ),
    (
        8,
        "a fire whose legs end out of ratio is completed or traded back, whichever is cheaper, if \
         told so; late fills and busts of any order of a fire that has not ended count in it",
    ),
    (
        9,
        "levels may be ratios, and ask for a time that they are met and for lots that legs lean \
         on, if told so; spreads can be removed; an input has so many spreads looked at and the \
         next ones the rest, those first of which a traded leg was quoted; a cancel that came back \
         unsent is sent again; breakers trip, and what a fire can lose is bounded, if told so",
    ),
    (
        10,
        "commands are about all, about one spread, or about those that share an instrument, a \
         gateway, an account or a strategy; what a command killed is not repaired",
    ),
    (11, "levels may be after fees, if told so"),
    (
        12,
        "the least liquid leg of a fire is sent first and the others follow what it fills, if told \
         so, and what becomes of them is told; a spread that is busy keeps its account",
    ),
    (
        16,
        "what two spreads out of ratio need of one instrument is met inside before either goes to \
         a market, if told so",
    ),
    (17, "rules of the user hold back, close only, cool down, unwind or alert, if told so"),
    (
        18,
        "a spread that waits in both queues is taken out of both, so that none is overwritten and \
         never looked at again; messages that a fire may need to be repaired are kept for it until \
         it ends or its orders are called unknown, but for a leg that rests",
    ),
    (
        19,
        "a fire out of ratio that as many tries as are told did not mend has as many again by the \
         way that opens nothing, before it is flattened or given up",
    ),
];
