//! Privilege dropping: what a process takes away from itself before it reads the first byte that a stranger wrote.
//!
//! Two programs have the engine, and both do this: the init of a vault, which runs somebody's worker
//! below LXC's walls, and the runner of scripts at the caller, which has no other walls than these.

pub mod lockdown;
