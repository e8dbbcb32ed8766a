//! Users, tokens and sessions.

use std::time::Duration;

use jiff::Timestamp;
use lockhouse::auth::{Auth, Config, Holder, NewToken, PeopleError, Role, SESSION_LIFETIME, Scope};
use lockhouse::clock::Clock;
use lockhouse::secret::Secret;

use super::{caller, gate, is_learner, permit};
use crate::databases::Database;

fn auth(database: &Database, clock: &Clock) -> Auth {
    Auth::new(&Config::default(), database.db.clone(), clock.clone()).unwrap()
}

on_every_database! {
    async fn the_administrators_token_is_known(database: Database) {
        let auth = auth(&database, &Clock::system());
        let token = auth.admin_token(database.data.path()).await.unwrap();
        let again = auth.admin_token(database.data.path()).await.unwrap();
        let holder = auth.holder(&token).await.unwrap().unwrap();
        assert_eq!(holder.user.role, Role::Admin);
        assert!(again.matches(token.reveal()));
    }

    async fn a_new_administrators_token_ends_the_old_one(database: Database) {
        let auth = auth(&database, &Clock::system());
        let old = auth.admin_token(database.data.path()).await.unwrap();
        std::fs::remove_file(database.data.path().join("admin.token")).unwrap();
        let new = auth.admin_token(database.data.path()).await.unwrap();
        assert!(auth.holder(&old).await.unwrap().is_none());
        assert!(auth.holder(&new).await.unwrap().is_some());
    }

    async fn a_token_that_was_never_given_is_nobodys(database: Database) {
        let auth = auth(&database, &Clock::system());
        let guess = Secret::generate("lha_").unwrap();
        assert!(auth.holder(&guess).await.unwrap().is_none());
    }

    async fn a_session_ends_when_it_is_closed(database: Database) {
        let auth = auth(&database, &Clock::system());
        let user = auth.development_user(&"ada".parse().unwrap()).await.unwrap();
        let (session, _) = auth.open_session(&Holder::of(user)).await.unwrap();
        assert!(is_learner(&auth.holder(&session).await.unwrap().unwrap().user));
        auth.close_session(&session).await.unwrap();
        assert!(auth.holder(&session).await.unwrap().is_none());
    }

    async fn a_session_that_another_server_closes_ends_within_a_second(database: Database) {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let (here, there) = (auth(&database, &clock), auth(&database, &clock));
        let user = here.development_user(&"ada".parse().unwrap()).await.unwrap();
        let (session, _) = here.open_session(&Holder::of(user)).await.unwrap();
        assert!(here.holder(&session).await.unwrap().is_some());
        there.close_session(&session).await.unwrap();
        clock.advance(Duration::from_secs(1));
        assert!(here.holder(&session).await.unwrap().is_none());
    }

    async fn a_session_expires(database: Database) {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let auth = auth(&database, &clock);
        let user = auth.development_user(&"ada".parse().unwrap()).await.unwrap();
        let (session, _) = auth.open_session(&Holder::of(user)).await.unwrap();
        clock.advance(SESSION_LIFETIME - Duration::from_secs(1));
        assert!(auth.holder(&session).await.unwrap().is_some());
        clock.advance(Duration::from_secs(1));
        assert!(auth.holder(&session).await.unwrap().is_none());
    }

    async fn a_token_lets_in_until_it_expires(database: Database) {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let auth = auth(&database, &clock);
        let token = token(&database, &auth, Scope::Read).await;
        assert_eq!(auth.holder(&token).await.unwrap().unwrap().scope, Scope::Read);
        clock.advance(HOUR);
        assert!(auth.holder(&token).await.unwrap().is_none());
    }

    async fn a_session_may_do_no_more_than_the_token_it_is_opened_with(database: Database) {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let auth = auth(&database, &clock);
        let token = token(&database, &auth, Scope::Read).await;
        let holder = auth.holder(&token).await.unwrap().unwrap();
        let (session, _) = auth.open_session(&holder).await.unwrap();
        assert_eq!(auth.holder(&session).await.unwrap().unwrap().scope, Scope::Read);
        clock.advance(HOUR);
        assert!(auth.holder(&session).await.unwrap().is_none());
    }

    async fn a_revoked_token_takes_its_sessions_along(database: Database) {
        let auth = auth(&database, &Clock::system());
        let token = token(&database, &auth, Scope::Write).await;
        let holder = auth.holder(&token).await.unwrap().unwrap();
        let (session, _) = auth.open_session(&holder).await.unwrap();
        let id = auth.tokens(Some(&holder.user.id), None, 9).await.unwrap().remove(0).id;
        let permit = permit(&gate(&database), &caller(&database, "ada").await).await;
        auth.revoke_token(&permit, &id).await.unwrap();
        for secret in [token, session] {
            assert!(auth.holder(&secret).await.unwrap().is_none());
        }
    }

    async fn who_is_removed_is_let_in_no_more_and_can_come_back(database: Database) {
        let auth = auth(&database, &Clock::system());
        let token = token(&database, &auth, Scope::Write).await;
        let permit = permit(&gate(&database), &caller(&database, "ada").await).await;
        let ada = auth.holder(&token).await.unwrap().unwrap().user;
        auth.remove_user(&permit, &ada.id).await.unwrap();
        assert!(auth.holder(&token).await.unwrap().is_none());
        assert!(matches!(auth.user(&ada.id).await, Err(PeopleError::NoUser(_))));
        auth.add_user(&permit, &ada).await.unwrap();
        assert!(auth.holder(&token).await.unwrap().is_none());
    }

    async fn what_was_opened_while_somebody_was_removed_does_not_come_back(database: Database) {
        let auth = auth(&database, &Clock::system());
        let holder = Holder::of(caller(&database, "ada").await.user);
        let permit = permit(&gate(&database), &caller(&database, "bob").await).await;
        auth.remove_user(&permit, &holder.user.id).await.unwrap();
        // As a request that was let in just before.
        let (session, _) = auth.open_session(&holder).await.unwrap();
        assert!(auth.holder(&session).await.unwrap().is_none());
        auth.add_user(&permit, &holder.user).await.unwrap();
        assert!(auth.holder(&session).await.unwrap().is_none());
    }

    async fn a_user_is_added_once(database: Database) {
        let auth = auth(&database, &Clock::system());
        let ada = caller(&database, "ada").await;
        let permit = permit(&gate(&database), &ada).await;
        let twice = auth.add_user(&permit, &ada.user).await;
        assert!(matches!(twice, Err(PeopleError::Taken(_))));
    }

    async fn another_role_counts_at_once(database: Database) {
        let auth = auth(&database, &Clock::system());
        let token = token(&database, &auth, Scope::Write).await;
        let mut ada = auth.holder(&token).await.unwrap().unwrap().user;
        let permit = permit(&gate(&database), &caller(&database, "ada").await).await;
        ada.role = Role::Reviewer;
        auth.set_role(&permit, &ada).await.unwrap();
        assert_eq!(auth.holder(&token).await.unwrap().unwrap().user.role, Role::Reviewer);
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// A token of ada's that counts for an hour.
async fn token(database: &Database, auth: &Auth, scope: Scope) -> Secret {
    let ada = caller(database, "ada").await;
    let permit = permit(&gate(database), &ada).await;
    let (user, name) = (ada.user.id, "laptop".to_owned());
    let new = NewToken { user, name, scope, expires_in: Some(HOUR) };
    auth.create_token(&permit, &new).await.unwrap().1
}
