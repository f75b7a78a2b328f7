//! Table rendering: records as tables, the columns of their kind, those that `wide` adds, or those that a user names.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use super::cell::{Cell, some};
use super::error::CliError;
use super::output::{Format, Style};
use super::record::{Form, Record};
use super::sanitize;
use super::terminal_width::{fit, leave_out_empty};

/// What a user's own column leads to.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name)).filter(|value| !value.is_null())
}

/// The same as a cell. The ticket's `auth` holds the token.
fn own(value: &Value, path: &str) -> Cell {
    let is_secret = path.split('.').any(|name| name == "auth" || name == "token");
    some(at(value, path).cloned(), if is_secret { Cell::Secret } else { Cell::Any })
}

/// A column must be a title, or a field that records of the kind have, or could have.
fn check_columns(form: &dyn Form, values: &[Value], names: &[String]) -> Result<(), CliError> {
    let titles = [form.titles(), form.wide_titles()].concat();
    let fields = form.fields();
    let is_known = |name: &String| {
        let first = name.split('.').next().unwrap_or_default();
        titles.iter().any(|title| title.eq_ignore_ascii_case(name))
            || values.iter().any(|value| at(value, name).is_some())
            || fields.as_ref().is_some_and(|fields| fields.get(first).is_some())
    };
    let kind = form.name();
    match names.iter().find(|name| !is_known(name)) {
        Some(name) => Err(CliError::usage(format!("a {kind} has no column {name:?}")).hint(format!(
            "it has {}, and its fields as -o json shows them",
            titles.join(", ").to_lowercase()
        ))),
        None => Ok(()),
    }
}

/// The same where no table is drawn: who names a column that is none has made a mistake there, too.
pub(crate) fn check(record: &Record, names: &[String]) -> Result<(), CliError> {
    check_columns(record.form, record.value().as_slice(), names)
}

/// Titles and rows.
type Lines = (Vec<String>, Vec<Vec<String>>);

fn usual(form: &dyn Form, records: &[&Record], style: &Style) -> Lines {
    let mut titles = form.titles();
    if style.format == Format::Wide {
        titles.extend(form.wide_titles());
    }
    let cells = records.iter().filter_map(|record| form.cells(&record.json));
    let rows =
        cells.map(|cells| cells.iter().take(titles.len()).map(|cell| cell.drawn(style.reveal)).collect());
    let rows = rows.collect();
    (titles.into_iter().map(str::to_owned).collect(), rows)
}

/// By titles, which are the kind's own, or by fields as they are written.
fn chosen(form: &dyn Form, records: &[&Record], style: &Style) -> Result<Lines, CliError> {
    let read = records.iter().filter_map(|record| Some((form.cells(&record.json)?, record.value()?)));
    let (cells, values): (Vec<_>, Vec<_>) = read.unzip();
    check_columns(form, &values, &style.columns)?;
    let known = [form.titles(), form.wide_titles()].concat();
    let place = |name: &str| known.iter().position(|title| title.eq_ignore_ascii_case(name));
    let title =
        |name: &String| place(name).map_or_else(|| name.to_uppercase(), |place| known[place].to_owned());
    let row = |(cells, value): (&Vec<Cell>, &Value)| {
        let cell = |name: &String| match place(name) {
            Some(place) => cells[place].drawn(style.reveal),
            None => own(value, name).drawn(style.reveal),
        };
        style.columns.iter().map(cell).collect()
    };
    Ok((style.columns.iter().map(title).collect(), cells.iter().zip(&values).map(row).collect()))
}

/// A table of records of one kind, without those that no type of ours can hold.
pub(crate) fn draw(form: &dyn Form, records: &[&Record], style: &Style) -> Result<String, CliError> {
    if style.columns.is_empty() && form.titles().is_empty() {
        let values = records.iter().filter_map(|record| record.value());
        return Ok(values.map(|value| sanitize::json(&format!("{value:#}\n")).into_owned()).collect());
    }
    let (mut titles, mut rows) = match style.columns.is_empty() {
        true => usual(form, records, style),
        false => chosen(form, records, style)?,
    };
    if let Some(width) = style.width.filter(|_| style.format == Format::Table) {
        leave_out_empty(&mut titles, &mut rows);
        fit(&mut titles, &mut rows, width);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if style.header {
        table.set_header(&titles);
    }
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Ok(text)
}
