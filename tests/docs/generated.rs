//! What is generated and checked in: completions, man pages, the ticket's schema.
//!
//! The test compares; `HAUKI_BLESS=1` (`make bless`) writes anew.

use std::fs;
use std::path::Path;

use hauki::cli::OurShell;
use hauki::model::ticket::Ticket;

fn compare(path: &str, made: &[u8]) {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("HAUKI_BLESS").is_some() {
        fs::create_dir_all(whole.parent().expect("it is in a folder")).expect("makes the folder");
        fs::write(&whole, made).expect("writes");
        return;
    }
    let there = fs::read(&whole).unwrap_or_default();
    assert!(there == made, "{path} is not what the sources say; `make bless` writes it anew");
}

#[test]
fn completions() {
    for (shell, path) in [
        (OurShell::Bash, "completions/hauki.bash"),
        (OurShell::Zsh, "completions/_hauki"),
        (OurShell::Fish, "completions/hauki.fish"),
    ] {
        compare(path, shell.script().as_bytes());
    }
}

#[test]
fn the_openapi_document() {
    let mut text = serde_json::to_string_pretty(&hauki::api::openapi::document()).expect("serializes");
    text.push('\n');
    compare("man/openapi.json", text.as_bytes());
}

/// Of the pages, which change with the release.
const DATE: &str = "2026-11-29";

/// The synopsis with the values of options, which clap_mangen leaves out as well.
fn valued(command: &clap::Command, text: String) -> String {
    let options = command.get_opts().filter(|arg| arg.get_action().takes_values());
    options.fold(text, |text, arg| {
        let Some(long) = arg.get_long() else { return text };
        let flag = format!("\\fB\\-\\-{}\\fR", long.replace('-', "\\-"));
        let value =
            arg.get_value_names().map_or_else(|| arg.get_id().to_string(), |names| names[0].to_string());
        let value = format!("\\fI{}\\fR", value.to_uppercase().replace('-', "\\-"));
        let many = matches!(arg.get_action(), clap::ArgAction::Append) && arg.get_value_delimiter().is_none();
        let dots = if many { "..." } else { "" };
        text.replacen(&format!("{flag}]"), &format!("{flag} {value}]{dots}"), 1).replacen(
            &format!("<{flag}>"),
            &format!("{flag} {value}"),
            1,
        )
    })
}

/// The synopsis with dots behind what may come more than once, which clap_mangen leaves out.
fn repeated(command: &clap::Command, text: String) -> String {
    let many = |arg: &&clap::Arg| matches!(arg.get_action(), clap::ArgAction::Append);
    let text = valued(command, text);
    let positionals = command.get_positionals().filter(many);
    positionals.fold(text, |text, arg| {
        let names = arg.get_value_names().map(|names| names[0].to_string());
        let name = names.unwrap_or_else(|| arg.get_id().to_string()).replace('-', "\\-");
        let ends = [("[", "]"), ("<", ">")].map(|(open, close)| format!("{open}\\fI{name}\\fR{close}"));
        ends.iter().fold(text, |text, end| text.replacen(end, &format!("{end}..."), 1))
    })
}

/// The README's table of the product's own words, as a section of a page.
fn words() -> String {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("is there");
    let section = readme.split("\n## Words\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows = section.expect("the README has its words").lines().skip(3);
    let row = |line: &str| {
        let (word, means) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        let plain = means.replace(['`', '*'], "").replace('-', "\\-");
        Some(format!(".TP\n\\fB{word}\\fR\n{plain}\n"))
    };
    let rows: Vec<String> = rows.filter_map(row).collect();
    assert!(rows.len() > 15, "{} words", rows.len());
    format!(".SH WORDS\n{}", rows.concat())
}

/// One page for each verb and each of its own verbs: `hauki-gem-push.1`.
fn pages(command: &clap::Command, name: &str, made: &mut Vec<String>) {
    // The page is hauki-gem-push, what is typed is hauki gem push.
    let typed = name.replace('-', " ");
    // What the short help leaves out is on the page.
    let shown = command.clone().mut_args(|arg| arg.hide_short_help(false));
    let page = shown.name(name.to_owned()).display_name(name.to_owned()).bin_name(typed);
    let page = clap_mangen::Man::new(page).title(name.to_uppercase()).section("1").date(DATE);
    let mut text = Vec::new();
    page.source("hauki").manual("hauki").render(&mut text).expect("renders");
    let mut text = repeated(command, String::from_utf8(text).expect("is text"));
    if name == "hauki" {
        text.push_str(&words());
    }
    compare(&format!("man/{name}.1"), text.as_bytes());
    made.push(format!("{name}.1"));
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        // `hauki help` explains itself; `heartbeat help` is clap's own.
        if verb.get_name() != "help" || name == "hauki" {
            pages(verb, &format!("{name}-{}", verb.get_name()), made);
        }
    }
}

#[test]
fn man_pages() {
    // Not built, so that the global options are told once, on the page of hauki itself.
    let command = hauki::cli::command();
    let mut made = Vec::new();
    pages(&command, "hauki", &mut made);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    for entry in fs::read_dir(folder).expect("man is there") {
        let name = entry.expect("can be read").file_name().to_string_lossy().into_owned();
        assert!(!name.ends_with(".1") || made.contains(&name), "man/{name} belongs to no verb any more");
    }
}

#[test]
fn the_tickets_schema() {
    let mut text = serde_json::to_string_pretty(&Ticket::schema()).expect("serializes");
    text.push('\n');
    compare("man/hauki-ticket.schema.json", text.as_bytes());
}
