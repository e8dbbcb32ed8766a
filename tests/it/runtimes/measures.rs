//! What projects take on the disk is kept, and measured anew where it may have changed.

use lockhouse::runtimes::disk::kept::{After, Measured};

use super::{Keeper, Yard};

impl Keeper {
    async fn measured(&self) -> Measured {
        let mut page = self.runtimes.disk_measures(&After::default(), 9).await.unwrap();
        assert_eq!(page.len(), 1);
        page.remove(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_measured_and_the_measure_is_kept() {
    let yard = Yard::new().await;
    let keeper = yard.looks_only().await;
    assert_eq!((keeper.measured().await.bytes, keeper.measured().await.measured_at), (None, None));
    yard.fills(1 << 20);
    keeper.runtimes.measure_due().await.unwrap();
    let first = keeper.measured().await;
    assert!(first.bytes >= Some(1 << 20), "{first:?}");
    assert_eq!(first.measured_at, Some(yard.clock.now()));
    yard.passes(3_600);
    yard.fills(1 << 22);
    keeper.runtimes.measure_due().await.unwrap();
    assert_eq!(keeper.measured().await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_runs_is_measured_again_after_ten_minutes_and_others_after_a_day() {
    let yard = Yard::new().await;
    let keeper = yard.looks_only().await;
    keeper.runtimes.measure_due().await.unwrap();
    yard.passes(24 * 3_600 + 1);
    keeper.runtimes.measure_due().await.unwrap();
    assert_eq!(keeper.measured().await.measured_at, Some(yard.clock.now()));
    keeper.runs(&yard).await;
    yard.passes(601);
    keeper.runtimes.measure_due().await.unwrap();
    assert_eq!(keeper.measured().await.measured_at, Some(yard.clock.now()));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_together_is_told_without_looking_at_any() {
    let yard = Yard::new().await;
    let keeper = yard.looks_only().await;
    let before = keeper.runtimes.disk_total().await.unwrap();
    assert_eq!((before.projects, before.measured, before.bytes), (1, 0, 0));
    yard.fills(1 << 20);
    keeper.runtimes.measure_due().await.unwrap();
    let total = keeper.runtimes.disk_total().await.unwrap();
    assert_eq!((total.measured, Some(total.bytes)), (1, keeper.measured().await.bytes));
    let space = keeper.runtimes.space().await.unwrap();
    assert!(space.capacity_bytes >= space.free_bytes && space.capacity_bytes > 0);
}
