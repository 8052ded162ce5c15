//! What a binary runs on, from its first bytes: some flaws exist on some systems only.

use crate::model::Fact;

/// The system and the processor, in Rust's names; what is not certain is left out.
///
/// An ELF file that names no system is taken for Linux's: functions run on nothing else, and others write their name
/// (`EI_OSABI`, System V ABI).
pub(in crate::detect) fn platform(bytes: &[u8]) -> Vec<Fact> {
    let u16_at = |at: usize| {
        bytes
            .get(at..at + 2)
            .and_then(|b| b.first_chunk())
            .map(|b| u16::from_le_bytes(*b))
    };
    let mut facts = Vec::new();
    let machine = if bytes.starts_with(b"\x7fELF") {
        if matches!(bytes.get(7), Some(0 | 3)) {
            facts.push(Fact::Os("linux"));
        }
        let little = bytes.get(5) == Some(&1);
        u16_at(18).filter(|_| little).and_then(|machine| match machine {
            3 => Some("x86"),
            40 => Some("arm"),
            62 => Some("x86_64"),
            183 => Some("aarch64"),
            _ => None,
        })
    } else if bytes.starts_with(b"MZ") {
        facts.push(Fact::Os("windows"));
        None
    } else {
        None
    };
    facts.extend(machine.map(Fact::Arch));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain() {
        let elf = |abi: u8, machine: u8| {
            let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
            bytes.resize(64, 0);
            (bytes[7], bytes[18]) = (abi, machine);
            bytes
        };
        for (bytes, expected) in [
            (elf(0, 62), vec![Fact::Os("linux"), Fact::Arch("x86_64")]),
            (elf(3, 183), vec![Fact::Os("linux"), Fact::Arch("aarch64")]),
            (elf(9, 62), vec![Fact::Arch("x86_64")]),
            (elf(0, 200), vec![Fact::Os("linux")]),
            (b"\x7fELF".to_vec(), vec![]),
            (b"MZ".to_vec(), vec![Fact::Os("windows")]),
            (b"\0asm".to_vec(), vec![]),
        ] {
            assert_eq!(platform(&bytes), expected);
        }
    }
}
