//! How many files this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Takes what the administrator allows, in place of the default, which is kept low for programs that
/// use select(2). Not for a process that starts others: they would inherit it.
pub fn raise_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it is refused, the limit stays, and opening too many says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
