//! Carries one HTTP request to a server in a runtime, and its answer back.
//!
//! The project's server is a stranger: it never sees Lockhouse's cookies or
//! tokens, and it can't set a cookie for Lockhouse.

mod headers;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use lockhouse_supervisor::client::Tunnel;
use tokio::io::copy_bidirectional;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::io::InspectReader;

use super::leave::{Failure, Leave, Until};
use super::pool::{Outgoing, Sender};
use super::{Error, Previews};
use crate::ids::ProjectId;
use crate::runtimes::activity::Cause;
use crate::tasks::Tasks;

/// How long the server may take until its answer begins; the whole of a large
/// upload may come before that.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);

/// The body of an answer on its way to the browser.
pub type Body = UnsyncBoxBody<Bytes, Failure>;

/// What is looked at, and how.
#[derive(Debug)]
pub struct Visit {
    pub project: ProjectId,
    pub port: u16,
    /// Path and query as the server sees them.
    pub path: Uri,
    /// What stands before them where the browser is; nothing where the preview
    /// has an origin of its own.
    pub prefix: String,
    /// Whether `Authorization` is the project's own: it did not let this in.
    pub keeps_authorization: bool,
    pub leave: Leave,
}

impl Visit {
    fn has_own_origin(&self) -> bool {
        self.prefix.is_empty()
    }
}

impl Previews {
    /// Sends the request to where the visit goes.
    pub async fn forward<B>(
        &self,
        mut request: Request<B>,
        visit: Visit,
    ) -> Result<Response<Body>, Error>
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Failure>,
    {
        self.runtimes.touch(&visit.project, Cause::Preview);
        let upgrade = headers::wanted_upgrade(request.headers());
        let client = upgrade.as_ref().and_then(|_| request.extensions_mut().remove::<OnUpgrade>());
        let request = prepared(request, &visit, upgrade.as_ref());
        let sending = self.send(request, &visit, client.is_some());
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, sending);
        let late = || Error::BadAnswer(format!("no answer within {} s", ANSWER_TIMEOUT.as_secs()));
        let mut answer = answer.await.map_err(|_| late())??;
        headers::hand_back(answer.headers_mut(), &visit);
        match (answer.status(), client, upgrade) {
            (StatusCode::SWITCHING_PROTOCOLS, Some(client), Some(upgrade)) => {
                Ok(self.switch((client, upgrade), answer, visit))
            }
            (StatusCode::SWITCHING_PROTOCOLS, ..) => {
                Err(Error::BadAnswer("it changed the protocol without being asked".to_owned()))
            }
            _ => Ok(answer.map(|body| bounded(body, visit.leave))),
        }
    }

    /// Sends it by a connection that is kept, or by a new one. A kept one that is
    /// hung up meanwhile gives the request back.
    async fn send(
        &self,
        mut request: Request<Outgoing>,
        visit: &Visit,
        alone: bool,
    ) -> Result<Response<Incoming>, Error> {
        let server = (visit.project.clone(), visit.port);
        while !alone && let Some(mut kept) = self.pool.take(&server) {
            match kept.try_send_request(request).await {
                Ok(answer) => {
                    self.pool.keep(server, kept);
                    return Ok(answer);
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(bad_answer(error.into_error())),
                },
            }
        }
        let mut sender = self.connect(visit).await?;
        let answer = sender.send_request(request).await.map_err(bad_answer)?;
        if !alone {
            self.pool.keep(server, sender);
        }
        Ok(answer)
    }

    async fn connect(&self, visit: &Visit) -> Result<Sender, Error> {
        let place = self.pool.place(&visit.project).await?;
        let tunnel = self.dial(&visit.project, visit.port).await?;
        connection(&self.tasks, tunnel, place).await
    }

    /// Joins both sides of a WebSocket. What comes from the browser is use of the runtime; a
    /// page that is left open and says nothing is none.
    fn switch(
        &self,
        (client, upgrade): (OnUpgrade, HeaderValue),
        mut answer: Response<Incoming>,
        visit: Visit,
    ) -> Response<Body> {
        let Visit { project, leave, .. } = visit;
        let server = hyper::upgrade::on(&mut answer);
        let runtimes = self.runtimes.clone();
        let joined = async move {
            match tokio::try_join!(client, server) {
                Ok((client, server)) => {
                    let touch = |_: &[u8]| runtimes.touch(&project, Cause::Preview);
                    let mut client = InspectReader::new(TokioIo::new(client), touch);
                    // Either side may go at any time.
                    let _ = copy_bidirectional(&mut client, &mut TokioIo::new(server)).await;
                }
                Err(error) => tracing::debug!(%error, "a preview websocket was not opened"),
            }
        };
        self.tasks.run("preview websocket", async move {
            tokio::select! {
                () = joined => {}
                () = leave.over() => {}
            }
        });
        let empty = || Empty::new().map_err(|never| match never {}).boxed_unsync();
        let mut switched = answer.map(|_| empty());
        headers::ask_upgrade(switched.headers_mut(), &upgrade);
        switched
    }
}

/// Speaks HTTP/1.1 on a tunnel.
async fn connection(
    tasks: &Tasks,
    tunnel: Tunnel,
    place: OwnedSemaphorePermit,
) -> Result<Sender, Error> {
    let (sender, connection) = hyper::client::conn::http1::Builder::new()
        .handshake(TokioIo::new(tunnel))
        .await
        .map_err(bad_answer)?;
    tasks.run("preview connection", async move {
        let _place = place;
        // An early end shows as an error of the answer or its body.
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a preview connection broke");
        }
    });
    Ok(sender)
}

fn bad_answer(error: impl std::fmt::Display) -> Error {
    Error::BadAnswer(error.to_string())
}

/// The request as the server sees it.
fn prepared<B>(
    request: Request<B>,
    visit: &Visit,
    upgrade: Option<&HeaderValue>,
) -> Request<Outgoing>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Failure>,
{
    let (parts, body) = request.into_parts();
    let mut sent = Request::new(body.map_err(Into::into).boxed_unsync());
    *sent.method_mut() = parts.method;
    *sent.uri_mut() = visit.path.clone();
    *sent.headers_mut() = parts.headers;
    headers::prepare(sent.headers_mut(), visit, upgrade);
    sent
}

fn bounded(body: Incoming, leave: Leave) -> Body {
    if leave.is_bounded() {
        Until::new(body, leave).boxed_unsync()
    } else {
        body.map_err(Into::into).boxed_unsync()
    }
}
