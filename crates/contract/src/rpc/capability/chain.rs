//! Signature chain of a token from outside: blocks in a row, each signed with a key that the block before names.
//!
//! Whoever shows a token may have made it up, so everything is bounded before the first signature is
//! looked at: bytes, blocks (each is one verification), kinds of keys. What the blocks say is not read here.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::signature::{self, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::protobuf::{Fields, Strange, WireField, once};

/// The longest token, in letters: a hello has 32 KiB for it and for what else it says.
pub(super) const MAX_LETTERS: usize = 24 * 1024;
/// How often a token may be narrowed.
pub(super) const MAX_NARROWED: usize = 15;

/// Signatures of the kinds that there are cover different things.
const VERSIONS: std::ops::RangeInclusive<u64> = 0..=1;

pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) type Key = [u8; 32];

/// The number of the only kind of key.
pub(super) const ED25519: u32 = 0;

/// The bytes of a token, or nothing if it is too long or no base64.
pub(super) fn decode(token: &str) -> Result<Vec<u8>, Strange> {
    if token.len() > MAX_LETTERS {
        return Err(Strange);
    }
    BASE64.decode(token).map_err(|_| Strange)
}

#[derive(Debug)]
pub(super) struct Chain<'a> {
    authority: SignedBlock<'a>,
    narrowed: Vec<SignedBlock<'a>>,
    proof: Proof<'a>,
}

/// A block without its signature.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content<'a> {
    pub data: &'a [u8],
    /// Whether somebody signed it besides who appended it.
    pub by_another: bool,
}

#[derive(Debug)]
struct SignedBlock<'a> {
    /// As it stands in the token.
    whole: &'a [u8],
    content: Content<'a>,
    next: &'a Key,
    signature: &'a [u8],
    version: u64,
}

/// What shows that no block was cut off.
#[derive(Debug)]
enum Proof<'a> {
    /// Of the last block's key.
    Secret(&'a [u8]),
    /// By it: nobody can append any more.
    Seal(&'a [u8]),
}

impl<'a> Chain<'a> {
    pub(super) fn read(token: &'a [u8]) -> Result<Self, Strange> {
        let (mut authority, mut narrowed, mut proof) = (None, Vec::new(), None);
        for field in Fields(token) {
            match field? {
                (2, field) => once(&mut authority, SignedBlock::read(field)?)?,
                (3, field) if narrowed.len() < MAX_NARROWED => narrowed.push(SignedBlock::read(field)?),
                (4, field) => once(&mut proof, Proof::read(field)?)?,
                _ => return Err(Strange),
            }
        }
        Ok(Self { authority: authority.ok_or(Strange)?, narrowed, proof: proof.ok_or(Strange)? })
    }

    /// Whether the issuer signed the first block.
    pub(super) fn check_authority(&self, issuer: &Key) -> Result<(), Strange> {
        self.authority.check(issuer, None)
    }

    /// Whether the others are all that were appended, one after the other.
    pub(super) fn check_narrowed(&self) -> Result<(), Strange> {
        let mut last = &self.authority;
        for link in &self.narrowed {
            link.check(last.next, Some(last.signature))?;
            last = link;
        }
        self.proof.check(last)
    }

    /// What the blocks say, the issuer's first.
    pub(super) fn blocks(&self) -> impl Iterator<Item = Content<'a>> {
        std::iter::once(&self.authority).chain(&self.narrowed).map(|link| link.content)
    }

    /// The issuer's, if nobody appended another.
    pub(super) fn only(&self) -> Option<Content<'a>> {
        self.narrowed.is_empty().then_some(self.authority.content)
    }

    pub(super) fn is_full(&self) -> bool {
        self.narrowed.len() >= MAX_NARROWED
    }

    /// As they stand in the token, each with the number of its field.
    pub(super) fn links(&self) -> impl Iterator<Item = (u64, &'a [u8])> {
        std::iter::once((2, self.authority.whole)).chain(self.narrowed.iter().map(|link| (3, link.whole)))
    }

    /// What another block is signed with, unless the token is sealed.
    pub(super) fn secret(&self) -> Option<&'a [u8]> {
        match self.proof {
            Proof::Secret(secret) => Some(secret),
            Proof::Seal(_) => None,
        }
    }

    pub(super) fn last_signature(&self) -> &'a [u8] {
        self.narrowed.last().unwrap_or(&self.authority).signature
    }

    /// The highest of its signatures, which those after it have at least.
    pub(super) fn version(&self) -> u64 {
        self.narrowed.iter().map(|link| link.version).fold(self.authority.version, u64::max)
    }
}

impl<'a> SignedBlock<'a> {
    fn read(block: WireField<'a>) -> Result<Self, Strange> {
        let (mut data, mut next, mut signature, mut other, mut version) = (None, None, None, None, None);
        for field in block.fields()? {
            match field? {
                (1, field) => once(&mut data, field.bytes()?)?,
                (2, field) => once(&mut next, key(field)?)?,
                (3, field) => once(&mut signature, field.bytes()?)?,
                (4, field) => once(&mut other, field.bytes()?)?,
                (5, field) => once(&mut version, field.number()?)?,
                _ => return Err(Strange),
            }
        }
        let version = version.unwrap_or(0);
        if !VERSIONS.contains(&version) {
            return Err(Strange);
        }
        Ok(Self {
            whole: block.bytes()?,
            content: Content { data: data.ok_or(Strange)?, by_another: other.is_some() },
            next: next.ok_or(Strange)?,
            signature: signature.ok_or(Strange)?,
            version,
        })
    }

    /// `before` is the signature of the block before.
    fn check(&self, key: &Key, before: Option<&[u8]>) -> Result<(), Strange> {
        let signed = payload(self.version, self.content.data, self.next, before);
        verify(key, &signed, self.signature)
    }
}

impl<'a> Proof<'a> {
    fn read(field: WireField<'a>) -> Result<Self, Strange> {
        let mut fields = field.fields()?;
        let proof = match fields.next().ok_or(Strange)?? {
            (1, secret) => Self::Secret(secret.bytes()?),
            (2, seal) => Self::Seal(seal.bytes()?),
            _ => return Err(Strange),
        };
        if fields.next().is_some() { Err(Strange) } else { Ok(proof) }
    }

    fn check(&self, last: &SignedBlock<'_>) -> Result<(), Strange> {
        match self {
            Self::Secret(secret) => {
                let pair = Ed25519KeyPair::from_seed_unchecked(secret).map_err(|_| Strange)?;
                if pair.public_key().as_ref() == last.next { Ok(()) } else { Err(Strange) }
            }
            Self::Seal(seal) => {
                let signed = payload(0, last.content.data, last.next, None);
                verify(last.next, &[&signed, last.signature].concat(), seal)
            }
        }
    }
}

/// What a signature covers, of the block and of what stands beside it; `before` is the signature of the block before.
pub(super) fn payload(version: u64, data: &[u8], next: &[u8], before: Option<&[u8]>) -> Vec<u8> {
    let algorithm = &ED25519.to_le_bytes()[..];
    if version == 0 {
        return [data, algorithm, next].concat();
    }
    let number = u32::try_from(version).unwrap_or(u32::MAX).to_le_bytes();
    let parts: [&[u8]; 8] = [
        b"\0BLOCK\0\0VERSION\0",
        &number,
        b"\0PAYLOAD\0",
        data,
        b"\0ALGORITHM\0",
        algorithm,
        b"\0NEXTKEY\0",
        next,
    ];
    let before = before.map_or([&[][..], &[]], |signature| [b"\0PREVSIG\0", signature]);
    [&parts[..], &before].concat().concat()
}

/// Only keys of Ed25519: what the others cost is another matter.
fn key(field: WireField<'_>) -> Result<&Key, Strange> {
    let (mut algorithm, mut key) = (None, None);
    for field in field.fields()? {
        match field? {
            (1, field) => once(&mut algorithm, field.number()?)?,
            (2, field) => once(&mut key, field.bytes()?)?,
            _ => return Err(Strange),
        }
    }
    if algorithm != Some(u64::from(ED25519)) {
        return Err(Strange);
    }
    key.and_then(|key| key.try_into().ok()).ok_or(Strange)
}

fn verify(key: &Key, signed: &[u8], signature: &[u8]) -> Result<(), Strange> {
    UnparsedPublicKey::new(&signature::ED25519, key).verify(signed, signature).map_err(|_| Strange)
}
