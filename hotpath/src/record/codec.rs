//! The canonical encoding of record fields, version 1: little-endian, fields in declaration order,
//! no padding, enums as one byte, booleans 0 or 1.
//!
//! It is not struct memory: two builds that lay a struct out differently still write the same
//! bytes. `message!` and `code!` declare a type together with its encoding, so that a field cannot
//! be added to one and forgotten in the other; `fields!` gives one to a struct that is declared
//! elsewhere, and does not compile if a field was left out.

/// A value with a canonical encoding of fixed length.
pub trait Field: Copy {
    /// Bytes it takes.
    const LEN: usize;

    /// Writes it.
    fn put(&self, out: &mut Encoder<'_>);

    /// Reads one; `None` if the bytes end or do not stand for a value.
    fn take(input: &mut Decoder<'_>) -> Option<Self>;
}

/// Writes fields one after the other into a buffer.
#[derive(Debug)]
pub struct Encoder<'a> {
    rest: &'a mut [u8],
    written: usize,
    overflowed: bool,
}

impl<'a> Encoder<'a> {
    /// Starts at the front of `buffer`.
    #[inline(always)]
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self { rest: buffer, written: 0, overflowed: false }
    }

    /// Writes `bytes`. When they do not fit nothing is written, and `written` is `None` from then
    /// on: a record is whole or it is not there.
    #[inline(always)]
    pub fn bytes<const N: usize>(&mut self, bytes: [u8; N]) {
        match core::mem::take(&mut self.rest).split_first_chunk_mut::<N>() {
            Some((front, rest)) => {
                *front = bytes;
                self.rest = rest;
                self.written = self.written.wrapping_add(N);
            }
            None => self.overflowed = true,
        }
    }

    /// Writes `count` zeros, as `bytes` does.
    fn zeros(&mut self, count: usize) {
        match core::mem::take(&mut self.rest).split_at_mut_checked(count) {
            Some((front, rest)) => {
                front.fill(0);
                self.rest = rest;
                self.written = self.written.wrapping_add(count);
            }
            None => self.overflowed = true,
        }
    }

    /// Bytes written, or `None` if something did not fit.
    #[inline(always)]
    #[must_use]
    pub fn written(&self) -> Option<usize> {
        (!self.overflowed).then_some(self.written)
    }
}

/// Reads fields one after the other.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Starts at the front of `bytes`.
    #[inline(always)]
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `N` bytes.
    #[inline(always)]
    pub fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (front, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*front)
    }

    /// Skips `count` zeros; `None` if there are other bytes.
    fn zeros(&mut self, count: usize) -> Option<()> {
        let (front, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        front.iter().all(|byte| *byte == 0).then_some(())
    }

    /// What has not been read.
    #[inline(always)]
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

macro_rules! integer_fields {
    ($($int:ident)*) => {$(
        impl Field for $int {
            const LEN: usize = size_of::<$int>();

            #[inline(always)]
            fn put(&self, out: &mut Encoder<'_>) {
                out.bytes(self.to_le_bytes());
            }

            #[inline(always)]
            fn take(input: &mut Decoder<'_>) -> Option<Self> {
                input.bytes().map($int::from_le_bytes)
            }
        }
    )*};
}

integer_fields! { u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 }

impl Field for bool {
    const LEN: usize = 1;

    #[inline(always)]
    fn put(&self, out: &mut Encoder<'_>) {
        out.bytes([u8::from(*self)]);
    }

    #[inline(always)]
    fn take(input: &mut Decoder<'_>) -> Option<Self> {
        match input.bytes()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl<T: Field, const N: usize> Field for [T; N] {
    const LEN: usize = N.wrapping_mul(T::LEN);

    #[inline(always)]
    fn put(&self, out: &mut Encoder<'_>) {
        for item in self {
            item.put(out);
        }
    }

    #[inline(always)]
    fn take(input: &mut Decoder<'_>) -> Option<Self> {
        let first = T::take(input)?;
        let mut items = [first; N];
        for item in items.iter_mut().skip(1) {
            *item = T::take(input)?;
        }
        Some(items)
    }
}

/// Eight bytes, whatever the machine.
impl Field for usize {
    const LEN: usize = <u64 as Field>::LEN;

    #[inline(always)]
    fn put(&self, out: &mut Encoder<'_>) {
        u64::try_from(*self).unwrap_or(u64::MAX).put(out);
    }

    #[inline(always)]
    fn take(input: &mut Decoder<'_>) -> Option<Self> {
        usize::try_from(u64::take(input)?).ok()
    }
}

/// A byte that says whether there is a value, then the value, or as many zeros.
impl<T: Field> Field for Option<T> {
    const LEN: usize = T::LEN.wrapping_add(1);

    fn put(&self, out: &mut Encoder<'_>) {
        self.is_some().put(out);
        match self {
            Some(value) => value.put(out),
            None => out.zeros(T::LEN),
        }
    }

    fn take(input: &mut Decoder<'_>) -> Option<Self> {
        if bool::take(input)? {
            T::take(input).map(Some)
        } else {
            input.zeros(T::LEN).map(|()| None)
        }
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    const LEN: usize = A::LEN.wrapping_add(B::LEN);

    fn put(&self, out: &mut Encoder<'_>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(input: &mut Decoder<'_>) -> Option<Self> {
        Some((A::take(input)?, B::take(input)?))
    }
}

/// Writes how many rows there are, then each.
pub(crate) fn put_rows<T: Field>(rows: &[T], out: &mut Encoder<'_>) {
    rows.len().put(out);
    for row in rows {
        row.put(out);
    }
}

/// Reads rows into `rows`, which must be as many.
pub(crate) fn take_rows<T: Field>(rows: &mut [T], input: &mut Decoder<'_>) -> Option<()> {
    if usize::take(input)? != rows.len() {
        return None;
    }
    for row in rows {
        *row = T::take(input)?;
    }
    Some(())
}

/// Declares tuple structs of one field that encode as that field.
macro_rules! newtypes {
    ($($name:ident($inner:ty);)*) => {$(
        impl $crate::record::codec::Field for $name {
            const LEN: usize = <$inner as $crate::record::codec::Field>::LEN;

            #[inline(always)]
            fn put(&self, out: &mut $crate::record::codec::Encoder<'_>) {
                self.0.put(out);
            }

            #[inline(always)]
            fn take(input: &mut $crate::record::codec::Decoder<'_>) -> Option<Self> {
                <$inner as $crate::record::codec::Field>::take(input).map(Self)
            }
        }
    )*};
}

/// Declares a struct whose fields are encoded in the order in which they are written.
macro_rules! message {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $crate::record::codec::Field for $name {
            const LEN: usize = {
                let len = 0_usize;
                $(let len = len.wrapping_add(<$type as $crate::record::codec::Field>::LEN);)*
                len
            };

            #[inline(always)]
            fn put(&self, out: &mut $crate::record::codec::Encoder<'_>) {
                $($crate::record::codec::Field::put(&self.$field, out);)*
            }

            #[inline(always)]
            fn take(input: &mut $crate::record::codec::Decoder<'_>) -> Option<Self> {
                Some(Self {
                    $($field: $crate::record::codec::Field::take(input)?,)*
                })
            }
        }
    };
}

/// Gives an encoding to a struct that is declared elsewhere: all of its fields, in this order.
macro_rules! fields {
    ($name:ident $(<const $n:ident: usize>)? { $($field:ident: $type:ty,)+ }) => {
        impl $(<const $n: usize>)? $crate::record::codec::Field for $name $(<$n>)? {
            const LEN: usize = {
                let len = 0_usize;
                $(let len = len.wrapping_add(<$type as $crate::record::codec::Field>::LEN);)+
                len
            };

            fn put(&self, out: &mut $crate::record::codec::Encoder<'_>) {
                let Self { $($field,)+ } = self;
                $(<$type as $crate::record::codec::Field>::put($field, out);)+
            }

            fn take(input: &mut $crate::record::codec::Decoder<'_>) -> Option<Self> {
                Some(Self {
                    $($field: <$type as $crate::record::codec::Field>::take(input)?,)+
                })
            }
        }
    };
}

/// Declares an enum that is encoded as one byte, and its words for reports.
macro_rules! code {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $code:literal $word:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$variant_meta])* $variant = $code,)*
        }

        impl $name {
            /// Every value, in the order of the codes.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The byte that stands for it in a record.
            #[inline(always)]
            #[must_use]
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// The value that `code` stands for.
            #[inline(always)]
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Its word in reports and JSON.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl $crate::record::codec::Field for $name {
            const LEN: usize = 1;

            #[inline(always)]
            fn put(&self, out: &mut $crate::record::codec::Encoder<'_>) {
                out.bytes([self.code()]);
            }

            #[inline(always)]
            fn take(input: &mut $crate::record::codec::Decoder<'_>) -> Option<Self> {
                let [code] = input.bytes()?;
                Self::from_code(code)
            }
        }
    };
}

pub(crate) use {code, fields, message, newtypes};
