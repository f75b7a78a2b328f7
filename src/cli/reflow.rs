//! Text reflow: help texts as paragraphs. They are written in lines, and a terminal has a width of its own: broken
//! twice, every other line would be a word or two.

/// Lines of one paragraph become one; what is set in, as examples are, stays as it is.
pub(super) fn flowing(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = "";
    for line in text.lines() {
        let is_one =
            !before.is_empty() && !before.starts_with(' ') && !line.is_empty() && !line.starts_with(' ');
        // What ends in a colon introduces, and JSON stands on a line of its own.
        let is_apart =
            before.ends_with(':') || line.starts_with('{') || before.ends_with('}') || before.ends_with("}.");
        if !out.is_empty() {
            out.push(if is_one && !is_apart { ' ' } else { '\n' });
        }
        out.push_str(line);
        before = line;
    }
    out
}

/// The same of all that a command says behind its options, and of its verbs.
pub(super) fn flowed(command: clap::Command) -> clap::Command {
    let after = command.get_after_help().map(|text| flowing(&text.to_string()));
    let command = match after {
        Some(after) => command.after_help(after),
        None => command,
    };
    command.mut_subcommands(flowed)
}

#[cfg(test)]
mod tests {
    use super::flowing;

    #[test]
    fn paragraphs_are_one_line_and_examples_stay() {
        let text = "One two\nthree.\n\nFour\nfive:\n{\"a\":1}\nsix\n\nExamples:\n  a    b\n  c\nMore:\n  d";
        let wanted = "One two three.\n\nFour five:\n{\"a\":1}\nsix\n\nExamples:\n  a    b\n  c\nMore:\n  d";
        assert_eq!(flowing(text), wanted);
    }
}
