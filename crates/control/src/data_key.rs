//! Data encryption key: what users' secrets are sealed with before they are written down, in `<state_dir>/core/data.key`.
//!
//! Each line of the file is a version and its key in hexadecimal. The last one seals, the others open what was sealed
//! before; so a key can be changed, line by line and value by value, and each sealed value says which one it is under. A
//! value is sealed under a key of its own, which follows from the data key and a salt, and is bound to whose it is and what
//! it is called: put in another's place, it does not open.
//!
//! The file is made with the first value, beside its place, synced and renamed. Where it was lost, a new one never has the
//! number of an old one, so that what cannot be opened says why.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use serde::{Deserialize, Serialize};

use hauki_contract::model::secret::Secret;
use hauki_contract::system::private_files::{self, Others, PrivateError};
use hauki_contract::system::random;

/// In the directory of the core.
pub(super) const FILE: &str = "data.key";

const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
/// A line has about seventy.
const MOST_BYTES: u64 = 64 * 1024;
const PURPOSE: &[u8] = b"hauki secret 1";

#[derive(Debug, thiserror::Error)]
pub enum DataKeyError {
    #[error("read the data key: {0}")]
    Private(#[source] PrivateError),
    #[error("write the data key {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("line {line} of the data key {} is no version and key", path.display())]
    Line { path: PathBuf, line: usize },
    #[error("it is sealed with version {version} of the data key, which {} has not", path.display())]
    Version { path: PathBuf, version: u32 },
    #[error("it does not open with the data key that it names")]
    Foreign,
    #[error("seal with the data key")]
    Seal,
}

/// As it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SealedValue {
    pub key_version: u32,
    salt: String,
    sealed: String,
}

/// The keys of one file, the one that seals last.
pub(super) struct DataKeys {
    path: PathBuf,
    keys: Vec<(u32, [u8; KEY_BYTES])>,
}

/// Refuses a file that others can read or write. That there is none is no fault.
pub(super) fn check(path: &Path) -> Result<(), DataKeyError> {
    private_files::check(path, Others::MayNothing).map_err(DataKeyError::Private)
}

impl DataKeys {
    /// As far as there are any.
    pub(super) fn read(path: &Path) -> Result<Self, DataKeyError> {
        let text = match private_files::read(path, MOST_BYTES) {
            Ok(text) => text,
            Err(error) if error.is_absence() => String::new(),
            Err(error) => return Err(DataKeyError::Private(error)),
        };
        let mut keys: Vec<(u32, [u8; KEY_BYTES])> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let key = read_line(line).filter(|(version, _)| keys.iter().all(|(known, _)| known < version));
            keys.push(key.ok_or_else(|| DataKeyError::Line { path: path.to_owned(), line: number + 1 })?);
        }
        Ok(Self { path: path.to_owned(), keys })
    }

    /// The same, and one that seals; it is made if there is none, with a number that nothing was sealed under before.
    pub(super) fn read_or_make(path: &Path, last_used: u32) -> Result<Self, DataKeyError> {
        let mut found = Self::read(path)?;
        if found.keys.is_empty() {
            let mut key = [0; KEY_BYTES];
            fill(&mut key);
            found.keys.push((last_used.saturating_add(1), key));
            found.write().map_err(|source| DataKeyError::Write { path: path.to_owned(), source })?;
        }
        Ok(found)
    }

    /// What is bound to it must be said again when it is opened.
    pub(super) fn seal(&self, value: &Secret, bound: &str) -> Result<SealedValue, DataKeyError> {
        let (version, key) = self.keys.last().ok_or(DataKeyError::Seal)?;
        let mut salt = [0; SALT_BYTES];
        fill(&mut salt);
        let mut text = value.reveal().as_bytes().to_vec();
        let cipher = derived(key, &salt).ok_or(DataKeyError::Seal)?;
        // The key is this value's alone.
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        cipher
            .seal_in_place_append_tag(nonce, Aad::from(bound.as_bytes()), &mut text)
            .map_err(|_| DataKeyError::Seal)?;
        Ok(SealedValue { key_version: *version, salt: BASE64.encode(salt), sealed: BASE64.encode(text) })
    }

    pub(super) fn open(&self, sealed: &SealedValue, bound: &str) -> Result<Secret, DataKeyError> {
        let version = sealed.key_version;
        let key = self.keys.iter().find(|(known, _)| *known == version);
        let (_, key) = key.ok_or_else(|| DataKeyError::Version { path: self.path.clone(), version })?;
        let decoded = |text: &str| BASE64.decode(text).map_err(|_| DataKeyError::Foreign);
        let (salt, mut text) = (decoded(&sealed.salt)?, decoded(&sealed.sealed)?);
        let cipher = derived(key, &salt).filter(|_| salt.len() == SALT_BYTES && text.len() > TAG_BYTES);
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let opened = cipher.ok_or(DataKeyError::Foreign)?;
        let opened = opened.open_in_place(nonce, Aad::from(bound.as_bytes()), &mut text);
        let opened = opened.map_err(|_| DataKeyError::Foreign)?;
        let text = std::str::from_utf8(opened).map_err(|_| DataKeyError::Foreign)?;
        Ok(Secret::new(text.to_owned()))
    }

    fn write(&self) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        let beside = self.path.with_extension("key.new");
        // What a crash left there may have another mode.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
        for (version, key) in &self.keys {
            writeln!(file, "{version} {}", hex(key))?;
        }
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        File::open(directory)?.sync_all()
    }
}

fn derived(key: &[u8; KEY_BYTES], salt: &[u8]) -> Option<LessSafeKey> {
    let purpose = [PURPOSE];
    let all = Salt::new(HKDF_SHA256, salt).extract(key);
    let own = all.expand(&purpose, &CHACHA20_POLY1305).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(own)))
}

fn fill(bytes: &mut [u8; 32]) {
    for half in bytes.chunks_exact_mut(16) {
        half.copy_from_slice(&random::u128().to_le_bytes());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_line(line: &str) -> Option<(u32, [u8; KEY_BYTES])> {
    let (version, digits) = line.split_once(' ')?;
    let mut key = [0; KEY_BYTES];
    if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in key.iter_mut().zip((0..digits.len()).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
    }
    Some((version.parse().ok().filter(|version| *version > 0)?, key))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn value() -> Secret {
        Secret::new("sk-the-value-itself".to_owned())
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_and_in_its_place_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("data.key");
        let keys = DataKeys::read_or_make(&path, 0).expect("makes");
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
        let sealed = keys.seal(&value(), "1000/openai").expect("seals");
        let written = serde_json::to_string(&sealed).expect("is written");
        assert!(!written.contains("the-value") && !written.contains(&BASE64.encode("sk-the-value-itself")));
        assert_ne!(
            keys.seal(&value(), "1000/openai").expect("seals"),
            sealed,
            "the same twice is not seen to be"
        );
        let again = DataKeys::read(&path).expect("reads");
        assert_eq!(again.open(&sealed, "1000/openai").expect("opens"), value());
        for bound in ["1001/openai", "1000/other", ""] {
            assert!(matches!(again.open(&sealed, bound), Err(DataKeyError::Foreign)), "{bound}");
        }
        for spoiled in [
            SealedValue { salt: BASE64.encode([0; 32]), ..sealed.clone() },
            SealedValue { salt: String::new(), ..sealed.clone() },
            SealedValue { sealed: String::new(), ..sealed.clone() },
            SealedValue { sealed: "?".into(), ..sealed.clone() },
        ] {
            assert!(matches!(again.open(&spoiled, "1000/openai"), Err(DataKeyError::Foreign)));
        }
    }

    #[test]
    fn the_last_key_seals_and_the_others_open() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("data.key");
        let sealed = DataKeys::read_or_make(&path, 0).expect("makes").seal(&value(), "a").expect("seals");
        let text = fs::read_to_string(&path).expect("reads") + &format!("2 {}\n", "5e".repeat(32));
        fs::write(&path, text).expect("is ours");
        let both = DataKeys::read_or_make(&path, 9).expect("reads");
        assert_eq!(both.open(&sealed, "a").expect("opens"), value());
        assert_eq!((sealed.key_version, both.seal(&value(), "a").expect("seals").key_version), (1, 2));
        // Lost: another one has another number, and what it cannot open says which it needs.
        fs::remove_file(&path).expect("is ours");
        let lost = DataKeys::read_or_make(&path, 2).expect("makes");
        assert_eq!(lost.seal(&value(), "a").expect("seals").key_version, 3);
        assert!(matches!(lost.open(&sealed, "a"), Err(DataKeyError::Version { version: 1, .. })));
    }

    #[test]
    fn a_file_that_is_spoiled_or_laid_open_is_refused_and_not_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("data.key");
        let (key, other) = ("5e".repeat(32), "5f".repeat(32));
        for wrong in [
            "no key".to_owned(),
            format!("0 {key}"),
            format!("2 {key}\n1 {other}"),
            format!("1 {key}0"),
            "\n".into(),
        ] {
            fs::write(&path, &wrong).expect("is ours");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("is ours");
            assert!(matches!(DataKeys::read_or_make(&path, 0), Err(DataKeyError::Line { .. })), "{wrong}");
            assert_eq!(fs::read_to_string(&path).expect("reads"), wrong);
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("is ours");
        assert!(matches!(check(&path), Err(DataKeyError::Private(_))));
        assert!(matches!(DataKeys::read(&path), Err(DataKeyError::Private(_))));
    }
}
