//! `hauki mcp install`: the configuration of a client, printed, or written beside what is there already.
//!
//! What others have written into the file stays byte for byte: our entry is put between. A file that is no plain JSON is
//! left alone. It is exchanged whole, so that a crash leaves the old one or the new one.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::cli::context::Ctx;
use crate::cli::error::{CliError, ErrorKind};
use crate::client::Exit;
use hauki_contract::strict::{self, DocumentLimits};
use hauki_contract::system::{random, rlimit};

/// Clients keep histories in these files as well.
const MOST_BYTES: usize = 64 << 20;

const AFTER: &str = "\
The files: claude ~/.claude.json, cursor ~/.cursor/mcp.json, vscode .vscode/mcp.json in this folder.

Examples:
  hauki mcp install vscode
  hauki mcp install claude --write -- --memory 16MiB --timeout 30s";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AgentClient {
    Claude,
    Cursor,
    Vscode,
}

/// Print what a client must be told to start this server, or write it
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct InstallArgs {
    /// Who is to start it
    client: AgentClient,
    /// Write it into the client's file; what is there already stays
    #[arg(long)]
    write: bool,
    /// Another file than the client's own
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// What the server is called there
    #[arg(long, value_name = "NAME", default_value = "hauki", value_parser = named)]
    name: String,
    /// Behind --, what `hauki mcp` is to be started with
    #[arg(last = true, value_name = "ARGS")]
    words: Vec<String>,
}

fn named(text: &str) -> Result<String, String> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.len() <= 32 && text.bytes().all(is_letter) {
        return Ok(text.to_owned());
    }
    Err("a name has 1 to 32 letters, digits, dashes and underlines".to_owned())
}

impl AgentClient {
    /// Below which key it looks for servers.
    fn key(self) -> &'static str {
        match self {
            Self::Claude | Self::Cursor => "mcpServers",
            Self::Vscode => "servers",
        }
    }

    fn file(self) -> Result<PathBuf, CliError> {
        let below_home = |path: &str| {
            let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
            let home = home.ok_or_else(|| CliError::usage("HOME is not set: --file names the file"))?;
            Ok(Path::new(&home).join(path))
        };
        match self {
            Self::Claude => below_home(".claude.json"),
            Self::Cursor => below_home(".cursor/mcp.json"),
            Self::Vscode => Ok(PathBuf::from(".vscode/mcp.json")),
        }
    }
}

pub(super) fn run(ctx: &Ctx, args: &InstallArgs) -> Result<Exit, CliError> {
    let key = args.client.key();
    let entry = entry(args)?;
    let file = match &args.file {
        Some(file) => file.clone(),
        None => args.client.file()?,
    };
    if !args.write {
        let whole = json!({ key: { &args.name: entry } });
        let text = serde_json::to_string_pretty(&whole).map_err(|error| failed(&file, &error.into()))?;
        ctx.out.verbatim(&format!("{text}\n"))?;
        ctx.remark(&format!("for {}; --write puts it there\n", file.display()));
        return Ok(Exit::Ok);
    }
    // A link stays one: what it means is written.
    let file = fs::canonicalize(&file).unwrap_or(file);
    let old = match rlimit::read(&file, MOST_BYTES) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(CliError::unreadable(file.display().to_string(), &error)),
    };
    let text =
        old.as_deref().map_or(Ok(""), strict::text).map_err(|error| unfit(&file, &error.to_string()))?;
    let new = with_entry(text, key, &args.name, &entry).map_err(|why| unfit(&file, &why))?;
    if new.as_deref().is_none_or(|new| new == text) {
        ctx.remark(&format!("{} has it already\n", file.display()));
        return Ok(Exit::Ok);
    }
    exchange(&file, new.unwrap_or_default().as_bytes()).map_err(|error| failed(&file, &error))?;
    ctx.remark(&format!("written: {} in {}\n", args.name, file.display()));
    Ok(Exit::Ok)
}

fn failed(file: &Path, error: &io::Error) -> CliError {
    CliError::io(&format!("write {}", file.display()), error)
}

fn unfit(file: &Path, why: &str) -> CliError {
    let message = format!("{} is left as it is: {why}", file.display());
    CliError::new(ErrorKind::new("bad_json", Exit::Data), message)
        .hint("without --write the entry is printed, to be put in by hand")
}

fn entry(args: &InstallArgs) -> Result<Value, CliError> {
    let program = std::env::current_exe().map_err(|error| CliError::io("find this program", &error))?;
    let program = program.to_str().ok_or_else(|| CliError::usage("the path of this program is not UTF-8"))?;
    let words: Vec<&str> = std::iter::once("mcp").chain(args.words.iter().map(String::as_str)).collect();
    Ok(match args.client {
        AgentClient::Claude | AgentClient::Vscode => {
            json!({ "type": "stdio", "command": program, "args": words })
        }
        AgentClient::Cursor => json!({ "command": program, "args": words }),
    })
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

fn members(text: &str) -> Result<Members<'_>, String> {
    strict::from_str(text, DocumentLimits::bytes(MOST_BYTES))
        .map_err(|error| format!("it is no JSON object: {error}"))
}

/// Where a part stands in the text that it is of.
fn place(whole: &str, part: &str) -> Range<usize> {
    let begins = part.as_ptr() as usize - whole.as_ptr() as usize;
    begins..begins + part.len()
}

/// The text with our entry; nothing where it is there already.
fn with_entry(text: &str, key: &str, name: &str, entry: &Value) -> Result<Option<String>, String> {
    if text.trim().is_empty() {
        let whole = serde_json::to_string_pretty(&json!({ key: { name: entry } }));
        return whole.map(|whole| Some(format!("{whole}\n"))).map_err(|error| error.to_string());
    }
    let whole = members(text)?;
    let spelled = |value: &Value, indent: &str| {
        let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
        pretty.replace('\n', &format!("\n{indent}"))
    };
    let Some(servers) = whole.get(key) else {
        let first = format!("\n  {}: {}", json!(key), spelled(&json!({ name: entry }), "  "));
        return Ok(Some(inserted(text, 0, &first, whole.is_empty())));
    };
    let begins = place(text, servers.get()).start;
    let servers = members(servers.get()).map_err(|why| format!("{key}: {why}"))?;
    match servers.get(name) {
        Some(known)
            if strict::from_str::<Value>(known.get(), DocumentLimits::MESSAGE).ok().as_ref()
                == Some(entry) =>
        {
            Ok(None)
        }
        Some(known) => {
            let mut new = text.to_owned();
            new.replace_range(place(text, known.get()), &spelled(entry, "    "));
            Ok(Some(new))
        }
        None => {
            let first = format!("\n    {}: {}", json!(name), spelled(entry, "    "));
            Ok(Some(inserted(text, begins, &first, servers.is_empty())))
        }
    }
}

/// As the first member of the object that begins there or behind.
fn inserted(text: &str, begins: usize, member: &str, is_empty: bool) -> String {
    let open = text[begins..].find('{').map_or(begins, |at| begins + at + 1);
    let (before, after) = text.split_at(open);
    // What is empty has its bracket on the next line.
    let between = if is_empty { "\n" } else { "," };
    format!("{before}{member}{between}{after}")
}

/// The new file in the place of the old one, with the same rights; one that was not there is its user's only.
fn exchange(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let before = fs::metadata(file).ok();
    let mode = before.as_ref().map_or(0o600, |before| before.permissions().mode() & 0o7777);
    let beside = folder.join(format!(".hauki-mcp.{:016x}", random::u64()));
    let written = || {
        let mut new = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        new.write_all(bytes)?;
        // Of an administrator who works in another user's home.
        if let Some(before) = &before
            && before.uid() != new.metadata()?.uid()
        {
            std::os::unix::fs::fchown(&new, Some(before.uid()), Some(before.gid()))?;
        }
        new.set_permissions(fs::Permissions::from_mode(mode))?;
        new.sync_all()?;
        fs::rename(&beside, file)
    };
    written().inspect_err(|_| drop(fs::remove_file(&beside)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(text: &str) -> Result<Option<String>, String> {
        with_entry(text, "mcpServers", "hauki", &json!({ "command": "/h", "args": ["mcp"] }))
    }

    #[test]
    fn what_others_have_written_stays_byte_for_byte() {
        let others = [
            "{}",
            "{ }\n",
            "",
            "{\"a\":12345678901234567890123.10,  \"b\" :[1,2]}",
            "{\"mcpServers\":{}}",
            "{\n  \"x\": \"mcpServers\",\n  \"mcpServers\": {\n    \"o\": {\"command\": \"\\u006f\"}\n  },\n  \"z\": 1e999\n}",
            "{\"mcpServers\":{\"hauki\":{\"command\":\"/old\",\"env\":{\"A\":\"1\"}},\"o\":{}}}",
        ];
        for text in others {
            let new = put(text).expect(text).expect("is new");
            let whole: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&new).expect(&new);
            let servers: BTreeMap<String, Value> =
                serde_json::from_str(whole["mcpServers"].get()).expect(&new);
            assert_eq!(servers["hauki"]["command"], "/h", "{new}");
            assert_eq!(put(&new), Ok(None), "twice is once");
            for part in [
                "12345678901234567890123.10,  \"b\" :[1,2]",
                "{\"command\": \"\\u006f\"}",
                "\"z\": 1e999",
                "\"o\":{}",
            ] {
                assert_eq!(text.contains(part), new.contains(part), "{new}");
            }
        }
    }

    #[test]
    fn what_is_no_plain_json_is_left_alone() {
        for text in [
            "// words\n{}",
            "[]",
            "{\"a\":1,\"a\":2}",
            "{\"mcpServers\":[]}",
            "{\"mcpServers\":null}",
            "{,}",
            "x",
        ] {
            assert!(put(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_keeps_its_rights_and_a_new_one_is_its_users() {
        let home = tempfile::tempdir().expect("a directory");
        let old = home.path().join("old.json");
        fs::write(&old, "{}").expect("writes");
        fs::set_permissions(&old, fs::Permissions::from_mode(0o640)).expect("sets");
        // Another user's, where that can be tried.
        let _ = std::os::unix::fs::chown(&old, Some(12_345), Some(12_346));
        let owner =
            |file: &Path| fs::metadata(file).map(|about| (about.uid(), about.gid())).expect("is there");
        let before = owner(&old);
        let new = home.path().join("deep/er/new.json");
        for (file, mode) in [(&old, 0o640), (&new, 0o600)] {
            exchange(file, b"{\"a\":1}").expect("writes");
            assert_eq!(fs::read(file).expect("is there"), b"{\"a\":1}");
            assert_eq!(fs::metadata(file).expect("is there").permissions().mode() & 0o777, mode);
        }
        assert_eq!(owner(&old), before);
        let left = fs::read_dir(home.path()).expect("lists").count();
        assert_eq!(left, 2, "nothing lies beside");
    }
}
