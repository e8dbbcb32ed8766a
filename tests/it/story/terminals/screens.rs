//! Full-screen programs, seen by clients that were not there all the time.

use super::lab;
use crate::host::{Host, PATIENCE, Terminal};

impl Terminal {
    /// What a person sees who has read all that came.
    fn screen(&self) -> Vec<String> {
        let mut terminal = avt::Terminal::new(100, 30).unwrap();
        terminal.feed(&*String::from_utf8_lossy(&self.written));
        let lines = terminal.screen();
        lines.visible_lines().map(|line| line.text().trim_end().to_owned()).collect()
    }

    /// Reads until the screen has these texts.
    async fn sees(&mut self, wanted: &[&str]) -> Vec<String> {
        let seen = async {
            loop {
                let screen = self.screen();
                let shows = |text: &&str| screen.iter().any(|line| line.contains(*text));
                if wanted.iter().all(shows) {
                    return screen;
                }
                self.is_heard().await;
            }
        };
        let seen = tokio::time::timeout(PATIENCE, seen).await;
        seen.unwrap_or_else(|_| panic!("{wanted:?} is not to be seen in {:#?}", self.screen()))
    }
}

/// Leaves and comes again as somebody who remembers nothing.
async fn again(host: &Host, terminal: Terminal) -> Terminal {
    drop(terminal);
    host.terminal("lab", None).await
}

#[tokio::test]
async fn an_editor_is_there_again_after_a_dropped_connection() {
    let host = need!(local, lab().await);
    let lines: String = (1..=500).map(|n| format!("line {n} of many\n")).collect();
    host.writes("lab", "long.txt", &lines).await;
    let mut terminal = host.terminal("lab", None).await;
    terminal.types("PS1='ready> '; $(command -v vim || command -v vi) long.txt\r").await;
    terminal.sees(&["line 1 of many", "long.txt"]).await;
    terminal.types(":set scrolloff=0\r250Gzt").await;
    let before = terminal.sees(&["line 250 of many", "line 278 of many"]).await;
    let mut terminal = again(&host, terminal).await;
    assert_eq!(terminal.sees(&["line 250 of many", "line 278 of many"]).await, before);
    terminal.types("5dd").await;
    terminal.sees(&["line 255 of many", "line 283 of many"]).await;
    terminal.types(":q!\r").await;
    let after = terminal.sees(&["ready> "]).await;
    assert!(!after.iter().any(|line| line.contains("of many")), "{after:#?}");
}

#[tokio::test]
async fn a_pager_is_there_again_though_its_beginning_is_no_longer_kept() {
    let host = need!(local, lab().await);
    let lines: String = (1..=60_000).map(|n| format!("line {n} of many\n")).collect();
    host.writes("lab", "long.txt", &lines).await;
    let mut terminal = host.terminal("lab", None).await;
    // More than is kept of any session, and then a program that says once how it wants
    // its screen to be.
    terminal.types("clear; head -c 1400000 long.txt; head -c 1400000 long.txt; echo\r").await;
    terminal.types("less -S long.txt\r").await;
    terminal.types("30000g").await;
    let before = terminal.sees(&["line 30000 of many", "line 30028 of many"]).await;
    let mut terminal = again(&host, terminal).await;
    assert_eq!(terminal.sees(&["line 30000 of many", "line 30028 of many"]).await, before);
    assert!(!terminal.notices.is_empty(), "what is no longer kept is told");
    terminal.types(" ").await;
    terminal.sees(&["line 30029 of many", "line 30057 of many"]).await;
}

#[tokio::test]
async fn what_a_program_wants_to_hear_of_is_told_to_who_comes_later() {
    let host = need!(local, lab().await);
    let mut terminal = host.terminal("lab", None).await;
    let wants = "printf '\\033[?1002;1006h\\033[?2004h\\033[?1h\\033='; head -c 3000000 /dev/zero \
                 | base64; echo wide-$((1+1)); cat\r";
    terminal.types(wants).await;
    terminal.shows("wide-2").await;
    let mut terminal = again(&host, terminal).await;
    terminal.sees(&["wide-2"]).await;
    let told = String::from_utf8_lossy(&terminal.written).into_owned();
    let drawn = &told[told.rfind("\x1b[!p").expect("the screen is drawn")..];
    for mode in ["\x1b[?1002h", "\x1b[?1006h", "\x1b[?2004h", "\x1b[?1h", "\x1b="] {
        assert!(drawn.contains(mode), "{mode:?} is not in {drawn:?}");
    }
}

#[tokio::test]
async fn a_client_without_framing_is_drawn_the_screen_as_well() {
    use futures::StreamExt as _;
    let host = need!(local, lab().await);
    let mut first = host.terminal("lab", None).await;
    first.types("printf '\\033[2J\\033[20;40Hover-%s' there; cat\r").await;
    let before = first.sees(&["over-there"]).await;
    let mut socket = host.plain_terminal("lab").await;
    let mut second = Terminal::over(host.plain_terminal("lab").await);
    let drawn = async {
        while second.screen() != before {
            second.written.extend_from_slice(&socket.next().await.unwrap().unwrap().into_data());
        }
    };
    tokio::time::timeout(PATIENCE, drawn).await.expect("the screen is drawn");
}
