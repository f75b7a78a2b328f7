//! Table of snippets: programs as language models write them, which print in the engine what Node was recorded to print, or
//! are refused by the name of what no vault has.
//!
//! `make constructs` records anew. A snippet that begins with `//ts` is TypeScript, one that begins with `//refused` says what
//! it is refused for, and one that begins with `//differs` why it prints something else, which it must as long as it says so.

use std::collections::BTreeMap;

use hauki_compile::LoweredSource;
use hauki_contract::rpc::compile::{CompileOrder, Language, Purpose, SourceFault};

use super::support::{compiled, printed, written_in};

const TABLE: &str = include_str!("table.txt");
const RECORDED: &str = include_str!("recorded.jsonl");

fn snippets() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = TABLE.strip_prefix("== ").expect("begins with a name").split("\n== ");
    rows.map(|row| row.split_once('\n').expect("has a text"))
}

fn order(source: &str, purpose: Purpose) -> CompileOrder {
    let language = if source.starts_with("//ts\n") { Language::TypeScript } else { Language::JavaScript };
    CompileOrder { purpose, ..written_in(language) }
}

fn lowered(source: &str, purpose: Purpose) -> Result<LoweredSource, Vec<SourceFault>> {
    compiled(source, &order(source, purpose))
}

fn recorded() -> BTreeMap<String, String> {
    let read = |line| {
        let row: serde_json::Value = serde_json::from_str(line).expect("is JSON");
        let text = |name: &str| row[name].as_str().expect("is a text").to_owned();
        (text("name"), text("lines"))
    };
    RECORDED.lines().map(read).collect()
}

#[test]
fn each_prints_what_it_prints_in_node() {
    let (mut recorded, mut wrong, mut tried) = (recorded(), Vec::new(), 0);
    for (name, source) in snippets().filter(|(_, source)| !source.starts_with("//refused ")) {
        let wanted = recorded.remove(name).unwrap_or_else(|| panic!("{name} is not recorded"));
        // As a worker, and as `hauki run` has it.
        for purpose in [Purpose::Worker, Purpose::Program] {
            tried += 1;
            let printed = lowered(source, purpose)
                .map_err(|faults| format!("{faults:?}"))
                .and_then(|lowered| printed(&lowered.text));
            match printed {
                Ok(lines) if (lines == wanted) != source.starts_with("//differs ") => {}
                Ok(lines) => {
                    let differs = lines.lines().zip(wanted.lines()).find(|(got, wanted)| got != wanted);
                    wrong.push(format!("{name}, {purpose:?}: {differs:?}"));
                }
                Err(error) => wrong.push(format!("{name}, {purpose:?}: {error}")),
            }
        }
    }
    assert!(recorded.is_empty(), "without a snippet: {recorded:?}");
    assert!(tried >= 2 * 60);
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_no_vault_has_is_refused_by_its_name() {
    let mut tried = 0;
    for (name, source) in snippets() {
        let Some(refused) = source.strip_prefix("//refused ") else { continue };
        tried += 1;
        let what = refused.lines().next().expect("says what");
        let faults = lowered(source, Purpose::Program).expect_err(name);
        assert!(faults.iter().all(|fault| fault.message.contains(what)), "{name}: {faults:?}");
        assert!(faults.iter().any(|fault| fault.instead.is_some()), "{name}: {faults:?}");
    }
    assert_eq!(tried, 4);
}
