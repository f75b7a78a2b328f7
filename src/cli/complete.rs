//! Live completions: the shell asks `COMPLETE=bash hauki`, and ids come from a daemon that runs.
//!
//! Pressing Tab never starts a daemon, never waits longer than a blink, and never prints an error.

use std::time::Duration;

use clap_complete::CompletionCandidate;
use clap_complete::env::CompleteEnv;

use super::args;
use crate::api::vault::VaultQuery;
use crate::client::config::Settings;
use crate::client::endpoint::EndpointOptions;
use crate::client::retry::Retry;
use crate::client::{Address, ClientError, ControlPlane, autostart};
use crate::model::phase::Phase;

const PATIENCE: Duration = Duration::from_millis(150);

/// Answers and ends the process if a shell asks.
pub(crate) fn answer_shell() {
    CompleteEnv::with_factory(args::command).complete();
}

fn ask<T>(question: impl AsyncFnOnce(ControlPlane) -> Result<T, ClientError>) -> Option<T> {
    let settings = Settings::load(&Default::default(), |name| std::env::var_os(name), None).ok()?;
    let address = match settings.get("endpoint") {
        Some(text) => text.parse().ok()?,
        None if autostart::is_live(&settings.socket()).ok()? => Address::Unix(settings.socket()),
        None => return None,
    };
    if !matches!(address, Address::Unix(_)) {
        return None;
    }
    let options =
        EndpointOptions { retry: Retry::NEVER, connect_timeout: PATIENCE, ..EndpointOptions::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let endpoint = ControlPlane::new(address, options).ok()?;
        tokio::time::timeout(PATIENCE, question(endpoint)).await.ok()?.ok()
    })
}

/// The vaults that live.
pub(crate) fn vaults() -> Vec<CompletionCandidate> {
    let list = ask(async |endpoint| endpoint.vaults(&VaultQuery::default()).await);
    let vaults = list.map(|list| list.vaults).unwrap_or_default();
    let candidate = |vault: crate::api::vault::Vault| {
        let help = format!("{} on {}, {}", vault.worker.name, vault.node, vault.phase.told(Phase::as_str));
        CompletionCandidate::new(vault.id.as_str()).help(Some(help.into()))
    };
    vaults.into_iter().map(candidate).collect()
}

pub(crate) fn gems() -> Vec<CompletionCandidate> {
    let list = ask(async |endpoint| endpoint.gems().await).map(|list| list.gems).unwrap_or_default();
    let pointer = |gem: crate::api::gem::Gem| {
        let version = gem.version.map(|version| format!("@{version}")).unwrap_or_default();
        CompletionCandidate::new(format!("{}{}{version}", crate::model::gem::SCHEME, gem.path))
            .help(gem.manifest.description.map(Into::into))
    };
    list.into_iter().map(pointer).collect()
}

pub(crate) fn secrets() -> Vec<CompletionCandidate> {
    let list = ask(async |endpoint| endpoint.secrets().await).map(|list| list.secrets).unwrap_or_default();
    list.into_iter().map(|secret| CompletionCandidate::new(secret.name.as_str())).collect()
}

pub(crate) fn nodes() -> Vec<CompletionCandidate> {
    let list = ask(async |endpoint| endpoint.nodes().await).map(|list| list.nodes).unwrap_or_default();
    list.into_iter().map(|node| CompletionCandidate::new(node.name.as_str())).collect()
}

/// The names of live workers.
pub(crate) fn names() -> Vec<CompletionCandidate> {
    let list = ask(async |endpoint| endpoint.services().await).map(|list| list.services).unwrap_or_default();
    let candidate = |service: crate::api::registry::Service| {
        let help = format!("{} on {}", service.worker.name, service.node);
        CompletionCandidate::new(service.name.as_str()).help(Some(help.into()))
    };
    list.into_iter().map(candidate).collect()
}

/// What is in the queue or was.
pub(crate) fn spooled() -> Vec<CompletionCandidate> {
    let list = ask(async |endpoint| endpoint.spool_list(&Default::default()).await);
    let candidate = |entry: crate::api::spool::SpoolEntry| {
        CompletionCandidate::new(entry.id.as_str()).help(Some(entry.worker.into()))
    };
    list.map(|list| list.entries).unwrap_or_default().into_iter().map(candidate).collect()
}

pub(crate) fn formats() -> Vec<CompletionCandidate> {
    super::output::FORMATS.split(", ").map(CompletionCandidate::new).collect()
}

/// What a verb takes that wants vaults: ids and files.
pub(crate) fn items(current: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
    use clap_complete::engine::{PathCompleter, ValueCompleter as _};
    let begins = |candidate: &CompletionCandidate| {
        candidate.get_value().to_string_lossy().starts_with(&*current.to_string_lossy())
    };
    let mut all: Vec<_> = vaults().into_iter().filter(begins).collect();
    all.extend(PathCompleter::any().stdio().complete(current));
    all
}

/// What `summon` and `clone` take: gems and files.
pub(crate) fn sources(current: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
    use clap_complete::engine::{PathCompleter, ValueCompleter as _};
    let begins = |candidate: &CompletionCandidate| {
        candidate.get_value().to_string_lossy().starts_with(&*current.to_string_lossy())
    };
    let mut all: Vec<_> = gems().into_iter().filter(begins).collect();
    all.extend(PathCompleter::any().stdio().complete(current));
    all
}
