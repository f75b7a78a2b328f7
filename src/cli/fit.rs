//! A table that is wider than the terminal: long cells are cut, so that no word breaks over two lines.

/// Between two columns.
const GAP: usize = 2;
/// A cell is not cut below this; the first column, which names the row, never.
const LEAST: usize = 8;

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Cuts the widest columns until a line fits, titles included where they are shown.
pub(super) fn fit(titles: &mut [String], rows: &mut [Vec<String>], most: usize) {
    let mut widths: Vec<usize> = titles.iter().map(|title| width(title)).collect();
    for row in rows.iter() {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let natural = widths.clone();
    loop {
        let whole = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let widest = (1..widths.len()).max_by_key(|column| widths[*column]);
        match widest {
            Some(column) if whole > most && widths[column] > LEAST => {
                widths[column] = (widths[column] - (whole - most).min(widths[column] - LEAST)).max(LEAST);
            }
            _ => break,
        }
    }
    let cut = |column: usize, text: &mut String| {
        if widths[column] < natural[column] && width(text) > widths[column] {
            *text = text.chars().take(widths[column] - 1).chain(['…']).collect();
        }
    };
    titles.iter_mut().enumerate().for_each(|(column, title)| cut(column, title));
    rows.iter_mut().for_each(|row| row.iter_mut().enumerate().for_each(|(column, cell)| cut(column, cell)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_gives_way_and_the_first_never() {
        let id = "vlt_01HF7YAT00000000000000001A";
        let mut titles = ["ID", "WORKER", "METHODS"].map(str::to_owned);
        let mut rows = vec![vec![id.to_owned(), "workers/scout@3".into(), "observe report ".repeat(9)]];
        fit(&mut titles, &mut rows, 80);
        let line = rows[0].join("  ");
        assert_eq!(width(&line), 80, "{line}");
        assert!(line.starts_with(id) && line.contains("workers/scout@3") && line.ends_with('…'));
        let before = rows.clone();
        fit(&mut titles, &mut rows, 200);
        assert_eq!(rows, before);
        fit(&mut titles, &mut rows, 1);
        assert!(rows[0][0] == id && width(&rows[0][1]) == LEAST && width(&rows[0][2]) == LEAST);
    }
}
