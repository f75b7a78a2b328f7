//! CPU affinity: on which core a vault runs, on its shard's while calls come one by one and are short, else on any.
//!
//! A caller, the shard and the vault then wait for each other, so a second core works on nothing, and
//! every step to it and back wakes a core that sleeps, which costs more than the rest of the call. The
//! kernel prefers the sleeping core all the same. As soon as calls overlap or take long a second core is
//! worth its price, so a vault is let go when that is seen, and looked at now and then while it is not:
//! a call that has begun does not say that it will be long.

use hauki_contract::model::lease::Mono;
use hauki_sandbox::Sandbox;

/// So many calls alone before their vault is drawn to the shard.
const LONE: u32 = 8;
/// How long a drawn vault may go unseen, and how long while nothing is called.
const LOOK_MS: u64 = 4;
const IDLE_MS: u64 = 256;

#[derive(Default)]
pub(crate) struct Affinity {
    /// Calls in a row that were alone and short.
    lone: u32,
    drawn: Option<Drawn>,
}

struct Drawn {
    core: usize,
    look_at: Mono,
    pause_ms: u64,
    /// Something was answered since the last look.
    used: bool,
}

impl Affinity {
    /// The vault has answered; `alone` if nothing else is asked of it and its calls are short.
    pub(crate) fn answered(&mut self, alone: bool, now: Mono, sandbox: &dyn Sandbox) {
        if !alone {
            return self.let_go(sandbox);
        }
        self.lone = self.lone.saturating_add(1);
        if self.lone < LONE {
            return;
        }
        // The shard goes where the kernel sends it, and the vault after it.
        let core = rustix::thread::sched_getcpu();
        match &mut self.drawn {
            Some(drawn) if drawn.core == core => drawn.used = true,
            drawn => {
                sandbox.settle(Some(core));
                let look_at = now.plus_ms(LOOK_MS);
                *drawn = Some(Drawn { core, look_at, pause_ms: LOOK_MS, used: true });
            }
        }
    }

    /// When to look again, if it must be.
    #[must_use]
    pub(crate) fn look_at(&self) -> Option<Mono> {
        self.drawn.as_ref().map(|drawn| drawn.look_at)
    }

    /// `busy_since` is when the vault began what it works on.
    pub(crate) fn look(&mut self, busy_since: Option<Mono>, now: Mono, sandbox: &dyn Sandbox) {
        let Some(drawn) = self.drawn.as_mut().filter(|drawn| drawn.look_at <= now) else { return };
        drawn.pause_ms = if std::mem::take(&mut drawn.used) { LOOK_MS } else { drawn.pause_ms * 2 };
        drawn.look_at = now.plus_ms(drawn.pause_ms);
        let long = busy_since.is_some_and(|since| now.since(since) >= LOOK_MS * 1000);
        if long || drawn.pause_ms > IDLE_MS {
            self.let_go(sandbox);
        }
    }

    fn let_go(&mut self, sandbox: &dyn Sandbox) {
        self.lone = 0;
        if self.drawn.take().is_some() {
            sandbox.settle(None);
        }
    }
}
