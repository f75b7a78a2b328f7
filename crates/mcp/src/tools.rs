//! Tools of the server's own: what each takes, and what a model is told of it.

use std::sync::Arc;

use hauki_client::visible;
use hauki_contract::model::units::{show_millis, show_size};
use rmcp::model::{Tool, ToolAnnotations};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::live_worker::LiveWorker;
use crate::session::AgentSession;
use crate::signature::into_map;
use crate::tool_names;

pub(crate) const CREATE: &str = "create";
pub(crate) const RUN: &str = "run";
pub(crate) const CALL: &str = "call";
pub(crate) const LIST: &str = "list";
pub(crate) const DESTRUCT: &str = "destruct";

#[cfg(test)]
pub(crate) const NAMES: [&str; 5] = [CREATE, RUN, CALL, LIST, DESTRUCT];

/// Of one worker: a list of thousands would be no help to any model, and the others are called by `call`.
const MOST_METHOD_TOOLS: usize = 100;

/// Of what is told of a worker's methods in words.
const MOST_SHOWN: usize = 30;
const MOST_SHOWN_LETTERS: usize = 64;

/// The arguments of `call`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallWish {
    pub(crate) worker: String,
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) args: Vec<Value>,
}

/// The arguments of `destruct`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DestructWish {
    pub(crate) worker: String,
}

/// The arguments of `list`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListWish {}

/// The arguments of a method's tool whose parameters nobody has described.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlainArguments {
    #[serde(default)]
    pub(crate) args: Vec<Value>,
}

pub(crate) const INSTRUCTIONS: &str = "\
Runs JavaScript and TypeScript in sandboxes, each with a heap of its own, no files, and no network but what the person \
who started this server has opened. `run` evaluates a program and gives its result and what it printed; nothing of it \
stays. `create` makes a worker that stays until `destruct` or the end of this session: each top-level function of its \
source is a method, variables are its memory, and each method becomes a tool WORKER__METHOD. A worker is not Node: there \
is no require, process or Buffer.";

fn tool(name: &'static str, about: String, schema: Value, hints: ToolAnnotations) -> Tool {
    Tool::new(name, about, Arc::new(into_map(schema))).with_annotations(hints)
}

impl AgentSession {
    pub(crate) fn own_tools(&self) -> Vec<Tool> {
        let bounds = self.bounds();
        let memory =
            bounds.memory_bytes.map_or_else(String::new, |most| format!(", at most {}", show_size(most)));
        let memory = json!({ "type": "string", "description": format!("Its heap, as \"16MiB\"{memory}") });
        let call = show_millis(bounds.call_ms);
        let net = if bounds.net.is_empty() {
            "It has no network.".to_owned()
        } else {
            let invited: Vec<_> = bounds.net.iter().map(ToString::to_string).collect();
            format!("It may fetch() from: {}.", invited.join("; "))
        };
        let language =
            json!({ "type": "string", "enum": ["js", "ts"], "description": "js if it is not said" });
        let worker = json!({ "type": "string", "description": "A name that create or list gave" });
        let file = if bounds.roots.is_empty() {
            "Not open here".to_owned()
        } else {
            let folders: Vec<_> = bounds.roots.iter().map(|root| root.display().to_string()).collect();
            format!("A file with the source, below {}", folders.join(" or "))
        };
        let new =
            || ToolAnnotations::new().read_only(false).destructive(false).open_world(!bounds.net.is_empty());
        vec![
            tool(
                RUN,
                format!(
                    "Runs a program in a new sandbox. The result is the value of the last statement, or of main(...args) if \
                     there is a function main; a promise is waited for, at most {call}. What print() and console.log() \
                     say comes back as well. {net}"
                ),
                json!({ "type": "object", "properties": {
                    "code": { "type": "string", "description": "JavaScript of today, or TypeScript" },
                    "language": language,
                    "args": { "type": "array", "items": { "type": "string" }, "description": "Texts for main, also in `args`" },
                    "memory": memory,
                    "timeout": { "type": "string", "description": format!("As \"5s\", at most {call}") } },
                    "required": ["code"], "additionalProperties": false }),
                new(),
            ),
            tool(
                CREATE,
                format!(
                    "Makes a worker that stays: an object in a sandbox of its own, whose top-level functions are its methods. \
                     A name that begins with _ is private; create(...args) runs once. Takes one of source, file and gem. {net}"
                ),
                json!({ "type": "object", "properties": {
                    "source": { "type": "string", "description": "Its text, JavaScript of today or TypeScript" },
                    "file": { "type": "string", "description": file },
                    "gem": { "type": "string", "description": "A pointer to a published source, gem-pointer://workers/scout" },
                    "language": language,
                    "name": { "type": "string", "description": "What it is called here: small letters, digits and dashes" },
                    "args": { "type": "array", "description": "The arguments of its create()" },
                    "memory": memory },
                    "additionalProperties": false }),
                new(),
            ),
            tool(
                CALL,
                format!(
                    "Calls a method of a worker, for at most {call}. Methods that have a tool of their own are called by that as well."
                ),
                json!({ "type": "object", "properties": {
                    "worker": worker,
                    "method": { "type": "string" },
                    "args": { "type": "array", "description": "Its arguments, in their order" } },
                    "required": ["worker", "method"], "additionalProperties": false }),
                new(),
            ),
            tool(
                LIST,
                "Lists the workers that were made here, with their methods; those that have ended say why."
                    .to_owned(),
                json!({ "type": "object", "additionalProperties": false }),
                ToolAnnotations::new().read_only(true).open_world(false),
            ),
            tool(
                DESTRUCT,
                "Ends a worker, and all that it holds with it.".to_owned(),
                json!({ "type": "object", "properties": { "worker": worker }, "required": ["worker"],
                    "additionalProperties": false }),
                ToolAnnotations::new().read_only(false).destructive(true).open_world(false),
            ),
        ]
    }

    /// Of all living workers, in the order of their names.
    pub(crate) fn method_tools(&self) -> Vec<Tool> {
        self.workers.all().iter().flat_map(|worker| worker.tools()).collect()
    }
}

impl LiveWorker {
    /// Its methods, and what each is called as a tool; no more of them have one.
    pub(crate) fn named_methods(&self) -> impl Iterator<Item = (&str, String)> {
        let methods = self.vault.methods.iter();
        let named =
            methods.filter_map(|method| Some((method.as_str(), tool_names::tool(&self.name, method)?)));
        named.take(MOST_METHOD_TOOLS)
    }

    fn tools(&self) -> Vec<Tool> {
        self.named_methods().map(|(method, name)| self.tool(method, name)).collect()
    }

    /// Its methods in a few words.
    pub(crate) fn shown_methods(&self) -> String {
        let methods = &self.vault.methods;
        let mut shown: Vec<String> = methods
            .iter()
            .take(MOST_SHOWN)
            .map(|method| {
                let cut: String = method.chars().take(MOST_SHOWN_LETTERS).collect();
                visible::line(&cut).into_owned()
            })
            .collect();
        if methods.len() > MOST_SHOWN {
            shown.push(format!("and {} more", methods.len() - MOST_SHOWN));
        }
        shown.join(", ")
    }

    fn tool(&self, method: &str, name: String) -> Tool {
        let mut about = format!("The method {method} of the worker {}.", self.name);
        let schema = match self.signatures.get(method) {
            Some(signature) => {
                if let Some(told) = &signature.about {
                    about.push_str(&format!(" Its author's words: {told}"));
                }
                signature.schema()
            }
            None => plain_schema(),
        };
        Tool::new(name, about, Arc::new(schema))
    }
}

fn plain_schema() -> Map<String, Value> {
    into_map(json!({ "type": "object", "properties": {
        "args": { "type": "array", "description": "The arguments, in their order" } },
        "additionalProperties": false }))
}
