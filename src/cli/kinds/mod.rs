//! Record kinds: for each the type behind it, its columns, and its sentence.
//!
//! Most types are the API's own. What only the tool itself writes has its type here, for those who write it, draw
//! it and read it again.

mod call;
mod life;
mod swarm;
mod tool;
mod worker;

#[cfg(test)]
mod tests;

pub(crate) use call::{Happened, Heard, Listening, Reply};
pub(crate) use life::{BeatRecord, EventRecord, TeardownRecord};
pub(crate) use swarm::Score;
pub(crate) use tool::{DaemonVersion, Failed, Figure, GROUPS, SettingRecord, Version};

// What the tool alone writes; the API's own are named in the contract.
hauki_contract::wire_documents! {
    BeatRecord, EventRecord, Failed, Figure, Listening, Reply, Score, SettingRecord, TeardownRecord, Version,
}
