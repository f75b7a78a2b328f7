//! A real `sshd` of a test's own: keys, configuration and port of its own, root and key login only.
//!
//! Between it and its clients stands a relay of a few lines that can cut every connection, or go
//! silent as a network does that drops all packets.

#![allow(dead_code, reason = "not every test target uses all of it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hauki_control::link::known_hosts::KnownHosts;
use hauki_control::link::login::LoginKeys;
use hauki_control::link::ssh::SshTarget;

pub(crate) struct Sshd {
    pub dir: tempfile::TempDir,
    pub relay: Relay,
    child: Child,
}

pub(crate) fn keygen(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(made.expect("ssh-keygen is there: packaging/setup-debian.sh tests").success());
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("binds").local_addr().expect("is bound").port()
}

impl Sshd {
    /// `more` is lines of sshd_config(5), which win over those here.
    pub(crate) fn start(more: &str) -> Self {
        Self::start_on(more, |_| String::new())
    }

    /// On a machine that differs: what the shell words do, with the server's directory at hand, is seen
    /// by the server and its sessions alone, for they have mounts of their own.
    pub(crate) fn start_on(more: &str, machine: impl FnOnce(&Path) -> String) -> Self {
        let dir = tempfile::Builder::new().prefix("hauki-sshd-").tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        keygen(&at("host_key"));
        keygen(&at("id"));
        std::fs::copy(at("id.pub"), at("authorized_keys")).expect("copies");
        // sshd wants it, and systemd would have made it.
        std::fs::create_dir_all("/run/sshd").expect("we are root");
        let port = free_port();
        let config = format!(
            "{more}\nListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             StrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nMaxStartups 200\n\
             SetEnv HOME={}\nSubsystem sftp internal-sftp\nLogLevel INFO\n",
            at("host_key").display(),
            at("authorized_keys").display(),
            // Root's own start-up files are not part of the test.
            dir.path().display(),
        );
        std::fs::write(at("config"), config).expect("writes");
        let program = ["/usr/sbin/sshd", "/usr/bin/sshd"].into_iter().find(|path| Path::new(path).exists());
        let program = program.expect("sshd is there: packaging/setup-debian.sh tests");
        let words = machine(dir.path());
        // Every part becomes the next, so the child is sshd in the end.
        let script = format!("set -e\n{words}\nexec {program} -D -e -f \"$0\"");
        let mut command = match words.is_empty() {
            true => Command::new("sh"),
            false => Command::new("unshare"),
        };
        if !words.is_empty() {
            command.args(["-m", "--propagation", "private", "sh"]);
        }
        let mut child = command
            .args(["-c", &script])
            .arg(at("config"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut log = BufReader::new(child.stderr.take().expect("is piped"));
        let mut line = String::new();
        while !line.contains("listening on") {
            line.clear();
            assert!(log.read_line(&mut line).expect("reads") > 0, "sshd ended before it listened");
        }
        // Whoever does not read stops the writer.
        let mut kept = std::fs::File::create(at("log")).expect("creates");
        std::thread::spawn(move || std::io::copy(&mut log, &mut kept));
        let relay = Relay::start(port);
        let known = format!("[127.0.0.1]:{} {}", relay.port, host_key(&at("host_key.pub")));
        std::fs::write(at("known_hosts"), known).expect("writes");
        Self { dir, relay, child }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file as the server's sessions see it.
    pub(crate) fn seen(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.child.id()))
    }

    pub(crate) fn keys(&self) -> LoginKeys {
        LoginKeys {
            file: Some(self.path("id")),
            own: self.path("own_key"),
            hosts: KnownHosts::new(self.path("own_known_hosts"), vec![self.path("known_hosts")]),
        }
    }

    pub(crate) fn target(&self, socket: &Path) -> SshTarget {
        SshTarget {
            address: format!("root@127.0.0.1:{}", self.relay.port).parse().expect("an address"),
            keys: self.keys(),
            socket: socket.to_owned(),
            bridge: env!("CARGO_BIN_EXE_haukid").to_owned(),
            bridge_only: false,
        }
    }
}

/// Kind and key, without the comment.
fn host_key(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("is there");
    text.split(' ').take(2).collect::<Vec<_>>().join(" ") + "\n"
}

impl Drop for Sshd {
    #[expect(clippy::print_stderr, reason = "a failed test shows its server's log")]
    fn drop(&mut self) {
        // The sessions of its clients end with their connections.
        self.relay.cut();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
            eprintln!("--- sshd\n{log}");
        }
    }
}

type Pairs = Arc<Mutex<Vec<(TcpStream, TcpStream)>>>;

pub(crate) struct Relay {
    pub port: u16,
    pairs: Pairs,
    silent: Arc<AtomicBool>,
    closed: Arc<AtomicBool>,
}

impl Relay {
    fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("is bound").port();
        let (pairs, silent) = (Pairs::default(), Arc::new(AtomicBool::new(false)));
        let closed = Arc::new(AtomicBool::new(false));
        let (kept, mute, shut) = (pairs.clone(), silent.clone(), closed.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let clone = |stream: &TcpStream| stream.try_clone().expect("clones");
                kept.lock().expect("is whole").push((clone(&client), clone(&server)));
                for (from, into) in [(clone(&client), clone(&server)), (server, client)] {
                    let mute = mute.clone();
                    std::thread::spawn(move || carry(from, into, &mute));
                }
            }
        });
        Self { port, pairs, silent, closed }
    }

    /// Closes every connection; new ones are welcome.
    pub(crate) fn cut(&self) {
        for (client, server) in self.pairs.lock().expect("is whole").drain(..) {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    }

    /// From now on connections are closed at once, or not any more.
    pub(crate) fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
    }

    /// What is sent from now on disappears, and nobody is told. Connections that it had stay dumb.
    pub(crate) fn silence(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }
}

fn carry(mut from: TcpStream, mut into: TcpStream, silent: &AtomicBool) {
    let mut bytes = [0; 16 * 1024];
    loop {
        match from.read(&mut bytes) {
            Ok(0) | Err(_) => break,
            Ok(_) if silent.load(Ordering::SeqCst) => {}
            Ok(count) => {
                if into.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
        }
    }
    let _ = into.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
