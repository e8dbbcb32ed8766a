//! Terminal sessions.

use lockhouse_supervisor::Error;
use lockhouse_supervisor::client::{InboundEvent, Link, TerminalEvent};
use lockhouse_supervisor::protocol::{AttachTerminal, OpenTerminal};

use crate::harness::{Runtime, Screen, eventually, is_alive, plain_shell, soon};

async fn open(link: &Link) -> Screen {
    link.open_terminal(plain_shell()).await.unwrap();
    Screen::attach(link, None).await
}

#[tokio::test]
async fn keystrokes_are_echoed_and_run() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut screen = open(&host.link).await;
    screen.types("echo $((6*7)) $TERM; pwd\n").await;
    screen.shows("echo $((6*7))").await;
    screen.shows("42 xterm-256color\r\n").await;
    screen.shows(&runtime.workspace().display().to_string()).await;
}

#[tokio::test]
async fn the_default_is_a_login_shell_on_a_terminal() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let state = host.link.open_terminal(OpenTerminal::default()).await.unwrap();
    assert_eq!((state.session.as_str(), state.cols, state.rows), ("main", 80, 24));
    let mut screen = Screen::attach(&host.link, None).await;
    screen
        .types("tty; [ -t 0 ] && echo is-a-$((1))-tty; shopt -q login_shell && echo log$((1))in\n")
        .await;
    screen.shows("is-a-1-tty").await;
    screen.shows("log1in").await;
}

#[tokio::test]
async fn control_c_interrupts_the_program_in_front() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut screen = open(&host.link).await;
    let loops =
        "trap 'echo caught-$((1)); exit' INT; echo ready-$((1)); while :; do sleep 0.05; done";
    screen.types(&format!("sh -c {}\n", format_args!("\"{}\"", loops.replace('$', "\\$")))).await;
    screen.shows("ready-1").await;
    screen.types("\x03").await;
    screen.shows("caught-1").await;
}

#[tokio::test]
async fn a_new_size_reaches_the_program_and_the_clients() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut screen = open(&host.link).await;
    screen.input.resize(132, 43).await.unwrap();
    screen.types("stty size\n").await;
    screen.shows("43 132").await;
    assert_eq!((screen.state().cols, screen.state().rows), (132, 43));
}

#[tokio::test]
async fn the_title_and_the_directory_are_reported() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut screen = open(&host.link).await;
    screen.types("cd /; printf '\\033]0;my %s\\007' title\n").await;
    while screen.state().title.as_deref() != Some("my title") {
        assert!(screen.step().await);
    }
    while screen.state().cwd.as_deref() != Some("/") {
        assert!(screen.step().await);
    }
}

#[tokio::test]
async fn a_client_that_returns_is_shown_what_it_missed_and_no_more() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut screen = open(&host.link).await;
    screen.types("echo be$((1))fore\n").await;
    screen.shows("be1fore\r\n").await;
    let (before, seq) = (screen.shown.clone(), screen.next_seq);
    drop(screen);
    host.vanish().await;

    let host = runtime.host().await;
    assert_eq!(host.link.hello().terminals[0].session, "main");
    let mut screen = Screen::attach(&host.link, Some(seq)).await;
    screen.types("echo af$((2))ter\n").await;
    screen.shows("af2ter\r\n").await;
    let mut all = Screen::attach(&host.link, None).await;
    all.shows("af2ter\r\n").await;
    let stitched = [before.as_slice(), screen.shown.as_slice()].concat();
    assert!(all.shown.starts_with(&stitched) || stitched.starts_with(&all.shown));
}

#[tokio::test]
async fn two_clients_see_the_same() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut one = open(&host.link).await;
    let mut two = Screen::attach(&host.link, None).await;
    one.types("echo one-$((1))\n").await;
    two.types("echo two-$((2))\n").await;
    one.shows("two-2").await;
    two.shows("two-2").await;
    assert!(one.text().contains("one-1") && two.text().contains("one-1"));
    assert_eq!(two.state().clients, 2);
}

#[tokio::test]
async fn a_client_that_never_reads_stalls_nobody_and_goes_on_at_the_newest() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut fast = open(&host.link).await;
    let mut slow = Screen::attach(&host.link, None).await;
    fast.types("stty -echo; seq 1 1000000; echo the-$((1))-end\n").await;
    fast.shows("the-1-end").await;
    assert_eq!(fast.skipped, [], "the one that reads gets everything");
    slow.shows("the-1-end").await;
    assert_eq!(slow.skipped.len(), 1);
    let (from, to) = slow.skipped[0];
    assert!(from <= 600_000 && fast.next_seq - to <= 64 * 1024, "{from} to {to}");
}

#[tokio::test]
async fn a_program_with_no_client_that_reads_is_not_held_up_for_long() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut slow = open(&host.link).await;
    slow.types("seq 1 1000000; echo over > over\n").await;
    let over = runtime.workspace().join("over");
    eventually("the program to end", async || over.exists().then_some(())).await;
    drop(slow);
}

#[tokio::test]
async fn the_first_and_the_most_recent_output_are_kept() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut screen = open(&host.link).await;
    screen.types("stty -echo; echo very-$((1))-first; seq 1 500000; echo the-$((1))-end\n").await;
    screen.shows("the-1-end").await;
    let mut later = Screen::attach(&host.link, None).await;
    later.shows("the-1-end").await;
    assert!(later.text().contains("very-1-first"));
    assert_eq!(later.skipped.len(), 1);
    assert_eq!(later.skipped[0].0, 64 * 1024);
    assert!(later.shown.len() >= 1024 * 1024 + 64 * 1024);
}

#[tokio::test]
async fn a_shell_that_ends_says_so_and_can_be_opened_again() {
    let runtime = Runtime::start();
    let mut host = runtime.host().await;
    let mut screen = open(&host.link).await;
    screen.types("exit 7\n").await;
    while screen.step().await {}
    assert_eq!(screen.state().exit.unwrap().code, Some(7));
    let event = soon("the event", async {
        loop {
            if let InboundEvent::TerminalExited { session, exit } =
                host.inbound.next().await.unwrap()
            {
                return (session, exit.code);
            }
        }
    });
    assert_eq!(event.await, ("main".to_owned(), Some(7)));

    host.link.open_terminal(plain_shell()).await.unwrap();
    let mut again = Screen::attach(&host.link, Some(screen.next_seq)).await;
    again.types("echo new-$((1))\n").await;
    again.shows("new-1").await;
}

#[tokio::test]
async fn closing_a_session_ends_what_runs_in_it() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut screen = open(&host.link).await;
    screen.types("trap '' HUP TERM; sh -c 'trap \"\" HUP; echo pid=$$=; sleep 1000; true'\n").await;
    while screen.text().matches('=').count() < 4 {
        assert!(screen.step().await);
    }
    let pid = screen.text().rsplit('=').nth(1).unwrap().parse().unwrap();
    host.link.close_terminal("main").await.unwrap();
    assert!(!is_alive(pid));
    assert!(host.link.terminals().await.unwrap().is_empty());
    let attach = AttachTerminal::new("main", None);
    let gone = host.link.attach_terminal(attach).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound(_)));
    while screen.step().await {}
    assert!(screen.state().exit.is_some() && screen.state().closed);
}

/// Remembers nothing of the session, and wishes to see it as it is.
fn newcomer() -> AttachTerminal {
    AttachTerminal { snapshot: true, ..AttachTerminal::new("main", None) }
}

#[tokio::test]
async fn who_comes_later_is_drawn_the_screen_though_its_beginning_is_no_longer_kept() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut first = open(&host.link).await;
    let program = "printf '\\033[?1049h\\033[?2004h\\033[2J\\033[3;5Hthe-%s-title' real; \
                   seq -f '\x1b[10;1Hcount-%06.0f' 1 150000 | tr '\\n' ' '; echo the-$((1))-end\n";
    first.types(program).await;
    first.shows("the-1-end").await;
    let mut later = Screen::attach_as(&host.link, newcomer()).await;
    let drawn = later.draws("count-150000").await;
    assert_eq!(later.skipped.len(), 1, "not all is kept");
    assert!(drawn.contains("the-real-title") && drawn.contains("\x1b[?2004h"), "{drawn:?}");
}

#[tokio::test]
async fn keys_that_come_again_after_a_break_are_typed_once() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    host.link.open_terminal(plain_shell()).await.unwrap();
    let typist =
        || AttachTerminal { typist: Some("ann/1".to_owned()), ..AttachTerminal::new("main", None) };
    let mut first = Screen::attach_as(&host.link, typist()).await;
    assert_eq!(first.state().typed, Some(0));
    first.input.write_numbered(0, "echo one-$((1))\n".into()).await.unwrap();
    first.shows("one-1").await;
    while first.typed < 16 {
        assert!(first.step().await);
    }
    drop(first);
    let mut again = Screen::attach_as(&host.link, typist()).await;
    assert_eq!(again.state().typed, Some(16));
    // What comes too early waits for what is between.
    again.input.write_numbered(90, "echo never\n".into()).await.unwrap();
    again.input.write_numbered(0, "echo one-$((1))\necho two-$((2))\n".into()).await.unwrap();
    again.shows("two-2").await;
    assert_eq!((again.text().matches("one-1").count(), again.text().contains("never")), (1, false));
}

#[tokio::test]
async fn who_saw_all_but_the_last_is_drawn_nothing() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut first = open(&host.link).await;
    first.types("echo one-$((1))\n").await;
    first.shows("one-1").await;
    let since = Some(first.next_seq);
    let mut again = Screen::attach_as(&host.link, AttachTerminal { since, ..newcomer() }).await;
    again.types("echo two-$((2))\n").await;
    again.shows("two-2").await;
    assert!(again.drawn.is_empty());
}

#[tokio::test]
async fn a_client_that_was_too_slow_is_drawn_the_screen() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut fast = open(&host.link).await;
    let mut slow = Screen::attach_as(&host.link, newcomer()).await;
    fast.types("stty -echo; seq 1 1000000; echo the-$((1))-end\n").await;
    fast.shows("the-1-end").await;
    slow.draws("the-1-end").await;
    assert_eq!(slow.skipped.len(), 1);
}

#[tokio::test]
async fn the_screen_has_the_size_of_who_comes() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut first = open(&host.link).await;
    first.types("stty -echo; printf '%050d' 7; echo; echo done-$((1))\n").await;
    first.shows("done-1").await;
    let size = Some((120, 40));
    let mut later = Screen::attach_as(&host.link, AttachTerminal { size, ..newcomer() }).await;
    later.draws("done-1").await;
    later.types("stty size\n").await;
    later.shows("40 120").await;
}

#[tokio::test]
async fn who_wishes_to_be_alone_sends_the_others_away() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut first = open(&host.link).await;
    let mut second =
        Screen::attach_as(&host.link, AttachTerminal { alone: true, ..newcomer() }).await;
    let sent_away = async {
        loop {
            if let Err(error) = first.output.next().await.unwrap() {
                return error;
            }
        }
    };
    assert!(matches!(soon("the end", sent_away).await, Error::TakenOver(_)));
    second.types("echo alone-$((1))\n").await;
    second.shows("alone-1").await;
    assert_eq!(host.link.terminals().await.unwrap()[0].clients, 1);
}

#[tokio::test]
async fn a_number_of_another_output_counts_for_nothing() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut first = open(&host.link).await;
    first.types("echo first-$((1))\n").await;
    first.shows("first-1").await;
    let old = first.state().output.clone();
    host.link.close_terminal("main").await.unwrap();
    let mut second = open(&host.link).await;
    second.types("echo second-$((1)); echo second-$((2))\n").await;
    second.shows("second-2").await;
    let attach = AttachTerminal { output: Some(old), ..AttachTerminal::new("main", Some(10)) };
    let (_input, mut output) = host.link.attach_terminal(attach).await.unwrap();
    let first_bytes = async {
        loop {
            if let TerminalEvent::Output { seq, .. } = output.next().await.unwrap().unwrap() {
                return seq;
            }
        }
    };
    assert_eq!(soon("output", first_bytes).await, 0);
}

#[tokio::test]
async fn a_session_is_resized_by_who_does_not_look_at_it() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut screen = open(&host.link).await;
    let state = host.link.resize_terminal("main", (90, 20)).await.unwrap();
    assert_eq!((state.cols, state.rows), (90, 20));
    screen.types("stty size\n").await;
    screen.shows("20 90").await;
    let missing = host.link.resize_terminal("other", (90, 20)).await.unwrap_err();
    assert!(matches!(missing, Error::NotFound(_)));
}

#[tokio::test]
async fn any_output_at_all_leaves_the_supervisor_alive() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut first = open(&host.link).await;
    first
        .types("stty -echo; head -c 3000000 /dev/urandom; printf '\\033c'; echo the-$((1))-end\n")
        .await;
    first.shows("the-1-end").await;
    let mut later = Screen::attach_as(&host.link, newcomer()).await;
    later.shows("the-1-end").await;
    host.link.ping().await.unwrap();
}

#[tokio::test]
async fn sessions_are_bounded_and_opening_one_twice_is_one() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let named = |n: u32| OpenTerminal { session: format!("s{n}"), ..plain_shell() };
    for n in [0, 0, 1, 2, 3, 4, 5, 6, 7] {
        host.link.open_terminal(named(n)).await.unwrap();
    }
    let refused = host.link.open_terminal(named(8)).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused(why) if why.contains("close one")));
    assert_eq!(host.link.terminals().await.unwrap().len(), 8);
}

#[tokio::test]
async fn a_window_of_output_is_sent_and_then_an_acknowledgement_is_waited_for() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    host.link.open_terminal(plain_shell()).await.unwrap();
    let attach = AttachTerminal::new("main", None);
    let (mut input, mut output) = host.link.attach_terminal(attach).await.unwrap();
    input.write("seq 1 200000\n".into()).await.unwrap();
    let mut got = 0;
    while got < 256 * 1024 {
        if let TerminalEvent::Output { bytes, .. } =
            soon("output", output.next()).await.unwrap().unwrap()
        {
            got += bytes.len();
        }
    }
    host.link.ping().await.unwrap();
    let silence =
        async { while !matches!(output.next().await, Some(Ok(TerminalEvent::Output { .. }))) {} };
    tokio::time::timeout(std::time::Duration::from_millis(200), silence).await.unwrap_err();
    assert_eq!(got, 256 * 1024);
    input.ack(100_000).await.unwrap();
    let more = soon("more output", output.next()).await.unwrap().unwrap();
    assert!(matches!(more, TerminalEvent::Output { .. }));
}
