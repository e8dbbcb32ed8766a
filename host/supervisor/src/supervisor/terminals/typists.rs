//! Those whose keys are numbered, and how many each has typed: what comes again, because its
//! sender can't know whether it arrived, is not typed twice.

use std::cell::RefCell;
use std::collections::VecDeque;

use bytes::{Buf, Bytes};

/// Those remembered, more than can be attached at once; who came least recently is forgotten.
const MOST: usize = 1024;

#[derive(Default)]
pub(super) struct Typists(RefCell<VecDeque<Typist>>);

struct Typist {
    name: String,
    typed: u64,
}

impl Typists {
    /// Somebody comes, perhaps again; answers how many of his keys were typed.
    pub(super) fn come(&self, name: &str) -> u64 {
        let mut all = self.0.borrow_mut();
        let known = all.iter().position(|typist| typist.name == name);
        let known = known.and_then(|at| all.remove(at));
        let typist = known.unwrap_or_else(|| Typist { name: name.to_owned(), typed: 0 });
        let typed = typist.typed;
        all.push_back(typist);
        if all.len() > MOST {
            all.pop_front();
        }
        typed
    }

    pub(super) fn typed(&self, name: &str) -> u64 {
        self.0.borrow().iter().find(|typist| typist.name == name).map_or(0, |found| found.typed)
    }

    /// What of the keys is new and next. Keys that begin later wait until those between them
    /// have come: their sender sends them again.
    pub(super) fn accept(&self, name: &str, seq: u64, mut keys: Bytes) -> Option<Bytes> {
        let mut all = self.0.borrow_mut();
        let typist = all.iter_mut().find(|typist| typist.name == name)?;
        let known = usize::try_from(typist.typed.checked_sub(seq)?).unwrap_or(usize::MAX);
        if known >= keys.len() {
            return None;
        }
        keys.advance(known);
        typist.typed += keys.len() as u64;
        Some(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_comes_again_or_too_early_each_key_is_typed_once(
            sent in prop::collection::vec((0_usize..300, 1_usize..40), 0..60),
        ) {
            let keys: Vec<u8> = (0..=255).cycle().take(300).collect();
            let (typists, mut typed) = (Typists::default(), Vec::new());
            typists.come("ann");
            for (at, length) in sent {
                let piece = Bytes::copy_from_slice(&keys[at..(at + length).min(300)]);
                typed.extend(typists.accept("ann", at as u64, piece).unwrap_or_default());
            }
            prop_assert_eq!(&keys[..typed.len()], &typed[..]);
            prop_assert_eq!(typists.come("ann"), typed.len() as u64);
        }
    }

    #[test]
    fn each_counts_for_himself_and_the_oldest_is_forgotten() {
        let typists = Typists::default();
        typists.come("ann");
        typists.accept("ann", 0, Bytes::from_static(b"ls"));
        assert_eq!((typists.come("bob"), typists.come("ann")), (0, 2));
        let others = (1..MOST).map(|n| typists.come(&n.to_string())).sum::<u64>();
        assert_eq!(others, 0);
        assert_eq!((typists.typed("bob"), typists.typed("ann")), (0, 2));
        typists.come("one more");
        assert_eq!(typists.come("ann"), 0);
    }
}
