//! From what people type to the vault that they mean: a worker's name, or the beginning of an id.
//!
//! The control plane is asked, and only where one is there already: a mistyped name starts no daemon.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::color::HINT;
use super::context::Ctx;
use super::error::CliError;
use super::visible;
use crate::api::vault::VaultQuery;
use crate::model::id::VaultId;
use crate::model::name::ServiceName;

/// So much of an id is of one second: with less, a slip of the hand could name any vault.
pub(crate) const LETTERS: usize = 8;

/// For whether a file's name is a vault's as well.
const PATIENCE: Duration = Duration::from_secs(1);

/// The beginning of an id that is not whole.
fn is_beginning(text: &str) -> bool {
    text.strip_prefix(VaultId::PREFIX).is_some_and(|rest| {
        rest.len() >= LETTERS
            && text.parse::<VaultId>().is_err()
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Whether a vault could be meant at all.
pub(crate) fn is_likely(text: &str) -> bool {
    text.parse::<ServiceName>().is_ok() || is_beginning(text)
}

/// What the control plane said, so that it is asked once for however many names.
#[derive(Default)]
pub(crate) struct Names {
    services: OnceCell<HashMap<ServiceName, VaultId>>,
    living: OnceCell<Vec<VaultId>>,
    all: OnceCell<Vec<VaultId>>,
    /// There is none.
    is_absent: Cell<bool>,
    /// It did not answer.
    is_silent: Cell<bool>,
}

impl Names {
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
                    visible::line(file)
                ));
                false
            }
        }
    }

    /// The vault, if there is one that could be meant.
    pub(crate) async fn find(&self, ctx: &Ctx, text: &str) -> Result<Option<VaultId>, CliError> {
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
            return Ok(services.await?.get(&name).cloned());
        }
        // The living first: who types a beginning seldom means the dead.
        for (all, known) in [(false, &self.living), (true, &self.all)] {
            let vaults = known.get_or_try_init(async || {
                let vaults = endpoint.vaults(&VaultQuery { all, ..VaultQuery::default() }).await?.vaults;
                Ok::<_, CliError>(vaults.into_iter().map(|vault| vault.id).collect())
            });
            let mut fitting = vaults.await?.iter().filter(|id| begins(id.as_str(), text));
            match (fitting.next(), fitting.count()) {
                (None, _) => {}
                (Some(one), 0) => return Ok(Some(one.clone())),
                (Some(_), more) => {
                    let message = format!("{} vaults begin with {text}", more + 1);
                    return Err(CliError::usage(message).hint("type more of the id; hauki ls shows them"));
                }
            }
        }
        Ok(None)
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
    match Names::default().find(ctx, text).await? {
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
        assert!(begins(whole, "vlt_01hf7yat") && !begins(whole, "vlt_01HG") && !begins("vlt_0", whole));
    }
}
