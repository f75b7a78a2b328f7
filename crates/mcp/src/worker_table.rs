//! Worker table: the workers of one client by their names, each name held by one, from before it is made.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hauki_client::Exit;
use hauki_client::script::ScriptFailure;

use crate::live_worker::LiveWorker;
use crate::tool_names;

/// Ended workers whose records and last lines are kept.
const MOST_ENDED: usize = 16;

#[derive(Default)]
pub(crate) struct WorkerTable(Mutex<WorkerNames>);

#[derive(Default)]
struct WorkerNames {
    workers: BTreeMap<String, Arc<LiveWorker>>,
    /// Of workers that are being made.
    claimed: BTreeSet<String>,
    /// The oldest first. Their names may be taken anew.
    ended: VecDeque<Arc<LiveWorker>>,
}

/// A name for a worker that is being made; free again if it is not.
pub(crate) struct NameClaim<'a> {
    table: &'a WorkerTable,
    pub(crate) name: String,
}

impl Drop for NameClaim<'_> {
    fn drop(&mut self) {
        self.table.names().claimed.remove(&self.name);
    }
}

impl NameClaim<'_> {
    pub(crate) fn keep(self, worker: Arc<LiveWorker>) {
        self.table.names().workers.insert(self.name.clone(), worker);
    }
}

impl WorkerTable {
    fn names(&self) -> MutexGuard<'_, WorkerNames> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The wished name, or one like the source's.
    pub(crate) fn claim(&self, wished: Option<&str>, stem: &str) -> Result<NameClaim<'_>, ScriptFailure> {
        let mut names = self.names();
        let is_free = |names: &WorkerNames, name: &str| {
            !names.workers.contains_key(name) && !names.claimed.contains(name)
        };
        let name = match wished {
            Some(name) => {
                tool_names::check_worker(name)?;
                if !is_free(&names, name) {
                    let message = format!("there is a worker of the name {name} already");
                    return Err(ScriptFailure::new("name_taken", Exit::Conflict, message));
                }
                name.to_owned()
            }
            None => {
                let stem = tool_names::worker_from(stem);
                let numbered = (2..=9999).map(|number| format!("{stem}-{number}"));
                let mut all = std::iter::once(stem.clone()).chain(numbered);
                all.find(|name| is_free(&names, name)).ok_or_else(|| {
                    ScriptFailure::new(
                        "name_taken",
                        Exit::Conflict,
                        format!("all names like {stem} are taken"),
                    )
                })?
            }
        };
        names.claimed.insert(name.clone());
        Ok(NameClaim { table: self, name })
    }

    /// One that lives.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<LiveWorker>, ScriptFailure> {
        let names = self.names();
        if let Some(worker) = names.workers.get(name) {
            return Ok(worker.clone());
        }
        let ended = names.ended.iter().rev().find(|worker| worker.name == name);
        Err(match ended.and_then(|worker| worker.ended()) {
            Some(why) => ScriptFailure::new("vault_dead", Exit::Conflict, format!("{name} has ended: {why}")),
            None => ScriptFailure::new("not_found", Exit::NotFound, format!("there is no worker {name:?}"))
                .hint("list tells which there are, and create makes one"),
        })
    }

    pub(crate) fn all(&self) -> Vec<Arc<LiveWorker>> {
        self.names().workers.values().cloned().collect()
    }

    /// With those that have ended, of which the last one of a name counts.
    pub(crate) fn known(&self) -> BTreeMap<String, Arc<LiveWorker>> {
        let names = self.names();
        let ended = names.ended.iter().map(|worker| (worker.name.clone(), worker.clone()));
        let mut known: BTreeMap<_, _> = ended.collect();
        known.extend(names.workers.clone());
        known
    }

    /// From the living to the ended, once.
    pub(crate) fn bury(&self, worker: &Arc<LiveWorker>) {
        let mut names = self.names();
        let is_it = |known: &Arc<LiveWorker>| Arc::ptr_eq(known, worker);
        if !names.workers.get(&worker.name).is_some_and(is_it) {
            return;
        }
        if let Some(worker) = names.workers.remove(&worker.name) {
            names.ended.push_back(worker);
        }
        if names.ended.len() > MOST_ENDED {
            names.ended.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_held_while_its_worker_is_made_and_free_if_it_is_not() {
        let table = WorkerTable::default();
        let first = table.claim(None, "scout").expect("is free");
        let second = table.claim(None, "scout").expect("is another");
        assert_eq!((first.name.as_str(), second.name.as_str()), ("scout", "scout-2"));
        assert_eq!(table.claim(Some("scout"), "x").err().map(|error| error.code), Some("name_taken"));
        assert_eq!(table.claim(Some("a__b"), "x").err().map(|error| error.code), Some("usage"));
        drop(first);
        assert_eq!(table.claim(Some("scout"), "x").expect("is free again").name, "scout");
        assert_eq!(table.get("scout").err().map(|error| error.code), Some("not_found"));
    }
}
