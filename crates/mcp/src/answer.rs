//! Tool results: a value or a failure as a model reads it, and the same as data.
//!
//! A worker's words are a stranger's: in texts what a terminal would obey, or nobody would see, is spelled out. The data
//! has every letter as it was.

use hauki_client::script::{FailureDetail, ScriptFailure};
use hauki_client::visible;
use hauki_contract::rpc::channel::WorkerError;
use hauki_contract::rpc::compile::SourceFault;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value, json};

use crate::live_worker::LineRing;

/// What a call gave. Without a value there is none: a program need not have one.
pub(crate) fn value(value: Option<Value>, lines: &LineRing, ms: u64) -> CallToolResult {
    let text = match &value {
        None => "(no value)".to_owned(),
        Some(Value::String(text)) => visible::lines(text).into_owned(),
        Some(value) => visible::json(&value.to_string()).into_owned(),
    };
    let mut content = vec![ContentBlock::text(text)];
    content.extend(printed(lines));
    let mut data = Map::new();
    if let Some(value) = value {
        data.insert("value".to_owned(), value);
    }
    told_lines(&mut data, lines);
    data.insert("ms".to_owned(), ms.into());
    structured(CallToolResult::success(content), data)
}

/// A record as it is.
pub(crate) fn record(record: Value, text: String) -> CallToolResult {
    let data = if let Value::Object(data) = record { data } else { Map::new() };
    structured(CallToolResult::success(vec![ContentBlock::text(text)]), data)
}

/// A failure that the model is to read, and can act on.
pub(crate) fn failure(failure: &ScriptFailure, lines: &LineRing) -> CallToolResult {
    let FailureDetail { hint, worker, faults, retryable, notes, .. } = &*failure.more;
    let mut text = failure.message.clone();
    for SourceFault { message, instead, line, column } in faults {
        let instead = instead.as_ref().map(|instead| format!("; {instead}")).unwrap_or_default();
        text.push_str(&format!("\n  {line}:{column}: {message}{instead}"));
    }
    if faults.is_empty()
        && let Some(worker) = worker
    {
        text.push_str(&thrown(worker));
    }
    for note in notes {
        text.push('\n');
        text.push_str(note);
    }
    if let Some(hint) = hint {
        text.push_str(&format!("\nhint: {hint}"));
    }
    let mut content = vec![ContentBlock::text(visible::lines(&text).into_owned())];
    content.extend(printed(lines));
    let mut data = Map::new();
    data.insert("code".to_owned(), failure.code.into());
    data.insert("message".to_owned(), failure.message.clone().into());
    data.insert("retryable".to_owned(), (*retryable).into());
    if let Some(worker) = worker {
        data.insert("worker".to_owned(), json!(worker));
    }
    if !faults.is_empty() {
        data.insert("faults".to_owned(), json!(faults));
    }
    told_lines(&mut data, lines);
    structured(CallToolResult::error(content), data)
}

/// Where it was thrown, and from where that was called.
fn thrown(WorkerError { file, line, column, stack, .. }: &WorkerError) -> String {
    if let Some(stack) = stack.as_deref().filter(|stack| !stack.is_empty()) {
        return format!("\n{stack}");
    }
    match (file, line) {
        (Some(file), Some(line)) => format!("\n    at {file}:{line}:{}", column.unwrap_or(1)),
        _ => String::new(),
    }
}

fn printed(lines: &LineRing) -> Option<ContentBlock> {
    if lines.is_empty() && lines.lost() == 0 {
        return None;
    }
    let mut text = "printed:".to_owned();
    if lines.lost() > 0 {
        text.push_str(&format!(" ({} earlier lines are gone)", lines.lost()));
    }
    for line in lines.iter() {
        text.push('\n');
        text.push_str(&visible::lines(line));
    }
    Some(ContentBlock::text(text))
}

fn told_lines(data: &mut Map<String, Value>, lines: &LineRing) {
    data.insert("lines".to_owned(), lines.iter().collect::<Vec<_>>().into());
    if lines.lost() > 0 {
        data.insert("lost_lines".to_owned(), lines.lost().into());
    }
}

fn structured(mut result: CallToolResult, data: Map<String, Value>) -> CallToolResult {
    result.structured_content = Some(Value::Object(data));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(result: &CallToolResult) -> Vec<String> {
        let told = serde_json::to_value(result).expect("serializes");
        let content = told["content"].as_array().expect("is a list").clone();
        content.iter().map(|block| block["text"].as_str().expect("is text").to_owned()).collect()
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out_in_texts_and_whole_in_the_data() {
        let hostile = "a\u{1b}[2Jb\u{202e}c\u{9b}d\ne";
        let mut lines = LineRing::default();
        lines.push(hostile.to_owned());
        for told in [Value::from(hostile), json!({ hostile: [hostile] })] {
            let result = value(Some(told.clone()), &lines, 3);
            let data = result.structured_content.clone().expect("is there");
            assert_eq!((&data["value"], &data["lines"][0]), (&told, &Value::from(hostile)));
            for text in texts(&result) {
                let is_hostile = |letter: char| matches!(letter, '\u{1b}' | '\u{202e}' | '\u{9b}');
                assert!(!text.contains(is_hostile) && text.contains("\\u202e"), "{text}");
            }
        }
        assert_eq!(texts(&value(None, &LineRing::default(), 0)), ["(no value)"]);
    }
}
