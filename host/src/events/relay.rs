//! Ground events: what the servers of one PostgreSQL database tell each other.
//!
//! Each sends the others what happens by way of it, and tells its listeners what they
//! send. As all news it may get lost: with a connection, or where it is longer than the
//! database carries.

use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{About, Event, Events, Subscription, What};
use crate::db::{self, Db};
use crate::secret::{NoRandomness, Secret};
use crate::tasks::Tasks;

const CHANNEL: &str = "lockhouse_events";

/// PostgreSQL carries less than 8,000 bytes at once.
const MAX_BYTES: usize = 7_900;

/// How long it is waited before the database is asked to listen again.
const PAUSE: Duration = Duration::from_secs(1);

/// One piece of news on its way, on a line of its own.
#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    at: Timestamp,
    /// Owner and name of the project that it is about.
    about: Option<(String, String)>,
    for_reviewers: bool,
    view: Map<String, Value>,
}

/// Tells and hears until the server stops; at once done where no other server can hear.
pub fn start(events: &Events, db: &Db, tasks: &Tasks) -> Result<(), NoRandomness> {
    if !db.has_channels() {
        return Ok(());
    }
    let sender = Secret::generate("")?.reveal().to_owned();
    let (events, db, until) = (events.clone(), db.clone(), tasks.clone());
    tasks.run("news of other servers", async move {
        tokio::select! {
            () = until.stopping() => {}
            () = send_all(&events, &db, &sender) => {}
            () = hear_all(&events, &db, &sender) => {}
        }
    });
    Ok(())
}

async fn send_all(events: &Events, db: &Db, sender: &str) {
    let mut heard = events.subscribe(None);
    let mut left = None;
    while let Some(letter) = next_letter(&mut heard, sender, &mut left).await {
        if let Err(error) = db.notify(CHANNEL, &letter).await {
            tracing::warn!(%error, "other servers are not told what happened");
        }
    }
}

/// All that has happened by now, as far as it can be carried at once; `left` goes with the
/// next one.
async fn next_letter(
    heard: &mut Subscription,
    sender: &str,
    left: &mut Option<String>,
) -> Option<String> {
    let first = match left.take() {
        Some(line) => line,
        None => next_line(heard).await?,
    };
    let mut letter = format!("{sender}\n{first}");
    while let Some(Some(line)) = next_line(heard).now_or_never() {
        if letter.len() + line.len() >= MAX_BYTES {
            *left = Some(line);
            break;
        }
        letter.push('\n');
        letter.push_str(&line);
    }
    Some(letter)
}

async fn next_line(heard: &mut Subscription) -> Option<String> {
    loop {
        let event = heard.next().await?;
        let line = line(&event).filter(|line| line.len() < MAX_BYTES / 2);
        if line.is_some() {
            return line;
        }
    }
}

/// The event as it is sent; nothing where the others know by themselves, since each server
/// has a link to each runtime.
fn line(event: &Event) -> Option<String> {
    let what = &event.what;
    if matches!(what, What::Elsewhere { .. } | What::Port { .. } | What::Process { .. }) {
        return None;
    }
    let Value::Object(view) = what.view() else { return None };
    let named = |about: &About| (about.owner.to_string(), about.project.to_string());
    let sent = Sent {
        at: event.at,
        about: event.about.as_ref().map(named),
        for_reviewers: what.is_for_reviewers(),
        view,
    };
    serde_json::to_string(&sent).ok()
}

async fn hear_all(events: &Events, db: &Db, sender: &str) {
    loop {
        let Err(error) = hear(events, db, sender).await;
        tracing::warn!(%error, "other servers are not heard; the database is asked again");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hear(
    events: &Events,
    db: &Db,
    sender: &str,
) -> Result<std::convert::Infallible, db::Error> {
    let mut listener = db.listen(CHANNEL).await?;
    loop {
        let letter = listener.next().await?;
        let Some((from, lines)) = letter.split_once('\n') else { continue };
        if from != sender {
            lines.lines().for_each(|line| tell(events, line));
        }
    }
}

/// A server of another version may say what this one does not understand.
fn tell(events: &Events, line: &str) {
    let Some((about, what, at)) = read(line) else {
        tracing::debug!(line, "news of another server that can't be read");
        return;
    };
    events.tell(about, what, at);
}

fn read(line: &str) -> Option<(Option<About>, What, Timestamp)> {
    let Sent { at, about, for_reviewers, view } = serde_json::from_str(line).ok()?;
    let named = |(owner, project): (String, String)| {
        Some(About { owner: owner.parse().ok()?, project: project.parse().ok()? })
    };
    let about = match about {
        Some(about) => Some(named(about)?),
        None => None,
    };
    Some((about, What::Elsewhere { view, for_reviewers }, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::events::Change;

    fn about() -> About {
        About { owner: "ada".parse().unwrap(), project: "todo".parse().unwrap() }
    }

    fn saved(path: &str) -> What {
        let (project, path) =
            ("01a20278d92b77bd83b38d95f470488a".parse().unwrap(), path.to_owned());
        What::File { project, path, change: Change::Changed }
    }

    #[tokio::test]
    async fn what_one_server_sends_the_other_tells_as_it_was_told_there() {
        let (here, there) = (Events::new(Clock::system()), Events::new(Clock::system()));
        let (mut sent, mut told) = (here.subscribe(None), there.subscribe(None));
        here.publish(about(), saved("a.txt"));
        let event = here.subscribe(Some(0)).next().await.unwrap();
        tell(&there, &next_line(&mut sent).await.unwrap());
        let heard = told.next().await.unwrap();
        assert_eq!((heard.view(), heard.about), (event.view(), event.about));
    }

    #[tokio::test]
    async fn what_was_heard_is_not_sent_on() {
        let events = Events::new(Clock::system());
        let mut sent = events.subscribe(None);
        let what = What::Elsewhere { view: Map::new(), for_reviewers: false };
        events.publish(about(), what);
        assert!(next_line(&mut sent).now_or_never().is_none());
    }

    #[tokio::test]
    async fn much_that_happens_at_once_goes_in_few_letters_of_bounded_length() {
        let events = Events::new(Clock::system());
        let mut heard = events.subscribe(None);
        (0..100).for_each(|n| events.publish(about(), saved(&format!("{n}.txt"))));
        let (mut left, mut letters) = (None, Vec::new());
        while let Some(letter) = next_letter(&mut heard, "me", &mut left).now_or_never() {
            letters.push(letter.unwrap());
        }
        let lines: usize = letters.iter().map(|letter| letter.lines().count() - 1).sum();
        assert_eq!(lines, 100);
        assert!(letters.len() < 10 && letters.iter().all(|letter| letter.len() < MAX_BYTES));
    }

    #[tokio::test]
    async fn what_is_too_long_to_be_carried_is_left_out() {
        let events = Events::new(Clock::system());
        let mut heard = events.subscribe(None);
        events.publish(about(), saved(&"x".repeat(MAX_BYTES)));
        events.publish(about(), saved("short"));
        assert!(next_line(&mut heard).await.unwrap().contains("short"));
    }

    #[test]
    fn what_can_not_be_read_is_passed_over() {
        assert!(read("{}").is_none() && read("nonsense").is_none());
    }
}
