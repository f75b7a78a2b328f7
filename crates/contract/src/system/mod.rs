//! The only place that reads the real world's clock and randomness, sets up logging, and begins background tasks.

pub mod awake;
pub mod clock;
pub mod dirs;
pub mod environment;
pub mod files;
pub mod layers;
pub mod logging;
pub mod paths;
pub mod private;
pub mod proc;
pub mod random;
pub mod tasks;
pub mod vigil;
