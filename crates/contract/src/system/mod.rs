//! The only place that reads the real world's clock and randomness, and sets up logging.

pub mod awake;
pub mod clock;
pub mod dirs;
pub mod environment;
pub mod files;
pub mod logging;
pub mod paths;
pub mod private;
pub mod proc;
pub mod random;
pub mod vigil;
