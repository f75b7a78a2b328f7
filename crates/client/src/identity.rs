//! Process identity: who we are, in the words that tombstones and logs keep: `pid 4242 on ops1`.

#[must_use]
pub fn pid_and_host() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("pid {} on {host}", std::process::id())
}
