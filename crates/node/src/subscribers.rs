//! Subscribers of a vault: the reply queues of its connections, each of which hears the last word once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::gate::replies::ReplyQueue;
use hauki_contract::rpc::builtin;

#[derive(Default)]
pub struct Subscribers {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Vec<Weak<ReplyQueue>>,
    /// The parameters of `hauki.dying`, once it was said.
    last_word: Option<String>,
}

impl State {
    fn each(&self, act: impl FnMut(Arc<ReplyQueue>)) {
        self.open.iter().filter_map(Weak::upgrade).for_each(act);
    }
}

impl Subscribers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on `reply_queue` hears what happens to the vault; of its death even if that was before.
    pub fn join(&self, reply_queue: &Arc<ReplyQueue>) {
        let mut state = self.state();
        if let Some(params) = &state.last_word {
            reply_queue.last_event(builtin::DYING, params);
        }
        state.open.retain(|reply_queue| reply_queue.strong_count() > 0);
        state.open.push(Arc::downgrade(reply_queue));
    }

    pub fn each(&self, mut act: impl FnMut(&ReplyQueue)) {
        self.state().each(|reply_queue| act(&reply_queue));
    }

    pub fn size(&self) -> usize {
        self.state().open.iter().filter(|reply_queue| reply_queue.strong_count() > 0).count()
    }

    /// Tells all that the vault is dying, unless somebody has.
    pub fn part(&self, params: impl FnOnce() -> String) {
        let mut state = self.state();
        if state.last_word.is_none() {
            let params = params();
            state.each(|reply_queue| reply_queue.last_event(builtin::DYING, &params));
            state.last_word = Some(params);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_hears_the_last_word_once() {
        let (audience, early, late) = (Subscribers::default(), Arc::default(), Arc::default());
        audience.join(&early);
        audience.part(|| "1".into());
        audience.join(&late);
        audience.part(|| "2".into());
        for reply_queue in [early, late] {
            let mut said = Vec::new();
            reply_queue.take(&mut said);
            let said = String::from_utf8(said).expect("is text");
            assert_eq!(said, "{\"jsonrpc\":\"2.0\",\"method\":\"hauki.dying\",\"params\":1}\n");
        }
    }
}
