//! Patches: what is wrong in the engine, in words, and the edits that mend it.
//!
//! ```text
//! Words: what is wrong, and why this mends it.
//!
//! @@ mquickjs.c 120-123 0123456789abcdef
//! our lines, in the place of the four
//! @@ mquickjs.c 140+ fedcba9876543210
//! our lines, after that one
//! ```
//!
//! Lines are counted in the sources as they were published, so that patches do not depend on each other;
//! the hash is of the published lines, which are not repeated here. No two edits may touch each other.
//! `patches/mend.py` writes such files from an edited copy of the sources.

use std::fs;
use std::path::Path;

/// One edit of one patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The patch and the line in it.
    pub origin: String,
    pub file: String,
    /// The first line that is replaced, from one; behind the last when nothing is.
    first: usize,
    last: usize,
    hash: u64,
    lines: String,
}

/// All edits of all patches in a directory.
pub(crate) fn read(directory: &Path) -> Result<Vec<Edit>, String> {
    let told = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut edits = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).map_err(told)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        edits.extend(parse(&name, &text)?);
    }
    Ok(edits)
}

/// The edits of one patch.
pub(crate) fn parse(name: &str, text: &str) -> Result<Vec<Edit>, String> {
    let mut edits = Vec::<Edit>::new();
    let mut has_words = false;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let origin = format!("{name}:{}", index + 1);
        if let Some(head) = line.strip_prefix("@@ ") {
            if !has_words {
                return Err(format!("{origin}: a patch begins with what is wrong and why this mends it"));
            }
            edits.push(head_of(origin.clone(), head).ok_or_else(|| format!("{origin}: no edit: {head}"))?);
        } else if let Some(edit) = edits.last_mut() {
            edit.lines += line;
        } else {
            has_words |= !line.trim().is_empty();
        }
    }
    match edits.iter().find(|edit| edit.first > edit.last && edit.lines.is_empty()) {
        Some(edit) => Err(format!("{}: an edit without lines", edit.origin)),
        None if edits.is_empty() => Err(format!("{name}: a patch without edits")),
        None => Ok(edits),
    }
}

fn head_of(origin: String, head: &str) -> Option<Edit> {
    let mut words = head.split_whitespace();
    let (file, range, hash) = (words.next()?, words.next()?, words.next()?);
    let (first, last) = match range.strip_suffix('+') {
        Some(line) => {
            let line = line.parse::<usize>().ok()?;
            (line + 1, line)
        }
        None => {
            let (first, last) = range.split_once('-')?;
            (first.parse().ok()?, last.parse().ok()?)
        }
    };
    let hash = u64::from_str_radix(hash, 16).ok()?;
    let is_whole = words.next().is_none() && first >= 1 && last + 1 >= first && last >= 1;
    is_whole.then(|| Edit { origin, file: file.to_owned(), first, last, hash, lines: String::new() })
}

/// A source with its edits made.
pub(crate) fn apply(file: &str, text: &str, edits: &[Edit]) -> Result<String, String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut edits: Vec<&Edit> = edits.iter().filter(|edit| edit.file == file).collect();
    edits.sort_by_key(|edit| (edit.first, edit.last));
    let mut mended = String::with_capacity(text.len() + text.len() / 8);
    let (mut next, mut before) = (1, None::<&Edit>);
    for edit in edits {
        let inserts = edit.first > edit.last;
        let looked_at = if inserts { edit.last..=edit.last } else { edit.first..=edit.last };
        if let Some(before) = before
            && (edit.first < next || (inserts && before.first > before.last && edit.first == next))
        {
            return Err(format!("{} and {} change the same lines of {file}", before.origin, edit.origin));
        }
        let old = lines
            .get(looked_at.start() - 1..*looked_at.end())
            .ok_or_else(|| format!("{}: {file} has no line {}", edit.origin, edit.last))?;
        let hash = hash(old.concat().as_bytes());
        if hash != edit.hash {
            return Err(format!(
                "{}: lines {} to {} of {file} are not those that were mended ({hash:016x})",
                edit.origin,
                looked_at.start(),
                looked_at.end(),
            ));
        }
        mended.extend(lines[next - 1..edit.first - 1].iter().copied());
        mended += &edit.lines;
        next = edit.last + 1;
        before = Some(edit);
    }
    mended.extend(lines[next - 1..].iter().copied());
    Ok(mended)
}

/// A short name for all that the patches do.
pub(crate) fn digest(edits: &[Edit]) -> String {
    let all: String = edits
        .iter()
        .map(|edit| format!("{} {} {} {:x}\n{}", edit.file, edit.first, edit.last, edit.hash, edit.lines))
        .collect();
    format!("{:016x}", hash(all.as_bytes()))
}

/// FNV-1a: it tells revisions apart; against an adversary cargo has checked the whole crate.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
