//! Standard output: records, in the form that was asked for.
//!
//! A terminal decides style, never content: `auto` is a table there and one record per line
//! elsewhere. Lines are flushed one by one, so that a reader in a pipe can act on each; tables and
//! JSON documents are written at the end.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anstream::ColorChoice;

use super::color;
use super::error::CliError;
use super::ledger::Ledger;
use super::record::Record;
use super::{human, private, table, visible};

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
    pub(crate) ledger: Ledger,
}

fn written(result: io::Result<()>) -> Result<(), CliError> {
    result.map_err(|error| CliError::io("write to standard output", &error))
}

impl Output {
    pub(crate) fn new(style: Style) -> Self {
        let (kept, file, ledger) = Default::default();
        Self { style, kept, file, list: Cell::new(false), ledger }
    }

    /// Records go into this file, which only its owner can read; errors are told in words.
    pub(crate) fn keep_for(&self, path: Option<&PathBuf>) {
        *self.file.borrow_mut() = path.cloned();
    }

    /// What follows is a list, however many there are.
    pub(crate) fn list(&self) {
        self.list.set(true);
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
        match self.style.format {
            Format::Jsonl => written(line(&visible::json(&record.json)))?,
            Format::Id => match record.id() {
                Some(id) => written(line(&id))?,
                // What names nothing, as an error, is still not lost.
                None => written(line(&visible::json(&record.json)))?,
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
            Format::Table | Format::Wide if !self.style.mute => {
                written(self.colored(&human::line(record.kind, &record.value())))
            }
            // A document that never ends is no document.
            Format::Json if !self.style.mute => written(line(&visible::json(&record.json))),
            _ => self.record(record),
        }
    }

    /// One thing in full, where people read and have not said which columns they want.
    pub(crate) fn in_full(&self, record: &Record) -> Result<bool, CliError> {
        if self.style.format != Format::Table || !self.style.columns.is_empty() {
            return Ok(false);
        }
        let text = serde_yaml::to_string(&record.value()).map_err(io::Error::other);
        self.verbatim(&text.map_err(|error| CliError::io("write YAML", &error))?)?;
        Ok(true)
    }

    fn yaml(&self, record: &Record) -> io::Result<()> {
        let text = serde_yaml::to_string(&record.value()).map_err(io::Error::other)?;
        let mut out = io::stdout().lock();
        write!(out, "---\n{}", foreign(&text))?;
        out.flush()
    }

    fn colored(&self, text: &str) -> io::Result<()> {
        let mut out = color::stdout(self.style.color);
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Text that is no record: a bare result, a help page, a script. Its newlines are its own.
    pub(crate) fn text(&self, text: &str) -> Result<(), CliError> {
        if self.style.mute { Ok(()) } else { written(self.colored(text)) }
    }

    /// Others' text: a terminal is shown what is in it, everybody else gets it byte for byte.
    pub(crate) fn verbatim(&self, text: &str) -> Result<(), CliError> {
        let write = || {
            let mut out = io::stdout().lock();
            out.write_all(foreign(text).as_bytes())?;
            out.flush()
        };
        if self.style.mute { Ok(()) } else { written(write()) }
    }

    /// A line of a script's own, which is not touched.
    pub(crate) fn line(&self, text: &str) -> io::Result<()> {
        if self.style.mute { Ok(()) } else { line(text) }
    }

    fn done(&self, record: &Record) {
        if let Some(vault) = &record.made {
            self.ledger.reported(vault);
        }
    }

    /// Writes what was kept back.
    pub(crate) fn finish(&self) -> Result<(), CliError> {
        let kept = self.kept.take();
        if let Some(path) = self.file.take() {
            return into_file(&path, &kept).map(|()| kept.iter().for_each(|record| self.done(record)));
        }
        let text = match self.style.format {
            Format::Json if self.list.get() || kept.len() > 1 => {
                let values: Vec<_> = kept.iter().map(Record::value).collect();
                pretty(&serde_json::Value::Array(values))
            }
            Format::Json => kept.iter().map(|record| pretty(&record.value())).collect(),
            Format::Table | Format::Wide => self.drawn(&kept)?,
            Format::Jsonl | Format::Yaml | Format::Id => String::new(),
        };
        if !text.is_empty() {
            written(self.colored(&text))?;
        }
        kept.iter().for_each(|record| self.done(record));
        Ok(())
    }

    /// Tables of runs of one kind; kinds that read better as sentences are sentences.
    fn drawn(&self, kept: &[Record]) -> Result<String, CliError> {
        let runs = kept.chunk_by(|one, other| one.kind == other.kind);
        let plain = self.style.columns.is_empty() && self.style.format == Format::Table;
        runs.map(|run| {
            let values: Vec<_> = run.iter().map(Record::value).collect();
            if plain && human::speaks(run[0].kind) {
                return Ok(values.iter().map(|value| human::line(run[0].kind, value)).collect());
            }
            table::check_columns(run[0].kind, &values, &self.style.columns)?;
            Ok(table::draw(run[0].kind, &values, &self.style))
        })
        .collect()
    }
}

/// Of the terminal that standard output is.
pub(crate) fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

fn into_file(path: &Path, kept: &[Record]) -> Result<(), CliError> {
    if kept.is_empty() {
        return Ok(());
    }
    let text: String = kept.iter().map(|record| format!("{}\n", visible::json(&record.json))).collect();
    private::write(path, &text).map_err(|error| CliError::io(&format!("write {}", path.display()), &error))
}

fn foreign(text: &str) -> Cow<'_, str> {
    if io::stdout().is_terminal() { visible::lines(text) } else { text.into() }
}

fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

pub(crate) fn pretty(value: &serde_json::Value) -> String {
    let text = serde_json::to_string_pretty(value).expect("a JSON value serializes");
    format!("{}\n", visible::json(&text))
}
