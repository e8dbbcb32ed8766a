//! `lockhouse serve`

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::Installation;
use crate::config::Config;
use crate::db::{Db, home};
use crate::{server, telemetry};

#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// Address to listen on [default: 127.0.0.1:8000].
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Goes with this data directory from now on, though projects of the database lie in
    /// another one, which is gone for good: their files are lost, and runtimes are made anew.
    #[arg(long)]
    take_over: bool,
    #[command(flatten)]
    installation: Installation,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.installation.load_listening(self.listen)?;
        let traces = telemetry::start_log(&config)?;
        allow_many_descriptors();
        if self.take_over {
            take_over(&config).await?;
        }
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("{} can't be listened on", config.listen))?;
        let shutdown = shutdown_asked()?;
        let served = server::serve(config, listener, shutdown, |started| {
            // It serves also where nobody reads this.
            let _ = writeln!(std::io::stdout(), "Lockhouse is ready: {}", started.sign_in_url);
        });
        let served = served.await;
        if let Some(traces) = traces {
            traces.end().await;
        }
        served.map(|()| ExitCode::SUCCESS)
    }
}

async fn take_over(config: &Config) -> anyhow::Result<()> {
    server::make_private_dir(&config.data)?;
    let db = Db::open(&config.database, &config.data).await.context("the database")?;
    home::take_over(&db, &config.data).await?;
    db.close().await;
    Ok(())
}

/// Each client costs a descriptor, and a shell allows a program too few of them for a
/// server: as many as may be are allowed.
fn allow_many_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = setrlimit(Resource::Nofile, most) {
        tracing::warn!(%error, current = ?limit.current, "no more descriptors are allowed");
    }
}

fn shutdown_asked() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
