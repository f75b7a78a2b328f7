//! Fitting to the terminal's width: what is wider. Of a table long cells are cut, and then the last columns are left
//! out, so that no line breaks over two. A sentence is folded between its words, and nothing of it is lost.

use anstream::adapter::strip_str;

/// Between two columns.
const GAP: usize = 2;
/// A cell is not cut below this: what is left must still say something. The first column, which names the row, and
/// one of ids, which the next command needs, are never cut.
const LEAST: usize = 20;

/// Takes away the columns in which nothing stands.
pub(super) fn leave_out_empty(titles: &mut Vec<String>, rows: &mut [Vec<String>]) {
    for column in (1..titles.len()).rev() {
        if !rows.is_empty() && rows.iter().all(|row| row[column].is_empty()) {
            titles.remove(column);
            rows.iter_mut().for_each(|row| drop(row.remove(column)));
        }
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn is_id(cell: &str) -> bool {
    ["vlt_", "sum_", "tkt_", "spl_"].iter().any(|prefix| cell.starts_with(prefix))
}

/// Cuts the widest columns until a line fits, titles included where they are shown, and leaves out the last
/// where that is not enough.
pub(super) fn fit(titles: &mut Vec<String>, rows: &mut [Vec<String>], most: usize) {
    while !cut(titles, rows, most) && titles.len() > 2 {
        titles.pop();
        rows.iter_mut().for_each(|row| drop(row.pop()));
    }
}

/// Whether it fits now.
fn cut(titles: &mut [String], rows: &mut [Vec<String>], most: usize) -> bool {
    let mut widths: Vec<usize> = titles.iter().map(|title| width(title)).collect();
    for row in rows.iter() {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let natural = widths.clone();
    let may_shrink = |column: &usize| *column > 0 && !rows.iter().any(|row| is_id(&row[*column]));
    let shrinking: Vec<usize> = (0..widths.len()).filter(may_shrink).collect();
    let whole = |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    loop {
        let whole = whole(&widths);
        let widest = shrinking.iter().copied().max_by_key(|column| widths[*column]);
        match widest {
            Some(column) if whole > most && widths[column] > LEAST => {
                widths[column] = (widths[column] - (whole - most).min(widths[column] - LEAST)).max(LEAST);
            }
            _ => break,
        }
    }
    if whole(&widths) > most && widths.len() > 2 {
        return false;
    }
    let cut = |column: usize, text: &mut String| {
        if widths[column] < natural[column] && width(text) > widths[column] {
            *text = text.chars().take(widths[column] - 1).chain(['…']).collect();
        }
    };
    titles.iter_mut().enumerate().for_each(|(column, title)| cut(column, title));
    rows.iter_mut().for_each(|row| row.iter_mut().enumerate().for_each(|(column, cell)| cut(column, cell)));
    true
}

/// Beneath the second column of a line, which two spaces separate from the first, unless that is far to the right.
fn hang(line: &str, most: usize) -> usize {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let second = line[indent..].find("  ").map(|end| {
        let rest = &line[indent + end..];
        width(&line[..indent + end]) + rest.len() - rest.trim_start_matches(' ').len()
    });
    second.filter(|second| *second <= most / 2).unwrap_or(indent + 2)
}

/// Lines that fit, as far as their words do; styles are no letters. With the line breaks of `text`.
pub(super) fn folded(text: &str, most: usize) -> String {
    let seen = |text: &str| width(&strip_str(text).to_string());
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if seen(line.trim_end_matches('\n')) <= most {
            out.push_str(line);
            continue;
        }
        let hang = hang(&strip_str(line).to_string(), most);
        let (mut at, mut gap) = (0, 0);
        for (index, word) in line.split(' ').enumerate() {
            gap += usize::from(index > 0);
            if word.is_empty() {
                continue;
            }
            let length = seen(word.trim_end_matches('\n'));
            if at > hang && at + gap + length > most {
                out.push('\n');
                (at, gap) = (0, hang);
            }
            out.extend(std::iter::repeat_n(' ', gap));
            out.push_str(word);
            (at, gap) = (at + gap + length, 0);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_gives_way_and_the_first_never() {
        let id = "vlt_01HF7YAT00000000000000001A";
        let mut titles = ["ID", "WORKER", "METHODS"].map(str::to_owned).to_vec();
        let mut rows = vec![vec![id.to_owned(), "workers/scout@3".into(), "observe report ".repeat(9)]];
        fit(&mut titles, &mut rows, 80);
        let line = rows[0].join("  ");
        assert_eq!(width(&line), 80, "{line}");
        assert!(line.starts_with(id) && line.contains("workers/scout@3") && line.ends_with('…'));
        let before = rows.clone();
        fit(&mut titles, &mut rows, 200);
        assert_eq!(rows, before);
        // A part of an address would say nothing, so a column goes.
        fit(&mut titles, &mut rows, 60);
        assert_eq!(rows[0], [id, "workers/scout@3"]);
        fit(&mut titles, &mut rows, 1);
        assert_eq!(rows[0], [id, "workers/scout@3"]);
        // Nor is an id, wherever it stands.
        let mut titles = ["PLACE", "ID", "WORKER", "ERROR"].map(str::to_owned).to_vec();
        let mut rows =
            vec![["1", id, "workers/a-rather-long-name", "no node has room"].map(str::to_owned).to_vec()];
        fit(&mut titles, &mut rows, 60);
        assert_eq!((rows[0][1].as_str(), rows[0].len()), (id, 3));
    }

    #[test]
    fn a_sentence_is_folded_beneath_its_second_column_and_loses_nothing() {
        let (vault, ticket) = ("vlt_01HF7YAT00000000000000001A", "tkt_01HF7YAT00000000000000003C");
        let line = format!("\u{1b}[2m14:03:11\u{1b}[0m  claimed   {vault}  {ticket} by 10.0.0.9:5000\n");
        assert_eq!(
            folded(&line, 80),
            format!("\u{1b}[2m14:03:11\u{1b}[0m  claimed   {vault}\n          {ticket} by 10.0.0.9:5000\n")
        );
        assert_eq!(folded(&line, 101), line);
        assert_eq!(folded("  ok    one two three\n", 16), "  ok    one two\n        three\n");
        assert_eq!(folded("     hint: one two\n", 16), "     hint: one\n       two\n");
        // A word is never cut: it may be an id or an address that somebody copies.
        assert_eq!(folded("aaaaaaaaaa  bbb cccccccccccc\nd", 8), "aaaaaaaaaa\n  bbb\n  cccccccccccc\nd");
        for most in 1..40 {
            let told = folded(&line, most);
            assert!(told.split_whitespace().eq(line.split_whitespace()) && told.ends_with('\n'), "{told}");
        }
    }

    #[test]
    fn a_column_in_which_nothing_stands_is_left_out() {
        let mut titles = ["ID", "NAME", "NODE"].map(str::to_owned).to_vec();
        let mut rows = vec![vec!["a".to_owned(), String::new(), "n".to_owned()]];
        leave_out_empty(&mut titles, &mut rows);
        assert_eq!((titles, rows[0].join(" ")), (vec!["ID".to_owned(), "NODE".to_owned()], "a n".to_owned()));
    }
}
