//! Room: runtimes. Which addresses are the public internet.
//!
//! An address counts as public only if no registry of special-purpose addresses
//! (RFC 6890 and its successors) names its range, with one exception: the ranges
//! for documentation. Nobody keeps services of their own there, but gateways
//! that stand between a network and the internet answer with such addresses for
//! every name; refusing them would cut such networks off and protect nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The well-known prefix by which IPv6-only networks write IPv4 addresses.
const NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

/// A cloud's host agent, at an address outside every special range.
const CLOUD_AGENT: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Whether an address is on the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Whether one machine answers at it, so that an operator may list it.
pub(super) fn is_unicast(address: IpAddr) -> bool {
    let broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    !address.is_unspecified() && !address.is_multicast() && !broadcast
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        // This network, private, loopback, and all from multicast upwards.
        (0 | 10 | 127 | 224..=255, _, _) => true,
        // Carrier-grade NAT; some clouds keep their metadata there.
        (100, 64..=127, _) => true,
        // Link-local, where clouds keep their metadata.
        (169, 254, _) => true,
        (172, 16..=31, _) | (192, 168, _) => true,
        // Protocol assignments, the former 6to4 relay, benchmarks.
        (192, 0, 0) | (192, 88, 99) | (198, 18 | 19, _) => true,
        _ => address == CLOUD_AGENT,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    if segments[..6] == NAT64 {
        let [.., a, b, c, d] = address.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    let special = match (segments[0], segments[1]) {
        // Protocol assignments, among them Teredo; 6to4.
        (0x2001, 0..=0x01ff) | (0x2002, _) => true,
        // Global unicast is 2000::/3; loopback, unique local, link-local,
        // multicast and IPv4 in any other coat lie outside.
        (first, _) => first & 0xe000 != 0x2000,
    };
    !special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_public() {
        for text in ["1.1.1.1", "100.63.0.1", "172.32.0.1", "2606:4700::1", "64:ff9b::101:101"] {
            assert!(public(text), "{text}");
        }
    }

    #[test]
    fn addresses_for_documentation_are_left_to_gateways_that_answer_with_them() {
        assert!(
            ["192.0.2.1", "198.51.100.1", "203.0.113.9", "2001:db8::1"].into_iter().all(public)
        );
    }

    #[test]
    fn private_local_and_special_addresses_are_not() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.8.8.8",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!public(text), "{text}");
        }
    }

    #[test]
    fn ipv6_addresses_that_are_local_or_carry_ipv4_are_not() {
        for text in [
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:1.1.1.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:0:1::1",
            "2002:7f00:1::",
            "100::1",
        ] {
            assert!(!public(text), "{text}");
        }
    }
}
