//! Host key verification: which host keys are believed. Fails closed: an unknown key is as good as a wrong one.
//!
//! Asked in this order: the core's own file, in which `hauki node add` writes what its user
//! confirmed, then the files that `ssh` itself reads. A key that differs from a known one is refused
//! whatever any other file says, and a revoked one whatever a person says.
//!
//! The files are read here and given to libssh2 line by line: it knows no markers, and one line that it
//! cannot read would end all. In a file that others write, such a line is passed over, as `ssh` does.
//!
//! The core's own is written beside its place, synced and renamed, under a lock that a second core would take as well, so
//! a crash or a full disk leaves the list as it was. A line of it that breaks off is a fault, not a line less: nobody knows
//! what it was to say.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use ssh2::{CheckResult, HashType, HostKeyType, KnownHostFileKind, KnownHostKeyFormat, Session};

use hauki_contract::model::error_chain;
use hauki_contract::model::ssh::SshAddress;
use hauki_contract::system::private_files::{self, Others, PrivateError};
use hauki_contract::system::{clock, rlimit};

/// Some hundred thousand hosts. A link's thread reads it at each connection.
const MOST_BYTES: usize = 16 << 20;
/// Whoever has the lock writes one short file.
const LOCKED: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

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
    #[error("its host key {fingerprint} is revoked by {}", file.display())]
    Revoked { fingerprint: String, file: PathBuf },
    #[error("its host key is {fingerprint}, not {wanted}")]
    NotWanted { fingerprint: String, wanted: String },
    #[error("the core's list of host keys: {0}")]
    Private(PrivateError),
    #[error("read {}", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("read line {number} of {}", file.display())]
    Line { file: PathBuf, number: usize, source: ssh2::Error },
    #[error("line {number} of {} breaks off", file.display())]
    Torn { file: PathBuf, number: usize },
    #[error("keep a list of host keys")]
    List(#[source] ssh2::Error),
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
        let word = STANDARD_NO_PAD.encode(key);
        let (mut known, mut changed) = (false, None);
        for file in std::iter::once(&self.own).chain(&self.others) {
            let Some(list) = HostList::read(file, *file == self.own)? else { continue };
            if list.revokes(&word) {
                return Err(HostKeyError::Revoked { fingerprint, file: file.clone() });
            }
            match list.hosts(session)?.check_port(&address.host, address.port, key) {
                CheckResult::Match => known = true,
                CheckResult::NotFound => {}
                CheckResult::Mismatch | CheckResult::Failure => changed = changed.or(Some(file)),
            }
        }
        if let Some(file) = changed {
            return Err(HostKeyError::Changed { fingerprint, file: file.clone() });
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

    /// Adds the session's key to the core's own file.
    fn remember(&self, session: &Session, address: &SshAddress) -> Result<(), HostKeyError> {
        let (key, kind) = session.host_key().ok_or(HostKeyError::Absent)?;
        let Some(word) = key_word(kind) else { return Err(HostKeyError::Absent) };
        let host = match address.port {
            22 => address.host.clone(),
            port => format!("[{}]:{port}", address.host),
        };
        let line = format!("{host} {word} {}\n", STANDARD.encode(key));
        add(&self.own, &line).map_err(|source| HostKeyError::Write { file: self.own.clone(), source })
    }
}

/// One file's lines.
struct HostList<'a> {
    file: &'a Path,
    own: bool,
    bytes: Vec<u8>,
}

impl<'a> HostList<'a> {
    /// `None`: it is not there, or not to be had by anybody. What `ssh` would have heard, a revocation
    /// perhaps, and we cannot, is an error.
    fn read(path: &'a Path, own: bool) -> Result<Option<Self>, HostKeyError> {
        let failed = |source| HostKeyError::Read { file: path.to_owned(), source };
        let file = match open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if own => return Err(failed(error)),
            Err(error) => {
                tracing::warn!(file = %path.display(), error = error_chain::told(&error), "a list of host keys is passed over");
                return Ok(None);
            }
        };
        let bytes = rlimit::read_from(file, MOST_BYTES).map_err(failed)?;
        Ok(Some(Self { file: path, own, bytes }))
    }

    /// Without what an editor of another system leaves at their ends.
    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The number of the last line, if it has no end and is none as it is.
    fn torn(&self) -> Option<usize> {
        let (number, last) = (1..).zip(self.lines()).last()?;
        let is_blank = words(last).next().is_none_or(|word| word.starts_with(b"#"));
        (!is_blank && !is_whole(last)).then_some(number)
    }

    fn revokes(&self, key: &str) -> bool {
        self.lines().any(|line| revokes(line, key))
    }

    fn hosts(&self, session: &Session) -> Result<ssh2::KnownHosts, HostKeyError> {
        let mut hosts = session.known_hosts().map_err(HostKeyError::List)?;
        if let Some(number) = self.torn().filter(|_| self.own) {
            return Err(HostKeyError::Torn { file: self.file.to_owned(), number });
        }
        let mut refused = Vec::new();
        for (number, line) in (1..).zip(self.lines()).filter(|(_, line)| !is_marked(line)) {
            match hosts.read_str(&String::from_utf8_lossy(line), KnownHostFileKind::OpenSSH) {
                Ok(()) => {}
                Err(source) if self.own => {
                    return Err(HostKeyError::Line { file: self.file.to_owned(), number, source });
                }
                Err(error) => refused.push((number, error)),
            }
        }
        if let Some((line, error)) = refused.first() {
            let (file, lines) = (self.file.display(), refused.len());
            tracing::warn!(%file, lines, first = line, error = error_chain::told(&error), "lines that say nothing are passed over");
        }
        Ok(hosts)
    }
}

/// Without NONBLOCK, opening a pipe would wait for its writer.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty())
}

/// `@cert-authority` among them: we ask for no certificates.
fn is_marked(line: &[u8]) -> bool {
    words(line).next().is_some_and(|word| word.starts_with(b"@"))
}

/// For whatever hosts: who has a key's private half under one name can show it under another.
fn revokes(line: &[u8], key: &str) -> bool {
    let mut words = words(line);
    let is_key = |word: &[u8]| {
        word.strip_prefix(key.as_bytes()).is_some_and(|rest| rest.iter().all(|byte| *byte == b'='))
    };
    words.next() == Some(b"@revoked") && words.any(is_key)
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

/// Whether it has a host and a key to its last byte. What comes behind that is a comment.
fn is_whole(line: &[u8]) -> bool {
    let mut words = words(line).skip(usize::from(is_marked(line))).skip(1);
    let (Some(kind), Some(key)) = (words.next(), words.next()) else { return false };
    let Ok(blob) = STANDARD.decode(key) else { return false };
    let (mut rest, mut parts) = (blob.as_slice(), Vec::new());
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((part, after)) = after.split_at_checked(length) else { return false };
        parts.push(part);
        rest = after;
    }
    let least = if kind == b"ssh-ed25519" { 2 } else { 3 };
    rest.is_empty() && parts.len() >= least && parts.first() == Some(&kind)
}

/// As a whole or not at all, whoever else adds something.
fn add(path: &Path, line: &str) -> io::Result<()> {
    // A link that somebody made stays one.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let _held = lock(&path.with_extension("lock"))?;
    let mut bytes = match open(&path) {
        Ok(file) => rlimit::read_from(file, MOST_BYTES)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(line.as_bytes());
    let beside = path.with_extension("new");
    // What a crash left there may have another mode.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
    let written = file.write_all(&bytes).and_then(|()| file.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&beside, &path)) {
        // A full disk has no room for what is of no use.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// A file of its own, because the list is another one each time. It stays, so that all lock the same.
fn lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(0o600).open(path)?;
    let until = clock::mono().plus_ms(LOCKED.as_secs() * 1000);
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::AGAIN) if clock::mono() < until => thread::sleep(LOOK_AGAIN),
            Err(Errno::AGAIN) => return Err(io::Error::other("another core is writing it")),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_a_line_s_first_word_and_a_key_a_whole_one() {
        for (line, is_revoked) in [
            ("@revoked * ssh-ed25519 AAAAkey", true),
            ("  @revoked\t|1|salt|hash  ssh-ed25519\tAAAAkey== a comment", true),
            ("@revoked * ssh-ed25519 AAAAkey2", false),
            ("@revoked * ssh-ed25519 AAAAke", false),
            ("@cert-authority * ssh-ed25519 AAAAkey", false),
            ("#@revoked * ssh-ed25519 AAAAkey", false),
            ("@revokedx * ssh-ed25519 AAAAkey", false),
            ("host ssh-ed25519 AAAAkey @revoked", false),
            ("@revoked", false),
            ("", false),
        ] {
            assert_eq!(revokes(line.as_bytes(), "AAAAkey"), is_revoked, "{line}");
            assert_eq!(is_marked(line.as_bytes()), line.trim_start().starts_with('@'), "{line}");
        }
    }

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC";

    #[test]
    fn a_line_that_breaks_off_is_told_wherever_it_does() {
        let line = format!("[127.0.0.1]:22 ssh-ed25519 {KEY}");
        let list = |text: &str| HostList { file: Path::new("hosts"), own: true, bytes: text.into() };
        for whole in ["", "\n", "# nothing", "#", " ", "a line that libssh2 refuses\n"] {
            assert_eq!(list(whole).torn(), None, "{whole:?}");
        }
        for before in ["", "first ssh-ed25519 AAAA\n\n"] {
            let number = 1 + before.matches('\n').count();
            for marker in ["", "@revoked "] {
                let line = format!("{marker}{line}");
                for end in 1..line.len() {
                    let torn = list(&format!("{before}{}", &line[..end])).torn();
                    assert_eq!(torn, Some(number), "{}", &line[..end]);
                }
                for rest in ["", " a comment", "\n", "\r\n"] {
                    assert_eq!(list(&format!("{before}{line}{rest}")).torn(), None, "{rest:?}");
                }
            }
        }
    }

    #[test]
    fn many_add_to_the_list_and_each_line_is_there_as_a_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("known_hosts");
        fs::write(&path, "an editor left no end").expect("writes");
        fs::write(path.with_extension("new"), "half of a").expect("a crash did");
        let line = |number: usize| format!("host-{number} ssh-ed25519 {KEY}\n");
        std::thread::scope(|scope| {
            for number in 0..16 {
                let path = &path;
                scope.spawn(move || add(path, &line(number)).expect("adds"));
            }
        });
        let text = fs::read_to_string(&path).expect("is there");
        assert!(text.starts_with("an editor left no end\n"));
        assert_eq!(text.lines().count(), 17);
        assert!((0..16).all(|number| text.contains(&line(number))));
        assert!(!path.with_extension("new").exists());
    }

    #[test]
    fn a_list_that_cannot_be_written_stays_as_it_was() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("known_hosts");
        add(&path, "a first line\n").expect("adds");
        // What stands in the new one's place is no file of ours.
        fs::create_dir(path.with_extension("new")).expect("is made");
        add(&path, "a second line\n").expect_err("has no place");
        assert_eq!(fs::read_to_string(&path).expect("is there"), "a first line\n");
    }
}
