//! Source excerpt: the author's line below an error of a call, where the file is here and is what the vault runs.
//!
//! A ticket says which text that is by its hash, and the same source compiled again is the same text. A file that has
//! changed since then is not shown: its line would be another one.

use std::path::Path;

use super::bounded_read;
use super::context::Ctx;
use super::error::CliError;
use super::source_faults;
use crate::api::summons::MAX_SOURCE_BYTES;
use crate::client::compiler::SourceOrder;
use crate::model::digest::Sha256;
use crate::model::ticket::Worker;
use crate::rpc::channel::WorkerError;
use crate::rpc::compile::Purpose;
use hauki_contract::strict::tolerant_reader;

/// The error, with the line below it if it is known.
pub(crate) async fn below(ctx: &Ctx, error: CliError, running: &Worker) -> CliError {
    let object = error.json(None);
    let Some(thrown) = object.get("worker").and_then(|worker| tolerant_reader::from_value(worker).ok())
    else {
        return error;
    };
    let thrown: WorkerError = thrown;
    let Some(file) = thrown.file.clone() else { return error };
    match text(ctx, &file, running).await {
        Some(text) => source_faults::thrown_at(error, &thrown, &text, &file),
        None => error,
    }
}

/// The text of the worker, out of the folder where somebody stands.
async fn text(ctx: &Ctx, file: &str, running: &Worker) -> Option<String> {
    // The worker chose the name, so it leads nowhere else.
    let name = Path::new(file).file_name()?;
    let path = Path::new(name);
    if !path.is_file() {
        return None;
    }
    let bytes = bounded_read::read(path, MAX_SOURCE_BYTES).await.ok()?;
    let text = String::from_utf8(bytes).ok()?;
    if Sha256::of(text.as_bytes()) == running.sha256 {
        return Some(text);
    }
    let name = name.to_str()?;
    let order = SourceOrder {
        source: &text,
        file: name,
        language: None,
        purpose: Purpose::Worker,
        path: None,
        always: true,
        // Whether it was invited, its ticket does not say; the text is the same.
        fetch: true,
    };
    let prepared = ctx.toolchain.lock().await.prepare(order).await.ok()?;
    (Sha256::of(prepared.text.as_bytes()) == running.sha256).then_some(text)
}
