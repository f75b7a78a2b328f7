//! Orphan sweep: what a predecessor left, everything below this daemon's group that is no vault of ours.
//!
//! The group's name comes from the state directory itself, not from its path, and one daemon at a time may
//! use that (its lock is the daemon's business), so whatever is there and not ours has no owner. Mounts die with the
//! processes that hold their namespaces. A predecessor's spawner, which may live for a moment longer,
//! ends with its cgroup.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use super::Shared;
use super::group_names;
use super::prune::{Pruned, prune};
use super::rootfs;
use crate::{SweepError, Swept};
use hauki_contract::model::error_chain;
use hauki_contract::system::tasks;

pub(super) async fn sweep(shared: Arc<Shared>) -> Result<Swept, SweepError> {
    // No start may be half-way: its groups would be there before its name is in the list.
    let _all = shared.starting.acquire_many(shared.width).await.ok();
    let live = shared.lives();
    let hall = shared.spawners.hall();
    let working = Arc::clone(&shared);
    let swept = tasks::block("sandbox-sweep", move || {
        let mut pruned = prune(&strays(&working, &live, &hall));
        forget_former(&working, &mut pruned);
        let roots = if live.is_empty() {
            remove_daemon_groups(&working);
            // The roots of older inits were for vaults that are gone now.
            rootfs::forget_others(&working.rootfs)
        } else {
            Ok(())
        };
        (pruned, roots)
    })
    .await;
    let (pruned, roots) = swept.unwrap_or_else(|error| (Pruned::default(), Err(io::Error::other(error))));
    let Pruned { processes, cgroups, left } = pruned;
    let left = shared.stuck.keep(&shared.slots, left);
    roots.map_err(|source| SweepError::System {
        step: "remove old roots beside",
        path: shared.rootfs.display().to_string(),
        source,
    })?;
    if let Some((path, source)) = left.into_iter().next() {
        return Err(SweepError::System { step: "remove", path: path.display().to_string(), source });
    }
    Ok(Swept { processes, cgroups, mounts: 0 })
}

/// What a predecessor left before the directory was moved. All of it is his.
fn forget_former(shared: &Shared, pruned: &mut Pruned) {
    let former = shared.former.lock().unwrap_or_else(PoisonError::into_inner).split_off(0);
    if former.is_empty() {
        return;
    }
    let bases = shared.layout.hierarchies.iter().map(|hierarchy| &hierarchy.base);
    let groups = bases.flat_map(|base| former.iter().map(move |name| base.join(name)));
    let Pruned { processes, cgroups, left } =
        prune(&groups.filter(|group| group.is_dir()).collect::<Vec<_>>());
    if left.is_empty()
        && let Err(error) = group_names::forget(&shared.state_dir, &shared.group)
    {
        tracing::warn!(
            error = error_chain::told(&error),
            "the former names are looked for again at the next start"
        );
    }
    pruned.processes += processes;
    pruned.cgroups += cgroups;
    pruned.left.extend(left);
}

/// Groups of vaults that are not in `live`, and the cgroups of all spawners but the last one's.
fn strays(shared: &Shared, live: &HashSet<String>, hall: &str) -> Vec<PathBuf> {
    let daemons = shared.layout.hierarchies.iter().map(|hierarchy| hierarchy.base.join(&shared.group));
    let entries = daemons.filter_map(|group| std::fs::read_dir(group).ok()).flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let id = name.split('.').next().unwrap_or_default();
            name != hall && !live.contains(id)
        })
        .map(|entry| entry.path())
        .collect()
}

/// Removes the daemon's own groups where nothing is in them any more.
pub(super) fn remove_daemon_groups(shared: &Shared) {
    for hierarchy in &shared.layout.hierarchies {
        // Not empty means still needed; not there means done.
        let _ = std::fs::remove_dir(hierarchy.base.join(&shared.group));
    }
}
