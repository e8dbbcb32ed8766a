//! Room previews: how long what was let in may last.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::broadcast;

use crate::ids::LinkId;

pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Leave to look: until a time, or until a link is revoked. Without either it is
/// for as long as the connection lasts.
#[derive(Debug, Default)]
pub struct Leave {
    lasts: Option<Duration>,
    link: Option<(LinkId, broadcast::Receiver<LinkId>)>,
}

impl Leave {
    pub(super) fn lasting(lasts: Duration) -> Self {
        Self { lasts: Some(lasts), link: None }
    }

    pub(super) fn by_link(
        lasts: Duration,
        link: LinkId,
        revoked: broadcast::Receiver<LinkId>,
    ) -> Self {
        Self { lasts: Some(lasts), link: Some((link, revoked)) }
    }

    /// Whether it ends before what was let in does.
    pub(super) fn is_bounded(&self) -> bool {
        self.lasts.is_some() || self.link.is_some()
    }

    /// Resolves once it is over.
    pub(super) async fn over(self) {
        let late = async {
            match self.lasts {
                Some(lasts) => tokio::time::sleep(lasts).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = late => {}
            () = revoked(self.link) => {}
        }
    }
}

async fn revoked(link: Option<(LinkId, broadcast::Receiver<LinkId>)>) {
    let Some((link, mut revoked)) = link else { return std::future::pending().await };
    // Who missed news can't know that the link is still good, and asks anew.
    while revoked.recv().await.is_ok_and(|other| other != link) {}
}

/// A body that breaks off when the leave to see it is over.
pub(super) struct Until<B> {
    body: B,
    over: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<B> Until<B> {
    pub(super) fn new(body: B, leave: Leave) -> Self {
        Self { body, over: Box::pin(leave.over()) }
    }
}

impl<B> Body for Until<B>
where
    B: Body + Unpin,
    B::Error: Into<Failure>,
{
    type Data = B::Data;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Failure>>> {
        if self.over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err("the leave to see this preview is over".into())));
        }
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn leave_by_a_link_ends_when_that_link_is_revoked() {
        let (tell, revoked) = broadcast::channel(4);
        let (link, other) = (LinkId::generate(), LinkId::generate());
        let leave = Leave::by_link(LONG, link.clone(), revoked);
        tell.send(other).unwrap();
        tell.send(link).unwrap();
        assert!(tokio::time::timeout(LONG / 2, leave.over()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn leave_by_a_link_outlives_the_end_of_another() {
        let (tell, revoked) = broadcast::channel(4);
        let leave = Leave::by_link(LONG, LinkId::generate(), revoked);
        tell.send(LinkId::generate()).unwrap();
        assert!(tokio::time::timeout(LONG / 2, leave.over()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn leave_for_a_time_ends_with_it() {
        let leave = Leave::lasting(LONG);
        assert!(tokio::time::timeout(LONG * 2, leave.over()).await.is_ok());
    }
}
