//! Room agents: how many runs go on at once; the others stand in line.
//!
//! Each server has a line of its own. Whoever comes first goes first, and everybody in it
//! can say how many are before it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The runs of this server. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct Line {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    most_going: usize,
    most_waiting: usize,
    standing: Mutex<Standing>,
    /// Told whenever somebody leaves the line or ends.
    moved: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Standing {
    going: usize,
    /// By their numbers.
    waiting: BTreeSet<u64>,
    last: u64,
}

/// The line is as long as it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full {
    pub(super) most_waiting: usize,
}

/// A place in the line, and then among those that go on; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    line: Line,
    number: u64,
    moved: watch::Receiver<()>,
}

impl Line {
    pub(super) fn new(most_going: usize, most_waiting: usize) -> Self {
        let (standing, (moved, _)) = (Mutex::default(), watch::channel(()));
        Self { inner: Arc::new(Inner { most_going, most_waiting, standing, moved }) }
    }

    /// Takes the last place; it is the first one where nobody waits.
    pub(super) fn join(&self) -> Result<Ticket, Full> {
        let mut standing = self.standing();
        let Inner { most_going, most_waiting, .. } = *self.inner;
        // Of those that wait, some may go on and only have not looked yet.
        if standing.going + standing.waiting.len() >= most_going.saturating_add(most_waiting) {
            return Err(Full { most_waiting });
        }
        standing.last += 1;
        let number = standing.last;
        standing.waiting.insert(number);
        Ok(Ticket { line: self.clone(), number, moved: self.inner.moved.subscribe() })
    }

    /// How many are before the one with this number; none where it does not wait.
    pub(super) fn ahead_of(&self, number: u64) -> Option<usize> {
        let standing = self.standing();
        let waits = standing.waiting.contains(&number);
        waits.then(|| standing.waiting.range(..number).count())
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.inner.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the first go on if there is room; answers whether it was this one.
    fn let_go(&self, number: u64) -> bool {
        let mut standing = self.standing();
        let goes = standing.waiting.first() == Some(&number)
            && standing.going < self.inner.most_going
            && standing.waiting.remove(&number);
        standing.going += usize::from(goes);
        goes
    }
}

impl Ticket {
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// How many are before it now; none once it is its turn.
    pub(super) fn ahead(&self) -> Option<usize> {
        if self.line.let_go(self.number) {
            // Whoever is next may find room as well.
            self.line.inner.moved.send_replace(());
        }
        self.line.ahead_of(self.number)
    }

    /// Waits until there may be fewer before it than when that was last asked.
    pub(super) async fn moved(&mut self) {
        // The line outlives its tickets.
        let _ = self.moved.changed().await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut standing = self.line.standing();
        if !standing.waiting.remove(&self.number) {
            standing.going -= 1;
        }
        drop(standing);
        self.line.inner.moved.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead(tickets: &[Ticket]) -> Vec<Option<usize>> {
        tickets.iter().map(Ticket::ahead).collect()
    }

    #[test]
    fn as_many_go_on_as_may_and_the_others_know_their_place() {
        let line = Line::new(2, 9);
        let tickets: Vec<_> = (0..4).map(|_| line.join().unwrap()).collect();
        assert_eq!(ahead(&tickets), [None, None, Some(0), Some(1)]);
    }

    #[test]
    fn who_ends_or_gives_up_lets_those_behind_move_up() {
        let line = Line::new(1, 9);
        let mut tickets: Vec<_> = (0..4).map(|_| line.join().unwrap()).collect();
        assert_eq!(ahead(&tickets), [None, Some(0), Some(1), Some(2)]);
        drop(tickets.remove(2));
        assert_eq!(ahead(&tickets), [None, Some(0), Some(1)]);
        drop(tickets.remove(0));
        assert_eq!(ahead(&tickets), [None, Some(0)]);
    }

    #[test]
    fn nobody_overtakes_whoever_was_there_before() {
        let line = Line::new(1, 9);
        let going = line.join().unwrap();
        assert_eq!(going.ahead(), None);
        let waiting = line.join().unwrap();
        drop(going);
        let late = line.join().unwrap();
        assert_eq!((late.ahead(), waiting.ahead(), late.ahead()), (Some(1), None, Some(0)));
    }

    #[test]
    fn a_line_that_is_full_takes_nobody_more() {
        let line = Line::new(1, 1);
        let going = line.join().unwrap();
        assert_eq!(going.ahead(), None);
        let _waiting = line.join().unwrap();
        assert_eq!(line.join().unwrap_err(), Full { most_waiting: 1 });
    }

    #[test]
    fn where_nobody_may_wait_as_many_as_may_go_on_are_taken_at_once() {
        let line = Line::new(2, 0);
        let tickets: Vec<_> = (0..2).map(|_| line.join().unwrap()).collect();
        assert_eq!(line.join().unwrap_err(), Full { most_waiting: 0 });
        assert_eq!(ahead(&tickets), [None, None]);
    }

    #[tokio::test]
    async fn whoever_waits_hears_that_the_line_moves() {
        let line = Line::new(1, 9);
        let (going, mut waiting) = (line.join().unwrap(), line.join().unwrap());
        assert_eq!((going.ahead(), waiting.ahead()), (None, Some(0)));
        drop(going);
        waiting.moved().await;
        assert_eq!(waiting.ahead(), None);
    }
}
