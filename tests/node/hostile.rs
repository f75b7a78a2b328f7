//! Adding a node where the other side means harm: a server without an end, an agent without an answer, a key that is none.

use std::fs;
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::{Command, Output};
use std::time::Duration;

use crate::add::{Ground, words};
use crate::support::ssh_peer::{PeerSession, SshPeer, string};
use crate::support::sshd::{self, Sshd};
use hauki::api::node_error::NodeFault;
use hauki_contract::system::clock;
use hauki_control::link::known_hosts::KnownHosts;
use hauki_control::link::login::LoginKeys;
use hauki_control::link::ssh::LinkState;
use hauki_control::link::{SshLink, SshTarget};
use serde_json::json;
use tokio::time::timeout;

/// Far beyond anything that works, and within what a test may take.
const HANG: Duration = Duration::from_secs(60);

/// A server that says that to everybody without an end; its port.
fn endless(words: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = listener.local_addr().expect("is bound").port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || while client.write_all(&words.repeat(100)).is_ok() {});
        }
    });
    port
}

/// One that never answers must be told from one that does.
fn in_time(ground: &Ground, args: &[&str]) -> Output {
    let since = clock::mono();
    let output = ground.hauki(&[args, &["--timeout", "60s"]].concat());
    let took = Duration::from_micros(clock::mono().since(since));
    assert!(took < HANG, "{took:?}: {}", words(&output));
    output
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_an_end_is_given_up_and_the_name_is_free_again() {
    let ground = Ground::on(Sshd::start(""), &[]);
    for says in [b"hello there\r\n".as_slice(), b"a", b"\r\n"] {
        let place = format!("root@127.0.0.1:{}", endless(says));
        for _ in 0..2 {
            let add = ["node", "add", &place, "--name", "n1", "--data-plane", "127.0.0.1"];
            let output = in_time(&ground, &add);
            assert_eq!(output.status.code(), Some(75), "{}", words(&output));
            let said = format!("node n1: speak SSH with {place}: more than 1024 KiB came from there");
            assert!(words(&output).contains(&said), "{}", words(&output));
        }
    }
    // Nobody else of that name has to wait for it.
    let good = ground.add(&[ground.node("n1")]);
    assert_eq!(good.status.code(), Some(0), "{}", words(&good));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_a_server_without_an_end_is_down_and_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    let target = SshTarget {
        address: format!("root@127.0.0.1:{}", endless(b"hello there\r\n")).parse().expect("an address"),
        keys: LoginKeys { file: None, own: at("own"), hosts: KnownHosts::new(at("hosts"), Vec::new()) },
        socket: at("node.sock"),
        bridge: "haukid".into(),
        bridge_only: false,
    };
    let link = SshLink::start(target, &at("link"), "n1").expect("starts");
    let error = timeout(HANG, link.ready()).await.expect("is decided").expect_err("is no server");
    assert_eq!(error.fault, NodeFault::Silent);
    assert!(error.message.contains("more than 1024 KiB came from there"), "{error}");
    assert!(matches!(*link.watch().borrow(), LinkState::Down(_)));
}

/// Far more than a link may hold, and then silence, which is another fault.
const FLOOD: usize = 96 << 20;

fn flood(session: &mut PeerSession, packet: &[u8]) -> io::Result<()> {
    for _ in 0..FLOOD / (packet.len() + 32) {
        session.send(packet)?;
    }
    session.hear_to_the_end()
}

/// libssh2 would keep all of it until the session ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_does_not_keep_what_it_has_not_asked_for() {
    let answers: fn(&mut PeerSession) -> _ =
        |session| flood(session, &[&[81], [0; 30_000].as_slice()].concat());
    let short: fn(&mut PeerSession) -> _ = |session| flood(session, &[99, 0, 0, 0, 0]);
    let unknown: fn(&mut PeerSession) -> _ = |session| flood(session, &[240]);
    // Within the window of the channel that carries nothing, on the stream that nobody reads.
    let complaints: fn(&mut PeerSession) -> _ = |session| {
        let mut packet = vec![95, 0, 0, 0, 0, 0, 0, 0, 1];
        string(&mut packet, b"a");
        flood(session, &packet)
    };
    // Dropped at once, and decrypted all the same.
    let ignored: fn(&mut PeerSession) -> _ =
        |session| flood(session, &[&[2], [0; 30_000].as_slice()].concat());
    for (name, misbehaves) in [
        ("answers", answers),
        ("short ones", short),
        ("unknown ones", unknown),
        ("complaints", complaints),
        ("ignored", ignored),
    ] {
        let peer = SshPeer::start(misbehaves);
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        fs::write(at("hosts"), &peer.known_host).expect("writes");
        sshd::keygen(&at("id"));
        let target = SshTarget {
            address: format!("root@127.0.0.1:{}", peer.port).parse().expect("an address"),
            keys: LoginKeys {
                file: Some(at("id")),
                own: at("own"),
                hosts: KnownHosts::new(at("hosts"), Vec::new()),
            },
            socket: at("node.sock"),
            bridge: "haukid".into(),
            bridge_only: false,
        };
        let link = SshLink::start(target, &at("link"), "n1").expect("starts");
        let mut state = link.watch();
        let down = state.wait_for(|state| matches!(state, LinkState::Down(_)));
        let down = timeout(HANG, down).await.expect("is decided").expect("is there").clone();
        let LinkState::Down(error) = down else { panic!("{name}: {down:?}") };
        assert_eq!(error.fault, NodeFault::Silent, "{name}");
        let said = "more than 16 MiB came from there that nobody had asked for";
        assert!(error.message.contains(said), "{name}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_silent_is_given_up_for_the_next_way() {
    let sshd = Sshd::start("");
    let socket = sshd.path("agent");
    let listener = UnixListener::bind(&socket).expect("binds");
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        silent.extend(listener.incoming().map_while(Result::ok));
    });
    let ground = Ground::on(sshd, &[("SSH_AUTH_SOCK", &socket)]);
    let file = ground.file(&[ground.keyless()]).display().to_string();
    let print = ground.print();
    let output = in_time(&ground, &["node", "add", "--file", &file, "--host-key", &print]);
    assert_eq!(output.status.code(), Some(4), "{}", words(&output));
    assert!(words(&output).contains("agent: it has not answered within 20 s"), "{}", words(&output));
    let good = ground.add(&[ground.node("n1")]);
    assert_eq!(good.status.code(), Some(0), "{}", words(&good));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_no_file_is_named_and_not_waited_for() {
    let ground = Ground::on(Sshd::start(""), &[]);
    let at = |name: &str| ground.sshd.path(name);
    let made = Command::new("mkfifo").arg(at("fifo")).status();
    assert!(made.expect("runs").success());
    let sparse = fs::File::create(at("sparse")).expect("creates");
    sparse.set_len(3 << 30).expect("is ours");
    fs::set_permissions(at("sparse"), fs::Permissions::from_mode(0o600)).expect("is ours");
    for (name, said) in [("fifo", "is no file"), ("sparse", "sparse: "), ("nothing", "No such file")] {
        let mut node = ground.node("n1");
        node["key_file"] = json!(at(name));
        let file = ground.file(&[node]).display().to_string();
        let print = ground.print();
        let output = in_time(&ground, &["node", "add", "--file", &file, "--host-key", &print]);
        assert_eq!(output.status.code(), Some(4), "{name}: {}", words(&output));
        assert!(words(&output).contains(said), "{name}: {}", words(&output));
    }
}
