//! The life of findings, by function: since when, and until when.

use super::{
    audit::{AuditError, Flaws, Numbers, Summary, Written},
    store::{SEVERITIES, Store, StoreError, Value},
    verdict::Judge,
};
use std::collections::{BTreeMap, HashMap};

/// Flaw, level, severity.
type Bad = (i64, i64, Option<i64>);

/// Compares what is true of each function now with what was, and writes the difference.
pub(super) fn live(
    store: &mut Store,
    before: Option<i64>,
    judge: &Judge<'_>,
    of_artifact: &HashMap<i64, Vec<Written>>,
    flaws: &mut Flaws,
    names: &Numbers,
    summary: &mut Summary,
) -> Result<(), AuditError> {
    let mut functions: Vec<(i64, Option<i64>, Option<String>)> = Vec::new();
    let sql = "SELECT id, artifact_id, runtime, gone_run FROM function ORDER BY id";
    store.query(sql, &[], &mut |row| {
        // What is gone has nothing wrong with it any more.
        let gone = row.maybe_int(3)?.is_some();
        summary.functions += usize::from(!gone);
        let artifact = row.maybe_int(1)?.filter(|_| !gone);
        let runtime = row.maybe_text(2)?.filter(|_| !gone).map(str::to_owned);
        functions.push((row.int(0)?, artifact, runtime));
        Ok(())
    })?;
    let of_runtime = runtimes(store, judge, flaws, names, &functions)?;

    let mut open: Vec<(i64, Bad)> = Vec::new();
    let sql = "SELECT function_id, flaw_id, level, severity FROM finding WHERE fixed_run IS NULL \
               ORDER BY function_id, flaw_id";
    store.query(sql, &[], &mut |row| {
        open.push((row.int(0)?, (row.int(1)?, row.int(2)?, row.maybe_int(3)?)));
        Ok(())
    })?;

    let mut found = Vec::new();
    let mut at = 0;
    for (function, artifact, runtime) in &functions {
        let end = at + open[at..].iter().take_while(|(of, _)| of == function).count();
        let was = &open[at..end];
        at = end;
        let shipped = artifact.and_then(|a| of_artifact.get(&a)).into_iter().flatten();
        let deployed = runtime.as_ref().and_then(|r| of_runtime.get(r)).into_iter().flatten();
        let shipped = shipped.map(|(flaw, level, severity, _)| (*flaw, *level, *severity));
        let mut is: Vec<Bad> = deployed.copied().chain(shipped).collect();
        is.sort_by_key(|bad| bad.0);
        is.dedup_by_key(|bad| bad.0);
        for bad in &is {
            let flaw = bad.0;
            summary.open += 1;
            let word = bad.2.and_then(|s| SEVERITIES.get(usize::try_from(s).ok()?));
            *summary
                .by_severity
                .entry(word.copied().unwrap_or("unrated"))
                .or_default() += 1;
            let before = was.binary_search_by_key(&flaw, |(_, bad)| bad.0).ok();
            match before.and_then(|at| was.get(at)) {
                None => {
                    summary.new += 1;
                    found.extend([
                        Value::Int(*function),
                        Value::Int(flaw),
                        Value::Int(summary.run),
                        Value::Int(bad.1),
                        bad.2.into(),
                    ]);
                }
                Some((_, before)) if before != bad => {
                    let sql = "UPDATE finding SET level = $1, severity = $2 WHERE function_id = $3 AND flaw_id = $4 \
                               AND fixed_run IS NULL";
                    store.execute(sql, &[bad.1.into(), bad.2.into(), (*function).into(), flaw.into()])?;
                }
                Some(_) => {}
            }
        }
        let gone = |flaw: &i64| is.binary_search_by_key(flaw, |bad| bad.0).is_err();
        for flaw in was.iter().map(|(_, bad)| bad.0).filter(gone) {
            summary.fixed += 1;
            let sql = "UPDATE finding SET fixed_run = $1, last_run = $2 WHERE function_id = $3 AND flaw_id = $4 \
                       AND fixed_run IS NULL";
            store.execute(
                sql,
                &[summary.run.into(), before.into(), (*function).into(), flaw.into()],
            )?;
        }
    }
    store.insert(
        "finding (function_id, flaw_id, first_run, level, severity)",
        5,
        &found,
        "",
    )?;
    Ok(())
}

fn runtimes(
    store: &mut Store,
    judge: &Judge<'_>,
    flaws: &mut Flaws,
    names: &Numbers,
    functions: &[(i64, Option<i64>, Option<String>)],
) -> Result<BTreeMap<String, Vec<Bad>>, StoreError> {
    let mut all: BTreeMap<String, Vec<Bad>> = BTreeMap::new();
    for runtime in functions.iter().filter_map(|(_, _, runtime)| runtime.as_ref()) {
        if all.contains_key(runtime) {
            continue;
        }
        let mut bad = Vec::new();
        for verdict in judge.of_runtime(runtime) {
            bad.push((flaws.number(store, names, &verdict)?, verdict.level, verdict.severity));
        }
        all.insert(runtime.clone(), bad);
    }
    Ok(all)
}
