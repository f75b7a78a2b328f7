//! Contract 2: JSON-RPC 2.0 between a ghost and a gate, the channel between a gate and a vault,
//! and the one between a caller and the runner of its scripts.

pub mod body;
#[cfg(feature = "documents")]
pub mod capability;
pub mod channel;
#[cfg(feature = "net")]
pub mod connection;
#[cfg(feature = "net")]
pub mod dial;
#[cfg(feature = "documents")]
pub mod foreseen;
#[cfg(feature = "net")]
pub mod line;
#[cfg(feature = "documents")]
pub mod lines;
#[cfg(feature = "documents")]
pub mod message;
#[cfg(feature = "documents")]
pub mod nested;
#[cfg(feature = "documents")]
pub mod passage;
#[cfg(feature = "net")]
pub mod pin;
#[cfg(feature = "documents")]
pub mod reference;
#[cfg(feature = "documents")]
pub mod reserved;
pub mod script;
