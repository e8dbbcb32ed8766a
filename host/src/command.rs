//! Ground: programs of this machine that the server starts, such as an OCI
//! runtime. Each has a deadline and a bound on what it may print.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::codec::{FramedRead, LinesCodec};

/// What is kept of a program's standard output and, apart, of its errors.
pub const MAX_OUTPUT_BYTES: usize = 1024 * 1024;

/// The longest line that is told.
pub const MAX_LINE_BYTES: usize = 16 * 1024;

/// One program to run to its end.
#[derive(Debug)]
pub struct Command {
    program: PathBuf,
    inner: tokio::process::Command,
    timeout: Duration,
    stdin: Vec<u8>,
    leaves_running: bool,
}

/// What a program printed, and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// `None` when a signal ended it.
    pub exit_code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{program} is not installed")]
    NotFound { program: String },
    #[error("{program} could not be run: {source}")]
    Io { program: String, source: std::io::Error },
    #[error("{program} was stopped after {} s", timeout.as_secs_f32())]
    Timeout { program: String, timeout: Duration },
    #[error("{program} failed (exit code {exit_code:?}): {message}")]
    Failed { program: String, exit_code: Option<i32>, message: String },
}

impl Command {
    /// `program` by name, looked for in PATH, or by path.
    pub fn new(program: impl AsRef<Path>) -> Self {
        let program = program.as_ref().to_owned();
        #[expect(clippy::disallowed_methods, reason = "this is where programs are started")]
        let mut inner = tokio::process::Command::new(&program);
        inner.kill_on_drop(true);
        Self {
            program,
            inner,
            timeout: Duration::from_secs(30),
            stdin: Vec::new(),
            leaves_running: false,
        }
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.inner.arg(arg);
        self
    }

    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.inner.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    pub fn current_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.inner.current_dir(dir);
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// For a program that ends and leaves another running, such as an OCI runtime that starts a
    /// container. What stays would inherit the pipes and hold them open, so it gets /dev/null in
    /// their place and nothing it prints is kept.
    pub fn leaves_running(mut self) -> Self {
        self.leaves_running = true;
        self
    }

    /// Starts it and leaves it running, also beyond the server's own end. It gets no input, a
    /// process group of its own, so that a ^C meant for the server does not reach it, and writes
    /// its output to `log`. Answers with its process id.
    pub fn leave(mut self, log: std::fs::File) -> Result<u32, Error> {
        let program = self.program.display().to_string();
        let started = log.try_clone().and_then(|copy| {
            self.inner
                .kill_on_drop(false)
                .process_group(0)
                .stdin(Stdio::null())
                .stdout(copy)
                .stderr(log)
                .spawn()
        });
        match started {
            // The handle is dropped: tokio reaps the process should it end before the server.
            Ok(child) => Ok(child.id().unwrap_or_default()),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::NotFound { program })
            }
            Err(source) => Err(Error::Io { program, source }),
        }
    }

    /// Runs it to its end, whatever its exit code.
    pub async fn output(mut self) -> Result<Output, Error> {
        let program = self.program.display().to_string();
        let timeout = self.timeout;
        let run = self.run();
        match tokio::time::timeout(timeout, run).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(source)) if source.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::NotFound { program })
            }
            Ok(Err(source)) => Err(Error::Io { program, source }),
            Err(_) => Err(Error::Timeout { program, timeout }),
        }
    }

    /// Runs it to its end; an exit code other than 0 is an error that carries
    /// what the program said of it.
    pub async fn success(self) -> Result<Output, Error> {
        let program = self.program.display().to_string();
        let output = self.output().await?;
        if output.exit_code == Some(0) {
            return Ok(output);
        }
        let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
        Err(Error::Failed { program, exit_code: output.exit_code, message: tail(said) })
    }

    /// Runs it to its end and tells each line it prints, on either output, as it comes. An exit
    /// code other than 0 is an error that carries the last of them.
    pub async fn tell(mut self, line: &mut (dyn FnMut(&str) + Send)) -> Result<(), Error> {
        let program = self.program.display().to_string();
        let timeout = self.timeout;
        let run = self.tell_all(line);
        match tokio::time::timeout(timeout, run).await {
            Ok(Ok((Some(0), _))) => Ok(()),
            Ok(Ok((exit_code, said))) => {
                Err(Error::Failed { program, exit_code, message: tail(&said) })
            }
            Ok(Err(source)) if source.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::NotFound { program })
            }
            Ok(Err(source)) => Err(Error::Io { program, source }),
            Err(_) => Err(Error::Timeout { program, timeout }),
        }
    }

    async fn tell_all(
        &mut self,
        line: &mut (dyn FnMut(&str) + Send),
    ) -> std::io::Result<(Option<i32>, String)> {
        let mut child = self
            .inner
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let lines = |from: Option<Box<dyn AsyncRead + Send + Unpin>>| {
            let from = from.unwrap_or_else(|| Box::new(tokio::io::empty()));
            FramedRead::new(from, LinesCodec::new_with_max_length(MAX_LINE_BYTES))
        };
        let stdout = lines(child.stdout.take().map(|from| Box::new(from) as _));
        let stderr = lines(child.stderr.take().map(|from| Box::new(from) as _));
        let mut both = futures::stream::select(stdout, stderr);
        let mut said = String::new();
        while let Some(next) = both.next().await {
            // A line that is too long, or not text, is left out.
            let Ok(next) = next else { continue };
            line(&next);
            said.push_str(&next);
            said.push('\n');
            if said.len() > MAX_OUTPUT_BYTES {
                said = tail(&said);
            }
        }
        Ok((child.wait().await?.code(), said))
    }

    async fn run(&mut self) -> std::io::Result<Output> {
        let stdio = || if self.leaves_running { Stdio::null() } else { Stdio::piped() };
        let mut child = self.inner.stdin(stdio()).stdout(stdio()).stderr(stdio()).spawn()?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let input = std::mem::take(&mut self.stdin);
        let feed = async move {
            if let Some(mut stdin) = stdin {
                // A program that does not read its input may end before taking it.
                let _ = stdin.write_all(&input).await;
            }
        };
        let ((), stdout, stderr, status) =
            tokio::join!(feed, read_bounded(stdout), read_bounded(stderr), child.wait());
        Ok(Output { exit_code: status?.code(), stdout: stdout?, stderr: stderr? })
    }
}

/// Reads to the end and keeps the first [`MAX_OUTPUT_BYTES`].
async fn read_bounded(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let Some(mut from) = from else { return Ok(String::new()) };
    let mut kept = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return Ok(String::from_utf8_lossy(&kept).into_owned());
        }
        let room = MAX_OUTPUT_BYTES.saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..read.min(room)]);
    }
}

/// The last 2,000 characters: where programs say what went wrong.
fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(2000);
    text.chars().skip(skip).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failing_program_tells_what_it_said() {
        let failed =
            Command::new("sh").args(["-c", "echo no such thing >&2; exit 3"]).success().await;
        assert!(
            matches!(failed, Err(Error::Failed { exit_code: Some(3), message, .. }) if message == "no such thing")
        );
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_stopped() {
        let hung =
            Command::new("sleep").arg("60").timeout(Duration::from_millis(20)).output().await;
        assert!(matches!(hung, Err(Error::Timeout { .. })));
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let missing = Command::new("no-such-program-here").output().await;
        assert!(
            matches!(missing, Err(Error::NotFound { program }) if program == "no-such-program-here")
        );
    }

    #[tokio::test]
    async fn what_a_program_leaves_running_does_not_hold_its_caller() {
        let output =
            Command::new("sh").args(["-c", "sleep 60 & exit 4"]).leaves_running().output().await;
        assert_eq!(output.ok().and_then(|o| o.exit_code), Some(4));
    }

    #[tokio::test]
    async fn lines_are_told_as_they_come_and_the_last_explain_a_failure() {
        let mut lines = Vec::new();
        let script = "echo one; echo two >&2; exit 5";
        let mut keep = |line: &str| lines.push(line.to_owned());
        let failed = Command::new("sh").args(["-c", script]).tell(&mut keep).await;
        lines.sort();
        assert_eq!(lines, ["one", "two"]);
        assert!(matches!(failed, Err(Error::Failed { exit_code: Some(5), .. })));
    }

    #[tokio::test]
    async fn a_program_that_is_left_outlives_its_handle_and_writes_to_its_log() {
        let dir = tempfile::tempdir().unwrap();
        let (log, gate) = (dir.path().join("log"), dir.path().join("gate"));
        nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let file = std::fs::File::create(&log).unwrap();
        // It waits at the gate until its handle is long gone.
        Command::new("sh").arg("-c").arg("cat \"$0\"").arg(&gate).leave(file).unwrap();
        tokio::fs::write(&gate, "still here").await.unwrap();
        let written = async {
            while std::fs::metadata(&log).unwrap().len() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), written).await.unwrap();
        assert_eq!(tokio::fs::read_to_string(&log).await.unwrap(), "still here");
    }

    #[tokio::test]
    async fn output_beyond_the_bound_is_dropped() {
        let output = Command::new("head").args(["-c", "3000000", "/dev/zero"]).output().await;
        assert_eq!(output.map(|o| o.stdout.len()).ok(), Some(MAX_OUTPUT_BYTES));
    }
}
