//! Build id: which build of the init this is.
//!
//! The build script of `hauki-node` writes a digest of the finished binary over the zeros below. A binary
//! that was built by hand keeps them, and says `development`: no heap can be moved out of it.

const MARK: &str = "hauki-vault-build:";
static STAMPED: [u8; 50] = *b"hauki-vault-build:00000000000000000000000000000000";

/// The build id as [`hauki_contract::rpc::channel::WorkerReady`] carries it.
#[must_use]
pub(crate) fn id() -> String {
    // The optimiser must not fold the bytes it knows now: the binary is changed after it is built.
    let stamped = std::hint::black_box(&STAMPED);
    match std::str::from_utf8(&stamped[MARK.len()..]) {
        Ok(digits) if digits.bytes().any(|digit| digit != b'0') => digits.to_owned(),
        _ => "development".to_owned(),
    }
}
