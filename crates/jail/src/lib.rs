//! Privilege dropping: what a process takes away from itself before it reads the first byte that a stranger wrote.
//!
//! Three programs do this: the init of a vault, which runs somebody's worker below LXC's walls; and the runner of
//! scripts and the compiler at the caller, which have no other walls than these.

pub mod lockdown;
pub mod child;
