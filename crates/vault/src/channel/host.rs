//! Host interface: where a worker's effects go, frames.

use rustix::event::{Timespec, poll};

use super::{Asked, InitChannel, LOOK_MS};
use hauki_contract::rpc::channel::{
    MAX_ASKS, MAX_LINE, Said, Unanswered, encode_ask, encode_event, encode_log,
};
use hauki_lang::engine::{Deadline, Host};

impl Host for InitChannel {
    fn log(&mut self, text: &str) {
        for line in text.split('\n') {
            let mut rest = line;
            while rest.len() > MAX_LINE {
                let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_LINE));
                encode_log(&mut self.output, piece);
                rest = after;
                self.gather();
            }
            encode_log(&mut self.output, rest);
            self.gather();
        }
    }

    fn event(&mut self, event: &str, data: &str) -> Result<(), String> {
        let (length, limit) = (event.len() + data.len(), self.payload_limit());
        if length > limit {
            return Err(format!("an event of {length} bytes is over the limit of {limit}"));
        }
        encode_event(&mut self.output, event, data);
        self.gather();
        Ok(())
    }

    fn destruct(&mut self) {
        self.destructs = true;
    }

    fn ask(&mut self, object: &str, method: &str, params: &str) -> Result<u64, Box<Unanswered>> {
        let (length, limit) = (object.len() + method.len() + params.len(), self.payload_limit());
        if length > limit {
            let message = format!("a call of {length} bytes is over this vault's limit of {limit}");
            return Err(Unanswered::new("too_large", message).into());
        }
        if self.cancelled {
            return Err(Unanswered::new("deadline", "nobody waits for it any more").into());
        }
        self.asked += 1;
        self.open.push(Asked { number: self.asked, method: method.to_owned() });
        encode_ask(&mut self.output, self.asked, object, method, params);
        self.flush();
        Ok(self.asked)
    }

    fn is_crowded(&self) -> bool {
        self.open.len() >= MAX_ASKS
    }

    fn answer(
        &mut self,
        wanted: Option<u64>,
        deadline: Option<Deadline>,
    ) -> Result<(u64, Said), Box<Unanswered>> {
        let asked = self.open.iter().find(|asked| wanted.is_none_or(|number| number == asked.number));
        let Some(Asked { method, .. }) = asked else {
            // It was taken, and there was no room in the heap to keep it.
            return Err(Unanswered::new("memory", "the answer did not fit into the heap").into());
        };
        let late = format!("the deadline passed while {method} ran");
        match self.said(deadline) {
            Ok(Some(said)) => Ok(said),
            Ok(None) => Err(Unanswered::new("deadline", late).into()),
            // The main loop meets the same error when it reads on.
            Err(error) => Err(Unanswered::new("internal", error.to_string()).into()),
        }
    }

    fn pause(&mut self, until: Deadline) {
        self.flush();
        while !self.cancelled && !until.passed() {
            // What comes meanwhile waits for its turn; a cancel is heard.
            let soon = Deadline::after_ms(LOOK_MS).min(until);
            if self.readable_before(Some(soon)) {
                let _ = self.look();
                if self.readable_before(Some(Deadline::after_ms(0))) {
                    // There is no room for more.
                    let _ = poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 1_000_000 }));
                }
            }
        }
    }

    fn tick(&mut self) -> bool {
        self.flush();
        if self.current.is_some() && !self.cancelled && self.look_at.passed() {
            // What is wrong with the channel, the main loop meets again.
            let _ = self.look();
            self.look_at = Deadline::after_ms(LOOK_MS);
        }
        !self.cancelled
    }

    fn limit(&self) -> usize {
        self.payload_limit()
    }
}
