//! Resource limits: what one vault may use. Every field carries its unit; zero never means "unlimited".

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::invitation::{Invitation, MOST_INVITATIONS};
use super::secret_use::{self, MOST_SECRETS, SecretUse, SecretUseError};
use super::units::{show_millis, show_size};

pub const KIB: u64 = 1024;
pub const MIB: u64 = 1024 * KIB;

/// The address space that the init itself needs beside the worker's heap.
const INIT_BYTES: u64 = 8 * MIB;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The engine's heap. Hard: it is one fixed buffer.
    pub memory_bytes: u64,
    /// Processor time, in percent of one core.
    pub cpu_percent: u32,
    /// Processes and threads; the init itself needs two.
    pub pids: u32,
    /// How long one call may run.
    pub call_deadline_ms: u32,
    /// The longest request or reply, in bytes.
    pub max_frame_bytes: u32,
    /// How many vaults it may have made, its children's children included.
    pub spawn: u32,
    /// Where it may fetch from; nowhere if there is none. A node or a core that knows no invitations refuses who has one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_INVITATIONS))]
    pub net: Vec<Invitation>,
    /// Which secrets of its owner's its requests carry, by name. Refused as well by who does not know them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_SECRETS))]
    pub secrets: Vec<SecretUse>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 4 * MIB,
            cpu_percent: 100,
            pids: 8,
            call_deadline_ms: 10_000,
            max_frame_bytes: 1024 * 1024,
            spawn: 0,
            net: Vec::new(),
            secrets: Vec::new(),
        }
    }
}

/// What keeps a limit that only the kernel can keep, by the kernel's name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Controller {
    Memory,
    Pids,
    Cpu,
}

impl Controller {
    pub const ALL: [Self; 3] = [Self::Memory, Self::Pids, Self::Cpu];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Cpu => "cpu",
        }
    }
}

impl std::fmt::Display for Controller {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name())
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} is {value}, allowed are {least} to {most}")]
pub struct LimitError {
    pub name: &'static str,
    pub value: u64,
    pub least: u64,
    pub most: u64,
}

impl LimitError {
    /// What people call it who wish for it, in options and manifests; as a flag with dashes.
    #[must_use]
    pub fn word(&self) -> &'static str {
        let name = self.name;
        let wire =
            ["_bytes", "_percent", "_ms"].iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(name);
        if wire == "call_deadline" { "deadline" } else { wire }
    }

    /// By whatever name, and with numbers as people read them.
    #[must_use]
    pub fn told(&self, name: &str) -> String {
        let shown: fn(u64) -> String = match self.name.rsplit_once('_') {
            Some((_, "bytes")) => show_size,
            Some((_, "ms")) => show_millis,
            Some((_, "percent")) => |percent| format!("{percent} %"),
            _ => |number| number.to_string(),
        };
        format!("{name} is {}, allowed are {} to {}", shown(self.value), shown(self.least), shown(self.most))
    }
}

impl Limits {
    /// The bounds within which a vault can work at all and no vault can starve its node.
    pub fn check(&self) -> Result<(), LimitError> {
        let bounds = [
            ("memory_bytes", self.memory_bytes, 64 * KIB, 1024 * MIB),
            ("cpu_percent", self.cpu_percent.into(), 1, 10_000),
            ("pids", self.pids.into(), 2, 1024),
            ("call_deadline_ms", self.call_deadline_ms.into(), 1, 3_600_000),
            ("max_frame_bytes", self.max_frame_bytes.into(), 4 * KIB, 64 * MIB),
            ("spawn", self.spawn.into(), 0, 10_000),
            ("net", self.net.len() as u64, 0, MOST_INVITATIONS as u64),
            ("secrets", self.secrets.len() as u64, 0, MOST_SECRETS as u64),
        ];
        for (name, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                return Err(LimitError { name, value, least, most });
            }
        }
        Ok(())
    }

    /// Whether each secret goes where the worker is invited, and to one origin only.
    pub fn check_secrets(&self) -> Result<(), SecretUseError> {
        secret_use::check_uses(&self.secrets, &self.net)
    }

    /// The memory that a vault takes of its node at most: the heap, the init, and the frames in its hands.
    #[must_use]
    pub fn footprint_bytes(&self) -> u64 {
        self.memory_bytes + INIT_BYTES + 4 * u64::from(self.max_frame_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nodes and cores of before invitations have them.
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    #[allow(dead_code, reason = "what counts is that it can be read")]
    struct EarlierLimits {
        memory_bytes: u64,
        cpu_percent: u32,
        pids: u32,
        call_deadline_ms: u32,
        max_frame_bytes: u32,
        spawn: u32,
    }

    /// It would have made a worker that cannot fetch and that its caller believes to be able to.
    #[test]
    fn who_knows_no_invitations_refuses_a_worker_that_has_one_and_takes_all_others() {
        let read = |limits: &Limits| {
            let text = serde_json::to_string(limits).expect("is written");
            let all = crate::strict::DocumentLimits::bytes(text.len());
            crate::strict::from_str::<EarlierLimits>(&text, all)
        };
        assert!(read(&Limits::default()).is_ok());
        let net = vec!["https://api.example.com/v1".parse().expect("invites")];
        assert!(read(&Limits { net, ..Limits::default() }).is_err());
        let secrets = vec!["openai=Authorization:Bearer".parse().expect("is a use")];
        assert!(read(&Limits { secrets, ..Limits::default() }).is_err());
    }

    #[test]
    fn the_default_is_within_bounds_and_extremes_are_named() {
        assert_eq!(Limits::default().check(), Ok(()));
        let greedy = Limits { memory_bytes: u64::MAX, ..Limits::default() };
        assert_eq!(greedy.check().expect_err("is over").name, "memory_bytes");
        let hasty = Limits { call_deadline_ms: 0, ..Limits::default() }.check().expect_err("is under");
        assert_eq!((hasty.word(), greedy.check().expect_err("is over").word()), ("deadline", "memory"));
        let small = Limits { memory_bytes: 8, ..Limits::default() }.check().expect_err("is under");
        assert_eq!(small.told("memory"), "memory is 8 B, allowed are 64 KiB to 1024 MiB");
    }
}
