//! Method names: what a method may be called, and how many a worker may have.
//!
//! The engine says which functions a worker has, from inside the sandbox, so its word is checked like
//! any stranger's: a name that is a pattern (`*`) or begins with `hauki.` would grant what nobody meant.

/// More than any program has that a person wrote.
pub const MAX_METHODS: usize = 1024;
pub const MAX_METHOD_BYTES: usize = 128;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    #[error(
        "{0:?} cannot be a method: letters, digits, _ and $, at most {MAX_METHOD_BYTES} bytes, no digit first"
    )]
    Name(String),
    #[error("it has {0} methods, allowed are {MAX_METHODS}")]
    TooMany(usize),
}

/// A name as JavaScript has them, not in other spellings.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
    text.len() <= MAX_METHOD_BYTES
        && text.chars().all(letter)
        && text.chars().next().is_some_and(|first| !first.is_numeric())
}

/// The list that an init gives of what it has loaded.
pub fn check(methods: &[String]) -> Result<(), MethodError> {
    if methods.len() > MAX_METHODS {
        return Err(MethodError::TooMany(methods.len()));
    }
    match methods.iter().find(|name| !is_name(name)) {
        Some(name) => Err(MethodError::Name(name.chars().take(64).collect())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_identifier_and_nothing_that_means_more() {
        for name in ["a", "_a", "$", "observe", "größe", "a1", &"a".repeat(MAX_METHOD_BYTES)] {
            assert!(is_name(name), "{name}");
        }
        for name in
            ["", "*", "hauki.destruct", "a b", "a,b", "1a", "a\u{1b}", "a\u{202e}", "a-b", &"a".repeat(129)]
        {
            assert!(!is_name(name), "{name}");
            assert!(check(&["a".into(), name.into()]).is_err());
        }
        let many = vec!["a".to_owned(); MAX_METHODS + 1];
        assert_eq!(check(&many), Err(MethodError::TooMany(MAX_METHODS + 1)));
    }
}
