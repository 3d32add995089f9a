//! What two accounts of the same orders agree in: the record's, and that of whoever read the orders
//! off the wire. Used by the commands that measure.

/// All orders of a session in one number: equal for two accounts of the same orders in the same
/// order. Not cryptographic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderDigest {
    /// Orders taken in.
    pub count: u64,
    digest: u64,
}

impl OrderDigest {
    /// Takes in one order.
    pub fn add(&mut self, id: u64, security_id: i32, is_buy: bool, price_e9: i64, lots: u32) {
        self.count += 1;
        let security_id = u64::from(security_id.cast_unsigned());
        let size = u64::from(lots) << 1 | u64::from(is_buy);
        for word in [id, security_id, price_e9.cast_unsigned(), size] {
            let mixed = (self.digest ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            self.digest = mixed ^ mixed >> 29;
        }
    }
}
