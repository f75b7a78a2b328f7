//! Object creation, `clone_object` and `find_object`: how a script comes to hold an object.

use std::path::Path;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::failure::ScriptFailure;
use super::host::{EfunRefused, ScriptHost, World, json};
use super::objects::Object;
use super::options::CloneOptions;
use crate::compiler::{PreparedSource, SourceOrder};
use crate::ghost::GhostOptions;
use crate::{ControlPlane, Exit, Ghost};
use hauki_contract::api::registry::ResolveRequest;
use hauki_contract::api::summons::{MAX_SOURCE_BYTES, Origin, SpawnRequest, SummonsRequest};
use hauki_contract::api::vault::TicketRequest;
use hauki_contract::model::gem::{GemPointer, SCHEME};
use hauki_contract::model::id::VaultId;
use hauki_contract::model::name::ServiceName;
use hauki_contract::model::ticket::Ticket;
use hauki_contract::rpc::compile::{Language, Purpose, SourceFault};
use hauki_contract::rpc::script::EfunAnswer;
use hauki_contract::strict::{self, DocumentLimits};
use hauki_contract::system::{random, rlimit};

/// Clones that are made at the same time.
const AT_ONCE: usize = 8;

impl<W: World> ScriptHost<W> {
    pub(super) fn clone_object(&mut self, source: &str, arguments: &str) -> Result<EfunAnswer, EfunRefused> {
        let (options, args) = CloneOptions::read(arguments)?;
        let summons = SummonsRequest {
            key: String::new(),
            origin: self.checked(
                source,
                options.file_name.as_deref(),
                (options.lang, options.is_invited()),
            )?,
            args,
            wishes: options.wishes()?,
            labels: options.labels(),
            name: options.name.clone(),
            dry_run: false,
        };
        let request = SpawnRequest {
            summons,
            placement: options.placement(),
            ticket: Default::default(),
            get_or_create: options.get_or_create,
        };
        let connect = self.ghost_options();
        let world = &self.world;
        let made = self.runtime.wait(async {
            let endpoint = world.endpoint().await?;
            let each = stream::iter(0..options.count.unwrap_or(1));
            let clones = each.map(async |_| clone(endpoint, &request, &connect).await).buffered(AT_ONCE);
            let made: Vec<_> = clones.collect().await;
            // One that failed fails all; the others' connections are dropped, and they die of that.
            let failed = made.iter().any(Result::is_err);
            if failed && options.detached {
                for (_, ghost) in made.iter().flatten() {
                    let _ = ghost.destruct(std::time::Duration::ZERO).await;
                }
            }
            made.into_iter().collect::<Result<Vec<_>, ScriptFailure>>()
        })??;
        let _inside = self.runtime.enter();
        let mut about = Vec::new();
        for (ticket, ghost) in made {
            let object = self.objects.insert(Object::new(ticket));
            object.connected(ghost, &self.lines);
            about.push(object.about());
        }
        Ok(json(&match options.count {
            Some(_) => Value::Array(about),
            None => about.swap_remove(0),
        }))
    }

    /// A worker's source that its engine takes, or a pointer to one.
    fn checked(
        &mut self,
        source: &str,
        file: Option<&str>,
        (language, fetch): (Option<Language>, bool),
    ) -> Result<Origin, EfunRefused> {
        let (source, file, base) = (source.to_owned(), file.map(str::to_owned), self.base.clone());
        let origin = self.aside(move || origin(&source, file.as_deref(), &base))??;
        let Origin::Source { text, file, .. } = origin else { return Ok(origin) };
        let (purpose, always) = (Purpose::Worker, false);
        let order = SourceOrder { source: &text, file: &file, language, purpose, path: None, always, fetch };
        let prepared = self.runtime.wait(self.toolchain.prepare(order))?.map_err(ScriptFailure::from)?;
        self.warn(&prepared.warnings, &file);
        let PreparedSource { text, compilation, .. } = prepared;
        Ok(Origin::Source { text, file, compilation })
    }

    /// What the compiler has to say about a source that it takes.
    pub(super) fn warn(&self, warnings: &[SourceFault], file: &str) {
        for SourceFault { message, instead, line, column } in warnings {
            let instead = instead.as_ref().map(|instead| format!("; {instead}")).unwrap_or_default();
            (self.lines)("script", &format!("warning: {message}{instead}  ({file}:{line}:{column})"));
        }
    }

    /// A name of the registry, the id of a vault, or a ticket as JSON.
    pub(super) fn find_object(&mut self, what: &str) -> Result<EfunAnswer, EfunRefused> {
        let ticket = if strict::trimmed(what).starts_with('{') {
            strict::from_str(what, DocumentLimits::bytes(what.len())).map_err(|error| {
                ScriptFailure::new(
                    "bad_ticket",
                    Exit::Data,
                    format!("find_object: it is not a ticket: {error}"),
                )
            })?
        } else {
            if self.objects.knows(what) {
                return Ok(json(&self.objects.get(what)?.about()));
            }
            let world = &self.world;
            self.runtime.wait(async {
                let endpoint = async || world.endpoint().await;
                if what.starts_with(VaultId::PREFIX) {
                    let vault = what.parse().map_err(unusable)?;
                    let request = TicketRequest { vault, wishes: Default::default() };
                    return Ok(endpoint().await?.ticket(&request).await?);
                }
                let name: ServiceName = what.parse().map_err(unusable)?;
                let request = ResolveRequest { name, ticket: Some(Default::default()) };
                let resolved = endpoint().await?.resolve(&request).await?;
                resolved
                    .ticket
                    .ok_or_else(|| ScriptFailure::new("denied", Exit::Denied, "it came without a ticket"))
            })??
        };
        if !self.objects.knows(ticket.vault.as_str()) {
            return Ok(json(&self.objects.insert(Object::new(ticket)).about()));
        }
        Ok(json(&self.objects.get(ticket.vault.as_str())?.about()))
    }

    pub(super) fn adopt(&mut self, ticket: &str) -> Result<EfunAnswer, ScriptFailure> {
        let ticket: Ticket = strict::from_str(ticket, DocumentLimits::bytes(ticket.len()))
            .map_err(|error| ScriptFailure::new("bad_ticket", Exit::Data, error.to_string()))?;
        Ok(json(&self.objects.adopt(ticket).about()))
    }
}

fn unusable(error: impl std::fmt::Display) -> ScriptFailure {
    ScriptFailure::new("bad_id", Exit::Data, format!("find_object: {error}"))
}

async fn clone(
    endpoint: &ControlPlane,
    request: &SpawnRequest,
    options: &GhostOptions,
) -> Result<(Ticket, Ghost), ScriptFailure> {
    let mut request = request.clone();
    request.summons.key = random::idempotency_key();
    let ticket = endpoint.spawn(&request).await?.ticket;
    // From here on the connection keeps a linked vault; the claim lease has covered the moment between.
    let ghost = Ghost::connect(&ticket, options.clone()).await?;
    Ok((ticket, ghost))
}

/// A gem-pointer, a source, or the path of one. A source has a brace or a line break, a path has none.
fn origin(source: &str, file: Option<&str>, base: &Path) -> Result<Origin, ScriptFailure> {
    let bad = |message: String| ScriptFailure::new("bad_source", Exit::Data, message);
    if source.starts_with(SCHEME) {
        let pointer: Result<GemPointer, _> = source.parse();
        return pointer
            .map(Origin::Gem)
            .map_err(|error| ScriptFailure::new("bad_gem_pointer", Exit::Data, error.to_string()));
    }
    let (text, file) = if source.contains(['{', '\n']) {
        (source.to_owned(), file.unwrap_or("worker.js").to_owned())
    } else {
        let path = base.join(source);
        let unreadable = |what: String| {
            ScriptFailure::new("unreadable", Exit::Data, format!("failed to read {source}: {what}"))
        };
        let bytes = rlimit::read(&path, MAX_SOURCE_BYTES).map_err(|error| unreadable(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".into()))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        (text, file.map(str::to_owned).or(name).unwrap_or_else(|| source.to_owned()))
    };
    if text.len() > MAX_SOURCE_BYTES {
        return Err(bad(format!("{file} is {} bytes long, the limit is {MAX_SOURCE_BYTES}", text.len())));
    }
    Ok(Origin::Source { text, file, compilation: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_a_path_and_a_pointer_are_told_apart() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("w.js"), "function f() { return 1 }").expect("writes");
        let read = |source| origin(source, None, directory.path());
        assert!(matches!(read("gem-pointer://workers/scout@3"), Ok(Origin::Gem(_))));
        for (source, name) in
            [("w.js", "w.js"), ("function g() { return 2 }", "worker.js"), ("\n", "worker.js")]
        {
            match read(source) {
                Ok(Origin::Source { file, .. }) => assert_eq!(file, name),
                other => panic!("{source}: {other:?}"),
            }
        }
        for (source, code) in [
            ("gem-pointer://../x", "bad_gem_pointer"),
            ("absent.js", "unreadable"),
            (".", "unreadable"),
            ("/dev/zero", "unreadable"),
        ] {
            assert_eq!(read(source).expect_err(source).code, code, "{source}");
        }
    }
}
