//! Room: HTTP and WebSocket access to a port inside a runtime.
//!
//! There are three ways to one preview. By path, on Lockhouse's own origin: a
//! browser shows it in a sandbox whose requests carry no cookie, so a key stands in
//! the path ([`key`]). By host name, on an origin of its own ([`origin`]): a ticket
//! brings the browser there and becomes a cookie of that host. By a port of this
//! machine ([`ports`]): whoever reaches the port sees it. Links ([`links`]) open the
//! first two for others.

mod config;
mod keep;
mod key;
mod leave;
mod links;
mod look;
mod names;
pub mod origin;
mod pool;
mod ports;
pub mod proxy;

use std::net::SocketAddr;
use std::time::Duration;

use lockhouse_supervisor::Error as LinkError;
use tokio::sync::mpsc;

pub use config::Config;
pub use key::Reach;
pub use leave::Leave;
pub use links::{LINK_PREFIX, Link};
pub use look::Status;
pub use names::Named;
pub use ports::{Mappings, Visitor};

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::events::Events;
use crate::gate::Permit;
use crate::ids::{LinkId, ProjectId};
use crate::leases::Leases;
use crate::processes::{self, Processes};
use crate::projects::{self, Project, Projects};
use crate::runtimes::{self, Runtimes};
use crate::secret::{NoRandomness, Secret};
use crate::tasks::Tasks;
use key::{Keys, Opened, Purpose};
use links::Links;
use names::Names;
use pool::Pool;
use ports::HostPorts;

/// How long a key in a path, or the cookie on a preview's host, opens it.
pub const KEY_LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// How long a ticket to a preview's host serves.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing listens there (yet).
    #[error("nothing listens on {}", .0.map_or("any of its ports".to_owned(), |port| format!("port {port}")))]
    NotListening(Option<u16>),
    /// The server inside broke off or speaks no HTTP.
    #[error("the project's server did not answer as HTTP: {0}")]
    BadAnswer(String),
    #[error("too many connections to this project's previews are open; close some")]
    TooManyConnections,
    #[error("a link lasts from 1 to {0} s")]
    Lifetime(u64),
    #[error("this project has {0} links; revoke some first")]
    TooManyLinks(u32),
    #[error(transparent)]
    Runtime(#[from] runtimes::Error),
    #[error(transparent)]
    Process(#[from] processes::Error),
    #[error("the link to the runtime failed: {0}")]
    Link(LinkError),
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// What the room is built from.
pub struct Parts {
    pub db: Db,
    pub clock: Clock,
    pub events: Events,
    pub tasks: Tasks,
    pub projects: Projects,
    pub runtimes: Runtimes,
    pub processes: Processes,
    pub leases: Leases,
    /// Signs keys and tickets.
    pub secret: Secret,
    pub config: Config,
    /// Where the server listens.
    pub address: SocketAddr,
}

/// The previews of all projects. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Previews {
    events: Events,
    tasks: Tasks,
    projects: Projects,
    runtimes: Runtimes,
    processes: Processes,
    clock: Clock,
    keys: Keys,
    links: Links,
    names: Names,
    pool: Pool,
    /// None where the operator wants none.
    host_ports: Option<HostPorts>,
    config: Config,
    address: SocketAddr,
}

impl Previews {
    /// Opens the room. Who comes to a host port is handed to the doors.
    pub fn open(parts: Parts) -> (Self, Option<mpsc::Receiver<Visitor>>) {
        let Parts { db, clock, tasks, config, .. } = parts;
        let open_ports = || HostPorts::new(db.clone(), parts.leases, &config, &tasks);
        let ports = config.host_ports.then(open_ports).unzip();
        let pool = Pool::default();
        tasks.run("kept connections", pool.clone().tidy());
        let room = Self {
            events: parts.events,
            projects: parts.projects,
            runtimes: parts.runtimes,
            processes: parts.processes,
            keys: Keys::new(clock.clone(), &parts.secret),
            links: Links::new(db.clone(), clock.clone(), &config),
            names: Names::new(db),
            pool,
            host_ports: ports.0,
            address: parts.address,
            tasks,
            clock,
            config,
        };
        (room, ports.1)
    }

    /// A key that opens this project's previews for [`KEY_LIFETIME`].
    pub fn issue_key(&self, project: &ProjectId, reach: Reach) -> String {
        self.keys.issue(Purpose::Path, (project, reach), KEY_LIFETIME)
    }

    /// What a key in a path opens now, and for how long: one of Lockhouse's own, or
    /// a link's.
    pub async fn read_key(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.read(Purpose::Path, key).await
    }

    /// The same for the cookie of a preview's own host.
    pub async fn read_cookie(&self, cookie: &str) -> Result<Option<Entry>, Error> {
        self.read(Purpose::Cookie, cookie).await
    }

    async fn read(&self, purpose: Purpose, key: &str) -> Result<Option<Entry>, Error> {
        if key.starts_with(LINK_PREFIX) {
            let opened = self.links.open(key).await?;
            let entry = |(link, leave): (Link, Leave)| Entry {
                project: link.project,
                port: link.port,
                leave,
                reach: Reach::Use,
            };
            return Ok(opened.map(entry));
        }
        Ok(self.keys.read(purpose, key).map(|opened| self.entry(opened)))
    }

    fn entry(&self, opened: Opened) -> Entry {
        let lasts = opened.expires.duration_since(self.clock.now());
        let leave = Leave::lasting(Duration::try_from(lasts).unwrap_or_default());
        Entry { project: opened.project, port: None, leave, reach: opened.reach }
    }

    /// The cookie's value for whoever comes to a project's host with a ticket, or
    /// with a link, and how long it serves.
    pub async fn enter(
        &self,
        project: &ProjectId,
        port: u16,
        ticket: &str,
    ) -> Result<Option<(Secret, Duration)>, Error> {
        if ticket.starts_with(LINK_PREFIX) {
            let Some((link, _)) = self.links.open(ticket).await? else { return Ok(None) };
            let lasts = link.expires_at.duration_since(self.clock.now());
            let fits = link.project == *project && link.port.is_none_or(|own| own == port);
            let lasts = Duration::try_from(lasts).unwrap_or_default();
            return Ok(fits.then(|| (Secret::new(ticket), lasts)));
        }
        let opened = self.keys.redeem(ticket).filter(|opened| opened.project == *project);
        let cookie = |Opened { reach, .. }| {
            Secret::new(self.keys.issue(Purpose::Cookie, (project, reach), KEY_LIFETIME))
        };
        Ok(opened.map(cookie).map(|cookie| (cookie, KEY_LIFETIME)))
    }

    /// Makes a link; its secret is told this once.
    pub async fn create_link(
        &self,
        permit: &Permit,
        project: &Project,
        port: Option<u16>,
        lasts: Option<Duration>,
    ) -> Result<(Link, Secret), Error> {
        self.links.create(permit, project, port, lasts).await
    }

    pub async fn links(&self, project: &ProjectId) -> Result<Vec<Link>, Error> {
        self.links.list(project).await
    }

    /// Ends a link, and all that is looked at by it.
    pub async fn revoke_link(
        &self,
        _permit: &Permit,
        project: &Project,
        link: &LinkId,
    ) -> Result<(), Error> {
        self.links.revoke(&project.id, link).await
    }

    /// What the value of a `Host` header means.
    pub fn read_host(&self, host: &str) -> origin::Reading {
        origin::read(host, &self.config.domain)
    }

    /// The project that a host name means.
    pub async fn find_named(&self, project: &str) -> Result<Option<Named>, Error> {
        Ok(self.names.find(project).await?)
    }

    /// The origin of a preview, as browsers write it. `server_port` is the one by
    /// which the browser reaches Lockhouse.
    pub async fn origin(
        &self,
        project: &Project,
        port: u16,
        server_port: Option<u16>,
    ) -> Result<String, Error> {
        let (name, domain) = (self.names.of(project).await?, &self.config.domain);
        let beyond = server_port.map(|port| format!(":{port}")).unwrap_or_default();
        Ok(format!("{}://{port}--{name}.{domain}{beyond}", self.config.scheme()))
    }

    /// The path and query on that origin that bring a caller in, once.
    pub fn ticket(&self, project: &ProjectId, reach: Reach) -> String {
        self.keys.issue(Purpose::Ticket, (project, reach), TICKET_LIFETIME)
    }

    /// Lockhouse's own origins, which alone may frame a preview. The first is the
    /// one to send people to.
    pub fn lockhouse_origins(&self) -> Vec<String> {
        let port = self.address.port();
        let own = [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")];
        match &self.config.lockhouse_url {
            Some(url) => vec![url.clone()],
            None => own.into(),
        }
    }

    /// The origins of all previews, as a page's policy names them.
    pub fn all_origins(&self) -> String {
        format!("{}://*.{}:*", self.config.scheme(), self.config.domain)
    }

    /// Whether cookies may be such as only trustworthy origins have.
    pub fn is_trustworthy(&self) -> bool {
        self.config.is_trustworthy()
    }

    /// Whether the operator named a domain by which others reach previews.
    pub fn has_domain(&self) -> bool {
        self.config.domain != config::LOCALHOST
    }

    /// The name or address at which host ports listen.
    pub fn host_address(&self) -> String {
        let address = self.config.host_address;
        if address.is_loopback() {
            config::LOCALHOST.to_owned()
        } else {
            SocketAddr::new(address, 0).to_string().trim_end_matches(":0").to_owned()
        }
    }
}

/// What a key, a cookie or a link opens.
#[derive(Debug)]
pub struct Entry {
    pub project: ProjectId,
    /// The one port that it opens, if it opens one only.
    pub port: Option<u16>,
    pub leave: Leave,
    pub reach: Reach,
}

impl From<projects::Error> for Error {
    fn from(error: projects::Error) -> Self {
        Self::Runtime(error.into())
    }
}
