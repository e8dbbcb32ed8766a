//! All that a session has shown: its output, numbered, and the screen that it led to.
//!
//! The screen is not looked at most of the time, so it is behind the output and catches up when
//! it is asked for, or when output would otherwise be forgotten before it was read.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::super::scrollback::Scrollback;
use super::screen::Screen;

/// How far the screen may be behind: much less than the scrollback keeps.
const BEHIND_BYTES: u64 = 256 * 1024;
/// Time that it catches up without a break for others.
const TURN: Duration = Duration::from_millis(1);
/// Changes of size that are remembered until it has caught up.
const MOST_SIZES: usize = 256;

type Size = (u16, u16);

pub(super) struct Shown {
    /// Names this output among all that sessions of the name have had.
    pub(super) name: String,
    pub(super) scrollback: RefCell<Scrollback>,
    screen: RefCell<Option<Screen>>,
    /// What the screen has read of the output.
    read: Cell<u64>,
    /// Sizes, each with where in the output it came, from the screen's own on.
    sizes: RefCell<VecDeque<(u64, Size)>>,
}

impl Shown {
    pub(super) fn new(name: String, size: Size) -> Self {
        let sizes = RefCell::new(VecDeque::from([(0, size)]));
        let (scrollback, screen, read) = Default::default();
        Self { name, scrollback, screen, read, sizes }
    }

    pub(super) fn end(&self) -> u64 {
        self.scrollback.borrow().end()
    }

    pub(super) fn push(&self, bytes: &[u8]) {
        self.scrollback.borrow_mut().push(bytes);
    }

    pub(super) fn resize(&self, size: Size) {
        let end = self.end();
        let mut sizes = self.sizes.borrow_mut();
        // The first one is what the screen has.
        if sizes.len() > 1 {
            sizes.pop_back_if(|(at, _)| *at == end);
        }
        sizes.push_back((end, size));
        if sizes.len() > MOST_SIZES {
            sizes.remove(1);
        }
    }

    pub(super) fn is_far_behind(&self) -> bool {
        self.end() - self.read.get() > BEHIND_BYTES
    }

    /// Takes the screen to the newest output.
    pub(super) async fn catch_up(&self) {
        let mut spent = Duration::ZERO;
        while let Some(took) = self.read_on() {
            spent += took;
            if spent >= TURN {
                spent = Duration::ZERO;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Reads a little more, if there is more; answers what time it took.
    fn read_on(&self) -> Option<Duration> {
        let (mut screen, mut sizes) = (self.screen.borrow_mut(), self.sizes.borrow_mut());
        let (_, first) = sizes.front().copied()?;
        let screen = screen.get_or_insert_with(|| Screen::new(first));
        let scrollback = self.scrollback.borrow();
        if screen.is_given_up() {
            self.read.set(scrollback.end());
            return None;
        }
        let at = self.read.get();
        // What the screen has, and what comes.
        while let Some((_, size)) = sizes.get(1).copied().filter(|(next, _)| *next <= at) {
            screen.resize(size);
            sizes.pop_front();
        }
        let mut rest = scrollback.from(at);
        if let Some((next, _)) = sizes.get(1) {
            let until = usize::try_from(next - at).unwrap_or(usize::MAX);
            rest = &rest[..rest.len().min(until)];
        }
        if rest.is_empty() {
            if at < scrollback.end() {
                screen.give_up("its output was forgotten before it was read");
            }
            return None;
        }
        let (length, took) = screen.read(rest);
        self.read.set(at + length as u64);
        Some(took)
    }

    /// What draws the screen as it is after the output before `seq`, if it has come just so far.
    pub(super) fn draw(&self, seq: u64) -> Drawn {
        if self.read.get() != seq || self.end() != seq {
            return Drawn::Later;
        }
        let drawn = self.screen.borrow_mut().as_mut().and_then(Screen::draw);
        drawn.map_or(Drawn::Never, Drawn::Now)
    }
}

pub(super) enum Drawn {
    Now(Bytes),
    /// There is more output to show first.
    Later,
    /// The screen was given up.
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(shown: &Shown) -> String {
        match shown.draw(shown.end()) {
            Drawn::Now(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Drawn::Later | Drawn::Never => String::new(),
        }
    }

    #[tokio::test]
    async fn a_size_counts_from_where_it_came() {
        let shown = Shown::new(String::new(), (10, 4));
        shown.push(b"\x1b[99;99Hbottom?");
        shown.resize((40, 8));
        shown.push(b"\x1b[2J\x1b[99;30Hright");
        shown.catch_up().await;
        assert!(drawn(&shown).contains("right"), "{:?}", drawn(&shown));
    }

    #[tokio::test]
    async fn the_last_size_counts_though_nothing_came_since() {
        let shown = Shown::new(String::new(), (10, 4));
        shown.push(b"12345678901234567890");
        shown.resize((20, 4));
        shown.catch_up().await;
        assert!(drawn(&shown).contains("12345678901234567890"), "{:?}", drawn(&shown));
    }

    #[tokio::test]
    async fn output_that_was_forgotten_is_on_the_screen_all_the_same() {
        let shown = Shown::new(String::new(), (10, 4));
        shown.push(b"\x1b[1;1Htop\x1b[2;4r");
        for _ in 0..40 {
            shown.push(&b"\x1b[4;1Hx\n".repeat(8192));
            shown.catch_up().await;
        }
        assert!(drawn(&shown).contains("top"), "{:?}", drawn(&shown));
    }
}
