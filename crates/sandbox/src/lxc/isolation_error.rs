//! Isolation errors: what a vault must have around it before it is given a worker, and what is said where that cannot
//! be had.
//!
//! A limit that is set and not kept is worse than none: its owner relies on it. So each of these is a
//! refusal that names what is missing, and its hint what mends it. Only limits that cgroups keep may be
//! given up, by `node.unlimited` of the configuration; the walls themselves never.

use std::io;
use std::path::PathBuf;

use hauki_contract::model::id::VaultId;
use hauki_contract::model::limits::Controller;

use crate::{StartError, is_passing};

#[derive(Debug, thiserror::Error)]
pub enum IsolationError {
    #[error(
        "the {controller} limit cannot be enforced: this machine shows no cgroup controller {controller}"
    )]
    NoController { controller: Controller },
    #[error("the {controller} limit cannot be enforced: {} cannot be written", path.display())]
    Unwritable {
        controller: Controller,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the {controller} limit cannot be enforced: {} was set to {wrote} and says {reads}", path.display())]
    NotKept { controller: Controller, path: PathBuf, wrote: String, reads: String },
    #[error("the memory limit cannot be enforced: there is swap, and no {file} to keep the vault from it")]
    Swap { file: &'static str },
    #[error("no limit can be enforced: the kernel did not move the vault into {}", path.display())]
    Outside { path: PathBuf },
    #[error("no cgroup can be made for the vaults' processes: {} cannot be written", path.display())]
    NoSpawnerCgroup {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the vault has no system call filter of the sandbox")]
    NoFilter,
    #[error("the vault may gain privileges: no_new_privs is not set")]
    Privileges,
    #[error("the vault has capabilities: {set} is {value}")]
    Capabilities { set: &'static str, value: String },
    #[error("the vault runs as user or group {found} of this machine, and should as {expected}")]
    Ids { expected: u32, found: String },
    #[error("the vault shares the {kind} namespace of haukid")]
    Namespace { kind: &'static str },
    #[error("{kind} namespaces are turned off on this machine")]
    NoNamespaces { kind: &'static str },
    #[error("this machine does not give haukid the user ids {first} to {last}")]
    NoIds { first: u32, last: u32 },
    #[error("no vault can be given user ids of its own: {} cannot be written", path.display())]
    NoMap {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("nothing may be executed from {}, which lies on a file system mounted noexec", path.display())]
    NoExec { path: PathBuf },
    #[error("the vaults may not pass through {}", path.display())]
    Closed { path: PathBuf },
    #[error("the vaults' root {} was removed while it was in use", path.display())]
    Removed { path: PathBuf },
    #[error("the vault cannot be looked at in {}", path.display())]
    Unseen {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl IsolationError {
    /// What mends it.
    #[must_use]
    pub fn hint(&self) -> String {
        let or_without = |mend: String, controller: &Controller| {
            format!("{mend}; or let vaults be without this limit: node.unlimited: [{controller}]")
        };
        match self {
            Self::NoController { controller: controller @ Controller::Memory } => {
                or_without("mount cgroups, or boot with cgroup_enable=memory".to_owned(), controller)
            }
            Self::NoController { controller } => {
                let mend =
                    format!("mount cgroups, or echo +{controller} > /sys/fs/cgroup/cgroup.subtree_control");
                or_without(mend, controller)
            }
            Self::Unwritable { controller, source, .. } if source.kind() == io::ErrorKind::NotFound => {
                let mend = format!(
                    "this group must have the controller: +{controller} in cgroup.subtree_control above"
                );
                or_without(mend, controller)
            }
            Self::Unwritable { controller, .. } | Self::NotKept { controller, .. } => {
                or_without("mount cgroups writable, and let haukid write there".to_owned(), controller)
            }
            Self::Swap { .. } => {
                or_without("boot with swapaccount=1, or swapoff -a".to_owned(), &Controller::Memory)
            }
            Self::Outside { .. } | Self::NoSpawnerCgroup { .. } => {
                "mount cgroups writable, and let haukid write there".into()
            }
            Self::NoFilter => {
                "run a kernel with CONFIG_SECCOMP_FILTER, and a liblxc that was built with seccomp".into()
            }
            Self::Privileges | Self::Capabilities { .. } | Self::Namespace { .. } => {
                "run haukid as root outside of other containers, with liblxc 5 or later".into()
            }
            Self::Ids { .. } | Self::NoIds { .. } => {
                "choose other ids with node.id_base, or run haukid where user ids are not mapped".into()
            }
            Self::NoMap { .. } => "mount /proc writable for haukid: mount -o remount,rw /proc".into(),
            Self::NoNamespaces { kind } => format!("sysctl -w user.max_{kind}_namespaces=15000"),
            Self::NoExec { path } => {
                format!("mount -o remount,exec $(findmnt -no TARGET -T {})", path.display())
            }
            Self::Closed { path } => format!("chmod o+x {}", path.display()),
            Self::Removed { .. } => {
                "restart haukid, which makes it anew; the vaults that live end with it".into()
            }
            Self::Unseen { .. } => "mount /proc for haukid, without hidepid".into(),
        }
    }

    /// Whether another try may succeed with nothing mended: the machine was short of something.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unwritable { source, .. }
            | Self::NoSpawnerCgroup { source, .. }
            | Self::Unseen { source, .. } => is_passing(source),
            _ => false,
        }
    }
}

impl IsolationError {
    /// As whoever ordered the vault is told of it.
    pub(super) fn of(self, vault: VaultId) -> StartError {
        StartError::Wall { vault, hint: self.hint(), is_passing: self.is_passing(), wall: Box::new(self) }
    }
}
