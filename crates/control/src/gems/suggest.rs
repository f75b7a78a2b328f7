//! Suggestions: which names somebody may have meant.

/// At most three names that differ by little, or that end in the same segment.
pub(super) fn nearest(wanted: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    let path = |name: &str| name.split('@').next().unwrap_or_default().to_owned();
    let last = |name: &str| path(name).rsplit('/').next().unwrap_or_default().to_owned();
    let mut scored: Vec<(usize, String)> = names
        .filter_map(|name| {
            let distance = distance(&path(wanted), &path(&name));
            let related = last(wanted) == last(&name);
            (distance <= 3 || related).then_some((distance, name))
        })
        .collect();
    scored.sort();
    scored.dedup();
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Levenshtein's distance in bytes; gem names are ASCII and short.
fn distance(left: &str, right: &str) -> usize {
    let right = right.as_bytes();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (number, a) in left.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = number + 1;
        for (column, b) in right.iter().enumerate() {
            let cost = corner + usize::from(a != *b);
            corner = row[column + 1];
            row[column + 1] = cost.min(corner + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_and_moved_gems_are_recognised() {
        let names = || ["workers/scout", "workers/log_stats@2", "tools/digger"].map(String::from).into_iter();
        assert_eq!(nearest("workers/scuot", names()), ["workers/scout"]);
        assert_eq!(nearest("log_stats", names()), ["workers/log_stats@2"]);
        assert!(nearest("something/else", names()).is_empty());
    }
}
