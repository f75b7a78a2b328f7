//! Tracing: which request the work of this moment belongs to, and what it spends its time on.
//!
//! The context travels with the task (`system::tasks` hands it on), so that an order to a node and a line in the log
//! know it without being given it. A step is measured always, which takes two looks at the clock and no memory to
//! speak of; it is a span of `tracing` besides, at the level `debug`, only where somebody listens. What is in a span:
//! the name of the step and numbers of the trace. Never a body, a ticket, an argument or a result.
//!
//! What wraps work here is a value around it and no `async fn`: that would keep room for what it was given beside what
//! it waits for, so that each wrapping doubled its size, and a vault's life, which is several deep, was 100 KB to be
//! copied at every start.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::num::{NonZeroU64, NonZeroU128};

use futures_util::FutureExt as _;
use futures_util::future::Either;
use tokio::task_local;
/// For the macros below, in crates that know nothing else of it.
pub use tracing;
use tracing::{Instrument as _, Level, Span};

use super::{clock, random};
use crate::model::lease::Mono;
use crate::model::trace::{SpanId, TraceContext, TraceId};

/// What spans at the seams are called; `HAUKI_LOG=hauki::seam=debug` shows them with the lines below them.
pub const SEAM: &str = "hauki::seam";
/// So many steps of one piece of work are remembered.
const MOST_STEPS: usize = 16;

task_local! {
    static CONTEXT: Option<TraceContext>;
    static STEPS: RefCell<Steps>;
}

/// What a piece of work has spent its time on, in the order in which the steps ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps(Vec<(&'static str, u64)>);

impl Steps {
    /// As in `place 12 us, order 1.2 s`.
    #[must_use]
    pub fn told(&self) -> String {
        let mut text = String::new();
        for (name, took_us) in &self.0 {
            let comma = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{comma}{name} {}", duration(*took_us));
        }
        text
    }

    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }
}

impl<const N: usize> From<[(&'static str, u64); N]> for Steps {
    fn from(steps: [(&'static str, u64); N]) -> Self {
        Self(steps.to_vec())
    }
}

/// In words for people.
#[must_use]
pub fn duration(us: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let us_f = us as f64;
    match us {
        0..1_000 => format!("{us} us"),
        1_000..1_000_000 => format!("{:.1} ms", us_f / 1e3),
        _ => format!("{:.1} s", us_f / 1e6),
    }
}

/// A trace of its own.
#[must_use]
pub fn fresh(sampled: bool) -> TraceContext {
    let trace = TraceId(NonZeroU128::new(random::u128()).unwrap_or(NonZeroU128::MIN));
    TraceContext { trace, span: span_id(), sampled }
}

fn span_id() -> SpanId {
    SpanId(NonZeroU64::new(random::u64()).unwrap_or(NonZeroU64::MIN))
}

/// What the work of this moment belongs to.
#[must_use]
pub fn current() -> Option<TraceContext> {
    CONTEXT.try_with(|context| *context).ok().flatten()
}

/// Work in this context, and what it was spent on.
pub fn watched<F: Future>(
    context: Option<TraceContext>,
    work: F,
) -> impl Future<Output = (F::Output, Steps)> {
    let work = work.map(|done| (done, STEPS.with(RefCell::take)));
    CONTEXT.scope(context, STEPS.scope(RefCell::default(), work))
}

/// Work in this context.
pub fn within<F: Future>(context: TraceContext, work: F) -> impl Future<Output = F::Output> {
    CONTEXT.scope(Some(context), work)
}

/// Work in the context of who begins it: a task of its own, whose steps are not his.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    CONTEXT.scope(current(), work)
}

/// Whether anybody wants spans. What nobody wants costs a look at a number.
#[must_use]
pub fn is_wanted() -> bool {
    tracing::enabled!(target: "hauki::seam", Level::DEBUG)
}

/// What is written into a span: where it hangs in its trace.
#[derive(Debug, Clone, Copy)]
pub struct Ids {
    pub own: TraceContext,
    pub parent: Option<SpanId>,
}

/// A step of the work of this moment: measured, and a span where one is wanted. As [`step!`](crate::step) calls it.
pub fn step<F: Future>(
    name: &'static str,
    span: impl FnOnce(Ids) -> Span,
    work: F,
) -> impl Future<Output = F::Output> {
    let began = clock::mono();
    spanned(span, work).map(move |done| {
        took(name, began);
        done
    })
}

/// The span alone, where there are no steps to be told. It begins with this call, and belongs to whoever makes it.
pub fn spanned<F: Future>(span: impl FnOnce(Ids) -> Span, work: F) -> impl Future<Output = F::Output> {
    if !is_wanted() {
        return Either::Left(work);
    }
    let ids = Ids::below(current());
    Either::Right(CONTEXT.scope(Some(ids.own), work.instrument(span(ids))))
}

/// As [`spanned`], of work that begins in another context than this moment's.
pub fn spanned_in<F: Future>(
    context: Option<TraceContext>,
    span: impl FnOnce(Ids) -> Span,
    work: F,
) -> impl Future<Output = F::Output> {
    CONTEXT.scope(context, saying(context, || spanned(span, work)))
}

impl Ids {
    /// Of a new span. Where the one above is not written down by anybody, this one is the first that is.
    fn below(context: Option<TraceContext>) -> Self {
        let parent = context.filter(|context| context.sampled).map(|context| context.span);
        let trace = context.map_or_else(|| fresh(true).trace, |context| context.trace);
        Self { own: TraceContext { trace, span: span_id(), sampled: true }, parent }
    }
}

/// A span that ends elsewhere than it began, when this is dropped.
#[derive(Debug)]
pub struct SpanGuard {
    pub context: TraceContext,
    _span: Span,
}

/// Nothing, and no memory, where nobody asks and nobody listens.
#[must_use]
pub fn open(context: Option<TraceContext>, span: impl FnOnce(Ids) -> Span) -> Option<Box<SpanGuard>> {
    if !is_wanted() {
        return context.map(|context| Box::new(SpanGuard { context, _span: Span::none() }));
    }
    let ids = Ids::below(context);
    Some(Box::new(SpanGuard { context: ids.own, _span: span(ids) }))
}

/// What is said here and now belongs to this context.
pub fn saying<T>(context: Option<TraceContext>, say: impl FnOnce() -> T) -> T {
    CONTEXT.sync_scope(context, say)
}

/// Remembers a step that has ended.
pub fn took(name: &'static str, began: Mono) {
    let took_us = clock::mono().since(began);
    // Outside of a request nobody asks.
    let _ = STEPS.try_with(|steps| {
        let steps = &mut steps.borrow_mut().0;
        if steps.len() < MOST_STEPS {
            steps.push((name, took_us));
        }
    });
}

/// The span of a seam by its name, which is a literal.
#[macro_export]
macro_rules! seam {
    ($name:literal) => {
        |ids: $crate::system::trace::Ids| {
            $crate::system::trace::tracing::debug_span!(
                target: "hauki::seam",
                $name,
                trace = %ids.own.trace,
                span = %ids.own.span,
                parent = ids.parent.map($crate::system::trace::tracing::field::display)
            )
        }
    };
}

/// `step!("place", self.place(wish)).await`
#[macro_export]
macro_rules! step {
    ($name:literal, $work:expr) => {
        $crate::system::trace::step($name, $crate::seam!($name), $work)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn steps_are_told_in_their_order_and_belong_to_their_own_work() {
        assert_eq!(current(), None);
        let context = fresh(false);
        let (answer, steps) = watched(Some(context), async {
            step!("place", async { tokio::task::yield_now().await }).await;
            let (_, inner) = watched(Some(fresh(true)), step!("inner", async {})).await;
            assert_eq!(inner.names(), ["inner"]);
            let carried = tokio::spawn(carried(async { step!("elsewhere", async { current() }).await }));
            assert_eq!(carried.await.expect("ends"), Some(context));
            step!("order", async { current() }).await
        })
        .await;
        assert_eq!(answer, Some(context));
        assert_eq!(steps.names(), ["place", "order"]);
        assert_eq!(current(), None);
        let told = Steps(vec![("place", 12), ("order", 1_234), ("sign", 2_340_000)]).told();
        assert_eq!(told, "place 12 us, order 1.2 ms, sign 2.3 s");
    }

    #[test]
    fn wrapped_work_is_little_larger_than_it_is() {
        let work = || async {
            let mut room = [0_u8; 10_000];
            tokio::task::yield_now().await;
            room[0] = 1;
            room[9_999]
        };
        let bare = size_of_val(&work());
        let carried = carried(watched(None, step!("inner", within(fresh(false), work()))));
        assert!(size_of_val(&carried) < bare + 500, "{} of {bare}", size_of_val(&carried));
    }

    #[tokio::test]
    async fn no_more_steps_are_kept_than_somebody_reads() {
        let many = async {
            for _ in 0..10_000 {
                step!("again", async {}).await;
            }
        };
        assert_eq!(watched(Some(fresh(false)), many).await.1.names().len(), MOST_STEPS);
    }
}
