//! Host keys that are believed or not, against a real sshd: what the core's own list and others' say, and what
//! stands in those that is no host key.

use std::path::Path;
use std::time::Duration;

use crate::support::sshd::Sshd;
use hauki::api::node_error::{NodeError, NodeFault};
use hauki_control::link::known_hosts::HostKeyError;
use hauki_control::link::login::{self, LoginError, Secrets};

/// Far beyond anything that works.
const HANG: Duration = Duration::from_secs(60);

/// With what a person confirmed, if anything. On a thread of its own: what hangs fails.
fn log_in(sshd: &Sshd, host_key: Option<String>) -> Result<String, LoginError> {
    let (address, keys) = (sshd.target(Path::new("/")).address, sshd.keys());
    let (told, hears) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let secrets = Secrets { host_key, ..Secrets::default() };
        told.send(login::login(&address, &keys, &secrets).map(|entered| entered.fingerprint))
    });
    hears.recv_timeout(HANG).expect("is decided")
}

#[test]
fn a_revoked_key_is_refused_whoever_knows_it() {
    let sshd = Sshd::start("");
    let (own, foreign) = (sshd.path("own_known_hosts"), sshd.path("known_hosts"));
    let good = std::fs::read_to_string(&foreign).expect("is there");
    let key = good.split_once(' ').expect("has a host").1.trim_end().to_owned();
    let fingerprint = log_in(&sshd, None).expect("is known");
    let changed = format!("[127.0.0.1]:{} ssh-ed25519 {}", sshd.relay.port, "A".repeat(68));
    for (own_lines, foreign_lines, by) in [
        (good.clone(), format!("@revoked * {key}\n"), &foreign),
        (good.clone(), format!("unreadable\r\n  @revoked\tother.example\t{key} a comment\r\n"), &foreign),
        (format!("{good}@revoked * {key}\n"), String::new(), &own),
        (String::new(), format!("@revoked * {key}\n{good}"), &foreign),
        // That it also differs from a known one is the smaller word.
        (format!("{changed}\n"), format!("@revoked * {key}"), &foreign),
    ] {
        std::fs::write(&own, &own_lines).expect("writes");
        std::fs::write(&foreign, &foreign_lines).expect("writes");
        for wanted in [None, Some(fingerprint.clone())] {
            let error = log_in(&sshd, wanted).expect_err(&foreign_lines);
            let LoginError::HostKey { source: HostKeyError::Revoked { file, .. }, .. } = &error else {
                panic!("{error}: {own_lines}{foreign_lines}")
            };
            assert_eq!(file, by);
            let error = NodeError::from(error);
            assert_eq!(error.fault, NodeFault::Barred);
            assert!(error.message.contains("revoked by"), "{error}");
            assert!(error.hint.expect("says what to do").contains("@revoked"));
        }
    }
    // Another key's revocation, and a certificate authority, are nothing to this one.
    let other = "A".repeat(68);
    let lines = format!("@revoked * ssh-ed25519 {other}\n@cert-authority * ssh-ed25519 {other}\n{good}");
    for (own_lines, foreign_lines) in [(lines.as_str(), ""), ("", lines.as_str())] {
        std::fs::write(&own, own_lines).expect("writes");
        std::fs::write(&foreign, foreign_lines).expect("writes");
        log_in(&sshd, None).expect("is known");
    }
}

#[test]
fn what_another_program_left_in_its_list_bars_no_node() {
    let sshd = Sshd::start("");
    let (own, foreign) = (sshd.path("own_known_hosts"), sshd.path("known_hosts"));
    let good = std::fs::read_to_string(&foreign).expect("is there");
    let many: Vec<String> = (0..300).map(|number| format!("host-{number}.example")).collect();
    let strange: [&[u8]; 9] = [
        b"justhost",
        b"host ssh-rsa",
        b"\xff\xfe",
        b"a\0b ssh-ed25519 AAAAAAAAAAAAAAAAAAAAAAAA",
        b"\r",
        b"|1|bad|bad ssh-rsa A",
        b"@unheard-of",
        &[b'h'; 300],
        format!("{} ssh-ed25519 AAAAAAAAAAAAAAAAAAAAAAAA", many.join(",")).leak().as_bytes(),
    ];
    for line in strange {
        let shown = String::from_utf8_lossy(line);
        let before = [line, b"\n", good.as_bytes()].concat();
        std::fs::write(&foreign, &before).expect("writes");
        log_in(&sshd, None).unwrap_or_else(|error| panic!("{shown}: {error}"));
        // And what stands behind it is heard.
        let changed = good.replace("AAAA", "AAAB");
        std::fs::write(&own, &good).expect("writes");
        std::fs::write(&foreign, [line, b"\n", changed.as_bytes()].concat()).expect("writes");
        let error = log_in(&sshd, None).expect_err("has changed");
        assert!(
            matches!(&error, LoginError::HostKey { source: HostKeyError::Changed { .. }, .. }),
            "{shown}: {error}"
        );
        std::fs::remove_file(&own).expect("is ours");
    }
    std::fs::write(&foreign, good.replace('\n', "\r\n") + "\r\n").expect("writes");
    log_in(&sshd, None).expect("is known");
    // The core's own list has one writer: what it did not write is looked at by a person.
    std::fs::write(&own, format!("{good}justhost\n")).expect("writes");
    let error = NodeError::from(log_in(&sshd, None).expect_err("is not passed over"));
    assert!(error.message.contains("read line 2 of") && error.message.contains("own_known_hosts"), "{error}");
    assert!(error.hint.expect("says what to do").contains("mend that line"));
}

#[test]
fn what_is_no_file_in_a_list_s_place_holds_up_nobody() {
    let sshd = Sshd::start("");
    let (own, foreign) = (sshd.path("own_known_hosts"), sshd.path("known_hosts"));
    std::fs::rename(&foreign, &own).expect("is ours");
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &foreign, mode).expect("is made");
    log_in(&sshd, None).expect("does not wait for a writer");
    std::fs::remove_file(&foreign).expect("is ours");
    std::fs::create_dir(&foreign).expect("is made");
    log_in(&sshd, None).expect("has nothing to say");
    std::fs::remove_dir(&foreign).expect("is ours");
    std::os::unix::fs::symlink("/dev/zero", &foreign).expect("is made");
    log_in(&sshd, None).expect("has nothing to say");
    std::fs::remove_file(&foreign).expect("is ours");
    // What may revoke the key and is too long to be read is no reason to believe it.
    std::fs::File::create(&foreign).and_then(|file| file.set_len(3 << 30)).expect("is made");
    let error = NodeError::from(log_in(&sshd, None).expect_err("may say everything"));
    assert!(error.message.contains("known_hosts: it is longer than 16 MiB"), "{error}");
}
