//! Short-lived commands.

use bytes::Bytes;
use lockhouse_supervisor::Error;
use lockhouse_supervisor::client::InboundEvent;
use lockhouse_supervisor::protocol::{Exec, ExecId, ExitReason};

use crate::harness::{Outcome, Runtime, eventually, finish, is_alive, outcome, shell, soon};

#[tokio::test]
async fn stdout_and_stderr_arrive_apart() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let ran = shell(&host.link, "a", "echo out; echo err >&2; exit 3").await;
    assert_eq!((ran.stdout(), ran.stderr(), ran.code()), ("out\n", "err\n", Some(3)));
    assert_eq!(ran.exit.unwrap().reason, ExitReason::Exited);
}

#[tokio::test]
async fn a_program_runs_with_its_arguments_directory_and_variables() {
    let runtime = Runtime::start();
    std::fs::create_dir(runtime.workspace().join("sub")).unwrap();
    let host = runtime.host().await;
    let mut exec = Exec::argv("a", ["sh", "-c", "pwd; echo \"$1 $COLOUR\"", "sh", "a  b"]);
    exec.cwd = Some("sub".into());
    exec.env.insert("COLOUR".into(), "blue".into());
    let ran = outcome(&mut host.link.exec(exec).await.unwrap()).await;
    let directory = runtime.workspace().join("sub");
    assert_eq!(ran.stdout(), format!("{}\na  b blue\n", directory.display()));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_not_started() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let missing = host.link.exec(Exec::argv("a", ["no-such-program"])).await.unwrap_err();
    assert!(matches!(&missing, Error::NotStarted(why) if why.contains("command not found")));
    let mut exec = Exec::shell("b", "true");
    exec.cwd = Some("no-such-directory".into());
    let nowhere = host.link.exec(exec).await.unwrap_err();
    assert!(matches!(&nowhere, Error::NotStarted(why) if why.contains("no directory")));
}

#[tokio::test]
async fn a_command_that_is_no_command_is_refused() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let empty = host.link.exec(Exec::argv("a", Vec::<String>::new())).await.unwrap_err();
    assert!(matches!(empty, Error::Refused(_)));
    let name = host.link.exec(Exec::shell("../a", "true")).await.unwrap_err();
    assert!(matches!(name, Error::Refused(_)));
}

#[tokio::test]
async fn the_same_id_is_not_used_twice() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    shell(&host.link, "a", "true").await;
    let again = host.link.exec(Exec::shell("a", "true")).await.unwrap_err();
    assert!(matches!(&again, Error::Refused(why) if why.contains("in use")));
}

#[tokio::test]
async fn a_signal_reaches_the_command_and_shows_in_its_exit() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut stream = host.link.exec(Exec::argv("a", ["sleep", "1000"])).await.unwrap();
    stream.signal(libc::SIGUSR1).await.unwrap();
    let exit = outcome(&mut stream).await.exit.unwrap();
    assert_eq!((exit.signal, exit.reason), (Some(libc::SIGUSR1), ExitReason::Signalled));
}

#[tokio::test]
async fn children_have_default_signals_and_no_stray_descriptors() {
    let runtime =
        Runtime::start_with(&["sh", "-c", "trap '' HUP; exec \"$@\" 9</dev/null", "sh"], &[]);
    let host = runtime.host().await;
    let ran =
        shell(&host.link, "a", "grep -E '^Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd").await;
    let lines: Vec<&str> = ran.stdout().lines().collect();
    let signals = |line: &str| u64::from_str_radix(line.split_once('\t').unwrap().1, 16).unwrap();
    // 32 to 34 are the C library's own, which it ignores between fork and exec.
    let own = 0b111 << 31;
    assert_eq!((signals(lines[0]), signals(lines[1]) & !own), (0, 0));
    assert_eq!(lines[2..], ["0", "1", "2", "3"]);
}

#[tokio::test]
async fn input_reaches_the_command_and_ends() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut exec = Exec::argv("a", ["wc", "-c"]);
    exec.stdin = true;
    let mut stream = host.link.exec(exec).await.unwrap();
    soon("the input", stream.write(Bytes::from(vec![b'x'; 3_000_000]))).await.unwrap();
    stream.close_stdin().await.unwrap();
    assert_eq!(outcome(&mut stream).await.stdout().trim(), "3000000");
}

#[tokio::test]
async fn a_command_without_input_reads_an_empty_file() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut stream = host.link.exec(Exec::shell("a", "cat; echo done")).await.unwrap();
    let refused = stream.write(Bytes::from_static(b"x")).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(_) | Error::NotFound(_)), "{refused}");
    assert_eq!(outcome(&mut stream).await.stdout(), "done\n");
}

#[tokio::test]
async fn a_command_that_reads_nothing_can_still_be_signalled() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut exec = Exec::argv("a", ["sleep", "1000"]);
    exec.stdin = true;
    let mut stream = host.link.exec(exec).await.unwrap();
    let too_much = stream.write(Bytes::from(vec![0; 2_000_000]));
    tokio::time::timeout(std::time::Duration::from_millis(300), too_much).await.unwrap_err();
    stream.signal(libc::SIGTERM).await.unwrap();
    assert_eq!(outcome(&mut stream).await.exit.unwrap().signal, Some(libc::SIGTERM));
}

/// Daemons of every kind a command can leave: each writes its process id to a file.
const DAEMONS: &str = r#"
    (setsid sh -c 'setsid sh -c "echo \$\$ > a.pid; trap : TERM HUP; while :; do sleep 1000; done" & exit' &)
    setsid env -i /bin/sh -c 'echo $$ > b.pid; exec /bin/sleep 1000' >/dev/null 2>&1 </dev/null &
    while [ ! -s a.pid ] || [ ! -s b.pid ]; do :; done
"#;

fn daemon(runtime: &Runtime, name: &str) -> i32 {
    let text = std::fs::read_to_string(runtime.workspace().join(name)).unwrap();
    text.trim().parse().unwrap()
}

#[tokio::test]
async fn a_timeout_leaves_nothing_behind_not_even_daemons() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut exec = Exec::shell("a", format!("{DAEMONS} sleep 1000"));
    exec.timeout_ms = Some(1500);
    let exit = outcome(&mut host.link.exec(exec).await.unwrap()).await.exit.unwrap();
    assert_eq!(exit.reason, ExitReason::Timeout);
    assert!(!is_alive(daemon(&runtime, "a.pid")) && !is_alive(daemon(&runtime, "b.pid")));
}

#[tokio::test]
async fn a_command_that_ends_takes_its_daemons_along() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let ran = shell(&host.link, "a", &format!("{DAEMONS} echo over")).await;
    assert_eq!((ran.stdout(), ran.code()), ("over\n", Some(0)));
    assert!(!is_alive(daemon(&runtime, "a.pid")) && !is_alive(daemon(&runtime, "b.pid")));
}

#[tokio::test]
async fn what_a_command_leaves_may_finish_its_writing() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let ran =
        shell(&host.link, "a", "(read -t 0.05 x < /dev/zero; sleep 0.05; echo late) & echo first")
            .await;
    assert_eq!(ran.stdout(), "first\nlate\n");
}

#[tokio::test]
async fn a_fork_bomb_ends_with_its_timeout() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let bomb = "n=0; b() { n=$((n+1)); [ $n -gt 6 ] && exec sleep 1000; b & b & wait; }; b";
    let mut exec = Exec::shell("a", bomb);
    exec.timeout_ms = Some(500);
    let exit = outcome(&mut host.link.exec(exec).await.unwrap()).await.exit.unwrap();
    assert_eq!(exit.reason, ExitReason::Timeout);
}

#[tokio::test]
async fn a_command_that_kills_its_keeper_is_still_ended() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let ran = shell(&host.link, "a", "echo $$; kill -9 $PPID; sleep 1000").await;
    assert_eq!(ran.exit.unwrap().signal, Some(libc::SIGKILL));
    assert!(!is_alive(ran.stdout().trim().parse().unwrap()));
}

#[tokio::test]
async fn closing_the_stream_ends_the_command() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let stream = host.link.exec(Exec::argv("a", ["sleep", "1000"])).await.unwrap();
    drop(stream);
    let mut stream = host.link.attach_exec(ExecId("a".into()), 0).await.unwrap();
    assert_eq!(outcome(&mut stream).await.exit.unwrap().reason, ExitReason::Cancelled);
}

#[tokio::test]
async fn a_detached_command_goes_on_when_the_stream_is_closed() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut exec = Exec::shell("a", "while [ ! -e go ]; do :; done; echo went");
    exec.detach = true;
    drop(host.link.exec(exec).await.unwrap());
    host.link.ping().await.unwrap();
    std::fs::write(runtime.workspace().join("go"), "").unwrap();
    let mut stream = host.link.attach_exec(ExecId("a".into()), 0).await.unwrap();
    assert_eq!(outcome(&mut stream).await.stdout(), "went\n");
}

#[tokio::test]
async fn a_command_left_in_peace_goes_on() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let stream = host.link.exec(Exec::shell("a", "while [ ! -e go ]; do :; done")).await.unwrap();
    stream.leave().await.unwrap();
    host.link.ping().await.unwrap();
    std::fs::write(runtime.workspace().join("go"), "").unwrap();
    let mut stream = host.link.attach_exec(ExecId("a".into()), 0).await.unwrap();
    assert_eq!(outcome(&mut stream).await.code(), Some(0));
}

#[tokio::test]
async fn much_output_arrives_whole_at_a_host_that_starts_to_read_late() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let exec = Exec::shell("a", "seq 1 2000000; echo end >&2");
    let mut stream = host.link.exec(exec).await.unwrap();
    // The command fills every buffer and is held back, while others are served.
    let held = eventually("the command to be held back", async || {
        let before = host.link.execs().await.unwrap()[0].end_seq;
        host.link.ping().await.unwrap();
        tokio::task::yield_now().await;
        let after = host.link.execs().await.unwrap()[0].end_seq;
        (before == after && before > 200_000).then_some(after)
    })
    .await;
    assert!(held < 2_000_000, "held back after {held} bytes");
    let ran = outcome(&mut stream).await;
    let whole = (1..=2_000_000).map(|n| format!("{n}\n")).collect::<String>();
    assert!(ran.stdout() == whole && ran.skipped.is_empty());
    assert_eq!(ran.stderr(), "end\n");
}

#[tokio::test]
async fn streams_that_alternate_at_each_byte_arrive_whole() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let text = "i=0; while [ $i -lt 30000 ]; do printf o; printf e >&2; i=$((i+1)); done";
    let mut stream = host.link.exec(Exec::shell("a", text)).await.unwrap();
    eventually("many changes", async || {
        (host.link.execs().await.unwrap()[0].end_seq > 10_000).then_some(())
    })
    .await;
    let ran = outcome(&mut stream).await;
    assert_eq!((ran.stdout.len(), ran.stderr.len(), ran.skipped.len()), (30_000, 30_000, 0));
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_the_link_breaks() {
    let runtime = Runtime::start();
    let mut host = runtime.host().await;
    let text = "for i in $(seq 1 300); do seq 1 400; [ $((i % 50)) = 0 ] && sleep 0.05; done";
    let mut stream = host.link.exec(Exec::shell("a", text)).await.unwrap();
    let mut ran = Outcome::default();
    for round in 0..5 {
        while ran.next_seq < (round + 1) * 40_000 {
            let event = soon("output", stream.next()).await.unwrap();
            ran.take(event.unwrap());
        }
        host.vanish().await;
        host = runtime.host().await;
        assert_eq!(host.link.hello().execs[0].id, ExecId("a".into()));
        stream = host.link.attach_exec(ExecId("a".into()), ran.next_seq).await.unwrap();
    }
    finish(&mut stream, &mut ran).await;
    let once = (1..=400).map(|n| format!("{n}\n")).collect::<String>();
    assert!(ran.stdout() == once.repeat(300) && ran.skipped.is_empty());
}

#[tokio::test]
async fn a_command_without_a_host_never_blocks_and_says_what_was_dropped() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let text = "while [ ! -e go ]; do :; done; seq 1 1000000; echo done > done";
    let _stream = host.link.exec(Exec::shell("a", text)).await.unwrap();
    host.vanish().await;
    std::fs::write(runtime.workspace().join("go"), "").unwrap();
    eventually("the command to end", async || {
        runtime.workspace().join("done").exists().then_some(())
    })
    .await;
    let host = runtime.host().await;
    let mut stream = host.link.attach_exec(ExecId("a".into()), 0).await.unwrap();
    let ran = outcome(&mut stream).await;
    let total = (1..=1_000_000).map(|n: u32| n.to_string().len() as u64 + 1).sum::<u64>();
    assert_eq!(ran.skipped, [(0, total - 1024 * 1024)]);
    assert!(ran.stdout().ends_with("999999\n1000000\n"));
}

#[tokio::test]
async fn results_are_kept_for_a_host_that_comes_back_up_to_a_bound() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    for n in 0..70 {
        shell(&host.link, &format!("e{n}"), "echo $0").await;
    }
    let kept = host.link.execs().await.unwrap();
    assert_eq!(kept.len(), 64);
    assert_eq!(kept[0].id, ExecId("e6".into()));
    let gone = host.link.attach_exec(ExecId("e5".into()), 0).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound(_)));
}

#[tokio::test]
async fn many_commands_run_at_once_up_to_a_bound() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut streams = Vec::new();
    for n in 0..128 {
        let exec = Exec::argv(format!("e{n}"), ["sleep", "1000"]);
        streams.push(host.link.exec(exec).await.unwrap());
    }
    let refused = host.link.exec(Exec::shell("more", "true")).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused(why) if why.contains("128")));
    drop(streams);
    eventually("room for another command", async || {
        host.link.exec(Exec::shell("more", "true")).await.ok().map(drop)
    })
    .await;
}

#[tokio::test]
async fn who_only_watches_a_command_does_not_end_it_by_leaving() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let exec = Exec::shell("a", "while [ ! -e go ]; do :; done; echo went");
    let mut stream = host.link.exec(exec).await.unwrap();
    drop(host.link.watch_exec(ExecId("a".into()), 0).await.unwrap());
    host.link.ping().await.unwrap();
    std::fs::write(runtime.workspace().join("go"), "").unwrap();
    assert_eq!(outcome(&mut stream).await.stdout(), "went\n");
}

#[tokio::test]
async fn a_detached_command_is_ended_by_its_id() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let mut exec = Exec::argv("a", ["sleep", "1000"]);
    exec.detach = true;
    drop(host.link.exec(exec).await.unwrap());
    let ended = host.link.end_exec(ExecId("a".into())).await.unwrap();
    assert_eq!(ended.exit.unwrap().reason, ExitReason::Cancelled);
    // Time goes on, and its time does not.
    shell(&host.link, "b", "sleep 0.01").await;
    assert_eq!(host.link.end_exec(ExecId("a".into())).await.unwrap(), ended);
}

#[tokio::test]
async fn hosts_hear_of_ends_that_they_did_not_wait_for() {
    let runtime = Runtime::start();
    let mut host = runtime.host().await;
    let mut exec = Exec::shell("a", "exit 7");
    exec.detach = true;
    drop(host.link.exec(exec).await.unwrap());
    let ended = loop {
        let event = soon("the command's end", host.inbound.next()).await;
        if let InboundEvent::ExecEnded(state) = event.unwrap() {
            break state;
        }
    };
    assert_eq!((ended.id, ended.exit.unwrap().code), (ExecId("a".into()), Some(7)));
}

#[tokio::test]
async fn input_is_handed_from_one_writer_to_the_next() {
    let runtime = Runtime::start();
    let host = runtime.host().await;
    let exec = Exec { stdin: true, ..Exec::argv("a", ["cat"]) };
    let mut stream = host.link.exec(exec).await.unwrap();
    for text in ["one ", "two ", "three"] {
        let mut stdin = host.link.exec_stdin(ExecId("a".into())).await.unwrap();
        stdin.write(Bytes::from(text)).await.unwrap();
        stdin.finish(text == "three").await.unwrap();
    }
    assert_eq!(outcome(&mut stream).await.stdout(), "one two three");
    let late = host.link.exec_stdin(ExecId("a".into())).await.unwrap_err();
    assert!(matches!(late, Error::Refused(_)));
}
