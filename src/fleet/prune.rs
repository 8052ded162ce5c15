//! Forgets what nobody needs any more.

use super::store::{Store, StoreError, Value};

/// How much was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Functions that were gone.
    pub functions: u64,
    /// Findings that were fixed.
    pub findings: u64,
    /// Artifacts that no function ships or shipped.
    pub artifacts: u64,
    /// Runs of which nothing is left.
    pub runs: u64,
}

/// Artifacts that no function ships or shipped.
const UNUSED: &str = "(SELECT a.id FROM artifact a WHERE \
     NOT EXISTS (SELECT 1 FROM function f WHERE f.artifact_id = a.id) AND \
     NOT EXISTS (SELECT 1 FROM deployment d WHERE d.artifact_id = a.id))";

/// Forgets all that ended before a run: functions that were gone, findings that were fixed, artifacts that were replaced.
/// What is deployed, and what is wrong with it, stays, however old it is.
///
/// # Errors
/// When another run is at work, or the store cannot be written: then nothing is forgotten.
pub fn prune(store: &mut Store, before: i64, now: &str) -> Result<Pruned, StoreError> {
    store.abort_the_dead(now)?;
    let pruned = store.transaction(|store| {
        let mut running = false;
        store.query("SELECT id FROM run WHERE state = 'running'", &[], &mut |_| {
            running = true;
            Ok(())
        })?;
        // It holds numbers of names that would go.
        if running {
            return Err(StoreError::Busy(store.place().to_owned()));
        }
        let mut pruned = Pruned::default();
        let value = [Value::Int(before)];
        for sql in [
            "DELETE FROM finding WHERE function_id IN (SELECT id FROM function WHERE gone_run < $1)",
            "DELETE FROM deployment WHERE function_id IN (SELECT id FROM function WHERE gone_run < $1)",
        ] {
            store.execute(sql, &value)?;
        }
        pruned.functions = store.execute("DELETE FROM function WHERE gone_run < $1", &value)?;
        pruned.findings = store.execute("DELETE FROM finding WHERE fixed_run < $1", &value)?;
        store.execute("DELETE FROM deployment WHERE to_run < $1", &value)?;
        store.execute("DELETE FROM failure WHERE run_id < $1", &value)?;
        for table in ["component", "edge", "gap", "verdict", "doubt", "judged"] {
            store.execute(&format!("DELETE FROM {table} WHERE artifact_id IN {UNUSED}"), &[])?;
        }
        pruned.artifacts = store.execute(&format!("DELETE FROM artifact WHERE id IN {UNUSED}"), &[])?;
        for sql in [
            "DELETE FROM flaw WHERE NOT EXISTS (SELECT 1 FROM finding d WHERE d.flaw_id = flaw.id) \
             AND NOT EXISTS (SELECT 1 FROM verdict v WHERE v.flaw_id = flaw.id)",
            "DELETE FROM coordinate WHERE NOT EXISTS (SELECT 1 FROM component c WHERE c.coordinate_id = coordinate.id) \
             AND NOT EXISTS (SELECT 1 FROM flaw w WHERE w.coordinate_id = coordinate.id)",
        ] {
            store.execute(sql, &[])?;
        }
        // A run stays as long as something says that it was first seen then.
        let sql = "DELETE FROM run WHERE id < $1 \
                   AND NOT EXISTS (SELECT 1 FROM function f WHERE f.first_run = run.id) \
                   AND NOT EXISTS (SELECT 1 FROM deployment d WHERE d.from_run = run.id) \
                   AND NOT EXISTS (SELECT 1 FROM finding d WHERE d.first_run = run.id OR d.last_run = run.id) \
                   AND id <> (SELECT COALESCE(MAX(r.id), 0) FROM run r WHERE r.kind = 'audit' AND r.state = 'done')";
        pruned.runs = store.execute(sql, &value)?;
        Ok(pruned)
    })?;
    store.compact()?;
    Ok(pruned)
}
