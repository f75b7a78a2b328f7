//! Server authentication: who serves a socket that nobody has named: whoever comes first can listen at a path in a
//! shared place, and would be told every source and every ticket.
//!
//! The kernel says whose process began to listen. That alone is true of one connection only, so nobody else may be
//! able to put another socket there either: then it holds for all that follow, also after the daemon has
//! left and another one was started. Whoever names an endpoint knows what it is, and is not asked.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::AutostartError;
use hauki_contract::system::dirs;

/// Whether a daemon listens that can be trusted. A socket file that nobody listens on any more counts as
/// absent.
pub fn is_live(socket: &Path) -> Result<bool, AutostartError> {
    match UnixStream::connect(socket) {
        Ok(stream) => match verify(&stream, socket) {
            Err(AutostartError::Socket { source, .. }) if is_absence(source.kind()) => Ok(false),
            verified => verified.map(|()| true),
        },
        // Of a file that is none the kernel says that nobody listens.
        Err(error) if is_absence(error.kind()) => match fs::symlink_metadata(socket) {
            Ok(found) if !found.file_type().is_socket() && !found.is_symlink() => {
                Err(AutostartError::InPlace { path: socket.into() })
            }
            _ => Ok(false),
        },
        Err(source) => Err(AutostartError::Socket { path: socket.into(), source }),
    }
}

fn is_absence(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::ConnectionRefused)
}

/// Root's and one's own are trusted.
fn verify(stream: &UnixStream, socket: &Path) -> Result<(), AutostartError> {
    let failed = |source: io::Error| AutostartError::Socket { path: socket.into(), source };
    let server = rustix::net::sockopt::socket_peercred(stream).map_err(|errno| failed(errno.into()))?;
    if !server.uid.is_root() && server.uid != rustix::process::geteuid() {
        return Err(AutostartError::Stranger { path: socket.into(), uid: server.uid.as_raw() });
    }
    match dirs::exposed_again(socket).map_err(failed)? {
        Some(what) => Err(AutostartError::Exposed { path: socket.into(), what }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;

    use super::*;

    /// A socket of the suite's own user, where that user alone may write.
    fn serve(name: &str) -> (tempfile::TempDir, PathBuf, UnixListener) {
        let ground = tempfile::tempdir().expect("a directory");
        let socket = ground.path().join(name);
        let listener = UnixListener::bind(&socket).expect("binds");
        (ground, socket, listener)
    }

    #[test]
    fn ones_own_daemon_in_ones_own_place_is_trusted() {
        let (_ground, socket, _listener) = serve("s");
        assert!(is_live(&socket).expect("is ours"));
    }

    #[test]
    fn where_others_may_write_nobody_is_trusted() {
        let (ground, socket, _listener) = serve("s");
        for mode in [0o777, 0o1777, 0o757] {
            fs::set_permissions(ground.path(), fs::Permissions::from_mode(mode)).expect("is ours");
            match is_live(&socket) {
                Err(AutostartError::Exposed { what, .. }) => assert_eq!(what, ground.path(), "{mode:o}"),
                other => panic!("{mode:o}: {other:?}"),
            }
        }
        let own = tempfile::tempdir().expect("a directory");
        let link = own.path().join("link");
        std::os::unix::fs::symlink(&socket, &link).expect("is made");
        assert!(matches!(is_live(&link), Err(AutostartError::Exposed { .. })), "by whichever way");
    }

    /// Only root can be somebody else; the suite runs as root.
    #[test]
    fn another_users_daemon_is_no_daemon_of_ours() {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test becomes somebody else, and must run as root"
        );
        let (ground, socket, listener) = serve("s");
        chown(&socket, Some(12_345), None).expect("is root");
        assert!(matches!(is_live(&socket), Err(AutostartError::Exposed { .. })), "he can move it away");
        drop(listener);
        fs::remove_file(&socket).expect("is there");
        // As he would do it: from a thread that is him, and so for the kernel the one who listens.
        let at = socket.clone();
        let listener = std::thread::spawn(move || {
            let uid = rustix::fs::Uid::from_raw(12_345);
            let listener = UnixListener::bind(&at).expect("binds");
            rustix::thread::set_thread_res_uid(uid, uid, uid).expect("was root");
            // The kernel takes the name of who calls this last.
            rustix::net::listen(&listener, 8).expect("listens");
            listener
        });
        let _listener = listener.join().expect("ends");
        chown(ground.path(), Some(0), None).expect("is root");
        match is_live(&socket) {
            Err(AutostartError::Stranger { uid, path }) => assert_eq!((uid, path), (12_345, socket)),
            other => panic!("{other:?}"),
        }
    }
}
