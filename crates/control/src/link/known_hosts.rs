//! Host key verification: which host keys are believed. Fails closed: an unknown key is as good as a wrong one.
//!
//! Asked in this order: the core's own file, in which `hauki node add` writes what its user
//! confirmed, then the files that `ssh` itself reads. A key that differs from a known one is refused
//! whatever any other file says.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ssh2::{CheckResult, HashType, HostKeyType, KnownHostFileKind, KnownHostKeyFormat, Session};

use hauki_contract::model::ssh::SshAddress;
use hauki_contract::system::private_files::{self, Others, PrivateError};

#[derive(Debug, Clone)]
pub struct KnownHosts {
    own: PathBuf,
    others: Vec<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum HostKeyError {
    #[error("the server showed no host key")]
    Absent,
    #[error("its host key {fingerprint} is not known")]
    Unknown { fingerprint: String },
    #[error("its host key {fingerprint} is not the one in {}", file.display())]
    Changed { fingerprint: String, file: PathBuf },
    #[error("its host key is {fingerprint}, not {wanted}")]
    NotWanted { fingerprint: String, wanted: String },
    #[error("the core's list of host keys: {0}")]
    Private(PrivateError),
    #[error("read {}", file.display())]
    Read { file: PathBuf, source: ssh2::Error },
    #[error("write {}", file.display())]
    Write { file: PathBuf, source: io::Error },
}

/// As `ssh-keygen -l` shows it.
#[must_use]
pub fn fingerprint(session: &Session) -> Option<String> {
    let hash = session.host_key_hash(HashType::Sha256)?;
    Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(hash)))
}

impl KnownHosts {
    #[must_use]
    pub fn new(own: PathBuf, others: Vec<PathBuf>) -> Self {
        Self { own, others }
    }

    /// The core's file, root's or the daemon's user's, and the machine's.
    #[must_use]
    pub fn usual(own: PathBuf) -> Self {
        let home = std::env::home_dir().map(|home| home.join(".ssh/known_hosts"));
        Self::new(own, home.into_iter().chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]).collect())
    }

    /// The fingerprint, if the key is known, or if it is the one that was `wanted`.
    pub fn check(
        &self,
        session: &Session,
        address: &SshAddress,
        wanted: Option<&str>,
    ) -> Result<String, HostKeyError> {
        let (key, _) = session.host_key().ok_or(HostKeyError::Absent)?;
        let fingerprint = fingerprint(session).ok_or(HostKeyError::Absent)?;
        // Who can write there says whom we believe.
        private_files::check(&self.own, Others::MayRead).map_err(HostKeyError::Private)?;
        let mut known = false;
        for file in std::iter::once(&self.own).chain(&self.others).filter(|file| file.exists()) {
            let read = |source| HostKeyError::Read { file: file.clone(), source };
            let mut hosts = session.known_hosts().map_err(read)?;
            hosts.read_file(file, KnownHostFileKind::OpenSSH).map_err(read)?;
            match hosts.check_port(&address.host, address.port, key) {
                CheckResult::Match => known = true,
                CheckResult::NotFound => {}
                CheckResult::Mismatch | CheckResult::Failure => {
                    return Err(HostKeyError::Changed { fingerprint, file: file.clone() });
                }
            }
        }
        match wanted {
            Some(wanted) if wanted != fingerprint => {
                Err(HostKeyError::NotWanted { fingerprint, wanted: wanted.to_owned() })
            }
            None if !known => Err(HostKeyError::Unknown { fingerprint }),
            Some(_) if !known => {
                self.remember(session, address)?;
                Ok(fingerprint)
            }
            _ => Ok(fingerprint),
        }
    }

    /// Appends the session's key to the core's own file.
    fn remember(&self, session: &Session, address: &SshAddress) -> Result<(), HostKeyError> {
        let (key, kind) = session.host_key().ok_or(HostKeyError::Absent)?;
        let Some(word) = key_word(kind) else { return Err(HostKeyError::Absent) };
        let host = match address.port {
            22 => address.host.clone(),
            port => format!("[{}]:{port}", address.host),
        };
        let line = format!("{host} {word} {}\n", base64::engine::general_purpose::STANDARD.encode(key));
        append(&self.own, &line).map_err(|source| HostKeyError::Write { file: self.own.clone(), source })
    }
}

fn key_word(kind: HostKeyType) -> Option<&'static str> {
    match KnownHostKeyFormat::from(kind) {
        KnownHostKeyFormat::SshRsa => Some("ssh-rsa"),
        KnownHostKeyFormat::Ed25519 => Some("ssh-ed25519"),
        KnownHostKeyFormat::Ecdsa256 => Some("ecdsa-sha2-nistp256"),
        KnownHostKeyFormat::Ecdsa384 => Some("ecdsa-sha2-nistp384"),
        KnownHostKeyFormat::Ecdsa521 => Some("ecdsa-sha2-nistp521"),
        _ => None,
    }
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}
