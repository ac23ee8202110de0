//! `http`: requests to granted hosts. A guest waits for its answer; others go on meanwhile.

use super::{GuestState, charge_outside};
use crate::capabilities::{HttpRequest, HttpResponse};
use std::time::{Duration, Instant};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower};

/// Time kept back from a call's deadline, so that the guest still learns that its request was too slow.
const KEPT_BACK: Duration = Duration::from_millis(100);

#[derive(Debug, ComponentType, Lift, Lower)]
#[component(record)]
struct Header {
    #[component(name = "name")]
    name: String,
    #[component(name = "value")]
    value: String,
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Request {
    #[component(name = "method")]
    method: String,
    #[component(name = "url")]
    url: String,
    #[component(name = "headers")]
    headers: Vec<Header>,
    #[component(name = "body")]
    body: Option<Vec<u8>>,
    #[component(name = "timeout-ms")]
    timeout_ms: u32,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Response {
    #[component(name = "status")]
    status: u16,
    #[component(name = "headers")]
    headers: Vec<Header>,
    #[component(name = "body")]
    body: Vec<u8>,
}

pub fn link(http: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    http.func_wrap_async("send", |mut store: StoreContextMut<'_, GuestState>, (request,): (Request,)| {
        Box::new(async move { Ok((send(&mut store, request).await?,)) })
    })
}

async fn send(store: &mut StoreContextMut<'_, GuestState>, request: Request) -> wasmtime::Result<Result<Response, String>> {
    let headers: usize = request.headers.iter().map(|h| h.name.len() + h.value.len()).sum();
    charge_outside(store, request.url.len() + headers + request.body.as_ref().map_or(0, Vec::len))?;
    let state = store.data();
    let left = state.deadline.saturating_duration_since(Instant::now()).saturating_sub(KEPT_BACK);
    let time = Duration::from_millis(request.timeout_ms.into()).min(left);
    let request = HttpRequest {
        method: request.method,
        url: request.url,
        headers: request.headers.into_iter().map(|h| (h.name, h.value)).collect(),
        body: request.body,
    };
    let capabilities = state.context.capabilities.clone();
    let answer = capabilities.send(request, time).await;
    let answer = answer.map(|HttpResponse { status, headers, body }| Response {
        status,
        headers: headers.into_iter().map(|(name, value)| Header { name, value }).collect(),
        body,
    });
    charge_outside(store, answer.as_ref().map_or(0, |a| a.body.len()))?;
    Ok(answer)
}
