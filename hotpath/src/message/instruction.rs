//! What operators have asked a running engine for: who signed it, and whether it was taken.

use crate::record::codec::{code, message};

code! {
    /// Why a command of an operator was not taken.
    #[derive(Default)]
    pub enum Denial {
        /// It was.
        #[default]
        Taken = 0 "taken",
        /// It is not written as commands are.
        Form = 1 "form",
        /// A signature is missing, wrong, or twice by one person.
        Signature = 2 "signature",
        /// Whoever signed it is no operator of this desk.
        Operator = 3 "operator",
        /// The operator may not give such a command, or not about that.
        Right = 4 "right",
        /// It lets more happen than before, and only one person has signed it.
        SecondPerson = 5 "second_person",
        /// It is for another site, desk or run.
        Audience = 6 "audience",
        /// Its number has been used, or one after it has.
        Counter = 7 "counter",
        /// It is too old, from the future, or meant to be valid for too long.
        Time = 8 "time",
        /// It names something that this desk does not have, or that such a command is not about.
        Scope = 9 "scope",
        /// A value is not one that the limit can have, of another unit, or not the one before.
        Value = 10 "value",
        /// It changes a limit by more than is believed of one command.
        Step = 11 "step",
        /// The desk is in a state in which it is not done.
        State = 12 "state",
        /// More was asked than is answered at once, or it came too slowly.
        Busy = 13 "busy",
        /// It was asked by another user of this host.
        Peer = 14 "peer",
        /// It could not be kept on the disk that the number is used.
        Disk = 15 "disk",
    }
}

message! {
    /// Something was asked at the control socket. Of what was taken the inputs that follow are the
    /// effect; what was not is told to a person as an alert.
    ///
    /// The signatures were checked by the cold side; the digest says over which text.
    pub struct Instruction {
        /// Who gave it: the operator's number in the configuration; 0 if nobody knows.
        pub operator: u32,
        /// Who has signed it too; 0 if nobody has.
        pub second: u32,
        /// Its number among those of the operator; 0 if it could not be read.
        pub counter: u64,
        /// SHA-256 of the text that was signed, or of all that came if there is none.
        pub digest: [u8; 32],
        /// How many inputs behind it are its effect.
        pub inputs: u8,
        /// Why it was not taken.
        pub denial: Denial,
        /// Others that were not taken since the last of them that was told; they were too many.
        pub untold: u32,
    }
}
