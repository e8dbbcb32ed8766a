//! Makes each kind of project for real: writes it, installs it, runs its tests,
//! starts its server and asks it for its first page.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this test stands in for the host: it owns the files and the processes it makes"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use scaffold_agent::plan::{Check, Kind, Plan, Request, plan};
use scaffold_agent::write::{Existing, Outcome, Step, write};

/// How long a server may take to say that it listens, on a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn a_flask_api_installs_passes_its_tests_and_answers() {
    works(
        "a flask api for books (title, author, year, price, is lent, released on) and orders (customer, total, notes)",
    );
}

#[test]
fn a_flask_api_without_page_and_database_works() {
    works("a flask todo api in memory, json only");
}

#[test]
fn a_standard_library_api_passes_its_tests_and_answers() {
    works(
        "a python api with the standard library for books (title, author, year, price, is lent, released on) and orders",
    );
}

#[test]
fn a_standard_library_api_without_page_and_database_works() {
    works("a todo api with the standard library, no database, no web page");
}

#[test]
fn a_command_line_tool_passes_its_tests() {
    works("a cli for todos");
}

#[test]
fn a_command_line_tool_for_several_resources_passes_its_tests() {
    works("a command line tool for books (title, year, price, is lent, released on) and movies");
}

#[test]
fn a_static_site_passes_its_tests_and_answers() {
    works("a static site for a bakery called Ann's Bread with menu, opening hours and contact");
}

#[test]
fn a_node_api_passes_its_tests_and_answers() {
    works("a node api for books (title, author, year, price, is lent, released on) and orders");
}

#[test]
fn a_node_api_without_page_and_database_works() {
    works("a node todo api, no database, no web page");
}

#[test]
fn a_beginning_in_each_further_language_passes_its_tests_and_answers() {
    let languages = [
        (Kind::Java, "java"),
        (Kind::Go, "go"),
        (Kind::Rust, "cargo"),
        (Kind::Ruby, "ruby"),
        (Kind::Php, "php"),
    ];
    for (kind, program) in languages {
        if is_there(program) {
            works_as("a page for Ann's Bread", Some(kind));
        }
    }
}

/// Whether this machine has the program; where CI requires it, it must.
fn is_there(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&paths).any(|dir| dir.join(program).exists());
    let required = std::env::var("REQUIRE").is_ok_and(|parts| parts.contains("kinds"));
    assert!(there || !required, "REQUIRE names kinds, and {program} is not there");
    there
}

fn works(prompt: &str) {
    works_as(prompt, None);
}

/// Does with a prompt what the host does with a plan.
fn works_as(prompt: &str, kind: Option<Kind>) {
    let plan = plan(Request { prompt, project: "demo", kind }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for file in &plan.files {
        write_file(folder.path(), &plan, &file.path);
    }
    let commands = plan.checks.iter().filter_map(|check| match check {
        Check::Command(line) => Some(line),
        Check::Http { .. } => None,
    });
    for line in plan.install.iter().chain(commands) {
        run(folder.path(), line);
    }
    if let Some(start) = &plan.start {
        answers(folder.path(), start, &plan);
    }
}

fn write_file(folder: &Path, plan: &Plan, path: &str) {
    let step = Step { notes: &plan.notes, path, existing: Existing::Missing };
    let Outcome::Create(text) = write(step).unwrap() else {
        panic!("{path} is not created");
    };
    let target = folder.join(path);
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    std::fs::write(target, text).unwrap();
}

/// A command of the plan. Debian's Python is preferred to a developer's own.
fn command(folder: &Path, line: &str) -> Command {
    let (program, rest) = line.split_once(' ').unwrap_or((line, ""));
    let debian = Path::new("/usr/bin/python3");
    let program = match program {
        "python3" if debian.exists() => debian.to_path_buf(),
        inside if inside.starts_with('.') => folder.join(inside.trim_start_matches("./")),
        other => other.into(),
    };
    let mut command = Command::new(program);
    if rest.contains('$') {
        // Only a shell reads such a line.
        command = Command::new("sh");
        command.args(["-c", &format!("exec {line}")]);
    } else {
        command.args(rest.split_whitespace());
    }
    command.current_dir(folder).env("PYTHONUNBUFFERED", "1");
    command.env_remove("DATABASE").env_remove("HOST").env_remove("PORT");
    command
}

fn run(folder: &Path, line: &str) {
    let output = command(folder, line).output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "`{line}` ended with {}:\n{out}\n{err}", output.status);
}

/// A started server that ends with its owner.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Starts the server on a free port and makes the plan's requests.
fn answers(folder: &Path, start: &str, plan: &Plan) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = command(folder, start);
    command.env("PORT", port.to_string()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = Server(command.spawn().unwrap());
    wait_until_it_listens(&mut server.0, port);
    for check in &plan.checks {
        if let Check::Http { path, status } = check {
            let answer = get(port, path);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        }
    }
}

/// Each server says its address on one of its outputs once it listens.
fn wait_until_it_listens(server: &mut Child, port: u16) {
    let (sender, lines) = mpsc::channel();
    let outputs: [Box<dyn std::io::Read + Send>; 2] =
        [Box::new(server.stdout.take().unwrap()), Box::new(server.stderr.take().unwrap())];
    for output in outputs {
        let sender = sender.clone();
        // Reads on to the end, so that a talkative server is never blocked.
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).for_each(|line| {
                let _ = sender.send(line);
            });
        });
    }
    drop(sender);
    let mut said = String::new();
    while !said.contains(&format!("127.0.0.1:{port}")) {
        let line = lines.recv_timeout(START_DEADLINE);
        said.push_str(
            &line.unwrap_or_else(|_| panic!("the server never listened; it said {said}")),
        );
    }
}

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(START_DEADLINE)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    // At once, as browsers do: PHP's own server breaks off where it comes in pieces.
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
