//! Standard input, line by line, read by a plain thread: a blocked read must not keep the process from ending.

use std::io::{self, BufRead, IsTerminal as _, Read as _};
use std::thread;

use tokio::sync::mpsc;

/// Whether somebody has piped something in, for the hint that names `-`.
pub(crate) fn is_piped() -> bool {
    !io::stdin().is_terminal()
}

/// Lines without their ends. One that is longer than `most` bytes is an error in its place.
pub(crate) fn lines(most: usize) -> mpsc::Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel(16);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(line) = next(&mut input, most).transpose() {
            // What cannot be read now cannot be read later.
            let is_over = line.as_ref().is_err_and(|error| !is_of_one_line(error));
            if sender.blocking_send(line).is_err() || is_over {
                return;
            }
        }
    });
    receiver
}

fn is_of_one_line(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::FileTooLarge)
}

fn next(input: &mut impl BufRead, most: usize) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && line.len() > most {
        input.skip_until(b'\n')?;
        let message = format!("it is longer than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    let end =
        line.strip_suffix(b"\n").map_or(line.len(), |head| head.strip_suffix(b"\r").unwrap_or(head).len());
    line.truncate(end);
    let text = String::from_utf8(line);
    text.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_or_no_text_takes_nothing_from_the_others() {
        let mut input = &b"a\r\n\nlonger\n\xff\nfour\nlast"[..];
        let mut told = Vec::new();
        while let Some(line) = next(&mut input, 4).transpose() {
            told.push(line.map_err(|error| error.kind()));
        }
        use io::ErrorKind::{FileTooLarge, InvalidData};
        let good = |text: &str| Ok(text.to_owned());
        assert_eq!(
            told,
            [good("a"), good(""), Err(FileTooLarge), Err(InvalidData), good("four"), good("last")]
        );
    }
}
