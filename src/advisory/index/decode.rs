//! Packed records into records.

use super::{
    cursor::Cursor,
    format::{ECOSYSTEMS, head, part, stock_summary},
    osv::{Affected, Affects, EcosystemSpecific, Package, Record},
    read::{IndexError, Seen, text},
};

type Result<T> = std::result::Result<T, IndexError>;

/// The ecosystem's code and the normalised name of a key.
pub(super) fn name(key: &[u8]) -> Result<(u8, &str)> {
    let (&ecosystem, name) = key.split_first().ok_or(IndexError::Malformed("an empty name"))?;
    ecosystem_name(ecosystem)?;
    Ok((ecosystem, text(name)?))
}

fn ecosystem_name(code: u8) -> Result<&'static str> {
    let name = ECOSYSTEMS.get(usize::from(code)).copied();
    name.ok_or(IndexError::Malformed("an ecosystem without a name"))
}

/// A record without its parts, from its key and what lies there under it.
pub(super) fn head(key: Vec<u8>, mut body: Cursor<'_>) -> Result<Record> {
    let flags = body.byte()?;
    let has = |flag: u8| flags & flag != 0;
    let mut record = Record {
        id: String::from_utf8(key).map_err(|_| IndexError::Malformed("text that is not UTF-8"))?,
        modified: body.time()?,
        ..Record::default()
    };
    if has(head::WITHDRAWN) {
        record.withdrawn = Some(body.time()?);
    }
    if has(head::ALIASES) {
        record.aliases = body.texts()?;
    }
    if has(head::SUMMARY) {
        body.text()?.clone_into(&mut record.summary);
    }
    if has(head::SEVERITY) {
        record.severity = body.severity()?;
    }
    if has(head::SPECIFIC) {
        record.database_specific = Some(body.specific()?);
    }
    if has(head::STOCK_SUMMARY) {
        if body.count()? == 0 {
            return Err(IndexError::Malformed("a summary without a package"));
        }
        let ecosystem = ecosystem_name(body.byte()?)?;
        record.summary = stock_summary(body.text()?, ecosystem);
    }
    Ok(record)
}

/// What can be said of a record without decoding it.
pub(super) fn seen<'b>(key: &[u8], body: &Cursor<'b>) -> Result<Seen<'b>> {
    let mut time = body.clone();
    let flags = time.byte()?;
    let packages = packages(body)?.into_iter();
    Ok(Seen {
        id: text(key)?.to_owned(),
        modified: time.time()?,
        withdrawn: flags & head::WITHDRAWN != 0,
        packages: packages
            .map(|(ecosystem, name)| Ok((ecosystem_name(ecosystem)?, name)))
            .collect::<Result<_>>()?,
    })
}

/// All of a record's head but the time of its last change.
pub(super) fn timeless(mut body: Cursor<'_>) -> Result<(u8, &[u8])> {
    let flags = body.byte()?;
    body.pass_time()?;
    Ok((flags, body.rest()))
}

/// The packages that a record is about.
pub(super) fn packages<'b>(body: &Cursor<'b>) -> Result<Vec<(u8, &'b str)>> {
    let mut body = body.clone();
    let flags = body.byte()?;
    let has = |flag: u8| flags & flag != 0;
    body.pass_time()?;
    if has(head::WITHDRAWN) {
        body.pass_time()?;
    }
    if has(head::ALIASES) {
        body.pass_texts()?;
    }
    if has(head::SUMMARY) {
        body.bytes()?;
    }
    if has(head::SEVERITY) {
        body.pass_severity()?;
    }
    if has(head::SPECIFIC) {
        body.pass_specific()?;
    }
    (0..body.count()?).map(|_| Ok((body.byte()?, body.text()?))).collect()
}

/// The parts of a record about one package; without the lists of versions, some of which name hundreds, unless `lists`.
pub(super) fn parts(
    mut cursor: Cursor<'_>,
    ecosystem: u8,
    name: &str,
    lists: bool,
    out: &mut Vec<Affected>,
) -> Result<()> {
    while !cursor.is_empty() {
        out.push(affected(&mut cursor, ecosystem, name, lists)?);
    }
    Ok(())
}

fn affected(cursor: &mut Cursor<'_>, ecosystem: u8, name: &str, lists: bool) -> Result<Affected> {
    let flags = cursor.byte()?;
    let has = |flag: u8| flags & flag != 0;
    let mut affected = Affected {
        package: Some(Package {
            ecosystem: ecosystem_name(ecosystem)?.to_owned(),
            name: name.to_owned(),
        }),
        ..Affected::default()
    };
    if has(part::VERSIONS) {
        let mut list = Cursor::new(cursor.bytes()?);
        while lists && !list.is_empty() {
            affected.versions.push(list.version()?.1.text().into_owned());
        }
    }
    if has(part::RANGES) {
        for _ in 0..cursor.count()? {
            affected.ranges.push(cursor.range()?);
        }
    }
    if has(part::SEVERITY) {
        affected.severity = cursor.severity()?;
    }
    if has(part::SPECIFIC) {
        affected.database_specific = Some(cursor.specific()?);
    }
    if has(part::AFFECTS) {
        let (arch, os, functions) = (cursor.texts()?, cursor.texts()?, cursor.texts()?);
        let affects = Some(Affects { arch, os, functions });
        affected.ecosystem_specific = Some(EcosystemSpecific { affects });
    }
    Ok(affected)
}
