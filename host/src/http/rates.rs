//! How often callers come, and how much they send: counted before a handler sees the
//! request, and told in every answer by the headers of the IETF's draft (`RateLimit`
//! and `RateLimit-Policy`, draft-ietf-httpapi-ratelimit-headers-10).
//!
//! What one address sends is counted as it arrives; whose it is becomes known when the
//! handler asks who calls.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::Stream;

use super::problem::Problem;
use crate::app::App;
use crate::auth::Caller;
use crate::ids::UserId;
use crate::limits::{Class, Limits, Standing, TooOften};
use crate::origin::Origin;

const RATE: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

const KIB: u64 = 1024;

/// What is known of one request while it is answered. Cloning is cheap.
#[derive(Debug, Clone, Default)]
struct Tally(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Who was counted.
    user: Option<UserId>,
    standing: Option<Standing>,
}

/// Counts the request for where it comes from, and says in the answer what is left.
pub(super) async fn limit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let limits = app.gate.limits().clone();
    let origin = request.extensions().get::<Origin>().cloned().unwrap_or_default();
    let tally = Tally::default();
    let counted = limits.count_address(Class::General, &origin, NonZeroU32::MIN);
    let standing = match counted {
        Ok(standing) => standing,
        Err(wait) => return Problem::from(wait).into_response(),
    };
    request.extensions_mut().insert(tally.clone());
    let request = metered(request, Meter { limits, origin, tally: tally.clone() });
    let mut response = next.run(request).await;
    let of_user = tally.0.lock().unwrap_or_else(PoisonError::into_inner).standing;
    let Some(standing) = of_user.or(standing) else { return response };
    match response.extensions_mut().get_mut::<Problem>() {
        // A refusal tells of the bucket that is empty.
        Some(problem) => {
            problem.standing.get_or_insert_with(|| Box::new(standing));
        }
        None => tell(response.headers_mut(), standing),
    }
    response
}

/// Counts the request, and what it says that it sends, for who calls; once.
pub(super) fn count(limits: &Limits, parts: &Parts, caller: &Caller) -> Result<(), Problem> {
    let Some(tally) = parts.extensions.get::<Tally>() else { return Ok(()) };
    let mut known = tally.0.lock().unwrap_or_else(PoisonError::into_inner);
    if known.user.replace(caller.user.id.clone()).is_some() {
        return Ok(());
    }
    let who = (&caller.user.id, &caller.origin);
    let standing = limits.count_user(Class::General, who.0, NonZeroU32::MIN);
    known.standing = Some(standing.unwrap_or_else(|wait| wait.standing));
    standing?;
    if let Some(length) = announced(&parts.headers).filter(|_| writes(&parts.method)) {
        limits.count(Class::WrittenKib, who, kib(length))?;
    }
    Ok(())
}

/// Says how full a bucket is.
pub(super) fn tell(headers: &mut HeaderMap, standing: Standing) {
    let Standing { class, quota, remaining, window } = standing;
    let (name, window) = (class.as_str(), window.as_secs().max(1));
    let missing = u64::from(quota.saturating_sub(remaining));
    let reset = (missing * window).div_ceil(u64::from(quota.max(1)));
    let value = |text: String| HeaderValue::try_from(text).ok();
    let policy = value(format!("\"{name}\";q={quota};w={window}"));
    let rate = value(format!("\"{name}\";r={remaining};t={reset}"));
    if let (Some(policy), Some(rate)) = (policy, rate) {
        headers.insert(POLICY, policy);
        headers.insert(RATE, rate);
    }
}

/// Counts what a body brings that does not say before how much that is.
struct Meter {
    limits: Limits,
    origin: Origin,
    tally: Tally,
}

impl Meter {
    fn count(&self, bytes: u64) -> Result<(), TooOften> {
        let user = self.tally.0.lock().unwrap_or_else(PoisonError::into_inner).user.clone();
        let (class, number) = (Class::WrittenKib, kib(bytes));
        match user {
            Some(user) => self.limits.count(class, (&user, &self.origin), number).map(drop),
            None => self.limits.count_address(class, &self.origin, number).map(drop),
        }
    }

    /// Takes as long as it must.
    async fn admit(&self, bytes: u64) {
        while let Err(wait) = self.count(bytes) {
            tokio::time::sleep(wait.retry_after).await;
        }
    }
}

/// The request, whose body comes no faster than it may where its length is not known.
fn metered(request: Request, meter: Meter) -> Request {
    if !writes(request.method()) || announced(request.headers()).is_some() {
        return request;
    }
    let (parts, body) = request.into_parts();
    Request::from_parts(parts, Body::from_stream(slowed(body, meter)))
}

fn slowed(body: Body, meter: Meter) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    async_stream::stream! {
        for await chunk in body.into_data_stream() {
            if let Ok(chunk) = &chunk {
                meter.admit(chunk.len() as u64).await;
            }
            yield chunk;
        }
    }
}

fn writes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn kib(bytes: u64) -> NonZeroU32 {
    let kib = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX);
    NonZeroU32::new(kib).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn standing(remaining: u32) -> Standing {
        Standing { class: Class::Exec, quota: 100, remaining, window: Duration::from_secs(10) }
    }

    #[test]
    fn what_is_left_is_told_as_the_draft_writes_it() {
        let mut headers = HeaderMap::new();
        tell(&mut headers, standing(95));
        assert_eq!(headers[POLICY], "\"exec\";q=100;w=10");
        assert_eq!(headers[RATE], "\"exec\";r=95;t=1");
    }

    #[test]
    fn an_empty_bucket_is_full_again_after_its_window() {
        let mut headers = HeaderMap::new();
        tell(&mut headers, standing(0));
        assert_eq!(headers[RATE], "\"exec\";r=0;t=10");
    }

    #[test]
    fn a_single_byte_counts_as_a_kibibyte() {
        assert_eq!([0, 1, 1024, 1025].map(|bytes| kib(bytes).get()), [1, 1, 1, 2]);
    }
}
