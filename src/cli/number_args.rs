//! Number arguments: whole numbers as flags take them. Where one is refused, the bounds are told, and not which digit
//! was none.

/// From `LEAST` to `MOST`.
pub(crate) fn whole<T: TryFrom<u64>, const LEAST: u64, const MOST: u64>(text: &str) -> Result<T, String> {
    let number = text.parse::<u64>().ok().filter(|number| (LEAST..=MOST).contains(number));
    let fitting = number.and_then(|number| T::try_from(number).ok());
    fitting.ok_or_else(|| format!("a whole number from {LEAST} to {MOST} is meant"))
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn bounds_are_told_and_kept() {
        assert_eq!(
            (whole::<u8, 0, 9>("9"), whole::<u32, 1, 4_294_967_295>("4294967295")),
            (Ok(9), Ok(u32::MAX))
        );
        for bad in ["", "0", "10", "-1", "1.5", "x", "99999999999999999999"] {
            let told = whole::<u32, 1, 9>(bad).expect_err(bad);
            assert_eq!(told, "a whole number from 1 to 9 is meant");
        }
        assert!(whole::<u8, 0, 300>("300").is_err(), "it does not fit");
    }
}
