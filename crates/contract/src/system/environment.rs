//! Environment variables of this process.

use std::env;
use std::ffi::OsString;

/// What our own are called.
pub const OURS: &str = "HAUKI_";

/// A variable of ours that is set to nothing is not set: that is how one is switched off for a command.
///
/// # Safety
/// Nothing else may run in this process yet.
pub unsafe fn forget_empty() {
    let empty: Vec<OsString> = env::vars_os()
        .filter(|(name, value)| value.is_empty() && name.to_string_lossy().starts_with(OURS))
        .map(|(name, _)| name)
        .collect();
    for name in empty {
        // SAFETY: the caller knows of no other thread that could read the environment.
        unsafe { env::remove_var(name) };
    }
}
