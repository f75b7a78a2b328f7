//! Source arguments: workers' sources as people name them, looked at before anything is sent.

use std::path::Path;
use std::rc::Rc;

use clap::ValueEnum;

use super::bounded_read;
use super::context::Ctx;
use super::error::CliError;
use super::source_faults;
use crate::api::summons::{MAX_SOURCE_BYTES, Origin};
use crate::client::compiler::{PreparedSource, SourceOrder};
use crate::model::gem::{GemPointer, SCHEME};
use crate::model::units::show_micros;
use crate::rpc::compile::{Language, Purpose};

/// A language on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// JavaScript, of today or ES5
    Js,
    /// TypeScript
    Ts,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Js => Self::JavaScript,
            Lang::Ts => Self::TypeScript,
        }
    }
}

/// An argument that names a source, read and looked at.
#[derive(Debug, Clone)]
pub(crate) struct NamedSource {
    pub(crate) origin: Origin,
    /// What its author wrote; a gem's is where the gem is.
    pub(crate) author: Option<Rc<AuthorText>>,
    /// In words, where it was compiled.
    pub(crate) compiled: Option<String>,
}

/// A text as its author sees it.
#[derive(Debug)]
pub(crate) struct AuthorText {
    pub(crate) file: String,
    pub(crate) text: String,
}

/// A gem-pointer, a file, or `-` for standard input. With `fetch`, its worker will have that.
pub(crate) async fn read(
    ctx: &Ctx,
    argument: &str,
    name: Option<&str>,
    (lang, fetch): (Option<Lang>, bool),
) -> Result<NamedSource, CliError> {
    if argument.starts_with(SCHEME) {
        let pointer: GemPointer = argument.parse().map_err(|error: crate::model::gem::GemPointerError| {
            CliError::data("bad_gem_pointer", error.to_string())
        })?;
        return Ok(NamedSource { origin: Origin::Gem(pointer), author: None, compiled: None });
    }
    let ending = lang.map(Language::from).unwrap_or_default().ending();
    let file = match (name, argument) {
        (Some(name), _) if name.contains('.') => name.to_owned(),
        (Some(name), _) => format!("{name}.{ending}"),
        (None, "-") => {
            let error = CliError::usage("a source from standard input needs a file name");
            return Err(error.hint("--file-name scout calls it scout.js"));
        }
        (None, path) => Path::new(path)
            .file_name()
            .map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned()),
    };
    let shown = if argument == "-" { "standard input" } else { argument };
    let (author, prepared) = prepared(ctx, Path::new(argument), shown, &file, (lang, fetch)).await?;
    let compiled = compiled_in_words(&prepared);
    let PreparedSource { text, compilation, .. } = prepared;
    let author = Some(Rc::new(AuthorText { file: file.clone(), text: author }));
    Ok(NamedSource { origin: Origin::Source { text, file, compilation }, author, compiled })
}

/// For a progress line: `compiled 4.1 ms (TypeScript)`.
fn compiled_in_words(prepared: &PreparedSource) -> Option<String> {
    let compilation = prepared.compilation.as_ref()?;
    let language = match compilation.language {
        Language::JavaScript => "JavaScript",
        Language::TypeScript => "TypeScript",
    };
    Some(format!("compiled {} ({language})", show_micros(prepared.compiled_us)))
}

/// What a file holds, and what its engine takes of that.
pub(crate) async fn prepared(
    ctx: &Ctx,
    path: &Path,
    shown: &str,
    file: &str,
    (lang, fetch): (Option<Lang>, bool),
) -> Result<(String, PreparedSource), CliError> {
    let bytes = bounded_read::read(path, MAX_SOURCE_BYTES).await;
    let text = text(shown, bytes.map_err(|error| CliError::unreadable(shown, &error))?)?;
    // No sandbox is spent on a typing error.
    let (language, purpose) = (lang.map(Language::from), Purpose::Worker);
    let beside = (path != Path::new("-")).then_some(path);
    let order = SourceOrder { source: &text, file, language, purpose, path: beside, always: false, fetch };
    let prepared = ctx.toolchain.lock().await.prepare(order).await;
    let prepared = prepared.map_err(|error| source_faults::unprepared(error, &text, file))?;
    source_faults::warn(ctx, &prepared.warnings, &text, file);
    Ok((text, prepared))
}

/// What a source must be, whoever runs it.
fn text(shown: &str, bytes: Vec<u8>) -> Result<String, CliError> {
    let bad = |what: String| Err(CliError::data("bad_source", format!("{shown} {what}")));
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return bad(format!("is not UTF-8 (byte {})", error.utf8_error().valid_up_to())),
    };
    if text.trim().is_empty() {
        return bad("is empty".into());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_source_is_named() {
        for (bytes, words) in [(&b" \n"[..], "is empty"), (&b"a\xff"[..], "is not UTF-8 (byte 1)")] {
            let error = text("x.js", bytes.to_vec()).expect_err("is refused");
            assert_eq!(error.kind.exit.code(), 65);
            assert!(error.message.contains(words), "{}", error.message);
        }
    }
}
