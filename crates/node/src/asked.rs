//! What connections ask of a vault, as it passes by and as it is kept until its turn.

/// What a connection asks of the vault.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    Call { method: &'a str, caller: &'a str, params: Option<&'a str> },
    Stats,
}

/// The same while it waits.
pub enum Kept {
    Call { method: Box<str>, caller: Box<str>, params: Option<Box<str>> },
    Stats,
}

impl Asked<'_> {
    #[must_use]
    pub fn keep(self) -> Kept {
        match self {
            Self::Call { method, caller, params } => {
                Kept::Call { method: method.into(), caller: caller.into(), params: params.map(Into::into) }
            }
            Self::Stats => Kept::Stats,
        }
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Call { method, caller, params } => method.len() + caller.len() + params.map_or(0, str::len),
            Self::Stats => 0,
        }
    }
}

impl Kept {
    #[must_use]
    pub fn asked(&self) -> Asked<'_> {
        match self {
            Self::Call { method, caller, params } => {
                Asked::Call { method, caller, params: params.as_deref() }
            }
            Self::Stats => Asked::Stats,
        }
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.asked().bytes()
    }
}
