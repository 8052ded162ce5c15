//! A runtime for the libraries that have only an asynchronous face: object stores, the AWS SDK, the server. Everything else here
//! is synchronous, and stays so: a caller waits.

use std::{future::Future, sync::OnceLock};
use tokio::runtime::{Builder, Runtime};

/// Waits for something. Not to be called from within what is waited for.
pub(super) fn wait<F: Future>(what: F) -> F::Output {
    static SHARED: OnceLock<Runtime> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        // The waiting threads poll what they wait for themselves; this one looks after connections.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.unwrap_or_else(|e| panic!("no thread can be started: {e}"))
    });
    shared.block_on(what)
}
