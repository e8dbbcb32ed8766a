//! What plugins under test asked of their host, in a file beside the cases.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::files;
use crate::agents::StoredCall;
use crate::plugins::{HostCall, Stated, Tape};

/// The longest recording.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Where the calls of each case come from, and whether they are written down.
#[derive(Debug, Default)]
pub(super) struct Recording {
    tape: Tape,
    source: Source,
    /// Of the file of cases that is judged now.
    before: Option<Recorded>,
    after: Vec<RecordedCase>,
}

#[derive(Debug, Default)]
enum Source {
    /// The file beside the cases, where there is one.
    #[default]
    Replay,
    Record,
    /// Answers of models, whichever case asks for them.
    Models(Vec<Value>),
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cases: Vec<RecordedCase>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedCase {
    case: String,
    calls: Vec<HostCall>,
}

/// What was recorded of each case, by its title; of several with one title, in
/// their order.
type Recorded = HashMap<String, VecDeque<Vec<HostCall>>>;

impl Recording {
    pub(super) fn beside_cases(tape: Tape, record: bool) -> Self {
        let source = if record { Source::Record } else { Source::Replay };
        Self { tape, source, ..Self::default() }
    }

    pub(super) fn of_models(tape: Tape, answers: Vec<Value>) -> Self {
        Self { tape, source: Source::Models(answers), ..Self::default() }
    }

    /// Goes on to a file of cases.
    pub(super) fn open(&mut self, cases: &Path) -> anyhow::Result<()> {
        let path = beside(cases);
        self.before = match self.source {
            Source::Replay if path.exists() => Some(read(&path)?),
            _ => None,
        };
        Ok(())
    }

    pub(super) fn begin(&mut self, title: &str, mut stated: Stated) {
        if let Source::Models(answers) = &self.source {
            stated = stated.with_models(answers);
        }
        let recorded = self.before.as_mut().map(|before| {
            let calls = before.get_mut(title).and_then(VecDeque::pop_front);
            calls.unwrap_or_default()
        });
        self.tape.begin(stated, recorded);
    }

    /// The case is over; says where its calls were not as recorded or stated.
    pub(super) fn end(&mut self, title: &str) -> Option<String> {
        let played = self.tape.end();
        if matches!(self.source, Source::Record) {
            self.after.push(RecordedCase { case: title.to_owned(), calls: played.calls });
        }
        let again = self.before.is_some().then_some("; `--record` writes it down anew");
        played.difference.map(|why| format!("{why}{}", again.unwrap_or_default()))
    }

    /// Writes down what was recorded of a file of cases, if it was.
    pub(super) fn close(&mut self, cases: &Path) -> anyhow::Result<Option<PathBuf>> {
        if !matches!(self.source, Source::Record) {
            return Ok(None);
        }
        let path = beside(cases);
        let mut text =
            serde_json::to_string_pretty(&File { cases: std::mem::take(&mut self.after) })?;
        text.push('\n');
        let size = text.len();
        ensure!(
            size <= MAX_BYTES,
            "the recording is {size} bytes, limit {MAX_BYTES}: split the cases"
        );
        files::write(&path, text.as_bytes())?;
        Ok(Some(path))
    }
}

/// `cases.calls.json` beside `cases.toml`.
fn beside(cases: &Path) -> PathBuf {
    cases.with_extension("calls.json")
}

fn read(path: &Path) -> anyhow::Result<Recorded> {
    let bytes = files::read(path, MAX_BYTES)?;
    let file: File = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} can't be read", path.display()))?;
    let mut recorded = Recorded::new();
    for case in file.cases {
        recorded.entry(case.case).or_default().push_back(case.calls);
    }
    Ok(recorded)
}

/// What models answered in a run, from its transcript.
pub(super) fn models(transcript: &Path) -> anyhow::Result<Vec<Value>> {
    #[derive(Deserialize)]
    struct Line {
        call: Option<StoredCall>,
    }
    let text = String::from_utf8(files::read(transcript, 4 * MAX_BYTES)?);
    let text = text.with_context(|| format!("{} is no text", transcript.display()))?;
    let mut calls = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line)
            .with_context(|| format!("{} is no transcript", transcript.display()))?;
        calls.extend(line.call.map(serde_json::to_value).transpose()?);
    }
    ensure!(!calls.is_empty(), "{}: no model was asked in this run", transcript.display());
    Ok(calls)
}
