//! System interface: the only place that reads the real world's clock and randomness, sets up logging, and begins
//! background tasks.

#[cfg(feature = "net")]
pub mod cpu_latency;
pub mod clock;
#[cfg(feature = "net")]
pub mod dirs;
#[cfg(feature = "net")]
mod task_outcome;
#[cfg(feature = "net")]
pub mod environment;
#[cfg(feature = "net")]
pub mod export;
#[cfg(feature = "net")]
pub mod rlimit;
#[cfg(feature = "net")]
pub mod config_layers;
#[cfg(feature = "net")]
pub mod logging;
#[cfg(feature = "net")]
pub mod paths;
#[cfg(feature = "net")]
pub mod private_files;
#[cfg(feature = "net")]
pub mod procfs;
#[cfg(feature = "net")]
pub mod random;
#[cfg(feature = "net")]
pub mod signals;
#[cfg(feature = "net")]
pub mod slow_log;
#[cfg(feature = "net")]
mod spans;
#[cfg(feature = "net")]
pub mod tasks;
#[cfg(feature = "net")]
pub mod trace;
#[cfg(feature = "net")]
pub mod adaptive_spin;
