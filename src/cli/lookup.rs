//! Name lookup: from what people type to what they mean, the name of a worker, or the beginning of the id of a vault,
//! of a summons or of an entry of the queue.
//!
//! The control plane is asked, and only where one is there already: a mistyped name starts no daemon.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::color::HINT;
use super::context::Ctx;
use super::error::CliError;
use super::sanitize;
use crate::api::spool::SpoolQuery;
use crate::api::summons::SummonsQuery;
use crate::api::vault::VaultQuery;
use crate::model::id::{SpoolId, SummonsId, VaultId};
use crate::model::name::ServiceName;

/// So much of an id is of one second: with less, a slip of the hand could name anything.
pub(crate) const LETTERS: usize = 8;

/// For whether a file's name is a vault's as well.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whose beginnings are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Vaults,
    Summons,
    Queue,
}

/// What the text begins like an id of, and the rest of it.
fn of(text: &str) -> Option<(Of, &str)> {
    [(Of::Vaults, VaultId::PREFIX), (Of::Summons, SummonsId::PREFIX), (Of::Queue, SpoolId::PREFIX)]
        .into_iter()
        .find_map(|(of, prefix)| Some((of, text.strip_prefix(prefix)?)))
}

fn is_whole(text: &str) -> bool {
    match of(text) {
        Some((Of::Vaults, _)) => text.parse::<VaultId>().is_ok(),
        Some((Of::Summons, _)) => text.parse::<SummonsId>().is_ok(),
        Some((Of::Queue, _)) => text.parse::<SpoolId>().is_ok(),
        None => false,
    }
}

/// What begins like an id and is none.
pub(crate) fn is_short(text: &str) -> bool {
    of(text).is_some() && !is_whole(text)
}

/// The letters of what begins like an id and has too few of them.
pub(crate) fn is_too_short(text: &str) -> bool {
    of(text).is_some_and(|(_, rest)| rest.len() < LETTERS)
}

/// The beginning of an id that is not whole.
fn is_beginning(text: &str) -> bool {
    is_short(text)
        && !is_too_short(text)
        && of(text).is_some_and(|(_, rest)| rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether something could be meant at all.
pub(crate) fn is_likely(text: &str) -> bool {
    text.parse::<ServiceName>().is_ok() || is_beginning(text)
}

/// What the control plane said, so that it is asked once for however many names.
#[derive(Default)]
pub(crate) struct NameLookup {
    services: OnceCell<HashMap<ServiceName, VaultId>>,
    living: OnceCell<Vec<VaultId>>,
    all: OnceCell<Vec<VaultId>>,
    queue: OnceCell<Vec<SpoolId>>,
    /// There is none.
    is_absent: Cell<bool>,
    /// It did not answer.
    is_silent: Cell<bool>,
}

impl NameLookup {
    /// Whether a vault is called as a file is. Where nobody says so at once, the file is meant: a ticket is good
    /// without a control plane, which may be what keeps a vault alive.
    pub(crate) async fn is_taken(&self, ctx: &Ctx, file: &str) -> bool {
        if self.is_silent.get() {
            return false;
        }
        match tokio::time::timeout(PATIENCE, self.find(ctx, file)).await {
            Ok(Ok(found)) => found.is_some(),
            Ok(Err(_)) | Err(_) => {
                self.is_silent.set(true);
                ctx.remark(&format!(
                    "{HINT}hint:{HINT:#} whether {} names a vault is not to be learnt now, so the file is meant; \
                     ./ before it says so\n",
                    sanitize::line(file)
                ));
                false
            }
        }
    }

    /// The id of what could be meant, if there is one.
    pub(crate) async fn find(&self, ctx: &Ctx, text: &str) -> Result<Option<String>, CliError> {
        if self.is_absent.get() || !is_likely(text) {
            return Ok(None);
        }
        let Some(endpoint) = ctx.endpoint_if_live().await else {
            self.is_absent.set(true);
            return Ok(None);
        };
        if let Ok(name) = text.parse::<ServiceName>() {
            let services = self.services.get_or_try_init(async || {
                let services = endpoint.services().await?.services;
                Ok::<_, CliError>(services.into_iter().map(|service| (service.name, service.vault)).collect())
            });
            return Ok(services.await?.get(&name).map(ToString::to_string));
        }
        match of(text) {
            None => return Ok(None),
            Some((Of::Vaults, _)) => {}
            Some((Of::Summons, rest)) => {
                let begins = format!("{}{}", SummonsId::PREFIX, rest.to_ascii_uppercase());
                let found = endpoint.find_summons(&SummonsQuery { begins }).await?.summons;
                return only(text, "summons", found.iter().map(SummonsId::as_str));
            }
            Some((Of::Queue, _)) => {
                let queue = self.queue.get_or_try_init(async || {
                    let entries = endpoint.spool_list(&SpoolQuery::default()).await?.entries;
                    Ok::<_, CliError>(entries.into_iter().map(|entry| entry.id).collect())
                });
                return only(text, "entries of the queue", queue.await?.iter().map(SpoolId::as_str));
            }
        }
        // The living first: who types a beginning seldom means the dead.
        for (all, known) in [(false, &self.living), (true, &self.all)] {
            let vaults = known.get_or_try_init(async || {
                let vaults = endpoint.vaults(&VaultQuery { all, ..VaultQuery::default() }).await?.vaults;
                Ok::<_, CliError>(vaults.into_iter().map(|vault| vault.id).collect())
            });
            if let Some(one) = only(text, "vaults", vaults.await?.iter().map(VaultId::as_str))? {
                return Ok(Some(one));
            }
        }
        Ok(None)
    }
}

/// The one that begins so.
fn only<'a>(text: &str, of: &str, ids: impl Iterator<Item = &'a str>) -> Result<Option<String>, CliError> {
    let mut fitting = ids.filter(|id| begins(id, text));
    match (fitting.next(), fitting.count()) {
        (None, _) => Ok(None),
        (Some(one), 0) => Ok(Some(one.to_owned())),
        (Some(_), more) => {
            let error = CliError::usage(format!("{} {of} begin with {text}", more + 1));
            Err(error.hint(format!("type more of the id; {}", listed(text))))
        }
    }
}

/// Where the ids of its kind are to be seen.
pub(crate) fn listed(text: &str) -> &'static str {
    match of(text) {
        Some((Of::Summons, _)) => {
            "hauki ls -o wide and hauki spool ls -o wide show those that were forged or queued"
        }
        Some((Of::Queue, _)) => "hauki spool ls shows them",
        Some((Of::Vaults, _)) | None => "hauki ls shows them",
    }
}

fn begins(id: &str, text: &str) -> bool {
    id.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text))
}

/// The same where nothing else could be meant.
pub(crate) async fn vault(ctx: &Ctx, text: &str) -> Result<VaultId, CliError> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    match NameLookup::default().find(ctx, text).await?.and_then(|id| id.parse().ok()) {
        Some(vault) => Ok(vault),
        None => {
            Err(CliError::data("bad_id", format!("{text:?} is no vault's id, beginning of one, or name")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_not_whole_and_fits_in_either_case() {
        let whole = "vlt_01HF7YAT00000000000000001A";
        assert!(is_beginning("vlt_01HF7YAT") && is_beginning("vlt_01hf7yat0") && !is_beginning(whole));
        assert!(
            !is_beginning("vlt_")
                && !is_beginning("vlt_01HF7YA")
                && !is_beginning("vlt_01/../../x")
                && !is_beginning("sum_01HF")
        );
        assert!(
            is_beginning("sum_01HF7YAT") && is_beginning("spl_01hf7yat") && !is_beginning("tkt_01HF7YAT")
        );
        assert!(
            is_too_short("spl_") && !is_too_short("spl_01HF7YAT") && !is_short(&whole.replace("vlt", "spl"))
        );
        assert!(begins(whole, "vlt_01hf7yat") && !begins(whole, "vlt_01HG") && !begins("vlt_0", whole));
    }
}
