//! Calls from a script: the engine of `hauki proxy run` in its child, beside the library's calls.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hauki::client::ControlPlane;
use hauki::client::script::{CancelHandle, ScriptFailure, ScriptSession, Setup, World};
use hauki::model::ticket::Ticket;
use hauki_contract::system::trace;

const HEAP_BYTES: u64 = 8 << 20;

/// Calls of one turn.
pub(crate) const TURN: u32 = 50;

/// What each of them took, in milliseconds: looking at the clock takes a script as long as a part of a call.
const CALLS: &str = r#"
    var i, t = performance.now();
    for (i = 0; i < 50; i++) w->echo({n: 1, s: "scout"});
    print((performance.now() - t) / 50);
"#;

/// A world without a control plane, which keeps what was printed.
struct Heard(Rc<RefCell<String>>);

impl World for Heard {
    async fn endpoint(&self) -> Result<&ControlPlane, ScriptFailure> {
        unreachable!("the script has its object")
    }

    async fn endpoint_if_live(&self) -> Option<&ControlPlane> {
        None
    }

    fn connect_timeout(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn print(&self, line: &str) -> io::Result<()> {
        line.clone_into(&mut self.0.borrow_mut());
        Ok(())
    }
}

pub(crate) struct Script {
    session: ScriptSession<Heard>,
    heard: Rc<RefCell<String>>,
}

impl Script {
    pub(crate) fn new(ticket: &Ticket) -> Self {
        let heard = Rc::<RefCell<String>>::default();
        let setup = Setup {
            args: vec![serde_json::to_string(ticket).expect("is JSON")],
            base: ".".into(),
            heap_bytes: HEAP_BYTES,
            cancel: CancelHandle::default(),
            lines: Arc::new(|_, _| {}),
            trace: trace::fresh(false),
            compiled: false,
            runner: Some(env!("CARGO_BIN_EXE_hauki-script").into()),
        };
        let mut session = ScriptSession::new(Heard(Rc::clone(&heard)), setup).expect("starts");
        session.begin().expect("begins");
        session.run("var w = find_object(JSON.parse(args[0]));", "bench", None).expect("finds it");
        Self { session, heard }
    }

    /// [`TURN`] calls; milliseconds for each.
    pub(crate) fn turn(&mut self) -> f64 {
        self.session.run(CALLS, "bench", None).expect("runs");
        self.heard.borrow().parse().expect("is a time")
    }
}
