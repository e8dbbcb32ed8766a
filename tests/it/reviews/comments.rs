//! Remarks, and where their lines are in later submissions.

use lockhouse::reviews::{Comment, CommentChange, Error, NewComment, Place, Placed, Submission};

use super::Room;
use crate::databases::{Database, usual};

fn at(path: &str, line: impl Into<Option<u32>>) -> Place {
    Place { path: Some(path.to_owned()), line: line.into() }
}

async fn comments(room: &Room, on: &Submission, place: Place) -> Result<Comment, Error> {
    let new = NewComment { place, body: "hm".to_owned() };
    room.reviews.comment(&room.permit("rex").await, on, new).await
}

async fn shown(room: &Room, on: &Submission) -> Vec<Placed> {
    room.reviews.comments(on, None, 100).await.unwrap().comments
}

/// The only one: where it stands, and whether it is outdated.
async fn only(room: &Room, on: &Submission) -> (Place, bool) {
    let mut shown = shown(room, on).await;
    assert_eq!(shown.len(), 1, "{shown:?}");
    let Placed { place, outdated, .. } = shown.remove(0);
    (place, outdated)
}

on_every_database! {
    async fn a_comment_reads_back_as_it_was_made(database: Database) {
        let room = Room::new(database).await;
        room.writes("a.py", "1\n2\n");
        let submission = room.submits("").await;
        for place in [Place::default(), at("a.py", None), at("a.py", 2)] {
            let comment = comments(&room, &submission, place.clone()).await.unwrap();
            let last = shown(&room, &submission).await.pop().unwrap();
            assert_eq!(last, Placed { comment, place, outdated: false });
        }
    }

    async fn a_comment_is_shown_where_its_line_went(database: Database) {
        let room = Room::new(database).await;
        room.writes("a.py", "1\n2\n3\n");
        let first = room.submits("1").await;
        comments(&room, &first, at("a.py", 2)).await.unwrap();
        room.writes("a.py", "0\n1\n2\n3\n");
        let second = room.submits("2").await;
        room.moves("a.py", "b.py");
        let third = room.submits("3").await;
        assert_eq!(only(&room, &first).await, (at("a.py", 2), false));
        assert_eq!(only(&room, &second).await, (at("a.py", 3), false));
        assert_eq!(only(&room, &third).await, (at("b.py", 3), false));
    }

    async fn a_comment_whose_line_was_changed_is_outdated(database: Database) {
        let room = Room::new(database).await;
        room.writes("a.py", "1\n2\n3\n");
        let first = room.submits("1").await;
        comments(&room, &first, at("a.py", 2)).await.unwrap();
        room.writes("a.py", "1\ntwo\n3\n");
        let second = room.submits("2").await;
        assert_eq!(only(&room, &second).await, (at("a.py", None), true));
        room.removes("a.py");
        let third = room.submits("3").await;
        assert_eq!(only(&room, &third).await, (Place::default(), true));
    }

    async fn only_its_author_changes_what_a_comment_says(database: Database) {
        let room = Room::new(database).await;
        let submission = room.submits("").await;
        let made = comments(&room, &submission, Place::default()).await.unwrap();
        let about = (&submission, made.id.as_str());
        let other = CommentChange { body: Some("other".to_owned()), ..CommentChange::default() };
        let (stranger, leave) = (room.permit("ada").await, room.permit("rex").await);
        let refused = room.reviews.change_comment(&stranger, about, other.clone()).await;
        assert!(matches!(refused, Err(Error::NotAuthor)));
        assert_eq!(room.reviews.change_comment(&leave, about, other).await.unwrap().body, "other");
        assert_eq!(shown(&room, &submission).await[0].comment.body, "other");
    }

    async fn a_comment_is_settled_and_opened_again(database: Database) {
        let room = Room::new(database).await;
        let submission = room.submits("").await;
        let made = comments(&room, &submission, Place::default()).await.unwrap();
        let settled = async |name: &str, resolved| {
            let change = CommentChange { resolved: Some(resolved), ..CommentChange::default() };
            let (leave, about) = (room.permit(name).await, (&submission, made.id.as_str()));
            room.reviews.change_comment(&leave, about, change).await.unwrap().resolved_by
        };
        let ada = Some("ada".parse().unwrap());
        assert_eq!(settled("ada", true).await, ada);
        assert_eq!(settled("rex", true).await, ada);
        assert_eq!(shown(&room, &submission).await[0].comment.resolved_by, ada);
        assert_eq!(settled("rex", false).await, None);
    }

    async fn comments_come_in_pages(database: Database) {
        let room = Room::new(database).await;
        let submission = room.submits("").await;
        let first = comments(&room, &submission, Place::default()).await.unwrap();
        let second = comments(&room, &submission, Place::default()).await.unwrap();
        let page = room.reviews.comments(&submission, None, 1).await.unwrap();
        assert_eq!(page.comments[0].comment.id, first.id);
        let rest = room.reviews.comments(&submission, page.next.as_ref(), 10).await.unwrap();
        assert_eq!((&rest.comments[0].comment.id, rest.next), (&second.id, None));
    }
}

#[tokio::test]
async fn a_place_that_is_not_in_the_submission_is_refused() {
    let room = Room::new(usual().await).await;
    room.writes("a.py", "1\n2\n");
    room.writes("a.png", "\0\n");
    let submission = room.submits("").await;
    for place in [at("a.py", 0), at("a.py", 3), at("a.png", 1), Place { path: None, line: Some(1) }]
    {
        let refused = comments(&room, &submission, place).await;
        assert!(matches!(refused, Err(Error::Line(_))), "{refused:?}");
    }
    let refused = comments(&room, &submission, at("b.py", None)).await;
    assert!(matches!(refused, Err(Error::NoFile(_))), "{refused:?}");
}

#[tokio::test]
async fn a_comment_is_not_seen_in_what_was_handed_in_before_it() {
    let room = Room::new(usual().await).await;
    let (first, second) = (room.submits("1").await, room.submits("2").await);
    comments(&room, &second, Place::default()).await.unwrap();
    assert_eq!(shown(&room, &first).await, []);
}
