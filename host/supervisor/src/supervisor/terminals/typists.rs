//! Those whose keys are numbered, and how many each has typed: what comes again, because its
//! sender can't know whether it arrived, is not typed twice.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use bytes::{Buf, Bytes};

/// Those remembered beside the ones that are attached; who came least recently is forgotten.
const MOST: usize = 1024;

#[derive(Default)]
pub(super) struct Typists(RefCell<VecDeque<Rc<Typist>>>);

pub(super) struct Typist {
    name: String,
    typed: Cell<u64>,
}

impl Typists {
    /// Somebody comes, perhaps again; whoever holds the answer is attached.
    pub(super) fn come(&self, name: &str) -> Rc<Typist> {
        let mut all = self.0.borrow_mut();
        let known = all.iter().position(|typist| typist.name == name);
        let known = known.and_then(|at| all.remove(at));
        let new = || Rc::new(Typist { name: name.to_owned(), typed: Cell::new(0) });
        let typist = known.unwrap_or_else(new);
        all.push_back(Rc::clone(&typist));
        let is_away = |typist: &Rc<Typist>| Rc::strong_count(typist) == 1;
        if all.len() > MOST
            && let Some(oldest) = all.iter().position(is_away)
        {
            all.remove(oldest);
        }
        typist
    }
}

impl Typist {
    /// How many keys were typed.
    pub(super) fn typed(&self) -> u64 {
        self.typed.get()
    }

    /// What of the keys is new and next. Keys that begin later wait until those between them
    /// have come: their sender sends them again.
    pub(super) fn accept(&self, seq: u64, mut keys: Bytes) -> Option<Bytes> {
        let known = usize::try_from(self.typed().checked_sub(seq)?).unwrap_or(usize::MAX);
        if known >= keys.len() {
            return None;
        }
        keys.advance(known);
        self.typed.set(self.typed() + keys.len() as u64);
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
            let ann = typists.come("ann");
            for (at, length) in sent {
                let piece = Bytes::copy_from_slice(&keys[at..(at + length).min(300)]);
                typed.extend(ann.accept(at as u64, piece).unwrap_or_default());
            }
            prop_assert_eq!(&keys[..typed.len()], &typed[..]);
            prop_assert_eq!(typists.come("ann").typed(), typed.len() as u64);
        }
    }

    #[test]
    fn each_counts_for_himself_and_only_who_is_away_is_forgotten() {
        let typists = Typists::default();
        let ann = typists.come("ann");
        for typist in [&ann, &typists.come("bob")] {
            typist.accept(0, Bytes::from_static(b"ls"));
        }
        assert_eq!((typists.come("bob").typed(), typists.come("eve").typed()), (2, 0));
        let others: Vec<_> = (0..MOST).map(|n| typists.come(&n.to_string()).typed()).collect();
        assert!(others.iter().all(|typed| *typed == 0));
        assert_eq!((typists.come("ann").typed(), typists.come("bob").typed()), (2, 0));
    }
}
