//! Contract 2: JSON-RPC 2.0 between a ghost and a gate, the channel between a gate and a vault,
//! and the one between a caller and the runner of its scripts.

pub mod body;
#[cfg(feature = "contract")]
pub mod capability;
pub mod channel;
#[cfg(feature = "contract")]
pub mod foreseen;

#[cfg(feature = "net")]
pub mod line;
#[cfg(feature = "contract")]
pub mod lines;
#[cfg(feature = "contract")]
pub mod message;
#[cfg(feature = "contract")]
pub mod nested;
#[cfg(feature = "contract")]
pub mod passage;
#[cfg(feature = "net")]
pub mod pin;
#[cfg(feature = "contract")]
pub mod reference;
#[cfg(feature = "contract")]
pub mod reserved;
pub mod script;
