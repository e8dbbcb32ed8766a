//! Tickets to terminals.

use std::time::Duration;

use jiff::Timestamp;
use lockhouse::auth::{Role, Scope, Standing};
use lockhouse::clock::Clock;
use lockhouse::events::Events;
use lockhouse::ids::{Kind, TokenId};
use lockhouse::projects::{NewProject, Project, Projects};
use lockhouse::secret::Secret;
use lockhouse::tasks::Tasks;
use lockhouse::terminals::{self, Admission, TICKET_LIFETIME, Terminals};

use super::previews::runtimes;
use super::{caller, gate, permit};
use crate::databases::Database;

/// The room, on a clock that is moved, and a project.
struct Bench {
    terminals: Terminals,
    project: Project,
    clock: Clock,
}

impl Bench {
    async fn open(database: &Database) -> Self {
        let clock = Clock::manual(Timestamp::from_second(1_800_000_000).unwrap());
        let (events, tasks, db) = (Events::new(clock.clone()), Tasks::new(), &database.db);
        let dir = database.data.path().join("projects");
        let projects = Projects::new(db.clone(), clock.clone(), events.clone(), dir, None);
        let runtimes = runtimes(database, &clock, &events, &tasks, &projects).await;
        let config = terminals::Config::default();
        let terminals = Terminals::new(db.clone(), clock.clone(), runtimes, config);
        let leave = permit(&gate(database), &caller(database, "ada").await).await;
        let (name, kind) = ("todo".parse().unwrap(), Kind::Node);
        let new = NewProject { name, kind, description: String::new() };
        let project = projects.create(&leave, new).await.unwrap().0;
        Self { terminals, project, clock }
    }

    async fn issues(&self, database: &Database, standing: &Standing) -> Secret {
        let leave = permit(&gate(database), &caller(database, "ada").await).await;
        let issued = self.terminals.issue_ticket(&leave, &self.project, standing.clone()).await;
        issued.unwrap().0
    }

    async fn takes(&self, ticket: &Secret) -> Option<Admission> {
        self.terminals.redeem_ticket(ticket).await.unwrap()
    }
}

fn standing(token: Option<TokenId>) -> Standing {
    let (user, role, scope) = ("ada".parse().unwrap(), Role::Reviewer, Scope::Write);
    Standing { user, role, scope, expires_us: token.as_ref().map(|_| 7), token, since_us: 5 }
}

on_every_database! {
    async fn a_ticket_lets_its_maker_in_once(database: Database) {
        let bench = Bench::open(&database).await;
        for standing in [standing(None), standing(Some(TokenId::generate()))] {
            let ticket = bench.issues(&database, &standing).await;
            let project = bench.project.id.clone();
            assert_eq!(bench.takes(&ticket).await, Some(Admission { project, standing }));
            assert_eq!(bench.takes(&ticket).await, None);
        }
    }

    async fn of_two_who_show_a_ticket_at_once_one_has_it(database: Database) {
        let bench = Bench::open(&database).await;
        let ticket = bench.issues(&database, &standing(None)).await;
        let taken = futures::future::join_all((0..8).map(|_| bench.takes(&ticket))).await;
        assert_eq!(taken.into_iter().flatten().count(), 1);
    }

    async fn a_ticket_lets_nobody_in_after_a_minute(database: Database) {
        let bench = Bench::open(&database).await;
        let [ticket, late] = [standing(None), standing(None)];
        let ticket = bench.issues(&database, &ticket).await;
        let late = bench.issues(&database, &late).await;
        bench.clock.advance(TICKET_LIFETIME - Duration::from_micros(1));
        assert!(bench.takes(&ticket).await.is_some());
        bench.clock.advance(Duration::from_micros(1));
        assert_eq!(bench.takes(&late).await, None);
    }

    async fn a_ticket_is_kept_as_a_fingerprint(database: Database) {
        let bench = Bench::open(&database).await;
        let ticket = bench.issues(&database, &standing(None)).await;
        let kept: String = sqlx::query_scalar("SELECT fingerprint FROM terminal_tickets")
            .fetch_one(database.db.pool()).await.unwrap();
        assert_eq!(kept, ticket.fingerprint());
    }
}
