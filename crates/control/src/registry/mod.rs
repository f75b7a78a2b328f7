//! The service registry: names of live workers.
//!
//! `names` takes, finds and frees them, `follow` tells of their changes. The store owns the state; a
//! name stands there exactly as long as the record of the living vault that holds it.

mod follow;
mod names;

pub(super) use names::taken_name;
