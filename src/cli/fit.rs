//! A table that is wider than the terminal: long cells are cut, and then the last columns are left out, so that
//! no line breaks over two.

/// Between two columns.
const GAP: usize = 2;
/// A cell is not cut below this: what is left must still say something. The first column, which names the row,
/// is never cut.
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
    let whole = |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    loop {
        let whole = whole(&widths);
        let widest = (1..widths.len()).max_by_key(|column| widths[*column]);
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
    }

    #[test]
    fn a_column_in_which_nothing_stands_is_left_out() {
        let mut titles = ["ID", "NAME", "NODE"].map(str::to_owned).to_vec();
        let mut rows = vec![vec!["a".to_owned(), String::new(), "n".to_owned()]];
        leave_out_empty(&mut titles, &mut rows);
        assert_eq!((titles, rows[0].join(" ")), (vec!["ID".to_owned(), "NODE".to_owned()], "a n".to_owned()));
    }
}
