//! Tickets that say what nobody knows, or name another vault than the one that answers.

use super::*;

#[test]
fn what_a_ticket_says_and_nobody_knows_is_refused_before_anything_is_sent() {
    run(async {
        let (ticket, gate) = gate(60_000).await;
        let changes: [fn(&mut Ticket); 5] = [
            |ticket| ticket.v = 2,
            |ticket| ticket.tls.version = "1.2".into(),
            |ticket| ticket.auth.scheme = "bearer".into(),
            |ticket| ticket.protocol.name = "jsonrpc-3.0".into(),
            |ticket| ticket.protocol.framing = "length".into(),
        ];
        for change in changes {
            let mut foreign = ticket.clone();
            change(&mut foreign);
            let error = Ghost::connect(&foreign, quiet()).await.expect_err("is foreign");
            assert_eq!((error.code(), error.exit()), ("bad_ticket", crate::Exit::Data), "{error}");
        }
        assert!(!gate.is_finished(), "somebody connected");
    });
}

/// The document is its holder's to change, and the token is not: who answers is who the node says.
#[test]
fn the_vault_that_answers_must_be_the_one_that_the_ticket_names() {
    run(async {
        let (mut ticket, _gate) = gate(60_000).await;
        ticket.vault = VaultId::mint(2, 2);
        let ghost = Ghost::open(&ticket, quiet()).await.expect("is good to look at");
        let error = ghost.call("echo", Some("[1]")).await.expect_err("another vault answered");
        assert!(matches!(error, GhostError::OtherVault { .. }), "{error}");
    });
}

#[test]
fn another_certificate_gets_no_token() {
    run(async {
        let (mut ticket, gate) = gate(60_000).await;
        ticket.tls.cert_sha256 = Sha256::of(b"another");
        let error = Ghost::connect(&ticket, quiet()).await.expect_err("is refused");
        assert!(matches!(error, GhostError::Tls { .. }), "{error:?}");
        assert_eq!(gate.await.expect("ends"), 0);
    });
}
