//! A second decoder of MIRP, plain and slow: written from the field table alone, with none of the
//! product's layouts, so that the two can be compared.

use std::collections::VecDeque;

/// The header, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub flag: u8,
    pub type_id: u8,
    pub length: u16,
    pub packet_no: i32,
    pub topic_id: i16,
    pub snap_millisec: u16,
    pub snap_no: i32,
    pub snap_time: u32,
    pub comm_phase_no: u16,
    pub center_change_no: i8,
    pub reserved: i8,
}

/// A field: its id and what it says, letters and numbers in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub id: u16,
    pub values: Vec<i128>,
}

/// Why a packet is refused; the product tells it in more detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

struct Bytes(VecDeque<u8>);

impl Bytes {
    fn byte(&mut self) -> Result<u8, Refused> {
        self.0.pop_front().ok_or(Refused)
    }

    fn unsigned(&mut self, bytes: u32) -> Result<u64, Refused> {
        let mut value = 0;
        for place in 0..bytes {
            value += u64::from(self.byte()?) * 256_u64.pow(place);
        }
        Ok(value)
    }

    fn signed(&mut self, bytes: u32) -> Result<i128, Refused> {
        let value = i128::from(self.unsigned(bytes)?);
        let range = 256_i128.pow(bytes);
        Ok(if value >= range / 2 { value - range } else { value })
    }

    fn vint(&mut self) -> Result<i128, Refused> {
        let mut value = 0_u128;
        let mut factor = 1_u128;
        for _ in 0..10 {
            let byte = self.byte()?;
            value += u128::from(byte % 128) * factor;
            factor *= 128;
            if byte < 128 {
                let half = i128::try_from(value / 2).map_err(|_| Refused)?;
                let is_in_range = value < 1 << 64;
                return match (is_in_range, value % 2) {
                    (true, 0) => Ok(half),
                    (true, _) => Ok(-half - 1),
                    (false, _) => Err(Refused),
                };
            }
        }
        Err(Refused)
    }
}

/// Header and fields of a datagram.
pub fn decode(datagram: &[u8]) -> Result<(Header, Vec<Field>), Refused> {
    let mut bytes = Bytes(datagram.iter().copied().collect());
    let header = Header {
        flag: bytes.byte()?,
        type_id: bytes.byte()?,
        length: bytes.unsigned(2)? as u16,
        packet_no: bytes.signed(4)? as i32,
        topic_id: bytes.signed(2)? as i16,
        snap_millisec: bytes.unsigned(2)? as u16,
        snap_no: bytes.signed(4)? as i32,
        snap_time: bytes.unsigned(4)? as u32,
        comm_phase_no: bytes.unsigned(2)? as u16,
        center_change_no: bytes.signed(1)? as i8,
        reserved: bytes.signed(1)? as i8,
    };
    let is_sound = header.flag % 16 == 1 && header.type_id <= 1;
    if !is_sound || bytes.0.len() != usize::from(header.length) {
        return Err(Refused);
    }
    let mut fields = Vec::new();
    while !bytes.0.is_empty() {
        let id = bytes.unsigned(2)? as u16;
        let size = bytes.unsigned(2)? as usize;
        if size > bytes.0.len() {
            return Err(Refused);
        }
        let body = bytes.0.drain(..size).collect();
        fields.push(Field { id, values: values(id, Bytes(body))? });
    }
    Ok((header, fields))
}

fn values(id: u16, mut body: Bytes) -> Result<Vec<i128>, Refused> {
    let mut values = Vec::new();
    let vints = match id {
        0x0003 => 2,
        0x0032 => {
            values.extend([body.signed(1)?, body.signed(4)?, body.signed(4)?]);
            0
        }
        0x1001 => {
            values.extend([i128::from(body.byte()?), i128::from(body.byte()?)]);
            3
        }
        0x1002 => 4,
        0x1011..=0x1017 => 1,
        0x1018 => {
            values.push(i128::from(body.unsigned(8)?));
            0
        }
        _ => return Ok(Vec::new()),
    };
    for _ in 0..vints {
        values.push(body.vint()?);
    }
    if body.0.is_empty() { Ok(values) } else { Err(Refused) }
}
