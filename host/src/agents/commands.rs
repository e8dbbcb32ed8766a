//! Commands of a plan: judged like any other, their output told as it comes.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use tokio::time::timeout_at;

use super::agent::Stage;
use super::executor::{Execution, Stop, failed};
use super::fixing::Broken;
use super::output::{Printed, shown};
use super::run::Event;
use crate::exec::{self, Command, Exit, ExitReason, NewExec};
use crate::policy::Channel;

/// What a command prints is told at the latest after this time, together.
const TELL_AFTER: Duration = Duration::from_millis(100);

/// Long enough to mean "as long as it takes".
const LONG: Duration = Duration::from_secs(24 * 3600);

impl Execution {
    /// Runs a command to its end; one that is refused ends the run, and one
    /// that fails may be repaired.
    pub(super) async fn run_command(&mut self, command: &str, stage: Stage) -> Result<(), Stop> {
        self.record([Event::Command { command: command.to_owned() }]).await?;
        let new = NewExec::new(Command::Shell(command.to_owned()), Channel::Agent);
        // A start that is cut short might leave a command behind that nobody
        // follows; one that runs ends with its handle.
        let started = self.parts.exec.start(&self.permit, &self.project, new).await;
        let running = started.map_err(|error| not_started(command, &error))?;
        let mut printed = Printed::default();
        let exit = self.follow(running, &mut printed).await;
        self.record(printed.finish()).await?;
        match exit? {
            exit if exit.success() => Ok(()),
            exit => Err(Stop::Broken(Box::new(Broken {
                state: self.state,
                stage,
                what: command.to_owned(),
                code: exit.code.filter(|_| exit.reason != ExitReason::Timeout),
                output: printed.tail().to_owned(),
                why: ended_badly(command, &exit, shown(printed.tail())),
            }))),
        }
    }

    /// Tells what the command prints, until it ends.
    async fn follow(
        &mut self,
        running: exec::Running,
        printed: &mut Printed,
    ) -> Result<Exit, Stop> {
        // As a stream, an event that is waited for is not lost where the wait
        // is cut short.
        let events = stream::unfold(running, |mut running| async move {
            running.next().await.map(|event| (event, running))
        });
        let (mut events, brake) = (pin!(events), self.brake.clone());
        let mut tell_at = Instant::now() + LONG;
        loop {
            let next = timeout_at(tell_at.into(), events.next());
            match brake.hold(next).await? {
                Ok(Some(Ok(exec::Event::Exit(exit)))) => return Ok(exit),
                Ok(Some(Ok(exec::Event::Output { stream, bytes }))) => {
                    if !printed.is_waiting() {
                        tell_at = Instant::now() + TELL_AFTER;
                    }
                    printed.add(stream, &bytes);
                    if !printed.is_piece() {
                        continue;
                    }
                }
                Ok(Some(Ok(exec::Event::Skipped { bytes }))) => printed.skip(bytes),
                Ok(Some(Err(error))) => return Err(failed(error)),
                Ok(None) => return Err(failed("the command's end was not told")),
                Err(_) => {}
            }
            self.record(printed.take()).await?;
            tell_at = Instant::now() + LONG;
        }
    }
}

fn not_started(command: &str, error: &exec::Error) -> Stop {
    Stop::Failed(match error {
        exec::Error::Denied(decision) => {
            let advice =
                decision.advice.as_deref().map_or(String::new(), |text| format!(" {text}"));
            let (policy, rule, reason) = (&decision.policy, &decision.rule, &decision.reason);
            format!("`{command}` was refused by {policy} ({rule}): {reason}{advice}")
        }
        error => format!("`{command}` did not start: {error}"),
    })
}

fn ended_badly(command: &str, exit: &Exit, tail: &str) -> String {
    let how = match (exit.reason, exit.code, exit.signal) {
        (ExitReason::Timeout, ..) => "took too long and was ended".to_owned(),
        (_, Some(code), _) => format!("ended with exit code {code}"),
        (_, None, Some(signal)) => format!("was ended by signal {signal}"),
        (_, None, None) => "was ended".to_owned(),
    };
    if tail.is_empty() {
        format!("`{command}` {how} and printed nothing")
    } else {
        format!("`{command}` {how}; its last output:\n{tail}")
    }
}
