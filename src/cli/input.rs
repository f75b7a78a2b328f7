//! What verbs read: ids, files of records, or an explicit `-`.
//!
//! A file holds records as JSON objects, one per line or printed over many, in arrays or not, or bare
//! ids, one per line. What cannot be read becomes a failed item of its own and the rest goes on.
//! Standard input is never read uninvited: it would eat the list of a `while read` loop.

use serde_json::{Map, Value};

use super::batch::Task;
use super::context::Ctx;
use super::error::{CliError, Kind};
use super::{named, private, stdin, whole};
use crate::client::Exit;
use crate::model::id::{SpoolId, SummonsId, VaultId};
use crate::model::ticket::Ticket;
use crate::strict;
use crate::strict::stream::{self, Piece, Pieces};

#[derive(Debug)]
pub(crate) struct Item {
    /// How errors call it: the id where it has one.
    pub(crate) name: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Id(String),
    Record(Map<String, Value>),
    /// `"ok": false`: an earlier verb's failure, which is passed on.
    Failed(Value),
    Broken(CliError),
}

fn is_id(text: &str) -> bool {
    ["vlt_", "sum_", "tkt_", "spl_"].iter().any(|prefix| text.starts_with(prefix))
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Reads what the arguments name. A file comes before a name, and both before the beginning of an id.
pub(crate) async fn read(ctx: &Ctx, arguments: &[String]) -> Result<Vec<Item>, CliError> {
    if arguments.is_empty() {
        let error = CliError::usage("no id, file or - was given");
        return Err(if stdin::is_piped() {
            error.hint("add - to read records from standard input")
        } else {
            error.hint("give ids, names, files of records, or - for standard input")
        });
    }
    let mut items = Vec::new();
    for argument in arguments {
        if argument == "-" {
            let bytes = whole::read("-".as_ref(), whole::MOST_BYTES).await;
            let bytes = bytes.map_err(|error| CliError::unreadable("standard input", &error))?;
            items.extend(parsed("standard input", bytes).await?);
        } else if is_id(argument) && !is_short(argument) {
            items.push(Item { name: argument.clone(), what: What::Id(argument.clone()) });
        } else {
            match whole::read(argument.as_ref(), whole::MOST_BYTES).await {
                Ok(_) if could_be_name(argument) && named::find(ctx, argument).await?.is_some() => {
                    let error =
                        CliError::usage(format!("{argument} is a file here and names a vault as well"));
                    return Err(error.hint(format!("./{argument} is the file; the vault has an id")));
                }
                Ok(bytes) => {
                    let read = parsed(argument, bytes).await?;
                    if read.iter().any(Item::is_ticket) && private::is_shared(argument.as_ref()) {
                        ctx.warn(&format!(
                            "{argument} holds a ticket and others can read it: chmod 600; --out writes it so"
                        ));
                    }
                    items.extend(read);
                }
                Err(error) => items.push(named(ctx, argument, &error).await),
            }
        }
    }
    Ok(items)
}

/// Whether a file could have taken the place of a vault's name, put there by somebody else. Who writes a path or
/// an ending of records means the file, and no control plane is asked.
fn could_be_name(argument: &str) -> bool {
    !argument.starts_with(['.', '/']) && ![".json", ".jsonl"].iter().any(|ending| argument.ends_with(ending))
}

fn is_short(id: &str) -> bool {
    id.starts_with(VaultId::PREFIX) && id.parse::<VaultId>().is_err()
}

/// What is no file: a vault that is called so, or whose id begins so.
async fn named(ctx: &Ctx, argument: &str, error: &std::io::Error) -> Item {
    let what = match named::find(ctx, argument).await {
        Ok(Some(vault)) => What::Id(vault.to_string()),
        Ok(None) => What::Broken(unknown(argument, error)),
        Err(error) => What::Broken(error),
    };
    Item { name: argument.to_owned(), what }
}

/// What is neither a file nor anybody's name, any more.
fn unknown(argument: &str, error: &std::io::Error) -> CliError {
    if error.kind() != std::io::ErrorKind::NotFound || !could_be_name(argument) {
        let error = CliError::unreadable(argument, error);
        return error.hint("an argument is an id or its beginning, a worker's name, a file of records, or -");
    }
    let message = format!("there is no live worker, no vault and no file {argument}");
    let error = CliError::new(Kind::new("not_found", Exit::NotFound), message);
    match argument.strip_prefix(VaultId::PREFIX) {
        Some(rest) if rest.len() < named::LETTERS => {
            error.hint(format!("type at least {} letters of the id; hauki ls shows them", named::LETTERS))
        }
        _ => error.hint("an argument is an id or its beginning, a worker's name, a file of records, or -"),
    }
}

/// Like [`read`], for verbs that make no sense without an item.
pub(crate) async fn read_some(ctx: &Ctx, arguments: &[String]) -> Result<Vec<Item>, CliError> {
    let items = read(ctx, arguments).await?;
    if items.is_empty() {
        let error = CliError::data("no_records", format!("{} holds no record", arguments.join(", ")));
        return Err(error.hint("the command that should have written it may have failed"));
    }
    Ok(items)
}

async fn parsed(origin: &str, bytes: Vec<u8>) -> Result<Vec<Item>, CliError> {
    let name = origin.to_owned();
    let items = whole::made(bytes, move |bytes| parse(&name, bytes)).await;
    items.ok_or_else(|| {
        CliError::new(Kind::new("internal", Exit::Bug), format!("{origin} was not looked through"))
    })
}

fn parse(origin: &str, bytes: &[u8]) -> Vec<Item> {
    let text = match strict::text(bytes) {
        Ok(text) => text,
        Err(error) => {
            let error = CliError::data("bad_record", format!("{origin}: {error}"));
            return vec![Item { name: origin.to_owned(), what: What::Broken(error) }];
        }
    };
    let mut items = Vec::new();
    for Piece { line, what } in Pieces::new(text) {
        match what {
            stream::What::Document(value) => items.push(item(origin, value, line)),
            stream::What::Array(array) => {
                items.extend(array.into_iter().map(|value| item(origin, value, line)));
            }
            stream::What::Word(word) => items.push(bare(origin, word, line)),
            stream::What::Broken { column, reason } => {
                let message = format!("{origin}:{line}:{column}: the record is not JSON: {reason}");
                let error = CliError::data("bad_record", message);
                items.push(Item { name: format!("{origin}:{line}"), what: What::Broken(error) });
            }
        }
    }
    items
}

fn bare(origin: &str, line: &str, number: usize) -> Item {
    if is_id(line) {
        return Item { name: line.to_owned(), what: What::Id(line.to_owned()) };
    }
    let shown: String = line.chars().take(40).collect();
    let message = format!("{origin}:{number}: {shown:?} is neither a record nor an id");
    Item { name: format!("{origin}:{number}"), what: What::Broken(CliError::data("bad_record", message)) }
}

fn item(origin: &str, value: Value, number: usize) -> Item {
    match value {
        Value::Object(fields) => {
            let id = ["id", "vault", "pointer"].iter().find_map(|name| fields.get(*name)?.as_str());
            let name = id.map_or_else(|| format!("{origin}:{number}"), str::to_owned);
            if fields.get("ok") == Some(&Value::Bool(false)) {
                return Item { name, what: What::Failed(Value::Object(fields)) };
            }
            Item { name, what: What::Record(fields) }
        }
        Value::String(text) => bare(origin, &text, number),
        other => bare(origin, &other.to_string(), number),
    }
}

impl Task for Item {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn passed_on(&self) -> Option<&Value> {
        match &self.what {
            What::Failed(value) => Some(value),
            What::Id(_) | What::Record(_) | What::Broken(_) => None,
        }
    }
}

impl Item {
    pub(crate) fn of_id(id: &str) -> Self {
        Self { name: id.to_owned(), what: What::Id(id.to_owned()) }
    }

    fn field(&self, wanted: &'static str, of: &[(&str, &str)]) -> Result<&str, CliError> {
        match &self.what {
            What::Id(id) => Ok(id),
            What::Record(fields) => {
                if let Some(v) = fields.get("v").filter(|v| v.as_u64() != Some(1)) {
                    return Err(CliError::data(
                        "bad_record",
                        format!("a record of version {v} is not known"),
                    ));
                }
                let kind = fields.get("kind").and_then(Value::as_str).unwrap_or("record without kind");
                of.iter()
                    .find(|(of_kind, _)| *of_kind == kind)
                    .and_then(|(_, name)| fields.get(*name)?.as_str())
                    .ok_or_else(|| CliError::data("bad_record", format!("a {kind} record names no {wanted}")))
            }
            What::Failed(_) => Err(CliError::data("bad_record", "an earlier verb failed on it")),
            What::Broken(error) => Err(error.clone()),
        }
    }

    pub(crate) fn vault(&self) -> Result<VaultId, CliError> {
        let of = [
            ("vault", "id"),
            ("ticket", "vault"),
            ("beat", "vault"),
            ("reply", "vault"),
            ("receipt", "vault"),
            ("event", "vault"),
            ("spool", "vault"),
        ];
        parse_id(self.field("vault", &of)?)
    }

    pub(crate) fn summons(&self) -> Result<SummonsId, CliError> {
        parse_id(self.field("summons", &[("summons", "id"), ("vault", "summons"), ("spool", "summons")])?)
    }

    pub(crate) fn spool(&self) -> Result<SpoolId, CliError> {
        parse_id(self.field("spool entry", &[("spool", "id")])?)
    }

    pub(crate) fn is_ticket(&self) -> bool {
        matches!(&self.what, What::Record(fields) if fields.get("kind").is_some_and(|kind| kind == "ticket"))
    }

    /// The ticket document. It is strict: a field that it does not have is an error.
    pub(crate) fn ticket(&self) -> Result<Ticket, CliError> {
        match &self.what {
            What::Record(fields) if self.is_ticket() => {
                let ticket: Ticket = strict::from_value(&Value::Object(fields.clone())).map_err(|error| {
                    CliError::data("bad_ticket", format!("it is not a ticket: {error}"))
                        .hint("hauki ticket --schema prints the form")
                })?;
                ticket.check_known().map_err(|error| CliError::data("bad_ticket", error.to_string()))?;
                Ok(ticket)
            }
            What::Broken(error) => Err(error.clone()),
            What::Id(_) | What::Record(_) | What::Failed(_) => {
                Err(CliError::new(Kind::new("bad_record", Exit::Data), "it is not a ticket"))
            }
        }
    }
}

fn parse_id<T: std::str::FromStr<Err = crate::model::id::IdError>>(text: &str) -> Result<T, CliError> {
    text.parse().map_err(|error: crate::model::id::IdError| CliError::data("bad_id", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: &str = "vlt_01HF7YAT00000000000000001A";

    fn names(text: &str) -> Vec<String> {
        parse("f", text.as_bytes()).into_iter().map(|item| item.name).collect()
    }

    #[test]
    fn records_come_in_every_spelling() {
        let line = format!(r#"{{"v":1,"kind":"vault","id":"{VAULT}"}}"#);
        let pretty = format!("{{\n  \"kind\": \"vault\",\n  \"id\": \"{VAULT}\"\n}}");
        let text = format!("{line}\n\n{pretty}\n{pretty}{line}\r\n[{line},\n{line}]\n{VAULT}\n  {VAULT}  ");
        let items = parse("f", text.as_bytes());
        assert_eq!(items.len(), 8);
        for item in &items {
            assert_eq!(item.vault().expect("names a vault").as_str(), VAULT);
        }
        assert!(parse("f", b" \n\n").is_empty());
    }

    #[test]
    fn a_bad_record_does_not_stop_the_others() {
        let text = format!("{{\"kind\":\"vault\",\n oops\n{{\"id\":\"{VAULT}\"}}\nnonsense\n{VAULT}\n");
        assert_eq!(names(&text), ["f:2", VAULT, "f:4", VAULT]);
        let items = parse("f", text.as_bytes());
        assert!(items[0].vault().is_err() && items[3].vault().is_ok());
        assert!(parse("f", b"\xff")[0].vault().is_err());
    }

    #[test]
    fn much_on_one_line_or_on_many_is_read_in_one_pass() {
        // Each of these took minutes: for every item what was before it, or the rest of its line, was read anew.
        let count = 200_000;
        let ids = format!("{VAULT}\n").repeat(count);
        for text in ["{}".repeat(count), "{}\n".repeat(count), format!("[{}1]", "1,".repeat(count - 1)), ids]
        {
            assert_eq!(parse("f", text.as_bytes()).len(), count);
        }
        let items = parse("f", "{\n".repeat(count).as_bytes());
        assert!(items.len() >= count - 1 && items[count - 2].name.starts_with(&format!("f:{count}")));
    }

    #[test]
    fn a_record_is_read_strictly_and_a_byte_order_mark_is_nothing() {
        let items = parse("f", format!("\u{feff}{{\"kind\":\"vault\",\"id\":\"{VAULT}\"}}\n").as_bytes());
        assert_eq!(items[0].vault().expect("names a vault").as_str(), VAULT);
        for text in [r#"{"kind":"vault","kind":"ticket"}"#, r#"{"kind":"vault","id":"\ud800"}"#] {
            let items = parse("f", text.as_bytes());
            assert_eq!(items[0].vault().expect_err(text).kind.code, "bad_record");
        }
        let items = parse("f", br#"{"v":1,"kind":"ticket","lease":[1,2,false,3]}"#);
        let told = items[0].ticket().expect_err("has a list for an object").text(None);
        assert!(told.contains("lease: ") && told.contains("expected an object"), "{told}");
    }

    #[test]
    fn failures_are_passed_on_and_unknown_fields_do_not_matter() {
        let text = format!(
            r#"{{"ok":false,"kind":"error","id":"x"}} {{"kind":"ticket","vault":"{VAULT}","new":1}}"#
        );
        let items = parse("f", text.as_bytes());
        assert!(items[0].passed_on().is_some());
        assert!(items[1].passed_on().is_none() && items[1].is_ticket());
        assert_eq!(items[1].vault().expect("names a vault").as_str(), VAULT);
        assert_eq!(items[1].ticket().expect_err("is incomplete").kind.code, "bad_ticket");
        assert_eq!(items[1].summons().expect_err("names none").kind.exit, Exit::Data);
    }
}
