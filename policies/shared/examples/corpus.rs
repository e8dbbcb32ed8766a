#![allow(warnings, clippy::all)]
use command_analysis::*;
fn main() {
    let mut args = std::env::args().skip(1);
    let file = args.next().unwrap();
    let want_deny = args.next().unwrap() == "deny";
    let strict = args.next().is_some();
    let mut n = 0;
    let mut bad = 0;
    for line in std::fs::read_to_string(file).unwrap().lines() {
        if line.is_empty() || line.strip_prefix("# ").is_some_and(|l| !l.starts_with("a comment")) {
            continue;
        }
        let line = line.replace('⏎', "\n").replace('␍', "\r").replace('␀', "\0");
        n += 1;
        let v = judge(
            &Request { command: line.clone(), ..Default::default() },
            &Settings { strict, ..Default::default() },
        );
        if (v.decision == Decision::Deny) != want_deny {
            bad += 1;
            println!("{:?}\n    {} {:?} {}", line, v.rule, v.risk, v.reason);
        }
    }
    println!("{bad} of {n}");
}
