//! What is kept of runs and their commands, on each database.

use lockhouse::exec::{Command, NewExec, Search};
use lockhouse::policy::Channel;
use lockhouse::runtimes::spec::Wishes;

use super::{Room, Script, supervisor};
use crate::databases::Database;

impl Room {
    /// A room whose project has a runtime.
    async fn that_runs(database: Database) -> Self {
        let room = Self::on(database, Script::writing([])).await;
        let permit = room.permit().await;
        room.parts.runtimes.create(&permit, &room.project, Wishes::default()).await.unwrap();
        room
    }

    /// Asks for a command, which is refused and written down.
    async fn is_refused(&self, command: &str) {
        let new = NewExec::new(Command::Shell(format!("{command} #forbidden")), Channel::Exec);
        let asked = self.parts.exec.start(&self.permit().await, &self.project, new).await;
        assert!(matches!(asked, Err(lockhouse::exec::Error::Denied(_))));
    }

    /// Commands in which a text is found, the newest first.
    async fn finds(&self, text: &str) -> Vec<String> {
        let search = Search { text: Some(text.to_owned()), before: None, limit: 9 };
        let (found, _) = self.parts.exec.history(&self.project, &search).await.unwrap();
        let short = |command: String| command.trim_end_matches(" #forbidden").to_owned();
        found.into_iter().map(|entry| short(entry.command)).collect()
    }

    async fn does(&self, statement: &'static str) {
        sqlx::query(statement).execute(self.parts.db.pool()).await.unwrap();
    }
}

on_every_database! {
    async fn commands_are_found_by_any_part_of_them_whatever_its_capitals(database: Database) {
        need!(local, supervisor());
        let room = Room::that_runs(database).await;
        room.is_refused("Make ÜBUNG").await;
        room.is_refused("make test").await;
        assert_eq!(room.finds("MAKE").await, ["make test", "Make ÜBUNG"]);
        assert_eq!(room.finds("übu").await, ["Make ÜBUNG"]);
        assert_eq!(room.finds("rake").await, [] as [&str; 0]);
        room.close().await;
    }

    async fn what_is_looked_for_stands_for_nothing_but_itself(database: Database) {
        need!(local, supervisor());
        let room = Room::that_runs(database).await;
        room.is_refused("echo 100").await;
        room.is_refused("echo 100% a_b").await;
        assert_eq!(room.finds("0%").await, ["echo 100% a_b"]);
        assert_eq!(room.finds("a_b").await, ["echo 100% a_b"]);
        assert_eq!(room.finds("%").await, ["echo 100% a_b"]);
        assert_eq!(room.finds("_").await, ["echo 100% a_b"]);
        room.close().await;
    }

    async fn commands_that_an_older_server_wrote_down_are_found(database: Database) {
        need!(local, supervisor());
        let room = Room::that_runs(database).await;
        room.is_refused("Make test").await;
        room.does("UPDATE commands SET folded = NULL").await;
        assert_eq!(room.finds("make T").await, ["Make test"]);
        room.close().await;
    }

    async fn what_models_cost_is_forgotten_after_400_days(database: Database) {
        let room = Room::on(database, Script::writing([])).await;
        let agents = room.agents();
        room.does(
            "INSERT INTO model_spend (day, user_id, project_id, model, project, calls, failed, \
             input_tokens, output_tokens) VALUES \
             (0, 'ada', 'p1', 'm', 'todo', 1, 0, 1, 1), (0, 'bob', 'p2', 'm', 'todo', 1, 0, 1, 1), \
             (86400000000, 'ada', 'p1', 'm', 'todo', 1, 0, 1, 1), \
             (7258118400000000, 'ada', 'p1', 'm', 'todo', 1, 0, 1, 1)",
        )
        .await;
        assert_eq!(agents.forget_spend().await.unwrap(), 3);
        assert_eq!(agents.forget_spend().await.unwrap(), 0);
    }
}
