//! The nouns of the system, pure: no runtime, no clock, no input or output.

#[cfg(feature = "net")]
pub mod config;
#[cfg(feature = "net")]
pub mod death;
#[cfg(feature = "net")]
pub mod digest;
#[cfg(feature = "net")]
pub mod gem;
#[cfg(feature = "net")]
pub mod id;
#[cfg(feature = "net")]
pub mod lease;
#[cfg(feature = "net")]
pub mod limits;
#[cfg(feature = "net")]
pub mod name;
#[cfg(feature = "net")]
pub mod phase;
#[cfg(feature = "net")]
pub mod receipt;
#[cfg(feature = "net")]
pub mod secret;
#[cfg(feature = "net")]
pub mod ticket;
#[cfg(feature = "net")]
pub mod units;
