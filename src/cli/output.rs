//! Output formats: records on standard output, in the form that was asked for.
//!
//! A terminal decides style, never content: `auto` is a table there and one record per line
//! elsewhere. Lines are flushed one by one, so that a reader in a pipe can act on each; tables and
//! JSON documents are written at the end.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use anstream::ColorChoice;

use super::error::CliError;
use super::pretty_json::indented;
use super::record::{Form, Record};
use super::sanitize::OutputKind;
use super::terminal_width::folded;
use super::undo::UndoLog;
use super::{sanitize, stdout, table, ticket_files};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Wide,
    Jsonl,
    Json,
    Yaml,
    Id,
}

pub(crate) const FORMATS: &str = "auto, table, wide, jsonl, json, yaml, id";

impl Format {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" if io::stdout().is_terminal() => Some(Self::Table),
            "auto" | "jsonl" => Some(Self::Jsonl),
            "table" => Some(Self::Table),
            "wide" => Some(Self::Wide),
            "json" => Some(Self::Json),
            "yaml" => Some(Self::Yaml),
            "id" => Some(Self::Id),
            _ => None,
        }
    }

    fn is_table(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Style {
    pub(crate) format: Format,
    pub(crate) color: ColorChoice,
    pub(crate) columns: Vec<String>,
    pub(crate) header: bool,
    /// Show secrets in tables.
    pub(crate) reveal: bool,
    /// `-qq`: records are dropped as well.
    pub(crate) mute: bool,
    /// Of the terminal, where there is one: what a table must fit into.
    pub(crate) width: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) style: Style,
    kept: RefCell<Vec<Record>>,
    /// Where records go instead of standard output, at the end.
    file: RefCell<Option<PathBuf>>,
    /// Whether JSON is an array even for one record.
    list: Cell<bool>,
    /// A column that was named and is none of the first record's, where no table is drawn: what is under way goes on,
    /// and ends with it.
    misnamed: RefCell<Option<CliError>>,
    checked: Cell<bool>,
    pub(crate) shown: OutputKind,
    pub(crate) ledger: UndoLog,
}

fn written(result: io::Result<()>) -> Result<(), CliError> {
    result.map_err(|error| CliError::io("write to standard output", &error))
}

impl Output {
    pub(crate) fn new(style: Style) -> Self {
        let (kept, file, list, misnamed, checked, ledger) = Default::default();
        Self { style, kept, file, list, misnamed, checked, shown: OutputKind::of_stdout(), ledger }
    }

    /// Records go into this file, which only its owner can read; errors are told in words.
    pub(crate) fn keep_for(&self, path: Option<&PathBuf>) {
        *self.file.borrow_mut() = path.cloned();
    }

    /// What follows is a list, however many there are.
    pub(crate) fn list(&self) {
        self.list.set(true);
    }

    /// Whether somebody at a terminal gets records where a list would have been a table.
    pub(crate) fn is_list_elsewhere(&self) -> bool {
        self.list.get()
            && self.style.format == Format::Jsonl
            && self.shown == OutputKind::Elsewhere
            && io::stderr().is_terminal()
    }

    /// Whether failed items are told in words on standard error rather than as records.
    pub(crate) fn is_for_people(&self) -> bool {
        matches!(self.style.format, Format::Table | Format::Wide | Format::Id) || self.file.borrow().is_some()
    }

    pub(crate) fn record(&self, record: Record) -> Result<(), CliError> {
        if self.file.borrow().is_some() {
            self.kept.borrow_mut().push(record);
            return Ok(());
        }
        if self.style.mute {
            self.done(&record);
            return Ok(());
        }
        let is_checked = self.style.columns.is_empty() || self.style.format.is_table();
        // What has no columns, as an item that failed, is no example of what was asked for.
        if !is_checked && !record.form.titles().is_empty() && !self.checked.replace(true) {
            *self.misnamed.borrow_mut() = table::check(&record, &self.style.columns).err();
        }
        match self.style.format {
            Format::Jsonl => written(stdout::line(&self.shown.json(&record.json)))?,
            Format::Id => match record.id() {
                Some(id) => written(stdout::line(&self.shown.lines(&id)))?,
                // What names nothing, as an error, is still not lost.
                None => written(stdout::line(&self.shown.json(&record.json)))?,
            },
            Format::Yaml => written(self.yaml(&record))?,
            Format::Table | Format::Wide | Format::Json => {
                self.kept.borrow_mut().push(record);
                return Ok(());
            }
        }
        self.done(&record);
        Ok(())
    }

    /// A record of a stream, which is shown at once in every form.
    pub(crate) fn stream(&self, record: Record) -> Result<(), CliError> {
        match self.style.format {
            Format::Table | Format::Wide if !self.style.mute => written(self.colored(&self.told(&record))),
            // A document that never ends is no document.
            Format::Json if !self.style.mute => written(stdout::line(&self.shown.json(&record.json))),
            _ => self.record(record),
        }
    }

    /// One thing in full, where people read and have not said which columns they want.
    pub(crate) fn in_full(&self, record: &Record) -> Result<bool, CliError> {
        if self.style.format != Format::Table || !self.style.columns.is_empty() {
            return Ok(false);
        }
        self.verbatim(&yaml(record).map_err(|error| CliError::io("write YAML", &error))?)?;
        Ok(true)
    }

    fn yaml(&self, record: &Record) -> io::Result<()> {
        let text = yaml(record)?;
        stdout::write(&format!("---\n{}", self.shown.lines(&text)))
    }

    fn colored(&self, text: &str) -> io::Result<()> {
        stdout::colored(self.style.color, text)
    }

    /// Text that is no record: a bare result, a help page, a script. Its newlines are its own.
    pub(crate) fn text(&self, text: &str) -> Result<(), CliError> {
        if self.style.mute { Ok(()) } else { written(self.colored(text)) }
    }

    /// Others' text: a terminal is shown what is in it, everybody else gets it byte for byte.
    pub(crate) fn verbatim(&self, text: &str) -> Result<(), CliError> {
        if self.style.mute { Ok(()) } else { written(stdout::write(&self.shown.lines(text))) }
    }

    /// A line of a script's own, whose words may be those of its workers.
    pub(crate) fn line(&self, text: &str) -> io::Result<()> {
        if self.style.mute { Ok(()) } else { stdout::line(&self.shown.lines(text)) }
    }

    /// A result exactly as the worker wrote it.
    pub(crate) fn result(&self, text: &str) -> Result<(), CliError> {
        if self.style.mute { Ok(()) } else { written(stdout::line(&self.shown.json(text))) }
    }

    /// The same laid out for people.
    pub(crate) fn laid_out(&self, text: &str) -> Result<(), CliError> {
        self.result(&indented(text))
    }

    fn done(&self, record: &Record) {
        if let Some(vault) = &record.made {
            self.ledger.reported(vault);
        }
    }

    /// Writes what was kept for a file, if there is one; nothing is kept for standard output then.
    pub(crate) fn write_file(&self) -> Option<impl Future<Output = Result<(), CliError>>> {
        let path = self.file.take()?;
        let kept = self.kept.take();
        Some(async move {
            if !kept.is_empty() {
                let text = kept.iter().map(|record| format!("{}\n", record.json)).collect();
                let written = ticket_files::write(&path, text).await;
                written.map_err(|error| CliError::io(&format!("write {}", path.display()), &error))?;
            }
            kept.iter().for_each(|record| self.done(record));
            Ok(())
        })
    }

    /// Writes what was kept back.
    pub(crate) fn finish(&self) -> Result<(), CliError> {
        let kept = self.kept.take();
        match self.style.format {
            Format::Json if self.list.get() || kept.len() > 1 => {
                let all: Vec<&str> = kept.iter().map(|record| record.json.as_str()).collect();
                written(stdout::line(&self.shown.json(&indented(&format!("[{}]", all.join(","))))))?;
            }
            Format::Json => kept
                .iter()
                .try_for_each(|record| written(stdout::line(&self.shown.json(&indented(&record.json)))))?,
            Format::Table | Format::Wide => {
                let text = self.drawn(&kept)?;
                if !text.is_empty() {
                    written(self.colored(&text))?;
                }
            }
            Format::Jsonl | Format::Yaml | Format::Id => {}
        }
        kept.iter().for_each(|record| self.done(record));
        self.misnamed.take().map_or(Ok(()), Err)
    }

    /// Tables of runs of one kind; kinds that read better as sentences are sentences.
    fn drawn(&self, kept: &[Record]) -> Result<String, CliError> {
        let runs = kept.chunk_by(|one, other| one.kind() == other.kind());
        let are_told = |form: &dyn Form| {
            let is_plain = self.style.format == Format::Table || form.titles().is_empty();
            is_plain && self.style.columns.is_empty() && form.speaks()
        };
        runs.map(|run| {
            let form = run[0].form;
            if are_told(form) {
                return Ok(run.iter().map(|record| self.told(record)).collect::<String>());
            }
            let (read, unread): (Vec<_>, Vec<_>) =
                run.iter().partition(|record| form.cells(&record.json).is_some());
            let table = table::draw(form, &read, &self.style)?;
            Ok([table].into_iter().chain(unread.into_iter().map(|record| self.told(record))).collect())
        })
        .collect()
    }

    /// A sentence, newline included; where no type of ours can hold the record, its text.
    fn told(&self, record: &Record) -> String {
        let sentence = record.form.sentence(&record.json);
        let sentence = sentence.unwrap_or_else(|| format!("{}\n", sanitize::json(&record.json)));
        match self.style.width {
            Some(width) => folded(&sentence, width),
            None => sentence,
        }
    }
}

/// The same for YAML, which is what JSON is too.
fn yaml(record: &Record) -> io::Result<String> {
    match record.value() {
        Some(value) => serde_yaml::to_string(&value).map_err(io::Error::other),
        None => Ok(format!("{}\n", indented(&record.json))),
    }
}

/// Of the terminal that standard output is.
pub(crate) fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}
