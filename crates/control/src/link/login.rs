//! SSH login: from an address to an authenticated SSH session, step by step, each with its own failure.
//!
//! Blocking, with bounds for each step that neither the server nor the agent can stretch; it runs on a thread of its own.
//! A session leaves here blocking still: its owner decides once how it is to be used and never changes it.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::sockopt;
use ssh2::{KeyboardInteractivePrompt, MethodType, Prompt, Session};

use super::agent::{self, AGENT};
use super::known_hosts::{HostKeyError, KnownHosts};
use super::step_bounds::{self, Overstep, StepBounds};
use hauki_contract::api::node_error::{NodeError, NodeFault};
use hauki_contract::model::error_chain;
use hauki_contract::model::secret::Secret;
use hauki_contract::model::ssh::SshAddress;
use hauki_contract::system::private_files::{self, PrivateError};

const CONNECT: Duration = Duration::from_secs(5);
/// Of a name that has more, the first ones are tried.
const MOST_PLACES: usize = 8;
/// For the handshake and for each way to log in.
const STEP: StepBounds = StepBounds { time: Duration::from_secs(10), bytes: 1024 * 1024 };
/// The same for all keys of an agent: what the server waits for is not the server's fault.
const AGENT_STEP: StepBounds = StepBounds { time: STEP.time.saturating_add(AGENT), ..STEP };
const STEP_MS: u32 = 10_000;
/// A key of 16,384 bits has 13 KiB.
const MOST_KEY: u64 = 64 * 1024;
/// How long the peer's kernel may leave bytes unacknowledged.
const UNACKNOWLEDGED_MS: u32 = 6_000;

/// The first knows best what a client of today stores; the others only where that is not the key
/// that we know.
const HOST_KEYS: [&str; 3] = [
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256",
    "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521",
    "rsa-sha2-512,rsa-sha2-256",
];

/// What a person adds to one login.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    pub password: Option<Secret>,
    /// The fingerprint that was confirmed.
    pub host_key: Option<String>,
}

/// How to get in without a person.
#[derive(Debug, Clone)]
pub struct LoginKeys {
    /// Of this node alone.
    pub file: Option<PathBuf>,
    /// The core's own; it need not exist.
    pub own: PathBuf,
    pub hosts: KnownHosts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Key,
    OwnKey,
    Agent,
    Password,
}

pub struct Entered {
    pub session: Session,
    /// The same connection, to shut it down and to wait on.
    pub stream: TcpStream,
    pub fingerprint: String,
    pub way: Way,
}

#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("look up {host}")]
    Resolve { host: String, source: io::Error },
    #[error("connect to {address}")]
    Connect { address: SshAddress, source: io::Error },
    #[error("speak SSH with {address}")]
    Handshake { address: SshAddress, source: ssh2::Error },
    #[error("{step} {address}")]
    Overstep { step: &'static str, address: SshAddress, source: Overstep },
    #[error("log in to {address} by the core's SSH key")]
    Laid { address: SshAddress, source: PrivateError },
    #[error("trust {address}: {source}")]
    HostKey { address: SshAddress, source: HostKeyError },
    #[error("log in to {address}: refused ({})", tried.join("; "))]
    Refused { address: SshAddress, tried: Vec<String> },
}

impl LoginError {
    fn fault(&self) -> NodeFault {
        match self {
            Self::HostKey { .. } | Self::Refused { .. } | Self::Laid { .. } => NodeFault::Barred,
            Self::Resolve { .. } | Self::Connect { .. } | Self::Handshake { .. } | Self::Overstep { .. } => {
                NodeFault::Silent
            }
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Resolve { host, .. } => format!("is {host} spelt right, and known to the core's machine?"),
            Self::Connect { .. } | Self::Handshake { .. } => {
                "is the machine up, and does sshd listen at that port?".into()
            }
            Self::Overstep { .. } => "is that an SSH server, and nothing else at that port?".into(),
            Self::Laid { source, .. } | Self::HostKey { source: HostKeyError::Private(source), .. } => {
                let command = source.command().unwrap_or_default();
                format!("if nobody else has had it: `{command}`; else take it away and add the nodes again")
            }
            Self::HostKey { source: HostKeyError::Changed { file, .. }, .. } => format!(
                "somebody may be in between; if the machine was set up anew, take its line out of {} \
                 and add the node again",
                file.display()
            ),
            Self::HostKey { source: HostKeyError::Revoked { file, .. }, .. } => format!(
                "whoever has that key can pass for the node: make it a new one there; if it was revoked by mistake, \
                 take its @revoked line out of {}",
                file.display()
            ),
            Self::HostKey {
                source: HostKeyError::Line { file, .. } | HostKeyError::Torn { file, .. },
                ..
            } => {
                format!("mend that line of {}, or take it out and add its node again", file.display())
            }
            Self::HostKey { source: HostKeyError::Read { file, .. }, .. } => {
                format!("make {} readable to the core, or shorter, or take it away", file.display())
            }
            Self::HostKey { .. } => {
                "compare it with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the node, then: \
                 hauki node add ... --host-key SHA256:..."
                    .into()
            }
            Self::Refused { .. } => {
                "give a key with --key, run ssh-agent, or run `hauki node add` on a terminal, which asks \
                 for a password"
                    .into()
            }
        }
    }
}

impl From<LoginError> for NodeError {
    fn from(error: LoginError) -> Self {
        Self::new(error.fault(), error_chain::told(&error)).hint(error.hint())
    }
}

pub fn login(address: &SshAddress, keys: &LoginKeys, secrets: &Secrets) -> Result<Entered, LoginError> {
    let mut changed = None;
    for preferred in HOST_KEYS {
        let (session, stream) = match shake_hands(address, preferred) {
            Ok(both) => both,
            // The server has no key of that kind.
            Err(LoginError::Handshake { .. }) if changed.is_some() => continue,
            Err(error) => return Err(changed.unwrap_or(error)),
        };
        match keys.hosts.check(&session, address, secrets.host_key.as_deref()) {
            Ok(fingerprint) => {
                let way = authenticate(&session, address, keys, secrets)?;
                return Ok(Entered { session, stream, fingerprint, way });
            }
            // Perhaps another of the server's keys is the one that is known.
            Err(source @ HostKeyError::Changed { .. }) => {
                changed.get_or_insert(LoginError::HostKey { address: address.clone(), source });
            }
            Err(source) => return Err(LoginError::HostKey { address: address.clone(), source }),
        }
    }
    Err(changed.unwrap_or_else(|| LoginError::Refused { address: address.clone(), tried: Vec::new() }))
}

fn shake_hands(address: &SshAddress, preferred: &str) -> Result<(Session, TcpStream), LoginError> {
    let stream = connect(address)?;
    let failed = |source| LoginError::Handshake { address: address.clone(), source };
    let unusable = |source| LoginError::Connect { address: address.clone(), source };
    let mut session = step_bounds::session().map_err(failed)?;
    session.set_timeout(STEP_MS);
    session.method_pref(MethodType::HostKey, preferred).map_err(failed)?;
    session.set_tcp_stream(stream.try_clone().map_err(unusable)?);
    let shaken = STEP.hold(|| session.handshake());
    let overstep = |source| LoginError::Overstep { step: "speak SSH with", address: address.clone(), source };
    shaken.map_err(overstep)?.map_err(failed)?;
    Ok((session, stream))
}

fn connect(address: &SshAddress) -> Result<TcpStream, LoginError> {
    let found = (address.host.as_str(), address.port).to_socket_addrs();
    let found = found.map_err(|source| LoginError::Resolve { host: address.host.clone(), source })?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for place in found.take(MOST_PLACES) {
        match TcpStream::connect_timeout(&place, CONNECT) {
            Ok(stream) => {
                // Without these it works as well, only slower and for longer.
                let _ = stream.set_nodelay(true);
                let _ = sockopt::set_tcp_user_timeout(&stream, UNACKNOWLEDGED_MS);
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(LoginError::Connect { address: address.clone(), source: last })
}

fn authenticate(
    session: &Session,
    address: &SshAddress,
    keys: &LoginKeys,
    secrets: &Secrets,
) -> Result<Way, LoginError> {
    let user = address.user.as_str();
    let mut attempts = Attempts { session, address, tried: Vec::new() };
    // The core's own first: a node that was added once lets it in, and a server counts the tries.
    match private_files::read(&keys.own, MOST_KEY) {
        Ok(text) if attempts.key("the core's key", &text)? => return Ok(Way::OwnKey),
        Ok(_) => {}
        Err(error) if error.is_absence() => {}
        Err(source) => return Err(LoginError::Laid { address: address.clone(), source }),
    }
    if let Some(path) = &keys.file
        && attempts.file(path)?
    {
        return Ok(Way::Key);
    }
    if let Some(socket) = std::env::var_os("SSH_AUTH_SOCK") {
        let directory = keys.own.parent().unwrap_or(Path::new("/tmp"));
        let lets_in = || agent::lets_in(session, user, Path::new(&socket), directory);
        match attempts.within(AGENT_STEP, lets_in)? {
            Ok(true) => return Ok(Way::Agent),
            Ok(false) => {}
            Err(error) => attempts.tried.push(format!("agent: {error}")),
        }
    }
    if keys.file.is_none() {
        for path in usual_keys() {
            if attempts.file(&path)? {
                return Ok(Way::Key);
            }
        }
    }
    if let Some(password) = &secrets.password
        && (attempts.way("password", || session.userauth_password(user, password.reveal()))?
            || attempts
                .way("questions", || session.userauth_keyboard_interactive(user, &mut Answers(password)))?)
    {
        return Ok(Way::Password);
    }
    let mut tried = attempts.tried;
    if tried.is_empty() {
        tried.push("there is no key, no agent and no password".into());
    }
    Err(LoginError::Refused { address: address.clone(), tried })
}

/// One way in after the other. A server that oversteps its bounds is not asked again.
struct Attempts<'a> {
    session: &'a Session,
    address: &'a SshAddress,
    tried: Vec<String>,
}

impl Attempts<'_> {
    fn within<T, E>(
        &self,
        bounds: StepBounds,
        way: impl FnOnce() -> Result<T, E>,
    ) -> Result<Result<T, E>, LoginError> {
        let overstep =
            |source| LoginError::Overstep { step: "log in to", address: self.address.clone(), source };
        bounds.hold(way).map_err(overstep)
    }

    fn way(&mut self, what: &str, way: impl FnOnce() -> Result<(), ssh2::Error>) -> Result<bool, LoginError> {
        let tried = self.within(STEP, way)?;
        if let Err(error) = &tried {
            self.tried.push(format!("{what}: {}", error.message()));
        }
        Ok(tried.is_ok())
    }

    fn key(&mut self, what: &str, text: &str) -> Result<bool, LoginError> {
        let (session, user) = (self.session, self.address.user.as_str());
        self.way(what, || session.userauth_pubkey_memory(user, None, text, None))
    }

    /// Read by us: what stands at a path that somebody named may have no end, or nobody at its other one.
    fn file(&mut self, path: &Path) -> Result<bool, LoginError> {
        let what = format!("key {}", path.display());
        match private_files::read_named(path, MOST_KEY) {
            Ok(text) => self.key(&what, &text),
            Err(error) => {
                self.tried.push(format!("{what}: {}", error_chain::told(&error)));
                Ok(false)
            }
        }
    }
}

fn usual_keys() -> Vec<PathBuf> {
    let Some(home) = std::env::home_dir() else { return Vec::new() };
    let names = ["id_ed25519", "id_ecdsa", "id_rsa"];
    names.map(|name| home.join(".ssh").join(name)).into_iter().filter(|path| path.exists()).collect()
}

/// The password to every question that is not to be echoed.
struct Answers<'a>(&'a Secret);

impl KeyboardInteractivePrompt for Answers<'_> {
    fn prompt<'b>(&mut self, _: &str, _: &str, prompts: &[Prompt<'b>]) -> Vec<String> {
        let answer = |prompt: &Prompt<'_>| match prompt.echo {
            true => String::new(),
            false => self.0.reveal().to_owned(),
        };
        prompts.iter().map(answer).collect()
    }
}
