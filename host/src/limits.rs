//! Gate: how often a caller may act.
//!
//! Each class of requests has a bucket that fills at a steady rate, one for each user
//! and one, some times larger, for each address, since several people may share one.
//! Servers count each for itself.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use serde::Deserialize;

use crate::ids::UserId;
use crate::origin::Origin;

/// Users above which those who have done nothing for a while are forgotten.
const REMEMBERED_USERS: usize = 10_000;

/// Addresses are put into so many slots, in a way that nobody can foresee; those of
/// one slot share its bucket.
const SLOTS: u64 = 1 << 16;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Requests to the API, whatever they ask for.
    pub general: RateConfig,
    /// Those that make projects, runtimes, jobs, runs, submissions or remarks.
    pub create: RateConfig,
    /// Those that start a command or a process.
    pub exec: RateConfig,
    /// Those that open a terminal.
    pub socket: RateConfig,
    /// Kibibytes that are sent to the server.
    pub written_kib: RateConfig,
    /// How many times as much as of one user is taken from one address.
    pub address_factor: Option<NonZeroU32>,
}

/// How fast a bucket fills, and how much it holds; what is not said is as usual.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateConfig {
    pub per_second: Option<NonZeroU32>,
    pub burst: Option<NonZeroU32>,
}

/// The same, settled.
#[derive(Debug, Clone, Copy)]
struct Rate {
    per_second: NonZeroU32,
    burst: NonZeroU32,
}

impl RateConfig {
    fn or(self, per_second: u32, burst: u32) -> Rate {
        Rate {
            per_second: self.per_second.unwrap_or(some(per_second)),
            burst: self.burst.unwrap_or(some(burst)),
        }
    }
}

/// How many times as much comes from one address, unless the operator says so.
const ADDRESS_FACTOR: u32 = 4;

fn some(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    General,
    Create,
    Exec,
    Socket,
    WrittenKib,
}

impl Class {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Create => "create",
            Self::Exec => "exec",
            Self::Socket => "socket",
            Self::WrittenKib => "written_kib",
        }
    }
}

/// How full a bucket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub class: Class,
    /// What it holds when it is full.
    pub quota: u32,
    pub remaining: u32,
    /// How long an empty one takes to fill.
    pub window: Duration,
}

/// The caller must wait this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften {
    pub retry_after: Duration,
    pub standing: Standing,
}

/// Counts what callers do. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Limits {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    general: Buckets,
    create: Buckets,
    exec: Buckets,
    socket: Buckets,
    written_kib: Buckets,
    hasher: RandomState,
}

/// Those of one class.
#[derive(Debug)]
struct Buckets {
    users: Keyed<UserId>,
    addresses: Keyed<u64>,
    /// Users at which it is looked for those who can be forgotten.
    full: AtomicUsize,
}

/// Those of one class for one sort of callers.
#[derive(Debug)]
struct Keyed<K: Hash + Eq + Clone> {
    class: Class,
    rate: Rate,
    buckets: RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>,
}

impl Limits {
    pub fn new(config: &Config) -> Self {
        let factor = config.address_factor.unwrap_or(some(ADDRESS_FACTOR));
        let buckets = |class, rate: Rate| Buckets::new(class, rate, factor);
        let written = config.written_kib.or(256 * 1024, 4 * 1024 * 1024);
        let inner = Inner {
            general: buckets(Class::General, config.general.or(5_000, 20_000)),
            create: buckets(Class::Create, config.create.or(100, 1_000)),
            exec: buckets(Class::Exec, config.exec.or(1_000, 4_000)),
            socket: buckets(Class::Socket, config.socket.or(100, 1_000)),
            written_kib: buckets(Class::WrittenKib, written),
            hasher: RandomState::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Counts `number` of a class for who asks and for where that comes from; more
    /// than a bucket holds counts as all that it holds.
    pub fn count(
        &self,
        class: Class,
        (user, origin): (&UserId, &Origin),
        number: NonZeroU32,
    ) -> Result<Standing, TooOften> {
        let standing = self.count_user(class, user, number)?;
        self.count_address(class, origin, number)?;
        Ok(standing)
    }

    /// The same for who asks alone.
    pub fn count_user(
        &self,
        class: Class,
        user: &UserId,
        number: NonZeroU32,
    ) -> Result<Standing, TooOften> {
        self.inner.of(class).count_user(user, number)
    }

    /// The same for where it comes from alone; what no request asks for is not counted.
    pub fn count_address(
        &self,
        class: Class,
        origin: &Origin,
        number: NonZeroU32,
    ) -> Result<Option<Standing>, TooOften> {
        let Some(address) = origin.address else { return Ok(None) };
        let slot = self.inner.hasher.hash_one(network(address)) % SLOTS;
        self.inner.of(class).addresses.check(&slot, number).map(Some)
    }
}

impl Inner {
    fn of(&self, class: Class) -> &Buckets {
        match class {
            Class::General => &self.general,
            Class::Create => &self.create,
            Class::Exec => &self.exec,
            Class::Socket => &self.socket,
            Class::WrittenKib => &self.written_kib,
        }
    }
}

impl Buckets {
    fn new(class: Class, rate: Rate, factor: NonZeroU32) -> Self {
        let shared = Rate {
            per_second: rate.per_second.saturating_mul(factor),
            burst: rate.burst.saturating_mul(factor),
        };
        let (users, addresses) = (Keyed::new(class, rate), Keyed::new(class, shared));
        Self { users, addresses, full: REMEMBERED_USERS.into() }
    }

    fn count_user(&self, user: &UserId, number: NonZeroU32) -> Result<Standing, TooOften> {
        let known = &self.users.buckets;
        if known.len() > self.full.load(Ordering::Relaxed) {
            known.retain_recent();
            // Those who are left are all busy: looked for again when they are twice as many.
            let next = REMEMBERED_USERS.max(known.len().saturating_mul(2));
            self.full.store(next, Ordering::Relaxed);
        }
        self.users.check(user, number)
    }
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    fn new(class: Class, rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self { class, rate, buckets: RateLimiter::keyed(quota).with_middleware() }
    }

    fn check(&self, key: &K, number: NonZeroU32) -> Result<Standing, TooOften> {
        let number = number.min(self.rate.burst);
        // No more is asked for than it holds, so that it can always be had at some time.
        let Ok(answer) = self.buckets.check_key_n(key, number) else {
            return Ok(self.standing(0));
        };
        answer.map(|left| self.standing(left.remaining_burst_capacity())).map_err(|until| {
            let retry_after = until.wait_time_from(DefaultClock::default().now());
            TooOften { retry_after, standing: self.standing(0) }
        })
    }

    fn standing(&self, remaining: u32) -> Standing {
        let Rate { per_second, burst } = self.rate;
        let window = Duration::from_secs(u64::from(burst.get().div_ceil(per_second.get())));
        Standing { class: self.class, quota: burst.get(), remaining, window }
    }
}

/// Whoever has one address of IPv6 has 2⁶⁴ of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: NonZeroU32 = NonZeroU32::MIN;

    /// One at a time, and for each address two.
    fn limits() -> Limits {
        let exec = RateConfig { per_second: Some(ONE), burst: Some(ONE) };
        Limits::new(&Config { exec, address_factor: Some(some(2)), ..Config::default() })
    }

    fn count(limits: &Limits, user: &str, address: &str) -> Result<Standing, TooOften> {
        let origin = Origin::new(address.parse().ok(), "");
        limits.count(Class::Exec, (&user.parse().unwrap(), &origin), ONE)
    }

    #[test]
    fn a_caller_over_the_burst_is_told_when_to_come_back() {
        let limits = limits();
        assert!(count(&limits, "ada", "").is_ok());
        let wait = count(&limits, "ada", "").unwrap_err();
        assert!(wait.retry_after <= Duration::from_secs(1), "{wait:?}");
        assert_eq!((wait.standing.quota, wait.standing.remaining), (1, 0));
    }

    #[test]
    fn one_caller_over_the_limit_does_not_stop_another() {
        let limits = limits();
        assert!(count(&limits, "ada", "10.0.0.1").is_ok());
        assert!(count(&limits, "ada", "10.0.0.1").is_err());
        assert!(count(&limits, "bob", "10.0.0.2").is_ok());
    }

    #[test]
    fn many_users_of_one_address_share_what_it_may_do() {
        let limits = limits();
        assert!(count(&limits, "ada", "2001:db8::1").is_ok());
        assert!(count(&limits, "bob", "2001:db8::2").is_ok());
        assert!(count(&limits, "eve", "2001:db8::3").is_err());
        assert!(count(&limits, "joe", "2001:db9::3").is_ok());
    }

    #[test]
    fn one_class_over_its_limit_leaves_the_others() {
        let limits = limits();
        let (ada, nowhere) = ("ada".parse().unwrap(), Origin::default());
        assert!(count(&limits, "ada", "").is_ok() && count(&limits, "ada", "").is_err());
        assert!(limits.count(Class::General, (&ada, &nowhere), ONE).is_ok());
    }

    #[test]
    fn more_than_a_bucket_holds_takes_all_of_it() {
        let limits = limits();
        let (ada, nowhere) = ("ada".parse().unwrap(), Origin::default());
        let much = limits.count(Class::Exec, (&ada, &nowhere), some(1_000));
        assert!(much.is_ok_and(|standing| standing.remaining == 0));
        assert!(count(&limits, "ada", "").is_err());
    }
}
