//! Init of a vault: pid 1, one engine, one channel.
//!
//! The init has no network, no file and no power over its own life. It owns the worker's heap and the
//! few bytes of state beside it; the gate owns everything else. A crash of the init leaves nothing
//! behind: the gate sees the end of the channel, and the sandbox reaps the vault.
//!
//! ```text
//!   fd 3 --> channel --> session --> lang::engine        watchdog: a thread that ends all this
//!        <--         <--          <--                              when the other end of fd 3 is gone
//! ```

mod init;
mod channel;
mod warm_up;
mod evaluation;
mod session;
mod build_id;
mod watchdog;

pub use init::run;
