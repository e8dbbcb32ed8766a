//! Programs that Lockhouse is compared with. Each ends with its value here.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(3);

/// A program that ends with this.
pub(crate) struct Peer(Child);

impl Peer {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Asked first, since a killed nginx leaves its workers behind.
        let asked = Pid::from_raw(self.0.id().cast_signed())
            .is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        let until = Instant::now() + PATIENCE;
        while asked && Instant::now() < until && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where a program is: what the variable says, or where Debian has it.
pub(crate) fn program(variable: &str, usual: &str) -> Option<PathBuf> {
    let named = std::env::var(variable).unwrap_or_else(|_| usual.to_owned());
    Some(PathBuf::from(named)).filter(|path| path.exists())
}

/// nginx with one server on a port of its own; `http` stands beside the server, `server` in it.
pub(crate) fn nginx(dir: &Path, http: &str, server: &str) -> Option<(u16, Peer)> {
    let nginx = program("NGINX", "/usr/sbin/nginx")?;
    let (port, file) = (free_port(), dir.join("nginx.conf"));
    let dir = dir.display();
    // Started by root, its workers would be nobody and could write nowhere.
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let text = format!(
        "{user} daemon off; worker_processes auto; pid {dir}/nginx.pid; error_log stderr crit;
        events {{ worker_connections 1024; }}
        http {{
            access_log off; keepalive_requests 1000000;
            client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
            uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
            {http}
            server {{ listen 127.0.0.1:{port}; {server} }}
        }}"
    );
    std::fs::write(&file, text).unwrap();
    Some((port, Peer::start(Command::new(nginx).arg("-c").arg(file))))
}
