//! Record input: what verbs read, ids, files of records, or an explicit `-`.
//!
//! A file holds records as JSON objects, one per line or printed over many, in arrays or not, or bare
//! ids and names, one per line. What cannot be read becomes a failed item of its own and the rest goes on.
//! Standard input is never read uninvited: it would eat the list of a `while read` loop.

use serde_json::{Map, Value};

use super::batch::BatchItem;
use super::context::Ctx;
use super::error::{CliError, ErrorKind};
use super::kinds::{BeatRecord, EventRecord, Happened, Reply, TeardownRecord};
use super::lookup::{self, NameLookup};
use super::record::{RecordKind as _, field};
use super::{bounded_read, stdin, ticket_files};
use crate::api::gem::Gem;
use crate::api::spool::SpoolEntry;
use crate::api::summons::Summons;
use crate::api::vault::Vault;
use crate::client::Exit;
use crate::model::id::{SpoolId, SummonsId, VaultId};
use crate::model::receipt::Receipt;
use crate::model::ticket::Ticket;
use hauki_contract::strict;
use hauki_contract::strict::stream::{self, Piece, Pieces};

#[derive(Debug)]
pub(crate) struct Item {
    /// How errors call it: the id where it has one.
    pub(crate) name: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Id(String),
    /// A line of a file that may be a worker's name or the beginning of an id.
    Word {
        text: String,
        place: String,
    },
    Record(Map<String, Value>),
    /// `"ok": false`: an earlier verb's failure, which is passed on.
    Failed(Value),
    Broken(CliError),
}

/// The members of a record that name what it is about.
const NAMING: [&str; 3] = [field!(Vault { id }), field!(Ticket { vault }), field!(Vault { summons })];

/// By what errors call a record: the id that it has, of whatever kind.
const CALLED: [&str; 3] = [field!(Vault { id }), field!(Ticket { vault }), field!(Gem { pointer })];

/// For each kind of record that names a vault, the field that does.
const VAULTS: [(&str, &str); 7] = [
    (Vault::NAME, field!(Vault { id })),
    (Ticket::NAME, field!(Ticket { vault })),
    (BeatRecord::NAME, field!(BeatRecord { vault })),
    (Reply::NAME, field!(Reply { vault })),
    (TeardownRecord::NAME, field!(Receipt { vault })),
    (EventRecord::NAME, field!(Happened { vault })),
    (SpoolEntry::NAME, field!(SpoolEntry { vault })),
];

const SUMMONS: [(&str, &str); 3] = [
    (Summons::NAME, field!(Summons { id })),
    (Vault::NAME, field!(Vault { summons })),
    (SpoolEntry::NAME, field!(SpoolEntry { summons })),
];

const ENTRIES: [(&str, &str); 1] = [(SpoolEntry::NAME, field!(SpoolEntry { id }))];

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
    let (mut items, names) = (Vec::new(), NameLookup::default());
    for argument in arguments {
        if argument == "-" {
            let bytes = bounded_read::read("-".as_ref(), bounded_read::MOST_BYTES).await;
            let bytes = bytes.map_err(|error| CliError::unreadable("standard input", &error))?;
            items.extend(parsed("standard input", bytes).await?);
        } else if is_id(argument) && !lookup::is_short(argument) {
            items.push(Item { name: argument.clone(), what: What::Id(argument.clone()) });
        } else {
            match bounded_read::read(argument.as_ref(), bounded_read::MOST_BYTES).await {
                Ok(_) if could_be_name(argument) && names.is_taken(ctx, argument).await => {
                    let error =
                        CliError::usage(format!("{argument} is a file here and names a vault as well"));
                    return Err(error.hint(format!("./{argument} is the file; the vault has an id")));
                }
                Ok(bytes) => {
                    let read = parsed(argument, bytes).await?;
                    if read.iter().any(Item::is_ticket) && ticket_files::is_shared(argument.as_ref()) {
                        ctx.warn(&format!(
                            "{argument} holds a ticket and others can read it: chmod 600; --out writes it so"
                        ));
                    }
                    items.extend(read);
                }
                Err(error) => items.push(named(ctx, &names, argument, &error).await),
            }
        }
    }
    for item in &mut items {
        item.resolve(ctx, &names).await;
    }
    Ok(items)
}

/// Whether a file could have taken the place of a vault's name, put there by somebody else. Who writes a path or
/// an ending of records means the file, and no control plane is asked.
fn could_be_name(argument: &str) -> bool {
    !argument.starts_with(['.', '/']) && ![".json", ".jsonl"].iter().any(|ending| argument.ends_with(ending))
}

/// A word of a file that is nobody's name, any more.
fn nobody(text: &str, place: &str) -> CliError {
    let message = format!("{place}: there is no id and no live worker {text}");
    CliError::new(ErrorKind::new("not_found", Exit::NotFound), message)
}

/// What is no file: a vault that is called so, or what has an id that begins so.
async fn named(ctx: &Ctx, names: &NameLookup, argument: &str, error: &std::io::Error) -> Item {
    let what = match names.find(ctx, argument).await {
        Ok(Some(id)) => What::Id(id),
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
    let message = format!("there is no id, no live worker and no file {argument}");
    let error = CliError::new(ErrorKind::new("not_found", Exit::NotFound), message);
    if lookup::is_too_short(argument) {
        let (letters, listed) = (lookup::LETTERS, lookup::listed(argument));
        return error.hint(format!("type at least {letters} letters of the id; {listed}"));
    }
    error.hint("an argument is an id or its beginning, a worker's name, a file of records, or -")
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
    let items = bounded_read::made(bytes, move |bytes| parse(&name, bytes)).await;
    items.ok_or_else(|| {
        CliError::new(ErrorKind::new("internal", Exit::Bug), format!("{origin} was not looked through"))
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
            stream::StreamItem::Document(value) => items.push(item(origin, value, line)),
            stream::StreamItem::Array(array) => {
                items.extend(array.into_iter().map(|value| item(origin, value, line)));
            }
            stream::StreamItem::Word(word) => items.push(bare(origin, word, line)),
            stream::StreamItem::Broken { column, reason } => {
                let message = format!("{origin}:{line}:{column}: the record is not JSON: {reason}");
                let error = CliError::data("bad_record", message);
                items.push(Item { name: format!("{origin}:{line}"), what: What::Broken(error) });
            }
        }
    }
    items
}

fn bare(origin: &str, line: &str, number: usize) -> Item {
    if is_id(line) && !lookup::is_short(line) {
        return Item { name: line.to_owned(), what: What::Id(line.to_owned()) };
    }
    if lookup::is_likely(line) {
        let place = format!("{origin}:{number}");
        return Item { name: line.to_owned(), what: What::Word { text: line.to_owned(), place } };
    }
    neither(origin, line, number)
}

fn neither(origin: &str, text: &str, number: usize) -> Item {
    let place = format!("{origin}:{number}");
    let shown: String = text.chars().take(40).collect();
    let message = format!("{place}: {shown:?} is neither a record, nor an id, nor a name");
    Item { name: place, what: What::Broken(CliError::data("bad_record", message)) }
}

fn item(origin: &str, value: Value, number: usize) -> Item {
    match value {
        Value::Object(fields) => {
            let id = CALLED.iter().find_map(|name| fields.get(*name)?.as_str());
            let name = id.map_or_else(|| format!("{origin}:{number}"), str::to_owned);
            if fields.get("ok") == Some(&Value::Bool(false)) {
                return Item { name, what: What::Failed(Value::Object(fields)) };
            }
            Item { name, what: What::Record(fields) }
        }
        Value::String(text) => bare(origin, &text, number),
        other => neither(origin, &other.to_string(), number),
    }
}

impl BatchItem for Item {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn passed_on(&self) -> Option<&Value> {
        match &self.what {
            What::Failed(value) => Some(value),
            What::Id(_) | What::Word { .. } | What::Record(_) | What::Broken(_) => None,
        }
    }
}

impl Item {
    pub(crate) fn of_id(id: &str) -> Self {
        Self { name: id.to_owned(), what: What::Id(id.to_owned()) }
    }

    /// From a word to the vault that is meant by it.
    async fn resolve(&mut self, ctx: &Ctx, names: &NameLookup) {
        let What::Word { text, place } = &self.what else { return };
        self.what = match names.find(ctx, text).await {
            Ok(Some(id)) => What::Id(id),
            Ok(None) => What::Broken(nobody(text, place)),
            Err(error) => What::Broken(error),
        };
    }

    fn field(&self, wanted: &'static str, prefix: &str, of: &[(&str, &str)]) -> Result<&str, CliError> {
        match &self.what {
            What::Id(id) => Ok(id),
            What::Word { text, place } => Err(nobody(text, place)),
            What::Record(fields) => {
                if let Some(v) = fields.get("v").filter(|v| v.as_u64() != Some(1)) {
                    return Err(CliError::data(
                        "bad_record",
                        format!("a record of version {v} is not known"),
                    ));
                }
                let named = NAMING.iter().filter_map(|name| fields.get(*name)?.as_str());
                let named: Vec<&str> = named.filter(|id| id.starts_with(prefix)).collect();
                if let Some(other) = named.iter().find(|id| **id != named[0]) {
                    let one = named[0];
                    let message = format!("the record names two of them, {one} and {other}: which is meant?");
                    return Err(CliError::data("bad_record", message));
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
        parse_id(self.field("vault", VaultId::PREFIX, &VAULTS)?)
    }

    pub(crate) fn summons(&self) -> Result<SummonsId, CliError> {
        parse_id(self.field("summons", SummonsId::PREFIX, &SUMMONS)?)
    }

    pub(crate) fn spool(&self) -> Result<SpoolId, CliError> {
        parse_id(self.field("spool entry", SpoolId::PREFIX, &ENTRIES)?)
    }

    pub(crate) fn is_ticket(&self) -> bool {
        matches!(&self.what, What::Record(fields) if fields.get("kind").is_some_and(|kind| kind == Ticket::NAME))
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
            What::Id(_) | What::Word { .. } | What::Record(_) | What::Failed(_) => {
                Err(CliError::new(ErrorKind::new("bad_record", Exit::Data), "it is not a ticket"))
            }
        }
    }
}

fn parse_id<T: std::str::FromStr<Err = crate::model::id::IdError>>(text: &str) -> Result<T, CliError> {
    text.parse().map_err(|error: crate::model::id::IdError| CliError::data("bad_id", error.to_string()))
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
