//! Request loop: from a message to its answer, one load, then calls in order, one at a time, and between them what
//! the worker has called out.

use hauki_contract::rpc::channel::{FromVault, Load, Loaded, Stats, ToVault, WorkerError, WorkerErrorKind};
use hauki_contract::rpc::evaluation::EVALUATE;
use hauki_lang::engine::{self, Deadline, Engine, MapAddress, Memory, MemoryError, WorkerCall};

use super::channel::InitChannel;
use super::evaluation::evaluate;
use super::warm_up::{self, rehearse};

/// With these, an error fits into a frame of the smallest limit, quotes and all.
const MESSAGE_BYTES: usize = 2048;
const STACK_BYTES: usize = 1024;
const FILE_BYTES: usize = 255;

/// Of a call whose turn did not come in time.
const TOO_LATE: &str = "the deadline passed before the call began";

/// The worker, and the channel it answers on.
pub(crate) struct InitSession {
    link: InitChannel,
    worker: LoadState,
    /// How long the worker may run for itself.
    deadline_ms: u32,
    /// When, unless the worker has come by then.
    rehearsal: Option<Deadline>,
}

/// How long `dest` may run when the worker ends itself.
const DEST_MS: u32 = 1000;

enum LoadState {
    Awaited,
    /// Loading failed. There is no second try: the gate destroys the vault.
    Failed,
    Loaded(Box<Engine>),
    /// `dest` has run, and the gate knows; nothing that is called now finds a worker.
    Ended,
}

impl InitSession {
    pub(crate) fn new(link: InitChannel) -> Self {
        let rehearsal = Some(Deadline::after_ms(warm_up::AFTER_MS));
        Self { link, worker: LoadState::Awaited, deadline_ms: 0, rehearsal }
    }

    pub(crate) fn link(&mut self) -> &mut InitChannel {
        &mut self.link
    }

    pub(crate) fn answer(&mut self, message: ToVault) {
        self.work(message);
        // Its plans take turns with its callers, and its own end comes after the answer.
        self.call_out();
    }

    /// Tidies up behind the answers, once these are on their way.
    pub(crate) fn rest(&mut self) {
        if let LoadState::Loaded(engine) = &mut self.worker
            && engine.is_untidy()
        {
            self.link.flush();
            engine.rest();
        }
    }

    /// When there is something to do that nobody asks for.
    pub(crate) fn next_due(&self) -> Option<Deadline> {
        match &self.worker {
            LoadState::Awaited => self.rehearsal,
            LoadState::Loaded(engine) => engine.next_call_out(),
            LoadState::Failed | LoadState::Ended => None,
        }
    }

    pub(crate) fn due(&mut self) {
        match self.worker {
            LoadState::Awaited => {
                if self.rehearsal.take().is_some() && self.link.is_silent() {
                    let _ = rehearse(&mut self.link, warm_up::BUDGET_MS);
                }
            }
            _ => self.call_out(),
        }
    }

    /// Runs one call_out, if one is due. The gate is told of its beginning and its end: it watches over
    /// how long the engine is busy.
    fn call_out(&mut self) {
        self.destruct();
        let LoadState::Loaded(engine) = &mut self.worker else { return };
        let Some(due) = engine.due_call_out() else { return };
        self.link.send(&FromVault::Busy);
        self.link.flush();
        engine.call_out(&mut self.link, &due, Deadline::after_ms(self.deadline_ms));
        self.link.send(&FromVault::Idle);
        self.destruct();
    }

    /// The worker's wish for its end, once what it works on has been answered.
    fn destruct(&mut self) {
        if self.link.take_destruct() && matches!(self.worker, LoadState::Loaded(_)) {
            self.link.send(&FromVault::Busy);
            self.link.flush();
            self.dest(DEST_MS);
            self.link.send(&FromVault::Destruct);
            self.link.flush();
        }
    }

    fn dest(&mut self, deadline_ms: u32) {
        if let LoadState::Loaded(engine) = &mut self.worker {
            // The vault dies next, whether its last words were an error or not; the line is for whoever
            // reads the log.
            if let Err(error) = engine.dest(&mut self.link, Deadline::after_ms(deadline_ms)) {
                hauki_lang::engine::Host::log(&mut self.link, &format!("dest: {}", error.message));
            }
            self.worker = LoadState::Ended;
        }
    }

    fn work(&mut self, message: ToVault) {
        match message {
            ToVault::Load(load) => self.load(&load),
            ToVault::Call { call, deadline_ms, method, caller, params } => {
                let LoadState::Loaded(engine) = &mut self.worker else { return self.refuse(call) };
                let deadline = self.link.deadline(deadline_ms);
                // Its caller has been told so: what is done now would be done behind his back.
                if deadline.passed() {
                    return self.fail(call, error(WorkerErrorKind::Deadline, TOO_LATE.to_owned()));
                }
                let arguments =
                    WorkerCall { method: &method, params: params.as_deref(), caller: &caller, deadline };
                self.link.begin(call);
                let done = match method.as_str() {
                    EVALUATE => evaluate(engine, &mut self.link, arguments),
                    _ => engine.call(&mut self.link, arguments),
                };
                self.link.end();
                match done {
                    Ok(value) => self.link.send_result(call, &value),
                    Err(error) => self.fail(call, error),
                }
            }
            ToVault::Dest { deadline_ms } => {
                self.dest(deadline_ms);
                self.link.send(&FromVault::DestDone);
            }
            ToVault::Stats { call } => {
                let LoadState::Loaded(engine) = &mut self.worker else { return self.refuse(call) };
                let stats = Stats {
                    heap_used_bytes: engine.heap_used(),
                    heap_limit_bytes: engine.heap_limit(),
                    calls: engine.state().calls,
                };
                self.link.send(&FromVault::Stats { call, stats });
            }
            // The link takes these.
            ToVault::Answer { .. } | ToVault::Refusal { .. } | ToVault::Cancel { .. } => {}
        }
    }

    fn load(&mut self, load: &Load) {
        if !matches!(self.worker, LoadState::Awaited) {
            return self.fail(0, protocol("a vault is loaded once"));
        }
        self.worker = LoadState::Failed;
        self.deadline_ms = load.deadline_ms;
        self.link.limit_payload(load.max_frame_bytes);
        match self.start(load) {
            Ok((engine, loaded)) => {
                self.worker = LoadState::Loaded(Box::new(engine));
                self.link.send(&FromVault::Loaded(loaded));
            }
            Err(error) => self.fail(0, error),
        }
    }

    fn start(&mut self, load: &Load) -> Result<(Engine, Loaded), WorkerError> {
        let memory = Memory::map(MapAddress::Fixed, load.heap_bytes).map_err(|error| no_memory(&error))?;
        let deadline = Deadline::after_ms(load.deadline_ms);
        let form = engine::form(&load.source, &load.file)?;
        let mut engine = Engine::new(memory, load.seed, &load.vault, form)?;
        if load.fetch {
            engine.invite();
        }
        let methods = engine.load(&mut self.link, &load.source, &load.file, &load.args, deadline)?.to_vec();
        let listed: usize = methods.iter().map(|name| name.len() + 3).sum();
        if listed > self.link.payload_limit() {
            return Err(too_large("the list of methods", listed, self.link.payload_limit()));
        }
        let heap_used_bytes = engine.heap_used();
        Ok((engine, Loaded { methods, heap_used_bytes }))
    }

    fn refuse(&mut self, call: u64) {
        self.fail(call, protocol("no worker is loaded"));
    }

    pub(crate) fn fail(&mut self, call: u64, mut error: WorkerError) {
        cut(&mut error.message, MESSAGE_BYTES);
        for (text, most) in [(&mut error.stack, STACK_BYTES), (&mut error.file, FILE_BYTES)] {
            if let Some(text) = text {
                cut(text, most);
            }
        }
        self.link.send_error(call, error);
    }
}

/// Shortens, and takes out control characters, which JSON writes six times as long.
fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most - '…'.len_utf8()));
        text.push('…');
    }
    if text.contains(|letter: char| letter.is_control() && letter != '\n') {
        *text = text.replace(|letter: char| letter.is_control() && letter != '\n', " ");
    }
}

pub(crate) fn protocol(message: impl Into<String>) -> WorkerError {
    error(WorkerErrorKind::Protocol, message.into())
}

fn no_memory(source: &MemoryError) -> WorkerError {
    error(WorkerErrorKind::Memory, source.to_string())
}

fn too_large(what: &str, length: usize, limit: usize) -> WorkerError {
    let message = format!("{what} has {length} bytes, over the limit of {limit}; raise max_frame_bytes");
    error(WorkerErrorKind::TooLarge, message)
}

fn error(kind: WorkerErrorKind, message: String) -> WorkerError {
    WorkerError { kind, message, file: None, line: None, column: None, stack: None }
}
