//! Trace header, the context on its way out: what a request says of the trace that it belongs to.

use reqwest::{RequestBuilder, Response};

use hauki_contract::model::trace::TRACEPARENT;
use hauki_contract::seam;
use hauki_contract::system::trace;

/// Sends a request in the trace of whoever asks, as a span of its own where somebody listens.
pub(super) async fn sent(request: RequestBuilder) -> reqwest::Result<Response> {
    let sending = async {
        let request = match trace::current() {
            Some(context) => request.header(TRACEPARENT, context.to_string()),
            None => request,
        };
        request.send().await
    };
    trace::spanned(seam!("request"), sending).await
}
