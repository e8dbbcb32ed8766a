//! A submission from its beginning to its end.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use lockhouse::projects::KEPT;
use lockhouse::reviews::{Config, Error, Filter, State, Submission, Verdict};

use super::Room;
use crate::databases::{Database, usual};

async fn states(room: &Room, submissions: &[&Submission]) -> Vec<State> {
    let fresh = submissions.iter().map(|submission| room.fresh(submission));
    join_all(fresh).await.into_iter().map(|fresh| fresh.unwrap().state).collect()
}

on_every_database! {
    async fn a_submission_reads_back_as_it_was_made(database: Database) {
        let room = Room::new(database).await;
        room.writes("a.txt", "one");
        let submission = room.submits("naïve 😀").await;
        assert_eq!((submission.number, submission.state), (1, State::Open));
        assert_eq!((submission.owner.as_str(), submission.message.as_str()), ("ada", "naïve 😀"));
        assert_eq!(room.fresh(&submission).await.unwrap(), submission);
    }

    async fn the_same_again_while_it_waits_is_the_one_that_is_there(database: Database) {
        let room = Room::new(database).await;
        room.writes("a.txt", "one");
        let first = room.submits("").await;
        assert_eq!(room.try_submit("").await.unwrap(), (first.clone(), false));
        assert!(room.try_submit("look again").await.unwrap().1);
        room.writes("a.txt", "two");
        assert!(room.try_submit("look again").await.unwrap().1);
        let latest = room.submits("look again").await;
        room.judges(&latest, Verdict::ChangesRequested).await.unwrap();
        assert!(room.try_submit("look again").await.unwrap().1);
    }

    async fn a_newer_one_takes_the_place_of_one_that_waits(database: Database) {
        let room = Room::new(database).await;
        let (judged, waiting) = (room.submits("1").await, room.submits("2").await);
        assert_eq!(states(&room, &[&judged, &waiting]).await, [State::Superseded, State::Open]);
        let approved = room.judges(&waiting, Verdict::Approved).await.unwrap();
        let last = room.submits("3").await;
        assert_eq!(states(&room, &[&approved, &last]).await, [State::Approved, State::Open]);
        let late = room.judges(&judged, Verdict::Approved).await;
        assert!(matches!(late, Err(Error::Superseded)), "{late:?}");
    }

    async fn the_last_verdict_counts(database: Database) {
        let room = Room::new(database).await;
        let submission = room.submits("").await;
        for verdict in [Verdict::ChangesRequested, Verdict::Approved, Verdict::Approved] {
            room.judges(&submission, verdict).await.unwrap();
        }
        assert_eq!(states(&room, &[&submission]).await, [State::Approved]);
        let given = room.reviews.judgements(&submission).await.unwrap();
        let given: Vec<_> = given.iter().map(|given| given.verdict).collect();
        assert_eq!(given, [Verdict::ChangesRequested, Verdict::Approved]);
    }

    async fn learners_see_their_own_and_reviewers_everybodys(database: Database) {
        let room = Room::new(database).await;
        let submission = room.submits("").await;
        let (bob, rex) = (room.caller("bob").await, room.reviewer("rex").await);
        let found = room.reviews.find(&bob, submission.id.as_str()).await;
        assert!(matches!(found, Err(Error::NotFound(_))), "{found:?}");
        let list = async |caller| room.reviews.list(caller, &Filter::default(), None, 10).await;
        assert_eq!(list(&bob).await.unwrap().0, []);
        assert_eq!(list(&rex).await.unwrap().0, std::slice::from_ref(&submission));
        assert_eq!(room.reviews.find(&rex, submission.id.as_str()).await.unwrap(), submission);
        assert_eq!(list(&room.caller("ada").await).await.unwrap().0, [submission]);
    }

    async fn a_list_comes_in_pages_and_of_one_state(database: Database) {
        let room = Room::new(database).await;
        let (first, second) = (room.submits("1").await, room.submits("2").await);
        let ada = room.caller("ada").await;
        let (page, next) = room.reviews.list(&ada, &Filter::default(), None, 1).await.unwrap();
        assert_eq!(page[0].id, first.id);
        let rest = room.reviews.list(&ada, &Filter::default(), next.as_ref(), 10).await.unwrap();
        assert_eq!(rest, (vec![second.clone()], None));
        let project = Some(room.project.id.clone());
        let open = Filter { state: Some(State::Open), project };
        assert_eq!(room.reviews.list(&ada, &open, None, 10).await.unwrap().0, [second]);
    }

    async fn many_who_hand_in_at_once_get_a_number_each(database: Database) {
        let room = Room::new(database).await;
        let names = ["1", "2", "3", "4", "5", "6"];
        let made = join_all(names.map(|name| room.try_submit(name))).await;
        let numbers: BTreeSet<u32> = made.iter().map(|made| made.as_ref().unwrap().0.number).collect();
        assert_eq!(numbers, (1..=6).collect());
        let (ada, open) = (room.caller("ada").await, Some(State::Open));
        let waiting = Filter { state: open, ..Filter::default() };
        let (waiting, _) = room.reviews.list(&ada, &waiting, None, 10).await.unwrap();
        assert_eq!(waiting.iter().map(|one| one.number).collect::<Vec<_>>(), [6]);
    }

    async fn a_deleted_projects_submissions_come_back_with_it(database: Database) {
        let room = Room::new(database).await;
        let submission = room.submits("").await;
        let leave = room.permit("ada").await;
        room.projects.retire(&leave, &room.project).await.unwrap();
        assert!(matches!(room.fresh(&submission).await, Err(Error::NotFound(_))));
        assert_eq!(room.reviews.sweep().await.unwrap(), 0);
        let ada = room.caller("ada").await;
        let deleted = room.projects.find_deleted(&ada, "todo").await.unwrap();
        room.projects.restore(&leave, deleted).await.unwrap();
        assert_eq!(room.fresh(&submission).await.unwrap(), submission);
    }

    async fn what_is_left_of_a_project_that_is_gone_for_good_is_swept(database: Database) {
        let room = Room::new(database).await;
        let submission = room.submits("").await;
        room.judges(&submission, Verdict::Approved).await.unwrap();
        room.projects.retire(&room.permit("ada").await, &room.project).await.unwrap();
        room.clock.advance(KEPT);
        assert_eq!(room.projects.sweep_deleted().await.unwrap(), 1);
        assert_eq!(room.objects(), 2);
        assert_eq!(room.reviews.sweep().await.unwrap(), 1);
        assert_eq!((room.objects(), room.reviews.sweep().await.unwrap()), (0, 0));
    }

    async fn what_never_arrived_as_a_whole_is_swept(database: Database) {
        let room = Room::new(database).await;
        let submission = room.submits("").await;
        // As a server leaves it that was killed before the objects were there.
        sqlx::query("UPDATE submissions SET state = 'hidden'")
            .execute(room.database.db.writer()).await.unwrap();
        assert!(matches!(room.fresh(&submission).await, Err(Error::NotFound(_))));
        assert_eq!(room.reviews.sweep().await.unwrap(), 0);
        room.clock.advance(Duration::from_secs(2 * 3_600));
        assert_eq!(room.reviews.sweep().await.unwrap(), 1);
        assert_eq!(room.objects(), 0);
    }
}

#[tokio::test]
async fn a_project_has_no_more_than_it_may() {
    let place = crate::objects::Place::local();
    let config = Config { max_per_project: 2, ..Config::default() };
    let room = Room::with(usual().await, place.objects.clone(), config).await;
    let first = room.submits("1").await;
    room.submits("2").await;
    assert!(matches!(room.try_submit("3").await, Err(Error::Full(2))));
    room.reviews.delete(&room.permit("ada").await, &first).await.unwrap();
    assert_eq!(room.submits("3").await.number, 3);
}
