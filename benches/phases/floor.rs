//! What the machine itself costs, and what others make of it, in the same run.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::now;
use crate::table::Table;

/// A program that does nothing, started and waited for.
pub fn fork_and_exec(table: &mut Table) {
    for round in 0..120 {
        let start = now();
        let status = Command::new("/bin/true").stdin(Stdio::null()).status().expect("true runs");
        assert!(status.success());
        if round >= 20 {
            table.add("floor: fork and exec of /bin/true", start.elapsed());
        }
    }
}

/// The same TLS, the same bytes, and nothing behind it.
pub fn tls_echo(table: &mut Table) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rcgen::KeyPair::generate().expect("a key");
    let cert = rcgen::CertificateParams::new(vec!["echo".to_owned()]).expect("a name").self_signed(&key);
    let cert = cert.expect("a certificate");
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], private)
        .expect("a server");
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).expect("is a certificate");
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let echo = std::thread::spawn(move || {
        let (tcp, _) = listener.accept().expect("a caller");
        tcp.set_nodelay(true).expect("is set");
        let mut tls = StreamOwned::new(ServerConnection::new(Arc::new(server)).expect("a session"), tcp);
        let mut buffer = [0; 256];
        while let Ok(count) = tls.read(&mut buffer) {
            if count == 0 || tls.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
    });
    let tcp = TcpStream::connect(address).expect("connects");
    tcp.set_nodelay(true).expect("is set");
    let name = ServerName::try_from("echo").expect("a name");
    let mut tls = StreamOwned::new(ClientConnection::new(Arc::new(client), name).expect("a session"), tcp);
    let line = br#"{"jsonrpc":"2.0","id":1,"method":"echo","params":[{"n":1,"s":"scout"}]}"#;
    let mut back = [0; 256];
    for round in 0..5_500 {
        let start = now();
        tls.write_all(line).expect("writes");
        tls.read_exact(&mut back[..line.len()]).expect("reads");
        if round >= 500 {
            table.add("floor: TLS 1.3 echo, blocking, no gate, no vault", start.elapsed());
        }
    }
    drop(tls);
    echo.join().expect("ends");
}

/// What the distribution's own tool takes for an empty program with the same sort of container.
pub fn lxc_start(table: &mut Table) {
    let Ok(version) = Command::new("lxc-start").arg("--version").output() else {
        table.note("lxc-start is not installed (package lxc): no peer in this run".into());
        return;
    };
    let dir = tempfile::Builder::new().prefix("hauki-bench-").tempdir().expect("a directory");
    let root = dir.path().join("root");
    let open = |path: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("is ours");
    };
    for name in ["", "proc", "dev", "bin"] {
        std::fs::create_dir_all(root.join(name)).expect("makes");
    }
    open(dir.path());
    for link in ["fd", "stdin", "stdout", "stderr"] {
        let _ = std::os::unix::fs::symlink("/proc/self/fd", root.join("dev").join(link));
    }
    // The init ends at once when its channel is not there, which is all that is wanted of it.
    let init = concat!(env!("OUT_DIR"), "/hauki-vault");
    std::fs::copy(init, root.join("bin/init")).expect("copies");
    let config = dir.path().join("config");
    let text = format!(
        "lxc.rootfs.path = dir:{}\nlxc.rootfs.options = ro\nlxc.uts.name = bench\nlxc.net.0.type = empty\n\
         lxc.init.cmd = /bin/init\nlxc.idmap = u 0 4100000000 65536\nlxc.idmap = g 0 4100000000 65536\n\
         lxc.autodev = 0\nlxc.pty.max = 0\nlxc.tty.max = 0\nlxc.console.path = none\nlxc.cap.keep = none\n\
         lxc.no_new_privs = 1\n",
        root.display()
    );
    std::fs::write(&config, text).expect("writes");
    for round in 0..25 {
        let start = now();
        let status = Command::new("lxc-start")
            .args(["-P".as_ref(), dir.path().as_os_str(), "-n".as_ref(), "hauki-bench".as_ref()])
            .args(["-F".as_ref(), "-f".as_ref(), config.as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let time: Instant = start;
        if status.is_ok() && round >= 5 {
            table.add("peer: lxc-start of an empty program, to its exit", time.elapsed());
        }
    }
    table.note(format!("lxc-start {}", String::from_utf8_lossy(&version.stdout).trim()));
}
