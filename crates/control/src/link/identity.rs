//! SSH client key: the core's own, in `<state_dir>/core/ssh_ed25519`.
//!
//! A daemon that starts again at night has no agent and nobody to ask for a password, so a node that
//! was added with either of them lets this key in from then on. Made when it is first needed, in
//! OpenSSH's own format and without a passphrase, readable by its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use hauki_contract::system::private_files::{self, Others, PrivateError};
use hauki_contract::system::random;

const KIND: &[u8] = b"ssh-ed25519";
const COMMENT: &str = "hauki-core";

#[derive(Debug, thiserror::Error)]
pub enum SshIdentityError {
    #[error("write the core's SSH key {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("read the core's SSH key {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("use the core's SSH key")]
    Private(#[from] PrivateError),
    #[error("make an SSH key")]
    Make,
}

/// The line for `authorized_keys`; the key is made if there is none yet.
pub fn load_or_make(path: &Path) -> Result<String, SshIdentityError> {
    let public = path.with_extension("pub");
    if path.exists() {
        private_files::check(path, Others::MayNothing)?;
        private_files::check(&public, Others::MayRead)?;
        return match fs::read_to_string(&public) {
            Ok(line) => Ok(line.trim().to_owned()),
            Err(source) => Err(SshIdentityError::Read { path: public, source }),
        };
    }
    let seed = [random::u128().to_le_bytes(), random::u128().to_le_bytes()].concat();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| SshIdentityError::Make)?;
    let line = format!("ssh-ed25519 {} {COMMENT}", STANDARD.encode(public_blob(pair.public_key().as_ref())));
    let text = private_text(&seed, pair.public_key().as_ref());
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| SshIdentityError::Write { path, source }
    };
    // The public half first: whoever finds the private one finds both.
    write(&public, &format!("{line}\n")).map_err(failed(&public))?;
    write(path, &text).map_err(failed(path))?;
    Ok(line)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// A string of the SSH protocol: its length, then its bytes.
fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn public_blob(public: &[u8]) -> Vec<u8> {
    let mut blob = Vec::new();
    string(&mut blob, KIND);
    string(&mut blob, public);
    blob
}

/// `openssh-key-v1` without a cipher, as PROTOCOL.key of OpenSSH describes it.
fn private_text(seed: &[u8], public: &[u8]) -> String {
    let mut secret = Vec::new();
    let check = random::u64().to_be_bytes();
    secret.extend_from_slice(&check[..4]);
    secret.extend_from_slice(&check[..4]);
    string(&mut secret, KIND);
    string(&mut secret, public);
    string(&mut secret, &[seed, public].concat());
    string(&mut secret, COMMENT.as_bytes());
    for padding in 1.. {
        if secret.len().is_multiple_of(8) {
            break;
        }
        secret.push(padding);
    }
    let mut whole = b"openssh-key-v1\0".to_vec();
    for word in [b"none".as_slice(), b"none", b""] {
        string(&mut whole, word);
    }
    whole.extend_from_slice(&1_u32.to_be_bytes());
    string(&mut whole, &public_blob(public));
    string(&mut whole, &secret);
    let mut text = "-----BEGIN OPENSSH PRIVATE KEY-----\n".to_owned();
    let body = STANDARD.encode(whole);
    for start in (0..body.len()).step_by(70) {
        text.push_str(&body[start..body.len().min(start + 70)]);
        text.push('\n');
    }
    text + "-----END OPENSSH PRIVATE KEY-----\n"
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn openssh_reads_the_key_that_we_make() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("ssh_ed25519");
        let line = load_or_make(&path).expect("makes");
        assert_eq!(load_or_make(&path).expect("finds"), line, "it is made once");
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
        for (file, mode) in [(path.clone(), 0o640), (path.with_extension("pub"), 0o666)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("is ours");
            assert!(matches!(load_or_make(&path), Err(SshIdentityError::Private(_))), "{mode:o}");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("is ours");
        }
        let derived = Command::new("ssh-keygen").arg("-y").arg("-f").arg(&path).output().expect("runs");
        let derived = String::from_utf8(derived.stdout).expect("is text");
        let words =
            |text: &str| text.split(' ').take(2).map(|word| word.trim().to_owned()).collect::<Vec<_>>();
        assert_eq!(words(&derived), words(&line));
    }
}
