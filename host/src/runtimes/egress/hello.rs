//! Room: runtimes. The host that a TLS client names in its first message.
//!
//! The message is read by rustls, from a copy; nothing is answered. It is the
//! outer name that is read: whoever controls a client and an allowed server may
//! agree on another inside. That can't be seen without breaking TLS open, which
//! Lockhouse does not do.

use std::time::Duration;

use rustls::server::Acceptor;

use super::name::{Host, Target};
use super::rules::{Rule, TlsCheck};

/// The most that is read while waiting for a whole ClientHello. Ordinary ones
/// have 300 to 2,000 bytes.
pub(super) const MAX_HELLO_BYTES: usize = 32 * 1024;

/// First byte of a TLS record that carries a handshake.
const HANDSHAKE: u8 = 22;

/// A fatal TLS alert, `access_denied`: what a refused client is told.
pub(super) const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 49];

/// Reads a ClientHello as its bytes come.
pub(super) struct Hello {
    acceptor: Acceptor,
    seen: usize,
    check: TlsCheck,
    host: Host,
    /// How long it may take to come.
    pub(super) timeout: Duration,
}

impl Hello {
    pub(super) fn new(check: TlsCheck, target: &Target, timeout: Duration) -> Self {
        Self { acceptor: Acceptor::default(), seen: 0, check, host: target.host.clone(), timeout }
    }

    /// Takes the next bytes. `Ok(true)`: all seen so far may leave, and nothing
    /// more needs to be looked at. `Ok(false)`: more is needed.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<bool, Rule> {
        let Some(first) = bytes.first() else { return Ok(false) };
        if self.seen == 0 && *first != HANDSHAKE {
            return match self.check {
                TlsCheck::Required => Err(Rule::NotTls),
                TlsCheck::WhereSpoken => Ok(true),
            };
        }
        self.seen += bytes.len();
        if self.seen > MAX_HELLO_BYTES {
            return Err(Rule::NotTls);
        }
        self.feed(bytes)
    }

    fn feed(&mut self, mut bytes: &[u8]) -> Result<bool, Rule> {
        while !bytes.is_empty() {
            let read = self.acceptor.read_tls(&mut bytes).map_err(|_| Rule::NotTls)?;
            if read == 0 {
                return Err(Rule::NotTls);
            }
            match self.acceptor.accept() {
                Ok(Some(accepted)) => return self.judge(accepted.client_hello().server_name()),
                Ok(None) => {}
                Err(_) => return Err(Rule::NotTls),
            }
        }
        Ok(false)
    }

    fn judge(&self, named: Option<&str>) -> Result<bool, Rule> {
        let fits = match (&self.host, named) {
            (host @ Host::Name(_), Some(named)) => named.parse().as_ref() == Ok(host),
            // TLS has no way to name an address.
            (Host::Address(_), None) => true,
            (Host::Name(_), None) | (Host::Address(_), Some(_)) => false,
        };
        if fits { Ok(true) } else { Err(Rule::TlsName) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    /// What a real client sends first when it connects to `name`.
    pub(crate) fn client_hello(name: &str) -> Vec<u8> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let name = name.to_owned().try_into().unwrap();
        let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        bytes
    }

    fn hello(check: TlsCheck, target: &str) -> Hello {
        Hello::new(check, &Target::parse(target, None).unwrap(), Duration::from_secs(1))
    }

    fn required(target: &str, bytes: &[u8]) -> Result<bool, Rule> {
        hello(TlsCheck::Required, target).take(bytes)
    }

    #[test]
    fn the_same_name_in_tls_and_connect_passes() {
        let bytes = client_hello("registry.example");
        assert_eq!(required("Registry.example.:443", &bytes), Ok(true));
    }

    #[test]
    fn another_name_in_tls_than_in_connect_is_refused() {
        let bytes = client_hello("evil.example");
        assert_eq!(required("registry.example:443", &bytes), Err(Rule::TlsName));
    }

    #[test]
    fn no_name_in_tls_is_refused_unless_connect_named_an_address() {
        let bytes = client_hello("192.0.2.1");
        assert_eq!(required("registry.example:443", &bytes), Err(Rule::TlsName));
        assert_eq!(required("192.0.2.1:443", &bytes), Ok(true));
        assert_eq!(required("192.0.2.1:443", &client_hello("a.example")), Err(Rule::TlsName));
    }

    #[test]
    fn what_is_not_tls_passes_only_where_the_operator_listed_the_port() {
        assert_eq!(required("git.example:443", b"SSH-2.0-x\r\n"), Err(Rule::NotTls));
        assert_eq!(hello(TlsCheck::WhereSpoken, "git.example:22").take(b"SSH-2.0-x\r\n"), Ok(true));
        let tls = client_hello("evil.example");
        assert_eq!(hello(TlsCheck::WhereSpoken, "git.example:22").take(&tls), Err(Rule::TlsName));
    }

    #[test]
    fn a_hello_is_read_byte_by_byte() {
        let bytes = client_hello("registry.example");
        let mut hello = hello(TlsCheck::Required, "registry.example:443");
        let (last, front) = bytes.split_last().unwrap();
        assert!(front.iter().all(|byte| hello.take(&[*byte]) == Ok(false)));
        assert_eq!(hello.take(&[*last]), Ok(true));
    }

    #[test]
    fn a_hello_without_end_is_refused() {
        let mut hello = hello(TlsCheck::Required, "registry.example:443");
        // One handshake message of 16 MB, in records of 1 KiB.
        let mut record = vec![22, 3, 1, 4, 0, 1, 0xff, 0xff, 0xff];
        record.resize(5 + 1024, 0);
        let refused = (0..100).find_map(|_| hello.take(&record).err());
        assert_eq!(refused, Some(Rule::NotTls));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_pass_as_tls(bytes in proptest::collection::vec(any::<u8>(), 1..400)) {
            prop_assert_ne!(required("registry.example:443", &bytes), Ok(true));
        }

        #[test]
        fn a_damaged_hello_never_passes_for_another_host(at in 0_usize..200, byte in any::<u8>()) {
            let mut bytes = client_hello("evil.example");
            let at = at % bytes.len();
            bytes[at] = byte;
            prop_assert_ne!(required("registry.example:443", &bytes), Ok(true));
        }
    }
}
