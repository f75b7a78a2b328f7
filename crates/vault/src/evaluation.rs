//! Evaluation of turns: a call of `hauki.evaluate`, which the gate passes like any other, for the engine.

use hauki_contract::rpc::channel::{WorkerError, WorkerErrorKind};
use hauki_contract::rpc::evaluation::{Evaluate, Evaluated};
use hauki_contract::strict::{self, DocumentLimits};
use hauki_lang::engine::{Engine, Host, Powers, Turn, WorkerCall};
use serde_json::value::RawValue;

/// How deep the parameters may go, which the gate has looked at.
const DEPTH: usize = 128;

/// The result as the gate gets it.
pub(crate) fn evaluate(
    engine: &mut Engine,
    host: &mut dyn Host,
    call: WorkerCall<'_>,
) -> Result<String, WorkerError> {
    let params = call.params.unwrap_or("null");
    let limits = DocumentLimits { bytes: params.len(), depth: DEPTH, values: usize::MAX };
    let asked: Evaluate =
        strict::from_str(params, limits).map_err(|error| refused(format!("invalid parameters: {error}")))?;
    let powers = asked.powers.as_ref().map(|given| {
        let objects = given.words().ok_or_else(|| refused("powers.objects: each is a ticket"))?;
        let (destruct, clone, fetch) = (given.destruct, given.clone, given.fetch);
        Ok::<_, WorkerError>(Powers { destruct, clone, fetch, objects })
    });
    let powers = powers.transpose()?;
    let args = asked.args.map(|args| {
        let args: Vec<&str> = args.iter().map(|argument| argument.get()).collect();
        format!("[{}]", args.join(","))
    });
    let (args, powers) = (args.as_deref(), powers.as_ref());
    let WorkerCall { caller, deadline, .. } = call;
    // A heap that a turn with fewer powers has written to is never given more again.
    let turn = Turn { text: &asked.text, args, powers, lasting: powers.is_some(), caller, deadline };
    let done = engine.evaluate(host, turn)?;
    // The engine has written it.
    let value = done.value.map(RawValue::from_string).transpose();
    let value = value.map_err(|error| refused(format!("the value is no JSON: {error}")))?;
    let told = Evaluated { turn: done.number, value };
    serde_json::to_string(&told).map_err(|error| refused(error.to_string()))
}

fn refused(message: impl Into<String>) -> WorkerError {
    let (kind, message) = (WorkerErrorKind::Params, message.into());
    WorkerError { kind, message, file: None, line: None, column: None, stack: None }
}
