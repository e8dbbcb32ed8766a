//! Gate: the one way in. `admit` authorises, limits and begins the audit
//! record, always in this order, and gives a [`Permit`]. Functions with an
//! effect take a permit, so a forgotten check does not compile.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use crate::audit::{Audit, Entry, Phase, Unavailable, Written};
use crate::auth::{self, Caller, Role, Scope, User};
use crate::db;
use crate::drain::{Drain, Draining};
use crate::ids::{AuditId, RequestId, UserId};
use crate::limits::{Class, Limits, TooOften};
use crate::origin::Origin;

/// What a caller wants to do, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// `<resource>.<verb>`, such as `project.create`.
    pub name: &'static str,
    pub target: Target,
    effect: Effect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Changes nothing and is not recorded.
    Read,
    Write,
}

/// What an action is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Something that belongs to somebody.
    Owned { owner: UserId, name: String },
    /// The same, shown to reviewers.
    Shown { owner: UserId, name: String },
    /// The same, on which reviewers give verdicts; those who made it give none.
    Judged { makers: [UserId; 2], name: String },
    /// Something new of the caller's own.
    New { name: String },
    /// The installation, which is the administrators'.
    Installation,
}

impl Action {
    pub fn read(name: &'static str, target: Target) -> Self {
        Self { name, target, effect: Effect::Read }
    }

    pub fn write(name: &'static str, target: Target) -> Self {
        Self { name, target, effect: Effect::Write }
    }
}

impl Target {
    fn describe(&self) -> &str {
        match self {
            Self::Owned { name, .. }
            | Self::Shown { name, .. }
            | Self::Judged { name, .. }
            | Self::New { name } => name,
            Self::Installation => "installation",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// The caller may not know that it exists.
    #[error("there is no such thing, or it is not yours")]
    NotVisible,
    #[error("this needs the role admin, and a token whose scope is admin")]
    NotAdmin,
    #[error("nobody gives a verdict on what is their own; a reviewer does")]
    OwnWork,
    #[error("this token may only read; use one whose scope is write")]
    ReadOnly,
    #[error("too many requests")]
    TooOften(TooOften),
    /// Nothing new begins for now.
    #[error("the installation is being drained: {}; what runs goes on", .0.reason)]
    Draining(Draining),
    #[error(transparent)]
    Unrecorded(#[from] Unavailable),
}

/// Somebody who may do one thing as soon as that is on record.
#[derive(Debug)]
pub struct Admission {
    permit: Permit,
    written: Option<Written>,
}

impl Admission {
    /// Waits until the record is safe.
    pub async fn recorded(self) -> Result<Permit, Denied> {
        let Self { mut permit, written } = self;
        if let Some(written) = written
            && let Err(unavailable) = written.safe().await
        {
            // There is no beginning that an end could follow.
            permit.open = None;
            return Err(unavailable.into());
        }
        Ok(permit)
    }
}

/// Leave to do one thing. Only the gate makes one; dropping it unsealed
/// records that the action was interrupted.
#[derive(Debug)]
pub struct Permit {
    caller: Caller,
    action: Action,
    open: Option<Open>,
    notes: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Open {
    id: AuditId,
    audit: Audit,
    began_us: i64,
}

/// By these something begins that uses the machine; none may while it is drained.
const BEGINNINGS: [&str; 7] = [
    "exec.start",
    "process.start",
    "run.start",
    "runtime.create",
    "runtime.restart",
    "runtime.start",
    "terminal.open",
];

/// Lets callers in. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Gate {
    limits: Limits,
    audit: Audit,
    drain: Drain,
}

impl Gate {
    pub fn new(limits: Limits, audit: Audit) -> Self {
        Self { limits, audit, drain: Drain::default() }
    }

    /// By which it counts what callers do.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The same, which lets nothing begin while `drain` says so.
    pub fn drained_by(self, drain: Drain) -> Self {
        Self { drain, ..self }
    }

    /// Why nothing new begins, where that is so.
    pub fn draining(&self) -> Option<Draining> {
        self.drain.current()
    }

    /// Lets nothing new begin, on every server of the database.
    pub async fn begin_drain(
        &self,
        permit: &Permit,
        reason: String,
    ) -> Result<Draining, db::Error> {
        let since = crate::clock::from_micros(self.audit.now_us());
        let draining = Draining { reason, since, by: permit.caller.user.id.clone() };
        self.drain.change(Some(draining.clone())).await?;
        Ok(draining)
    }

    /// Lets everything begin again.
    pub async fn end_drain(&self, _permit: &Permit) -> Result<(), db::Error> {
        self.drain.change(None).await
    }

    /// Authorises, limits and begins the record.
    pub async fn admit(&self, caller: &Caller, action: Action) -> Result<Permit, Denied> {
        self.admit_soon(caller, action).await?.recorded().await
    }

    /// The same, for whoever has something to prepare while the record is written. Only
    /// the permit that comes of it gives leave to do anything.
    pub async fn admit_soon(&self, caller: &Caller, action: Action) -> Result<Admission, Denied> {
        if let Err(denied) = self.check(caller, &action) {
            let (id, outcome) = (AuditId::generate(), denied.to_string());
            self.audit.append_soon(self.entry(id, Phase::Denied, caller, &action, outcome));
            return Err(denied);
        }
        let (open, written) = match action.effect {
            Effect::Read => (None, None),
            Effect::Write => {
                let (open, written) = self.begin(caller, &action).await?;
                (Some(open), Some(written))
            }
        };
        let permit = Permit { caller: caller.clone(), action, open, notes: Mutex::default() };
        Ok(Admission { permit, written })
    }

    /// Records what the server did by itself, such as stopping what is idle.
    pub fn record(&self, action: &'static str, target: &Target, outcome: String) {
        self.audit.append_soon(Entry {
            id: AuditId::generate(),
            phase: Phase::Finished,
            at_us: self.audit.now_us(),
            actor: auth::server_itself(),
            action,
            target: target.describe().to_owned(),
            origin: Origin::default(),
            duration_us: None,
            request_id: RequestId::generate(),
            outcome,
        });
    }

    /// Records that somebody came in, or went.
    pub fn record_visit(&self, caller: &Caller, action: &Action) {
        let (id, outcome) = (AuditId::generate(), "ok".to_owned());
        self.audit.append_soon(self.entry(id, Phase::Finished, caller, action, outcome));
    }

    /// Records that one whom nobody knows was kept out.
    pub fn record_stranger(&self, origin: &Origin, request_id: &RequestId, action: &Action) {
        let nobody = Caller {
            user: User { id: auth::server_itself(), role: Role::Learner },
            scope: Scope::Read,
            origin: origin.clone(),
            request_id: request_id.clone(),
        };
        let (id, outcome) = (AuditId::generate(), "a token that is not known".to_owned());
        self.audit.append_soon(self.entry(id, Phase::Denied, &nobody, action, outcome));
    }

    fn check(&self, caller: &Caller, action: &Action) -> Result<(), Denied> {
        authorise(caller, &action.target)?;
        match action.effect {
            Effect::Read => Ok(()),
            Effect::Write if caller.scope < Scope::Write => Err(Denied::ReadOnly),
            Effect::Write => {
                self.check_drain(action)?;
                self.count(caller, action)
            }
        }
    }

    fn count(&self, caller: &Caller, action: &Action) -> Result<(), Denied> {
        let Some(class) = class(action.name) else { return Ok(()) };
        let who = (&caller.user.id, &caller.origin);
        self.limits.count(class, who, NonZeroU32::MIN).map(drop).map_err(Denied::TooOften)
    }

    fn check_drain(&self, action: &Action) -> Result<(), Denied> {
        match self.draining() {
            Some(draining) if BEGINNINGS.contains(&action.name) => Err(Denied::Draining(draining)),
            _ => Ok(()),
        }
    }

    async fn begin(
        &self,
        caller: &Caller,
        action: &Action,
    ) -> Result<(Open, Written), Unavailable> {
        let id = AuditId::generate();
        let entry = self.entry(id.clone(), Phase::Begun, caller, action, String::new());
        let began_us = entry.at_us;
        let written = self.audit.begin(entry).await?;
        Ok((Open { id, audit: self.audit.clone(), began_us }, written))
    }

    fn entry(
        &self,
        id: AuditId,
        phase: Phase,
        caller: &Caller,
        action: &Action,
        outcome: String,
    ) -> Entry {
        Entry {
            id,
            phase,
            at_us: self.audit.now_us(),
            actor: caller.user.id.clone(),
            action: action.name,
            target: action.target.describe().to_owned(),
            origin: caller.origin.clone(),
            duration_us: None,
            request_id: caller.request_id.clone(),
            outcome,
        }
    }
}

/// What a caller may do less often than all else.
fn class(action: &str) -> Option<Class> {
    match action {
        "comment.create" | "job.create" | "project.create" | "run.start" | "runtime.create"
        | "submission.create" | "submission.judge" => Some(Class::Create),
        "exec.start" | "process.start" => Some(Class::Exec),
        "terminal.open" => Some(Class::Socket),
        _ => None,
    }
}

fn authorise(caller: &Caller, target: &Target) -> Result<(), Denied> {
    match target {
        Target::Judged { makers, .. } if makers.contains(&caller.user.id) => Err(Denied::OwnWork),
        _ if caller.is_admin() => Ok(()),
        Target::Shown { .. } | Target::Judged { .. } if caller.is_reviewer() => Ok(()),
        Target::Shown { owner, .. } if *owner == caller.user.id => Ok(()),
        Target::Shown { .. } | Target::Judged { .. } => Err(Denied::NotVisible),
        Target::New { .. } => Ok(()),
        Target::Owned { owner, .. } if *owner == caller.user.id => Ok(()),
        Target::Owned { .. } => Err(Denied::NotVisible),
        Target::Installation => Err(Denied::NotAdmin),
    }
}

impl Permit {
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Adds to what the record will say of how it ended.
    pub fn note(&self, text: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// Records how it ended and hands the result on.
    pub fn seal<T, E: std::fmt::Display>(mut self, result: Result<T, E>) -> Result<T, E> {
        let outcome = match &result {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        self.record(Phase::Finished, outcome);
        result
    }

    fn record(&mut self, phase: Phase, mut outcome: String) {
        let Some(Open { id, audit, began_us }) = self.open.take() else { return };
        for note in self.notes.get_mut().unwrap_or_else(PoisonError::into_inner) {
            outcome = format!("{outcome}; {note}");
        }
        let at_us = audit.now_us();
        audit.append_soon(Entry {
            id,
            phase,
            at_us,
            actor: self.caller.user.id.clone(),
            action: self.action.name,
            target: self.action.target.describe().to_owned(),
            origin: self.caller.origin.clone(),
            duration_us: Some(at_us.saturating_sub(began_us)),
            request_id: self.caller.request_id.clone(),
            outcome,
        });
    }
}

impl auth::Admitted for Permit {
    fn caller(&self) -> &Caller {
        &self.caller
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.record(Phase::Interrupted, String::new());
    }
}
