//! Users, tokens and sessions.

use std::time::Duration;

use jiff::Timestamp;
use lockhouse::auth::{Auth, Config, Role, SESSION_LIFETIME};
use lockhouse::clock::Clock;
use lockhouse::secret::Secret;

use super::is_learner;
use crate::databases::Database;

fn auth(database: &Database, clock: &Clock) -> Auth {
    Auth::new(&Config::default(), database.db.clone(), clock.clone())
}

on_every_database! {
    async fn the_administrators_token_is_known(database: Database) {
        let auth = auth(&database, &Clock::system());
        let token = auth.admin_token(database.data.path()).await.unwrap();
        let again = auth.admin_token(database.data.path()).await.unwrap();
        let user = auth.user_by_token(&token).await.unwrap().unwrap();
        assert_eq!(user.role, Role::Admin);
        assert!(again.matches(token.reveal()));
    }

    async fn a_new_administrators_token_ends_the_old_one(database: Database) {
        let auth = auth(&database, &Clock::system());
        let old = auth.admin_token(database.data.path()).await.unwrap();
        std::fs::remove_file(database.data.path().join("admin.token")).unwrap();
        let new = auth.admin_token(database.data.path()).await.unwrap();
        assert!(auth.user_by_token(&old).await.unwrap().is_none());
        assert!(auth.user_by_token(&new).await.unwrap().is_some());
    }

    async fn a_token_that_was_never_given_is_nobodys(database: Database) {
        let auth = auth(&database, &Clock::system());
        let guess = Secret::generate("lha_").unwrap();
        assert!(auth.user_by_token(&guess).await.unwrap().is_none());
    }

    async fn a_session_ends_when_it_is_closed(database: Database) {
        let auth = auth(&database, &Clock::system());
        let user = auth.development_user(&"ada".parse().unwrap()).await.unwrap();
        let (session, _) = auth.open_session(&user).await.unwrap();
        assert!(is_learner(&auth.user_by_token(&session).await.unwrap().unwrap()));
        auth.close_session(&session).await.unwrap();
        assert!(auth.user_by_token(&session).await.unwrap().is_none());
    }

    async fn a_session_that_another_server_closes_ends_within_a_second(database: Database) {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let (here, there) = (auth(&database, &clock), auth(&database, &clock));
        let user = here.development_user(&"ada".parse().unwrap()).await.unwrap();
        let (session, _) = here.open_session(&user).await.unwrap();
        assert!(here.user_by_token(&session).await.unwrap().is_some());
        there.close_session(&session).await.unwrap();
        clock.advance(Duration::from_secs(1));
        assert!(here.user_by_token(&session).await.unwrap().is_none());
    }

    async fn a_session_expires(database: Database) {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let auth = auth(&database, &clock);
        let user = auth.development_user(&"ada".parse().unwrap()).await.unwrap();
        let (session, _) = auth.open_session(&user).await.unwrap();
        clock.advance(SESSION_LIFETIME - Duration::from_secs(1));
        assert!(auth.user_by_token(&session).await.unwrap().is_some());
        clock.advance(Duration::from_secs(1));
        assert!(auth.user_by_token(&session).await.unwrap().is_none());
    }
}
