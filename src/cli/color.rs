//! Terminal styles: the few that we use, and who may see them: each stream is judged by itself.

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default();
pub(crate) const FAINT: Style = Style::new().dimmed();

/// `--color`; `auto` asks the stream, `NO_COLOR`, `CLICOLOR_FORCE` and `TERM`.
pub(crate) fn parse(text: &str) -> Option<ColorChoice> {
    match text {
        "auto" => Some(ColorChoice::Auto),
        "always" => Some(ColorChoice::Always),
        "never" => Some(ColorChoice::Never),
        _ => None,
    }
}

pub(crate) fn stderr(choice: ColorChoice) -> AutoStream<std::io::Stderr> {
    AutoStream::new(std::io::stderr(), choice)
}
