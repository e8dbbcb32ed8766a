//! Room terminals: how many clients look at terminals at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Config, Error};
use crate::ids::{ProjectId, UserId};

/// Who looks, on this server. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    by_project: HashMap<ProjectId, usize>,
    by_user: HashMap<UserId, usize>,
}

/// One client's place; it is free again when this is dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Seats,
    project: ProjectId,
    user: UserId,
}

impl Seats {
    pub(super) fn take(
        &self,
        project: &ProjectId,
        user: &UserId,
        config: &Config,
    ) -> Result<Seat, Error> {
        let mut taken = self.taken();
        let of_project = taken.by_project.get(project).copied().unwrap_or(0);
        let of_user = taken.by_user.get(user).copied().unwrap_or(0);
        if of_project >= config.max_clients_per_project {
            return Err(Error::TooManyClients("this project", of_project));
        }
        if of_user >= config.max_clients_per_user {
            return Err(Error::TooManyClients("you", of_user));
        }
        taken.by_project.insert(project.clone(), of_project + 1);
        taken.by_user.insert(user.clone(), of_user + 1);
        metrics::gauge!("terminals_attached").increment(1.0);
        Ok(Seat { seats: self.clone(), project: project.clone(), user: user.clone() })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        free(&mut taken.by_project, &self.project);
        free(&mut taken.by_user, &self.user);
        metrics::gauge!("terminals_attached").decrement(1.0);
    }
}

fn free<K: Hash + Eq>(taken: &mut HashMap<K, usize>, who: &K) {
    if let Some(count) = taken.get_mut(who) {
        *count -= 1;
        if *count == 0 {
            taken.remove(who);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Config = Config {
        max_per_project: 1,
        max_clients_per_project: 2,
        max_clients_per_user: 3,
        heartbeat: 20,
    };

    #[test]
    fn a_project_has_so_many_clients_and_a_user_also() {
        let (seats, ada) = (Seats::default(), "ada".parse().unwrap());
        let [one, other] = [ProjectId::generate(), ProjectId::generate()];
        let take = |project| seats.take(project, &ada, &TWO);
        let held = [take(&one).unwrap(), take(&one).unwrap(), take(&other).unwrap()];
        assert!(matches!(take(&one), Err(Error::TooManyClients("this project", 2))));
        assert!(matches!(take(&other), Err(Error::TooManyClients("you", 3))));
        drop(held);
        assert!(take(&one).is_ok());
    }

    #[test]
    fn nothing_is_remembered_of_who_has_left() {
        let (seats, ada) = (Seats::default(), "ada".parse().unwrap());
        drop(seats.take(&ProjectId::generate(), &ada, &TWO));
        assert!(seats.taken().by_project.is_empty() && seats.taken().by_user.is_empty());
    }
}
