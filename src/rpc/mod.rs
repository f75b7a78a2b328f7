//! Contract 2: JSON-RPC 2.0 between a ghost and a gate, the channel between a gate and a vault,
//! and the one between a caller and the runner of its scripts.

pub mod body;
#[cfg(any(feature = "cli", feature = "daemon"))]
pub mod capability;
pub mod channel;

#[cfg(feature = "net")]
pub mod line;
#[cfg(feature = "net")]
pub mod message;
#[cfg(feature = "net")]
pub mod nested;
#[cfg(any(feature = "cli", feature = "daemon"))]
pub mod passage;
#[cfg(feature = "net")]
pub mod pin;
#[cfg(feature = "net")]
pub mod reserved;
pub mod script;
