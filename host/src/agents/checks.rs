//! The project's server: started, waited for, and asked what the plan says.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use lockhouse_supervisor::client::Tunnel;
use lockhouse_supervisor::protocol::ProcessState;
use tokio::time::{Instant, timeout, timeout_at};

use super::agent::{Check, Plan, Stage};
use super::executor::{Execution, Stop, failed};
use super::fixing::Broken;
use super::output::{append_tail, shown};
use super::run::State;
use crate::events::{Subscription, What};
use crate::processes::{LogEvent, NewProcess, ProcessStatus, Restart};

/// How long an answer to a check may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// What is read of an answer to a check.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// What is shown of an answer that was not the expected one.
const SHOWN_ANSWER_CHARS: usize = 400;

/// The first and the longest wait for a port without news of it.
const WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

impl Execution {
    /// Starts the plan's server and checks it; answers whether there is one to
    /// look at.
    pub(super) async fn serve(&mut self, plan: &Plan) -> Result<bool, Stop> {
        let Some(command) = &plan.start else { return Ok(false) };
        self.enter(State::Starting, command, None).await?;
        let news = self.parts.events.subscribe(None);
        let brake = self.brake.clone();
        // Whole or not at all: what runs is what the database says.
        self.start_process(command, plan.port).await?;
        let Some(port) = plan.port else { return Ok(false) };
        if let Err(stop) = brake.hold(self.await_port(command, port, news)).await? {
            // What never listened is not left to be tried for ever.
            self.parts.processes.stop(&self.permit, &self.project).await.map_err(failed)?;
            return Err(stop);
        }
        for check in &plan.checks {
            if let Check::Http { path, status } = check {
                self.enter(State::Checking, &format!("GET {path}"), None).await?;
                brake.hold(self.check_answer(port, path, *status)).await??;
            }
        }
        Ok(true)
    }

    /// What ran until now runs the files of before, so it ends first.
    async fn start_process(&self, command: &str, port: Option<u16>) -> Result<(), Stop> {
        let (processes, project) = (&self.parts.processes, &self.project);
        processes.stop(&self.permit, project).await.map_err(failed)?;
        let new = NewProcess { command: command.to_owned(), port, restart: Restart::OnFailure };
        let started = processes.start(&self.permit, project, new).await;
        started.map(|_| ()).map_err(|error| Stop::Failed(format!("`{command}`: {error}")))
    }

    /// Waits until the port can be dialled; the server may end before.
    async fn await_port(
        &self,
        command: &str,
        port: u16,
        mut news: Subscription,
    ) -> Result<(), Stop> {
        let patience = Duration::from_secs(self.parts.config.start_timeout);
        let deadline = Instant::now() + patience;
        let mut wait = WAITS.0;
        while self.dial(port).await.is_err() {
            let state = self.process_state().await?;
            if let Some(ended) = state.as_ref().filter(|state| has_ended(state)) {
                let code = ended.exit.and_then(|exit| exit.code);
                let how = code.map_or(String::new(), |code| format!(" with exit code {code}"));
                let why = format!("the server ended{how} before it listened on port {port}");
                return Err(self.broken(Stage::Start, command.to_owned(), code, why).await);
            }
            if Instant::now() >= deadline {
                let patience = patience.as_secs();
                let why = format!("nothing listened on port {port} within {patience} s");
                return Err(self.broken(Stage::Start, command.to_owned(), None, why).await);
            }
            let until = (Instant::now() + wait).min(deadline);
            // Without news the port is tried all the same.
            let _ = timeout_at(until, self.port_news(&mut news, port)).await;
            wait = (wait * 2).min(WAITS.1);
        }
        Ok(())
    }

    /// Resolves when the runtime says that the port listens, or that its
    /// process has changed.
    async fn port_news(&self, news: &mut Subscription, port: u16) {
        let about = self.project.about();
        while let Some(event) = news.next().await {
            let matters = match event.what {
                What::Port { port: opened, open } => open && opened == port,
                What::Process { .. } => true,
                _ => false,
            };
            if matters && event.about.as_ref() == Some(&about) {
                return;
            }
        }
        // The server ends; the brake sees to the run.
        std::future::pending().await
    }

    async fn process_state(&self) -> Result<Option<ProcessState>, Stop> {
        Ok(self.parts.processes.find(&self.project).await.map_err(failed)?.state)
    }

    async fn dial(&self, port: u16) -> Result<Tunnel, Stop> {
        let link = self.parts.runtimes.link(&self.project.id).await.map_err(failed)?;
        link.dial(port).await.map_err(failed)
    }

    async fn check_answer(&self, port: u16, path: &str, wanted: u16) -> Result<(), Stop> {
        let tunnel = self.dial(port).await?;
        let answer = timeout(ANSWER_TIMEOUT, get(tunnel, port, path)).await;
        let (code, why) = match answer {
            Ok(Ok((status, _))) if status == wanted => return Ok(()),
            Ok(Ok((status, body))) => {
                let body: String = body.trim().chars().take(SHOWN_ANSWER_CHARS).collect();
                (Some(i32::from(status)), format!("answered {status}, not {wanted}: {body}"))
            }
            Ok(Err(error)) => (None, format!("was not answered: {error}")),
            Err(_) => (None, format!("got no answer within {} s", ANSWER_TIMEOUT.as_secs())),
        };
        let what = format!("GET {path}");
        let why = format!("{what} {why}");
        Err(self.broken(Stage::Request, what, code, why).await)
    }

    /// What did not do what it should, and why, with what the server printed
    /// last.
    async fn broken(&self, stage: Stage, what: String, code: Option<i32>, why: String) -> Stop {
        let mut output = String::new();
        if let Ok(mut log) = self.parts.processes.logs(&self.project, None, false).await {
            while let Some(Ok(event)) = log.next().await {
                if let LogEvent::Output { bytes, .. } = event {
                    append_tail(&mut output, &String::from_utf8_lossy(&bytes));
                }
            }
        }
        let why = match shown(&output) {
            "" => why,
            tail => format!("{why}; the server's last output:\n{tail}"),
        };
        Stop::Broken(Box::new(Broken { state: self.state, stage, what, code, output, why }))
    }
}

/// A server that was restarted has crashed before.
fn has_ended(state: &ProcessState) -> bool {
    state.restarts > 0 || matches!(state.status, ProcessStatus::Ended | ProcessStatus::Waiting)
}

type Unanswered = Box<dyn std::error::Error + Send + Sync>;

/// One request, and its answer's status and beginning.
async fn get(tunnel: Tunnel, port: u16, path: &str) -> Result<(u16, String), Unanswered> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(tunnel)).await?;
    let request = Request::builder()
        .method(Method::GET)
        .uri(path)
        .header(header::HOST, format!("localhost:{port}"))
        .header(header::CONNECTION, "close")
        .body(Empty::new())?;
    let exchange = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        // The status is what counts; a body that breaks off is shown as empty.
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    };
    tokio::select! {
        biased;
        answer = exchange => answer,
        () = drive(connection) => Err("the connection ended".into()),
    }
}

/// Moves the connection's bytes; its errors come out of the exchange.
async fn drive(connection: impl Future<Output = hyper::Result<()>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "the connection of a check broke");
    }
    std::future::pending().await
}
