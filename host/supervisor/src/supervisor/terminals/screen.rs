//! What a terminal's screen looks like: an emulator that reads its output.
//!
//! The output is whatever a program prints, and the emulator a library. Should it fail, or take
//! too long over something, the screen is given up and the output comes as before: nothing that a
//! program prints ends the supervisor.

use std::cell::Cell;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::time::Duration;

use avt::Terminal;
use bytes::Bytes;
use rustix::time::{ClockId, clock_gettime};

use super::super::say;
use super::modes::Modes;
use super::skim;

/// Most characters on a screen that is followed.
const MOST_CELLS: usize = 128 * 1024;
/// Read in one go.
const SLICE_BYTES: usize = 1024;
/// Processor time that reading so much should take; ordinary output takes a thousandth of it.
const SLICE_BUDGET: Duration = Duration::from_millis(20);
/// Slices that may take longer: a virtual machine that waits for its host counts that as well.
const COSTLY_SLICES: u8 = 3;
/// So much output makes up for a costly slice.
const FORGIVING_BYTES: usize = 1024 * 1024;

/// Makes a terminal in any state an empty one, without touching what it scrolled away: ends what
/// is half said, leaves the other screen, resets.
const CLEAN: &str = "\x1b\\\x1b[?1049l\x1b[!p\x1b[r\x1b[m\x1b(B\x1b)B\x0f\
                     \x1b[4l\x1b[20l\x1b[?6l\x1b[?1l\x1b[?7h\x1b[?25h";
/// Columns from one tab stop to the next, unless a program wishes for others.
const TAB: u16 = 8;
const ERASE: &str = "\x1b[H\x1b[J";

thread_local! {
    /// Whether a panic is caught by who called.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

pub(super) struct Screen {
    /// None once it is given up.
    terminal: Option<Terminal>,
    modes: Modes,
    /// The beginning of a character whose end has yet to come.
    cut: Vec<u8>,
    size: (u16, u16),
    costly: Costly,
}

/// Slices that took too long, and what was read since the last of them.
#[derive(Default)]
struct Costly {
    slices: u8,
    since: usize,
}

impl Costly {
    /// Counts a slice; answers whether there were too many costly ones.
    fn is_too_much(&mut self, bytes: usize, took: Duration) -> bool {
        self.since += bytes;
        if self.since >= FORGIVING_BYTES {
            *self = Self { slices: self.slices.saturating_sub(1), since: 0 };
        }
        if took > SLICE_BUDGET {
            *self = Self { slices: self.slices + 1, since: 0 };
        }
        self.slices > COSTLY_SLICES
    }
}

/// A panic anywhere but in the emulator ends the supervisor, and with it the runtime: a part of it
/// that is missing would be worse.
pub(in super::super) fn end_on_panic() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        say(&format!("{panic}"));
        if !GUARDED.get() {
            std::process::abort();
        }
    }));
}

impl Screen {
    pub(super) fn new(size: (u16, u16)) -> Self {
        let (modes, cut, costly) = Default::default();
        let new = |(cols, rows): (u16, u16)| Terminal::new(cols.into(), rows.into()).ok();
        let terminal = Some(size).filter(|size| fits(*size)).and_then(new);
        Self { terminal, modes, cut, size, costly }
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.terminal.is_none()
    }

    pub(super) fn give_up(&mut self, why: &str) {
        if self.terminal.take().is_some() {
            say(&format!("a terminal's screen is given up: {why}"));
        }
    }

    pub(super) fn resize(&mut self, size: (u16, u16)) {
        if !fits(size) {
            self.give_up("it is too large");
        }
        self.size = size;
        self.guarded(|terminal| terminal.resize(size.0.into(), size.1.into()));
    }

    /// Reads the beginning of what is left of the output; answers how much, and what time it took.
    pub(super) fn read(&mut self, output: &[u8]) -> (usize, Duration) {
        let is_free = self.modes.is_between() && self.cut.is_empty() && !self.modes.has_region();
        let gone = if is_free { skim::gone(output, self.size.1) } else { 0 };
        if gone > 0 {
            return (gone, Duration::ZERO);
        }
        let slice = &output[..output.len().min(SLICE_BYTES)];
        self.modes.read(slice);
        let text = self.decode(slice);
        let began = processor_time();
        self.guarded(|terminal| terminal.feed(text.as_str()));
        let took = processor_time().saturating_sub(began);
        if self.costly.is_too_much(slice.len(), took) {
            self.give_up("its output takes too long to be drawn");
        }
        (slice.len(), took)
    }

    fn decode(&mut self, bytes: &[u8]) -> String {
        let mut whole = std::mem::take(&mut self.cut);
        whole.extend_from_slice(bytes);
        let (mut text, mut rest) = (String::with_capacity(whole.len()), whole.as_slice());
        loop {
            let error = match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    return text;
                }
                Err(error) => error,
            };
            let (valid, after) = rest.split_at(error.valid_up_to());
            text.push_str(std::str::from_utf8(valid).unwrap_or_default());
            let Some(wrong) = error.error_len() else {
                self.cut = after.to_vec();
                return text;
            };
            text.push(char::REPLACEMENT_CHARACTER);
            rest = &after[wrong..];
        }
    }

    /// What makes any terminal of this size look like this one.
    pub(super) fn draw(&mut self) -> Option<Bytes> {
        let drawn = self.guarded(|terminal| terminal.dump())?;
        let mut text = CLEAN.to_owned();
        Modes::clear(&mut text);
        self.modes.restore(&mut text);
        text.push_str("\x1b[3g");
        for column in (TAB..self.size.0).step_by(TAB.into()) {
            // Writing to a string never fails.
            let _ = write!(text, "\x1b[{}G\x1bH", column + 1);
        }
        text.push_str(ERASE);
        // Some terminals know this control by its older name alone.
        text.push_str(&drawn.replace('\u{9b}', "\x1b["));
        // What has yet to come may end what is half said.
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.cut);
        Some(bytes.into())
    }

    fn guarded<T>(&mut self, work: impl FnOnce(&mut Terminal) -> T) -> Option<T> {
        let mut terminal = self.terminal.take()?;
        let before = GUARDED.replace(true);
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut terminal)));
        GUARDED.set(before);
        // After a panic it may be in any state: it is dropped.
        let done = done.ok()?;
        self.terminal = Some(terminal);
        Some(done)
    }
}

fn fits((cols, rows): (u16, u16)) -> bool {
    (1..=MOST_CELLS).contains(&(usize::from(cols) * usize::from(rows)))
}

/// Of this thread: what others take meanwhile does not count.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIZE: (u16, u16) = (20, 6);

    fn shown(output: &[u8]) -> Screen {
        let mut screen = Screen::new(SIZE);
        let mut rest = output;
        while !rest.is_empty() {
            rest = &rest[screen.read(rest).0..];
        }
        screen
    }

    /// The same without passing anything over.
    fn shown_in_full(output: &[u8]) -> Screen {
        let mut screen = Screen::new(SIZE);
        for piece in output.chunks(7) {
            screen.read(piece);
        }
        screen
    }

    /// Text, lines, and the beginnings of what terminals understand.
    fn output() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            8 => "[a-zé世 ]{0,30}".prop_map(String::into_bytes),
            8 => "([a-z]{0,30}\r\n){0,40}".prop_map(String::into_bytes),
            8 => "\u{1b}\\[[?!>]?[0-9;]{0,7}[ $]?[@-~]".prop_map(String::into_bytes),
            2 => "\u{1b}[(\\]P#7-8=>DMEc][0-9A-B;]?".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 0..20),
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_output_ends_it(output in output(), size in (1_u16..40, 1_u16..20)) {
            let mut screen = shown(&output);
            screen.resize(size);
            screen.read(&output);
            screen.draw();
        }

        #[test]
        fn a_terminal_that_was_anything_looks_like_it_once_it_is_drawn(
            one in output(), other in output(),
        ) {
            let mut screen = shown(&one);
            let drawn = screen.draw().unwrap_or_default();
            let mut again = shown(&[other, drawn.to_vec()].concat());
            prop_assert_eq!(again.draw(), screen.draw());
        }

        #[test]
        fn what_is_passed_over_leaves_no_trace(output in output()) {
            prop_assert_eq!(shown(&output).draw(), shown_in_full(&output).draw());
        }
    }

    #[test]
    fn what_scrolled_away_is_not_read() {
        let lines = "a line\r\n".repeat(100_000);
        let (passed_over, _) = Screen::new(SIZE).read(lines.as_bytes());
        assert!(passed_over > 60_000);
    }

    #[test]
    fn a_full_screen_program_is_drawn_on_the_screen_of_its_own() {
        let mut screen = shown(b"$ vim\r\n\x1b[?1049h\x1b[?2004h\x1b[2J\x1b[3;5Hhello");
        let drawn = String::from_utf8(screen.draw().unwrap().to_vec()).unwrap();
        assert!(drawn.contains("$ vim") && drawn.contains("hello"));
        assert!(drawn.contains("\x1b[?1047h") && drawn.contains("\x1b[?2004h"), "{drawn:?}");
    }

    #[test]
    fn output_that_costs_too_much_loses_its_screen_and_no_more() {
        let mut screen = Screen::new((300, 300));
        let costly = b"x\x1b[65535b".repeat(2000);
        let mut rest = costly.as_slice();
        while !rest.is_empty() {
            rest = &rest[screen.read(rest).0..];
        }
        assert!(screen.is_given_up());
        assert_eq!(screen.draw(), None);
    }

    #[test]
    fn a_slice_that_takes_long_now_and_then_is_forgiven() {
        let (mut costly, long) = (Costly::default(), 2 * SLICE_BUDGET);
        for _ in 0..10 {
            assert!(!costly.is_too_much(SLICE_BYTES, long));
            assert!(!costly.is_too_much(FORGIVING_BYTES, Duration::ZERO));
        }
        let too_much = (0..10).find(|_| costly.is_too_much(SLICE_BYTES, long));
        assert_eq!(too_much, Some(3));
    }

    #[test]
    fn a_screen_that_is_too_large_is_not_followed() {
        let mut screen = Screen::new((1000, 1000));
        screen.read(b"hello");
        assert!(screen.is_given_up());
    }

    #[test]
    fn a_character_that_is_cut_in_two_is_one() {
        let mut screen = Screen::new(SIZE);
        screen.read(&"é".as_bytes()[..1]);
        screen.read(&"é".as_bytes()[1..]);
        assert!(String::from_utf8_lossy(&screen.draw().unwrap()).contains('é'));
    }
}
