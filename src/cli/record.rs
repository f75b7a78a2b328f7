//! Output records: what verbs write, one JSON object, with its version and kind in front.
//!
//! The text is what is written and handed on, byte for byte. Whoever draws it reads it again as the type that it
//! was made of ([`RecordKind`]), so a field that is called otherwise in the contract is an error of the compiler and no
//! empty cell. A kind of a newer version may have more fields than its type: they stay in the text of what is passed on
//! as it came ([`Record::told`]).

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::cell::Cell;
use super::kinds::Failed;
use crate::model::id::VaultId;
use crate::model::ticket::Ticket;
use hauki_contract::strict::{DocumentLimits, WireDocument};

/// The name of a field as it is written, of a type that has it: the compiler looks.
macro_rules! field {
    ($($of:ident)::+ { $name:ident }) => {{
        let _ = |of| match of {
            $($of)::+ { $name: _, .. } => (),
            #[allow(unreachable_patterns, reason = "of an enum there are others")]
            _ => (),
        };
        stringify!($name)
    }};
}
pub(crate) use field;

/// A kind of record, as the type of which such a record is made.
pub(crate) trait RecordKind: WireDocument + 'static {
    const NAME: &'static str;
    /// The field that the next verb would be given.
    const ID: Option<&'static str> = None;
    /// A field which says, where it is true, that nobody knows that id.
    const TRIED: Option<&'static str> = None;
    /// Of a table. None: it is told in a sentence, or shown as it is.
    const COLUMNS: &'static [Column<Self>] = &[];
    /// What `wide` adds to them.
    const WIDE: &'static [Column<Self>] = &[];
    /// Where a table would be the poorer form, and in streams; newline included.
    const SENTENCE: Option<fn(&Self) -> String> = None;
    /// What records of the kind may have, where the API has a schema of them.
    const FIELDS: fn() -> Option<Value> = || None;
}

pub(crate) fn fields<T: schemars::JsonSchema>() -> Option<Value> {
    schemars::schema_for!(T).get("properties").cloned()
}

pub(crate) struct Column<T> {
    pub(crate) title: &'static str,
    pub(crate) cell: fn(&T) -> Cell,
}

pub(crate) const fn col<T>(title: &'static str, cell: fn(&T) -> Cell) -> Column<T> {
    Column { title, cell }
}

/// What a record is made of. Only a node is written in two ways: of many, and of one in full.
pub(crate) trait Body: Serialize {
    type Kind: RecordKind;
}

impl<T: RecordKind + Serialize> Body for T {
    type Kind = T;
}

/// A kind without its type, for whoever has records of several.
pub(crate) trait Form: Sync {
    fn name(&self) -> &'static str;
    fn id(&self) -> Option<&'static str>;
    fn tried(&self) -> Option<&'static str>;
    fn titles(&self) -> Vec<&'static str>;
    fn wide_titles(&self) -> Vec<&'static str>;
    /// The cells of all columns, those of `wide` at the end.
    fn cells(&self, json: &str) -> Option<Vec<Cell>>;
    fn speaks(&self) -> bool;
    fn sentence(&self, json: &str) -> Option<String>;
    fn fields(&self) -> Option<Value>;
}

struct Of<T>(PhantomData<fn() -> T>);

impl<T: RecordKind> Of<T> {
    const FORM: &'static dyn Form = &Self(PhantomData);

    fn read(json: &str) -> Option<T> {
        T::read(json, DocumentLimits::MESSAGE, None).ok()
    }
}

impl<T: RecordKind> Form for Of<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn id(&self) -> Option<&'static str> {
        T::ID
    }

    fn tried(&self) -> Option<&'static str> {
        T::TRIED
    }

    fn titles(&self) -> Vec<&'static str> {
        T::COLUMNS.iter().map(|column| column.title).collect()
    }

    fn wide_titles(&self) -> Vec<&'static str> {
        T::WIDE.iter().map(|column| column.title).collect()
    }

    fn cells(&self, json: &str) -> Option<Vec<Cell>> {
        let record = Self::read(json)?;
        Some(T::COLUMNS.iter().chain(T::WIDE).map(|column| (column.cell)(&record)).collect())
    }

    fn speaks(&self) -> bool {
        T::SENTENCE.is_some()
    }

    fn sentence(&self, json: &str) -> Option<String> {
        T::SENTENCE.and_then(|told| Self::read(json).map(|record| told(&record)))
    }

    fn fields(&self) -> Option<Value> {
        (T::FIELDS)()
    }
}

#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) form: &'static dyn Form,
    /// One line, in the order of the fields of the type that it was made of.
    pub(crate) json: String,
    /// What was made and is lost if this record is.
    pub(crate) made: Option<VaultId>,
}

impl fmt::Debug for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Record({})", self.json)
    }
}

pub(crate) fn value(json: &str) -> Option<Value> {
    serde_json::from_str(json).ok()
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    v: u32,
    kind: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

impl Record {
    pub(crate) fn new<T: Body>(body: &T) -> Self {
        let json = serde_json::to_string(&Envelope { v: 1, kind: T::Kind::NAME, body })
            .expect("the bodies are structs and maps with string keys");
        Self { form: Of::<T::Kind>::FORM, json, made: None }
    }

    /// What was told by somebody who may know more of such records than this version: as it came.
    pub(crate) fn told<T: RecordKind>(text: &RawValue) -> Self {
        let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(text.get()).unwrap_or_default();
        let mut json = format!("{{\"v\":1,\"kind\":\"{}\",", T::NAME);
        // No member twice: these two are ours, whatever the other calls so.
        if ["v", "kind"].map(|name| members.remove(name).is_some()).contains(&true) {
            let rest = serde_json::to_string(&members).expect("its keys are strings");
            json.push_str(&rest[1..]);
        } else {
            json.push_str(text.get().strip_prefix('{').expect("a record is an object"));
        }
        Self { form: Of::<T>::FORM, json, made: None }
    }

    /// A ticket is a document of its own, and printed as exactly that.
    pub(crate) fn ticket(ticket: &Ticket) -> Self {
        let json = serde_json::to_string(ticket).expect("a ticket has string keys");
        Self { form: Of::<Ticket>::FORM, json, made: None }
    }

    /// An error, or one that is passed on: it is JSON already.
    pub(crate) fn failed(value: &Value) -> Self {
        Self { form: Of::<Failed>::FORM, json: value.to_string(), made: None }
    }

    pub(crate) fn made(mut self, vault: &VaultId) -> Self {
        self.made = Some(vault.clone());
        self
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.form.name()
    }

    /// As far as a value of ours can hold it: what is carried in it may be half of a surrogate pair, a number
    /// beyond all doubles, or deeper than a reader goes.
    pub(crate) fn value(&self) -> Option<Value> {
        value(&self.json)
    }

    /// What the next verb would be given.
    pub(crate) fn id(&self) -> Option<String> {
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(&self.json).ok()?;
        let is_tried = self.form.tried().and_then(|name| fields.get(name));
        if is_tried.is_some_and(|tried| tried.get() == "true") {
            return None;
        }
        serde_json::from_str(fields.get(self.form.id()?)?.get()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::kinds::Reply;
    use super::*;

    const VAULT: &str = "vlt_01HF7YAT00000000000000001A";

    fn reply(result: &str) -> Record {
        let result = RawValue::from_string(result.into()).expect("is JSON");
        let vault = VAULT.parse().expect("is an id");
        Record::new(&Reply { vault, method: "f".into(), input: None, result })
    }

    #[test]
    fn version_and_kind_come_first_and_raw_json_stays_as_it_was() {
        let record = reply("1.10");
        let told = format!(r#"{{"v":1,"kind":"reply","vault":"{VAULT}","method":"f","result":1.10}}"#);
        assert_eq!((record.json.as_str(), record.id().as_deref()), (told.as_str(), Some(VAULT)));
        assert!(record.value().is_some());
    }

    #[test]
    fn what_no_value_can_hold_is_a_record_all_the_same() {
        let record = reply(r#"{"\ud800":1e400}"#);
        assert_eq!(record.id().as_deref(), Some(VAULT));
        assert!(record.value().is_none());
    }

    #[test]
    fn what_a_newer_version_says_more_stays_in_the_text_and_harms_no_table() {
        let mut record = reply("1");
        record.json = record.json.replace("\"v\":1,", "\"v\":1,\"newer\":{\"a\":[1]},");
        assert!(record.form.cells(&record.json).is_some() && record.json.contains("newer"));
    }

    #[test]
    fn what_is_passed_on_has_no_member_twice() {
        let told = |text: &str| {
            let text = RawValue::from_string(text.to_owned()).expect("is JSON");
            Record::told::<Failed>(&text).json
        };
        assert_eq!(told(r#"{"b":1.0,"a":"\ud800"}"#), r#"{"v":1,"kind":"error","b":1.0,"a":"\ud800"}"#);
        for other in [r#""kind":"ticket""#, r#""v":2"#, r#""\u006bind":1"#] {
            assert_eq!(
                told(&format!(r#"{{"b":1.0,{other},"a":2}}"#)),
                r#"{"v":1,"kind":"error","a":2,"b":1.0}"#
            );
        }
    }
}
