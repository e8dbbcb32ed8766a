//! Commands of the past, judged once more by other policies.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::clock;
use crate::http::problem::Problem;
use crate::ids::JudgementId;
use crate::policy::{Decision, Judgement, MAX_PAGE, Policies};

const DEFAULT_SINCE: &str = "7d";
const DEFAULT_LIMIT: u32 = 10_000;
const MAX_LIMIT: u32 = 100_000;
/// Changes that are shown one by one; all are counted.
const MAX_SHOWN: usize = 200;
/// Commands judged at once, so that those of users still get their turn.
const AT_ONCE: usize = 2;
/// What has not been judged by then is left out, and the answer says so.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::http) struct ReplayView {
    /// Judgements looked at.
    pub judged: u64,
    pub unchanged: u64,
    /// They ran and would not.
    pub newly_refused: u64,
    /// They were refused and would run.
    pub newly_allowed: u64,
    /// Same decision, other risk.
    pub risk_changed: u64,
    /// The candidate gave no verdict.
    pub faults: u64,
    /// What would change, newest first, the same commands together.
    pub changes: Vec<ChangeView>,
    /// Whether there is more than was judged or is shown.
    pub truncated: bool,
    pub took_ms: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ChangeView {
    pub command: String,
    pub cwd: String,
    pub project: String,
    /// How often it was judged.
    pub times: u64,
    pub last_at: String,
    pub was: SideView,
    pub would_be: SideView,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct SideView {
    pub allow: bool,
    pub risk: &'static str,
    pub policy: String,
    pub rule: String,
    /// Not kept of judgements of the past.
    pub reason: Option<String>,
}

/// `7d`, `12h` and the like before `now`, or a time.
pub(super) fn since(now: Timestamp, text: Option<&str>) -> Result<Timestamp, Problem> {
    clock::since(now, text.unwrap_or(DEFAULT_SINCE)).ok_or_else(|| {
        let detail = "since: use a time such as 2026-01-31T12:00:00Z, or how long ago, such as 7d";
        Problem::bad_request("invalid_since", detail)
    })
}

/// The same question, however often it was put.
struct Asked {
    newest: Judgement,
    times: u64,
}

pub(super) async fn run(
    app: &App,
    policies: &Policies,
    since: Timestamp,
    limit: Option<u32>,
) -> Result<ReplayView, Problem> {
    let began = Instant::now();
    let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let (asked, more) = questions(app, since, limit).await?;
    let mut report = ReplayView { truncated: more, ..ReplayView::default() };
    let judged = futures::stream::iter(asked).map(|asked| async move {
        let decision = policies.consider(&asked.newest.request).await;
        (asked, decision)
    });
    let mut judged = std::pin::pin!(judged.buffered(AT_ONCE));
    while let Some((asked, decision)) = judged.next().await {
        report.add(asked, decision);
        if began.elapsed() > LONGEST {
            report.truncated = true;
            break;
        }
    }
    report.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(report)
}

/// The newest judgements, the same ones together, and whether there are more.
async fn questions(app: &App, since: Timestamp, limit: u32) -> Result<(Vec<Asked>, bool), Problem> {
    let mut asked: Vec<Asked> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let (mut before, mut left): (Option<JudgementId>, u32) = (None, limit);
    while left > 0 {
        let page = app.judgements.page(since, before.as_ref(), left.min(MAX_PAGE)).await?;
        let full = page.len() == left.min(MAX_PAGE) as usize;
        left -= u32::try_from(page.len()).unwrap_or(left);
        before = page.last().map(|judgement| judgement.id.clone());
        for judgement in page {
            let next = asked.len();
            let at = *known.entry(key(&judgement)).or_insert(next);
            match asked.get_mut(at) {
                Some(same) => same.times += 1,
                None => asked.push(Asked { newest: judgement, times: 1 }),
            }
        }
        if !full {
            return Ok((asked, false));
        }
    }
    Ok((asked, true))
}

fn key(judgement: &Judgement) -> String {
    let request = &judgement.request;
    format!(
        "{:?}",
        (
            (&request.command, &request.argv, &request.cwd, &request.env_names),
            (request.channel, request.network, request.kind, &request.project),
            (judgement.allow, judgement.risk, &judgement.rule),
        )
    )
}

impl ReplayView {
    fn add(&mut self, asked: Asked, decision: Decision) {
        let Asked { newest: was, times } = asked;
        self.judged += times;
        if decision.opinions.iter().any(|opinion| opinion.fault.is_some()) {
            self.faults += times;
        }
        let count = match (was.allow, decision.allow) {
            (true, false) => &mut self.newly_refused,
            (false, true) => &mut self.newly_allowed,
            _ if was.risk != decision.risk => &mut self.risk_changed,
            _ => {
                self.unchanged += times;
                return;
            }
        };
        *count += times;
        if self.changes.len() < MAX_SHOWN {
            self.changes.push(change(was, times, decision));
        } else {
            self.truncated = true;
        }
    }
}

fn change(was: Judgement, times: u64, decision: Decision) -> ChangeView {
    ChangeView {
        command: was.request.command,
        cwd: was.request.cwd,
        project: was.request.project_name.to_string(),
        times,
        last_at: was.at.to_string(),
        was: SideView {
            allow: was.allow,
            risk: was.risk.as_str(),
            policy: was.policy,
            rule: was.rule,
            reason: None,
        },
        would_be: SideView {
            allow: decision.allow,
            risk: decision.risk.as_str(),
            policy: decision.policy,
            rule: decision.rule,
            reason: Some(decision.reason),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-31T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn days_and_hours_count_back_from_now() {
        let earlier = since(now(), Some("1d12h")).unwrap();
        assert_eq!(earlier.to_string(), "2026-01-30T00:00:00Z");
    }

    #[test]
    fn a_time_is_taken_as_it_is() {
        let time = since(now(), Some("2025-12-01T00:00:00Z")).unwrap();
        assert_eq!(time.to_string(), "2025-12-01T00:00:00Z");
    }

    #[test]
    fn what_is_neither_says_what_to_write() {
        assert!(since(now(), Some("last week")).unwrap_err().detail.contains("such as 7d"));
    }
}
