//! Resources: for each worker its record and its last lines, also when it has ended.

use rmcp::model::{ErrorData, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};

use crate::session::AgentSession;

const BEGINS: &str = "hauki://workers/";
const LINES: &str = "/lines";

impl AgentSession {
    pub(crate) fn resources(&self) -> Vec<Resource> {
        let mut all = Vec::new();
        for name in self.workers.known().into_keys() {
            let record = Resource::new(format!("{BEGINS}{name}"), name.clone());
            all.push(record.with_description("What the worker is").with_mime_type("application/json"));
            let lines = Resource::new(format!("{BEGINS}{name}{LINES}"), format!("{name} lines"));
            all.push(lines.with_description("What it has printed and emitted").with_mime_type("text/plain"));
        }
        all
    }

    pub(crate) fn resource(&self, uri: &str) -> Result<ReadResourceResult, ErrorData> {
        let absent = || ErrorData::resource_not_found("there is no such resource", None);
        let name = uri.strip_prefix(BEGINS).ok_or_else(absent)?;
        let (name, is_lines) = name.strip_suffix(LINES).map_or((name, false), |name| (name, true));
        let worker = self.workers.known().remove(name).ok_or_else(absent)?;
        let contents = if is_lines {
            ResourceContents::text(worker.text(), uri)
        } else {
            ResourceContents::text(worker.record().to_string(), uri).with_mime_type("application/json")
        };
        Ok(ReadResourceResult::new(vec![contents]))
    }
}

pub(crate) fn templates() -> Vec<ResourceTemplate> {
    let record = ResourceTemplate::new(format!("{BEGINS}{{worker}}"), "worker");
    let lines = ResourceTemplate::new(format!("{BEGINS}{{worker}}{LINES}"), "lines");
    vec![record.with_mime_type("application/json"), lines.with_mime_type("text/plain")]
}
