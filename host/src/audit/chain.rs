//! How one entry follows from another; pure.

/// The hash before the first entry.
pub(super) const GENESIS: &str = "lockhouse";

/// What entries are written as now. Those of format 1 cover fewer fields.
pub(super) const FORMAT: i64 = 2;

/// By this a server says that the record is not as it left it.
pub(super) const BROKEN: &str = "audit.broken";

/// A place in the record: a number, and the hash of the entry that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub seq: i64,
    pub hash: String,
}

impl Mark {
    /// Before the first entry.
    pub(super) fn genesis() -> Self {
        Self { seq: 0, hash: GENESIS.to_owned() }
    }
}

/// An entry as it is written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    pub seq: i64,
    /// Which fields the hash covers: 1 for what has neither address, user agent
    /// nor duration, 2 for all.
    pub format: i64,
    pub id: String,
    pub phase: String,
    pub at_us: i64,
    pub actor: String,
    pub action: String,
    pub target: String,
    pub address: String,
    pub user_agent: String,
    pub duration_us: Option<i64>,
    pub request_id: String,
    pub outcome: String,
    pub previous: String,
    pub hash: String,
}

impl Record {
    /// What its hash must be; `None` for a format that nobody knows.
    pub fn expected_hash(&self) -> Option<String> {
        let at = self.at_us.to_string();
        let duration = self.duration_us.map(|us| us.to_string()).unwrap_or_default();
        let first = [
            self.id.as_str(),
            &self.phase,
            &at,
            &self.actor,
            &self.action,
            &self.target,
            &self.request_id,
            &self.outcome,
        ];
        match self.format {
            1 => Some(hash(&self.previous, self.seq, &first)),
            2 => {
                let more = [self.address.as_str(), &self.user_agent, &duration, "2"];
                Some(hash(&self.previous, self.seq, &[&first[..], &more[..]].concat()))
            }
            _ => None,
        }
    }

    /// Whether it is what comes after `last`.
    pub fn follows(&self, last: &Mark) -> bool {
        self.seq == last.seq + 1
            && self.previous == last.hash
            && self.expected_hash().as_ref() == Some(&self.hash)
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { seq: self.seq, hash: self.hash.clone() }
    }
}

/// BLAKE3 of the number and, each after its length, of the hash before and all
/// fields.
fn hash(previous: &str, seq: i64, fields: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seq.to_be_bytes());
    for field in [previous].iter().chain(fields) {
        hasher.update(&(field.len() as u64).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the first release wrote it.
    fn old() -> Record {
        let text = str::to_owned;
        Record {
            seq: 1,
            format: 1,
            id: text("e1"),
            phase: text("begun"),
            at_us: 5,
            actor: text("ada"),
            action: text("file.write"),
            target: text("project/lab/a"),
            request_id: text("r1"),
            previous: text(GENESIS),
            hash: text("773fc530da31bc06180214cc539939d8865cd2910d04955583bca912c2054157"),
            ..Record::default()
        }
    }

    #[test]
    fn an_entry_of_the_first_release_still_follows() {
        assert!(old().follows(&Mark::genesis()), "{:?}", old().expected_hash());
    }

    #[test]
    fn every_field_of_an_entry_counts() {
        let mut new = Record { format: FORMAT, ..old() };
        new.hash = new.expected_hash().unwrap();
        let changes: [fn(&mut Record); 6] = [
            |entry| entry.address = "10.0.0.1".to_owned(),
            |entry| entry.user_agent = "curl".to_owned(),
            |entry| entry.duration_us = Some(0),
            |entry| entry.outcome = "ok".to_owned(),
            |entry| entry.format = 1,
            |entry| entry.format = 3,
        ];
        assert!(new.follows(&Mark::genesis()));
        assert!(changes.iter().all(|change| {
            let mut changed = new.clone();
            change(&mut changed);
            !changed.follows(&Mark::genesis())
        }));
    }
}
