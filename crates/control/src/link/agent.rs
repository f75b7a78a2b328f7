//! SSH agent: the keys of `SSH_AUTH_SOCK`, tried one by one, within a time that the agent cannot stretch.
//!
//! libssh2 connects to an agent and waits for it without any deadline, on a descriptor that it shows to nobody. So it
//! gets a socket of ours, and a thread carries the bytes between the two until the time is over. A crash in between
//! leaves an empty directory beside the core's key.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use ssh2::Session;

use hauki_contract::model::lease::Mono;
use hauki_contract::system::{clock, random};

/// For all that it does in one login: somebody may have to touch something.
pub(super) const AGENT: Duration = Duration::from_secs(20);
/// libssh2 takes messages of eight KiB.
const MOST_BYTES: usize = 1024 * 1024;
const CHUNK: usize = 8 * 1024;
const STACK: usize = 128 * 1024;

#[derive(Debug, thiserror::Error)]
pub(super) enum AgentError {
    #[error("connect to it: {0}")]
    Connect(io::Error),
    #[error("make a socket for it: {0}")]
    Socket(io::Error),
    #[error("{}", .0.message())]
    Refused(#[from] ssh2::Error),
    #[error("{0}")]
    Endless(Overrun),
}

/// Why nothing is carried any more, although both ends are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Overrun {
    #[error("it has not answered within {} s", AGENT.as_secs())]
    Late,
    #[error("it says too much")]
    Flood,
}

/// Whether one of its keys lets in; `false` also if it has none. The directory is for a moment only.
pub(super) fn lets_in(
    session: &Session,
    user: &str,
    socket: &Path,
    directory: &Path,
) -> Result<bool, AgentError> {
    let until = clock::mono().plus_ms(u64::try_from(AGENT.as_millis()).unwrap_or(0));
    let theirs = connect(socket).map_err(AgentError::Connect)?;
    let mut agent = session.agent()?;
    let ours = {
        let meeting = Meeting::new(directory).map_err(AgentError::Socket)?;
        agent.set_identity_path(&meeting.path)?;
        // It waits in the queue of the listener, so this does not block.
        agent.connect()?;
        meeting.listener.accept().map_err(AgentError::Socket)?.0
    };
    thread::scope(|scope| {
        let carrier = thread::Builder::new().name("ssh-agent".into()).stack_size(STACK);
        let carrier =
            carrier.spawn_scoped(scope, move || carry(ours, theirs, until)).map_err(AgentError::Socket)?;
        let tried = try_each(&mut agent, user);
        // The carrier ends with its last listener.
        drop(agent);
        match (tried, carrier.join()) {
            (Err(_), Ok(Some(ended))) => Err(AgentError::Endless(ended)),
            (tried, _) => Ok(tried?),
        }
    })
}

fn try_each(agent: &mut ssh2::Agent, user: &str) -> Result<bool, ssh2::Error> {
    agent.list_identities()?;
    let mut last = None;
    for identity in agent.identities()? {
        match agent.userauth(user, &identity) {
            Ok(()) => return Ok(true),
            Err(error) => last = Some(error),
        }
    }
    last.map_or(Ok(false), Err)
}

/// Never waits: one that accepts nobody has a full queue sooner or later.
fn connect(path: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    let socket = UnixStream::from(socket);
    socket.set_nonblocking(false)?;
    Ok(socket)
}

/// A socket that nobody else can reach, where libssh2 and we meet.
struct Meeting {
    listener: UnixListener,
    path: PathBuf,
    directory: PathBuf,
    /// A short name for it, because a socket's path has room for 107 bytes.
    _short: fs::File,
}

impl Meeting {
    fn new(beside: &Path) -> io::Result<Self> {
        let directory = beside.join(format!("agent-{:016x}", random::u64()));
        fs::DirBuilder::new().mode(0o700).create(&directory)?;
        let made = fs::File::open(&directory).and_then(|short| {
            let path = PathBuf::from(format!("/proc/self/fd/{}/socket", short.as_raw_fd()));
            Ok((UnixListener::bind(&path)?, path, short))
        });
        match made {
            Ok((listener, path, short)) => Ok(Self { listener, path, directory, _short: short }),
            Err(error) => {
                let _ = fs::remove_dir(&directory);
                Err(error)
            }
        }
    }
}

impl Drop for Meeting {
    fn drop(&mut self) {
        // Left behind they are in nobody's way.
        let _ = fs::remove_file(self.directory.join("socket"));
        let _ = fs::remove_dir(&self.directory);
    }
}

/// Both ways, until one of the two has gone, or it is enough.
fn carry(ours: UnixStream, theirs: UnixStream, until: Mono) -> Option<Overrun> {
    let mut bytes = vec![0; CHUNK];
    let mut carried = 0;
    // Both are closed on the way out; that is what libssh2 hears.
    loop {
        let left = until.since(clock::mono());
        if left == 0 {
            return Some(Overrun::Late);
        }
        let mut waits = [PollFd::new(&ours, PollFlags::IN), PollFd::new(&theirs, PollFlags::IN)];
        match poll(&mut waits, Timespec::try_from(Duration::from_micros(left)).ok().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
        let [asked, answered] = waits.map(|wait| !wait.revents().is_empty());
        for (ready, mut from, mut into) in [(asked, &ours, &theirs), (answered, &theirs, &ours)] {
            if !ready {
                continue;
            }
            let _ = into.set_write_timeout(Some(Duration::from_micros(left)));
            let count = match from.read(&mut bytes) {
                Ok(0) | Err(_) => return None,
                Ok(count) => count,
            };
            carried += count;
            if carried > MOST_BYTES {
                return Some(Overrun::Flood);
            }
            if into.write_all(&bytes[..count]).is_err() {
                return (clock::mono() >= until).then_some(Overrun::Late);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What libssh2's side of a carrier hears, and why it ended.
    fn carried(time_ms: u64, agent: impl FnOnce(UnixStream) + Send + 'static) -> (Vec<u8>, Option<Overrun>) {
        let (mut libssh2, ours) = UnixStream::pair().expect("a pair");
        let (theirs, agents) = UnixStream::pair().expect("a pair");
        let until = clock::mono().plus_ms(time_ms);
        let carrier = thread::spawn(move || carry(ours, theirs, until));
        thread::spawn(move || agent(agents));
        libssh2.write_all(b"a question").expect("is heard");
        let mut heard = Vec::new();
        // It is closed whatever the agent does.
        let _ = libssh2.read_to_end(&mut heard);
        (heard, carrier.join().expect("ends"))
    }

    #[test]
    fn an_agent_has_a_time_and_a_length_whatever_it_does() {
        let silent = |mut agent: UnixStream| drop(agent.read_to_end(&mut Vec::new()));
        assert_eq!(carried(200, silent), (Vec::new(), Some(Overrun::Late)));
        let drips = |mut agent: UnixStream| {
            while agent.write_all(b"x").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        };
        assert_eq!(carried(200, drips).1, Some(Overrun::Late));
        let floods = |mut agent: UnixStream| while agent.write_all(&[0; CHUNK]).is_ok() {};
        let (heard, ended) = carried(60_000, floods);
        assert!(ended == Some(Overrun::Flood) && heard.len() <= MOST_BYTES, "{ended:?} {}", heard.len());
        let answers = |mut agent: UnixStream| {
            let mut asked = [0; 10];
            agent.read_exact(&mut asked).expect("is asked");
            agent.write_all(&asked).expect("answers");
        };
        assert_eq!(carried(60_000, answers), (b"a question".to_vec(), None));
    }

    #[test]
    fn one_that_accepts_nobody_is_not_waited_for() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("agent");
        let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).expect("a socket");
        rustix::net::bind(&socket, &SocketAddrUnix::new(&path).expect("is short")).expect("binds");
        rustix::net::listen(&socket, 0).expect("listens");
        let queued: Vec<_> = (0..9).map_while(|_| connect(&path).ok()).collect();
        assert!(queued.len() < 9, "the queue is full");
        let error = connect(&path).expect_err("has no room");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn they_meet_where_nobody_else_comes_however_long_the_way_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let far = directory.path().join("x".repeat(200));
        fs::create_dir(&far).expect("is ours");
        let meeting = Meeting::new(&far).expect("is made");
        UnixStream::connect(&meeting.path).expect("is there");
        let mode = fs::metadata(&meeting.directory).expect("is there").permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o700);
        drop(meeting);
        assert_eq!(fs::read_dir(&far).expect("is there").count(), 0, "nothing is left");
    }
}
