//! Protocol Buffers wire format as a token has them: fields in a row, each a number or some bytes.
//!
//! A token comes from anybody. Nothing here copies, allocates or recurses, so reading costs no more than
//! there are bytes; and what no token has (groups, fields of fixed width) is no token.

/// What is not what it should be: whoever wrote it knows best what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strange;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireField<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> WireField<'a> {
    pub(super) fn number(self) -> Result<u64, Strange> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Bytes(_) => Err(Strange),
        }
    }

    pub(super) fn bytes(self) -> Result<&'a [u8], Strange> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err(Strange),
        }
    }

    pub(super) fn fields(self) -> Result<Fields<'a>, Strange> {
        self.bytes().map(Fields)
    }
}

/// The fields of one message, by their numbers.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// The only field, which has this number.
    pub(super) fn only(mut self, number: u64) -> Result<WireField<'a>, Strange> {
        match (self.next(), self.next()) {
            (Some(Ok((found, field))), None) if found == number => Ok(field),
            _ => Err(Strange),
        }
    }

    fn varint(&mut self) -> Result<u64, Strange> {
        let mut value = 0;
        for (index, byte) in self.0.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << (7 * index);
            if shifted >> (7 * index) != bits {
                return Err(Strange);
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                self.0 = &self.0[index + 1..];
                return Ok(value);
            }
        }
        Err(Strange)
    }

    fn field(&mut self) -> Result<(u64, WireField<'a>), Strange> {
        let key = self.varint()?;
        let field = match key & 7 {
            0 => WireField::Number(self.varint()?),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Strange)?;
                let (bytes, rest) = self.0.split_at_checked(length).ok_or(Strange)?;
                self.0 = rest;
                WireField::Bytes(bytes)
            }
            _ => return Err(Strange),
        };
        Ok((key >> 3, field))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, WireField<'a>), Strange>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// Fills a place for what may come once.
pub(super) fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Strange> {
    if place.replace(value).is_some() { Err(Strange) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_bytes_come_out_and_what_is_cut_short_does_not() {
        let message = [0x08, 0x96, 0x01, 0x12, 2, b'h', b'i'];
        let fields: Result<Vec<_>, Strange> = Fields(&message).collect();
        assert_eq!(fields, Ok(vec![(1, WireField::Number(150)), (2, WireField::Bytes(b"hi"))]));
        for end in [1, 2, 4, 5, 6] {
            let fields: Result<Vec<_>, Strange> = Fields(&message[..end]).collect();
            assert_eq!(fields, Err(Strange), "{end} bytes");
        }
        assert_eq!(Fields(&message[3..]).only(2), Ok(WireField::Bytes(b"hi")));
        assert_eq!(Fields(&message).only(1), Err(Strange));
    }

    #[test]
    fn what_no_token_has_is_strange() {
        let most = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(Fields(&most).next(), Some(Ok((1, WireField::Number(u64::MAX)))));
        for message in [
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02][..],
            &[0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
            &[0x0d, 0, 0, 0, 0],
            &[0x09, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x0b, 0x0c],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0],
        ] {
            let mut fields = Fields(message);
            assert_eq!((fields.next(), fields.next()), (Some(Err(Strange)), None), "{message:?}");
        }
    }
}
