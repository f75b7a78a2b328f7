//! A node that was taken over, over HTTP as a core hears it: a real core, a real node with a real vault, and beside
//! them the routes of a node behind which somebody lies.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use crate::support::daemon::{Daemon, spawning};
use hauki::api::event::{Event, EventQuery, Happening};
use hauki::api::node::NewsItem;
use hauki::api::summons::{SpawnRequest, Spawned};
use hauki::api::vault::{Placement, TicketRequest};
use hauki::client::ghost::{Ghost, GhostOptions};
use hauki::model::death::{Cause, Death};
use hauki::model::gem::Wishes;
use hauki::model::id::{NodeName, VaultId};
use hauki::model::receipt::{Receipt, Witness};
use hauki_contract::system::clock;
use hauki_control::fake_node::{FakeNode, Lies};
use tokio::time::timeout;

const HANG: Duration = Duration::from_secs(60);
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 9, 9));

fn name(name: &str) -> NodeName {
    name.parse().expect("a name")
}

struct Swarm {
    core: Daemon,
    liar: Arc<FakeNode>,
    of_honest: Spawned,
    of_liar: Spawned,
    _honest: Daemon,
    _ground: tempfile::TempDir,
}

async fn on(core: &Daemon, node: &str) -> Spawned {
    let wishes = Wishes { claim_ms: Some(600_000), lease_ms: Some(600_000), ..Wishes::default() };
    let placement = Placement { node: Some(name(node)), ..Placement::default() };
    let source = "function scan() {} function echo(x) { return x; }";
    let request = SpawnRequest { placement, ..spawning(source, wishes) };
    core.endpoint().spawn(&request).await.expect("spawns")
}

async fn swarm() -> Swarm {
    let dir = Daemon::ground("");
    let config = dir.path().join("hauki.yaml");
    let text = std::fs::read_to_string(&config).expect("was written");
    std::fs::write(&config, text.replace("node: {", "node: { name: honest,")).expect("is ours");
    let honest = Daemon::start_in(dir, "node", &[]);
    let ground = tempfile::tempdir().expect("a directory");
    let socket = ground.path().join("liar.sock");
    let liar = Arc::new(FakeNode::new(name("liar")));
    let listener = tokio::net::UnixListener::bind(&socket).expect("binds");
    let router = hauki_node::routes::router(liar.clone());
    tokio::spawn(std::future::IntoFuture::into_future(axum::serve(listener, router)));
    let nodes = format!(
        "nodes: [{{name: honest, socket: {}}}, {{name: liar, socket: {}}}]\n",
        honest.socket.display(),
        socket.display()
    );
    let core = Daemon::start_in(Daemon::ground(&nodes), "core", &[]);
    let (of_honest, of_liar) = (on(&core, "honest").await, on(&core, "liar").await);
    Swarm { core, liar, of_honest, of_liar, _honest: honest, _ground: ground }
}

fn forged(vault: &VaultId, node: &str) -> Receipt {
    let (by, detail) = (Some("uid 0 pid 1".into()), None);
    Receipt {
        vault: vault.clone(),
        node: name(node),
        generation: Some(1),
        witness: Some(Witness::Node.into()),
        death: Death { cause: Cause::OutOfMemory.into(), at: clock::now(), detail, by },
        lived_ms: 1,
        calls: 0,
        reclaimed_us: 1,
        reclaimed: Vec::new(),
    }
}

impl Swarm {
    /// All that the liar has said until now has been taken.
    async fn heard(&self, mark: &str) {
        self.liar.say(NewsItem::Log { vault: self.of_liar.vault.id.clone(), text: mark.into() });
        let query = EventQuery { follow: true, ..EventQuery::default() };
        let mut events = self.core.endpoint().events(&query).await.expect("opens");
        let marked = async {
            loop {
                let event = events.next::<Event>().await.expect("reads").expect("goes on");
                if matches!(&event.what, Happening::Log { text, .. } if text == mark) {
                    return;
                }
            }
        };
        timeout(HANG, marked).await.expect("is told");
    }

    async fn lives(&self) {
        let shown = self.core.endpoint().vault(&self.of_honest.vault.id).await.expect("shows");
        assert!(
            shown.receipt.is_none() && shown.phase.is_alive() && shown.unreachable.is_none(),
            "{shown:?}"
        );
        let ghost = Ghost::connect(&self.of_honest.ticket, GhostOptions::default()).await.expect("connects");
        let answer = ghost.call("echo", Some(r#"["x"]"#)).await.expect("answers");
        assert_eq!(answer.get(), "\"x\"");
    }

    /// How many words of the liar's were refused.
    fn refused(&self) -> u64 {
        let mut stream = UnixStream::connect(&self.core.socket).expect("listens");
        let head = b"GET /metrics HTTP/1.1\r\nhost: hauki\r\nconnection: close\r\n\r\n";
        stream.write_all(head).expect("writes");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("reads");
        let count = answer.lines().find_map(|line| line.strip_prefix(r#"hauki_distrusted{node="liar"} "#));
        count.and_then(|count| count.parse().ok()).unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_buries_no_vault_that_lives_on_another_however_it_says_so() {
    let mut swarm = swarm().await;
    swarm.lives().await;
    let foreign = swarm.of_honest.vault.id.clone();
    for node in ["honest", "liar"] {
        swarm.liar.say(NewsItem::Died(forged(&foreign, node)));
    }
    let answer = forged(&foreign, "honest");
    swarm.liar.lie(Lies {
        // Whatever it is asked about its own.
        torn: Some(Arc::new(move |torn| torn.receipt = answer.clone())),
        vaults: Some(Arc::new({
            let foreign = foreign.clone();
            move |list| {
                for said in &mut list.vaults {
                    (said.vault, said.phase) = (foreign.clone(), hauki::model::phase::Phase::Dead.into());
                }
            }
        })),
        ..Lies::default()
    });
    swarm.heard("once").await;
    swarm.lives().await;
    assert!(swarm.refused() >= 2, "{}", swarm.refused());
    let _ = swarm.core.endpoint().destruct(&swarm.of_liar.vault.id, &Default::default()).await;
    swarm.lives().await;

    // A core that has just started hears it all again, and its liar has lost what was its own.
    swarm.core.kill();
    swarm.core.restart();
    swarm.liar.lie(Lies::default());
    swarm.of_liar = on(&swarm.core, "liar").await;
    swarm.heard("again").await;
    swarm.lives().await;
    let ended = swarm.core.endpoint().destruct(&foreign, &Default::default()).await.expect("ends");
    let receipt = ended.receipt.expect("is dead");
    assert_eq!((receipt.death.cause, receipt.node.as_str()), (Cause::Destruct.into(), "honest"));
    assert!(ended.changed && !receipt.reclaimed.is_empty(), "by its own node's word: {receipt:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_ticket_leads_to_an_address_that_only_the_node_names() {
    let swarm = swarm().await;
    let request = TicketRequest { vault: swarm.of_liar.vault.id.clone(), wishes: Default::default() };
    let before = swarm.core.endpoint().ticket(&request).await.expect("is signed");
    swarm.liar.lie(Lies { opened: Some(Arc::new(|opened| opened.ip = ELSEWHERE)), ..Lies::default() });
    let refused = swarm.core.endpoint().ticket(&request).await.expect_err("is not signed");
    assert!(refused.to_string().contains("liar is not believed"), "{refused}");
    // Of a vault that is made as well, and by its word of itself.
    swarm.liar.lie(Lies {
        opened: Some(Arc::new(|opened| opened.ip = ELSEWHERE)),
        word: Some(Arc::new(|word| word.data_plane = ELSEWHERE)),
        ..Lies::default()
    });
    let placement = Placement { node: Some(name("liar")), ..Placement::default() };
    let request = SpawnRequest { placement, ..spawning("function scan() {}", Wishes::default()) };
    let refused = swarm.core.endpoint().spawn(&request).await.expect_err("is refused");
    assert!(!refused.to_string().is_empty(), "{refused}");
    // What was made is ended behind the answer: nobody waits for that.
    let ended = async {
        while swarm.liar.living().len() != 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(HANG, ended).await.expect("what was made for nobody is ended");
    assert_ne!(before.endpoint.ip, ELSEWHERE);
    swarm.lives().await;
}
