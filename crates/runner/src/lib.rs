//! Script runner, `hauki-script`: the engine, one channel, and no way out.
//!
//! `hauki` starts it to parse a worker's source or to run a program, because the engine is C and meets text
//! that others wrote. Before the first byte of it is read the process has given up descriptors, memory
//! without bound and all system calls but the few of `jail`, so what breaks out of the engine finds
//! nothing but the door that the script has anyway. It owns the engine's heap; `hauki` owns everything
//! else: objects, files, output, time. A crash leaves nothing behind, and `hauki` says that it happened.
//!
//! ```text
//!   fd 3 --> channel --> serve --> lang::engine --> host_call --.
//!        <--         <--                                        |
//!        <----------------- efuns ------------------------------'
//! ```

mod host_call;
mod channel;
mod run;
mod serve;

pub use run::run;
