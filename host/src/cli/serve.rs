//! `lockhouse serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::say;
use crate::config::{Config, EngineFlag, Flags};
use crate::{server, telemetry};

#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// Address to listen on [default: 127.0.0.1:8000].
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Directory of all that the server keeps.
    #[arg(long)]
    data: Option<PathBuf>,
    /// `auto`, `docker` or `local`.
    #[arg(long)]
    engine: Option<String>,
    /// Configuration file [default: lockhouse.toml, if it is there].
    #[arg(long)]
    config: Option<PathBuf>,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let engines = self.engine.map(|engine| EngineFlag { engine });
        let flags = Flags { listen: self.listen, data: self.data, engines };
        let config = Config::load(self.config.as_deref(), flags)?;
        let traces = telemetry::start_log(&config)?;
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("{} can't be listened on", config.listen))?;
        let shutdown = shutdown_asked()?;
        let served = server::serve(config, listener, shutdown, |started| {
            say(format_args!("Lockhouse is ready: {}", started.sign_in_url));
        });
        let served = served.await;
        if let Some(traces) = traces {
            traces.end().await;
        }
        served.map(|()| ExitCode::SUCCESS)
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
