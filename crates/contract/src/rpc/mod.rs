//! Contract 2: JSON-RPC 2.0 between a ghost and a gate, the channel between a gate and a vault,
//! and the one between a caller and the runner of its scripts.

pub mod body;
#[cfg(feature = "documents")]
pub mod capability;
pub mod channel;
pub mod compile;
pub mod evaluation;
#[cfg(feature = "net")]
pub mod connection;
#[cfg(feature = "net")]
pub mod dial;
#[cfg(feature = "documents")]
pub mod early_cancel;
#[cfg(feature = "net")]
pub mod ndjson;
#[cfg(feature = "documents")]
pub mod line_buffer;
#[cfg(feature = "documents")]
pub mod message;
#[cfg(feature = "documents")]
pub mod callback;
#[cfg(feature = "documents")]
pub mod call_context;
#[cfg(feature = "documents")]
pub mod forwarded_ticket;
#[cfg(feature = "net")]
pub mod tls_pin;
#[cfg(feature = "documents")]
pub mod reference;
#[cfg(feature = "documents")]
pub mod builtin;
pub mod script;
