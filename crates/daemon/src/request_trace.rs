//! Request tracing: the outermost layer of the control socket: which trace a request belongs to, and whether it was
//! long.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

use hauki_contract::api::endpoints::ENDPOINTS;
use hauki_contract::api::paths;
use hauki_contract::model::trace::{TRACEPARENT, TraceContext};
use hauki_contract::seam;
use hauki_contract::system::slow_log::{self, SlowKind};
use hauki_contract::system::{clock, trace};

/// Runs the request in its trace: its asker's, or one of its own.
pub(crate) async fn seen(request: Request, next: Next) -> Response {
    let context = parent(request.headers()).unwrap_or_else(|| trace::fresh(false));
    // Who asks to be answered later is.
    let waits = request.uri().query().is_some_and(|query| query.contains("wait") || query.contains("grace"));
    let method = request.method().clone();
    let path = template(request.uri().path());
    let began = clock::mono();
    let run = async {
        let answered = trace::watched(Some(context), trace::spanned(seam!("request"), next.run(request)));
        let (answer, steps) = answered.await;
        if !waits {
            let took_us = clock::mono().since(began);
            slow_log::note(SlowKind::Request, || format!("{method} {path}"), took_us, &steps);
        }
        answer
    };
    trace::within(context, run).await
}

/// As the W3C has it: more than one are none.
fn parent(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    TraceContext::read(value.to_str().ok()?)
}

/// The path without what a caller wrote into it.
fn template(path: &str) -> &'static str {
    let fits = |known: &str| {
        let (mut known, mut given) = (known.split('/'), path.split('/'));
        loop {
            match (known.next(), given.next()) {
                (None, None) => return true,
                (Some("{id}"), Some(_)) => {}
                (Some(known), Some(segment)) if known == segment => {}
                _ => return false,
            }
        }
    };
    let known = ENDPOINTS.iter().map(|endpoint| endpoint.path).chain(paths::node::ALL);
    known
        .clone()
        .find(|known| *known == path)
        .or_else(|| known.clone().find(|known| fits(known)))
        .unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_taken_from_one_header_that_is_right_and_from_nothing_else() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let of = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(TRACEPARENT, axum::http::HeaderValue::from_bytes(value).expect("a value"));
            }
            parent(&headers)
        };
        assert_eq!(of(&[good.as_bytes()]).map(|context| context.to_string()).as_deref(), Some(good));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[good.as_bytes(), good.as_bytes()]), None);
        assert_eq!(of(&[b"\xff\xfe"]), None);
        assert_eq!(of(&[good.to_uppercase().as_bytes()]), None);
    }

    #[test]
    fn what_a_caller_writes_into_a_path_is_told_to_nobody() {
        assert_eq!(template(paths::SPAWN), paths::SPAWN);
        assert_eq!(template(&paths::with_id(paths::VAULT, "vlt_x")), paths::VAULT);
        assert_eq!(template(&paths::with_id(paths::node::OPEN, "vlt_x")), paths::node::OPEN);
        assert_eq!(template("/secret"), "other");
    }
}
