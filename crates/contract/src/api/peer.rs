//! Peer credentials: who asks, by the kernel's word; kept in tombstones and the audit log.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    pub uid: u32,
    pub pid: u32,
    /// Root, the daemon's own user, or one of `daemon.admin_uids`.
    pub admin: bool,
}

impl fmt::Display for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "uid {} pid {}", self.uid, self.pid)
    }
}
