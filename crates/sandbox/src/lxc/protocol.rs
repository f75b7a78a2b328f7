//! Protocol between the driver and its spawner.
//!
//! One SOCK_SEQPACKET socketpair, one JSON message per packet, file descriptors beside it. The two
//! ends are always the same build of the same binary, so there is no version. Packets keep their
//! bounds, so several tasks may send without a lock. An empty packet is never sent: zero bytes mean
//! that the other end is gone.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recv, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::pidfd::Pid;

/// Far above the longest configuration, far below the default socket buffer.
const LONGEST: usize = 64 * 1024;

/// The most descriptors that go with one message.
pub(super) const MOST_FDS: usize = 3;

/// Driver to spawner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SpawnerCommand {
    /// Comes once, first. What a spawner writes between two forks each monitor keeps for itself, so no order
    /// repeats it.
    Know(Recipe),
    Start(StartOrder),
    /// A vault of this configuration will come: have a monitor wait for it.
    Ahead(ConfigItems),
}

/// liblxc configuration, in the order in which it is set.
pub(super) type ConfigItems = Vec<(String, String)>;

/// Start one vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StartOrder {
    /// Names this start in every report about it; never used twice.
    pub key: u64,
    pub vault: InlineId,
    /// What is the vault's alone.
    pub items: ConfigItems,
}

/// The id of a vault, in place: what the spawner keeps of each vault lies apart from what it takes and gives
/// back for a while, or monitors would find room between, and copy a page for each piece of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InlineId([u8; Self::LENGTH]);

impl InlineId {
    const LENGTH: usize = 32;

    /// `None` if it is too long.
    #[must_use]
    pub(super) fn new(id: &str) -> Option<Self> {
        let mut bytes = [0; Self::LENGTH];
        bytes.get_mut(..id.len())?.copy_from_slice(id.as_bytes());
        Some(Self(bytes))
    }

    #[must_use]
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end_matches('\0')
    }
}

impl Serialize for InlineId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for InlineId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = <&str>::deserialize(deserializer)?;
        Self::new(id).ok_or_else(|| serde::de::Error::custom("the id is too long"))
    }
}

/// What the vaults of a driver have in common: enough to prepare a monitor before it has a vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recipe {
    /// How the containers' names begin; the monitor's number follows.
    pub prefix: String,
    /// liblxc's own directory.
    pub lxc_path: String,
    /// Where the vaults have their cgroups, which the spawner removes if the driver is gone when they end.
    pub groups: Vec<PathBuf>,
    pub items: ConfigItems,
}

impl Recipe {
    #[must_use]
    pub(super) fn name(&self, monitor: Pid) -> String {
        format!("{}-{}", self.prefix, monitor.as_u32())
    }
}

/// Spawner to driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Report {
    /// It cannot work here, and leaves: at what, and the kernel's word for why.
    Unfit { step: String, errno: i32 },
    /// The monitor runs; with this go its pidfd, the node's end of the vault's channel, and liblxc's log.
    Forked { key: u64, monitor: i32 },
    /// There is no monitor and there will be none.
    NotForked { key: u64, errno: i32 },
    /// The monitor has been reaped. `init` is the wait status of the init, if the monitor lived to
    /// learn it; `started` is what liblxc answered.
    Ended { key: u64, init: Option<i32>, started: bool },
}

pub(super) fn send<T: Serialize>(socket: impl AsFd, message: &T, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    if bytes.len() > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the message is too long for the spawner"));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many descriptors for one message"));
    }
    sendmsg(socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// One message and what came with it; `None` when the other end is gone.
pub(super) fn receive<T: DeserializeOwned>(socket: impl AsFd) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    // As much as there is: what a monitor has touched of its memory it keeps for its vault's life.
    let (_, length) = recv(&socket, &mut [0u8; 0][..], RecvFlags::PEEK | RecvFlags::TRUNC)?;
    let mut bytes = vec![0; length.min(LONGEST)];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            fds.extend(passed);
        }
    }
    if got.bytes == 0 {
        return Ok(None);
    }
    Ok(Some((serde_json::from_slice(&bytes[..got.bytes])?, fds)))
}

/// What a monitor leaves in the pipe to its spawner before it exits: fixed and shorter than PIPE_BUF,
/// so that the records of many monitors cannot mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExitRecord {
    /// Its number.
    pub monitor: i32,
    pub init: i32,
    pub started: bool,
}

impl ExitRecord {
    pub(super) const LENGTH: usize = 12;

    #[must_use]
    pub(super) fn encode(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..4].copy_from_slice(&self.monitor.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.init.to_ne_bytes());
        bytes[8] = u8::from(self.started);
        bytes
    }

    #[must_use]
    pub(super) fn decode(bytes: &[u8; Self::LENGTH]) -> Self {
        let number = |at| {
            let mut number = [0; 4];
            number.copy_from_slice(&bytes[at..at + 4]);
            i32::from_ne_bytes(number)
        };
        Self { monitor: number(0), init: number(4), started: bytes[8] == 1 }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::*;

    #[test]
    fn a_message_brings_its_descriptors_and_a_closed_end_is_none() {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .expect("a pair");
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let vault = InlineId::new("vlt_1").expect("is short");
        let order = StartOrder { key: 7, vault, items: vec![("a".into(), "b".into())] };
        send(&ours, &order, &[writer.as_fd()]).expect("is sent");
        drop(writer);
        let (read, fds) = receive::<StartOrder>(&theirs).expect("is read").expect("is open");
        assert_eq!(read, order);
        let mut passed = std::fs::File::from(fds.into_iter().next().expect("came along"));
        passed.write_all(b"x").expect("is the pipe");
        drop(passed);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("ends, for nobody else holds it");
        assert_eq!(text, "x");
        drop(ours);
        assert!(receive::<StartOrder>(&theirs).expect("is no error").is_none());
    }

    #[test]
    fn the_last_word_survives_the_pipe() {
        let word = ExitRecord { monitor: i32::MAX - 1, init: -9, started: true };
        assert_eq!(ExitRecord::decode(&word.encode()), word);
    }
}
