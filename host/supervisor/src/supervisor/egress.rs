//! The proxy's listener inside the runtime: every connection becomes a stream to the host, which
//! alone decides where it may go.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures::SinkExt;
use lockhouse_supervisor::protocol::{Codec, Frame, MAX_EGRESS, Open};
use tokio::io::split;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::codec::Framed;
use tokio_util::compat::FuturesAsyncReadCompatExt;

use super::{Supervisor, dial, link, say, start};

/// Time a connection waits for a host to come back.
const HOST_DEADLINE: Duration = Duration::from_secs(5);
/// Pause before the address is tried again: loopback may not be up yet.
const BIND_PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn listen(supervisor: Rc<Supervisor>) {
    let Some(address) = supervisor.arguments.proxy else {
        return std::future::pending().await;
    };
    let listener = bind(address).await;
    loop {
        match listener.accept().await {
            // Beyond the bound a connection is closed at once.
            Ok((program, _)) if (supervisor.egress.get() as usize) < MAX_EGRESS => {
                start(carry(Rc::clone(&supervisor), program));
            }
            Ok(_) => {}
            // Out of descriptors, most likely: more come free as connections end.
            Err(_) => sleep(BIND_PAUSE).await,
        }
    }
}

async fn bind(address: SocketAddr) -> TcpListener {
    let mut told = false;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) if !told => {
                say(&format!("the proxy can't listen on {address} yet: {error}"));
                told = true;
            }
            Err(_) => {}
        }
        sleep(BIND_PAUSE).await;
    }
}

async fn carry(supervisor: Rc<Supervisor>, program: TcpStream) {
    supervisor.egress.set(supervisor.egress.get() + 1);
    // A connection that breaks is seen by both its ends.
    let _ = carry_to_host(&supervisor, program).await;
    supervisor.egress.set(supervisor.egress.get() - 1);
}

async fn carry_to_host(supervisor: &Supervisor, program: TcpStream) -> io::Result<()> {
    program.set_nodelay(true)?;
    let opening = timeout(HOST_DEADLINE, link::open_stream(supervisor)).await?;
    let mut frames = Framed::new(opening.compat(), Codec);
    frames.send(Frame::Open(Open::Egress)).await.map_err(io::Error::other)?;
    dial::join(split(program), split(frames.into_parts().io), &[]).await
}
