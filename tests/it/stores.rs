//! What the rooms keep, on each database.

mod audit;
mod auth;
mod leases;
mod plugin_kv;
mod previews;
mod projects;
mod quotas;
mod terminals;

use lockhouse::auth::{Caller, Role, User};
use lockhouse::clock::Clock;
use lockhouse::gate::{Action, Gate, Permit, Target};
use lockhouse::ids::RequestId;
use lockhouse::limits::{self, Limits};
use lockhouse::tasks::Tasks;

use crate::databases::Database;

/// A caller who is known to the database.
pub(crate) async fn caller(database: &Database, name: &str) -> Caller {
    let id = name.parse().unwrap();
    let auth = lockhouse::auth::Auth::new(
        &lockhouse::auth::Config::default(),
        database.db.clone(),
        Clock::system(),
    );
    let auth = auth.unwrap();
    let user = auth.development_user(&id).await.unwrap();
    Caller::new(user, RequestId::generate())
}

pub(crate) fn gate(database: &Database) -> Gate {
    let audit = lockhouse::audit::Audit::start(database.db.clone(), Clock::system(), &Tasks::new());
    Gate::new(Limits::new(&limits::Config::default()), audit)
}

pub(crate) async fn permit(gate: &Gate, caller: &Caller) -> Permit {
    let target = Target::New { name: "test".to_owned() };
    gate.admit(caller, Action::write("test.write", target)).await.unwrap()
}

pub(crate) fn is_learner(user: &User) -> bool {
    user.role == Role::Learner
}
