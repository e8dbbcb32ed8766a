//! An empty WASI, for components whose language cannot do without: no
//! arguments, environment, directories or sockets, and nothing to read. What
//! is printed goes to the operator's log, within the call's budget for it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::clocks::{WasiClocksCtxView, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::log::LogBudget;
use crate::plugins::fault::Identity;
use crate::plugins::instance::State;

/// Bytes of randomness that one question may ask for.
const MAX_RANDOM_BYTES: u64 = 64 * 1024;

/// Bytes that are printed at once.
const MAX_PRINTED_BYTES: usize = 64 * 1024;

/// For agents, whose waiting ends with their call.
pub(in crate::plugins) fn link_agents(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

/// For policies, which keep a thread while they wait: no longer than their
/// call lasts.
pub(in crate::plugins) fn link_policies(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<_, Hurry>(linker, |state: &mut State| Hurried {
        left: state.reach.until.saturating_duration_since(Instant::now()),
        clocks: state.clocks(),
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

impl WasiView for State {
    /// Most plugins never ask, so it is made for those that do.
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let printed = Printed { plugin: Arc::clone(&self.plugin), log: self.log.clone() };
        let ctx = self.wasi.get_or_insert_with(|| empty(printed));
        WasiCtxView { ctx, table: &mut self.table }
    }
}

/// Nothing but clocks, randomness and a place to print.
fn empty(printed: Printed) -> WasiCtx {
    WasiCtx::builder()
        .stdout(printed.clone())
        .stderr(printed)
        .max_random_size(MAX_RANDOM_BYTES)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

/// A clock by which nobody sleeps longer than the call lasts.
struct Hurry;

struct Hurried<'a> {
    clocks: WasiClocksCtxView<'a>,
    left: Duration,
}

impl HasData for Hurry {
    type Data<'a> = Hurried<'a>;
}

impl monotonic_clock::Host for Hurried<'_> {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        self.clocks.now()
    }

    fn resolution(&mut self) -> wasmtime::Result<monotonic_clock::Duration> {
        monotonic_clock::Host::resolution(&mut self.clocks)
    }

    fn subscribe_instant(
        &mut self,
        when: monotonic_clock::Instant,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        let now = self.clocks.now()?;
        self.subscribe_duration(when.saturating_sub(now))
    }

    fn subscribe_duration(
        &mut self,
        duration: monotonic_clock::Duration,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        let left = u64::try_from(self.left.as_nanos()).unwrap_or(u64::MAX);
        self.clocks.subscribe_duration(duration.min(left))
    }
}

/// Where a guest's standard output and error go.
#[derive(Debug, Clone)]
struct Printed {
    plugin: Arc<Identity>,
    log: LogBudget,
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    /// Of later versions of WASI, which are not linked.
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
}

#[async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

impl OutputStream for Printed {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        for line in String::from_utf8_lossy(&bytes).lines() {
            let Some(message) = self.log.take(line.to_owned()) else { break };
            tracing::info!(plugin = %self.plugin, message, "plugin");
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_PRINTED_BYTES)
    }
}
